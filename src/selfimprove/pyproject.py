"""Pyproject: the settings that stand in pyproject.toml below `[tool.selfimprove]`."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.errors import ConfigError
from selfimprove.readfile import read_file
from selfimprove.settings import WRAPPER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

NAME = "pyproject.toml"
TABLE = ("tool", WRAPPER)
_LIMIT = 10_000_000  # bytes


class PyProject(NamedTuple):
    """``[tool.selfimprove]`` of a pyproject.toml: ``settings`` are its keys, ``text`` is the whole file."""

    path: Path
    text: str
    settings: Mapping[str, Any]
    example: str = "write `[tool.selfimprove.{section}]` and `key = value` lines below it"

    def where(self, keys: Sequence[str]) -> str:
        """Return ``pyproject.toml:line`` of a setting, or of the nearest place above it."""
        wanted = (*TABLE, *keys)
        best, line = 0, 1
        for number, key in _keys(self.text):
            depth = len(key)
            if best < depth <= len(wanted) and key == wanted[:depth]:
                best, line = depth, number
        return f"{NAME}:{line}"


def find_pyproject(root: Path) -> PyProject | None:
    """Return the settings in ``root``'s pyproject.toml, or None when there are none.

    A file that does not name us is not looked into, however broken it is. Raises ``ConfigError`` with the
    line when it names us and is no TOML, or when ``tool.selfimprove`` is no table.
    """
    try:
        data = read_file(root / NAME, NAME, ConfigError, limit=_LIMIT)
    except FileNotFoundError:
        return None
    if WRAPPER.encode() not in data or not _ours().search(data):
        return None
    import tomllib

    try:
        # tomllib reads CRLF as line ends in values too; a lone CR is no TOML, and it says so.
        text = data.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise ConfigError(f"{NAME} is not UTF-8", where=f"{NAME}:{line}", hint="save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise _not_toml(problem, data) from None
    tool = document.get("tool")
    settings = tool.get(WRAPPER) if isinstance(tool, dict) else None
    if settings is None:
        return None
    found = PyProject(root / NAME, text, settings)
    if not isinstance(settings, dict):
        raise ConfigError(
            "tool.selfimprove is not a table", where=found.where(()), hint="write `[tool.selfimprove]`"
        )
    return found


@cache
def _ours() -> re.Pattern[bytes]:
    """Return what tells a file that names us: loading a TOML parser costs time, and most files do not.

    `[tool]` with `selfimprove.x = 1` below it is ours as well as `[tool.selfimprove]`.
    """
    return re.compile(
        rb"""(?m)tool["']?\s*\.\s*["']?selfimprove\b|^\s*(?:tool\s*=.*)?["']?selfimprove["']?\s*[.=]"""
    )


def _not_toml(problem: Exception, data: bytes) -> ConfigError:
    said = re.fullmatch(r"(.*?) \(at (?:line (\d+), column \d+|end of document)\)", str(problem), re.DOTALL)
    reason = said[1] if said else "it is nested too deeply"
    line = int(said[2]) if said and said[2] else data.rstrip().count(b"\n") + 1
    hint = "mend this line: pip and other tools read the file too"
    return ConfigError(
        f"{NAME} is not TOML: {reason[:1].lower()}{reason[1:]}", where=f"{NAME}:{line}", hint=hint
    )


def _keys(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield line number and full key of each table header and each `key = value` line."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.strip()
        if bare.startswith("["):
            table = _dotted(bare.lstrip("["))
            yield number, table
        elif bare and not bare.startswith("#"):
            yield number, table + _dotted(bare)


def _dotted(text: str) -> tuple[str, ...]:
    """Return the parts of the dotted key at the start of ``text``."""
    parts, at = [], 0
    part = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*""")  # re keeps it
    while match := part.match(text, at):
        parts.append(next(group for group in match.groups() if group is not None))
        at = match.end() + 1
        if text[match.end() : at] != ".":
            break
    return tuple(parts)
