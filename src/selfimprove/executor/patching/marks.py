"""The lines that stand around and between the parts of a search/replace block, and where a block ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.patching.cleaning import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPEN = re.compile(
    r"(?P<indent>[ \t]*+)(?P<mark><{5,12}+)[ \t]*+"
    r"(?:(?:SEARCH|ORIGINAL|HEAD|OLD|BEFORE|FIND|CURRENT)\b)?(?P<rest>[^<>=]{0,400})$",
    re.IGNORECASE,
)
_DIVIDER = re.compile(r"[ \t]*+(?P<mark>={5,12}+)[ \t:]*+$")
_CLOSE = re.compile(r"[ \t]*+(?P<mark>>{5,12}+)(?P<rest>[^<>]{0,200})$")
_CLOSING_WORD = re.compile(
    r"[ \t]*(?:(?:REPLACE|UPDATED?|NEW|AFTER|MODIFIED|CHANGED|END|REPLACEMENT)\b[ \t]*[:.]?"
    r"(?:[ \t]*(?:\(.*\)|#.*|//.*))?)?[ \t]*$",
    re.I,
)
_STROKES = re.compile(r"(?P<indent>[ \t]*+)(?P<mark>-{5,12}+(?=[ \t]?SEARCH\b)|\++(?=[ \t]?REPLACE\b))")


class Opening(NamedTuple):
    """The first line of a block: its indentation, how many marks it has, what follows its word, its word."""

    indent: str
    width: int
    rest: str
    foreign: bool


def opening(line: str) -> Opening | None:
    """Return what the line that begins a block says, ``None`` for another line."""
    line = _with_arrows(line)
    start = line.lstrip(" \t\u00a0\ufeff")
    if not start.startswith("<<<<<"):
        return None
    found = _OPEN.match(plain(line))
    if not found:
        return None
    rest = found["rest"].strip().strip(":").strip()
    return Opening(found["indent"], len(found["mark"]), rest, "HEAD" in line)


def _with_arrows(line: str) -> str:
    """Return a line with arrows for the strokes of ``------- SEARCH`` and ``+++++++ REPLACE``."""
    if not (" SEARCH" in line or " REPLACE" in line) or not (found := _STROKES.match(line)):
        return line
    mark = ("<" if found["mark"][0] == "-" else ">") * len(found["mark"])
    return found["indent"] + mark + line[found.end() :]


def divider(line: str) -> int:
    """Return how many marks a line has that divides a block, 0 for another line."""
    if "=====" not in line or len(line) > 200:
        return 0
    found = _DIVIDER.match(plain(line))
    return len(found["mark"]) if found else 0


def closing(line: str, foreign: bool = False) -> int:
    """Return how many marks a line has that ends a block, 0 for another line; with ``foreign`` any word may follow."""
    line = _with_arrows(line)
    if ">>>>>" not in line or len(line) > 400:
        return 0
    found = _CLOSE.match(plain(line))
    if not found or not (foreign or _CLOSING_WORD.match(found["rest"])):
        return 0
    return len(found["mark"])


def block_end(lines: Sequence[str], start: int) -> int:
    """Return the index of the line that ends the block which begins at ``start``, -1 when none does.

    A line with as many marks as the first is wanted; with another number it counts only when the next block
    begins, or the reply ends, before one with the right number comes.
    """
    begun = opening(lines[start])
    if begun is None:
        return -1
    other = -1
    for index in range(start + 1, len(lines)):
        if width := closing(lines[index], begun.foreign):
            if width == begun.width:
                return index
            # Fewer marks and no word may be the beginning of the line that was meant.
            sure = width > begun.width or any(letter.isalpha() for letter in lines[index])
            other = index if other < 0 and sure else other
        elif (again := opening(lines[index])) and again.width == begun.width:
            break
    return other
