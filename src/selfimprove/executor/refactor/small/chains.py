"""Chains: a run of ``if``/``elif`` that compares one name with constants, read as keys and what each leads to."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from selfimprove.executor.refactor.small.layout import Layout


class Arm(NamedTuple):
    """One branch: its ``if`` or ``elif``, the constants that lead to it, and whether they are compared by ``is``."""

    node: ast.If
    keys: tuple[ast.expr, ...]
    by_identity: bool


class Chain(NamedTuple):
    """The branches in order, the name that all compare, and what stands in ``else``."""

    subject: str
    arms: tuple[Arm, ...]
    otherwise: tuple[ast.stmt, ...]

    @property
    def last(self) -> ast.If:
        """The last ``elif``, which has the ``else``."""
        return self.arms[-1].node

    def values(self) -> list[object]:
        """Return all constants, in order."""
        return [ast.literal_eval(key) for arm in self.arms for key in arm.keys]


def chain_of(layout: Layout, node: ast.If) -> Chain | None:
    """Return the chain that begins with ``node``, ``None`` when one of its tests is of another kind."""
    if layout.is_elif(node):
        return None
    arms, one, subject = [], node, ""
    while True:
        name, keys, by_identity = _keys(one.test)
        if not keys or (subject and name != subject):
            return None
        subject = name
        arms.append(Arm(one, keys, by_identity))
        below = one.orelse[0] if one.orelse else None
        if not isinstance(below, ast.If) or not layout.is_elif(below):
            return Chain(subject, tuple(arms), tuple(one.orelse))
        one = below


def _keys(test: ast.expr) -> tuple[str, tuple[ast.expr, ...], bool]:
    """Return the name that ``test`` compares, with which constants, and whether by ``is``; no keys for all else."""
    match test:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[key]) if _is_key(key):
            return name, (key,), False
        case ast.Compare(
            left=ast.Name(id=name), ops=[ast.In()], comparators=[ast.Tuple(elts=keys) | ast.List(elts=keys)]
        ) if all(map(_is_key, keys)):
            return name, tuple(keys), False
        case ast.Compare(
            left=ast.Name(id=name),
            ops=[ast.Is()],
            comparators=[ast.Constant(value=None | True | False) as key],
        ):
            return name, (key,), True
    return "", (), False


def _is_key(node: ast.expr) -> bool:
    """True for a string, and for an integer, also a negative one; ``True == 1`` is why there are no booleans."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        return isinstance(node, ast.Constant) and type(node.value) is int
    return isinstance(node, ast.Constant) and type(node.value) in (str, int)
