"""Statements: what is to be known of one statement, with all that is in it, before it may move."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.executor.refactor.analysis import hazards
from selfimprove.executor.refactor.analysis.scopes import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.source import Source

_DECISIONS = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.IfExp,
    ast.BoolOp,
    ast.comprehension,
    ast.ExceptHandler,
    ast.Assert,
    ast.match_case,
)
_JUMPS = (ast.Return, ast.Break, ast.Continue)


class Traits(NamedTuple):
    """What statements are that follow each other, with all that is in them.

    ``hazard`` is why it may not move, ``needs_class`` what in it asks for the body of its class (``""``: nothing).
    ``decides`` says that it holds a decision, ``jumps`` that a return, break or continue is in it, of functions
    in it too. ``yields`` and ``awaits`` are of the function itself. ``opens`` and ``closes`` say that nothing else
    stands on the first line before it, and on the last one behind it. ``announced`` are names with only a type.
    """

    hazard: str = ""
    needs_class: str = ""
    decides: bool = False
    jumps: bool = False
    yields: bool = False
    awaits: bool = False
    opens: bool = True
    closes: bool = True
    announced: tuple[str, ...] = ()

    def then(self, other: Traits, *, first: bool) -> Traits:
        """Return what these and ``other`` are; ``first`` says that these are none yet."""
        return Traits(
            hazard=self.hazard or other.hazard,
            needs_class=self.needs_class or other.needs_class,
            decides=self.decides or other.decides,
            jumps=self.jumps or other.jumps,
            yields=self.yields or other.yields,
            awaits=self.awaits or other.awaits,
            opens=other.opens if first else self.opens,
            closes=other.closes,
            announced=self.announced + other.announced,
        )


def traits_of(source: Source, statement: ast.stmt) -> Traits:
    """Return what ``statement`` is."""
    nodes = list(ast.walk(statement))
    own = list(own_nodes(statement))
    hazard = hazards.of_statement(statement)
    if any(isinstance(node, ast.Global) for node in own):
        hazard = hazard or "it has a global statement"
    start, end = source.span(statement)
    first = getattr(statement, "decorator_list", None) or [statement]
    line = source.line(first[0].lineno) if first[0] is not statement else ""
    before = (
        line[: len(line) - len(line.lstrip())]
        if line
        else source.text[source.starts[statement.lineno - 1] : start]
    )
    behind = source.text[end : source.starts[statement.end_lineno or statement.lineno]].strip()
    return Traits(
        hazard=hazard,
        needs_class=hazards.needs_class(statement),
        decides=any(isinstance(node, _DECISIONS) for node in nodes),
        jumps=any(isinstance(node, _JUMPS) for node in nodes),
        yields=any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own),
        awaits=any(_pauses(node) for node in own),
        opens=not before.strip(),
        closes=not behind or behind.startswith("#"),
        announced=tuple(_announced(own)),
    )


def own_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a statement without the insides of functions and classes defined in it."""
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, FUNCTIONS):
            inner: Any = node
            todo += [*inner.args.defaults, *(one for one in inner.args.kw_defaults if one is not None)]
            todo += getattr(node, "decorator_list", [])
        else:
            todo += ast.iter_child_nodes(node)


def unrun_line(statement: ast.stmt, lines: frozenset[int]) -> int:
    """Return the first line of a statement, or of one in it, that is not in ``lines``; 0 when all are run."""
    todo: list[ast.AST] = [statement]
    found = 0
    while todo:
        node = todo.pop()
        if isinstance(node, ast.stmt) and not _makes_no_code(node) and not _header(node) & lines:
            found = min(found or node.lineno, node.lineno)
        todo += [one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.expr)]
    return found


def _header(statement: ast.stmt) -> frozenset[int]:
    """Return the lines of a statement, of a compound one those before its first inner statement."""
    node: Any = statement
    first = min((one.lineno for one in getattr(node, "decorator_list", ())), default=node.lineno)
    body = getattr(node, "body", None) or [one for case in getattr(node, "cases", ()) for one in case.body]
    last = node.end_lineno if not body else max(node.lineno, body[0].lineno - 1)
    if isinstance(node, (ast.Try, ast.TryStar)):
        last = node.lineno
    if isinstance(node, ast.Match):
        last = node.subject.end_lineno
    return frozenset(range(first, last + 1))


def _makes_no_code(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Global, ast.Nonlocal)):
        return True
    if isinstance(statement, ast.AnnAssign):
        return statement.value is None and isinstance(statement.target, ast.Name)
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _pauses(node: ast.AST) -> bool:
    if isinstance(node, ast.comprehension):
        return bool(node.is_async)
    return isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith))


def _announced(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.AnnAssign) and node.value is None and isinstance(node.target, ast.Name):
            yield node.target.id
