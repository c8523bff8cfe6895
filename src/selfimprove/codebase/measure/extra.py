"""The metrics that only some rules need: cognitive complexity, shapes, imports and hashes of blocks."""

from __future__ import annotations

import ast
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.measure.blocks import block_hashes
from selfimprove.codebase.measure.cognitive import cognitive_complexity
from selfimprove.codebase.measure.record import Extra, Import
from selfimprove.codebase.measure.shape import FunctionNode, Scope, inner, shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.codebase.measure.record import FileMetrics, FunctionMetrics


def add_extra(tree: ast.Module, text: str, metrics: FileMetrics) -> FileMetrics:
    """Return ``metrics`` with the extra metrics of each function, and with imports and blocks.

    ``text`` is what ``tree`` was parsed from, with ``\\n`` at the ends of lines. Functions are known again by
    line and symbol. Nothing here is recursive, so the depth of the code does not matter.
    """
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    found = {(node.lineno, symbol): (node, in_class) for symbol, node, in_class in _definitions(tree)}
    functions = []
    for one in metrics.functions:
        node, in_class = found[one.line, one.symbol]
        functions.append(_filled(one, node, text, starts, in_class=in_class))
    extra = Extra(tuple(imports(tree)), block_hashes(tree, text))
    return metrics._replace(functions=tuple(functions), extra=extra)


def _filled(
    one: FunctionMetrics, node: FunctionNode, text: str, starts: list[int], *, in_class: bool
) -> FunctionMetrics:
    first, last = node.body[0].lineno - 1, node.end_lineno or node.lineno
    # Names in other alphabets may be written in more than one way (NFKC).
    may_recur = not node.name.isascii() or text.find(node.name, starts[first], starts[last]) >= 0
    may_recur = may_recur or not text.isascii()
    cognitive = cognitive_complexity(node, may_recur=may_recur)
    return one._replace(cognitive=cognitive, **shape(node, in_class=in_class)._asdict())


def _definitions(tree: ast.Module) -> Iterator[tuple[str, FunctionNode, bool]]:
    """Yield each function with its qualified name and whether it is defined in a class."""
    todo: list[tuple[str, bool, Any]] = [("", False, node) for node in tree.body]
    while todo:
        prefix, in_class, node = todo.pop()
        if isinstance(node, FunctionNode):
            yield prefix + node.name, node, in_class
        if isinstance(node, Scope):
            prefix, in_class = f"{prefix}{node.name}.", isinstance(node, ast.ClassDef)
        todo += [(prefix, in_class, child) for child, _ in inner(node, 0)]


def imports(tree: ast.Module) -> list[Import]:
    """Return, in the order of the text, the imports that run when the module is loaded.

    These are all outside of functions, also in classes and under ``if`` and ``try``, but not what only type
    checkers see (``if TYPE_CHECKING:``) and not what only runs as a script (``if __name__ == "__main__":``).
    """
    found: list[Import] = []
    todo: list[Any] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found += [Import(alias.name, "", 0, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module, level = node.module or "", node.level
            found += [Import(module, alias.name, level, node.lineno) for alias in node.names]
        elif isinstance(node, ast.If):
            todo += _branches_that_run(node)
        elif not isinstance(node, FunctionNode):
            todo += [child for child, _ in inner(node, 0)]
    return sorted(found, key=lambda one: one.line)


def _branches_that_run(node: ast.If) -> list[ast.stmt]:
    negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
    test = node.test.operand if isinstance(node.test, ast.UnaryOp) and negated else node.test
    if isinstance(test, ast.Compare):
        names = {getattr(one, "id", getattr(one, "value", "")) for one in (test.left, *test.comparators)}
        never = names == {"__name__", "__main__"} and isinstance(test.ops[0], ast.Eq)
    else:
        never = getattr(test, "attr", getattr(test, "id", "")) == "TYPE_CHECKING"
    if never:
        return node.body if negated else node.orelse
    return [*node.body, *node.orelse]
