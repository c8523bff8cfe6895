"""Limit: how long a line may be: as the project's own formatters and linters are told, else as the file keeps to."""

from __future__ import annotations

import configparser
import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.executor.refactor.source import Source

LENGTHS = (79, 88, 100, 110, 120)
"""Line lengths that projects choose; the shortest that nearly all lines keep to is taken as the file's."""
FORMATTED = 88
"""What ruff and black take where nothing is said."""
_ACROSS = (40, 400)
"""Numbers that can be meant as a length."""


def line_limit(source: Source) -> int:
    """Return how long lines may be that are written into the file.

    That is what the project says, else the least of LENGTHS that 99 of 100 lines keep to, else the greatest.
    """
    if source.limit:
        return source.limit
    lines = source.text.splitlines()
    allowed = len(lines) // 100
    for length in LENGTHS:
        if sum(len(line) > length for line in lines) <= allowed:
            return length
    return LENGTHS[-1]


def line_length(files: Mapping[str, bytes]) -> int:
    """Return how long the project of ``files`` (contents by path) lets lines be, 0 where it does not say.

    What its formatter writes comes first (ruff, black, yapf), then what a linter allows (flake8, pycodestyle,
    pylint), then .editorconfig. A formatter that is set up without a length has 88.
    """
    least, most = _ACROSS
    return next((found for found in _lengths(files) if least <= found <= most), 0)


def _lengths(files: Mapping[str, bytes]) -> Iterator[int]:
    tool = _toml(files.get("pyproject.toml")).get("tool", {})
    yield from _formatted(files, tool)
    for name, sections in _SECTIONS.items():
        parser = _ini(files.get(name))
        for section in sections:
            yield from _of_section(parser, section)
    for value in (tool.get("flake8"), tool.get("pylint", {}).get("format")):
        if isinstance(value, dict):
            yield from (_number(value[key]) for key in _KEYS if key in value)
    yield from _edited(files)


def _formatted(files: Mapping[str, bytes], tool: Mapping[str, Any]) -> Iterator[int]:
    """Yield the lengths that ruff and black are given, then their own if one of them formats the project."""
    tables = {"ruff": tool.get("ruff"), "black": tool.get("black")}
    for name in ("ruff.toml", ".ruff.toml"):
        if name in files:
            tables["ruff"] = _toml(files[name])
    for table in tables.values():
        if isinstance(table, dict) and "line-length" in table:
            yield _number(table["line-length"])
    if tables["black"] is not None or (isinstance(tables["ruff"], dict) and "format" in tables["ruff"]):
        yield FORMATTED


_KEYS = ("max-line-length", "max_line_length", "column_limit")
_LINTED = ("yapf", "flake8", "pycodestyle", "pep8", "pylint", "FORMAT", "MESSAGES CONTROL")
_SECTIONS = {
    ".style.yapf": ("style",),
    "setup.cfg": _LINTED,
    "tox.ini": _LINTED,
    ".flake8": _LINTED,
    ".pylintrc": _LINTED,
    "pylintrc": _LINTED,
}


def _edited(files: Mapping[str, bytes]) -> Iterator[int]:
    """Yield what .editorconfig says of Python files, then what it says of all."""
    parser = _ini(b"[top]\n" + files[".editorconfig"] if ".editorconfig" in files else None)
    for section in sorted(parser.sections(), key=lambda name: name == "*"):
        if section == "*" or re.search(r"\bpy\b", section):
            yield from _of_section(parser, section)


def _of_section(parser: configparser.RawConfigParser, section: str) -> Iterator[int]:
    """Return the lengths that a section gives, none where there is no such section."""
    return (_number(parser.get(section, key)) for key in _KEYS if parser.has_option(section, key))


def _ini(content: bytes | None) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string((content or b"").decode(errors="replace"))
    except configparser.Error:
        return configparser.RawConfigParser()
    return parser


def _toml(content: bytes | None) -> dict[str, Any]:
    try:
        return tomllib.loads((content or b"").decode(errors="replace"))
    except tomllib.TOMLDecodeError:
        return {}


def _number(value: object) -> int:
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.strip().isdigit() else 0
