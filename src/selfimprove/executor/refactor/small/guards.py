"""Guards: a long ``if`` around the rest of a function or loop becomes a short one that leaves early."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.limit import line_limit
from selfimprove.executor.refactor.small.layout import last_line, layout_of
from selfimprove.executor.refactor.small.negation import negated
from selfimprove.executor.refactor.small.rounds import Change, settle
from selfimprove.executor.refactor.small.suites import JUMPS, cost, is_switch, leaves, returns_values, suites
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.small.layout import Block, Header, Layout
    from selfimprove.executor.refactor.small.suites import Suite
    from selfimprove.executor.refactor.source import Place, Source

_LONG = 4  # lines from which on a body is worth to be moved
_SHORT = 4  # lines that a guard has at most


class _Guard(NamedTuple):
    """What stands in the short branch, as text with its depth and as nodes, and the last line that is replaced."""

    text: str
    body: list[ast.stmt]
    last: int


def invert_guards(source: Source, project: Project, place: Place | None) -> list[Splice]:
    """Return splices that turn a condition around, so that its long branch need not be nested.

    That is ``if a: <long>`` at the end of a function or loop, ``if a: <long> else: <leaves>``, and
    ``if a: <long, leaves>`` with one jump behind it. Each lowers the cognitive complexity; cyclomatic stays.
    """
    del project
    longest = line_limit(source)

    def changes(now: Source, at: Place | None) -> Iterator[Change]:
        for suite in suites(now, at):
            for index, node in enumerate(suite.statements):
                if isinstance(node, ast.If):
                    change = _inverted(layout_of(now), suite, index, node, longest)
                    if change is not None:
                        yield change

    return settle(source, place, changes)


def _inverted(layout: Layout, suite: Suite, index: int, node: ast.If, longest: int) -> Change | None:
    """Return the change that inverts ``node``, the statement ``index`` of ``suite``, if it is worth it."""
    source, header = layout.source, layout.header(node)
    block = layout.block(node.body, header)
    if block is None or not _is_candidate(layout, node, header, block) or _is_one_of_several(suite, index):
        return None
    guard = _guard(layout, suite, index, node, block)
    if guard is None:
        return None
    test = negated(layout, node.test, header)
    if test.startswith("not (") and isinstance(node.test, ast.Compare):
        return None  # of what may have no order, and a person would rather read the positive form
    indent = source.indent(node.lineno)
    head = f"{indent}if {test}:"
    if not _fits(head, source.line(node.lineno), longest) or not _is_simpler(suite, index, node, guard, test):
        return None
    text = head + source.newline + guard.text + _gap(layout, block, guard) + layout.moved(block, indent)
    splice = Splice(*layout.whole(node.lineno, guard.last, text))
    return Change(splice.start, splice.end, (splice,))


def _is_candidate(layout: Layout, node: ast.If, header: Header, block: Block) -> bool:
    """True for an ``if`` with a long body that can move and no comment that says what its condition means."""
    if layout.is_elif(node) or isinstance(node.test, ast.Constant) or is_switch(node.test):
        return False
    if header.commented or node.lineno - 1 in layout.notes or not layout.can_move(node.body, block):
        return False
    return block.indent.startswith(layout.source.indent(node.lineno)) and _is_long(node, block)


def _is_long(node: ast.If, block: Block) -> bool:
    """True when the body is more than one simple statement, however many lines that has, and has some lines."""
    return block.last - block.first + 1 >= _LONG and (len(node.body) > 1 or hasattr(node.body[0], "body"))


def _is_main(suite: Suite, block: Block) -> bool:
    """True when what stands before is short beside the body: else the ``if`` is one step of several."""
    before = [one for one in suite.statements[:-1] if not _is_text(one)]
    return sum(last_line(one) - one.lineno + 1 for one in before) * 2 <= block.last - block.first + 1


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_one_of_several(suite: Suite, index: int) -> bool:
    """True when another long ``if`` stands before it: the two are alike, and stay alike."""
    before = suite.statements[index - 1] if index else None
    if not isinstance(before, ast.If) or before.orelse:
        return False
    return not leaves(before.body) or last_line(before) - before.lineno >= _SHORT


def _guard(layout: Layout, suite: Suite, index: int, node: ast.If, block: Block) -> _Guard | None:
    """Return the short branch: the ``else`` of ``node``, the jump behind it, or what its end means."""
    if node.orelse:
        return _from_else(layout, node, block)
    source, rest = layout.source, suite.statements[index + 1 :]
    if not rest:
        return _from_end(layout, suite, block) if _is_main(suite, block) else None
    jump = rest[0]
    if len(rest) > 1 or not isinstance(jump, JUMPS) or not leaves(node.body):
        return None
    if isinstance(jump, ast.Return) and _fails(node.body):
        return None  # the result stands where it belongs, behind what can go wrong
    if last_line(jump) > jump.lineno or layout.has_notes(block.last + 1, jump.lineno):
        return None
    line = source.line(jump.lineno)
    if line.strip() != source.segment(jump):
        return None
    return _Guard(block.indent + source.segment(jump) + source.newline, [jump], jump.lineno)


def _fails(body: list[ast.stmt]) -> bool:
    """True when the end of ``body`` raises, whichever way it takes."""
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and _fails(last.body) and _fails(last.orelse)
    return isinstance(last, ast.Raise)


def _from_else(layout: Layout, node: ast.If, block: Block) -> _Guard | None:
    header = layout.otherwise(node)
    if header is None or header.commented or not isinstance(node.orelse[-1], JUMPS):
        return None
    short = layout.block(node.orelse, header)
    if short is None or layout.has_notes(block.last + 1, header.line):
        return None
    lines = short.last - short.first + 1
    if lines > _SHORT or lines * 2 > block.last - block.first + 1:
        return None
    return _Guard(layout.moved(short, short.indent), node.orelse, short.last)


def _from_end(layout: Layout, suite: Suite, block: Block) -> _Guard | None:
    if suite.end is None:
        return None
    jump: ast.stmt = ast.Continue()
    if suite.end is ast.Return:
        jump = ast.Return()
        if suite.function is not None and returns_values(suite.function):
            jump = ast.Return(ast.Constant(None))
    text = ast.unparse(jump)
    return _Guard(block.indent + text + layout.source.newline, [jump], block.last)


def _gap(layout: Layout, block: Block, guard: _Guard) -> str:
    """Return an empty line when there are some in what is rewritten and the long branch does not begin with one."""
    lines = [layout.source.line(number).strip() for number in range(block.first, guard.last + 1)]
    return layout.source.newline if lines[0] and not all(lines) else ""


def _fits(head: str, before: str, longest: int) -> bool:
    return "\n" not in head and len(head) <= max(longest, len(before.rstrip()))


def _is_simpler(suite: Suite, index: int, node: ast.If, guard: _Guard, test: str) -> bool:
    """True when the cognitive complexity falls, by more than an ``else`` that need not be there anyway."""
    opposite = ast.If(ast.parse(test, mode="eval").body, guard.body, [])
    rest = [] if node.orelse else suite.statements[index + 1 :]
    saved = cost([node, *rest], suite.level) - cost([opposite, *node.body], suite.level)
    return saved > (bool(node.orelse) and leaves(node.body))
