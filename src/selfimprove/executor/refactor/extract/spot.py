"""Spot: where in a file the helper of a function goes, and what stands before and behind it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.extract.lines import (
    blank_above,
    comments_above,
    comments_below,
    first_line,
    last_line,
)

if TYPE_CHECKING:
    from selfimprove.codebase.measure.shape import Scope
    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Place, Source


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a helper goes: an offset at a line's start, its indentation, blank lines, and its name's prefix."""

    offset: int
    indent: str
    blank: int
    prefix: str
    after: bool

    @classmethod
    def of(cls, source: Source, cut: Cut) -> Spot:
        """Return where the helper that ``cut`` becomes goes: next to the function that it comes out of."""
        place = cut.place
        if cut.receiver:
            method = method_around(place)
            if method is None:
                raise RefactorError(f"{place.symbol} is no method", where=source.path)
            around = tuple(takewhile(lambda one: one is not method, place.around))
            suite = around[-1].body
            node = _last_namesake(suite, method)
            line = comments_below(source, last_line(node), len(source.starts), node.col_offset + 1)
            indent = source.indent(method.lineno)
            above = blank_above(source, comments_above(source, first_line(method), 0, indent))
            blank = min(max(above, 1), 2) if suite[0] is not method else 1
            prefix = ".".join(one.name for one in around) + "."
            return cls(source.starts[line], indent, blank, prefix, after=True)
        node = place.around[0] if place.around else place.node
        suite, at = _suite_of(source.tree, node)
        node = _first_namesake(suite, at)
        indent = source.indent(node.lineno)
        line = comments_above(source, first_line(node), 0, indent)
        above = blank_above(source, line)
        blank = min(above, 2) if above and suite[0] is not node else 1 if indent else 2
        return cls(source.starts[line - 1], indent, blank, "", after=False)


def method_around(place: Place) -> FunctionNode | None:
    """Return the innermost method that the function is or stands in."""
    chain: tuple[Scope, ...] = (*place.around, place.node)
    for outer, inner in zip(chain[-2::-1], chain[:0:-1], strict=False):
        if isinstance(outer, ast.ClassDef) and isinstance(inner, FunctionNode):
            return inner
    return None


def _suite_of(tree: ast.Module, node: ast.stmt) -> tuple[list[ast.stmt], int]:
    """Return the list of statements that ``node`` stands in, and its index there."""
    for one in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            suite = getattr(one, name, None)
            if isinstance(suite, list) and node in suite:
                return suite, suite.index(node)
    raise AssertionError("a statement of another tree")


def _first_namesake(suite: list[ast.stmt], at: int) -> ast.stmt:
    """Return the first of the definitions of one name that stand together, such as overloads."""
    name = getattr(suite[at], "name", None)
    while at and getattr(suite[at - 1], "name", None) == name:
        at -= 1
    return suite[at]


def _last_namesake(suite: list[ast.stmt], node: ast.stmt) -> ast.stmt:
    """Return the last of the definitions of one name that stand together, such as those of a property."""
    at, name = suite.index(node), getattr(node, "name", None)
    while at + 1 < len(suite) and getattr(suite[at + 1], "name", None) == name:
        at += 1
    return suite[at]
