"""Trimming: takes tests out of a file by its syntax, and leaves the rest as it stands."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.change import parsed
from selfimprove.executor.vetoes.shapes import Function, shapes

if TYPE_CHECKING:
    from collections.abc import Collection


def without_tests(text: str, tests: Collection[str]) -> str:
    """Return ``text`` without the functions named ``tests`` (``test_x``, ``TestY.test_x``); ``""`` if no test is left.

    Imports that only they needed go too, and a class of which nothing is left.
    """
    tree = parsed(text)
    if tree is None:
        return ""
    rows: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, Function) and node.name in tests:
            rows.append(node)
        elif isinstance(node, ast.ClassDef):
            gone = [
                one for one in node.body if isinstance(one, Function) and f"{node.name}.{one.name}" in tests
            ]
            tested = [one for one in node.body if isinstance(one, Function) and one.name.startswith("test")]
            rows += [node] if gone and len(gone) == len(tested) else gone
    left = _without_lines(text, rows)
    if not shapes(parsed(left)).tests:
        return ""
    return _without_lines(left, _idle_imports(left))


def _without_lines(text: str, nodes: Collection[ast.stmt]) -> str:
    lines = text.splitlines(keepends=True)
    for node in sorted(nodes, key=lambda one: -one.lineno):
        decorators = [one.lineno for one in getattr(node, "decorator_list", ())]
        first, last = min([node.lineno, *decorators]), node.end_lineno or node.lineno
        while last < len(lines) and not lines[last].strip():
            last += 1
        del lines[first - 1 : last]
    return "".join(lines).rstrip() + "\n"


def _idle_imports(text: str) -> list[ast.stmt]:
    """Return the imports at the top of which no name is used."""
    tree = parsed(text) or ast.Module([], [])
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [node for node in imports if not _bound(node) & (used | {"*", "annotations"})]


def _bound(node: ast.Import | ast.ImportFrom) -> set[str]:
    return {(one.asname or one.name).partition(".")[0] for one in node.names}
