"""Gaps: blank lines between lines that stay, where a reply has others than the file, are as its new lines say."""

from __future__ import annotations

from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.patching.adapt import new_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
        found = _at_edges(found, old, book, place)
    return found


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


def _at_edges(items: list[Item], old: Sequence[str], book: Book, place: Place) -> list[Item]:
    """Leave blank lines out at both ends of an edit that the file has beside it, and the text to find has lost."""
    above = _blank(reversed(book.lines[: place.start]))
    below = _blank(book.lines[place.end :])
    first = 0 if not old[0].strip() else min(above, _blank(items))
    last = 0 if not old[-1].strip() else min(below, _blank(reversed(items)))
    return items[first : len(items) - last]


def _blank(items: Iterable[Item]) -> int:
    """Return how many new or given lines at the beginning are blank."""
    return sum(1 for _ in takewhile(lambda item: isinstance(item, str) and not item.strip(), items))
