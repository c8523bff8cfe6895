"""Narrowing: whether what type checkers know behind a test would be lost if the test moved into a helper."""

from __future__ import annotations

import ast
from bisect import bisect_right
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.extract.lines import last_line
from selfimprove.executor.refactor.naming.annotations import ANY
from selfimprove.executor.refactor.naming.flows import flow_of
from selfimprove.executor.refactor.naming.known import known_of
from selfimprove.executor.refactor.naming.narrowed import is_chain, names_narrowed
from selfimprove.executor.refactor.naming.spots import env_at
from selfimprove.executor.refactor.naming.typing_of import is_annotated
from selfimprove.executor.refactor.naming.unions import is_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.naming.flows import Flow
    from selfimprove.executor.refactor.naming.values import Env
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source

LOST = 25.0
"""What it costs that a type checker no longer knows what it knew: more than any other cut that can be made."""
_GIVEN_BACK = 4.0
"""What it costs that a helper gives back what it was given."""


def keeping(source: Source, cut: Cut, project: Project) -> tuple[Cut, float]:
    """Return a cut that keeps what tests in it tell of types behind it, and what it costs beyond its own cost.

    One variable of which more is known behind the cut is given back by the helper, with its narrower type. Of
    several, or of an attribute, it is lost, which costs LOST.
    """
    lost = sorted(_lost(source, cut, project))
    if not lost:
        return cut, 0.0
    plain = cut.leaves is Leaves.END and not (cut.is_generator or cut.is_async)
    if plain and len(lost) == 1 and lost[0] in cut.parameters and len(cut.results) < 2:
        return replace(cut, results=(*cut.results, lost[0])), _GIVEN_BACK
    return cut, LOST


def _lost(source: Source, cut: Cut, project: Project) -> Iterator[str]:
    """Yield the variables and attributes that are used behind the cut, where less would be known of them."""
    if not is_annotated(cut.place) or cut.leaves in (Leaves.RETURN, Leaves.PASS):
        return
    flow = flow_of(known_of(source, project.files), cut.place)
    first, last = cut.statements[0], cut.statements[-1]
    if id(last) not in flow.behind or flow.at(first) is flow.after(last):
        return
    used, end = _uses(cut.place.node), last_line(last)
    for name in _narrower(flow, flow.at(first), flow.after(last)):
        if name not in cut.results and used.get(name, 0) > end:
            yield name


def predicate_loss(
    source: Source, place: Place, statement: ast.stmt, expression: ast.expr, project: Project
) -> float:
    """Return what it costs that ``expression``, a test in ``statement``, no longer narrows where it is called."""
    if not is_annotated(place) or not any(names_narrowed(expression)):
        return 0.0
    flow = flow_of(known_of(source, project.files), place)
    env = env_at(flow, statement, expression)
    for holds in (True, False):
        found = set(_narrower(flow, env, flow.values.narrowed(expression, env, holds)))
        if found & {
            text for node in _led_to(flow, place, statement, expression, holds) for text in _loads(node)
        }:
            return LOST
    return 0.0


def plain_operands(source: Source, node: ast.BoolOp) -> Iterator[ast.BoolOp]:
    """Yield runs of two or more operands of ``a and b and c`` that narrow nothing, each as if it stood alone.

    Where an operand narrows a type, these can move and it can stay.
    """
    if not isinstance(node.op, ast.And) or len(node.values) < 3:
        return
    narrow = [
        not isinstance(one, ast.Name | ast.Attribute) and any(names_narrowed(one)) for one in node.values
    ]
    start = 0
    while start < len(narrow):
        end = start
        while end < len(narrow) and not narrow[end]:
            end += 1
        if end - start > 1 and end - start < len(narrow):
            yield _joined(source, node, start, end)
        start = end + 1


def _joined(source: Source, node: ast.BoolOp, start: int, end: int) -> ast.BoolOp:
    values = node.values[start:end]
    first, last = _grouped(source, node, start)[0], _grouped(source, node, end - 1)[1]
    found = ast.BoolOp(node.op, values)
    found.lineno, found.col_offset = _position(source, first)
    found.end_lineno, found.end_col_offset = _position(source, last)
    return found


def _grouped(source: Source, node: ast.BoolOp, at: int) -> tuple[int, int]:
    """Return where an operand begins and ends, with the parentheses that are its own."""
    low, high = source.span(node)
    low = source.span(node.values[at - 1])[1] if at else low
    high = source.span(node.values[at + 1])[0] if at + 1 < len(node.values) else high
    start, end = source.span(node.values[at])
    while True:
        before, behind = source.text[low:start].rstrip(), source.text[end:high]
        gap = len(behind) - len(behind.lstrip())
        if not before.endswith("(") or not behind.lstrip().startswith(")"):
            return start, end
        start, end = low + len(before) - 1, end + gap + 1


def _position(source: Source, offset: int) -> tuple[int, int]:
    line = bisect_right(source.starts, offset, hi=len(source.starts) - 1)
    return line, len(source.text[source.starts[line - 1] : offset].encode())


def _narrower(flow: Flow, before: Env, behind: Env) -> Iterator[str]:
    """Yield the variables and attributes of which more is known behind than before."""
    for name, kind in behind.items():
        if kind is None or before.get(name) == kind:
            continue
        was = before[name] if name in before else flow.values.of(ast.parse(name, mode="eval").body, before)
        if was in (None, ANY, kind) or (name not in before and "." not in name):
            continue
        if is_part(kind, was, flow.values.known):
            yield name


def _led_to(
    flow: Flow, place: Place, statement: ast.stmt, expression: ast.expr, holds: bool
) -> Iterator[ast.AST]:
    """Yield what is executed because ``expression`` is true, or false."""
    if isinstance(statement, ast.If | ast.While):
        yield from statement.body if holds else statement.orelse
        leaves = id(statement.body[-1]) not in flow.behind
        if not holds and (leaves or isinstance(statement, ast.While)):
            yield from _behind(place.node, statement)
    end = (expression.end_lineno or 0, expression.end_col_offset or 0)
    for node in ast.walk(statement):
        if isinstance(node, ast.BoolOp | ast.IfExp):
            parts = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            if isinstance(node, ast.IfExp) or isinstance(node.op, ast.And) == holds:
                yield from (one for one in parts if (one.lineno, one.col_offset) >= end)


def _behind(function: FunctionNode, statement: ast.stmt) -> Iterator[ast.AST]:
    end = last_line(statement)
    yield from (node for node in ast.walk(function) if isinstance(node, ast.stmt) and node.lineno > end)


def _loads(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Name | ast.Attribute) and is_chain(one):
            yield ast.unparse(one)


@lru_cache(maxsize=8)
def _uses(function: FunctionNode) -> Mapping[str, int]:
    """Return the last line in which each variable, and each attribute of one, is read."""
    found: dict[str, int] = {}
    for one in ast.walk(function):
        if isinstance(one, ast.Name | ast.Attribute) and isinstance(one.ctx, ast.Load) and is_chain(one):
            text = ast.unparse(one)
            found[text] = max(found.get(text, 0), one.lineno)
    return found
