"""Calls: the type of what a call gives, by the function, method or class that is called and the arguments."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.annotations import (
    ANY,
    base_of,
    element,
    members,
    parts_of,
    text_of,
    union,
)
from selfimprove.executor.refactor.naming.builtin_types import OF_METHOD, of_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selfimprove.executor.refactor.naming.known import Known
    from selfimprove.executor.refactor.naming.values import Env, Values

_STANDARD = {
    "Path": "pathlib", "PurePath": "pathlib", "Decimal": "decimal", "Fraction": "fractions", "StringIO": "io",
    "BytesIO": "io", "timedelta": "datetime", "datetime": "datetime", "date": "datetime", "timezone": "datetime",
}  # fmt: skip
"""Classes of the standard library whose calls give a value of that type, and the modules they come from."""
_HOLDING = {
    "sorted": "list[{}]", "list": "list[{}]", "tuple": "tuple[{}, ...]", "set": "set[{}]", "iter": "Iterator[{}]",
    "frozenset": "frozenset[{}]", "reversed": "Iterator[{}]", "enumerate": "Iterator[tuple[int, {}]]",
}  # fmt: skip
"""What these builtins give when a loop over their argument gives ``{}``."""
_NUMBERS = ("int", "float")


def called(values: Values, call: ast.Call, env: Env, depth: int) -> str | None:
    """Return the type of what a call gives, ``None`` when it is not known."""
    match call.func:
        case ast.Name(id=name) if name in values.around:
            node = values.around[name]
            plain = isinstance(node, ast.FunctionDef) and not node.decorator_list
            return text_of(node.returns) if plain else None
        case ast.Name(id=name) if name not in env:
            return (
                _builtin(values, name, call, env, depth)
                or values.known.result(name)
                or _made(values.known, name, call.func)
            )
        case ast.Attribute(value=value, attr=attr) as func:
            if found := of_value(call):
                return found
            held = values.of(value, env, depth + 1)
            if held is None:
                return _made(values.known, attr, func)
            other = values.of(call.args[1], env, depth + 1) if len(call.args) == 2 else "None"
            return union(*(_method(values.known, one, attr, other) for one in members(held)))
        case _:
            return None


def _made(known: Known, name: str, func: ast.expr) -> str | None:
    """Return the type of a call of a class of the standard library."""
    module = _STANDARD.get(name)
    if module is None:
        return None
    if isinstance(func, ast.Attribute):
        return ast.unparse(func) if isinstance(func.value, ast.Name) else None
    found = any(
        isinstance(node, ast.ImportFrom)
        and node.module == module
        and any(one.name == name for one in node.names)
        for node in known.tree.body
    )
    return name if found else None


def _method(known: Known, held: str, attr: str, other: str | None) -> str | None:
    """Return what a method of a value of type ``held`` gives; ``other`` is the type of its second argument."""
    if held == ANY:
        return ANY
    told = OF_METHOD.get(base_of(held).rpartition(".")[2], {}).get(attr)
    if told is None:
        return known.method(held, attr)
    parts = parts_of(held)
    if told == "=":
        return held
    if told[0].isdigit():
        found = parts[int(told[0])] if len(parts) > int(told[0]) else None
        more = other if told.endswith("?") or (attr == "pop" and other != "None") else found
        return union(found, more)
    if "[" in told and told[-2] in "*01":
        kinds = parts if told[-2] == "*" else parts[int(told[-2]) : int(told[-2]) + 1]
        return f"{base_of(told)}[{', '.join(kinds)}]" if kinds else None
    return told


def _builtin(values: Values, name: str, call: ast.Call, env: Env, depth: int) -> str | None:
    if values.known.definition(name) is not None:
        return None
    if name in _BY_TYPES:
        return _BY_TYPES[name]([values.of(one, env, depth + 1) for one in call.args])
    match name, call.args:
        case "zip", [_, *_]:
            kinds = [values.item_of(one, env) for one in call.args]
            return None if None in kinds else f"Iterator[tuple[{', '.join(map(str, kinds))}]]"
        case "map", [ast.Name() as function, _]:
            kind = values.of(ast.Call(function, [], []), env, depth + 1)
            return f"Iterator[{kind}]" if kind else None
        case _, [first, *_] if name in _HOLDING:
            kind = values.item_of(first, env)
            return _HOLDING[name].format(kind) if kind else None
        case _:
            return of_value(call)


def _round(given: Sequence[str | None]) -> str | None:
    match given:
        case ["int" | "float"]:
            return "int"
        case ["float", *_]:
            return "float"
        case _:
            return None


def _most(given: Sequence[str | None]) -> str | None:
    """Return the type of the least or greatest of several values, when that is certain."""
    alike = len({*given}) == 1 or {*given} <= {*_NUMBERS}
    return union(*given) if len(given) > 1 and alike else None


def _sum(given: Sequence[str | None]) -> str | None:
    kind = element(given[0]) if len(given) == 1 else None
    return kind if kind in _NUMBERS else None


def _divmod(given: Sequence[str | None]) -> str | None:
    return "tuple[int, int]" if given == ["int", "int"] else None


def _next(given: Sequence[str | None]) -> str | None:
    return element(given[0]) if len(given) == 1 else None


def _abs(given: Sequence[str | None]) -> str | None:
    first = given[0] if given else None
    return first if first in _NUMBERS or (first or "").endswith("timedelta") else None


_BY_TYPES: dict[str, Callable[[Sequence[str | None]], str | None]] = {
    "round": _round, "min": _most, "max": _most, "sum": _sum, "divmod": _divmod, "next": _next, "abs": _abs,
}  # fmt: skip
"""The builtins whose result is told by the types of their arguments."""
