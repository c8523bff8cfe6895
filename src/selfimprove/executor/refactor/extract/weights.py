"""Weights: what statements add to the metrics of their function, and what a function has without them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.measure.cognitive import cognitive_complexity
from selfimprove.codebase.measure.shape import inner, shape
from selfimprove.codebase.measure.walk import Walk
from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.extract.lines import first_line, last_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.cut import Cut

_SUITES = ("body", "orelse", "finalbody")


class Numbers(NamedTuple):
    """The metrics of one function, as measure() gives them, without the measuring of the file that it is in."""

    complexity: int
    cognitive: int
    length: int
    nesting: int
    branches: int
    returns: int

    @classmethod
    def of(cls, function: FunctionNode) -> Numbers:
        """Measure ``function``."""
        counts = shape(function, in_class=False)
        return cls(
            complexity=1 + decisions(function.body),
            cognitive=cognitive_complexity(function),
            length=counts.length,
            nesting=counts.nesting,
            branches=counts.branches,
            returns=counts.returns,
        )


class Stood(NamedTuple):
    """A list of statements in the tree, and where in it a statement stands."""

    suite: list[ast.stmt]
    at: int


def decisions(nodes: Iterable[ast.AST]) -> int:
    """Return what statements or expressions add to radon's complexity; functions inside of them add nothing."""
    body = [node if isinstance(node, ast.stmt) else ast.Expr(node) for node in nodes]  # type: ignore[arg-type]
    return Walk(ast.Module(body, [])).scopes[0].decisions


def stood(function: FunctionNode) -> dict[int, Stood]:
    """Return where each statement of ``function`` stands, by its id; those of functions inside are with them."""
    found: dict[int, Stood] = {}
    todo: list[Any] = [function]
    while todo:
        node = todo.pop()
        for name in _SUITES:
            suite: list[ast.stmt] = getattr(node, name, [])
            for at, child in enumerate(suite):
                found[id(child)] = Stood(suite, at)
                todo.append(child)
        todo += (*getattr(node, "handlers", ()), *getattr(node, "cases", ()))
    return found


def gain(metric: str, cut: Cut, where: dict[int, Stood]) -> int:
    """Return by how much ``metric`` of the function falls when a call stands for ``cut``. ``where`` is stood()'s.

    The tree is changed while this measures, and is afterwards what it was.
    """
    function = cut.place.node
    if metric == "complexity":
        return decisions(cut.statements) - (cut.leaves in (Leaves.GUARD, Leaves.MAYBE))
    if metric == "length":
        length = last_line(cut.statements[-1]) - first_line(cut.statements[0]) + 1
        return length - {Leaves.GUARD: 2, Leaves.MAYBE: 3}.get(cut.leaves, 1)
    if metric == "nesting":
        raise ValueError("the nesting of a function is no sum")
    count = _METRICS[metric]
    suite, at = where[id(cut.statements[0])]
    old, before = suite[:], count(function)
    suite[at : at + len(cut.statements)] = _stub(cut)
    try:
        return before - count(function)
    finally:
        suite[:] = old


def deeper(statements: Sequence[ast.stmt], level: int, most: int) -> int:
    """Return how many statements are nested deeper than ``most``, when ``statements`` are nested ``level`` deep."""
    todo = [(node, level) for node in statements]
    found = 0
    while todo:
        node, here = todo.pop()
        found += here > most
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            todo += inner(node, here)
    return found


def shallower(cut: Cut, level: int, most: int) -> int:
    """Return how many statements fewer are too deep when a call stands for ``cut``, which is ``level`` deep."""
    left = (level > most) + (level + 1 > most) * (cut.leaves in (Leaves.GUARD, Leaves.MAYBE))
    return deeper(cut.statements, level, most) - left


def levels(function: FunctionNode) -> dict[int, int]:
    """Return how deep each statement of ``function`` is nested, by its id."""
    found: dict[int, int] = {}
    todo: list[tuple[ast.stmt, int]] = [(node, 0) for node in function.body]
    while todo:
        node, level = todo.pop()
        found[id(node)] = level
        todo += inner(node, level)
    return found


def _stub(cut: Cut) -> list[ast.stmt]:
    call = ast.Constant(0)
    if cut.leaves is Leaves.RETURN:
        return [ast.Return(call)]
    if cut.leaves in (Leaves.GUARD, Leaves.MAYBE):
        jump = cut.jump if cut.jump is not None else ast.Return(call)
        return [ast.If(call, [jump], [], lineno=0, col_offset=0)]
    return [ast.Expr(call)]


_METRICS: dict[str, Callable[[FunctionNode], int]] = {
    "cognitive": cognitive_complexity,
    "branches": lambda node: shape(node, in_class=False).branches,
    "returns": lambda node: shape(node, in_class=False).returns,
}
