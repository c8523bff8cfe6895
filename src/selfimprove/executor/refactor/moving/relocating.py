"""Relocating: the text of a method as that of a function, and what it leaves behind, with layout and comments."""

from __future__ import annotations

import ast
import re
import tokenize
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.source import Splice, spliced

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.source import Source

_BLANK = (tokenize.NL, tokenize.COMMENT)
_RULER = re.compile(r"#\s*([-=#*~_+]{3,}.*|.*[-=#*~_+]{4,})\s*$")
_OPENERS = frozenset(
    getattr(tokenize, name) for name in ("FSTRING_START", "TSTRING_START") if hasattr(tokenize, name)
)
_CLOSERS = frozenset(
    getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name)
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A token, with offsets in the text instead of lines and columns."""

    kind: int
    text: str
    start: int
    end: int
    line: int
    end_line: int


@lru_cache(maxsize=8)
def _marks(source: Source) -> tuple[Mark, ...]:
    numbers = iter(range(1, len(source.starts)))
    start, found = source.starts, []
    lines = (source.line(number) for number in numbers)
    try:
        for one in tokenize.generate_tokens(lambda: next(lines, "")):
            (row, column), (end_row, end_column) = one.start, one.end
            if row < len(start):
                at, end = start[row - 1] + column, start[min(end_row, len(start)) - 1] + end_column
                found.append(Mark(one.type, one.string, at, end, row, end_row))
    except (tokenize.TokenError, IndentationError) as error:
        raise RefactorError(f"{source.path} is not understood: {error}", where=source.path) from None
    return tuple(found)


def tokens(source: Source, first: int, last: int) -> list[Mark]:
    """Return the tokens that begin in the lines from ``first`` to ``last``."""
    return [one for one in _marks(source) if first <= one.line <= last]


def inside_strings(source: Source, first: int, last: int) -> frozenset[int]:
    """Return the lines that begin inside of a string literal: their white space is not layout."""
    found: set[int] = set()
    opened: list[int] = []
    for one in tokens(source, first, last):
        if one.kind == tokenize.STRING:
            found.update(range(one.line + 1, one.end_line + 1))
        elif one.kind in _OPENERS:
            opened.append(one.line)
        elif one.kind in _CLOSERS:
            found.update(range(opened.pop() + 1, one.end_line + 1))
    return frozenset(found)


def extent(source: Source, node: FunctionNode) -> tuple[int, int]:
    """Return the first and last line of a function with its decorators and the comments that belong to it.

    Those are the comments directly above it, unless one is a ruler over several functions, and those behind its
    last statement that are indented deeper than its ``def``.
    """
    begin = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    prefix, end = source.indent(begin), node.end_lineno or node.lineno
    first = comments_above(source, begin, prefix)
    at = end + 1
    while at < len(source.starts) - 1:
        text = source.line(at).strip()
        if text.startswith("#") and source.indent(at).startswith(prefix) and source.indent(at) != prefix:
            end = at
        elif text:
            break
        at += 1
    return first, end


def comments_above(source: Source, line: int, prefix: str) -> int:
    """Return the first line of the comments that stand directly above ``line``, or ``line``."""
    first = line
    while first > 1 and source.line(first - 1).startswith(f"{prefix}#"):
        first -= 1
    if first == 1 or any(_RULER.match(source.line(one).strip()) for one in range(first, line)):
        return line
    return first


def without_first(source: Source, node: FunctionNode) -> Splice:
    """Return the splice that takes the first parameter from a signature, layout and comments of the rest kept."""
    start, behind = source.span((*node.args.posonlyargs, *node.args.args)[0])
    marks = tokens(source, node.lineno, node.body[0].end_lineno or node.lineno)
    opened = next(one.end for one in reversed(marks) if one.text == "(" and one.end <= start)
    rest = [one for one in marks if one.start >= behind]
    if len(node.args.posonlyargs) == 1:  # the slash goes with the only parameter that stands before it
        rest = rest[[one.text for one in rest].index("/") + 1 :]
    at = next(at for at, one in enumerate(rest) if one.kind not in _BLANK and one.text != ",")
    if rest[at].text == ")":
        return Splice(opened, rest[at].start, "")
    own = [one.start for one in rest[:at] if _is_own_line(source, one)]
    return Splice(start, [*own, rest[at].start][0], "")


def _is_own_line(source: Source, one: Mark) -> bool:
    return one.kind == tokenize.COMMENT and not source.text[source.starts[one.line - 1] : one.start].strip()


def aligned(source: Source, call: ast.Call, shorter: int) -> dict[int, int]:
    """Return, by line, how far the lines of a call go left when what is called gets ``shorter``.

    Only lines that stand under or right of the first argument go: they are aligned with it.
    """
    heads: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    line = call.func.end_lineno or call.lineno
    if not heads or min(one.lineno for one in heads) != line or call.end_lineno == line:
        return {}
    column = (
        source.offset(line, min(one.col_offset for one in heads if one.lineno == line))
        - (source.starts[line - 1])
    )
    strings = inside_strings(source, line, call.end_lineno or line)
    found = {}
    for number in range(line + 1, (call.end_lineno or line) + 1):
        if number in strings or not source.line(number).strip():
            continue
        if len(source.indent(number)) < column:
            return {}
        found[number] = shorter
    return found


def shifted(source: Source, moves: Mapping[int, int]) -> list[Splice]:
    """Return the splices that take so many characters from the beginning of each of these lines."""
    found = []
    for line, count in sorted(moves.items()):
        at = source.starts[line - 1]
        found.append(Splice(at, at + min(count, len(source.indent(line))), ""))
    return found


def piece(source: Source, first: int, last: int, splices: Iterable[Splice]) -> str:
    """Return the text of these lines with those of ``splices`` done that fall into them, ended by a new line."""
    start, end = source.starts[first - 1], source.starts[last]
    inside = [
        Splice(one.start - start, one.end - start, one.text) for one in splices if start <= one.start < end
    ]
    text = spliced(source.text[start:end], inside)
    return text if text.endswith(("\n", "\r")) else text + source.newline


def dedents(source: Source, node: FunctionNode, first: int, last: int) -> dict[int, int]:
    """Return, by line, how much white space goes when these lines become top level.

    Lines inside of strings stay as they are, but for the docstring when all of it is indented as the code is:
    what ``inspect.getdoc`` says of it remains the same.
    """
    prefix = source.indent(node.lineno)
    strings = inside_strings(source, first, last) - _docstring_lines(source, node, prefix)
    found = {}
    for line in range(first, last + 1):
        if line not in strings:
            indent = source.indent(line)
            found[line] = len(prefix) if indent.startswith(prefix) else len(indent)
    return found


def _docstring_lines(source: Source, node: FunctionNode, prefix: str) -> frozenset[int]:
    first = node.body[0]
    match first:
        case ast.Expr(value=ast.Constant(value=str())):
            lines = range(first.lineno + 1, (first.end_lineno or first.lineno) + 1)
        case _:
            return frozenset()
    kept = all(not source.line(one).strip() or source.line(one).startswith(prefix) for one in lines)
    continued = any(
        source.line(one).rstrip("\r\n").endswith("\\") for one in range(lines.start - 1, lines.stop)
    )
    return frozenset(lines) if kept and not continued else frozenset()


def removal(source: Source, owner: ast.ClassDef, node: FunctionNode, left: str) -> Splice:
    """Return the splice that takes a method out of its class and leaves ``left`` in its place, if anything.

    The blank lines that set it off go with it; a class that had nothing else gets ``pass``.
    """
    first, last = extent(source, node)
    prefix, count = source.indent(node.lineno), len(source.starts) - 1
    text = left or ("pass" if len(owner.body) == 1 else "")
    if text:
        return Splice(source.starts[first - 1], source.starts[last], f"{prefix}{text}{source.newline}")
    if node is owner.body[-1]:
        while not source.line(first - 1).strip():
            first -= 1
    else:
        while last < count and not source.line(last + 1).strip():
            last += 1
    return Splice(source.starts[first - 1], source.starts[last], "")


def insertion(source: Source, before: ast.stmt, text: str) -> Splice:
    """Return the splice that puts ``text`` above a top-level statement and its comments, two blank lines apart."""
    decorators: Sequence[ast.expr] = getattr(before, "decorator_list", ())
    line = comments_above(source, min([before.lineno, *(one.lineno for one in decorators)]), "")
    blank = 0
    while line - blank > 1 and not source.line(line - blank - 1).strip():
        blank += 1
    missing = 0 if line - blank == 1 else max(0, 2 - blank)
    at = source.starts[line - 1]
    return Splice(at, at, source.newline * missing + text + source.newline * 2)
