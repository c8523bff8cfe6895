"""Nesting: an ``if`` that is all there is in another becomes one condition with it, or an ``elif``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.limit import line_limit
from selfimprove.executor.refactor.small.layout import layout_of
from selfimprove.executor.refactor.small.rounds import Change, settle
from selfimprove.executor.refactor.small.suites import is_switch, suites
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.small.layout import Block, Header, Layout
    from selfimprove.executor.refactor.small.suites import Suite
    from selfimprove.executor.refactor.source import Place, Source

_LOOSER = (ast.IfExp, ast.Lambda, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Tuple)
_MOST = 5  # operands that one condition may have


def merge_ifs(source: Source, project: Project, place: Place | None) -> list[Splice]:
    """Return splices that make ``if a and b:`` of an ``if b:`` alone in an ``if a:``, and ``elif`` of one in ``else:``.

    Neither may have an ``else`` in the first case. What would be too long for a line stays as it is.
    """
    del project
    longest = line_limit(source)

    def changes(now: Source, at: Place | None) -> Iterator[Change]:
        layout = layout_of(now)
        for suite in suites(now, at):
            for node in suite.statements:
                if isinstance(node, ast.If):
                    change = _merged(layout, suite, node, longest) or _raised(layout, node)
                    if change is not None:
                        yield change

    return settle(source, place, changes)


def _merged(layout: Layout, suite: Suite, node: ast.If, longest: int) -> Change | None:
    """Return the change that joins ``node`` with the only statement in it."""
    inner = _only_inner(node)
    if inner is None or (layout.is_elif(node) and _is_nested(suite.owner)):
        return None
    header, below = layout.header(node), layout.header(inner)
    outer, block = layout.block(node.body, header), layout.block(inner.body, below)
    if outer is None or block is None or outer.last > block.last or header.commented or below.commented:
        return None
    head = _head(layout, (node.test, header), (inner.test, below), longest)
    notes = _notes_between(layout, node, inner, outer)
    if not head or notes is None or not layout.can_move(inner.body, block):
        return None
    text = notes + head + layout.source.newline + layout.moved(block, outer.indent)
    splice = Splice(*layout.whole(node.lineno, block.last, text))
    return Change(splice.start, splice.end, (splice,))


def _head(
    layout: Layout, first: tuple[ast.expr, Header], second: tuple[ast.expr, Header], longest: int
) -> str:
    """Return the line of the joint condition, empty when it is too long."""
    source, start = layout.source, first[1].start
    keyword = "elif" if source.text.startswith("elif", start) else "if"
    test = _both(layout, first, second)
    head = f"{source.indent(first[1].line)}{keyword} {test}:"
    return head if test and len(head) <= longest else ""


def _notes_between(layout: Layout, node: ast.If, inner: ast.If, outer: Block) -> str | None:
    """Return the comments above ``inner``, at the depth of ``node``; ``None`` when they cannot stand there."""
    source, indent = layout.source, layout.source.indent(node.lineno)
    lines = [source.line(line) for line in range(outer.first, inner.lineno) if line in layout.notes]
    if (lines and layout.is_elif(node)) or not outer.indent.startswith(indent):
        return None
    return "".join(indent + line.lstrip() for line in lines)


def _only_inner(node: ast.If) -> ast.If | None:
    """Return the ``if`` that is all there is in ``node``, when neither has an ``else``."""
    inner = node.body[0]
    if len(node.body) > 1 or not isinstance(inner, ast.If) or node.orelse or inner.orelse:
        return None
    return None if is_switch(node.test) or is_switch(inner.test) else inner


def _is_nested(node: ast.AST) -> bool:
    """True for an ``if`` with only an ``if`` in it: a branch beside it that is alike is easier to read."""
    return isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.If)


def _both(layout: Layout, *tests: tuple[ast.expr, Header]) -> str:
    """Return the text of both conditions joined by ``and``; empty when it would be hard to read."""
    operands = sum(len(one.values) if isinstance(one, ast.BoolOp) else 1 for one, _ in tests)
    text = " and ".join(_operand(layout, test, header) for test, header in tests)
    return "" if operands > _MOST or "\n" in text or "\r" in text else text


def _operand(layout: Layout, test: ast.expr, header: Header) -> str:
    """Return the text of a condition as an operand of ``and``, with no more parentheses than it needs."""
    text = layout.source.text[header.first : header.last]
    closed = header.first < layout.source.span(test)[0]
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return layout.source.segment(test)
    loose = isinstance(test, (*_LOOSER, ast.BoolOp))
    return f"({text})" if loose and not closed else text


def _raised(layout: Layout, node: ast.If) -> Change | None:
    """Return the change that makes an ``elif`` of the ``if`` that is alone in the ``else`` of ``node``."""
    header = layout.otherwise(node)
    if header is None or header.commented or len(node.orelse) > 1 or not isinstance(node.orelse[0], ast.If):
        return None
    if _is_nested(node):
        return None
    source, inner = layout.source, node.orelse[0]
    block, indent = layout.block(node.orelse, header), source.indent(node.lineno)
    if block is None or not block.indent.startswith(indent):
        return None
    if layout.has_notes(block.first, inner.lineno - 1) or not layout.can_move(node.orelse, block):
        return None
    text = "el" + layout.moved(block, indent).lstrip()
    splice = Splice(header.start, *layout.whole(block.first, block.last, text)[1:])
    return Change(splice.start, splice.end, (splice,))
