"""Negation: the opposite of a condition, with the same evaluations in the same order, as a person writes it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.small.bindings import is_builtin
from selfimprove.executor.refactor.source import Splice, spliced

if TYPE_CHECKING:
    from selfimprove.executor.refactor.small.layout import Header, Layout

_OPPOSITES: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
# Only of integers: NaN is neither less than a number nor not less, and sets are ordered in part only.
_OPPOSITES_OF_INTEGERS: dict[type[ast.cmpop], str] = {
    ast.Lt: ">=",
    ast.LtE: ">",
    ast.Gt: "<=",
    ast.GtE: "<",
}
_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Await)


def negated(layout: Layout, test: ast.expr, header: Header) -> str:
    """Return the text of the opposite of ``test``, which is the condition of the statement with ``header``.

    ``not a`` becomes ``a``, ``a == b`` becomes ``a != b``, and two operands that have such an opposite are
    negated each (De Morgan); all else gets a ``not`` in front.
    """
    source = layout.source
    whole = source.text[header.first : header.last]
    if _is_not(test):
        return _bare(_inside(layout, test))
    splices = _of_both(layout, test) if isinstance(test, ast.BoolOp) else _of_one(layout, test)
    if splices:
        inner = [Splice(one.start - header.first, one.end - header.first, one.text) for one in splices]
        return spliced(whole, inner)
    closed = header.first < source.span(test)[0]
    return f"not {whole}" if closed or isinstance(test, _ATOMS) else f"not ({whole})"


def opposite(layout: Layout, test: ast.expr) -> str:
    """Return the opposite of ``not a`` and of a comparison that has one; empty for all else."""
    if _is_not(test):
        return _bare(_inside(layout, test))
    splices = _of_one(layout, test)
    start, end = layout.source.span(test)
    inner = [Splice(one.start - start, one.end - start, one.text) for one in splices]
    return spliced(layout.source.text[start:end], inner) if inner else ""


def _of_both(layout: Layout, test: ast.BoolOp) -> list[Splice]:
    """Return the splices that negate two operands and what joins them, none when they are more or too involved."""
    if len(test.values) != 2:
        return []
    left, right = test.values
    found = []
    for one in (left, right):
        splices = [Splice(*layout.source.span(one), _inside(layout, one))] if _is_not(one) else []
        splices = splices or _of_one(layout, one)
        if not splices and isinstance(one, _ATOMS):
            start = layout.source.span(one)[0]
            splices = [Splice(start, start, "not ")]
        if not splices:
            return []
        found += splices
    start, end = layout.operator(left, right)
    return [*found, Splice(start, end, "or" if isinstance(test.op, ast.And) else "and")]


def _of_one(layout: Layout, test: ast.expr) -> list[Splice]:
    """Return the splice that makes a comparison its opposite, none when that would not be the same."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return []
    right, kind = test.comparators[0], type(test.ops[0])
    opposite = _OPPOSITES.get(kind, "")
    if not opposite and all(_is_integer(layout, one) for one in (test.left, right)):
        opposite = _OPPOSITES_OF_INTEGERS[kind]
        if kind is ast.Gt and isinstance(right, ast.Constant) and right.value == 0:
            opposite = "=="  # len(x) > 0
    if not opposite:
        return []
    start, end = layout.operator(test.left, right)
    return [Splice(start, end, opposite)]


def _is_not(test: ast.expr) -> bool:
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _inside(layout: Layout, test: ast.expr) -> str:
    """Return what stands behind the ``not`` of ``test``."""
    return layout.source.segment(test)[len("not") :].lstrip()


def _bare(text: str) -> str:
    """Return ``text`` without parentheses around all of it, when they are not what lets it be on several lines."""
    if not text.startswith("(") or "\n" in text or "\r" in text:
        return text
    try:
        inner = ast.parse(text[1:-1].strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return text
    same = ast.dump(inner) == ast.dump(ast.parse(text, mode="eval").body)
    kept = isinstance(inner, ast.Tuple | ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.GeneratorExp)
    return text[1:-1].strip() if same and not kept else text


def _is_integer(layout: Layout, node: ast.expr) -> bool:
    """True for an integer literal and for ``len()``, which is never negative."""
    match node:
        case ast.Constant(value=int()):
            return True
        case ast.Call(func=ast.Name(id="len"), args=[_], keywords=[]):
            return is_builtin(layout.source, "len")
    return False
