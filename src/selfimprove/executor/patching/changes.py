"""What the lines of a file become: an edit at its place as small changes, and all changes together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from selfimprove.executor.patching.adapt import Evidence, adapted, carried, groups
from selfimprove.executor.patching.elision import is_elision
from selfimprove.executor.patching.gaps import as_written, at_edges, regapped
from selfimprove.executor.patching.likeness import Likeness, indent_of, squeeze
from selfimprove.executor.patching.wording import Unsure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selfimprove.executor.patching.adapt import Step
    from selfimprove.executor.patching.place import Book, Place

NOTHING = Evidence()
Row = tuple[str, str]
"""A line and its end (``\\n``, ``\\r\\n``, nothing for a last line that has none)."""


@dataclass(frozen=True)
class Change:
    """Lines ``start`` to ``end`` (from 0, the last not included) of a file become ``new``.

    ``tied`` says to which neighbour an insertion belongs: -1 the line above, 1 the line below, 0 both.
    """

    start: int
    end: int
    new: tuple[str, ...]
    tied: int = 0


def split_rows(text: str) -> list[Row]:
    """Split a text into lines and their ends; form feeds and other Unicode separators are no line ends."""
    mark = "\r" if "\r" in text and "\n" not in text else "\n"
    pieces = text.split(mark)
    last = pieces.pop()
    rows = [
        (piece[:-1], "\r\n") if mark == "\n" and piece.endswith("\r") else (piece, mark) for piece in pieces
    ]
    return [*rows, (last, "")] if last else rows


def changes_of(
    old: Sequence[str],
    new: Sequence[str],
    script: Sequence[Step],
    place: Place,
    book: Book,
    known: Evidence = NOTHING,
) -> list[Change]:
    """Return what an edit changes at its place, in the file's own terms. Raises Unsure."""
    place = _settled(old, script, place)
    terms = adapted(old, new, script, place, book, known)
    fresh = dict(enumerate(terms.new))
    for gone, came in groups(script):
        _carry(gone, came, terms.old, fresh, place, book)
    written = script
    if known.doubled and not any(
        mark == "-" and place.pairs[index] < 0 for mark, index in script if mark != "+"
    ):
        script = _halved(script, new)
    items = _items(old, new, script, place, book, fresh)
    items = as_written(old, list(fresh.values()), written, place, book) or regapped(
        items, old, terms.new, written, place, book
    )
    if known.lost and place.exact and any(item in place.pairs for item in items):
        items = at_edges(items, old, book, place)
    return _runs(_absorbed(items, place, book), place)


def _settled(old: Sequence[str], script: Sequence[Step], place: Place) -> Place:
    """Let the file's blank lines be met by those blank lines of the reply that stay, before those that go.

    A reply that has more of them side by side than the file does not say which of them the file has.
    """
    stays = {index for mark, index in script if mark == "="}
    pairs = list(place.pairs)
    for blank, group in groupby(range(len(old)), lambda index: not old[index].strip()):
        run = list(group)
        rows = [pairs[index] for index in run if pairs[index] >= 0]
        if blank and 0 < len(rows) < len(run):
            chosen = sorted(sorted(run, key=lambda index: index not in stays)[: len(rows)])
            met = dict(zip(chosen, rows, strict=True))
            for index in run:
                pairs[index] = met.get(index, -1)
    return replace(place, pairs=tuple(pairs)) if tuple(pairs) != place.pairs else place


def _absorbed(items: list[int | str], place: Place, book: Book) -> list[int | str]:
    """Leave out new blank lines where the file has blank lines already that the reply did not mention."""
    met = set(place.pairs)
    found: list[int | str] = []
    for blank, run in groupby(
        items, lambda item: not (item if isinstance(item, str) else book.lines[item]).strip()
    ):
        row = list(run)
        spare = sum(isinstance(item, int) and item not in met for item in row) if blank else 0
        for item in row:
            if spare and isinstance(item, str):
                spare -= 1
            else:
                found.append(item)
    return found


def _halved(script: Sequence[Step], new: Sequence[str]) -> Sequence[Step]:
    """Leave every second one of the blank lines out that are put side by side, if they all come in pairs."""
    found: list[Step] = []
    for blank, group in groupby(script, lambda step: step[0] == "+" and not new[step[1]].strip()):
        run = list(group)
        if blank and len(run) % 2:
            return script
        found += run[::2] if blank else run
    return found


def _carry(
    gone: list[int],
    came: list[int],
    old: Sequence[str],
    fresh: dict[int, str | None],
    place: Place,
    book: Book,
) -> None:
    """Keep in changed lines what the file has otherwise than the reply believes and the edit does not touch."""
    differ = [one for one in gone if place.pairs[one] >= 0 and book.lines[place.pairs[one]] != old[one]]
    if not differ:
        return
    twins = _twins(gone, came, old, fresh)
    for one in differ:
        other = twins.get(one)
        theirs = fresh.get(other) if other is not None else None
        if other is None or theirs is None:
            continue
        mine = book.lines[place.pairs[one]]
        merged = _merged(old[one], mine, theirs)
        if merged is None and squeeze(old[one]) != squeeze(mine):
            raise Unsure(f"its line {old[one].strip()!r} is {mine.strip()!r} in the file")
        fresh[other] = theirs if merged is None else merged


def _merged(base: str, mine: str, theirs: str) -> str | None:
    """Merge a line three ways; blanks at the end are a part of their own."""
    ends = [line[len(line.rstrip()) :] for line in (base, mine, theirs)]
    body = carried(base.rstrip(), mine.rstrip(), theirs.rstrip())
    if body is None:
        return None
    return body + (ends[1] if ends[0] == ends[2] else ends[2]) if body else body


def _twins(
    gone: list[int], came: list[int], old: Sequence[str], fresh: dict[int, str | None]
) -> dict[int, int]:
    """Return which new line is an old line changed: in order, alike, each the other's."""
    likeness = Likeness(400)
    found: dict[int, int] = {}
    rest = list(came)
    even = len(gone) == len(came)
    for nth, one in enumerate(gone):
        options = [came[nth]] if even else rest
        scored = [(likeness.of(old[one].strip(), (fresh[at] or "").strip(), 0.5), -at) for at in options]
        best = max(scored, default=(0.0, 0))
        if best[0]:
            found[one] = -best[1]
            rest = [at for at in rest if at > -best[1]]
    return found


def _items(
    old: Sequence[str],
    new: Sequence[str],
    script: Sequence[Step],
    place: Place,
    book: Book,
    fresh: dict[int, str | None],
) -> list[int | str]:
    """Return what stands between the place's start and end afterwards: numbers of kept lines, and new lines."""
    items: list[int | str] = []
    at = place.start
    after = _next_met(place.pairs)
    before = ""
    for nth, (mark, index) in enumerate(script):
        if mark == "+":
            line = _sure(fresh[index], new[index])
            if before != "+":
                stop = _blanks_first(script, nth, old, new, place, book, at, after)
                items += range(at, stop)
                at = max(at, stop)
            items.append(line)
        elif is_elision(old[index]) and place.pairs[index] < 0:
            stop = after[index] if after[index] >= 0 else at
            if mark == "-":
                _covered([book.lines[row] for row in range(at, stop)], new)
            else:
                items += range(at, stop)
            at = max(at, stop)
        elif (stop := place.pairs[index]) >= 0:
            if not before == mark == "-" or "".join(book.lines[at:stop]).strip():
                items += range(at, stop)
            items += [stop] if mark == "=" else []
            at = stop + 1
        elif mark == "-" and old[index].strip():
            raise Unsure(f"the line {old[index].strip()!r} that it takes away is not there")
        before = mark
    return items


def _sure(line: str | None, written: str) -> str:
    """Return a new line; raises Unsure when its indentation is not known."""
    if line is None:
        raise Unsure(f"how far {written.strip()!r} is to be indented is not certain")
    return line


def _next_met(pairs: Sequence[int]) -> list[int]:
    """Return for each old line the next line of the file that is met, -1 for none."""
    found, last = [], -1
    for at in reversed(pairs):
        last = at if at >= 0 else last
        found.append(last)
    return found[::-1]


def _covered(hidden: Sequence[str], new: Sequence[str]) -> None:
    """Raise Unsure when elided lines would vanish that the new text does not have."""
    there = {line.strip() for line in new}
    lost = [line.strip() for line in hidden if line.strip() and line.strip() not in there]
    if len(lost) * 3 > len([line for line in hidden if line.strip()]):
        raise Unsure(
            f"the lines that it leaves out would be lost ({lost[0]!r}): leave them out on both sides"
        )


def _blanks_first(
    script: Sequence[Step],
    nth: int,
    old: Sequence[str],
    new: Sequence[str],
    place: Place,
    book: Book,
    at: int,
    after: Sequence[int],
) -> int:
    """Return up to where the file's own blank lines come before the lines that are put here."""
    later = next((index for mark, index in script[nth:] if mark != "+"), None)
    stop = after[later] if later is not None else at
    if later is None or "".join(book.lines[at:stop]).strip():
        return at
    earlier = next((index for mark, index in reversed(script[:nth]) if mark != "+"), None)
    if earlier is None or (not old[earlier].strip() and place.pairs[earlier] >= 0):
        return stop
    if not old[later].strip() or script[nth - 1][0] == "-":
        return at
    put = [new[index] for _, index in takewhile(lambda step: step[0] == "+", script[nth:])]
    return stop if _belongs_below(put, old[earlier], old[later]) else at


def _belongs_below(put: Sequence[str], above: str, below: str) -> bool:
    """True when new lines belong to the line below rather than to the one above, which blank lines part."""
    if bool(put[0].strip()) != bool(put[-1].strip()):
        return bool(put[0].strip())
    first = next((line for line in put if line.strip()), "")
    return indent_of(first) == indent_of(below) != indent_of(above)


def _runs(items: Iterable[int | str], place: Place) -> list[Change]:
    """Return the changes that turn the place's lines into ``items``."""
    found: list[Change] = []
    at, put = place.start, list[str]()
    above = False
    for item in items:
        if isinstance(item, str):
            put.append(item)
            continue
        if item > at or put:
            found.append(Change(at, item, tuple(put), 0 if above else 1))
        at, put, above = item + 1, [], True
    if put or at < place.end:
        found.append(Change(at, max(at, place.end), tuple(put), -1 if above else 0))
    return found


def effective(change: Change, lines: Sequence[str]) -> Change | None:
    """Return the change without lines that it leaves as they are, None when nothing is left."""
    start, end, new = change.start, change.end, list(change.new)
    while start < end and new and lines[start] == new[0]:
        start, new = start + 1, new[1:]
    while start < end and new and lines[end - 1] == new[-1]:
        end, new = end - 1, new[:-1]
    return None if start == end and not new else Change(start, end, tuple(new), change.tied)


def clash(one: Change, other: Change) -> bool:
    """True when two different changes cannot both be made, or in which order is not certain."""
    if one.start == one.end == other.start == other.end:
        return one.tied == other.tied
    if one.start == one.end:
        return other.start < one.start < other.end
    if other.start == other.end:
        return one.start < other.start < one.end
    return one.start < other.end and other.start < one.end


def rewritten(rows: Sequence[Row], todo: Sequence[Change]) -> tuple[list[Row], list[int]]:
    """Return the rows after all changes, and for each the number of the row that it comes from.

    New lines end as those do which they replace, else as the line above or below.
    """
    found: list[Row] = []
    origins: list[int] = []
    at = 0
    for change in sorted(todo, key=lambda change: (change.start, change.end, change.tied)):
        found += rows[at : change.start]
        origins += range(at, change.start)
        ends = [end for _, end in rows[change.start : change.end] if end] or _beside(rows, change.start)
        found += [(line, ends[min(nth, len(ends) - 1)]) for nth, line in enumerate(change.new)]
        origins += [change.start] * len(change.new)
        at = change.end
    return [*found, *rows[at:]], [*origins, *range(at, len(rows))]


def _beside(rows: Sequence[Row], at: int) -> list[str]:
    """Return the end of the line above, else of the nearest one that has an end."""
    near = [end for _, end in (*reversed(rows[max(0, at - 3) : at]), *rows[at : at + 3]) if end]
    return near[:1] or [next((end for _, end in rows if end), "\n")]


def joined(rows: Sequence[Row], *, final: bool, usual: str) -> str:
    """Return the text; its last line ends with a newline when ``final``."""
    if not rows:
        return ""
    *most, (last, end) = rows
    body = "".join(line + (mark or usual) for line, mark in most)
    return body + last + ((end or usual) if final else "")
