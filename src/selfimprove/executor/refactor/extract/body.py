"""Body: which lines of a file a cut is, with its comments, and what they become as the body of a helper."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple, Protocol

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.extract.leaving import end_of, jumps_changed, needless
from selfimprove.executor.refactor.extract.lines import (
    Row,
    comments_above,
    comments_below,
    first_line,
    last_line,
    width,
)
from selfimprove.executor.refactor.limit import line_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Source

_SURE = (ast.Is, ast.IsNot, ast.In, ast.NotIn)
_LONGER = len("return") - len("if")
_ASKING = frozenset(("isinstance", "issubclass", "callable", "hasattr", "any", "all"))


class Document(Protocol):
    """A docstring without its quotes, and the lines of the comment that it replaces."""

    @property
    def text(self) -> str:
        """Lines without their indentation."""

    @property
    def comment(self) -> tuple[int, int] | None:
        """First and last line of a comment that says the same."""


class Span(NamedTuple):
    """The lines of a cut with its comments; ``base`` is its indentation, ``elif_`` that it begins at an elif."""

    first: int
    last: int
    base: str
    elif_: bool


def span_of(source: Source, cut: Cut) -> Span:
    """Return the lines that move. Raises RefactorError when they are not the cut's alone."""
    head, tail = cut.statements[0], cut.statements[-1]
    first, last = first_line(head), last_line(tail)
    start, end = source.offset(first, 0), source.span(tail)[1]
    lead = source.text[start : source.offset(first, _column(head))]
    rest = source.text[end : source.starts[last]].strip()
    if lead.strip() or (rest and not rest.startswith("#")):
        raise RefactorError(f"line {first} holds more than what would be extracted", where=source.path)
    base = source.indent(first)
    elif_ = source.text[start + len(base) :].startswith("elif")
    before = last_line(cut.block[cut.first - 1]) if cut.first else cut.place.node.lineno
    closing = cut.last == len(cut.block) - 1
    after = first_line(cut.block[cut.last + 1]) if not closing else len(source.starts)
    closing = closing and not elif_  # what follows a chain is indented as its elif is
    if not elif_:
        first = comments_above(source, first, before, base)
    last = comments_below(source, last, after, width(base) + (0 if closing else 1))
    return Span(first, last, base, elif_)


def _column(node: ast.stmt) -> int:
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return node.col_offset if not decorators else 0


def body_rows(source: Source, cut: Cut, span: Span, doc: Document | None) -> list[Row]:
    """Return the lines of the helper's body as they are indented in the function; new ones without indentation."""
    rows: list[Row] = [
        (number, source.line(number).rstrip("\r\n")) for number in range(span.first, span.last + 1)
    ]
    at = {number: index for index, (number, _) in enumerate(rows)}
    for jump, text in sorted(jumps_changed(cut).items(), key=lambda one: -one[0].lineno):
        start, stop = source.span(jump)
        begin, end = at[jump.lineno], at[last_line(jump)]
        before = source.text[source.starts[jump.lineno - 1] : start]
        behind = source.text[stop : source.starts[last_line(jump)]].rstrip("\r\n")
        rows[begin : end + 1] = [(jump.lineno, before + text + behind), *[(0, "")] * (end - begin)]
    for jump in needless(cut):
        if source.lines(jump.lineno, last_line(jump)).strip() == source.segment(jump):
            rows[at[jump.lineno]] = (0, "")
    if span.elif_:
        rows[at[first_line(cut.statements[0])]] = _as_if(rows[at[first_line(cut.statements[0])]])
    ended = _returned_at_once(source, cut, rows, at) or _test_returned(source, cut, rows, at)
    dropped = range(doc.comment[0], doc.comment[1] + 1) if doc and doc.comment else range(0)
    rows = [row for row in rows if row[0] != 0 and row[0] not in dropped]
    if not ended and end_of(cut):
        rows.append((None, end_of(cut)))
    return _without_edges(rows)


def _as_if(row: Row) -> Row:
    return row[0], row[1].replace("elif", "if", 1)


def _without_edges(rows: list[Row]) -> list[Row]:
    while rows and not rows[0][1].strip():
        del rows[0]
    return rows


def _returned_at_once(source: Source, cut: Cut, rows: list[Row], at: dict[int | None, int]) -> bool:
    """Write ``x = value`` at the end of a helper that gives ``x`` as ``return value``; true when that was done."""
    last, target = cut.statements[-1], _only_result(cut)
    if target is None or not isinstance(last, ast.Assign):
        return False
    value = last.value
    start, behind = source.offset(last.lineno, last.col_offset), source.span(value)[0]
    between = source.text[start:behind]
    name, _, rest = between.partition("=")
    if name.strip() != target.id or (rest.strip() and rest.strip() != "(") or "\n" in between.rstrip("( \n"):
        return False
    if last.end_lineno != last.lineno and source.line(last.lineno).split("#")[0].rstrip()[-1:] not in "([{":
        return False
    number, text = rows[at[last.lineno]]
    indent = source.indent(last.lineno)
    rows[at[last.lineno]] = (number, f"{indent}return {text[len(indent) :].partition('=')[2].lstrip()}")
    return True


def _test_returned(source: Source, cut: Cut, rows: list[Row], at: dict[int | None, int]) -> bool:
    """Write ``if test: return True`` at the end of a helper that asks as ``return test``; true when that was done."""
    last = cut.statements[-1]
    test = _last_test(source, last) if cut.leaves is Leaves.GUARD and isinstance(last, ast.If) else None
    if test is None or not _is_bool(test, surely=_is_annotated(cut.place.node)):
        return False
    behind = source.text[source.span(test)[1] :]
    head, colon = last.lineno, last_line(test) + behind[: behind.index(":")].count("\n")
    if any(number and number > last_line(last) for number, _ in rows):
        return False
    texts = {line: rows[at[line]][1].rstrip() for line in range(head, colon + 1)}
    if not texts[head].endswith("("):  # what is aligned with the first operand stays so
        texts |= {line: " " * _LONGER + text for line, text in texts.items() if line > head}
    texts[head] = texts[head].replace("if", "return", 1)
    texts[colon] = texts[colon].removesuffix(":").rstrip()
    if max(map(len, texts.values())) > line_limit(source):
        return False
    for line in range(head, last_line(last) + 1):
        rows[at[line]] = (line, texts[line]) if line in texts else (0, "")
    return True


def _last_test(source: Source, last: ast.If) -> ast.expr | None:
    """Return the test of an ``if`` that does one thing, when nothing but these two stands there, not even a comment."""
    start, stop = source.span(last)
    begins, ends = source.span(last.test)
    body = source.span(last.body[0])[0]
    between, behind = source.text[ends:body], source.text[stop : source.starts[last_line(last)]]
    plain = source.text[start:begins].rstrip("( \t\r\n") == "if" and between.strip(") \t\r\n") == ":"
    kept = any(isinstance(one, ast.Constant) and one.lineno != one.end_lineno for one in ast.walk(last.test))
    alone = not last.orelse and len(last.body) == 1 and last.body[0].lineno > last_line(last.test)
    return last.test if plain and alone and not kept and not behind.strip() else None


def _is_bool(node: ast.expr, *, surely: bool) -> bool:
    """True when an expression gives True or False by its form; without ``surely``, as comparisons usually do."""
    match node:
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=ops):
            return not surely or all(isinstance(one, _SURE) for one in ops)
        case ast.BoolOp(values=values):
            return all(_is_bool(one, surely=surely) for one in values)
        case ast.Call(func=ast.Name(id=name)):
            return name in _ASKING
    return False


def _is_annotated(function: FunctionNode) -> bool:
    return function.returns is not None or any(
        one.annotation is not None for one in ast.walk(function.args) if isinstance(one, ast.arg)
    )


def _only_result(cut: Cut) -> ast.Name | None:
    """Return the one result when the last statement of the cut gives it its value, and nothing keeps it."""
    last = cut.statements[-1]
    if cut.leaves is not Leaves.END or len(cut.results) != 1 or not isinstance(last, ast.Assign):
        return None
    target = last.targets[0]
    if len(last.targets) > 1 or not isinstance(target, ast.Name) or target.id != cut.results[0]:
        return None
    kept = isinstance(last.value, ast.Yield | ast.YieldFrom) or any(
        is_named_late(one, target.id) for one in cut.statements
    )
    return None if kept else target


def is_named_late(node: ast.AST, name: str) -> bool:
    """True when a function or lambda inside of ``node`` uses ``name``, which it may do later."""
    late = (*FunctionNode.__args__, ast.Lambda, ast.GeneratorExp)
    return any(
        isinstance(one, ast.Name) and one.id == name
        for scope in ast.walk(node)
        if isinstance(scope, late)
        for one in ast.walk(scope)
    )
