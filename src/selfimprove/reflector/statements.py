"""Statements: the lines of a file that coverage.py would count, each with the first line of its statement."""

from __future__ import annotations

import ast
import re
from typing import Any

_NO_COVER = re.compile(rb"#\s*(pragma|PRAGMA)[:\s]?\s*(no|NO)\s*(cover|COVER)")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PARTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


def statement_lines(source: bytes) -> dict[int, int]:
    """Return, for each line that can be executed, the first line of its statement.

    The same lines as coverage.py, but for a few that the compiler drops: no docstrings, no ``global``, nothing
    in a block that ``# pragma: no cover`` opens. Raises SyntaxError and ValueError for what is not Python.
    """
    excluded = {n for n, line in enumerate(source.splitlines(), 1) if _NO_COVER.search(line)}
    starts: dict[int, int] = {}
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(source), False)]
    while waiting:
        node, local = waiting.pop()
        head = _head(node)
        left_out = not excluded.isdisjoint(head)
        if not left_out and not _makes_no_code(node, local):
            decorators = [one.lineno for one in getattr(node, "decorator_list", ())]
            first = getattr(node, "lineno", head.start) if decorators else head.start
            # What stands in the line of a head belongs to the head, and that came first.
            starts |= {line: first for line in head if line not in starts}
            starts |= {line: line for line in decorators}
        local = isinstance(node, _FUNCTIONS) or (local and not isinstance(node, ast.ClassDef))
        waiting += [(one, local) for one in reversed(_inner(node, left_out))]
    return starts


def _inner(node: ast.AST, without_body: bool) -> list[ast.AST]:
    """Return the statements directly inside of another one, from the top, less a docstring."""
    body: list[ast.AST] = getattr(node, "body", []) if isinstance(node, (ast.mod, *_PARTS)) else []
    skipped = set(map(id, body if without_body else body[:1] if _has_docstring(node) else ()))
    return [one for one in ast.iter_child_nodes(node) if isinstance(one, _PARTS) and id(one) not in skipped]


def _head(node: ast.AST) -> range:
    """Return the lines of a statement from its first decorator up to the statements inside of it."""
    if not isinstance(node, _PARTS):
        return range(0)
    first, last = _extent(node)
    inside: list[ast.AST] = getattr(node, "body", None) or getattr(node, "cases", [])
    return range(first, max(first, _extent(inside[0])[0] - 1 if inside else last) + 1)


def _extent(node: ast.AST) -> tuple[int, int]:
    where: Any = node.pattern if isinstance(node, ast.match_case) else node
    return min([where.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]), where.end_lineno


def _makes_no_code(node: ast.AST, local: bool) -> bool:
    """True for declarations, and for the annotation of a local variable without a value."""
    declares = local and isinstance(node, ast.AnnAssign) and node.value is None and bool(node.simple)
    return declares or isinstance(node, ast.Global | ast.Nonlocal)


def _has_docstring(node: ast.AST) -> bool:
    documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return documented and ast.get_docstring(node, clean=False) is not None  # type: ignore[arg-type]
