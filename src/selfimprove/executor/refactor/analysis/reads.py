"""Reads: what the evaluation of an expression reads of a function's variables, and whether it can raise."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.analysis.scopes import COMPREHENSIONS, INNER, Scopes, eager, outside_parts
from selfimprove.executor.refactor.analysis.vocabulary import AT_ONCE, AT_ONCE_METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_QUIET = (
    ast.Constant,
    ast.Name,
    ast.Tuple,
    ast.List,
    ast.Lambda,
    ast.JoinedStr,
    ast.expr_context,
    ast.cmpop,
)


class Reads(NamedTuple):
    """Masks of variables: ``uses`` may be read, ``sure`` are read whenever the evaluation succeeds.

    ``holds`` are captured by a function that outlives the evaluation. ``raises`` says that it can raise.
    """

    uses: int = 0
    sure: int = 0
    holds: int = 0
    raises: bool = False

    def __or__(self, other: Reads) -> Reads:
        """Return what both read."""
        return Reads(
            self.uses | other.uses,
            self.sure | other.sure,
            self.holds | other.holds,
            self.raises or other.raises,
        )


class Variables:
    """The variables of a function, each a bit; lower bits are mentioned earlier in the text."""

    def __init__(self, names: Iterable[str]) -> None:
        """Number ``names`` in their order."""
        self.order = tuple(names)
        self.bit: Mapping[str, int] = {name: 1 << number for number, name in enumerate(self.order)}

    def mask(self, names: Iterable[str]) -> int:
        """Return the bits of those of ``names`` that are variables here."""
        found = 0
        for name in names:
            found |= self.bit.get(name, 0)
        return found

    def names(self, mask: int) -> tuple[str, ...]:
        """Return the names of the bits that are set, in the order of the text."""
        return tuple(name for name, bit in self.bit.items() if mask & bit)


def read(node: ast.AST, variables: Variables, scopes: Scopes) -> Reads:
    """Return what one expression without a ``:=`` of its own reads; that in comprehensions is left to the caller."""
    found = Reads()
    todo: list[tuple[ast.AST, bool, bool]] = [(node, True, False)]
    while todo:
        one, sure, at_once = todo.pop()
        if isinstance(one, ast.Name):
            bit = variables.bit.get(one.id, 0)
            found |= Reads(bit, bit if sure else 0)
        elif isinstance(one, INNER):
            found |= read_scope(one, variables, scopes, at_once=at_once)
            todo += [(part, sure, False) for part in outside_parts(one)]
        else:
            found |= Reads(raises=_can_raise(one))
            todo += _parts(one, sure=sure)
    return found


def read_scope(scope: ast.AST, variables: Variables, scopes: Scopes, *, at_once: bool = False) -> Reads:
    """Return what making (and, for a class or comprehension, evaluating) an inner scope reads."""
    reach = scopes.of(scope)
    holds = eager(scopes, scope) if at_once else reach.holds
    quiet = isinstance(scope, (ast.Lambda, ast.GeneratorExp)) and not at_once
    return Reads(variables.mask(reach.outward), 0, variables.mask(holds), not quiet)


def _parts(node: ast.AST, *, sure: bool) -> list[tuple[ast.AST, bool, bool]]:
    if isinstance(node, ast.BoolOp):
        return [(node.values[0], sure, False), *((value, False, False) for value in node.values[1:])]
    if isinstance(node, ast.IfExp):
        return [(node.test, sure, False), (node.body, False, False), (node.orelse, False, False)]
    if isinstance(node, ast.Compare):
        first, *rest = node.comparators
        return [
            (node.left, sure, False),
            (first, sure, False),
            *((one, False, False) for one in rest),
            *((one, False, False) for one in node.ops),
        ]
    if isinstance(node, ast.Call):
        at_once = _uses_up(node)
        return [(child, sure, at_once) for child in ast.iter_child_nodes(node)]
    if isinstance(node, ast.keyword):
        return [(node.value, sure, node.arg == "key")]
    return [(child, sure, False) for child in ast.iter_child_nodes(node)]


def _uses_up(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id in AT_ONCE
    return isinstance(function, ast.Attribute) and function.attr in AT_ONCE_METHODS


def _can_raise(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return not all(isinstance(one, (ast.Is, ast.IsNot)) for one in node.ops)
    return not isinstance(node, _QUIET)


def has_walrus(node: ast.AST) -> bool:
    """Tell whether evaluating ``node`` can bind a variable of the function around by ``:=``."""
    todo: list[ast.AST] = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, ast.NamedExpr):
            return True
        if isinstance(one, INNER) and not isinstance(one, COMPREHENSIONS):
            todo += outside_parts(one)
        else:
            todo += ast.iter_child_nodes(one)
    return False
