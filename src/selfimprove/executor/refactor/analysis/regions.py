"""Regions: what a run of statements reads, binds and may leave half done, put together from its statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from selfimprove.executor.refactor.analysis.graph import Graph, Stand


class Region(NamedTuple):
    """Masks of variables for statements that follow each other.

    ``reads`` may be read in it before it binds them. ``binds`` have got a value in it whenever it ends normally,
    ``kills`` may be unbound in it, ``changes`` may be bound or unbound. ``early`` may have been changed when an
    exception leaves it. ``holds`` are captured by functions made in it, ``mentions`` are read or changed anywhere.
    """

    reads: int = 0
    binds: int = 0
    kills: int = 0
    changes: int = 0
    early: int = 0
    holds: int = 0
    mentions: int = 0
    raises: bool = False
    ends: bool = True

    def then(self, other: Region) -> Region:
        """Return what both do, one after the other."""
        return Region(
            reads=self.reads | (other.reads & ~self.binds),
            binds=(self.binds & ~other.kills) | other.binds,
            kills=self.kills | other.kills,
            changes=self.changes | other.changes,
            early=self.early | other.early | (self.changes if other.raises else 0),
            holds=self.holds | other.holds,
            mentions=self.mentions | other.mentions,
            raises=self.raises or other.raises,
            ends=self.ends and other.ends,
        )


def region_of(graph: Graph, stand: Stand) -> Region:
    """Return what one statement does, by iteration over its own nodes."""
    inside = range(stand.entry, stand.leave + 1)
    holds = kills = changes = uses = 0
    for node in inside:
        holds |= graph.holds[node]
        kills |= graph.kills[node]
        changes |= graph.binds[node] | graph.kills[node]
        uses |= graph.uses[node]
    binds = _binds(graph, stand)
    early, raises = _early(graph, stand)
    return Region(
        reads=_reads(graph, inside) if uses & changes else uses,
        binds=max(binds, 0),
        kills=kills,
        changes=changes,
        early=early,
        holds=holds,
        mentions=uses | changes | holds,
        raises=raises,
        ends=binds >= 0,
    )


def _reads(graph: Graph, inside: range) -> int:
    state = [0] * len(inside)
    first, moving = inside.start, True
    while moving:
        moving = False
        for node in reversed(inside):
            behind = failed = 0
            for target in graph.after[node]:
                behind |= state[target - first] if target in inside else 0
            for target in graph.failing[node]:
                failed |= state[target - first] if target in inside else 0
            mask = graph.uses[node] | (behind & ~(graph.binds[node] | graph.kills[node])) | failed
            if mask != state[node - first]:
                state[node - first], moving = mask, True
    return state[0]


def _binds(graph: Graph, stand: Stand) -> int:
    """Return what is bound at the end whenever it is reached, -1 when it never is."""
    inside = range(stand.entry, stand.leave + 1)
    state = {stand.entry: 0}
    todo = [stand.entry]
    while todo:
        node = todo.pop()
        before = state[node]
        behind = (before & ~graph.kills[node]) | graph.binds[node]
        for mask, targets in ((behind, graph.after[node]), (before, graph.failing[node])):
            for target in targets:
                if target in inside and state.get(target) != (merged := state.get(target, -1) & mask):
                    state[target] = merged
                    todo.append(target)
    return state.get(stand.leave, -1)


def _early(graph: Graph, stand: Stand) -> tuple[int, bool]:
    inside = range(stand.entry, stand.leave + 1)
    state = {stand.entry: 0}
    todo = [stand.entry]
    found, raises = 0, False
    while todo:
        node = todo.pop()
        before = state[node]
        behind = before | graph.kills[node] | graph.binds[node]
        for mask, targets, fails in ((behind, graph.after[node], False), (before, graph.failing[node], True)):
            for target in targets:
                if target not in inside:
                    found, raises = (found | mask, True) if fails else (found, raises)
                elif target not in state or state[target] | mask != state[target]:
                    state[target] = state.get(target, 0) | mask
                    todo.append(target)
    return found, raises
