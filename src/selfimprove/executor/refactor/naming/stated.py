"""Stated: what the statements of a module or class define, and the types that are written in them."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.naming.annotations import base_of, inside, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.naming.known import Known

_READ = frozenset(["property", "cached_property", "functools.cached_property", "abc.abstractproperty"])
_KEPT = frozenset(
    ["staticmethod", "classmethod", "abstractmethod", "abc.abstractmethod", "override", "t.override"]
)


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module or class, with those that stand under an ``if`` or ``try``."""
    for node in body:
        if isinstance(node, ast.If):
            yield from statements([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from statements(
                [*node.body, *(one for each in node.handlers for one in each.body), *node.orelse]
            )
        else:
            yield node


def defined(node: ast.stmt) -> Iterator[str]:
    """Yield the names of functions, classes and variables that a statement defines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (one.id for one in targets if isinstance(one, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def result_of(node: ast.stmt) -> str | None:
    """Return what a call of a function or class gives, by the statement that defines it."""
    match node:
        case ast.ClassDef(name=name):
            generic = bool(getattr(node, "type_params", None)) or any(
                isinstance(one, ast.Subscript) for one in node.bases
            )
            return None if generic or node.keywords else name
        case ast.FunctionDef(returns=returns, decorator_list=decorators):
            if any(ast.unparse(one) not in _KEPT for one in decorators) or getattr(node, "type_params", None):
                return None
            return text_of(returns)
        case _:
            return None


def unwrapped(text: str | None) -> str | None:
    """Return the type in ``ClassVar[X]`` and the like."""
    while text and base_of(text).rpartition(".")[2] in (
        "ClassVar",
        "Final",
        "Annotated",
        "Required",
        "NotRequired",
    ):
        inner = inside(text)
        text = inner or None
    return text


@lru_cache(maxsize=256)
def attributes_of(known: Known, owner: ast.ClassDef) -> dict[str, str | None]:
    """Return the types of the attributes that a class sets itself, ``None`` for what is not known."""
    found: dict[str, str | None] = {}
    for node in statements(owner.body):
        if isinstance(node, FunctionNode):
            read = any(ast.unparse(one) in _READ for one in node.decorator_list)
            found.setdefault(node.name, text_of(node.returns) if read else None)
        for name in defined(node):
            found.setdefault(name, known.assigned(node))
    for method in (node for node in owner.body if isinstance(node, FunctionNode) and node.args.args):
        for name, text in _set_by(known, method):
            if found.get(name) is None:
                found[name] = text
    return found


def _set_by(known: Known, method: FunctionNode) -> Iterator[tuple[str, str | None]]:
    """Yield the attributes that a method sets, with their types where these are written."""
    arguments = method.args
    own = arguments.args[0].arg
    given = {one.arg: text_of(one.annotation) for one in (*arguments.args, *arguments.kwonlyargs)}
    for node in ast.walk(method):
        match node:
            case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id=name), attr=attr)) if name == own:
                yield attr, unwrapped(text_of(node.annotation))
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name), attr=attr)], value=value) if (
                name == own and method.name == "__init__"
            ):
                yield attr, given.get(value.id) if isinstance(value, ast.Name) else known.assigned(node)
