"""The ways in which an edit's lines can be read: as they are, without line numbers, with parts left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING

from selfimprove.executor.patching.adapt import Step, steps
from selfimprove.executor.patching.elision import is_elision, parts
from selfimprove.executor.patching.hints import between, body_end
from selfimprove.executor.patching.likeness import indent_of
from selfimprove.executor.patching.place import Place, blanks_met, places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.place import Book
    from selfimprove.model.patch import Edit

_NUMBERED = re.compile(
    r"\s*(?P<number>\d{1,6})(?:(?P<sign> {0,2}[:|\u2502\u2192]|\t)(?P<rest>.*)|\s*)$", re.DOTALL
)
_REMARK = re.compile(r"\s*(?:#|//|/\*|<!--|--|;|%)\s*\w")
_COMBINATIONS = 64
"""Ways to put the parts of a text with elisions together that are looked at."""


@dataclass(frozen=True)
class Reading:
    """An edit as it is read: its lines, what it does to them, and where they may stand."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    script: tuple[Step, ...]
    places: tuple[Place, ...]
    line: int = 0


def read(edit: Edit, book: Book) -> Reading:
    """Return the first reading of an edit under which its old lines stand somewhere; the last one if none does."""
    edit = _with_marks(edit, book) or edit
    old, new = (tuple(line.rstrip("\r") for line in lines) for lines in (edit.old, edit.new))
    found = tuple(places(old, book))
    line = 0
    if not found and any(map(is_elision, old)):
        found = tuple(_with_gaps(old, book))
    if not found and (plain := _by_numbers(old, new, book)):
        old, new, line, found = plain
    exact = bool(found) and found[0].how == "exact"
    script = tuple(steps(old, new, edit.marks, exact=exact))
    if not found and (found := tuple(_without_remarks(old, script, book))):
        script = tuple(steps(old, new, edit.marks, exact=False))
    return Reading(old, new, script, found, line)


def _with_marks(edit: Edit, book: Book) -> Edit | None:
    """Return a hunk whose lines that stay have lost the blank before them, with that blank; None for another one.

    What is left of such a line may look as if it were taken away (an underline of dashes, a list's item), or as
    if it stood one column further out. It is one only if then all lines that stay or go are lines of the file.
    """
    have = book.bare
    if not edit.marks or not any(line.strip() and line.rstrip() not in have for line in edit.old):
        return None
    old, new, marks = list[str](), list[str](), ""
    left, right = iter(edit.old), iter(edit.new)
    for mark in edit.marks:
        line = next(right) if mark == "+" else next(left)
        if mark == " ":
            next(right)
        known = mark == "+" or not line.strip() or line.rstrip() in have
        if not known and f"{mark}{line}".rstrip() not in have:
            return None
        text, now = (line, mark) if known else (f"{mark}{line}", " ")
        old += [text] if now != "+" else []
        new += [text] if now != "-" else []
        marks += now
    return replace(edit, old=tuple(old), new=tuple(new), marks=marks)


def _without_remarks(old: Sequence[str], script: Sequence[Step], book: Book) -> list[Place]:
    """Return the places of the lines without the first or last one, when that is a comment that the edit keeps.

    Authors put a remark above the lines that they quote; it does not come into the file.
    """
    for edge, step in ((0, script[0]), (len(old) - 1, script[-1])):
        rest = [index for index in range(len(old)) if index != edge]
        is_outer = step == ("=", edge)  # what is put beyond it has no place without it
        if not is_outer or not _REMARK.match(old[edge]) or sum(len(old[i].strip()) for i in rest) < 12:
            continue
        if found := places([old[index] for index in rest], book):
            return [
                Place(
                    blanks_met(old, {i: at for i, at in zip(rest, one.pairs, strict=True) if at >= 0}, book),
                    f"spurious comment, {one.how}",
                )
                for one in found
            ]
    return []


def _by_numbers(
    old: Sequence[str], new: Sequence[str], book: Book
) -> tuple[tuple[str, ...], tuple[str, ...], int, tuple[Place, ...]] | None:
    """Return the lines without the numbers that were copied with them, the first number, and where they stand.

    Whether a blank parts a number from its line shows where the lines stand exactly.
    """
    best = None
    for blank in (False, True):
        if (plain := _unnumbered(old, new, blank)) is None:
            continue
        inner = places(plain[0], book) or _with_gaps(plain[0], book)
        found = tuple(replace(place, how=f"line numbers, {place.how}", exact=False) for place in inner)
        if found and (best is None or inner[0].how == "exact"):
            best = *plain, found
    return best


def _unnumbered(
    old: Sequence[str], new: Sequence[str], blank: bool
) -> tuple[tuple[str, ...], tuple[str, ...], int] | None:
    """Return the lines without their numbers, and without a ``blank`` behind these, and the first number.

    They count as numbers of lines when all old lines have one and each is one more than the one before.
    """
    seen = [found for line in old if (found := _NUMBERED.match(line))]
    numbers = [int(found["number"]) for found in seen]
    if not seen or len(seen) < len(old) or numbers != list(range(numbers[0], numbers[0] + len(old))):
        return None
    rests = [found["rest"] or "" for found in seen]
    if blank and not _are_parted(rests):
        return None
    sign = next((found["sign"].strip() for found in seen if found["sign"]), "")
    return tuple(rest[blank:] for rest in rests), tuple(_bared(line, sign, blank) for line in new), numbers[0]


def _are_parted(rests: Sequence[str]) -> bool:
    """True when a blank is behind every number that has a line."""
    return all(rest.startswith(" ") for rest in rests if rest)


def _bared(line: str, sign: str, blank: bool) -> str:
    found = _NUMBERED.match(line)
    if not found or (found["sign"] or sign).strip() != sign:
        return line
    if not found["sign"]:
        return ""
    return found["rest"].removeprefix(" ") if blank else found["rest"]


def _with_gaps(old: Sequence[str], book: Book) -> list[Place]:
    """Return the ways in which the parts between elisions stand in the file in their order."""
    if not any(map(is_elision, old)):
        return []
    rows = parts(old)
    options = [places([old[index] for index in row], book) for row in rows]
    if not rows or not all(options) or not any(len(option) == 1 for option in options):
        return []
    total = 1
    for at in range(len(options)):
        if len(options[at]) > 1:
            options[at] = _within(options, at, book)
        total *= len(options[at])
    if total > _COMBINATIONS:
        return []
    return [
        _joined(rows, combination, old, book)
        for combination in product(*options)
        if all(a.end <= b.start for a, b in pairwise(combination))
    ]


def _within(options: list[list[Place]], at: int, book: Book) -> list[Place]:
    """Return the places of a part that lie between those of its neighbours, inside the block that one begins."""
    found = between(options, at) or options[at]
    if not at or len(options[at - 1]) != 1 or len(found) == 1:
        return found
    head = options[at - 1][0].start
    last = book.lines[options[at - 1][0].end - 1]
    if len(indent_of(book.lines[head])) < len(indent_of(last)) or last.rstrip().endswith((":", "{")):
        return [place for place in found if place.end <= body_end(head, book)] or found
    return found


def _joined(rows: list[list[int]], found: tuple[Place, ...], old: Sequence[str], book: Book) -> Place:
    met = {
        row[nth]: at
        for row, place in zip(rows, found, strict=True)
        for nth, at in enumerate(place.pairs)
        if at >= 0
    }
    how = next((place.how for place in found if place.how != "exact"), "")
    gaps = frozenset(index for index, line in enumerate(old) if index not in met and is_elision(line))
    return Place(blanks_met(old, met, book, gaps), f"elided lines, {how}" if how else "elided lines")
