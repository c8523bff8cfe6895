"""Rope alone: extracts blocks of one function until it is simple enough; runs where rope is installed."""

from __future__ import annotations

import ast
import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BRANCH = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.Assert)


def weight(nodes: list[ast.stmt]) -> int:
    """Return the decisions in some statements, as radon counts them but for what is rare."""
    total = 0
    for top in nodes:
        for node in ast.walk(top):
            total += isinstance(node, _BRANCH)
            total += len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
            total += len(node.ifs) if isinstance(node, ast.comprehension) else 0
            total += bool(getattr(node, "orelse", ())) if isinstance(node, (ast.For, ast.While)) else 0
    return total


def find(tree: ast.Module, symbol: str) -> ast.AST:
    """Return the function of that qualified name."""
    here: ast.AST = tree
    for name in symbol.split("."):
        here = next(
            node
            for node in ast.walk(here)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name
        )
    return here


def blocks(function: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield each list of statements in the function, and each statement of it that has statements itself."""
    for node in ast.walk(function):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield from ([one] for one in block if hasattr(one, "body"))
                if node is not function:
                    yield block


def main() -> None:
    """Rewrite the function of argument two in the file of argument one, in place, until argument three is reached."""
    if len(sys.argv) < 4:
        print("refactor_rope: rewrites one function with rope for refactor.py")
        return
    from rope.base.exceptions import RopeError
    from rope.base.project import Project
    from rope.refactor.extract import ExtractMethod

    path, symbol, goal = sys.argv[1], sys.argv[2], int(sys.argv[3])
    project = Project(".", ropefolder=None)
    file = project.get_file(path)
    for number in range(1, 7):
        text = file.read()
        function = find(ast.parse(text), symbol)
        if weight([function]) + 1 <= goal:
            break
        starts = [0]
        for line in text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        for block in sorted(blocks(function), key=weight, reverse=True):
            if not 2 <= weight(block) < goal:
                continue
            span = starts[block[0].lineno - 1] + block[0].col_offset, starts[block[-1].end_lineno] - 1
            with contextlib.suppress(RopeError, SyntaxError, AttributeError, IndexError, ValueError):
                changes = ExtractMethod(project, file, *span).get_changes(
                    f"_{symbol.split('.')[-1]}_{number}"
                )
                project.do(changes)
                break
        else:
            break
    project.close()


if __name__ == "__main__":
    main()
