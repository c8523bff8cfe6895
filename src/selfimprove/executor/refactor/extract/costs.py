"""Costs: how well a cut reads as a function of its own, as a number; the cuts that cost least are made."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode, Scope
from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.extract.imports import imported, repeated
from selfimprove.executor.refactor.extract.leaving import jumps
from selfimprove.executor.refactor.extract.lines import first_line, last_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Source

HELPER = 12.0
"""What one more function costs, so that few are made."""
IMPOSSIBLE = float("inf")

_PARAMETERS = (0.0, 0.0, 0.5, 1.0, 2.5, 5.0, 11.0, 18.0)
"""By their number; more than these are not passed."""
_RESULTS = (0.0, 0.0, 3.0, 8.0)
_LEAVES = {Leaves.END: 0.0, Leaves.RETURN: 0.0, Leaves.PASS: 0.0, Leaves.GUARD: 4.0, Leaves.MAYBE: 5.0}
_IMPORTED = 12.0
"""For each module that is imported in the function, and would have to be passed."""
_ALONE = 10.0
_GIVING = 12.0
_REST = 3.0
"""For the rest of a function that has several ways out: what it does is seldom one thing."""
_PART_OF_RUN = 4.0
_ACROSS = 2.0
"""For a cut that takes a piece of one paragraph with another."""
_WAYS = 2  # ways out that one thing has
_MANY = 3  # branches that make a chain of many
_COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match)


def cost(source: Source, cut: Cut) -> float:
    """Return what the cut costs, IMPOSSIBLE when it is not to be made.

    Parameters beyond 5 and results beyond 2 are dear and beyond 7 and 3 impossible; so is a cut that begins or
    ends in the middle of something, that is too small to be named, or that leaves nothing of its function.
    """
    again = repeated(cut)
    passed, given = len(cut.parameters) - len(again), len(cut.results)
    if passed >= len(_PARAMETERS) or given >= len(_RESULTS):
        return IMPOSSIBLE
    both = 2.0 * (passed > 3 and given > 1) + _IMPORTED * len(imported(cut) - again.keys()) + 2.0 * len(again)
    ways = _LEAVES[cut.leaves] + _yields(cut) + _only_stops(cut)
    chain = (5.0 if continues_elif(source, cut) else 0.0) + _taken_alone(cut)
    price = HELPER + _PARAMETERS[passed] + _RESULTS[given] + both + ways + chain
    return price + _borders(source, cut) + _size(cut) + _strangers(cut) + _breaks_run(cut)


def predicate_cost(parameters: int, count: int) -> float:
    """Return what a helper for an expression costs that has ``count`` decisions."""
    if parameters >= len(_PARAMETERS):
        return IMPOSSIBLE
    return HELPER + 2 * _PARAMETERS[parameters] + (14.0, 14.0, 4.0)[min(count, 2)]


def _yields(cut: Cut) -> float:
    """Return what it costs to be a generator; one that also gives a value back (``a = yield from f()``) reads badly."""
    if not cut.is_generator:
        return 0.0
    gives = bool(cut.results) or cut.leaves in (Leaves.GUARD, Leaves.MAYBE)
    return _GIVING if gives else 1.0


def _only_stops(cut: Cut) -> float:
    """Return what it costs that ``return helper()`` would give back nothing: the return had better stay behind."""
    if cut.leaves is not Leaves.RETURN:
        return 0.0
    values = [one.value for one in jumps(cut.statements) if isinstance(one, ast.Return)]
    return 4.0 if values and not any(values) else 0.0


def _taken_alone(cut: Cut) -> float:
    whole = cut.first == 0 and cut.last == len(cut.block) - 1
    return one_of_many(cut.place.node, cut.block[0]) if whole else 0.0


def _breaks_run(cut: Cut) -> float:
    """Return what it costs to take some of several ``if`` that stand in a row and are all alike."""
    before = cut.block[cut.first - 1 : cut.first] if cut.first else ()
    after = cut.block[cut.last + 1 : cut.last + 2]
    return _PART_OF_RUN * (
        _are_alike(*before, cut.block[cut.first]) + _are_alike(cut.block[cut.last], *after)
    )


def _are_alike(*nodes: ast.stmt) -> bool:
    return (
        len(nodes) > 1
        and all(isinstance(node, ast.If) for node in nodes)
        and _shape(nodes[:1]) == _shape(nodes[1:])
    )


def one_of_many(function: FunctionNode, first: ast.stmt) -> float:
    """Return what it costs to take a branch, which begins with ``first``, out of a chain of others much like it."""
    shapes = _arms(function).get(id(first), ())
    return _ALONE if len(shapes) >= _MANY and shapes.count(shapes[0]) > len(shapes) / 2 else 0.0


@lru_cache(maxsize=4)
def _arms(function: FunctionNode) -> dict[int, tuple[str, ...]]:
    """Return the shapes of all branches of a chain, its own first, for the first statement of each branch."""
    found: dict[int, tuple[str, ...]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.If) and id(node.body[0]) not in found:
            arms, more = [node.body], node.orelse
            while len(more) == 1 and isinstance(one := more[0], ast.If):
                arms.append(one.body)
                more = one.orelse
            shapes = [_shape(arm) for arm in arms]
            for at, arm in enumerate(arms):
                found.setdefault(id(arm[0]), (shapes[at], *shapes[:at], *shapes[at + 1 :]))
    return found


def _shape(statements: Sequence[ast.stmt]) -> str:
    """Return what statements are, without the names and values in them."""
    return " ".join(type(node).__name__ for one in statements for node in ast.walk(one))


def _borders(source: Source, cut: Cut) -> float:
    """Return what it costs that the cut begins and ends where nothing sets it off."""
    whole = cut.first == 0 and cut.last == len(cut.block) - 1
    if whole:
        return 2.0 if cut.leaves is Leaves.RETURN and cut.block[0] in cut.place.node.body else 0.0
    begins, ends = _beginning(source, cut), _ending(source, cut)
    if cut.leaves is Leaves.RETURN and len([*jumps(cut.statements)]) > _WAYS:
        ends += _REST
    return begins + ends + (_ACROSS if (begins or ends) and _has_sections(source, cut) else 0.0)


def _has_sections(source: Source, cut: Cut) -> bool:
    """True when something between two statements of the cut sets them apart from each other."""
    return any(
        _set_off(source, one, two) for one, two in zip(cut.statements, cut.statements[1:], strict=False)
    )


def _beginning(source: Source, cut: Cut) -> float:
    if cut.first == 0:
        return 1.0
    head, before = cut.block[cut.first], cut.block[cut.first - 1]
    if _set_off(source, before, head):
        return 0.0
    if isinstance(head, _COMPOUND):
        return 1.0 if _prepares(before, cut) == 0 else 3.0
    return 2.0 if isinstance(before, (*_COMPOUND, Scope)) or _is_plain(before) else 5.0


def _is_plain(node: ast.stmt) -> bool:
    """True for an assignment of what needs no work: it may stay where it is, and what it sets be passed."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.Name | ast.Attribute)


def _prepares(before: ast.stmt, cut: Cut) -> int:
    """Return how many names ``before`` sets that the cut takes in: what belongs together was cut apart."""
    if not isinstance(before, ast.Assign):
        return 0
    return sum(
        isinstance(one, ast.Name) and one.id in cut.parameters
        for target in before.targets
        for one in ast.walk(target)
    )


def _ending(source: Source, cut: Cut) -> float:
    if cut.last == len(cut.block) - 1:
        return 0.0
    tail, after = cut.block[cut.last], cut.block[cut.last + 1]
    if _set_off(source, tail, after):
        return 0.0
    if isinstance(tail, _COMPOUND):
        return 0.5 if isinstance(after, (ast.Return, *_COMPOUND)) else 1.0
    return 2.0 if isinstance(after, (*_COMPOUND, ast.Return)) else 5.0


def _set_off(source: Source, before: ast.stmt, after: ast.stmt) -> bool:
    """True when a blank line or a comment of its own stands between two statements."""
    return first_line(after) - last_line(before) > 1 and bool(
        [line for line in range(last_line(before) + 1, first_line(after)) if _is_apart(source.line(line))]
    )


def _is_apart(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _strangers(cut: Cut) -> float:
    """Return what it costs that a cut with results begins with what they do not come from, or only hands them on."""
    if not cut.results or len(cut.statements) < 2:
        return 0.0
    first, *rest = cut.statements
    made = _names(first, ast.Store)
    used = {name for node in rest for name in _names(node, ast.Load)} | set(cut.results)
    price = 0.0 if made & used else 3.0
    later = {name for node in rest for name in _names(node, ast.Store)}
    return price + (6.0 if _is_plain(first) and made & set(cut.results) - later else 0.0)


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, context)}


def _size(cut: Cut) -> float:
    """Return what it costs to be very small, very large, or nearly all of the function."""
    lines = last_line(cut.statements[-1]) - first_line(cut.statements[0]) + 1
    small = 5.0 if lines < 3 else 2.0 if lines < 4 else 0.0
    if len(cut.statements) == 1 and not isinstance(cut.statements[0], _COMPOUND):
        small += 4.0
    large = max(0, lines - 40) / 8
    return small + large + _emptied(cut, lines)


def _emptied(cut: Cut, lines: int) -> float:
    """Return what it costs to leave hardly anything of the function: the complexity has only moved."""
    body: Sequence[ast.stmt] = cut.place.node.body
    start = 1 if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) else 0
    if start >= len(body):
        return 0.0
    whole = last_line(body[-1]) - first_line(body[start]) + 1
    left = whole - lines
    return 15.0 if left < 3 else 6.0 if left * 5 < whole else 0.0


def continues_elif(source: Source, cut: Cut) -> bool:
    """True when the cut is the rest of an if/elif chain, which begins at one of its ``elif``."""
    return cut.first == 0 and source.segment(cut.block[0]).startswith("elif")
