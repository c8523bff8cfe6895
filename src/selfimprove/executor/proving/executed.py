"""Executed: which statements of a file count, as coverage.py counts them, and which of them the tests never ran."""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_left, bisect_right
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.measure.source import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


_BLOCKS = (ast.stmt, ast.ExceptHandler, ast.match_case)


class Counted(NamedTuple):
    """A statement that counts: its first line, the lines of its own, and the lines of the blocks in it (0 for none).

    ``own_last`` is the last line before its first block. A decorator counts by itself.
    """

    first: int
    own_last: int
    block_first: int
    last: int


def statement_lines(text: str, first: int, last: int) -> tuple[int, ...]:
    """Return the first lines of the statements that begin in the lines ``first`` to ``last``.

    Like coverage.py's statements (coverage/parser.py): what the compiler makes no instruction of is none, such as a
    docstring, ``global``, or code that it sees to be dead. ``except`` and ``case`` count too. Raises SyntaxError.
    """
    return tuple(one.first for one in _counted(text) if first <= one.first <= last)


def executed_statements(text: str, first: int, last: int, hit: Collection[int]) -> tuple[int, ...]:
    """Return the first lines of those statements that were executed, where ``hit`` has the lines that were.

    A statement was, when one of its own lines was hit, or a statement of a block in it. Raises SyntaxError.
    """
    lines = sorted(set(hit))
    return tuple(one.first for one in _counted(text) if first <= one.first <= last and _was_hit(one, lines))


def executed_lines(text: str, hit: Collection[int]) -> frozenset[int]:
    """Return ``hit`` and the first lines of all statements that were executed. Raises SyntaxError."""
    return frozenset(hit) | frozenset(executed_statements(text, 1, len(text), hit))


def missing_lines(text: str, first: int, last: int, hit: Collection[int]) -> tuple[int, ...]:
    """Return the first lines of the statements that begin in ``first`` to ``last`` and were not executed.

    Raises SyntaxError.
    """
    done = frozenset(executed_statements(text, first, last, hit))
    return tuple(line for line in statement_lines(text, first, last) if line not in done)


def _was_hit(one: Counted, lines: list[int]) -> bool:
    spans = ((one.first, one.own_last), (one.block_first or 1, one.last if one.block_first else 0))
    return any(
        bisect_left(lines, first) < bisect_right(lines, last) for first, last in spans if first <= last
    )


@lru_cache(maxsize=64)
def _counted(text: str) -> tuple[Counted, ...]:
    """Return the statements of a file in order, one for each first line."""
    tree = parse(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        running = _lines_of(compile(text, "<counted>", "exec", dont_inherit=True))
    found: dict[int, Counted] = {}
    for one in (one for node in _nodes(tree) for one in _of(node)):
        if any(line in running for line in range(one.first, one.own_last + 1)):
            known = found.setdefault(one.first, one)
            found[one.first] = known._replace(last=max(known.last, one.last))
    return tuple(found[line] for line in sorted(found))


def _nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield every statement, handler and case, without docstrings."""
    for node in ast.walk(tree):
        documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        first = node.body[0] if documented and node.body else None  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _BLOCKS) and not (child is first and _is_text(child)):
                yield child


def _is_text(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _of(node: Any) -> Iterator[Counted]:
    """Yield a statement, and before it each of its decorators."""
    for one in getattr(node, "decorator_list", ()):
        yield Counted(one.lineno, one.end_lineno, 0, one.end_lineno)
    first, last = _line_of(node), _end_of(node)
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, _BLOCKS)]
    block = min((_first_of(child) for child in inner), default=0)
    yield Counted(first, max(first, block - 1) if block else last, block, last)


def _first_of(node: ast.AST) -> int:
    """Return the line in which a statement begins, that of its first decorator where it has one."""
    lines: list[int] = [one.lineno for one in getattr(node, "decorator_list", ())]
    return min([_line_of(node), *lines])


def _line_of(node: Any) -> int:
    place = node.pattern if isinstance(node, ast.match_case) else node
    line: int = place.lineno
    return line


def _end_of(node: Any) -> int:
    inner: Any = node.body[-1] if isinstance(node, ast.match_case) else node
    last: int = inner.end_lineno
    return last


def _lines_of(code: CodeType) -> frozenset[int]:
    found: set[int] = set()
    waiting = [code]
    while waiting:
        one = waiting.pop()
        found.update(line for _, _, line in one.co_lines() if line)
        waiting += [inner for inner in one.co_consts if isinstance(inner, CodeType)]
    return frozenset(found)
