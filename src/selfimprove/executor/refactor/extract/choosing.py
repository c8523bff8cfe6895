"""Choosing: which cuts of a function together lower a metric by what is needed, at the least cost.

Cuts that do not overlap lower a sum (complexity, length) by the sum of what each lowers it by. So the best set is
found exactly, without search: for each run of statements there is a frontier, the least cost for each gain, and
frontiers of neighbours and of nested blocks are put together (a knapsack over the tree of statements).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.shape import Scope
from selfimprove.executor.refactor.extract.costs import IMPOSSIBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

UNKNOWN = 40.0
"""What a helper costs that is too complex itself, and of which no cuts are known that would mend that."""


class Item(NamedTuple):
    """Something that can be made a helper: the statements ``first`` to ``last`` of a block, or an expression.

    For an expression ``first`` and ``last`` are the statement that it stands in and ``whole`` is False.
    ``gain`` is what it lowers the metric by, ``excess`` by how much the helper itself has too much. ``key`` tells
    items apart and puts them in order; ``number`` finds what it was made from.
    """

    first: ast.stmt
    last: ast.stmt
    gain: int
    cost: float
    excess: int
    key: str
    number: int
    whole: bool = True


class Choice(NamedTuple):
    """Items that do not overlap, with what they gain and cost together."""

    gain: int = 0
    cost: float = 0.0
    items: tuple[Item, ...] = ()


Frontier = tuple[Choice, ...]
"""Choices of rising gain and cost; the first does nothing. Gains above the need are as good as the need."""
NOTHING: Frontier = (Choice(),)


class Chooser:
    """Finds the best choices among ``items`` for the statements of ``body``; ``need`` is the most that is asked."""

    def __init__(self, items: Iterable[Item], need: int) -> None:
        """``items`` are those that are legal; of equal choices that with the first keys is taken."""
        self.need = need
        self.runs: dict[int, list[Item]] = {}
        self.parts: dict[int, list[Item]] = {}
        for item in sorted(items, key=lambda one: (one.cost, one.key)):
            table = self.runs if item.whole else self.parts
            table.setdefault(id(item.first), []).append(item)
        self._inside: dict[int, Frontier] = {}
        self._costs: dict[int, float] = {}

    def best(self, body: Sequence[ast.stmt], banned: frozenset[str] = frozenset()) -> Frontier:
        """Return the frontier of a whole body, without items of which the key is ``banned``."""
        usable: Callable[[Item], bool] = lambda item: item.key not in banned  # noqa: E731
        self._inside.clear()
        return self._run(body, usable)

    def _run(self, block: Sequence[ast.stmt], usable: Callable[[Item], bool]) -> Frontier:
        fronts: list[Frontier] = [NOTHING] * (len(block) + 1)
        at = {id(node): index for index, node in enumerate(block)}
        for index in reversed(range(len(block))):
            node = block[index]
            found = list(self._joined(self._of(node, usable), fronts[index + 1]))
            for item in self.runs.get(id(node), ()):
                last = at.get(id(item.last))
                if last is not None and usable(item):
                    alone = Choice(item.gain, item.cost + self._mending(item, block, index, last), (item,))
                    found += self._joined((alone,), fronts[last + 1])
            fronts[index] = self._pruned(found)
        return fronts[0]

    def _of(self, node: ast.stmt, usable: Callable[[Item], bool]) -> Frontier:
        """Return the frontier of what can be cut inside of one statement."""
        known = self._inside.get(id(node))
        if known is None:
            known = NOTHING
            for item in self.parts.get(id(node), ()):
                if usable(item):
                    both = (
                        *known,
                        *self._joined((Choice(item.gain, item.cost, (item,)),), self._apart(known, item)),
                    )
                    known = self._pruned(both)
            if not isinstance(node, Scope):
                for block in blocks_of(node):
                    known = self._pruned(self._joined(known, self._run(block, usable)))
            self._inside[id(node)] = known
        return known

    def _apart(self, frontier: Frontier, item: Item) -> Frontier:
        """Return the choices of expressions that ``item`` does not overlap; keys begin with their span."""
        return (
            tuple(one for one in frontier if not any(_overlap(other, item) for other in one.items)) or NOTHING
        )

    def _mending(self, item: Item, block: Sequence[ast.stmt], first: int, last: int) -> float:
        """Return what it costs at least to bring the helper itself down, by cuts inside of it."""
        if item.excess <= 0:
            return 0.0
        key = item.number
        if key not in self._costs:
            inside: Frontier = NOTHING
            for node in block[first : last + 1]:
                inside = self._pruned(self._joined(inside, self._of(node, lambda _: True)))
            fit = [one.cost for one in inside if one.gain >= min(item.excess, self.need)]
            self._costs[key] = min(fit) if fit else UNKNOWN + 2 * item.excess
        return self._costs[key]

    def _joined(self, left: Frontier, right: Frontier) -> Iterable[Choice]:
        if left is NOTHING or right is NOTHING:
            return right if left is NOTHING else left
        return [
            Choice(min(self.need, a.gain + b.gain), a.cost + b.cost, a.items + b.items)
            for a in left
            for b in right
        ]

    def _pruned(self, found: Iterable[Choice]) -> Frontier:
        """Keep the cheapest choice for each gain, and only if no greater gain is as cheap."""
        cheapest: dict[int, Choice] = {}
        for one in found:
            capped = one if one.gain <= self.need else one._replace(gain=self.need)
            known = cheapest.get(capped.gain)
            if capped.cost < IMPOSSIBLE and (known is None or _rank(capped) < _rank(known)):
                cheapest[capped.gain] = capped
        kept: list[Choice] = []
        for value in sorted(cheapest, reverse=True):
            if not kept or cheapest[value].cost < kept[-1].cost:
                kept.append(cheapest[value])
        return tuple(reversed(kept)) or NOTHING


def blocks_of(node: ast.AST) -> Iterable[list[ast.stmt]]:
    """Yield the blocks of a compound statement in the order of the text."""
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        suite = getattr(node, name, None) or []
        if name in ("handlers", "cases"):
            yield from (one.body for one in suite)
        elif suite and isinstance(suite[0], ast.stmt):
            yield suite


def _rank(choice: Choice) -> tuple[float, int, tuple[str, ...]]:
    return choice.cost, len(choice.items), tuple(item.key for item in choice.items)


def _overlap(one: Item, other: Item) -> bool:
    (start, end), (begin, stop) = (tuple(map(int, item.key.split(":")[:2])) for item in (one, other))
    return start < stop and begin < end
