"""Finds the target's own test commands in what the repository holds: a table of runners and their signs."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.toxfile import chosen_by_tox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_SUMS_UP = re.compile(
    r"\b\d+ (passed|failed|errors?|skipped)\b|^Ran \d+ tests?|^(OK|FAILED)\b|^All checks passed|^Found \d+ error"
)
_PYTHON_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test|tests)\.py$")
_PYTEST_SIGNS = ("pytest.ini", "conftest.py", "tests/conftest.py", "pytest.toml")
_ASKS_PYTEST = re.compile(r"(^|[\s/;&|])(pytest|py\.test)(?=$|[\s;&|])|-m\s+pytest\b")
_NO_TESTS_IN_NPM = "no test specified"


@dataclass(frozen=True, slots=True)
class Suite:
    """How tests are run: a shell ``command`` in ``folder`` (relative to the repository's top).

    ``kind`` says how its results are read; ``own`` that we made the command, so that names of files may be
    added to it, unless ``chosen``: it names some already. ``note`` is a word for the person. ``lacks`` names what
    it needs and what was not found.
    """

    command: str
    kind: str = "other"
    folder: str = "."
    own: bool = False
    chosen: bool = False
    note: str = ""
    lacks: str = ""


class Finds(NamedTuple):
    """How programs of the target are found: an interpreter that can import a module, and a program by name."""

    python: Callable[[str], str | None]
    program: Callable[[str], str | None]


def configured(command: str) -> Suite:
    """Return the suite of a command that a person wrote down."""
    if _ASKS_PYTEST.search(command):
        return Suite(command, "pytest")
    if re.search(r"-m\s+unittest\b", command):
        return Suite(command, "unittest")
    if re.search(r"\bgo test\b.*-json\b", command):
        return Suite(command, "go")
    return Suite(command, "cargo" if re.search(r"\bcargo (test|t)\b", command) else "script")


def find_suite(root: Path, names: Sequence[str], near: Sequence[str], finds: Finds) -> Suite | None:
    """Return how the tests of the repository at ``root`` are run, ``None`` when it has none.

    ``names`` are its files. Where its top folder has no tests, the project folder around ``near`` (changed
    files) counts.
    """
    lacking = None
    for folder in ("", *_folders_of(near)):
        inside = [name.removeprefix(folder) for name in names if name.startswith(folder)]
        place = root / folder
        for find in _RUNNERS:
            if suite := find(place, inside, finds):
                suite = replace(suite, folder=folder.rstrip("/") or ".", own=not suite.chosen)
                if not suite.lacks:
                    return suite
                lacking = lacking or suite
    return lacking


def wants_pytest(root: Path, names: Sequence[str]) -> bool:
    """True when the repository has tests for pytest, so that a missing pytest is worth a word."""
    return any(sign in names for sign in _PYTEST_SIGNS) or "pytest" in toml_of(root / "pyproject.toml").get(
        "tool", {}
    )


def last_words(output: str) -> str:
    """Return the line of a runner's output that sums it up, cut to 100 characters."""
    lines = [line.strip(" =") for line in output.splitlines() if line.strip(" =")]
    for line in reversed(lines[-40:]):
        if _SUMS_UP.search(line):
            return line[:100]
    return lines[-1][:100] if lines else ""


def _folders_of(near: Sequence[str]) -> list[str]:
    """Return the folders around the files, each with a slash, the innermost first."""
    found = {
        f"{parent}/": len(parent.parts)
        for name in near
        for parent in PurePosixPath(name).parents
        if parent.parts
    }
    return sorted(found, key=lambda folder: (-found[folder], folder))


def _python(root: Path, names: Sequence[str], finds: Finds) -> Suite | None:
    """Find pytest where it is installed, else unittest for tests that it can find; then tox and nox."""
    tests = [name for name in names if _PYTHON_TEST.search(name)]
    if not tests:
        return None
    if interpreter := finds.python("pytest"):
        chosen = chosen_by_tox(root, _text(root / "tox.ini")) if "tox.ini" in names else ""
        return Suite(
            f"{shlex.quote(interpreter)} -m pytest -q {chosen}".rstrip(), "pytest", chosen=bool(chosen)
        )
    if not wants_pytest(root, names) and (interpreter := finds.python("unittest")):
        return Suite(
            f"{shlex.quote(interpreter)} -m unittest discover{_start_folder(tests, names)}", "unittest"
        )
    for sign, program, command in (("tox.ini", "tox", "run"), ("noxfile.py", "nox", "-R")):
        if sign in names and (found := finds.program(program)):
            note = f"{program} makes its environments from the network: without one it may fail"
            return Suite(f"{shlex.quote(found)} {command}", "pytest", note=note)
    if wants_pytest(root, names):
        return Suite("python -m pytest", "pytest", lacks="a Python with pytest")
    return Suite("python -m unittest", "unittest", lacks="a Python")


def _npm(root: Path, names: Sequence[str], finds: Finds) -> Suite | None:
    if "package.json" not in names:
        return None
    try:
        script = json.loads((root / "package.json").read_text(encoding="utf-8", errors="replace"))["scripts"][
            "test"
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(script, str) or _NO_TESTS_IN_NPM in script:
        return None
    locks = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lockb": "bun", "bun.lock": "bun"}
    manager = next((name for lock, name in locks.items() if lock in names and finds.program(name)), "npm")
    start = {"npm": "npm test --silent", "pnpm": "pnpm test --silent", "yarn": "yarn test"}
    more = next((words for pattern, words in _TELL_MORE if pattern.search(script)), "")
    # npm hands on to the script only what stands behind two dashes.
    more = f" --{more}" if more and manager == "npm" else more
    command = f"{start.get(manager, 'bun run test')}{more}"
    return Suite(command, "script", lacks="" if finds.program(manager) else manager)


# What lets a runner name every test and not only files, where the script ends with it.
_TELL_MORE = (
    (re.compile(r"(^|[\s/])jest\b(?!.*--(json|silent|reporters|verbose))[^;&|]*$"), " --verbose"),
    (re.compile(r"(^|[\s/])vitest\b(?!.*--reporter)[^;&|]*$"), " --reporter=verbose"),
)
_TARGET = re.compile(r"^(test|check)\s*:(?!=)", re.MULTILINE)
_RECIPE = re.compile(r"^test\b[^:\n]*:(?!=)", re.MULTILINE)


def _make(root: Path, names: Sequence[str], finds: Finds) -> Suite | None:
    for sign in ("GNUmakefile", "makefile", "Makefile"):
        if sign in names and (found := _TARGET.search(_text(root / sign))):
            return _needing("make", f"make {found[1]}", "script", finds)
    for sign in ("justfile", "Justfile", ".justfile"):
        if sign in names and _RECIPE.search(_text(root / sign)):
            return _needing("just", "just test", "script", finds)
    return None


def _by_sign(_root: Path, names: Sequence[str], finds: Finds) -> Suite | None:
    """Find the runners that one file at the top gives away."""
    for sign, needs, command, kind in _SIGNS:
        pattern = re.compile(sign)
        if any(pattern.fullmatch(name) for name in names) and (
            not needs or any(re.search(needs, n) for n in names)
        ):
            return _needing(command.partition(" ")[0], command, kind, finds)
    return None


def _needing(program: str, command: str, kind: str, finds: Finds) -> Suite:
    """Return the suite; a ``program`` with a folder is the project's own, another one must be found."""
    return Suite(command, kind, lacks="" if "/" in program or finds.program(program) else program)


# A file at the top, a file that must be somewhere, the command, and how its results are read.
_SIGNS = (
    (r"Cargo\.toml", "", "cargo test --offline --no-fail-fast", "cargo"),
    (r"go\.mod|go\.work", "", "go test -json ./...", "go"),
    (r"gradlew", "", "./gradlew --offline test --continue", "junit"),
    (r"build\.gradle(\.kts)?", "", "gradle --offline test --continue", "junit"),
    (r"mvnw", "", "./mvnw -o -q test -fae", "junit"),
    (r"pom\.xml", "", "mvn -o -q test -fae", "junit"),
    (r"[^/]+\.(sln|csproj|fsproj)", "", "dotnet test --no-restore", "other"),
    (r"mix\.exs", r"_test\.exs$", "mix test", "other"),
    (r"phpunit\.xml(\.dist)?", "", "vendor/bin/phpunit", "other"),
    (r"\.rspec", "", "bundle exec rspec", "other"),
    (r"Rakefile", r"_(test|spec)\.rb$", "rake test", "other"),
)
_RUNNERS = (_python, _npm, _by_sign, _make)


def _start_folder(tests: Sequence[str], names: Sequence[str]) -> str:
    """Return the options that lead unittest to tests that all lie below one folder of the top level."""
    folders = {name.partition("/")[0] for name in tests}
    if len(folders) != 1 or not all("/" in name for name in tests):
        return ""
    folder = folders.pop()
    # With -t the folder must be a package, without it its modules are imported by their bare names.
    return f" -s {shlex.quote(folder)}" + (" -t ." if f"{folder}/__init__.py" in names else "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def toml_of(path: Path) -> dict[str, dict[str, object]]:
    """Return what a TOML file holds, empty where there is none or where it is not TOML."""
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}
