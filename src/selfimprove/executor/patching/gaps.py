"""Gaps: blank lines between lines that stay, where a reply has others than the file, are as its new lines say."""

from __future__ import annotations

from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.patching.adapt import new_index

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from selfimprove.executor.patching.adapt import Step
    from selfimprove.executor.patching.place import Book, Place

Item = int | str
"""A line of the file that is kept, by its number, or a new line."""


class _Gap(NamedTuple):
    """What is between two lines that stay: in the file (whose rows are ``low`` and ``high``), ``old`` and ``new``."""

    low: int
    high: int
    have: list[str]
    old: list[str]
    new: list[str]

    @property
    def is_odd(self) -> bool:
        """True when nothing but blank lines is in the file and in the old lines, and not as many."""
        return not any(map(str.strip, (*self.have, *self.old))) and len(self.have) != len(self.old)

    @property
    def is_told(self) -> bool:
        """True when the new lines say something, with a blank line at an end."""
        return self.new != self.old and bool(self.new) and not (self.new[0].strip() and self.new[-1].strip())


def regapped(
    items: list[Item],
    old: Sequence[str],
    new: Sequence[str | None],
    script: Sequence[Step],
    place: Place,
    book: Book,
) -> list[Item]:
    """Return ``items`` with those gaps as ``new`` has them that the reply changes and has otherwise than the file.

    The text to find has then lost its blank lines, or has too many of them: what it says about them is nothing
    to go by. New lines without a blank one beside those that stay may have lost theirs too, and do not count
    unless another gap shows that the new text has the file's blank lines where the old one has not.
    """
    gaps = _gaps(old, new, script, place, book)
    is_right = any(gap.is_odd and gap.new == gap.have for gap in gaps)
    found = items
    for gap in gaps:
        if gap.new != gap.old and (is_right or (gap.is_odd and gap.is_told)):
            found = _between(found, gap)
    if "blank lines" in place.how and gaps:
        found = at_edges(found, old, book, place)
    return found


def as_written(
    old: Sequence[str], new: Sequence[str | None], script: Sequence[Step], place: Place, book: Book
) -> list[Item] | None:
    """Return all new lines as they are, where just the text to find has lost or doubled its blank lines.

    None where it has not, or where the new text has them no better: wherever two lines stay side by side it must
    have the file's blank lines between them, and if there are none such, not so many as if they were doubled.
    """
    rows = _filled(old, place)
    lines = [line for line in new if line is not None]
    if "blank lines" not in place.how or len(lines) < len(new) or not _all_met(rows, place, book):
        return None
    runs = {one: (two - one - 1, high - low - 1) for (one, low), (two, high) in pairwise(rows)}
    is_lost, is_doubled = _manner(runs.values())
    there = new_index(script)
    if not (is_lost or is_doubled) or not _is_right(runs, lines, there, is_lost=is_lost):
        return None
    low, high = _told(old, [index for index, _ in rows], place) if is_doubled else (place.start, place.end)
    kept = {at: place.pairs[index] for index, at in there.items() if low <= place.pairs[index] < high}
    found = at_edges([kept.get(at, line) for at, line in enumerate(lines)], old, book, place)
    return [*range(place.start, low), *found, *range(high, place.end)]


def _filled(old: Sequence[str], place: Place) -> list[tuple[int, int]]:
    """Return the index of each old line with text and the line of the file that it met."""
    return [(index, at) for index, at in enumerate(place.pairs) if old[index].strip()]


def _all_met(rows: Sequence[tuple[int, int]], place: Place, book: Book) -> bool:
    """True when each old line with text has met one of the file, and the file has no other one among those."""
    met = {at for _, at in rows}
    between = range(place.start, place.end)
    return -1 not in met and all(row in met for row in between if book.lines[row].strip())


def _manner(runs: Collection[tuple[int, int]]) -> tuple[bool, bool]:
    """Say whether the old lines have lost all blank lines of the file, and whether they have each one twice."""
    some = any(have for _, have in runs)
    is_lost = some and not any(here for here, _ in runs)
    return is_lost, some and all(here == 2 * have for here, have in runs)


def _is_right(
    runs: Mapping[int, tuple[int, int]], lines: Sequence[str], there: Mapping[int, int], *, is_lost: bool
) -> bool:
    """True when the new lines have the file's blank lines, as far as that shows.

    ``runs`` has for each old line with text how many blank lines follow it there and in the file.
    """
    beside = []
    for one, (here, have) in runs.items():
        two = one + here + 1
        if have and one in there and two in there:
            between = lines[there[one] + 1 : there[two]]
            beside += [] if any(map(str.strip, between)) else [len(between) == have]
    if beside:
        return all(beside)
    most = max(have for _, have in runs.values())
    return any(is_lost or count % 2 or count <= most for count in _blank_runs(lines))


def _blank_runs(lines: Sequence[str]) -> list[int]:
    """Return how many blank lines are between lines with text, where there are any."""
    rows = [at for at, line in enumerate(lines) if line.strip()]
    return [two - one - 1 for one, two in pairwise(rows) if two - one > 1]


def _told(old: Sequence[str], filled: Sequence[int], place: Place) -> tuple[int, int]:
    """Return from where to where the lines of the file go that are meant, where every blank line stands twice."""
    first, last = filled[0], filled[-1]
    low = place.pairs[first] - (first + 1) // 2
    high = place.pairs[last] + 1 + (len(old) - last) // 2
    return max(place.start, low), min(place.end, high)


def _gaps(
    old: Sequence[str], new: Sequence[str | None], script: Sequence[Step], place: Place, book: Book
) -> list[_Gap]:
    """Return the gaps in which the file has nothing but blank lines and lines that the edit takes away."""
    there = new_index(script)
    met = set(place.pairs)
    stay = [index for index in sorted(there) if old[index].strip() and place.pairs[index] >= 0]
    found = []
    for one, two in pairwise(stay):
        low, high = place.pairs[one], place.pairs[two]
        put = [line for line in new[there[one] + 1 : there[two]] if line is not None]
        unknown = [row for row in range(low + 1, high) if book.lines[row].strip() and row not in met]
        if len(put) == there[two] - there[one] - 1 and not unknown and low < high:
            have = [line.rstrip() for line in book.lines[low + 1 : high]]
            found.append(_Gap(low, high, have, [line.rstrip() for line in old[one + 1 : two]], put))
    return found


def _between(items: list[Item], gap: _Gap) -> list[Item]:
    """Return ``items`` with the new lines of a gap between the lines beside it."""
    if gap.low not in items or gap.high not in items:
        return items
    return [*items[: items.index(gap.low) + 1], *gap.new, *items[items.index(gap.high) :]]


def at_edges(items: list[Item], old: Sequence[str], book: Book, place: Place) -> list[Item]:
    """Leave blank lines out at both ends of an edit that the file has beside it, and the text to find has lost."""
    above = _blank(reversed(book.lines[: place.start]))
    below = _blank(book.lines[place.end :])
    first = 0 if not old[0].strip() else min(above, _blank(items))
    last = 0 if not old[-1].strip() else min(below, _blank(reversed(items)))
    return items[first : len(items) - last]


def _blank(items: Iterable[Item]) -> int:
    """Return how many new or given lines at the beginning are blank."""
    return sum(1 for _ in takewhile(lambda item: isinstance(item, str) and not item.strip(), items))
