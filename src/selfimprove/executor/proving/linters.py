"""Finds the linters that the repository is set up for, and tells new messages from those that were there before.

mypy is one of them, where the repository configures it and the environment of its tests has it: it runs as the
configuration says (``files``, ``packages``, ``exclude``), else on the changed files that are no tests. Messages are
compared by file, code and words, without line numbers, and its notes do not count.
"""

from __future__ import annotations

import configparser
import dataclasses
import re
import shlex
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.commands import toml_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from selfimprove.tools.shell.mounts import View

_MESSAGE = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?[:\s]\s*(?P<what>\S.*)$")
_SETUP = ("setup.cfg", "tox.ini")
_LINE = re.compile(r"\bline \d+\b")
_MYPY = (
    "--no-pretty --hide-error-context --show-error-codes --no-error-summary --no-color-output "
    "--hide-column-numbers --hide-error-end"
)
_MYPY_FILES = ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg")
_TEST = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.pyi?$")
CACHE = "/run/selfimprove/types"
"""Where a type checker keeps what it knows from one command to the next, as the command sees it."""


class Linter(NamedTuple):
    """A linter: what shows that the repository uses it, which files it reads, and how it is called on them."""

    name: str
    signs: tuple[str, ...]
    table: str
    ends: tuple[str, ...]
    command: str


LINTERS = (
    Linter(
        *("ruff", ("ruff.toml", ".ruff.toml"), "ruff", (".py", ".pyi")),
        "check --no-cache --force-exclude --output-format concise --",
    ),
    Linter("flake8", (".flake8",), "flake8", (".py",), "--"),
    Linter(
        *("pylint", (".pylintrc", "pylintrc", "pylintrc.toml", ".pylintrc.toml"), "pylint", (".py",)),
        "--score=n --output-format=text --",
    ),
    Linter(
        "eslint",
        (
            *(f"eslint.config.{end}" for end in ("js", "mjs", "cjs", "ts")),
            *(f".eslintrc{end}" for end in ("", ".js", ".cjs", ".json", ".yml", ".yaml")),
        ),
        "",
        (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".vue"),
        "--",
    ),
    Linter("mypy", _MYPY_FILES[:2], "mypy", (".py", ".pyi"), _MYPY),
    Linter("clippy", ("clippy.toml", ".clippy.toml"), "", (".rs",), ""),
    Linter("vet", ("go.mod",), "", (".go",), ""),
)
_WHOLE = {
    "clippy": ("cargo", "clippy --offline --quiet --message-format short -- -D warnings"),
    "vet": ("go", "vet ./..."),
}
"""Linters that look at the whole project, by program and arguments."""


def lint_commands(
    root: Path,
    names: Sequence[str],
    changed: Sequence[str],
    program: Callable[[str], str | None],
    modules: Path | None = None,
) -> list[str]:
    """Return the commands that lint the changed files as the repository itself is set up, none where it is not.

    ``root`` is where the files are read, ``modules`` the folder in which node_modules stands where the commands run.
    """
    found = []
    for linter in LINTERS:
        files = [name for name in changed if name.endswith(linter.ends)]
        if not files or not _is_set_up(linter, root, names):
            continue
        if linter.name == "mypy":
            found += _typed(root, files, program)
            continue
        starter, arguments = _WHOLE.get(linter.name, (linter.name, f"{linter.command} {shlex.join(files)}"))
        own = (modules or root) / "node_modules" / ".bin" / starter
        if path := str(own) if own.exists() else program(starter):
            found.append(f"{shlex.quote(path)} {arguments}")
    return found


def linters_set_up(root: Path, names: Sequence[str]) -> list[str]:
    """Return the names of the linters that the repository at ``root`` with the files ``names`` is set up for."""
    return [linter.name for linter in LINTERS if _is_set_up(linter, root, names)]


def with_cache(command: str, view: View, *, shut_in: bool) -> tuple[str, View]:
    """Return what runs a type checker with its cache in the copy's record in git, which goes when the copy goes.

    ``shut_in`` tells that the command sees only what is mounted. Another command is returned as it is.
    """
    if CACHE not in command or view.git_dir is None:
        return command, view
    kept = view.git_dir / "selfimprove-types"
    kept.mkdir(exist_ok=True)
    if not shut_in:
        return command.replace(CACHE, shlex.quote(str(kept))), view
    return command, dataclasses.replace(view, binds=(*view.binds, (kept, CACHE, True)))


def messages(output: str) -> Counter[str]:
    """Return the messages of a linter's output, each with its file but without its line, and how often it stands."""
    from collections import Counter

    return Counter(key for line in output.splitlines() if (key := _key(line)))


def new_lines(now: str, before: str) -> list[str]:
    """Return the lines of ``now`` whose message is not among those of ``before``, each as often as it is new."""
    left = messages(before)
    found = []
    for line in now.splitlines():
        if key := _key(line):
            if left[key] > 0:
                left[key] -= 1
            else:
                found.append(line.strip())
    return found


def _key(line: str) -> str:
    """Return what stays of a message when lines move, "" for what is none, and for a note to one."""
    row = _MESSAGE.match(line.strip())
    if row is None or row["what"].startswith("note: "):
        return ""
    return f"{row['path']}: {_LINE.sub('line', row['what'])}"


def _typed(root: Path, files: Sequence[str], program: Callable[[str], str | None]) -> list[str]:
    """Return the command that checks types, none where mypy is not installed beside what runs the tests."""
    path = program("mypy")
    beside = {PurePosixPath(one).parent for name in ("python", "pytest") if (one := program(name))}
    if path is None or PurePosixPath(path).parent not in beside:
        return []
    table = _mypy_table(root)
    named = [_listed(table.get(key, ())) for key in ("files", "packages", "modules")]
    checked = _checked(files, named, table)
    if not checked:
        return []
    asked = "" if any(named) else f" -- {shlex.join(checked)}"
    return [f"MYPY_NUM_WORKERS=0 {shlex.quote(path)} {_MYPY} --cache-dir {CACHE}{asked}"]


def _checked(
    files: Sequence[str], named: Sequence[Sequence[str]], table: Mapping[str, object]
) -> Sequence[str]:
    """Return those of ``files`` that mypy may look at, by the files, packages and modules that its settings name.

    Any may be of a package or a module. Where nothing is named, tests are left out, and what is excluded.
    """
    own, *others = named
    if any(others):
        return files
    if own:
        return [name for name in files if any(_is_in(name, one) for one in own)]
    return [name for name in files if not _TEST.search(name) and not _is_excluded(name, table)]


def _mypy_table(root: Path) -> Mapping[str, object]:
    """Return mypy's settings for the whole project, from the first file that has some, as mypy looks for them."""
    for name in _MYPY_FILES:
        if name.endswith(".toml"):
            table = toml_of(root / name).get("tool", {}).get("mypy")
            if isinstance(table, dict):
                return table
        elif (root / name).is_file():
            parser = configparser.RawConfigParser(strict=False)
            try:
                parser.read(root / name, encoding="utf-8")
            except (configparser.Error, UnicodeDecodeError):
                return {}
            if parser.has_section("mypy"):
                return dict(parser.items("mypy"))
    return {}


def _listed(value: object) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return [one.strip() for one in parts if isinstance(one, str) and one.strip()]


def _is_in(name: str, place: str) -> bool:
    place = place.removeprefix("./").rstrip("/")
    return place in ("", ".") or name == place or name.startswith(f"{place}/") or fnmatch(name, place)


def _is_excluded(name: str, table: Mapping[str, object]) -> bool:
    value = table.get("exclude", ())
    patterns = [value] if isinstance(value, str) else _listed(value)
    try:
        return any(re.search(one, name) for one in patterns if one)
    except re.error:
        return False


def _is_set_up(linter: Linter, root: Path, names: Sequence[str]) -> bool:
    if any(sign in names for sign in linter.signs):
        return True
    if not linter.table:
        return False
    if linter.table in toml_of(root / "pyproject.toml").get("tool", {}):
        return True
    return any(name in names and _has_section(root / name, linter.table) for name in _SETUP)


def _has_section(path: Path, name: str) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(rf"^\[{name}\]|^\[{name}[.:]", text, re.MULTILINE) is not None
