"""Filling: fills the places at which a reply says "the rest is as it was" with the file's own lines."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import PatchError
from selfimprove.executor.patching.definitions import indent_of
from selfimprove.executor.patching.diff import opcodes
from selfimprove.executor.patching.elision import is_elision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.definitions import Node


_SAID = re.compile(
    r"\s*(?:#+|//+|/\*+|<!--|--+|;+|%+)\s*[\[(<]?\s*"
    r"(?:(?:the )?(?:rest|code|file|everything(?: else)?|all else) )?(?:is |are )?"
    r"(?:unchanged|unmodified|as before|same as before|no (?:other )?changes?|snip|omitted)(?: here| above| below)?"
    r"\s*[\])>.]?\s*(?:\*/|-->)?\s*",
    re.IGNORECASE,
)
_MARGIN = 1.5  # lines by which the best place must be better than the next
_LONG, _AGAIN = 12, 2  # characters of a line that says something, and how many such lines are no accident
_MOST = 2_000  # places of one part that are compared


class _Place(NamedTuple):
    """Rows of the file, from ``start`` up to but not ``end``, and how like a part they are; ``fresh``: a new part."""

    start: int
    end: int
    score: float
    fresh: bool = False


class _Part(NamedTuple):
    """Rows of the reply, from ``first`` up to but not ``last``, with whether a mark stands before and after."""

    first: int
    last: int
    opened: bool
    closed: bool


def marks(lines: Sequence[str], have: Sequence[str]) -> list[int]:
    """Return the rows of ``lines`` that stand for elided lines of the file.

    A line that the file has too is none. A bare ``...`` below a line that opens a body is that body, as Python
    has it, unless the file has that very line with another body.
    """
    own = {line.strip() for line in have if line.strip()}
    found = []
    before = ""
    for row, line in enumerate(lines):
        text = line.strip()
        said = is_elision(line) or bool(_SAID.fullmatch(line))
        if text and text not in own and said and not _is_body(text, before, own):
            found.append(row)
        before = text or before
    return found


def _is_body(text: str, before: str, own: set[str]) -> bool:
    return text == "..." and before.endswith(":") and (before not in own or before.startswith("class "))


def fill(
    have: Sequence[str],
    lines: Sequence[str],
    rows: Sequence[int],
    nodes: tuple[Sequence[Node], Sequence[Node]],
) -> list[str]:
    """Return ``lines`` with the file's lines in the place of the marks at ``rows``.

    ``nodes`` are the definitions of the file and of the reply. Each part between marks takes the place of the
    rows of the file that begin and end as it does (a whole definition stands for itself), and that it is most
    like; the parts keep their order. Raises PatchError, for the author, where another place would do nearly as well.
    """
    finder = _Finder(have, lines, frozenset(rows), *nodes)
    parts = _parts(lines, rows)
    made: list[str] = []
    done = 0
    for part, place in zip(parts, finder.places(parts), strict=True):
        made += have[done : place.start]
        if place.fresh and made:
            made += [""] * (1 if indent_of(lines[part.first]) else 2)
        made += lines[part.first : part.last]
        done = place.end
    if not parts or parts[-1].closed:
        made += have[done:]
    _not_restated(have, lines, made)
    return made


def _not_restated(have: Sequence[str], lines: Sequence[str], made: Sequence[str]) -> None:
    """Raise PatchError when lines stand more often than in the file and in the reply: a gap has them too."""
    one, two, now = (Counter(line.strip() for line in part) for part in (have, lines, made))
    again = [
        line
        for line, times in now.items()
        if len(line) >= _LONG and one[line] and times > max(one[line], two[line])
    ]
    if len(again) >= _AGAIN:
        raise _unclear(again[0], "would stand in the file once more")


def _parts(lines: Sequence[str], rows: Sequence[int]) -> list[_Part]:
    """Return the parts between the marks, without blank lines at their ends, and without empty ones."""
    found = []
    for low, high in pairwise([-1, *rows, len(lines)]):
        first, last = low + 1, high
        while first < last and not lines[first].strip():
            first += 1
        while first < last and not lines[last - 1].strip():
            last -= 1
        if first < last:
            found.append(_Part(first, last, low >= 0, high < len(lines)))
    return found


class _Finder:
    """Finds where the parts of the reply stand in the file."""

    def __init__(
        self,
        have: Sequence[str],
        lines: Sequence[str],
        rows: frozenset[int],
        old: Sequence[Node],
        new: Sequence[Node],
    ) -> None:
        self.have = [line.rstrip() for line in have]
        self.lines = [line.rstrip() for line in lines]
        self.symbols = {one.symbol for one in old}
        names = [one.qualified for one in old]
        self.old = {one.qualified: one for one in old if names.count(one.qualified) == 1}
        self.whole = [one for one in new if not any(one.lead <= row <= one.end for row in rows)]

    def places(self, parts: Sequence[_Part]) -> list[_Place]:
        """Return the place of each part: those places, one behind the other, that are most like the parts.

        Raises PatchError when a part has none, or another one that is nearly as good.
        """
        options = [self._options(part) for part in parts]
        best: list[dict[int, tuple[float, tuple[_Place, ...]]]] = [{0: (0.0, ())}]
        for part, some in zip(parts, options, strict=True):
            ends: dict[int, tuple[float, tuple[_Place, ...]]] = {}
            for place in some:
                before = [(score, chain) for end, (score, chain) in best[-1].items() if end <= place.start]
                if before:
                    score, chain = max(before, key=lambda pair: pair[0])
                    if place.end not in ends or ends[place.end][0] < score + place.score:
                        ends[place.end] = score + place.score, (*chain, place)
            if not ends:
                raise _unclear(
                    self.lines[part.first], "does not stand in the file, or not behind the part before it"
                )
            best.append(ends)
        chosen = max(best[-1].values(), key=lambda pair: pair[0])[1]
        for number, part in enumerate(parts):
            low = chosen[number - 1].end if number else 0
            high = chosen[number + 1].start if number + 1 < len(chosen) else len(self.have)
            self._no_rival(part, chosen[number], options[number], low, high)
        return list(chosen)

    def _no_rival(self, part: _Part, place: _Place, options: Sequence[_Place], low: int, high: int) -> None:
        """Raise PatchError when a part would do nearly as well at another place between ``low`` and ``high``."""
        rivals = [
            other
            for other in options
            if other != place
            and low <= other.start
            and other.end <= high
            and other.score > place.score - _MARGIN
        ]
        if rivals:
            starts = ", ".join(str(row + 1) for row in sorted({one.start for one in (place, *rivals)})[:5])
            raise _unclear(self.lines[part.first], f"could stand at several places (lines {starts})")

    def _options(self, part: _Part) -> list[_Place]:
        """Return the places at which a part may stand."""
        starts, ends = self._starts(part), self._ends(part)
        given = self.lines[part.first : part.last]
        if not starts and not ends and part.opened and not part.closed:  # new, and last
            return [_Place(len(self.have), len(self.have), 0.0, fresh=True)]
        if len(starts) * len(ends) > _MOST:
            return []
        found = []
        must = self._covered(part)
        for start in starts:
            for end in ends:
                if start <= end and all(start <= low and high <= end for low, high in must):
                    found.append(_Place(start, end, self._score(self.have[start:end], given)))
        return found

    def _covered(self, part: _Part) -> list[tuple[int, int]]:
        """Return the rows of the definitions that a part gives whole: they must be among those that it replaces."""
        given = [one for one in self.whole if part.first <= one.start and one.end < part.last]
        mine = [(node, own) for node in given if (own := self.old.get(node.qualified))]
        return [
            (own.head, own.end + 1)
            for node, own in mine
            if node.end < part.last - 1 or self._ended(node, own)
        ]

    def _score(self, have: Sequence[str], given: Sequence[str]) -> float:
        """Return how like rows of the file are to a part: lines in common, less half of those that would go."""
        wanted = sum(map(bool, have))
        if wanted > 4 * len(given) + 200:
            return float(-wanted)
        same = sum(
            bool(line) for tag, a, b, _, _ in opcodes(have, given) if tag == "equal" for line in have[a:b]
        )
        return same - (wanted - same) / 2

    def _starts(self, part: _Part) -> list[int]:
        """Return the rows of the file at which a part may begin."""
        first = self.lines[part.first]
        top = next((row for row, line in enumerate(self.have) if line), 0)
        if not part.opened and (self.have[top : top + 1] == [first] or first not in self.have):
            return [0]
        at = part.first
        while (node := self._whole_at(at, part, first=True)) and self._is_new(node):
            at = node.end + 1
            while at < part.last and not self.lines[at]:
                at += 1
        if node and (own := self.old.get(node.qualified)):
            return [_begins(own, node)]
        return self._rows(at) if at < part.last else []

    def _ends(self, part: _Part) -> list[int]:
        """Return the rows of the file before which a part may end."""
        if not part.closed:
            return [len(self.have)] if not part.opened or self._starts(part) else []
        at = part.last - 1
        while (node := self._whole_at(at, part, first=False)) and self._is_new(node):
            at = node.lead - 1
            while at >= part.first and not self.lines[at]:
                at -= 1
        if node and (own := self.old.get(node.qualified)) and self._ended(node, own):
            return [own.end + 1]
        return [row + 1 for row in self._rows(at)] if at >= part.first else []

    def _rows(self, at: int) -> list[int]:
        """Return the rows of the file that are a line of the reply."""
        return [row for row, line in enumerate(self.have) if line == self.lines[at]]

    def _is_new(self, node: Node) -> bool:
        """True for a definition that the file has nothing of: neither its name nor its last line."""
        return node.symbol not in self.symbols and self.lines[node.end] not in self.have

    def _ended(self, node: Node, own: Node) -> bool:
        """True unless a mark below may stand for the rest of the definition: it has its last line, or most of them."""
        if self.lines[node.end] == self.have[own.end]:
            return True
        mine = Counter(line for line in self.have[own.start : own.end + 1] if line)
        given = Counter(line for line in self.lines[node.start : node.end + 1] if line)
        after = self.lines[node.end + 1 : node.end + 3]
        if len(after) == 2 and not after[0] and indent_of(after[1]) == indent_of(self.lines[node.head]):
            return bool(
                given - mine
            )  # a mark as deep as it, after a blank line: it is whole, if it changes at all
        return (mine & given).total() * 2 > mine.total()

    def _whole_at(self, row: int, part: _Part, *, first: bool) -> Node | None:
        """Return the outermost whole definition of the part that begins, or ends, at that row of the reply."""
        for node in self.whole:
            edge = (node.lead, node.start) if first else (node.end,)
            if row in edge and part.first <= node.start and node.end < part.last:
                return node
        return None


def _begins(own: Node, node: Node) -> int:
    """Return the row at which a definition of the file gives way: comments and decorators only to some of the reply."""
    if node.lead < node.start:
        return own.lead
    return own.head if own.decorators and not node.decorators else own.start


def _unclear(line: str, why: str) -> PatchError:
    return PatchError(
        f"the reply leaves lines out, and where is not clear: {line.strip()[:80]!r} beside the gap {why}",
        hint="give the whole file, or a SEARCH/REPLACE block for each place",
    )
