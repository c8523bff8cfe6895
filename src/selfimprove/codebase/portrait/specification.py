"""Specification: what the project is, how it is entered, what it offers and needs, as a page of Markdown."""

from __future__ import annotations

import posixpath
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from selfimprove.codebase.portrait.markup import (
    MARKER,
    about,
    code,
    codes,
    count,
    plain,
    size,
    size_order,
    table,
)
from selfimprove.codebase.portrait.public import is_private_module
from selfimprove.codebase.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.codebase.portrait.facts import Portrait
    from selfimprove.codebase.portrait.public import PublicModule, PublicName
    from selfimprove.codebase.portrait.stated import Entry

CHECKS = "## Tests and lint"
"""The heading of the section that only what knows the machine's programs can write."""

_MODULES, _NAMES, _METHODS, _PARTS, _ENTRIES, _NEEDS = 60, 16, 10, 30, 40, 40
_PURPOSES = {
    "test environments": ("tox.ini", "noxfile.py"),
    "tests": ("pytest.ini", "conftest.py", ".coveragerc", "jest.config.*", "vitest.config.*", "phpunit.xml*"),
    "lint": (
        *("ruff.toml", ".ruff.toml", ".flake8", ".pylintrc", "pylintrc", ".eslintrc*", "eslint.config.*"),
        *(".golangci.yml", ".golangci.yaml", "clippy.toml", ".rubocop.yml"),
    ),
    "types": ("mypy.ini", ".mypy.ini", "pyrightconfig.json", "tsconfig*.json"),
    "format": (".prettierrc*", ".editorconfig", "rustfmt.toml", ".clang-format", ".scalafmt.conf"),
    "continuous integration": (
        *(".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml", ".travis.yml"),
        *(".circleci/config.yml", "azure-pipelines.yml", "Jenkinsfile", "appveyor.yml"),
    ),
    "git hooks": (".pre-commit-config.yaml", "lefthook.yml", ".husky/*"),
    "containers": ("Dockerfile*", "compose*.y*ml", "docker-compose*.y*ml", ".dockerignore"),
    "documentation": (".readthedocs.y*ml", "mkdocs.yml", "docs/conf.py"),
    "settings": (".env.example", ".env.sample", "config.y*ml.example", "alembic.ini"),
    "updates of dependencies": (".github/dependabot.y*ml", "renovate.json*", ".github/renovate.json*"),
    "owners": ("CODEOWNERS",),
}
"""What a file is for, by globs of its name, or of its path where they have a stroke."""


def specification(portrait: Portrait) -> str:
    """Return the page; of a project that states nothing, what its files show."""
    parts = [
        f"{MARKER}\n# Specification of {plain(portrait.name)}\n",
        "## What it is\n",
        _identity(portrait),
        *_section("## Parts", _parts(portrait)),
        "## Languages\n",
        _languages(portrait),
        *_section("## Entry points", _entries(portrait)),
        *_section("## Public API", _api(portrait)),
        *_section("## Configuration", _configuration(portrait)),
        *_section("## Dependencies", _needs(portrait)),
        f"{CHECKS}\n",
        _checks(portrait),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def _section(title: str, body: str) -> tuple[str, ...]:
    return (f"{title}\n", body) if body else ()


def _identity(portrait: Portrait) -> str:
    rows: list[tuple[str, str, str]] = []
    for one in portrait.stated:
        if "/" in one.file:
            continue
        known = {title for title, _, _ in rows}
        rows += [(title, plain(value), code(one.file)) for title, value in one.facts if title not in known]
    if portrait.licence and not any(title == "Licence" for title, _, _ in rows):
        file, words = portrait.licence
        rows.append(("Licence", f"the file begins: {plain(words)}" if words else "an empty file", code(file)))
    if not rows:
        return "No manifest at the top of the repository says what this is.\n"
    return table(("Fact", "Value", "Stated in"), rows)


def _parts(portrait: Portrait) -> str:
    """Return the projects below the top, each with its own manifest: a monorepo."""
    rows = []
    for one in portrait.stated:
        facts = dict(one.facts)
        if "/" in one.file and "Name" in facts:
            rows.append((plain(facts["Name"]), code(one.file), plain(facts.get("Description", ""))))
    return _limited(("Name", "Manifest", "Description"), rows, _PARTS, "part")


def _limited(heads: Sequence[str], rows: Sequence[Sequence[str]], most: int, noun: str) -> str:
    if not rows:
        return ""
    more = f"\nAnd {count(len(rows) - most, f'more {noun}')}.\n" if len(rows) > most else ""
    return table(heads, rows[:most]) + more


def _languages(portrait: Portrait) -> str:
    files: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for one in portrait.outlines.values():
        name = one.language or "other"
        files[name] += 1
        lines[name] += one.lines
    if not files:
        return "There are no files.\n"
    order = sorted(files, key=lambda name: (name == "other", size_order(lines[name]), name))
    rows = [(name, about(files[name]), size(lines[name]) if name != "other" else "") for name in order]
    return _limited(("Language", "Files", "Lines"), rows, 15, "language")


def _entries(portrait: Portrait) -> str:
    stated = {
        (one.name, one.kind): one for found in reversed(portrait.stated) for one in reversed(found.entries)
    }
    rows = [_entry_row(entry) for entry in reversed(stated.values()) if entry.kind != "target"]
    rows += _targets(portrait)
    for path, one in portrait.outlines.items():
        if one.language != "python" or is_test(path):
            continue
        if posixpath.basename(path) == "__main__.py":
            package = portrait.places.name(path).removesuffix(".__main__")
            rows.append((code(f"python -m {package}"), "module", "", code(path)))
        elif one.main:
            rows.append((code(f"python {path}"), "script", plain(one.doc), code(path)))
    return _limited(("Call", "Kind", "What it runs", "Stated in"), rows, _ENTRIES, "entry point")


def _entry_row(entry: Entry) -> tuple[str, str, str, str]:
    name = f"npm run {entry.name}" if entry.kind == "npm script" else entry.name
    return code(name), plain(entry.kind), code(entry.runs) if entry.runs else "", code(entry.file)


def _targets(portrait: Portrait) -> list[tuple[str, str, str, str]]:
    """Return a row for the Makefile at the top; others have the targets of their own tools mostly."""
    rows = []
    for one in portrait.stated:
        names = [entry.name for entry in one.entries if entry.kind == "target"]
        if names and "/" not in one.file:
            more = f" and {len(names) - _NEEDS} more" if len(names) > _NEEDS else ""
            rows.append((code("make"), "targets", codes(names[:_NEEDS]) + more, code(one.file)))
    return rows


def _api(portrait: Portrait) -> str:
    """Return the public names: of every module where these are few, else of the packages' own fronts."""
    modules = sorted(portrait.public, key=_front)
    shown, folded = modules[:_MODULES], modules[_MODULES:]
    lines = [
        "By griffe's rules: what `__all__` lists; where there is none, what is defined in the module and has no "
        "leading underscore. In other languages what the language itself exports. Tests, documentation and "
        "examples are left out.\n"
    ]
    lines += [_module(one) for one in sorted(shown, key=lambda one: one.path)]
    if folded:
        by_folder = Counter(posixpath.dirname(one.path) or "." for one in folded)
        listed = ", ".join(f"{code(folder)} ({number})" for folder, number in sorted(by_folder.items())[:40])
        lines.append(f"Not shown: the public names of {count(len(folded), 'more module')}, in {listed}.\n")
    return "\n".join(lines) if modules else ""


def _front(one: PublicModule) -> tuple[bool, int, str]:
    """Sort packages before modules and the top before what is below it."""
    inner = not one.path.endswith("__init__.py") or is_private_module(one.path)
    return inner, one.path.count("/"), one.path


def _module(one: PublicModule) -> str:
    title = one.name if one.name != one.path else one.path
    said = f" {plain(one.doc)}" if one.doc else ""
    where = f" in {code(one.path)}." if title != one.path else "."
    lines = [f"### {code(title)}\n", f"{count(len(one.names), 'name')}{where}{said}\n"]
    lines += [_name(name) for name in one.names[:_NAMES]]
    if len(one.names) > _NAMES:
        rest = [name.name for name in one.names[_NAMES:]]
        more = f" and {len(rest) - _NEEDS} more" if len(rest) > _NEEDS else ""
        lines.append(f"- also {codes(rest[:_NEEDS])}{more}")
    return "\n".join(lines) + "\n"


def _name(name: PublicName) -> str:
    shown = name.methods[:_METHODS]
    more = f" and {len(name.methods) - len(shown)} more" if len(name.methods) > len(shown) else ""
    methods = f" Methods: {codes(shown)}{more}." if shown else ""
    head = f"class {name.signature}" if name.kind == "class" else name.signature
    said = f": {plain(name.doc)}" if name.doc else ""
    return f"- {code(head)}{said}{'.' if said and not said.endswith(('.', '!', '?', ':')) else ''}{methods}"


def _configuration(portrait: Portrait) -> str:
    rows = []
    for name in portrait.names:
        if name in portrait.outlines and not (is_test(name) and not name.endswith("conftest.py")):
            rows += [(code(name), what) for what, globs in _PURPOSES.items() if _is_one(name, globs)]
    return _limited(("File", "What for"), sorted(rows, key=lambda row: (row[1], row[0])), 40, "file")


def _is_one(path: str, globs: Sequence[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in glob else name, glob) for glob in globs)


def _needs(portrait: Portrait) -> str:
    rows = []
    seen: set[tuple[str, ...]] = set()
    for one in portrait.stated:
        for need in one.needs:
            if need.names in seen and "/" not in need.file:
                continue  # pyproject.toml, setup.py and requirements.txt may all say the same
            seen.add(need.names)
            more = f" and {len(need.names) - _NEEDS} more" if len(need.names) > _NEEDS else ""
            rows.append((plain(need.group), codes(need.names[:_NEEDS]) + more, code(need.file)))
    return _limited(("For", "Names", "Stated in"), rows, _PARTS, "group")


def _checks(portrait: Portrait) -> str:
    if not portrait.checks:
        return "No command that runs tests or a linter was found.\n"
    return table(("What", "How", "Known by"), [(plain(a), code(b), plain(c)) for a, b, c in portrait.checks])
