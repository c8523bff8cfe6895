"""Imports: modules that a function imports for itself, and which of its helpers imports again."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.shape import FunctionNode, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.executor.refactor.cut import Cut


class _Imported(NamedTuple):
    """Names that a function imports, each with the one statement for it; "" for one that has other values too."""

    names: Mapping[str, str]
    nodes: tuple[ast.AST, ...]


def imported(cut: Cut) -> frozenset[str]:
    """Return the parameters of the helper that are modules, or names of one, which the function imports itself."""
    return frozenset(cut.parameters) & _of(cut.place.node).names.keys()


def repeated(cut: Cut) -> dict[str, str]:
    """Return the parameters that the helper had better import again, each with the statement that does so.

    What was imported a moment ago costs nothing and does nothing to import again. It must have no other value,
    and the function must go on using it: else its own import would be left there for nothing.
    """
    found = _of(cut.place.node)
    names = [name for name in cut.parameters if found.names.get(name)]
    if not names:
        return {}
    inside = {id(node) for statement in cut.statements for node in ast.walk(statement)}
    used = {
        node.id
        for node in found.nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in inside
    }
    return {name: found.names[name] for name in names if name in used}


@lru_cache(maxsize=4)
def _of(function: FunctionNode) -> _Imported:
    nodes = tuple(ast.walk(function))
    bound = [name for node in nodes for name in _bound(node)]
    own = {id(node) for node in _own(function)}
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for one in node.names:
                name = one.asname or one.name.partition(".")[0]
                again = bound.count(name) == 1 and id(node) in own and name != "*"
                found[name] = _statement(node, one) if again else ""
    return _Imported(found, nodes)


def _statement(node: ast.Import | ast.ImportFrom, one: ast.alias) -> str:
    alone = (
        ast.Import([one]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [one], node.level)
    )
    return ast.unparse(alone)


def _own(function: ast.AST) -> list[ast.AST]:
    """Return the nodes of a function without those of functions and classes in it."""
    found, todo = [], list(ast.iter_child_nodes(function))
    while todo:
        node = todo.pop()
        found.append(node)
        if not isinstance(node, Scope):
            todo += ast.iter_child_nodes(node)
    return found


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [one.asname or one.name.partition(".")[0] for one in names]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Global(names=listed) | ast.Nonlocal(names=listed):
            return [*listed, *listed]  # not its own
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case _:
            return []
