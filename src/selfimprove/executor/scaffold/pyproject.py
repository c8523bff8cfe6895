"""Pyproject: puts parts into a pyproject.toml without changing a byte of what stands there, and proves that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.project.manifest import table, toml
from selfimprove.codebase.project.pyparts import missing_parts, package_data
from selfimprove.errors import PatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.codebase.project.facts import Facts
    from selfimprove.codebase.project.pyparts import Part

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PATH = "pyproject.toml"


def completed(facts: Facts) -> str:
    """Return pyproject.toml with what it lacks. Raises PatchError when it lacks nothing, or is not valid TOML."""
    return with_parts(_text(facts), missing_parts(facts))


def with_package_data(facts: Facts) -> str:
    """Return pyproject.toml with the part that carries ``py.typed`` into the wheel."""
    return with_parts(_text(facts), package_data(facts))


def _text(facts: Facts) -> str:
    text = facts.read(_PATH) if facts.has(_PATH) else ""
    if "\ufffd" in text or (facts.has(_PATH) and not text):
        raise PatchError(f"{_PATH} is empty, too large or not in UTF-8", where=_PATH, hint="mend it first")
    return text


def with_parts(text: str, parts: Sequence[Part]) -> str:
    """Return ``text`` with each part added where it belongs.

    Raises PatchError when the result would not say exactly what the text says now and the parts.
    """
    if not parts:
        raise PatchError("there is nothing to add", where=_PATH)
    before = toml(text)
    if text.strip() and not before:
        raise PatchError(f"{_PATH} is not valid TOML", where=_PATH, hint="mend it first")
    wanted, made = before, text
    for part in parts:
        made = _with(made, part)
        wanted = _merged(wanted, part.table.split("."), part.key, toml(f"it = {part.value}")["it"])
    if toml(made) != wanted:
        raise PatchError(
            f"no place was found in {_PATH} for {', '.join(part.key for part in parts)}", where=_PATH
        )
    return made


def _with(text: str, part: Part) -> str:
    """Return the text with one part: behind the last key of its table, else in a table of its own at the end."""
    end = "\r\n" if "\r\n" in text else "\n"
    key = part.key if _BARE.fullmatch(part.key) else f'"{part.key}"'
    line = f"{key} = {part.value}{end}"
    lines = text.splitlines(keepends=True)
    header = re.compile(rf"^\s*\[\s*{re.escape(part.table)}\s*\]\s*(#.*)?$")
    starts = [at for at, one in enumerate(lines) if header.match(one.rstrip("\r\n"))]
    for start in starts[:1]:
        at = _end_of_table(lines, start)
        if at and not lines[at - 1].endswith("\n"):
            lines[at - 1] += end
        return "".join([*lines[:at], line, *lines[at:]])
    body = text if not text or text.endswith("\n") else text + end
    gap = "" if not body.strip() or body.endswith(end * 2) else end
    return f"{body}{gap}[{part.table}]{end}{line}"


def _end_of_table(lines: Sequence[str], start: int) -> int:
    """Return the number of the line behind the last one that belongs to the table at ``start``.

    A line in a text or list over several lines that looks like a header is told from one by what the lines before
    it say: TOML that ends in the middle of a value is not valid.
    """
    at = start + 1
    for number in range(start + 1, len(lines) + 1):
        ends = number == len(lines) or lines[number].lstrip().startswith("[")
        if ends and _is_valid("".join(lines[:number])):
            at = number
            break
    while at > start + 1 and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith("#")):
        at -= 1
    return at


def _is_valid(text: str) -> bool:
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _merged(data: dict[str, Any], tables: Sequence[str], key: str, value: Any) -> dict[str, Any]:
    if not tables:
        return {**data, key: value}
    inner = table(data, tables[0])
    return {**data, tables[0]: _merged(inner, tables[1:], key, value)}
