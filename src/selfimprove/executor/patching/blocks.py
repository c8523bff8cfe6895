"""Reads search/replace blocks: what to find and what to put there, between lines of marks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.executor.patching.fences import fence
from selfimprove.executor.patching.marks import block_end, closing, divider, opening
from selfimprove.executor.patching.naming import Named, path_in
from selfimprove.executor.patching.script import CUT
from selfimprove.model.patch import Action, Edit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.script import Script

STYLE = "search_replace"
_LINES = re.compile(r"\(?(?:lines?|L)?\s*\d+(?:\s*[-–:]\s*\d+)?\)?$", re.IGNORECASE)


def starts(script: Script) -> bool:
    """True at the first line of a block, and at a divider or an end whose block has no first line."""
    line = script.line or ""
    if (begun := opening(line)) is not None:
        return not begun.rest or bool(path_in(begun.rest, script.known)) or _is_aside(begun.rest)
    return closing(line) > 0 and bool(re.search(r">>>>> ?(?:REPLACE|UPDATED)", line))


def read(script: Script) -> None:
    """Read the block at the present place, and what follows it without a first line of its own."""
    start = script.next
    begun = opening(script.lines[start])
    if begun is None:
        script.next += 1
        if script.offers:
            script.spoil("the end of a block stands here without its beginning", start)
        else:
            script.add(_broken(script, start, "the end of a block stands here without its beginning"))
        return
    if path := path_in(begun.rest, script.known):
        script.name(Named(path, 2))
    end = block_end(script.lines, start)
    if end < 0:
        script.next = _next_opening(script.lines, start + 1)
        mark = ">" * begun.width
        script.add(_broken(script, start, f"the block has no {mark} REPLACE: {CUT}"))
        return
    script.next = end + 1
    script.add(
        _block(script, start, begun.width, _without_indent(script.lines[start + 1 : end], begun.indent))
    )
    _read_chained(script, begun.width)


def _is_aside(rest: str) -> bool:
    return bool(_LINES.match(rest)) or not any(letter.isalnum() for letter in rest)


def _broken(script: Script, start: int, why: str) -> Edit:
    return Edit(script.path, Action.REPLACE, style=STYLE, at=script.at(start), broken=why)


def _next_opening(lines: Sequence[str], start: int) -> int:
    return next((index for index in range(start, len(lines)) if opening(lines[index])), len(lines))


def _block(script: Script, start: int, width: int, lines: list[str]) -> Edit:
    places = divisions(lines, width)
    if len(places) != 1:
        count = "no line" if not places else f"{len(places)} lines"
        why = (
            f"the block has {count} {'=' * width} between SEARCH and REPLACE; write one, and where the file itself "
            "has such a line, use marks of nine characters in that block"
        )
        return _broken(script, start, why)
    old, new = _without_fences(lines[: places[0]], lines[places[0] + 1 :], script.path)
    return Edit(script.path, Action.REPLACE, tuple(old), tuple(new), style=STYLE, at=script.at(start))


def divisions(lines: Sequence[str], width: int) -> list[int]:
    """Return the indexes of the lines that may divide a block whose marks have ``width`` characters.

    A line of exactly that width counts before one of another. Of several, those that underline a heading (the line
    above is no longer than they are) do not count when just one is left then.
    """
    found = [(index, divider(line)) for index, line in enumerate(lines) if "=====" in line]
    exact = [index for index, wide in found if wide == width]
    places = exact or [index for index, wide in found if wide]
    if len(places) > 1:
        plain = [index for index in places if not _underlines(lines, index)]
        if len(plain) == 1:
            return plain
    return places


def _underlines(lines: Sequence[str], index: int) -> bool:
    above = lines[index - 1] if index else ""
    return (
        bool(above.strip()) and not above[0].isspace() and len(above.rstrip()) <= len(lines[index].rstrip())
    )


def _without_indent(lines: Sequence[str], indent: str) -> list[str]:
    """Return ``lines`` without the blanks before a block's marks, when every line has them."""
    if indent and all(line.startswith(indent) or not line.strip() for line in lines):
        return [line[len(indent) :] for line in lines]
    return list(lines)


def _without_fences(old: list[str], new: list[str], path: str) -> tuple[list[str], list[str]]:
    """Return both parts without fences that stand around each of them, unless it is a file that has fences."""
    parts = [part for part in (old, new) if part]
    if not parts or path.lower().endswith((".md", ".rst", ".mdx", ".markdown", ".txt")):
        return old, new
    for part in parts:
        first, last = fence(part[0]), fence(part[-1])
        if len(part) < 2 or not first or not last or last[2] or first[1] != last[1]:
            return old, new
    return old[1:-1], new[1:-1]


def _read_chained(script: Script, width: int) -> None:
    """Read the blocks that follow at once and lack a first line: the lines up to a divider are what to find."""
    while (start := script.next) < len(script.lines):
        end = middle = -1
        for index in range(start, script.fence_end()):
            line = script.lines[index]
            if opening(line) or fence(line):
                return
            if divider(line) == width and middle < 0:
                middle = index
            elif closing(line) == width:
                end = index
                break
        if end < 0 or middle < 0:
            return
        old = _trimmed(script.lines[start:middle])
        new = script.lines[middle + 1 : end]
        script.next = end + 1
        broken = "" if old else "the block does not say what it replaces"
        edit = Edit(
            script.path,
            Action.REPLACE,
            tuple(old),
            tuple(new),
            style=STYLE,
            at=script.at(start),
            broken=broken,
        )
        script.add(edit)


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Return ``lines`` without the empty ones around them."""
    full = [index for index, line in enumerate(lines) if line.strip()]
    return list(lines[full[0] : full[-1] + 1]) if full else []
