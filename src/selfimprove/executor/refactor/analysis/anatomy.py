"""Anatomy: all that is known of one function: blocks, graph, flow, variables; worked out once for all its cuts."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.analysis import hazards
from selfimprove.executor.refactor.analysis.blocks import Block, blocks_of
from selfimprove.executor.refactor.analysis.building import Builder
from selfimprove.executor.refactor.analysis.closures import Around, around_of
from selfimprove.executor.refactor.analysis.exits import BUILTINS_NEVER_NONE, never_none
from selfimprove.executor.refactor.analysis.flow import Flow, flow_of
from selfimprove.executor.refactor.analysis.managers import lets_pass
from selfimprove.executor.refactor.analysis.reads import Variables
from selfimprove.executor.refactor.analysis.receivers import Receiver, receiver_of
from selfimprove.executor.refactor.analysis.regions import Region, region_of
from selfimprove.executor.refactor.analysis.scopes import (
    BINDERS,
    Scopes,
    bound_by,
    names_in_order,
    parameters_of,
)
from selfimprove.executor.refactor.analysis.statements import Traits, own_nodes, traits_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.analysis.graph import Graph, Stand
    from selfimprove.executor.refactor.source import Place, Source


class Border(NamedTuple):
    """Masks of variables at the border of a run: before it, and at its end or where an exception takes it.

    The names are those of ``Flow``; ``ended`` are ``bound`` at the end, ``failed`` are ``live`` after an
    exception. ``later`` is for all ways out but jumps.
    """

    reached: bool
    bound: int
    perhaps: int
    held: int
    live: int
    ended: int
    failed: int
    later: int


@dataclass(frozen=True)
class Anatomy:
    """One function of a file, and what its runs of statements are judged by."""

    source: Source
    place: Place

    @staticmethod
    @lru_cache(maxsize=4)
    def of(source: Source, place: Place) -> Anatomy:
        """Return the anatomy of a function, the same object when it is asked for again."""
        return Anatomy(source, place)

    @cached_property
    def hazard(self) -> str:
        """Why nothing of the function may move, ``""`` when something may."""
        return hazards.of_function(self.place)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The lists of statements of the function, outer ones first."""
        return tuple(blocks_of(self.place.node))

    @cached_property
    def docstring(self) -> ast.stmt | None:
        """The statement that is the docstring."""
        first = self.place.node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return first if isinstance(first.value.value, str) else None
        return None

    @property
    def scopes(self) -> Scopes:
        """The scopes of the file."""
        return _module(self.source.tree).scopes

    @cached_property
    def around(self) -> Around:
        """What the function has from functions around it."""
        return around_of(self.place, self.scopes, self._suppresses)

    @cached_property
    def variables(self) -> Variables:
        """Local variables, those of functions around, and those declared global."""
        reach = self.scopes.of(self.place.node)
        known = reach.bound | reach.declared | self.around.free
        return Variables(name for name in names_in_order(self.place.node) if name in known)

    @cached_property
    def global_(self) -> int:
        """The mask of variables that are declared global."""
        return self.variables.mask(self.scopes.of(self.place.node).declared)

    @cached_property
    def refused(self) -> int:
        """The mask of variables that something else may give new values at any time."""
        return self.variables.mask(
            (*self.scopes.of(self.place.node).rebound, *self.around.refused, *self._lazy)
        )

    @cached_property
    def _lazy(self) -> frozenset[str]:
        """Variables that a generator expression binds, when it is used."""
        lazy = (one for one in ast.walk(self.place.node) if isinstance(one, ast.GeneratorExp))
        return frozenset().union(*(self.scopes.of(one).walrus for one in lazy))

    @cached_property
    def moving(self) -> int:
        """The mask of variables that functions around may rebind when this one pauses or is over."""
        return self.variables.mask(self.around.moving)

    @cached_property
    def _built(self) -> tuple[Graph, Flow]:
        builder = Builder(self.variables, self.scopes, self._suppresses)
        given = self.variables.mask((*parameters_of(self.place.node), *self.around.free))
        graph = builder.function(self.place.node, given | self.global_)
        return graph, flow_of(graph, builder.start)

    @property
    def graph(self) -> Graph:
        """The paths through the function."""
        return self._built[0]

    @property
    def flow(self) -> Flow:
        """What holds on these paths."""
        return self._built[1]

    @cached_property
    def receiver(self) -> Receiver:
        """The first parameter of a method, and whether a helper can be called on it."""
        found = receiver_of(self.place)
        bit = self.variables.bit.get(found.name, 0)
        changes = sum(1 for mask in (*self.graph.binds, *self.graph.kills) if mask & bit)
        if found.name and not found.why_not and (changes > 1 or self.refused & bit):
            return Receiver(found.name, f"{found.name} gets another value")
        return found

    @cached_property
    def yields(self) -> bool:
        """Whether the function is a generator."""
        nodes = (node for statement in self.place.node.body for node in own_nodes(statement))
        return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in nodes)

    @cached_property
    def sound(self) -> frozenset[str]:
        """Names of callables that never return None: classes of the module, and builtins that nothing hides."""
        module = _module(self.source.tree)
        return (module.classes | module.builtins) - self.variables.bit.keys()

    @cached_property
    def constants(self) -> frozenset[str]:
        """Names that the module gives a value once, and one that is not None."""
        return _module(self.source.tree).constants - self.variables.bit.keys()

    @cached_property
    def doubtful(self) -> int:
        """The mask of variables that are read somewhere where they may have no value."""
        found = 0
        for node in self.flow.reached:
            found |= self.graph.uses[node] & ~self.flow.bound[node]
        return found

    def region(self, statement: ast.stmt) -> Region:
        """Return what one statement does to variables."""
        known = self._regions
        if statement not in known:
            known[statement] = region_of(self.graph, self.graph.stands[statement][0])
        return known[statement]

    def traits(self, statement: ast.stmt) -> Traits:
        """Return what one statement is."""
        known = self._traits
        if statement not in known:
            known[statement] = traits_of(self.source, statement)
        return known[statement]

    @cached_property
    def _regions(self) -> dict[ast.stmt, Region]:
        return {}

    @cached_property
    def _traits(self) -> dict[ast.stmt, Traits]:
        return {}

    def reads_in(self, block: Block, first: int, region: Region) -> int:
        """Return the mask of the variables that go into a run."""
        perhaps = 0
        for stand in self._copies(block.statements[first]):
            perhaps |= self.flow.perhaps[stand.entry]
        return region.reads & perhaps & ~self.global_

    def border(self, block: Block, first: int, last: int) -> Border:
        """Return what holds at the border of a run, over all copies of it in the graph that are reached."""
        flow = self.flow
        entries = [stand.entry for stand in self._copies(block.statements[first])]
        leaves = [stand.leave for stand in self._copies(block.statements[last])]
        fails = [stand.fails for stand in self._copies(block.statements[first])]
        return Border(
            reached=bool(entries),
            bound=_all(flow.bound, entries),
            perhaps=_any(flow.perhaps, entries),
            held=_any(flow.held, entries),
            live=_any(flow.live, leaves),
            ended=_all(flow.bound, leaves),
            failed=_any(flow.live, fails),
            later=_any(flow.later, (*leaves, *fails)),
        )

    def jumping(self, jump: ast.stmt) -> tuple[int, int]:
        """Return the masks of what is live, and what is rebound later, when a jump leaves from where it stands."""
        nodes = self.graph.jumps.get(jump, [])
        return _any(self.flow.live, nodes), _any(self.flow.later, nodes)

    def _copies(self, statement: ast.stmt) -> list[Stand]:
        reached = self.flow.reached
        return [stand for stand in self.graph.stands[statement] if stand.entry in reached]

    def _suppresses(self, manager: ast.expr) -> bool:
        return not lets_pass(manager, self.source.tree)


def _any(masks: object, nodes: object) -> int:
    found = 0
    for node in nodes:  # type: ignore[attr-defined]
        found |= masks[node]  # type: ignore[index]
    return found


def _all(masks: object, nodes: object) -> int:
    found = -1
    for node in nodes:  # type: ignore[attr-defined]
        found &= masks[node]  # type: ignore[index]
    return found


@dataclass(frozen=True, slots=True)
class _Module:
    """What all functions of a file share: scopes, classes whose calls give instances, builtins that it leaves be."""

    scopes: Scopes
    classes: frozenset[str]
    builtins: frozenset[str]
    constants: frozenset[str]


_NOTHING: frozenset[str] = frozenset()
_BUILTINS = BUILTINS_NEVER_NONE & frozenset(dir(builtins))


@lru_cache(maxsize=4)
def _module(tree: ast.Module) -> _Module:
    scopes = Scopes()
    nodes = [node for node in ast.walk(tree) if isinstance(node, (*BINDERS, ast.Global))]
    names = Counter(name for node in nodes for name in bound_by(node))
    declared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    hidden = scopes.bound_at_top(tree) | declared
    free = _NOTHING if "*" in names else _BUILTINS - hidden  # a star import may hide any
    once = frozenset(name for name in _classes(tree) if names[name] == 1)
    given = (name for name in _given(tree, once | free) if names[name] == 1)
    return _Module(scopes, once, free, frozenset(given))


def _classes(tree: ast.Module) -> list[str]:
    """Return the classes of a module whose calls give instances of them."""
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef) and _makes_instances(node)]


def _given(tree: ast.Module, sound: frozenset[str]) -> Iterator[str]:
    """Yield the names that a module gives a value that is not None."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets, value=value) if never_none(value, sound):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if never_none(
                value, sound
            ):
                yield name
            case _:
                pass


def _makes_instances(node: ast.ClassDef) -> bool:
    own = {getattr(item, "name", "") for item in node.body}
    return not node.keywords and not node.decorator_list and "__new__" not in own
