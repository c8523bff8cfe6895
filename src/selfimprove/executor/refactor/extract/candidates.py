"""Candidates: all that could be extracted from a function, with what it gains and costs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.shape import Scope
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.cutting import cut_of, cuts
from selfimprove.executor.refactor.extract.choosing import Item, blocks_of
from selfimprove.executor.refactor.extract.conditions import Condition, conditions
from selfimprove.executor.refactor.extract.costs import IMPOSSIBLE, cost, one_of_many, predicate_cost
from selfimprove.executor.refactor.extract.leaving import end_of
from selfimprove.executor.refactor.extract.narrowing import keeping, predicate_loss
from selfimprove.executor.refactor.extract.weights import decisions, deeper, gain, levels, shallower, stood

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source


class Candidates(NamedTuple):
    """Items to choose from, and what each was made from by its number; ``need`` is what nesting needs, else 0."""

    place: Place
    items: tuple[Item, ...]
    made_from: tuple[Cut | Condition, ...]
    need: int = 0

    @classmethod
    def of(
        cls, source: Source, place: Place, project: Project, metric: str, complexity: int | None, aim: int
    ) -> Candidates:
        """Return what can be extracted from the function and lowers ``metric``, of which ``aim`` is the aim.

        ``complexity`` is the most that a helper may have, None for any.
        """
        found = [*_runs(source, place, project, metric, aim)]
        if metric == "complexity":
            found += _expressions(source, place, project)
        items = []
        for number, (thing, item) in enumerate(found):
            own = [thing.expression] if isinstance(thing, Condition) else thing.statements
            excess = 0 if complexity is None else 1 + decisions(own) - complexity
            items.append(item._replace(number=number, excess=excess))
        need = deeper(place.node.body, 0, aim) if metric == "nesting" else 0
        return cls(place, tuple(items), tuple(thing for thing, _ in found), need)


def _runs(
    source: Source, place: Place, project: Project, metric: str, aim: int
) -> Iterator[tuple[Cut | Condition, Item]]:
    where, level = stood(place.node), levels(place.node)
    for one in cuts(source, place, project):
        if cost(source, one) >= IMPOSSIBLE:
            continue
        cut, lost = keeping(source, one, project)
        if not _ends_executed(source, cut, project):
            continue
        price = cost(source, cut) + lost
        first, last = cut.statements[0], cut.statements[-1]
        deep = metric == "nesting"
        won = shallower(cut, level[id(first)], aim) if deep else gain(metric, cut, where)
        if won > 0:
            key = f"{source.span(first)[0]:09}:{source.span(last)[1]:09}:{cut.leaves}"
            yield cut, Item(first, last, won, price, 0, key, 0)


def _expressions(source: Source, place: Place, project: Project) -> Iterator[tuple[Cut | Condition, Item]]:
    for one in conditions(source, place, project):
        count = decisions([one.expression])
        price = predicate_cost(len(one.cut.parameters), count) + one_of_many(place.node, one.statement)
        price += predicate_loss(source, place, one.statement, one.expression, project)
        start, end = source.span(one.expression)
        key = f"{start:09}:{end:09}:expression"
        yield one, Item(one.statement, one.statement, count, price, 0, key, 0, whole=False)


def reasons(source: Source, place: Place, project: Project) -> str:
    """Return why parts of the function cannot be extracted: the most frequent reason, ``""`` when there is none."""
    found: Counter[str] = Counter()
    for block in _blocks(place.node):
        for at, node in enumerate(block):
            if isinstance(node, Scope) or not decisions([node]):
                continue
            try:
                cut = cut_of(source, place, block, at, at, project)
            except RefactorError as error:
                found[error.message] += decisions([node])
            else:
                if cost(source, cut) >= IMPOSSIBLE:
                    found["what could be cut needs too many parameters or results"] += decisions([node])
    return found.most_common(1)[0][0] if found else ""


def _ends_executed(source: Source, cut: Cut, project: Project) -> bool:
    """False when tests never come behind the cut, so that a ``return`` at the helper's end is not executed."""
    executed = project.covered.get(source.path)
    if executed is None or not end_of(cut) or cut.last + 1 >= len(cut.block):
        return True
    return cut.block[cut.last + 1].lineno in executed


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for block in blocks_of(node):
        yield block
        for child in block:
            if not isinstance(child, Scope):
                yield from _blocks(child)
