"""Shape of a function: length, nesting, parameters, and branches and returns as pylint counts them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_SUITES = ("body", "handlers", "cases", "orelse", "finalbody")


class Shape(NamedTuple):
    """What can be counted on one function without looking into its expressions.

    ``length`` is the lines from ``def`` to the end. ``nesting`` is the deepest block: 0 for statements that are
    directly in the function. ``parameters`` are all kinds, of methods without self or cls. ``branches`` and
    ``returns`` are those of pylint's too-many-branches (R0912) and too-many-return-statements (R0911).
    """

    length: int
    nesting: int
    parameters: int
    branches: int
    returns: int


def shape(function: FunctionNode, *, in_class: bool) -> Shape:
    """Return the shape of ``function``; ``in_class`` says that a class is what it is defined in.

    Functions and classes inside of it are one statement each: they have a shape of their own.
    """
    nesting = branches = returns = 0
    todo: list[tuple[Any, int]] = [(child, 0) for child in function.body]
    while todo:
        node, level = todo.pop()
        nesting = max(nesting, level)
        returns += isinstance(node, ast.Return)
        if isinstance(node, Scope):
            continue
        branches += _branches(node)
        todo += inner(node, level)
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    return Shape(length, nesting, _parameters(function, in_class=in_class), branches, returns)


def inner(node: ast.stmt, level: int) -> Iterator[tuple[ast.stmt, int]]:
    """Yield the statements in the suites of ``node``, which is at ``level``, each with its own level.

    An ``elif`` is at the level of its ``if``, the bodies of ``except`` and ``case`` are one level below the
    ``try`` and ``match``.
    """
    for name in _SUITES:
        suite: Sequence[Any] = getattr(node, name, ())
        if name == "orelse" and is_elif(node, suite):
            yield suite[0], level
        elif name in ("handlers", "cases"):
            yield from ((child, level + 1) for one in suite for child in one.body)
        else:
            yield from ((child, level + 1) for child in suite)


def is_elif(node: ast.AST, orelse: Sequence[ast.stmt]) -> bool:
    """True when ``orelse`` is an ``elif`` of ``node``; an ``if`` alone in ``else:`` is indented further."""
    first = orelse[0] if len(orelse) == 1 else None
    return isinstance(node, ast.If) and isinstance(first, ast.If) and first.col_offset == node.col_offset


def _branches(node: ast.stmt) -> int:
    """Return what pylint adds for ``node``; it has nothing for ``async for`` and ``except*``."""
    match node:
        case ast.If(orelse=orelse):
            alone = len(orelse) == 1 and isinstance(orelse[0], ast.If)
            return 1 + (bool(orelse) and not alone)
        case ast.For() | ast.While():
            return 1 + bool(node.orelse)
        case ast.Try():
            return len(node.handlers) + bool(node.orelse) + bool(node.finalbody)
        case ast.Match():
            return len(node.cases)
    return 0


def _parameters(function: FunctionNode, *, in_class: bool) -> int:
    args = function.args
    positional = len(args.posonlyargs) + len(args.args)
    if in_class and positional and not any(_is_static(one) for one in function.decorator_list):
        positional -= 1
    return positional + len(args.kwonlyargs) + (args.vararg is not None) + (args.kwarg is not None)


def _is_static(decorator: ast.expr) -> bool:
    name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
    return name in {"staticmethod", "abstractstaticmethod"}
