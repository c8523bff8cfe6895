"""Finds out in which way the characters of a reply's lines were spoilt: HTML escapes, typography, trailing blanks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.executor.patching.likeness import FAMILIES, fold, unescape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.place import Book

Pairs = list[tuple[str, str]]
"""Lines of the reply, each with the file's line that it met."""

_ESCAPES = re.compile(r"&(?:lt|gt|amp|quot|#0?39|#x27|#34);")
_RAW = re.compile(r"[<>&]")


class Unsure(Exception):
    """The edit has its place, but not everything that it would write is certain; the text says why."""


def escapes_only(met: Pairs, new: Sequence[str], book: Book) -> bool:
    """True when the new lines have HTML's escapes, but none of the characters, and the file knows no escapes.

    Raises Unsure when the file does know them.
    """
    known = {one for one, _ in met}
    text = "\n".join(line for line in new if line not in known)
    if not _ESCAPES.search(text) or _RAW.search(_ESCAPES.sub("", text)):
        return False
    if any(_RAW.search(one) for one, other in met if one.strip() == other.strip()):
        return False
    if any(_ESCAPES.search(line) for line in book.lines):
        raise Unsure("whether its new lines are written with HTML escapes (&lt;) or mean them is not certain")
    return True


def escaped(one: str, other: str) -> bool:
    """True when the reply's line is the file's with HTML's escapes."""
    if "&" not in one or one.strip() == other.strip():
        return False
    return fold(one).strip() != fold(other).strip() == fold(unescape(one)).strip()


def typography(met: Pairs, book: Book) -> dict[int, str]:
    """Return what the reply's typographic characters have to become, by the kinds that it put in."""
    odd = [(one, other) for one, other in met if not (one.isascii() and other.isascii())]
    added, unseen = _kinds(odd, book)
    if not added:
        return {}
    table = {ord(char): plain for family in (*added, *unseen) for char, plain in family.items()}
    return table | {ord(dash): _dash(dash, odd, table) for dash in "\u2013\u2014"}


def _kinds(met: Pairs, book: Book) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the kinds that the reply put in where the file has none, and those that are nowhere in sight."""
    added, unseen = [], []
    for family in FAMILIES.values():
        counts = [[sum(line.count(char) for char in family) for line in pair] for pair in met]
        more = any(here > there for here, there in counts)
        if any(0 < here <= there for here, there in counts):
            continue
        if more:
            added.append(family)
        elif not book.typographic.intersection(family):
            unseen.append(family)
    return added, unseen


def _dash(dash: str, met: Sequence[tuple[str, str]], table: dict[int, str]) -> str:
    """Return what a dash stands for: what makes the lines met equal, else as word processors do."""
    usual = table.get(ord(dash), dash)
    seen = [(one, other) for one, other in met if dash in one]
    for plain in (usual, "-", "--", "---"):
        trial = table | {ord(dash): plain}
        if seen and all(one.translate(trial).strip() == other.strip() for one, other in seen):
            return plain
    return usual


def without_tails(met: Sequence[tuple[str, str]], lines: Sequence[str]) -> list[str]:
    """Take off the blanks that the reply put at the ends of its lines, and only those."""
    if not any(_tail(one) and not _tail(other) for one, other in met):
        return list(lines)
    added = {_tail(one) for one, other in met if other.strip()}
    if len(added) == 1 and (tail := added.pop()):
        return [line.removesuffix(tail) if line.strip() else "" for line in lines]
    return [line.rstrip() for line in lines]


def _tail(line: str) -> str:
    """Return the blanks at the end of a line."""
    return line[len(line.rstrip()) :]
