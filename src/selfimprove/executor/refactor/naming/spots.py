"""Spots: the types inside of a statement, where a part of an expression stands, and whether it is only asked."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfimprove.executor.refactor.naming.flows import Flow
    from selfimprove.executor.refactor.naming.values import Env


def env_at(flow: Flow, statement: ast.stmt, expression: ast.expr) -> Env:
    """Return the types where ``expression``, a part of ``statement``, is evaluated."""
    env, values = flow.at(statement), flow.values
    for node, child in _way(statement, expression):
        match node:
            case ast.BoolOp(op=op, values=parts):
                for one in parts:
                    if _end(one) > _start(expression):
                        break
                    env = values.narrowed(one, env, isinstance(op, ast.And))
            case ast.IfExp(test=test) if child is not test:
                env = values.narrowed(test, env, child is node.body)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                for loop in node.generators:
                    if child is not loop:
                        env = values.bound(loop.target, values.item_of(loop.iter, env), env)
    return env


def is_asked(statement: ast.stmt, expression: ast.expr) -> bool:
    """True when of the value of ``expression`` only its truth matters: it is a test, or an operand of one."""
    way = _way(statement, expression)
    for node, child in reversed(way):
        match node:
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
                return child is test or _start(test) <= _start(child) < _end(test)
            case ast.UnaryOp(op=ast.Not()):
                return True
            case ast.comprehension(iter=over):
                return child is not over
            case ast.BoolOp():
                continue
            case _:
                return False
    return False


def _way(statement: ast.stmt, expression: ast.expr) -> list[tuple[ast.AST, ast.AST]]:
    """Return the nodes around ``expression``, the outermost first, each with the one in it that leads on."""
    found: list[tuple[ast.AST, ast.AST]] = []
    node: ast.AST = statement
    while node is not expression:
        inner = [
            one
            for one in ast.iter_child_nodes(node)
            if isinstance(one, ast.expr | ast.keyword | ast.comprehension | ast.withitem)
            and any(_covers(part, expression) for part in _placed(one))
        ]
        if not inner:
            if isinstance(node, ast.BoolOp) and node is not expression:  # some of its operands
                found.append((node, expression))
            break
        found.append((node, inner[0]))
        node = inner[0]
    return found


def _placed(node: ast.AST) -> list[ast.expr]:
    return (
        [node]
        if isinstance(node, ast.expr)
        else [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
    )


def _covers(node: ast.expr, other: ast.expr) -> bool:
    return node is other or (_start(node) <= _start(other) and _end(other) <= _end(node))


def _start(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _end(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0
