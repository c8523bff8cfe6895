"""Managers: which context managers are sure not to swallow an exception that their block raises."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import Any

from selfimprove.executor.refactor.analysis.vocabulary import LETS_PASS

_LOCK = re.compile(r"(?i)(lock|mutex|semaphore)$")


def lets_pass(manager: ast.expr, tree: ast.Module) -> bool:
    """Tell whether the exceptions of a ``with`` over ``manager`` are sure to reach what is around it."""
    name = last_name(manager.func if isinstance(manager, ast.Call) else manager)
    if not name:
        return False
    if not isinstance(manager, ast.Call):
        return bool(_LOCK.search(name))
    if made := _made(tree).get(name):
        return all(_own_lets_pass(one) for one in made)
    return name in LETS_PASS or bool(_LOCK.search(name))


def last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name, ``""`` for another expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@lru_cache(maxsize=4)
def _made(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    found: dict[str, list[ast.stmt]] = {}
    for one in ast.walk(tree):
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.setdefault(one.name, []).append(one)
    return found


def _own_lets_pass(made: ast.AST) -> bool:
    one: Any = made
    if isinstance(made, ast.ClassDef):
        ways = [item for item in made.body if getattr(item, "name", "") in ("__exit__", "__aexit__")]
        return bool(ways) and all(_says_nothing(way) for way in ways)
    if not any(last_name(item) in ("contextmanager", "asynccontextmanager") for item in one.decorator_list):
        return False
    guarded = [
        item
        for item in ast.walk(made)
        if isinstance(item, (ast.With, ast.AsyncWith)) or (isinstance(item, ast.Try) and item.handlers)
    ]
    return not any(isinstance(inner, ast.Yield) for item in guarded for inner in ast.walk(item))


def _says_nothing(way: ast.AST) -> bool:
    returned = [one.value for one in ast.walk(way) if isinstance(one, ast.Return) and one.value is not None]
    return all(isinstance(value, ast.Constant) and not value.value for value in returned)
