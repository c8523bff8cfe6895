"""Chooses among several places by what a reply says beside the lines: numbers, names, the order of its hunks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.executor.patching.likeness import indent_of, squeeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.place import Book, Place
    from selfimprove.model.patch import Edit

_DEFINES = re.compile(
    r"\s*(?:@|(?:(?:export|default|public|private|protected|static|abstract|final|pub|async)\s+)*"
    r"(?:def|class|function|func|fn|interface|struct|enum|trait|impl|module|type)\b)"
)
_CLOSERS = (")", "]", "}", "end")
NEAR = 3
"""Lines that the nearest place may be away from a number that hits none."""
FAR = 10
"""Lines that the second nearest must be farther away, and four times as far."""


def by_hints(edit: Edit, places: Sequence[Place], book: Book) -> list[Place]:
    """Return the places that the names in the edit leave: its symbol, the lines above, the end of the file."""
    left = list(places)
    for anchors in (edit.anchors, (edit.symbol,) if edit.symbol else ()):
        if len(left) > 1 and anchors:
            left = _below(anchors, left, book) or left
    if len(left) > 1 and edit.at_end:
        last = left[-1]
        if not any(line.strip() for line in book.lines[last.end :]):
            left = [last]
    return left


def _below(anchors: Sequence[str], places: Sequence[Place], book: Book) -> list[Place]:
    """Return the places under lines that say what the anchors say, each anchor under the one before."""
    areas = [(0, len(book.lines))]
    for anchor in anchors:
        found = [area for start, end in areas for area in _areas(anchor, start, end, book)]
        areas = found or areas
    if areas == [(0, len(book.lines))]:
        return []
    inside = [place for place in places if any(a <= place.start and place.end <= b for a, b in areas)]
    if len(inside) > 1 and len(areas) == 1 and not _DEFINES.match(book.lines[areas[0][0]]):
        return inside[:1]
    return inside


def _areas(anchor: str, start: int, end: int, book: Book) -> list[tuple[int, int]]:
    """Return where an anchor's lines stand with what belongs to them, between two lines."""
    text = squeeze(anchor).strip()
    if re.fullmatch(r"[\w.]+", text) and (areas := _named(text, start, end, book)):
        return areas
    key = [squeeze(book.lines[row]) for row in range(start, end)]
    rows = [start + at for at, line in enumerate(key) if line == text]
    if not rows and len(text) > 8:
        rows = [start + at for at, line in enumerate(key) if line.startswith(text)]
    ends = [min(body_end(row, book), end) if _DEFINES.match(book.lines[row]) else end for row in rows]
    return list(zip(rows, ends, strict=True)) if text else []


def _named(qualified: str, start: int, end: int, book: Book) -> list[tuple[int, int]]:
    """Return where the definitions of a name with dots stand, each part of it inside the one before."""
    areas = [(start, end)]
    for name in filter(None, qualified.split(".")):
        rows = [row for a, b in areas for row in range(a, b) if _names(name, book.lines[row])]
        areas = [(row, body_end(row, book)) for row in rows]
    return areas


def _names(name: str, line: str) -> bool:
    return name in line and bool(
        _DEFINES.match(line)
        and re.search(rf"\b{re.escape(name)}\b(?!\s*\.)", line.split("(")[0].split(":")[0])
    )


def body_end(row: int, book: Book) -> int:
    """Return the line after the last one that belongs to the definition which begins at ``row``, by indentation."""
    depth = len(indent_of(book.lines[row]).expandtabs(4))
    last = row
    for at in range(row + 1, len(book.lines)):
        line = book.lines[at]
        if not line.strip():
            continue
        deep = len(indent_of(line).expandtabs(4))
        if deep < depth or (deep == depth and not line.strip().startswith(_CLOSERS)):
            break
        last = at
    return last + 1


def by_order(all_places: list[list[Place]], ordered: Sequence[bool]) -> None:
    """Drop the places of a diff's hunks that do not lie between the places of the hunks around them."""
    rows = [at for at, is_hunk in enumerate(ordered) if is_hunk]
    changed = True
    while changed:
        changed = False
        for at in [row for row in rows if len(all_places[row]) > 1]:
            left = between([all_places[row] for row in rows], rows.index(at))
            if left and len(left) < len(all_places[at]):
                all_places[at] = left
                changed = True


def between(options: Sequence[list[Place]], at: int) -> list[Place]:
    """Return those of the places at one index that lie between the only places around it."""
    low = max((found[0].end for found in options[:at] if len(found) == 1), default=0)
    high = min((found[0].start for found in options[at + 1 :] if len(found) == 1), default=1 << 60)
    return [place for place in options[at] if low <= place.start and place.end <= high]


def by_number(edits: Sequence[Edit], all_places: list[list[Place]]) -> None:
    """Choose by the numbers that the edits give, where those prove to be right.

    They do when the edits that have one place only are all off by the same number of lines; without such
    edits when the number hits a place exactly, or misses it by little and every other one by much.
    """
    rows = [at for at, edit in enumerate(edits) if number(edit)]
    settled = [at for at in rows if len(all_places[at]) == 1]
    offsets = {all_places[at][0].origin - (number(edits[at]) - 1) for at in settled}
    if len(offsets) > 1:
        return
    shift = offsets.pop() if offsets else None
    still = [at for at in rows if len(all_places[at]) > 1]
    picks = {at: _numbered(number(edits[at]) - 1, all_places[at], shift) for at in still}
    if shift is None and not all(picks.values()):
        return
    for at, found in picks.items():
        all_places[at] = found or all_places[at]


def number(edit: Edit) -> int:
    """Return the number of the line where the edit says its old lines begin, 0 when it says none."""
    return edit.line or (edit.span[0] if edit.span else 0)


def _numbered(row: int, places: Sequence[Place], shift: int | None) -> list[Place]:
    hit = [place for place in places if place.origin == row + (shift or 0)]
    if len(hit) == 1:
        return hit
    if shift is not None:
        return []
    near = sorted(places, key=lambda place: abs(place.origin - row))
    first, second = (abs(place.origin - row) for place in near[:2])
    return near[:1] if first <= NEAR and second >= max(4 * first, first + FAR) else []


def by_count(edits: Sequence[Edit], all_places: list[list[Place]]) -> None:
    """Give edits that are the same one place each, when there are as many places as edits."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for at, edit in enumerate(edits):
        if len(all_places[at]) > 1:
            alike.setdefault((edit.old, edit.new), []).append(at)
    for rows in alike.values():
        places = all_places[rows[0]]
        if len(rows) == len(places) and all(all_places[at] == places for at in rows):
            for at, place in zip(rows, places, strict=True):
                all_places[at] = [place]
