"""Else after return: what stands in the ``else`` of a branch that leaves need not be nested."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, cast

from selfimprove.executor.refactor.small.layout import layout_of
from selfimprove.executor.refactor.small.rounds import Change, settle
from selfimprove.executor.refactor.small.suites import JUMPS, cost, suites
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.small.layout import Layout
    from selfimprove.executor.refactor.small.suites import Suite
    from selfimprove.executor.refactor.source import Place, Source


def unnest_else(source: Source, project: Project, place: Place | None) -> list[Splice]:
    """Return splices that take ``else`` and ``elif`` off behind branches that return, raise, continue or break.

    A chain is changed up to the first branch that does not leave, and only when its cognitive complexity does
    not rise by it (an ``elif`` costs 1, an ``if`` deep inside of others more).
    """
    del project

    def changes(now: Source, at: Place | None) -> Iterator[Change]:
        layout = layout_of(now)
        for suite in suites(now, at):
            for node in suite.statements:
                if isinstance(node, ast.If) and not layout.is_elif(node):
                    change = _unnested(layout, suite, node)
                    if change is not None:
                        yield change

    return settle(source, place, changes)


def _unnested(layout: Layout, suite: Suite, node: ast.If) -> Change | None:
    """Return the change of the whole chain that begins with ``node``."""
    splices: list[Splice] = []
    after: list[ast.stmt] = []
    one: ast.If | None = node
    while one is not None and one.orelse and isinstance(one.body[-1], JUMPS):
        if layout.is_elif(one.orelse[0]):
            following = cast("ast.If", one.orelse[0])
            start = layout.source.span(following)[0]
            splices.append(Splice(start, start + len("el"), ""))
            after.append(ast.If(one.test, one.body, []))
            one = following
            continue
        splice = _lifted(layout, node, one)
        if splice is None:
            break
        after += [ast.If(one.test, one.body, []), *one.orelse]
        splices.append(splice)
        one = None
    if one is not None:
        after.append(one)
    if not splices or cost(after, suite.level) > cost([node], suite.level):
        return None
    start, end = layout.source.span(node)
    return Change(start, max(end, splices[-1].end), tuple(splices))


def _lifted(layout: Layout, first: ast.If, node: ast.If) -> Splice | None:
    """Return the splice that takes the ``else:`` of ``node`` away and what is in it out, to the depth of ``first``."""
    source, header = layout.source, layout.otherwise(node)
    if header is None or header.commented:
        return None
    block = layout.block(node.orelse, header)
    indent = source.indent(first.lineno)
    if block is None or not block.indent.startswith(indent) or not layout.can_move(node.orelse, block):
        return None
    text = layout.moved(block, indent)
    return Splice(*layout.whole(header.line, block.last, text))
