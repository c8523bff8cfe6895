"""What the author of an edit is told when it has no place, or more than one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from selfimprove.executor.patching.likeness import squeeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.place import Book, Place

GUTTED, PLACEHOLDER = "gutted", "placeholder"
"""The words by which a person lets a file lose most of its text, and a remark stand in the place of code."""
_SHOWN = 5
_CUT = 120


def to_allow(word: str) -> str:
    """Say by which word a person lets through what is refused."""
    return f"(to allow it: {word})"


def in_place_of_code(line: str) -> str:
    """Say that an edit would write a placeholder."""
    return f"{line!r} would stand in the file in place of code: write the lines out {to_allow(PLACEHOLDER)}"


def ambiguous(found: Sequence[Place], *, like: bool = False) -> str:
    """Say that there are several places."""
    rows = ", ".join(str(place.start + 1) for place in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    what = "its lines are like those in several places" if like else f"its lines stand {len(found)} times"
    return f"{what} (lines {rows}{more}): add lines around them that make the place unique"


def contradicted(row: int) -> str:
    """Say that another edit changes the same lines otherwise."""
    return f"another edit changes line {row + 1} otherwise: make one edit of the two"


def not_found(old: Sequence[str], book: Book, near: Place | None = None, why: str = "") -> str:
    """Say that the lines are not there, and what differs first at the place that is most like them."""
    hint = "copy the present lines exactly, with their indentation"
    rows = dict(enumerate(near.pairs)) if near else _beside(old, book)
    for index, line in enumerate(old):
        at = rows.get(index, -1)
        if line.strip() and at < 0 and index and rows.get(index - 1, -1) >= 0:
            at = rows[index - 1] + 1
        if line.strip() and 0 <= at < len(book.lines) and squeeze(book.lines[at]) != squeeze(line):
            there, here = book.lines[at].strip()[:_CUT], line.strip()[:_CUT]
            where = f"near line {at + 1} the file has {there!r} where it has {here!r}"
            return f"its lines do not stand in the file; {where}: {hint}"
    aside = f" ({why})" if why else ""
    return f"its lines do not stand in the file{aside}: {hint}"


def _beside(old: Sequence[str], book: Book) -> dict[int, int]:
    """Return where the longest line that the file has, or one like it, stands, and the lines around it."""
    rows = sorted(range(len(old)), key=lambda index: -len(old[index].strip()))
    keys = dict(zip(book.squeezed, book.filled, strict=True))
    for index in rows:
        if (at := keys.get(squeeze(old[index]))) is not None and old[index].strip():
            return {row: at + row - index for row in range(len(old))}
    if rows and old[rows[0]].strip() and len(keys) <= 5000:
        close = difflib.get_close_matches(squeeze(old[rows[0]]), keys, 1)
        if close:
            return {rows[0]: keys[close[0]]}
    return {}
