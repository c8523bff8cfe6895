"""Graph: the paths that control can take through a function, and what each step does to its variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ast


class Stand(NamedTuple):
    """One copy of a statement in the graph (a statement in a ``finally`` has one for each way into it).

    ``entry`` and ``leave`` are the nodes before and behind it; its nodes are ``entry`` up to and with ``leave``.
    ``fails`` is where an exception that leaves it goes.
    """

    entry: int
    leave: int
    fails: int


@dataclass(slots=True)
class Graph:
    """Nodes by number. ``after`` are the edges of normal flow, ``failing`` those of an exception.

    The masks say what a node does, in this order: reads ``uses`` (``sure``: whenever it succeeds), lets inner
    functions capture ``holds``, unbinds ``kills``, binds ``binds``. An exception leaves before anything is bound.
    ``stands`` has the copies of every statement, ``jumps`` the nodes at which a return, break or continue leaves.
    """

    uses: list[int] = field(default_factory=list)
    sure: list[int] = field(default_factory=list)
    holds: list[int] = field(default_factory=list)
    kills: list[int] = field(default_factory=list)
    binds: list[int] = field(default_factory=list)
    after: list[list[int]] = field(default_factory=list)
    failing: list[list[int]] = field(default_factory=list)
    stands: dict[ast.stmt, list[Stand]] = field(default_factory=dict)
    jumps: dict[ast.stmt, list[int]] = field(default_factory=dict)

    def add(self, *sources: int) -> int:
        """Make a node that follows ``sources`` and does nothing yet; return its number."""
        for masks in (self.uses, self.sure, self.holds, self.kills, self.binds):
            masks.append(0)
        self.after.append([])
        self.failing.append([])
        number = len(self.after) - 1
        for source in sources:
            self.after[source].append(number)
        return number

    def __len__(self) -> int:
        """Return how many nodes there are."""
        return len(self.after)
