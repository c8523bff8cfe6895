"""Conditions: an expression that decides several things, written as a small function that returns it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.shape import Scope, is_elif
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.cutting import cut_of
from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.extract.extract import Written, passed, placed
from selfimprove.executor.refactor.extract.lines import Row, unit_of, wrapped
from selfimprove.executor.refactor.extract.narrowing import plain_operands
from selfimprove.executor.refactor.extract.weights import decisions
from selfimprove.executor.refactor.limit import line_limit
from selfimprove.executor.refactor.naming.typing_of import is_annotated
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.extract.body import Document
    from selfimprove.executor.refactor.extract.extract import Annotations
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source

_WHOLE = (ast.BoolOp, ast.IfExp, ast.ListComp, ast.SetComp, ast.DictComp)
_CLOSED = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NEVER = (ast.Lambda, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)
_BEFORE = re.compile(r"(\w*)([^\S\r\n]*)\([\s]*$")
_AFTER = re.compile(r"[\s]*\)")
_WORDS = frozenset(
    ["if", "elif", "while", "not", "and", "or", "in", "is", "else", "return", "assert", "yield", "for"]
)


class Condition(NamedTuple):
    """An expression of ``statement`` that can be a helper, and its cut as if it stood alone before ``head``.

    ``head`` is the statement, or the ``if`` of which that is an ``elif``.
    """

    expression: ast.expr
    statement: ast.stmt
    head: ast.stmt
    cut: Cut
    source: Source


def conditions(source: Source, place: Place, project: Project) -> Iterator[Condition]:
    """Yield the expressions in the function that decide something and can be evaluated elsewhere.

    They are analysed all at once, in a text in which each also stands as a statement of its own before the one
    that it is part of, where nothing has changed yet that it sees.
    """
    found = _with_operands(source, place)
    if not found:
        return
    splices = [_standing(source, expression, head, "") for expression, _, head in found]
    try:
        virtual = source.but(splices)
        where = virtual.place(place.symbol, place.ordinal)
    except RefactorError:
        return
    added = _added_lines(source, splices)
    known = project if source.path not in project.covered else _as_virtual(source, project, found, added)
    blocks = {node.lineno: (block, at) for block in _blocks(where.node) for at, node in enumerate(block)}
    for (expression, statement, head), line in zip(found, added.at, strict=True):
        block, at = blocks[line]
        try:
            cut = cut_of(virtual, where, block, at, at, known)
        except RefactorError:
            continue
        if cut.leaves is Leaves.END and not (cut.results or cut.is_async or cut.is_generator):
            yield Condition(expression, statement, head, cut, source)


def _with_operands(source: Source, place: Place) -> list[tuple[ast.expr, ast.stmt, ast.stmt]]:
    """Return the expressions that decide, and behind them those of their parts that narrow no type."""
    found = list(_expressions(place.node))
    if not is_annotated(place):
        return found
    return found + [
        (one, node, head)
        for expression, node, head in found
        if isinstance(expression, ast.BoolOp)
        for one in plain_operands(source, expression)
    ]


def as_return(one: Condition) -> tuple[Source, Cut]:
    """Return a text in which the expression is returned before its statement, and the cut of that return.

    It is what names, types and docstrings are made from. Raises RefactorError when there is no such text.
    """
    source, place = one.source, one.cut.place
    splice = _standing(source, one.expression, one.head, "return ")
    virtual = source.but([splice])
    where = virtual.place(place.symbol, place.ordinal)
    line = bisect_right(source.starts, splice.start)
    for block in _blocks(where.node):
        for at, node in enumerate(block):
            if node.lineno == line:
                cut = replace(
                    one.cut, place=where, block=tuple(block), first=at, last=at, leaves=Leaves.RETURN
                )
                return virtual, cut
    raise RefactorError("an expression was lost", where=source.path)


def write_condition(
    one: Condition, place: Place, name: str, signature: Annotations | None = None, doc: Document | None = None
) -> Written:
    """Return the text of a helper that returns the expression, and of its call. Raises RefactorError."""
    source, cut = one.source, replace(one.cut, place=place)
    start, end, space = _outside(source, one.expression)
    callee = f"{cut.receiver}.{name}" if cut.receiver else name
    base, unit = source.indent(one.statement.lineno), unit_of(source, place.node)
    lines = _called(source, start, end, f"{space}{callee}", passed(cut), unit)
    text = source.newline.join(lines) + (" " if source.text[end : end + 1].isidentifier() else "")
    rows = _returning(source, one.expression, base, unit, asks=bool(signature and signature.asks))
    return placed(source, cut, name, signature, doc, Splice(start, end, text), (base, rows))


def _called(source: Source, start: int, end: int, callee: str, items: Sequence[str], unit: str) -> list[str]:
    """Return the call in place of the text from ``start`` to ``end``, wrapped when its line becomes too long."""
    line = bisect_right(source.starts, start)
    before = source.text[source.starts[line - 1] : start]
    behind = source.line(bisect_right(source.starts, end))
    tail = source.text[end : source.starts[bisect_right(source.starts, end) - 1] + len(behind)].rstrip()
    indent = source.indent(line)
    lines = wrapped(
        before[len(indent) :] + callee, items, tail, indent=indent, unit=unit, limit=line_limit(source)
    )
    lines[0] = lines[0][len(before) :]
    lines[-1] = lines[-1][: len(lines[-1]) - len(tail)]
    return lines


class _Added(NamedTuple):
    at: list[int]
    starts: list[int]
    counts: list[int]


def _added_lines(source: Source, splices: Sequence[Splice]) -> _Added:
    """Return the lines at which the statements stand that ``splices`` add."""
    order = sorted(range(len(splices)), key=lambda index: splices[index].start)
    at, more = [0] * len(splices), 0
    starts, counts = [], []
    for index in order:
        start, _, text = splices[index]
        line = bisect_right(source.starts, start)
        at[index] = line + more
        more += text.count("\n")
        starts.append(line)
        counts.append(more)
    return _Added(at, starts, counts)


def _as_virtual(
    source: Source, project: Project, found: Sequence[tuple[ast.expr, ast.stmt, ast.stmt]], added: _Added
) -> Project:
    """Return the project with the executed lines of the text in which the expressions stand alone."""
    executed = project.covered[source.path]
    lines = set()
    for line in executed:
        index = bisect_right(added.starts, line)
        lines.add(line + (added.counts[index - 1] if index else 0))
    lines.update(at for (_, node, _), at in zip(found, added.at, strict=True) if node.lineno in executed)
    return replace(project, covered={**project.covered, source.path: frozenset(lines)})


def _standing(source: Source, expression: ast.expr, head: ast.stmt, word: str) -> Splice:
    line = head.lineno
    text = f"{source.indent(line)}{word}({source.segment(expression)}){source.newline}"
    return Splice(source.starts[line - 1], source.starts[line - 1], text)


def _expressions(function: ast.AST) -> Iterator[tuple[ast.expr, ast.stmt, ast.stmt]]:
    """Yield expressions that decide, the statement they are in, and the one before which they can stand."""
    todo = [(node, node) for node in reversed(getattr(function, "body", []))]
    while todo:
        node, head = todo.pop()
        if isinstance(node, Scope):
            continue
        if head.lineno == node.lineno or isinstance(node, ast.If):
            yield from ((one, node, head) for one in _deciding(node))
        chain = node.orelse if isinstance(node, ast.If) and is_elif(node, node.orelse) else []
        below: list[tuple[ast.stmt, ast.stmt]] = []
        for block in _own_blocks(node):
            below += [(child, head if block is chain else child) for child in block]
        todo += reversed(below)


def _deciding(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield the expressions of a statement, not of those inside it, that count as decisions when they move."""
    if isinstance(statement, ast.Assert | ast.Delete):
        return
    todo: list[tuple[ast.AST, bool]] = [
        (one, False) for one in ast.iter_child_nodes(statement) if isinstance(one, ast.expr | ast.withitem)
    ]
    while todo:
        node, inside = todo.pop(0)
        if not isinstance(node, ast.expr | ast.withitem | ast.keyword):
            continue
        if isinstance(node, ast.expr) and _is_candidate(node, inside=inside):
            yield node
        if not isinstance(node, _CLOSED):
            todo += [(one, isinstance(node, ast.BoolOp)) for one in ast.iter_child_nodes(node)]


def _is_candidate(node: ast.expr, *, inside: bool) -> bool:
    called = isinstance(node, ast.Call) and any(isinstance(one, ast.GeneratorExp) for one in node.args)
    if not called and not isinstance(node, _WHOLE):
        return False
    if any(isinstance(one, _NEVER) for one in ast.walk(node)):
        return False
    return decisions([node]) >= (2 if inside else 1)


def _own_blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _blocks(function: ast.AST) -> Iterator[list[ast.stmt]]:
    todo: list[ast.AST] = [function]
    while todo:
        for block in _own_blocks(todo.pop()):
            yield block
            todo += [node for node in block if not isinstance(node, Scope)]


def _outside(source: Source, expression: ast.expr) -> tuple[int, int, str]:
    """Return the span of an expression with the parentheses that only group it, and a space if one is needed."""
    start, end = source.span(expression)
    while True:
        before = _BEFORE.search(source.text, max(0, start - 200), start)
        after = _AFTER.match(source.text, end)
        if not before or not after:
            break
        word, _ = before.groups()
        previous = source.text[before.start(2) - 1 : before.start(2)]
        if (word and word not in _WORDS) or (not word and previous in (")", "]", "}", '"', "'")):
            break
        start, end = before.end(2), after.end()
    touching = source.text[start - 1 : start].isidentifier()
    return start, end, " " if touching else ""


def _returning(source: Source, expression: ast.expr, base: str, unit: str, *, asks: bool) -> list[Row]:
    """Return the rows of ``return EXPRESSION``; numbered ones are indented as in the function, new ones not.

    ``asks`` makes it ``return bool(EXPRESSION)``.
    """
    word, end = ("return bool(", ")") if asks else ("return ", "")
    text = source.segment(expression)
    first, last = expression.lineno, expression.end_lineno or expression.lineno
    limit = line_limit(source) - len(base)
    plain = _is_plain(text)
    whole = _joined(text) if plain else text
    if "\n" not in whole and len(word) + len(whole) + len(end) <= limit:
        return [(None, f"{word}{whole}{end}")]
    opened = word if asks else "return ("
    if isinstance(expression, ast.BoolOp) and plain:
        operands = _operands(source, expression, limit - len(unit))
        return [(None, opened), *((None, unit + one) for one in operands), (None, ")")]
    lines = text.splitlines()
    closed = not asks and not isinstance(expression, ast.BoolOp | ast.IfExp)
    rows: list[Row] = [
        (number, line) for number, line in zip(range(first + 1, last + 1), lines[1:], strict=True)
    ]
    if closed:
        return [(None, f"return {lines[0]}"), *rows]
    return [(None, opened), (None, unit + lines[0]), *rows, (None, ")")]


def _is_plain(text: str) -> bool:
    """True for an expression without comments and without strings of several lines, so that its lines can be joined."""
    opened: list[int] = []
    start, end = getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "FSTRING_END", -1)
    try:
        for token in tokenize.generate_tokens(io.StringIO(f"({text})").readline):
            if token.type == start:
                opened.append(token.start[0])
            first = opened.pop() if token.type == end else token.start[0]
            if token.type == tokenize.COMMENT or (
                token.type in (tokenize.STRING, end) and first != token.end[0]
            ):
                return False
    except (tokenize.TokenError, SyntaxError):
        return False
    return True


def _operands(source: Source, expression: ast.BoolOp, limit: int) -> list[str]:
    """Return the lines of the operands, each with the operator before it, as they stand below each other.

    One that does not fit ``limit`` on a line keeps the lines that it has.
    """
    start, end = source.span(expression)
    word = "and" if isinstance(expression.op, ast.And) else "or"
    pieces, at = [], start
    for left, right in zip(expression.values, expression.values[1:], strict=False):
        behind, ahead = source.span(left)[1], source.span(right)[0]
        between = re.search(rf"\b{word}\b", source.text[behind:ahead])
        cut = behind + (between.start() if between else 0)
        pieces.append(source.text[at:cut])
        at = cut
    pieces.append(source.text[at:end])
    return [line for piece in pieces for line in _laid_out(piece.strip(), limit)]


def _laid_out(piece: str, limit: int) -> list[str]:
    whole = _joined(piece)
    first, *more = piece.splitlines()
    if len(whole) <= limit or not more or not all(more) or more[-1].strip()[:1] not in (")", "]", "}"):
        return [whole]
    last = more[-1]
    outer = last[: len(last) - len(last.lstrip())]
    if not all(line.startswith(outer) for line in more):
        return [whole]
    return [first.strip(), *(line[len(outer) :].rstrip() for line in more)]


def _joined(text: str) -> str:
    """Return lines as one, without the space that a line's end was inside of brackets."""
    whole = ""
    for line in (one.strip().removesuffix("\\").rstrip() for one in text.splitlines()):
        glue = not whole or whole[-1] in "([{" or line[:1] in (")", "]", "}", ",")
        whole += ("" if glue else " ") + line
    return whole
