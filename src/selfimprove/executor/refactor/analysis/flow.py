"""Flow: what holds at each node of a function's graph on all paths through it, or on some."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.refactor.analysis.graph import Graph


@dataclass(frozen=True, slots=True)
class Flow:
    """Masks of variables for each node, before it does anything.

    ``bound`` have a value on every path to it, ``perhaps`` on some. ``held`` may have been captured by an inner
    function. ``live`` may be read, before they are bound anew, on some path from it; ``later`` may be bound or
    unbound on some path from it. ``reached`` are the nodes that some path from the start leads to.

    The classic analyses by iteration to a fixpoint: Kildall, A Unified Approach to Global Program Optimization,
    POPL 1973. A variable that was read without an exception is bound from there on.
    """

    reached: frozenset[int]
    bound: Sequence[int]
    perhaps: Sequence[int]
    held: Sequence[int]
    live: Sequence[int]
    later: Sequence[int]


def flow_of(graph: Graph, start: int) -> Flow:
    """Return what holds at each node; at one that is not reached nothing is asked of any path."""
    size = range(len(graph))
    proved = [graph.binds[node] | (graph.sure[node] & ~graph.kills[node]) for node in size]
    bound = _forward(graph, start, proved, graph.kills)
    perhaps = _forward(graph, start, graph.binds, graph.kills, some=True)
    held = _forward(graph, start, graph.holds, [0] * len(graph), some=True, at_once=True)
    before = _sources(graph)
    changed = [graph.binds[node] | graph.kills[node] for node in size]
    live = _backward(graph, before, graph.uses, changed)
    later = _backward(graph, before, changed, [0] * len(graph))
    reached = frozenset(node for node in size if perhaps[node] >= 0)
    return Flow(
        reached, bound, [max(mask, 0) for mask in perhaps], [max(mask, 0) for mask in held], live, later
    )


def _forward(
    graph: Graph,
    start: int,
    gains: Sequence[int],
    losses: Sequence[int],
    *,
    some: bool = False,
    at_once: bool = False,
) -> list[int]:
    """Return masks from ``start`` on; -1 (all) where no path leads. ``at_once``: gained even by what fails."""
    state = [-1] * len(graph)
    state[start] = 0
    seen = {start}
    todo = deque([start])
    while todo:
        node = todo.popleft()
        before = state[node]
        behind = (before & ~losses[node]) | gains[node]
        for mask, targets in (
            (behind, graph.after[node]),
            (behind if at_once else before, graph.failing[node]),
        ):
            for target in targets:
                merged = (
                    mask if target not in seen else state[target] | mask if some else state[target] & mask
                )
                if merged != state[target] or target not in seen:
                    state[target] = merged
                    seen.add(target)
                    todo.append(target)
    return state


def _backward(
    graph: Graph, sources: Sequence[Sequence[int]], gains: Sequence[int], losses: Sequence[int]
) -> list[int]:
    state = [0] * len(graph)
    todo = deque(reversed(range(len(graph))))
    waiting = set(todo)
    while todo:
        node = todo.popleft()
        waiting.discard(node)
        behind = failed = 0
        for target in graph.after[node]:
            behind |= state[target]
        for target in graph.failing[node]:
            failed |= state[target]
        mask = gains[node] | (behind & ~losses[node]) | failed
        if mask != state[node]:
            state[node] = mask
            fresh = [source for source in sources[node] if source not in waiting]
            todo.extend(fresh)
            waiting.update(fresh)
    return state


def _sources(graph: Graph) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(len(graph))]
    for edges in (graph.after, graph.failing):
        for node, targets in enumerate(edges):
            for target in targets:
                found[target].append(node)
    return found
