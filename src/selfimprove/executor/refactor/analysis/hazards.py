"""Hazards: what a function does that sees how it is written, so that statements cannot move out of it unseen."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from selfimprove.executor.refactor.analysis.managers import last_name
from selfimprove.executor.refactor.analysis.vocabulary import (
    COMPILED,
    COMPILED_FULL,
    FRAME_ATTRIBUTES,
    KEPT_ALIVE,
    SEE_FRAMES,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.source import Place

# With no argument these see all local variables; exec and eval see them with one.
_SEE_LOCALS = {"locals": 0, "vars": 0, "dir": 0, "eval": 1, "exec": 1}


def of_function(place: Place) -> str:
    """Return why no statement of the function may move out of it, ``""`` when one may."""
    for scope in (*place.around, place.node):
        for decorator in scope.decorator_list:
            name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if name in COMPILED_FULL or name.rpartition(".")[2] in COMPILED:
                return f"@{name} compiles it, it does not run as Python"
            if name.rpartition(".")[2] == "overload":
                return "it is only a signature (@overload)"
    if place.owner is not None and any(dotted(_base(one)).endswith("Protocol") for one in place.owner.bases):
        return "it stands in a Protocol"
    if getattr(place.node, "type_params", ()):
        return "it has type parameters"
    for node in ast.walk(place.node):
        if isinstance(node, ast.Call) and len(node.args) + len(node.keywords) <= _SEE_LOCALS.get(
            dotted(node.func), -1
        ):
            return f"it calls {dotted(node.func)}(), which sees its local variables"
    return ""


def of_statement(statement: ast.stmt) -> str:
    """Return why this statement may not move into another function, ``""`` when it may."""
    managed = {id(item.context_expr) for item in _items(statement)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Nonlocal):
            return "it has a nonlocal statement"
        if isinstance(node, ast.Attribute) and node.attr in FRAME_ATTRIBUTES:
            return f"it looks at the call stack (.{node.attr})"
        if isinstance(node, ast.Call) and (reason := _of_call(node, managed=id(node) in managed)):
            return reason
    return ""


def _of_call(node: ast.Call, *, managed: bool) -> str:
    name, whole = last_name(node.func), dotted(node.func)
    plain = name in SEE_FRAMES and (name != whole or name.startswith(("_", "current")))
    if plain and whole.split(".")[0] not in ("self", "cls"):
        return f"it looks at the call stack ({name})"
    if any(keyword.arg == "stacklevel" for keyword in node.keywords):
        return "it counts calls on the stack (stacklevel=)"
    if name in KEPT_ALIVE and not managed:
        return f"what {name}() gives lives as long as the function"
    return ""


def needs_class(statement: ast.stmt) -> str:
    """Return what in a statement has its meaning only in the body of its class, ``""`` when nothing has."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and dotted(node.func) == "super" and not node.args:
            return "super()"
        if isinstance(node, ast.Name) and node.id == "__class__":
            return "__class__"
        for name in _identifiers(node):
            if name.startswith("__") and not name.endswith("__"):
                return name
    return ""


def _identifiers(node: ast.AST) -> Iterator[str]:
    for field in ("id", "attr", "arg", "name", "asname", "rest"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names


def _items(statement: ast.stmt) -> Iterator[ast.withitem]:
    for node in ast.walk(statement):
        if isinstance(node, (ast.With, ast.AsyncWith)):
            yield from node.items


def _base(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Subscript) else node


def dotted(node: ast.AST) -> str:
    """Return a dotted name, without what is no name in it."""
    parts: list[str] = []
    one: Any = node
    while isinstance(one, ast.Attribute):
        parts.append(one.attr)
        one = one.value
    return ".".join((one.id, *reversed(parts))) if isinstance(one, ast.Name) else ".".join(reversed(parts))
