"""Closures: the variables that a function has from the functions around it, and which of them may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.analysis.building import Builder
from selfimprove.executor.refactor.analysis.flow import flow_of
from selfimprove.executor.refactor.analysis.reads import Variables
from selfimprove.executor.refactor.analysis.scopes import Scopes, names_in_order, parameters_of

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from selfimprove.executor.refactor.source import Place


@dataclass(slots=True)
class Around:
    """Variables from the functions around. ``refused`` may not be passed on, with the reason for each.

    ``moving`` may get another value after the function was made, but not while it runs without a pause.
    """

    free: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    moving: set[str] = field(default_factory=set)


def around_of(place: Place, scopes: Scopes, suppresses: Callable[[ast.expr], bool]) -> Around:
    """Return the variables of enclosing functions that the function of ``place`` mentions."""
    found = Around()
    wanted = set(scopes.of(place.node).outward)
    chain = (*place.around, place.node)
    for level in range(len(place.around) - 1, -1, -1):
        outer = chain[level]
        if not isinstance(outer, FunctionNode):
            continue
        reach = scopes.of(outer)
        here = sorted(wanted & reach.bound)
        wanted -= reach.bound | reach.declared
        if here:
            found.free.update(here)
            _judge(found, here, outer, chain[level + 1], scopes, suppresses)
    return found


def _judge(
    found: Around,
    names: list[str],
    outer: FunctionNode,
    inner: ast.AST,
    scopes: Scopes,
    suppresses: Callable[[ast.expr], bool],
) -> None:
    reach = scopes.of(outer)
    variables = Variables(name for name in names_in_order(outer) if name in reach.bound)
    builder = Builder(variables, scopes, suppresses)
    graph = builder.function(outer, variables.mask(parameters_of(outer)))
    flow = flow_of(graph, builder.start)
    child: Any = inner
    stands = graph.stands.get(child, [])
    bound, later = -1, 0
    for stand in stands:
        bound &= flow.bound[stand.entry if child.decorator_list else stand.leave]
        later |= flow.later[stand.leave]
    gone = 0
    for mask in graph.kills:
        gone |= mask
    for name in names:
        bit = variables.bit[name]
        if name in reach.rebound:
            found.refused[name] = f"an inner function of {outer.name} gives {name} new values (nonlocal)"
        elif not stands or not bound & bit or gone & bit:
            found.refused[name] = f"{name} of {outer.name} may have no value when {child.name} is called"
        if later & bit:
            found.moving.add(name)
