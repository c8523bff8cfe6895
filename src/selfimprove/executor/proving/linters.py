"""Finds the linters that the repository is set up for, and tells new messages from those that were there before."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.commands import toml_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from pathlib import Path

_MESSAGE = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?[:\s]\s*(?P<what>\S.*)$")
_SETUP = ("setup.cfg", "tox.ini")


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
        starter, arguments = _WHOLE.get(linter.name, (linter.name, f"{linter.command} {shlex.join(files)}"))
        own = (modules or root) / "node_modules" / ".bin" / starter
        if path := str(own) if own.exists() else program(starter):
            found.append(f"{shlex.quote(path)} {arguments}")
    return found


def messages(output: str) -> Counter[str]:
    """Return the messages of a linter's output, each with its file but without its line, and how often it stands."""
    from collections import Counter

    rows = (_MESSAGE.match(line.strip()) for line in output.splitlines())
    return Counter(f"{row['path']}: {row['what']}" for row in rows if row)


def new_lines(now: str, before: str) -> list[str]:
    """Return the lines of ``now`` whose message is not among those of ``before``, each as often as it is new."""
    left = messages(before)
    found = []
    for line in now.splitlines():
        if row := _MESSAGE.match(line.strip()):
            key = f"{row['path']}: {row['what']}"
            if left[key] > 0:
                left[key] -= 1
            else:
                found.append(line.strip())
    return found


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
