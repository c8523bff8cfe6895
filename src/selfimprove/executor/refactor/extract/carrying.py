"""Carrying: which lines tests execute after a rewrite, as far as they are lines that were executed before."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from selfimprove.executor.proving.executed import missing_lines
from selfimprove.executor.refactor.extract.lines import last_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.refactor.extract.extract import Written
    from selfimprove.executor.refactor.source import Source, Splice


def carried(source: Source, made: Sequence[Written], executed: frozenset[int]) -> frozenset[int]:
    """Return the executed lines of the text in which each of ``made`` is in place; ``executed`` are the old ones.

    A call is executed when what it stands for was. A helper's lines were executed when they were before; those
    that are new in it (its ``def``, its last ``return``) are taken to be. Insertions at one place must be in the
    order in which they are put there.
    """
    splices = sorted(
        (splice for one in made for splice in (one.call, one.helper)), key=lambda one: (one.start, one.end)
    )
    shift = _Shift(source, splices)
    gone = {
        line
        for one in made
        for line in range(_line_at(source, one.call.start), _line_at(source, max(one.call.end - 1, 0)) + 1)
    }
    found = {shift(line) for line in executed if line not in gone}
    for one in made:
        first, last = _line_at(source, one.call.start), _line_at(source, max(one.call.end - 1, 0))
        if not executed.isdisjoint(range(first, last + 1)):
            begins = shift(first)
            found.update(range(begins, begins + one.call.text.rstrip().count("\n") + 1))
    before: dict[int, int] = {}
    for one in made:
        start = shift.before(one.helper.start) + before.get(one.helper.start, 0) + one.lead
        before[one.helper.start] = before.get(one.helper.start, 0) + one.helper.text.count("\n")
        for index, (number, _) in enumerate(one.helper_rows):
            if number is None or number in executed:
                found.add(start + index)
    return frozenset(found)


def unrun(source: Source, symbol: str, executed: frozenset[int]) -> int:
    """Return the first line of the function ``symbol`` that a proof wants to be run and is not; 0 when all are."""
    node = source.place(symbol).node
    text = "if 1:\n" + source.lines(node.lineno, last_line(node)) if source.indent(node.lineno) else ""
    shift = node.lineno - 2 if text else node.lineno - 1
    text = text or source.lines(node.lineno, last_line(node))
    hit = [line - shift for line in executed if node.lineno <= line <= last_line(node)]
    missing = missing_lines(text, node.lineno - shift, last_line(node) - shift, hit)
    return missing[0] + shift if missing else 0


def _line_at(source: Source, offset: int) -> int:
    return bisect_right(source.starts, offset, hi=len(source.starts) - 1)


class _Shift:
    """New numbers of lines that no splice takes away."""

    def __init__(self, source: Source, splices: Sequence[Splice]) -> None:
        self.source = source
        self.splices = splices

    def __call__(self, line: int) -> int:
        return line + self._added(self.source.starts[line - 1], inclusive=True)

    def before(self, offset: int) -> int:
        """Return the number of the line at ``offset``, before what is inserted there."""
        return _line_at(self.source, offset) + self._added(offset, inclusive=False)

    def _added(self, offset: int, *, inclusive: bool) -> int:
        total = 0
        for start, end, text in self.splices:
            if end < offset or (end == offset and (inclusive or start < end)):
                total += text.count("\n") - self.source.text.count("\n", start, end)
        return total
