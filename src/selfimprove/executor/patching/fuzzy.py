"""Finds the place of lines that stand nowhere as they are: the likeliest one, when no other comes near."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from selfimprove.executor.patching.likeness import Likeness, squeeze, unescape, words
from selfimprove.executor.patching.names import slips
from selfimprove.executor.patching.place import Book, Place, blanks_met

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.adapt import Step

SCORE = 0.85
"""Likeness that a block must reach: characters that agree, by all characters of the reply's lines."""
SHORT_SCORE = 0.9
"""The same for a block of at most three lines."""
_LONG_WORD = 7
BESIDE = 0.8
"""Likeness that the lines must reach beside which something is put, and the block's first and last line."""
MARGIN = 0.1
"""How much worse the second-best place must be, when nothing but single words are misspelt."""
WIDE_MARGIN = 0.3
"""The same when lines are missing or say something else."""

_TOKENS = re.compile(r"[^\W\d_]+|\d+|\S")
_RARE = 40
_TRIES = 10
_SLACK = 6
_LONGEST = 2000


@dataclass(frozen=True)
class _Match:
    score: float
    met: tuple[tuple[int, int, float], ...]
    """Index among the reply's lines that are not blank, number of the file's, likeness."""


def near_places(old: Sequence[str], book: Book) -> list[tuple[Place, dict[int, float]]]:
    """Return the likeliest places, best first, with the likeness of each of the reply's lines that is met.

    Only places that share rare lines or words with the reply are looked at, and a limited number of them; the
    lines are met by dynamic programming (Needleman and Wunsch) in a narrow band.
    """
    filled = [index for index, line in enumerate(old) if line.strip()]
    wanted = [squeeze(unescape(old[index])) for index in filled]
    if not wanted or len(wanted) > _LONGEST or not book.filled:
        return []
    likeness = Likeness(4000)
    found: dict[tuple[tuple[int, int, float], ...], _Match] = {}
    for offset in _offsets(wanted, book):
        match = _met(wanted, book.squeezed, offset, likeness)
        if match.met:
            found[match.met] = match
    if likeness.budget <= 0:
        return []
    ranked = sorted(found.values(), key=lambda match: (-match.score, match.met))
    return [_placed(match, old, filled, book) for match in ranked]


def _placed(
    match: _Match, old: Sequence[str], filled: list[int], book: Book
) -> tuple[Place, dict[int, float]]:
    met = {filled[one]: book.filled[other] for one, other, _ in match.met}
    alike = {filled[one]: like for one, _, like in match.met}
    return Place(blanks_met(old, met, book), "similar", score=match.score), alike


def _offsets(wanted: list[str], book: Book) -> list[int]:
    """Return how far below the file's start the block may begin, the most voted for first."""
    index: dict[str, list[int]] = {}
    for number, line in enumerate(book.squeezed):
        index.setdefault(line, []).append(number)
    votes: Counter[int] = Counter()
    for at, line in enumerate(wanted):
        same = index.get(line, [])
        if len(same) <= _RARE:
            for number in same:
                votes[number - at] += min(len(line), 40) * 10 // len(same)
        for word in dict.fromkeys(words(line)):
            having = book.vocabulary.get(word, [])
            if len(having) <= _RARE:
                for number in having:
                    votes[number - at] += len(word) * 4 // len(having)
    chosen: list[int] = []
    for offset, _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        if all(abs(offset - other) > 1 for other in chosen):
            chosen.append(offset)
        if len(chosen) == _TRIES:
            break
    return chosen


def _met(wanted: list[str], have: list[str], offset: int, likeness: Likeness) -> _Match:
    """Return the best way to meet the reply's lines with the file's near an offset."""
    width = 2 * _SLACK + 1
    weights = [min(len(line), 60) + 4 for line in wanted]
    total = sum(weights)
    best = [0.0] * width
    came: list[list[int]] = []
    for row, line in enumerate(wanted):
        now, back = [0.0] * width, [0] * width
        for column in range(width):
            number = row + offset + column - _SLACK
            like = likeness.of(line, have[number]) if 0 <= number < len(have) else 0.0
            # Down the band the same column means one line of each; one column to the right a reply's line less.
            options = [(best[column] + like * weights[row] if like else float("-inf"), 2)]
            if column + 1 < width:
                options.append((best[column + 1], 1))
            if column:
                options.append((now[column - 1] - 3.0, 3))
            now[column], back[column] = max(options)
        best = now
        came.append(back)
    met = _traced(came, max(range(width), key=lambda column: (best[column], -column)))
    pairs = tuple(
        (row, row + offset + column - _SLACK, likeness.of(wanted[row], have[row + offset + column - _SLACK]))
        for row, column in met
    )
    skipped = sum(b[1] - a[1] - 1 for a, b in pairwise(pairs)) if pairs else 0
    score = sum(like * weights[row] for row, _, like in pairs) - 10.0 * skipped
    return _Match(score / total, pairs)


def _traced(came: list[list[int]], column: int) -> list[tuple[int, int]]:
    """Return the pairs of row and column on the best way, from the end of the table backwards."""
    found: list[tuple[int, int]] = []
    row = len(came) - 1
    while row >= 0:
        step = came[row][column]
        if step == 2:
            found.append((row, column))
            row -= 1
        elif step == 1:
            row, column = row - 1, column + 1
        else:
            column -= 1
    return found[::-1]


def slip(line: str, book: Book, at: int) -> bool:
    """True when the file's line is the reply's but for a slip of letters inside one word."""
    if at < 0:
        return False
    one, other = (_TOKENS.findall(squeeze(text)) for text in (line, book.lines[at]))
    differ = [(a, b) for a, b in zip(one, other, strict=False) if a != b]
    if len(one) != len(other) or len(differ) > 1:
        return False
    return all(
        a.isalpha()
        and b.isalpha()
        and min(len(a), len(b)) > 2
        and slips(a, b) <= _slips_of(min(len(a), len(b)))
        for a, b in differ
    )


def _slips_of(length: int) -> int:
    """Return how many letters of a word of that length may be otherwise for it to be the same word misspelt."""
    return 1 if length < _LONG_WORD else 2


def margin(old: Sequence[str], place: Place, book: Book) -> float:
    """Return by how much the second-best place must be worse than this one."""
    filled = [(line, at) for line, at in zip(old, place.pairs, strict=True) if line.strip()]
    return MARGIN if all(slip(line, book, at) for line, at in filled) else WIDE_MARGIN


def doubt(
    old: Sequence[str], script: Sequence[Step], place: Place, alike: dict[int, float], book: Book
) -> str:
    """Return why a likely place is not good enough, ``""`` when it is."""
    filled = [index for index, line in enumerate(old) if line.strip()]
    if place.score < (SHORT_SCORE if len(filled) <= 3 else SCORE) or sum(map(len, old)) < 12:
        return "it is not like enough"
    if why := _incomplete(filled, alike):
        return why
    gone = [index for mark, index in script if mark == "-" and old[index].strip()]
    if not all(slip(old[index], book, place.pairs[index]) for index in gone):
        return "a line that it takes away does not stand there"
    return _unsure(old, script, place, alike, book)


def _incomplete(filled: list[int], alike: dict[int, float]) -> str:
    """Return which lines are not there, ``""`` when enough of them are."""
    missing = {index for index in filled if index not in alike}
    if len(missing) > max(1, len(filled) // 5) or (missing and len(filled) <= 2):
        return "too many of its lines are not there"
    edges = {filled[0], filled[-1]}
    if min(alike.get(index, 1.0) for index in edges) < BESIDE or edges <= missing:
        return "its first and last line do not stand there"
    return ""


def _unsure(
    old: Sequence[str], script: Sequence[Step], place: Place, alike: dict[int, float], book: Book
) -> str:
    """Return why it is not certain where something is put, or what is taken away."""
    order = [index for _, index in script if _ != "+" and old[index].strip()]
    seen = -1
    inside = False
    for mark, index in script:
        if mark == "+":
            inside = True
            continue
        if not old[index].strip():
            continue
        seen += 1
        around = [order[at] for at in (seen - 1, seen) if 0 <= at < len(order)]
        if (inside or mark == "-") and _loose(around, place, alike, book, both=mark == "-"):
            return "the lines around what it changes differ"
        inside = mark == "-"
    if inside and order and alike.get(order[-1], 0.0) < BESIDE:
        return "the lines around what it changes differ"
    return ""


def _loose(around: list[int], place: Place, alike: dict[int, float], book: Book, *, both: bool) -> bool:
    """True when the lines beside a change are not met, or the file has others between them."""
    if both and alike.get(around[-1], 0.0) < BESIDE:
        return True
    if all(alike.get(index, 0.0) < BESIDE for index in around):
        return True
    met = [place.pairs[index] for index in around]
    return len(met) == 2 and min(met) >= 0 and any(book.lines[at].strip() for at in range(met[0] + 1, met[1]))
