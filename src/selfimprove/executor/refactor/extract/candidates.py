"""Candidates: all that could be extracted from a function, with what it gains and costs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.shape import Scope
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.anatomy import Anatomy
from selfimprove.executor.refactor.analysis.blocks import following
from selfimprove.executor.refactor.analysis.cutting import cut_of, cuts
from selfimprove.executor.refactor.analysis.statements import unrun_line
from selfimprove.executor.refactor.extract.body import span_of
from selfimprove.executor.refactor.extract.choosing import Item, blocks_of
from selfimprove.executor.refactor.extract.conditions import Condition, conditions
from selfimprove.executor.refactor.extract.costs import IMPOSSIBLE, cost, one_of_many, predicate_cost
from selfimprove.executor.refactor.extract.leaving import end_of
from selfimprove.executor.refactor.extract.lines import last_line
from selfimprove.executor.refactor.extract.narrowing import keeping, predicate_loss
from selfimprove.executor.refactor.extract.remarks import divided, is_told
from selfimprove.executor.refactor.extract.weights import decisions, deeper, gain, levels, shallower, stood

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source

_SUMS = ("complexity", "cognitive", "branches")
"""Metrics that a function has from its decisions alone, so that they go where those go."""


class Candidates(NamedTuple):
    """Items to choose from, and what each was made from by its number; ``need`` is what nesting needs, else 0."""

    place: Place
    items: tuple[Item, ...]
    made_from: tuple[Cut | Condition, ...]
    need: int = 0

    @classmethod
    def of(
        cls,
        source: Source,
        place: Place,
        project: Project,
        metric: str,
        limits: tuple[int | None, int],
        *,
        helper: bool = False,
    ) -> Candidates:
        """Return what can be extracted from the function and lowers ``metric``.

        ``limits`` are the highest complexity that a helper may have, None for any, and the aim of ``metric``. Of a
        ``helper``, which was extracted itself, nothing is that takes all its decisions: that moves them only.
        """
        complexity, aim = limits
        found = [*_runs(source, place, project, metric, aim)]
        if metric == "complexity":
            found += _expressions(source, place, project)
        items = []
        all_of_it = decisions(place.node.body) if helper and metric in _SUMS else -1
        for number, (thing, item) in enumerate(found):
            own = [thing.expression] if isinstance(thing, Condition) else thing.statements
            count = decisions(own)
            if count != all_of_it:
                excess = 0 if complexity is None else 1 + count - complexity
                items.append(item._replace(number=number, excess=excess))
        need = deeper(place.node.body, 0, aim) if metric == "nesting" else 0
        return cls(place, tuple(items), tuple(thing for thing, _ in found), need)


def _runs(
    source: Source, place: Place, project: Project, metric: str, aim: int
) -> Iterator[tuple[Cut | Condition, Item]]:
    where, level = stood(place.node), levels(place.node)
    for one in cuts(source, place, project):
        if cost(source, one) >= IMPOSSIBLE or _parted(source, one):
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
        around = divided(source, place, one.statement.lineno, last_line(one.statement))
        told = around or is_told(source, one.statement, one.expression)
        if told or not _is_evaluated(source, one, project):
            continue
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
                if why := _parted(source, cut):
                    found[why] += decisions([node])
                elif cost(source, cut) >= IMPOSSIBLE:
                    found["what could be cut needs too many parameters or results"] += decisions([node])
    return found.most_common(1)[0][0] if found else ""


def _parted(source: Source, cut: Cut) -> str:
    """Return why the lines of a cut do not move: they hold something else, or a comment is about more than them."""
    try:
        span = span_of(source, cut)
    except RefactorError as error:
        return error.message
    return divided(source, cut.place, span.first, span.last)


def _ends_executed(source: Source, cut: Cut, project: Project) -> bool:
    """False when tests never come behind the cut, so that a ``return`` at the helper's end is not executed."""
    executed = project.covered.get(source.path)
    if executed is None or not end_of(cut):
        return True
    if cut.last + 1 < len(cut.block):
        return cut.block[cut.last + 1].lineno in executed
    block = next(one for one in Anatomy.of(source, cut.place).blocks if one.statements == cut.block)
    behind = following(block, cut.last)
    return behind is None or unrun_line(behind, executed) != behind.lineno


def _is_evaluated(source: Source, one: Condition, project: Project) -> bool:
    """False when tests run the statement and never come to the expression, which has lines of its own."""
    executed = project.covered.get(source.path)
    first, last = one.expression.lineno, one.expression.end_lineno or one.expression.lineno
    if executed is None or first == one.statement.lineno:
        return True
    body = getattr(one.statement, "body", None)
    end = body[0].lineno - 1 if body else one.statement.end_lineno or last
    told = not executed.isdisjoint(
        range(one.statement.lineno + 1, end + 1)
    )  # else only first lines are known
    return not told or not executed.isdisjoint(range(first, last + 1))


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for block in blocks_of(node):
        yield block
        for child in block:
            if not isinstance(child, Scope):
                yield from _blocks(child)
