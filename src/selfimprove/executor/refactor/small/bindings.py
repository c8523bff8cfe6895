"""Bindings: which names a file binds, and so whether a builtin is still what it is called."""

from __future__ import annotations

import ast
import builtins
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.source import Source


def is_builtin(source: Source, name: str) -> bool:
    """True when ``name`` is a builtin that nothing in the file binds, in whatever scope, and no star import hides."""
    found = _all_bound(source.tree)
    return hasattr(builtins, name) and name not in found and "*" not in found


def bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that ``node`` itself binds or unbinds, ``*`` for a star import; not those of nodes in it."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((one.asname or one.name).partition(".")[0] for one in names)
        case ast.arg(arg=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name


@lru_cache(maxsize=8)
def _all_bound(tree: ast.Module) -> frozenset[str]:
    return frozenset(name for node in ast.walk(tree) for name in bound(node))
