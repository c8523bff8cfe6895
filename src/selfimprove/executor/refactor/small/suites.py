"""Suites: the lists of statements of a function or file, what follows their end, and whether it is ever reached."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.measure.cognitive import cognitive_complexity
from selfimprove.codebase.measure.shape import FunctionNode, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.source import Place, Source

JUMPS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_SWITCHES = frozenset(("__debug__", "TYPE_CHECKING", "__name__"))
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_DEEPER = (ast.If, *_LOOPS, ast.ExceptHandler, ast.match_case)


@dataclass(frozen=True, slots=True)
class Suite:
    """A list of statements, and the node and field that it is.

    ``function`` is the function around, ``None`` at the level of a module or class. ``level`` counts the nesting
    as cognitive complexity does. ``end`` is the jump that falling off the end of it is the same as: Return,
    Continue, or ``None`` when something else follows.
    """

    statements: list[ast.stmt]
    owner: ast.AST
    field: str
    function: FunctionNode | None
    level: int
    end: type[ast.Return] | type[ast.Continue] | None


def suites(source: Source, place: Place | None) -> Iterator[Suite]:
    """Yield the suites of a function, without those of functions and classes in it, or of the whole file."""
    todo: list[tuple[ast.AST, FunctionNode | None, int, Any]] = [
        (place.node, place.node, 0, ast.Return) if place else (source.tree, None, 0, None)
    ]
    while todo:
        owner, function, level, end = todo.pop()
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(owner, field, None)
            if not isinstance(statements, list) or not statements:
                continue
            suite = Suite(statements, owner, field, function, level, end if field == "body" else None)
            yield suite
            inner = (node for node in statements if not place or not isinstance(node, Scope))
            todo += (one for node in inner for one in _inside(node, suite))


def _inside(node: ast.stmt, suite: Suite) -> Iterator[tuple[ast.AST, FunctionNode | None, int, Any]]:
    """Yield ``node`` and what of it has suites, each with the function, level and end of these."""
    level, function = suite.level, suite.function
    if isinstance(node, FunctionNode):
        yield node, node, level + (function is not None), ast.Return
    elif isinstance(node, ast.ClassDef):
        yield node, None, level, None
    elif isinstance(node, _LOOPS):
        yield node, function, level + 1, ast.Continue
    elif isinstance(node, ast.With | ast.AsyncWith):
        yield node, function, level, suite.end if suite.statements[-1] is node else None
    else:
        yield node, function, level + isinstance(node, _DEEPER), None
    for one in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield one, function, level + 1, None


def leaves(suite: Sequence[ast.stmt]) -> bool:
    """True when the end of ``suite`` is never reached, as far as its last statement alone tells."""
    last = suite[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and leaves(last.body) and leaves(last.orelse)
    return isinstance(last, JUMPS)


def is_switch(test: ast.expr) -> bool:
    """True for a condition that the compiler, a type checker or any reader knows by its form."""
    return any(getattr(node, "id", getattr(node, "attr", "")) in _SWITCHES for node in ast.walk(test))


def cost(statements: Sequence[ast.stmt], level: int) -> int:
    """Return the cognitive complexity of statements that are nested ``level`` deep, apart from what is around."""
    body = list(statements)
    for _ in range(level):
        body = [ast.If(ast.Constant(1), body, [])]
    around = level * (level + 1) // 2
    function: ast.FunctionDef = ast.parse("def f(): pass").body[0]  # type: ignore[assignment]
    function.body = [ast.Pass(), ast.Pass(), *body]  # never the form of a decorator
    return cognitive_complexity(function, may_recur=False) - around


def returns_values(function: FunctionNode) -> bool:
    """True when the function itself, not one in it, has a ``return`` with a value, or may have been told to."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            return True
        if not isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(node))
    return False
