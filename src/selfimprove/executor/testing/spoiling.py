"""Spoiling: small wrong changes of chosen lines, to see whether a test notices any of them."""

from __future__ import annotations

import ast
import contextlib
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.source import Source, Splice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SWAPPED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


class Spoilt(NamedTuple):
    """A file with one line made wrong: where, what was done in words, and its new bytes."""

    path: str
    line: int
    what: str
    content: bytes


class _Idea(NamedTuple):
    rank: int  # the lower, the more a test that notices it says
    line: int
    column: int
    what: str
    splice: Splice


def spoilt_texts(path: str, content: bytes, lines: Collection[int], most: int) -> list[Spoilt]:
    """Return up to ``most`` versions of a file, each with another one of ``lines`` made wrong, the same every time.

    Where there are more lines than that, they are spread evenly. Raises RefactorError for a file that does not parse.
    """
    source = Source.read(path, content)
    best: dict[int, _Idea] = {}
    for idea in sorted(_ideas(source), key=lambda one: (one.rank, one.column)):
        if idea.line in lines:
            best.setdefault(idea.line, idea)
    chosen = _spread(sorted(best), most)
    found = []
    for idea in (best[line] for line in chosen):
        with contextlib.suppress(RefactorError):  # what does not parse any more shows nothing
            found.append(Spoilt(path, idea.line, idea.what, source.but([idea.splice]).content))
    return found


def _spread(lines: list[int], most: int) -> list[int]:
    if len(lines) <= most:
        return lines
    return [lines[number * len(lines) // most] for number in range(most)]


def _ideas(source: Source) -> Iterator[_Idea]:
    """Yield what could be made wrong, anywhere in the file; not in f-strings, whose parts have no place."""
    passed = _passed_over(source.tree)
    for node in ast.walk(source.tree):
        if id(node) in passed or not isinstance(node, ast.expr | ast.stmt):
            continue
        if found := _wrong(node):
            rank, what, new = found
            start, end = source.span(node)
            yield _Idea(rank, node.lineno, node.col_offset, what, Splice(start, end, new))


def _passed_over(tree: ast.Module) -> set[int]:
    """Return the nodes that are not code to be run: docstrings, annotations, decorators, parts of f-strings."""
    tops: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            tops += node.values
        elif isinstance(node, ast.AnnAssign | ast.arg):
            tops.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            tops += [node.returns, *node.decorator_list]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            tops.append(node)
        elif isinstance(node, ast.match_case):
            tops.append(node.pattern)
    return {id(one) for top in tops if top is not None for one in ast.walk(top)}


def _wrong(node: ast.AST) -> tuple[int, str, str] | None:
    """Return how a node can be made wrong: a rank, words, and the text in its place."""
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            new = ast.Compare(left, [_FLIPPED[type(operator)]()], [right])
            return 0, "comparison turned round", f"({ast.unparse(new)})"
        case ast.BoolOp(op=operation, values=values):
            other = ast.Or() if isinstance(operation, ast.And) else ast.And()
            return 1, "and/or exchanged", f"({ast.unparse(ast.BoolOp(other, values))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return 1, "not taken away", f"({ast.unparse(operand)})"
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SWAPPED:
            new_sum = ast.BinOp(left, _SWAPPED[type(sign)](), right)
            return 2, "arithmetic exchanged", f"({ast.unparse(new_sum)})"
        case ast.Constant(value=value):
            return _constant(value)
        case ast.stmt():
            return _statement(node)
    return None


def _constant(value: object) -> tuple[int, str, str] | None:
    if isinstance(value, bool):
        return 2, f"{value} made {not value}", repr(not value)
    if isinstance(value, int | float):
        return 3, "number changed", f"({value + 1!r})"
    if isinstance(value, str):
        return 4, "text changed", "('spoilt')" if value != "spoilt" else "('')"
    if isinstance(value, bytes):
        return 4, "text changed", "(b'spoilt')" if value != b"spoilt" else "(b'')"
    return None


def _statement(node: ast.stmt) -> tuple[int, str, str] | None:
    """Return how a statement can be made wrong; no name is left without a value: anything would notice."""
    match node:
        case ast.Return(value=value) if value is not None and not _is_none(value):
            return 5, "returns None", "return None"
        case ast.Raise():
            return 2, "statement taken away", "pass"
        case ast.AugAssign() | ast.Delete() | ast.Continue() | ast.Break():
            return 5, "statement taken away", "pass"
        case ast.Expr(value=ast.Call()) | ast.Expr(value=ast.Await()):
            return 5, "statement taken away", "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return 5, "statement taken away", "pass"
        case ast.Assign(value=value, targets=targets) if not _is_none(value):
            return 6, "None assigned", " = ".join([*map(ast.unparse, targets), "None"])
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
