"""Bindings: whether a builtin is still what it is called, by the names that a file binds."""

from __future__ import annotations

import ast
import builtins
from functools import lru_cache
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.analysis.scopes import bound_by

if TYPE_CHECKING:
    from selfimprove.executor.refactor.source import Source


def is_builtin(source: Source, name: str) -> bool:
    """True when ``name`` is a builtin that nothing in the file binds, in whatever scope, and no star import hides."""
    found = _all_bound(source.tree)
    return hasattr(builtins, name) and name not in found and "*" not in found


@lru_cache(maxsize=8)
def _all_bound(tree: ast.Module) -> frozenset[str]:
    return frozenset(name for node in ast.walk(tree) for name in bound_by(node))
