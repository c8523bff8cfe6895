"""Hunks for the edit benchmark: a file's true change as marked lines, with as much context as it needs to be found."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from edit_commits import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edit_commits import Change


class Hunk(NamedTuple):
    """Lines of a change, each with its mark: a space (stays), ``-`` or ``+``.

    ``start`` and ``begins`` are where it begins in the file before and after, from 0.
    """

    start: int
    begins: int
    lines: tuple[tuple[str, str], ...]

    @property
    def old(self) -> list[str]:
        """Return the lines to find."""
        return [text for mark, text in self.lines if mark != "+"]

    @property
    def new(self) -> list[str]:
        """Return the lines to put there."""
        return [text for mark, text in self.lines if mark != "-"]


@lru_cache(maxsize=16)
def opcodes(before: bytes, after: bytes) -> Sequence[tuple[str, int, int, int, int]]:
    """Return how the lines before become the lines after, as difflib says it."""
    return difflib.SequenceMatcher(None, lines_of(before), lines_of(after), autojunk=False).get_opcodes()


def hunks(change: Change, context: int = 3, grow: bool = True) -> list[Hunk]:
    """Return the hunks of a change, with at least so much context, and with ``grow`` more until each is found once.

    It is found once when its lines, without blanks at either end and without empty ones, stand so in the file
    in one place: what a careful author makes sure of.
    """
    if change.before is None:
        return [Hunk(0, 0, tuple(("+", line) for line in lines_of(change.after)))]
    before, after = lines_of(change.before), lines_of(change.after)
    ops = opcodes(change.before, change.after)
    ground = _flat(before)
    size = len(before)
    spans = [(max(0, i - context), min(size, j + context)) for tag, i, j, _, _ in ops if tag != "equal"]
    spans = _joined(spans)
    while grow:
        vague = [one for one in spans if one != (0, size) and not _once(ground, before[one[0] : one[1]])]
        if not vague:
            break
        grown = [(max(0, one[0] - 1), min(size, one[1] + 1)) if one in vague else one for one in spans]
        spans = _joined(grown)
    return [_hunk(ops, before, after, *one) for one in spans]


def places(lines: Sequence[str], wanted: Sequence[str | None]) -> int:
    """Count the places where ``wanted`` stands in ``lines``; ``None`` is any line, blanks at the ends are nothing."""
    ground = [line.strip() for line in lines]
    sought = [None if line is None else line.strip() for line in wanted]
    pairs = [(at, line) for at, line in enumerate(sought) if line is not None]
    tops = range(len(ground) - len(sought) + 1)
    return sum(all(ground[top + at] == line for at, line in pairs) for top in tops)


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for low, high in spans:
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def _flat(lines: Sequence[str]) -> str:
    return "\n".join(["", *(line.strip() for line in lines if line.strip()), ""])


def _once(ground: str, lines: Sequence[str]) -> bool:
    sought = _flat(lines)
    first = ground.find(sought)
    return bool(sought.strip()) and first >= 0 and ground.find(sought, first + 1) < 0


def _hunk(
    ops: Sequence[tuple[str, int, int, int, int]],
    before: Sequence[str],
    after: Sequence[str],
    low: int,
    high: int,
) -> Hunk:
    lines: list[tuple[str, str]] = []
    begins = low
    for tag, i, j, k, m in ops:
        if tag == "equal":
            lines += [(" ", line) for line in before[max(i, low) : min(j, high)]]
        elif low <= i and j <= high:
            lines += [("-", line) for line in before[i:j]] + [("+", line) for line in after[k:m]]
        elif j < low:
            begins += (m - k) - (j - i)
    return Hunk(low, begins, tuple(lines))
