"""Undoes in an edit's new lines what had to be undone to find its old ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from selfimprove.executor.patching.diff import opcodes
from selfimprove.executor.patching.indents import (
    FIRST,
    LEVELS,
    LOOSE,
    SAME,
    SCALE,
    TABS,
    UNIFORM,
    Indents,
    rule,
    scaled,
    width_of,
)
from selfimprove.executor.patching.likeness import indent_of, unescape
from selfimprove.executor.patching.place import indents
from selfimprove.executor.patching.wording import Pairs, escaped, escapes_only, typography, without_tails

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selfimprove.executor.patching.place import Book, Place


Step = tuple[str, int]
"""``=`` or ``-`` with the index of an old line, ``+`` with the index of a new one."""

_TOKENS = re.compile(r"\w+|\s+|.", re.DOTALL)
_OPENS = (":", "(", "[", "{", "\\")


def steps(old: Sequence[str], new: Sequence[str], marks: str, *, exact: bool) -> list[Step]:
    """Return what the edit does to its old lines, in order: as the marks say, else by comparing old and new."""
    if marks:
        return _marked(marks)
    left, right = (list(old), list(new)) if exact else ([x.rstrip() for x in old], [x.rstrip() for x in new])
    found: list[Step] = []
    for name, a, b, c, d in opcodes(left, right):
        if name == "equal":
            found += [("=", index) for index in range(a, b)]
        else:
            found += [("-", index) for index in range(a, b)] + [("+", index) for index in range(c, d)]
    return found


def _marked(marks: str) -> list[Step]:
    """Return the steps of a hunk; in each changed stretch the lines that go come before those that come."""
    found: list[Step] = []
    gone: list[Step] = []
    came: list[Step] = []
    one = other = 0
    for mark in marks:
        if mark == " ":
            found += [*gone, *came, ("=", one)]
            gone, came = [], []
        elif mark == "-":
            gone.append(("-", one))
        else:
            came.append(("+", other))
        one += mark != "+"
        other += mark != "-"
    return [*found, *gone, *came]


def new_index(script: Sequence[Step]) -> dict[int, int]:
    """Return for each old line that stays the index of the same line in ``new``."""
    found, at = {}, 0
    for mark, index in script:
        if mark == "=":
            found[index] = at
        at += mark != "-"
    return found


@dataclass(frozen=True)
class Adapted:
    """An edit in the file's own terms: ``old`` and ``new``; a new line of which the indentation is unknown is None."""

    old: tuple[str, ...]
    new: tuple[str | None, ...]


@dataclass(frozen=True)
class Evidence:
    """What all edits of a file tell about the way in which their reply was spoilt.

    ``met`` are the reply's lines with the file's lines that they met; ``doubled`` says that the reply has two
    blank lines wherever the file has one, ``lost`` that it has none where the file has some.
    """

    met: tuple[tuple[str, str], ...] = ()
    doubled: bool = False
    lost: bool = False


def evidence(found: Sequence[tuple[Sequence[str], Place]], book: Book) -> Evidence:
    """Return what the places of several edits tell, each given as its old lines and its place."""
    met: list[tuple[str, str]] = []
    runs: list[tuple[int, int]] = []
    for old, place in found:
        met += [(old[index], book.lines[at]) for index, at in enumerate(place.pairs) if at >= 0]
        rows = [(index, at) for index, at in enumerate(place.pairs) if at >= 0 and old[index].strip()]
        runs += [(b[0] - a[0] - 1, b[1] - a[1] - 1) for a, b in pairwise(rows)]
    blank = [(here, there) for here, there in runs if here]
    doubled = bool(blank) and all(here == 2 * there for here, there in blank)
    return Evidence(tuple(met), doubled, not blank and any(there for _, there in runs))


def adapted(
    old: Sequence[str],
    new: Sequence[str],
    script: Sequence[Step],
    place: Place,
    book: Book,
    known: Evidence,
) -> Adapted:
    """Return the edit as its author would have written it with the file at hand.

    What is undone is inferred from the old lines and the file's lines that they met, here and at the places of
    the reply's other edits of the file. Nothing is undone that would make an old line unlike the file's.
    Raises Unsure.
    """
    own = [(old[index], book.lines[at]) for index, at in enumerate(place.pairs) if at >= 0]
    met = [*known.met, *own]
    left, right = list(old), list(new)
    if any(escaped(one, other) for one, other in met) or escapes_only(met, right, book):
        left, right, met, own = _undone(unescape, left, right, met, own)
    if table := typography(met, book):
        left, right, met, own = _undone(lambda line: line.translate(table), left, right, met, own)
    if not place.exact or not any(one != one.rstrip() for one, _ in own):
        kept = [
            (right[new], book.lines[place.pairs[one]])
            for one, new in new_index(script).items()
            if place.pairs[one] >= 0
        ]
        left, right = without_tails(met, left), without_tails([*kept, *met], right)
    return _indented(left, right, script, place, book, met)


def _undone(
    change: Callable[[str], str], left: list[str], right: list[str], met: Pairs, own: Pairs
) -> tuple[list[str], list[str], Pairs, Pairs]:
    """Return everything with a change made, or as it was when a line that met its like would lose it."""
    if any(one.strip() == other.strip() != change(one).strip() for one, other in own):
        return left, right, met, own
    changed = [(change(one), other) for one, other in met], [(change(one), other) for one, other in own]
    return [change(line) for line in left], [change(line) for line in right], *changed


def _indented(
    old: list[str], new: list[str], script: Sequence[Step], place: Place, book: Book, met: Pairs
) -> Adapted:
    how = _rule(old, new, place, book, met)
    if how.grade == SAME:
        return Adapted(tuple(old), tuple(new))
    if how.grade == UNIFORM and _only_first(old, new, how):
        first = next(line for line in old if line.strip())
        how = Indents(FIRST, first=(indent_of(first), how.add + indent_of(first)))
    left = tuple(
        indent_of(book.lines[at]) + line.lstrip() if at >= 0 and line.strip() else line
        for line, at in zip(old, place.pairs, strict=True)
    )
    if how.grade == LOOSE:
        known = _by_neighbours(old, new, script, place, book)
        return Adapted(left, tuple(_with(known.get(index), line) for index, line in enumerate(new)))
    return Adapted(left, _ruled(old, new, how))


def _ruled(old: list[str], new: list[str], how: Indents) -> tuple[str | None, ...]:
    """Return the new lines with the indentation that a rule gives them; the first line may have its own."""
    right = [
        _with(how.of(indent_of(line)), line) if line.strip() else line.removeprefix(how.cut) for line in new
    ]
    if how.first and new and indent_of(new[0]) == how.first[0]:
        right[0] = how.first[1] + new[0].lstrip() if _fits_first(old, new, how.first[1], right) else None
    return tuple(right)


def _rule(old: list[str], new: list[str], place: Place, book: Book, met: Pairs) -> Indents:
    """Return the rule for the indentation of this place; where it says little, with what the other places say."""
    own = indents(old, place, book)
    odd = len(own.cut or own.add) % (len(book.unit) or 1)
    if own.grade not in (SAME, UNIFORM) or (own.grade == UNIFORM and not odd and "\t" not in book.unit):
        return own
    pairs = [(indent_of(one), indent_of(other)) for one, other in met if one.strip()]
    every = [indent_of(line) for line in (*old, *new) if line.strip()]
    wide = scaled(every, pairs, book.unit) or rule(pairs)
    wanted = (TABS, SCALE) if own.grade == SAME else (TABS, SCALE, LEVELS)
    return wide if wide.grade in wanted and _agrees(wide, old, place, book) else own


def _agrees(how: Indents, old: list[str], place: Place, book: Book) -> bool:
    """True when a rule holds for all lines that were met at a place."""
    return all(
        how.of(indent_of(line)) == indent_of(book.lines[at])
        for line, at in zip(old, place.pairs, strict=True)
        if at >= 0 and line.strip()
    )


def _fits_first(old: Sequence[str], new: Sequence[str], indent: str, right: Sequence[str | None]) -> bool:
    """True when the first new line may stand at the old one's depth: the line below it agrees."""
    if new[0].strip() == old[0].strip():
        return True
    below = next((line for line in right[1:] if line and line.strip()), None)
    if below is None:
        return True
    deeper = width_of(indent_of(below)) - width_of(indent)
    return 0 < deeper <= 8 if new[0].rstrip().endswith(_OPENS) else deeper <= 0


def _with(indent: str | None, line: str) -> str | None:
    if not line.strip():
        return line
    return None if indent is None else indent + line.lstrip()


def _only_first(old: Sequence[str], new: Sequence[str], how: Indents) -> bool:
    """True when one line was found and only its own indentation seems to be lost, not that of those after it.

    Chat windows strip a text as a whole. Of the two readings of the second new line the other one must be
    impossible: deeper under a line that opens nothing, or deeper by more than a step.
    """
    rows = [line for line in new if line.strip()]
    if how.cut or sum(bool(line.strip()) for line in old) != 1 or len(rows) < 2 or indent_of(rows[0]):
        return False
    deeper, add = width_of(indent_of(rows[1])), width_of(how.add)
    if rows[0].rstrip().endswith(_OPENS):
        return deeper > add and deeper > 4
    return 0 < deeper <= add


def _by_neighbours(
    old: Sequence[str], new: Sequence[str], script: Sequence[Step], place: Place, book: Book
) -> dict[int, str]:
    """Return the indentation of new lines where no rule holds: that of the lines beside them, if those agree."""
    known = _by_twins(old, new, script, place, book)
    kept = new_index(script)
    beside = sorted((index, place.pairs[one]) for one, index in kept.items() if old[one].strip())
    for index in [index for mark, index in script if mark == "+" and index not in known]:
        above = [at for row, at in beside if row < index][-1:]
        below = [at for row, at in beside if row > index][:1]
        seen = {indent_of(book.lines[at]) for at in (*above, *below) if at >= 0}
        if len(above) == len(below) == len(seen) == 1 and not book.lines[above[0]].rstrip().endswith(_OPENS):
            known[index] = seen.pop()
    return known


def _by_twins(
    old: Sequence[str], new: Sequence[str], script: Sequence[Step], place: Place, book: Book
) -> dict[int, str]:
    """Return the indentation of new lines that take the places of as many old ones, indented alike in the reply."""
    pairs = [
        (one, other)
        for gone, came in groups(script)
        if len(gone) == len(came)
        for one, other in zip(gone, came, strict=True)
    ]
    return {
        other: indent_of(book.lines[place.pairs[one]])
        for one, other in pairs
        if place.pairs[one] >= 0 and indent_of(old[one]) == indent_of(new[other])
    }


def groups(script: Sequence[Step]) -> list[tuple[list[int], list[int]]]:
    """Return for each stretch of changes the old lines that go and the new lines that come."""
    found: list[tuple[list[int], list[int]]] = []
    inside = False
    for mark, index in script:
        if mark != "=":
            if not inside:
                found.append(([], []))
            found[-1][mark == "+"].append(index)
        inside = mark != "="
    return found


def carried(base: str, mine: str, theirs: str) -> str | None:
    """Return ``theirs`` with what ``mine`` has otherwise than ``base``; None when both changed the same words.

    A three-way merge of one line by words: base is the reply's old line, mine the file's, theirs the new one.
    """
    if base in (mine, theirs):
        return theirs if base == mine else mine
    if mine == theirs:
        return mine
    words = [_TOKENS.findall(line) for line in (base, mine, theirs)]
    changes = [
        (a, b, side, tuple(words[side][c:d]))
        for side in (1, 2)
        for name, a, b, c, d in opcodes(words[0], words[side])
        if name != "equal"
    ]
    merged = _merged(sorted(changes))
    if merged is None:
        return None
    found: list[str] = []
    at = 0
    for a, b, put in merged:
        found += [*words[0][at:a], *put]
        at = b
    return "".join([*found, *words[0][at:]])


def _merged(
    changes: list[tuple[int, int, int, tuple[str, ...]]],
) -> list[tuple[int, int, tuple[str, ...]]] | None:
    """Return the changes of both sides, each once; None when two of them touch and are not the same."""
    found: list[tuple[int, int, tuple[str, ...]]] = []
    last = 0
    for a, b, side, put in changes:
        if (a, b, put) in found:
            continue
        if last and side != last and found and a <= found[-1][1]:
            return None
        found.append((a, b, put))
        last = side
    return found
