"""Narrowed: what a test that holds, or does not, says of the types of the variables in it, as type checkers see it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.annotations import ANY, base_of, members, without_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.naming.known import Known
    from selfimprove.executor.refactor.naming.values import Env, Values

_CHAIN = (ast.Name, ast.Attribute)


def narrowed(values: Values, test: ast.expr, env: Env, *, holds: bool) -> Env:
    """Return the types where ``test`` is true (``holds``), or where it is false."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return narrowed(values, inner, env, holds=not holds)
        case ast.BoolOp(op=op, values=parts):
            if isinstance(op, ast.And) == holds:
                for one in parts:
                    env = narrowed(values, one, env, holds=holds)
                return env
            return _either(values, parts, env, holds)
        case ast.NamedExpr(target=target, value=value):
            env = {**env, target.id: values.of(value, env)}
            return narrowed(values, target, env, holds=holds)
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, kinds]):
            return _by_class(values, value, list(_classes(kinds)), env, holds)
        case ast.Call(func=ast.Name(id="callable"), args=[ast.Name(id=name)]) if env.get(name):
            return env
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _by_comparison(values, left, op, right, env, holds)
        case ast.Name() | ast.Attribute() if is_chain(test):
            kind = values.of(test, env)
            return env if kind is None or not holds else {**env, ast.unparse(test): without_none(kind)}
        case _:
            return env


def _either(values: Values, parts: list[ast.expr], env: Env, holds: bool) -> Env:
    """Return the types where one of ``parts`` is the first that is true (or false)."""
    from selfimprove.executor.refactor.naming.unions import merged

    found = []
    for one in parts:
        found.append(narrowed(values, one, env, holds=holds))
        env = narrowed(values, one, env, holds=not holds)
    return merged(found, values)


def _by_comparison(
    values: Values,
    left: ast.expr,
    op: ast.cmpop,
    right: ast.expr,
    env: Env,
    holds: bool,
) -> Env:
    if isinstance(left, ast.NamedExpr):
        env = {**env, left.target.id: values.of(left.value, env)}
        left = left.target
    if not is_chain(left) or not isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
        return env
    kind = values.of(left, env)
    same = isinstance(op, ast.Is | ast.Eq) == holds
    if kind is None or not isinstance(right, ast.Constant):
        return env
    if right.value is None:
        if not same:
            return {**env, ast.unparse(left): without_none(kind)}
        return {**env, ast.unparse(left): "None"} if "None" in members(kind) else env
    held = type(right.value).__name__
    return {**env, ast.unparse(left): held} if same and held in members(kind) else env


def _by_class(values: Values, value: ast.expr, kinds: list[str], env: Env, holds: bool) -> Env:
    if not is_chain(value):
        return env
    known, text = values.of(value, env), ast.unparse(value)
    found = list(_kept(values.known, members(known) if known else (), kinds, holds))
    if holds and not found and (known is None or not kinds):
        return env
    if holds and ANY in (members(known) if known else ()):
        found = [_written(one) for one in kinds]
    return {**env, text: " | ".join(dict.fromkeys(found))} if found else env


def _kept(known: Known, parts: tuple[str, ...], kinds: list[str], holds: bool) -> Iterator[str]:
    """Yield what stays of the types ``parts`` when the value is an instance of one of ``kinds``, or of none."""
    below = [part for part in parts if any(known.is_below(part, one) for one in kinds)]
    if not holds:
        yield from (part for part in parts if part not in below)
        return
    for part in parts:
        if part in below or part == ANY:
            yield part
        else:
            found = _within(known, part, kinds)
            yield from found
            if not found and not below and any(_may_be(known, part, one) for one in kinds):
                yield part


def _within(known: Known, part: str, kinds: list[str]) -> list[str]:
    """Return those of ``kinds`` that are narrower than the type ``part``; a type variable may be any of them."""
    free = known.is_variable(part)
    return [_written(one) for one in kinds if free or known.is_below(one, part)]


def _may_be(known: Known, part: str, kind: str) -> bool:
    """True for types of which nothing is known, which therefore may have values in common."""
    return part != "None" and base_of(part) != "type" and not known.is_apart(part, kind)


def _written(kind: str) -> str:
    """Return the type of which a value is that is an instance of the class ``kind``."""
    generic = {"list": "list[Any]", "dict": "dict[Any, Any]", "set": "set[Any]", "tuple": "tuple[Any, ...]"}
    return generic.get(kind, kind)


def _classes(kinds: ast.expr) -> Iterator[str]:
    match kinds:
        case ast.Tuple(elts=parts):
            for one in parts:
                yield from _classes(one)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _classes(left)
            yield from _classes(right)
        case ast.Name() | ast.Attribute():
            yield ast.unparse(kinds)


def is_chain(node: ast.AST) -> bool:
    """True for a name, or attributes of one: what a type checker narrows."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def names_narrowed(test: ast.expr) -> Iterator[str]:
    """Yield the variables and attributes, by their text, of which a test that holds may narrow the type."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield from names_narrowed(inner)
        case ast.BoolOp(values=parts):
            for one in parts:
                yield from names_narrowed(one)
        case ast.NamedExpr(target=target):
            yield target.id
        case ast.Call(func=ast.Name(id="isinstance" | "callable" | "issubclass"), args=[value, *_]):
            yield from (ast.unparse(value),) if is_chain(value) else ()
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() | ast.Eq() | ast.NotEq()]):
            inner = left.target if isinstance(left, ast.NamedExpr) else left
            yield from (ast.unparse(inner),) if is_chain(inner) else ()
        case ast.Name() | ast.Attribute() if is_chain(test):
            yield ast.unparse(test)
