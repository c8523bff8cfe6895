"""Rounds: small changes made again and again until none is left, and the splices that come to the same."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.source import Place, Source, Splice, spliced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST = 60  # rounds; what nests deeper is left for another time


class Change(NamedTuple):
    """Splices that belong together, and the stretch of text that no other change of the round may touch."""

    start: int
    end: int
    splices: tuple[Splice, ...]


def settle(
    source: Source, place: Place | None, changes: Callable[[Source, Place | None], Iterable[Change]]
) -> list[Splice]:
    """Return the splices that make all ``changes`` in ``place``, also those that only others make possible.

    Of changes that touch, the one that begins first, or else is the longest, is made in a round, the others in
    those that follow. What is returned leaves nothing to do for the same ``changes``.
    """
    now, at = source, place
    made: list[list[Splice]] = []
    for _ in range(_MOST):
        splices = _that_parse(now, _apart(changes(now, at)))
        if not splices:
            break
        now = now.but(splices)
        at = now.place(place.symbol, place.ordinal) if place else None
        made.append(splices)
    if len(made) < 2:
        return made[0] if made else []
    return difference(source.text, now.text)


def _that_parse(source: Source, changes: list[Change]) -> list[Splice]:
    """Return the splices of all ``changes``, without those that Python would not read."""
    splices = [splice for change in changes for splice in change.splices]
    try:
        source.but(splices)
    except RefactorError:
        return [splice for change in changes if _parses(source, change) for splice in change.splices]
    return splices


def _parses(source: Source, change: Change) -> bool:
    try:
        source.but(change.splices)
    except RefactorError:
        return False
    return True


def _apart(changes: Iterable[Change]) -> list[Change]:
    found: list[Change] = []
    for change in sorted(changes, key=lambda one: (one.start, -one.end)):
        if not found or change.start >= found[-1].end:
            found.append(change)
    return found


def difference(old: str, new: str) -> list[Splice]:
    """Return splices, each of whole lines, that make ``new`` of ``old``."""
    before, after = old.split("\n"), new.split("\n")
    before, after = [f"{one}\n" for one in before], [f"{one}\n" for one in after]
    before[-1], after[-1] = before[-1][:-1], after[-1][:-1]
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    matcher = SequenceMatcher(None, before[same:], after[same:], autojunk=False)
    starts = [0]
    for one in before:
        starts.append(starts[-1] + len(one))
    found = [
        Splice(starts[same + first], starts[same + last], "".join(after[same + low : same + high]))
        for kind, first, last, low, high in matcher.get_opcodes()
        if kind != "equal"
    ]
    if spliced(old, found) != new:
        raise RefactorError("the difference of two texts was not found")
    return found
