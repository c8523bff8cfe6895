"""Lines: moved to another indentation, comments that belong to them, and calls and heads wrapped as in the file."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING, Any

from selfimprove.errors import RefactorError

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Sequence

    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.source import Source

_PIPE = re.compile(r" \| (?![^\[]*\])")  # not in brackets

Row = tuple[int | None, str]
"""A line without its end, and the number of the line that it was; None for one that is new."""


def first_line(node: ast.stmt) -> int:
    """Return the line in which a statement begins, which for a decorated one is that of its first decorator."""
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(one.lineno for one in decorators)])


def last_line(node: ast.AST) -> int:
    """Return the line in which a statement or expression ends."""
    place: Any = node
    return int(place.end_lineno)


def unit_of(source: Source, function: FunctionNode) -> str:
    """Return what the body of ``function`` is indented by, against its ``def``."""
    outer, inner = source.indent(function.lineno), source.indent(first_line(function.body[0]))
    if function.body[0].lineno > function.lineno and len(inner) > len(outer) and inner.startswith(outer):
        return inner[len(outer) :]
    return "    "


def width(indent: str) -> int:
    """Return the width of an indentation, with tabs as Python counts them."""
    return len(indent.expandtabs(8))


def in_strings(source: Source, first: int, last: int) -> frozenset[int]:
    """Return those of the lines ``first`` to ``last`` that begin inside a string, so that no space there may change.

    ``first`` must begin a statement. Raises RefactorError for lines that cannot be tokenized.
    """
    text = "".join(source.line(number).rstrip("\r\n") + "\n" for number in range(first, last + 1))
    if not any(quotes in text for quotes in ('"""', "'''", "\\\n")):
        return frozenset()
    start, end = getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "FSTRING_END", -1)
    found: set[int] = set()
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == start:
                opened.append(token.start[0])
            begins = opened.pop() if token.type == end else token.start[0]
            if token.type in (tokenize.STRING, end):
                found.update(range(begins + 1, token.end[0] + 1))
    except (tokenize.TokenError, IndentationError) as error:
        raise RefactorError(f"lines {first}-{last} cannot be moved: {error}", where=source.path) from None
    return frozenset(first + line - 1 for line in found)


def moved(rows: Iterable[Row], base: str, target: str, frozen: frozenset[int]) -> list[Row]:
    """Return ``rows`` with the indentation ``base`` made ``target``. Lines in ``frozen`` stay as they are."""
    found: list[Row] = []
    for number, text in rows:
        if number is None or number in frozen:
            found.append((number, text))
        elif not text.strip():
            found.append((number, ""))
        elif text.startswith(base):
            found.append((number, target + text[len(base) :]))
        elif text.lstrip().startswith("#"):
            found.append((number, target + text.lstrip()))
        else:  # inside of brackets, further left than its statement
            found.append((number, text))
    return found


def wrapped(head: str, items: Sequence[str], tail: str, *, indent: str, unit: str, limit: int) -> list[str]:
    """Return ``head`` + ``(items)`` + ``tail``, in one line if that fits ``limit``, else as black wraps it."""
    whole = f"{indent}{head}({', '.join(items)}){tail}"
    if len(whole.expandtabs(4)) <= limit:
        return [whole]
    if not items:
        names, equals, called = head.partition(" = ")
        return (
            [f"{indent}{names} = (", f"{indent}{unit}{called}()", f"{indent}){tail}"] if equals else [whole]
        )
    alone = head.removeprefix("async ").startswith("def ") and len(items) == 1
    inside = f"{indent}{unit}{', '.join(items)}"
    if not alone and len(inside.expandtabs(4)) <= limit:
        return [f"{indent}{head}(", inside, f"{indent}){tail}"]
    rows = [row for item in items for row in _item_rows(f"{item},", indent + unit, limit)]
    return [f"{indent}{head}(", *rows, f"{indent}){tail}"]


def _item_rows(item: str, indent: str, limit: int) -> list[str]:
    """Return a parameter on a line, or on one for each type of a long union, as black has it."""
    if len((indent + item).expandtabs(4)) <= limit:
        return [indent + item]
    first, *more = _PIPE.split(item)
    return [indent + first, *(f"{indent}| {one}" for one in more)]


def comments_above(source: Source, line: int, after: int, indent: str) -> int:
    """Return the first of the comment lines that stand right above ``line`` with ``indent``, or ``line``.

    Nothing up to the line ``after``, where something else ends, is one of them.
    """
    while line - 1 > after:
        text = source.line(line - 1)
        if not text.lstrip(" \t").startswith("#") or source.indent(line - 1) != indent:
            break
        line -= 1
    return line


def comments_below(source: Source, line: int, before: int, least: int) -> int:
    """Return the last line of the comments under ``line`` that are indented by ``least`` or more, or ``line``.

    Only blank lines may stand between; ``before`` is the first line that is certainly something else.
    """
    found = line
    for number in range(line + 1, min(before, len(source.starts))):
        text = source.line(number)
        if not text.strip():
            continue
        if not text.lstrip(" \t").startswith("#") or width(source.indent(number)) < least:
            break
        found = number
    return found


def blank_above(source: Source, line: int) -> int:
    """Return how many blank lines stand right above ``line``."""
    count = 0
    while line - 1 - count >= 1 and not source.line(line - 1 - count).strip():
        count += 1
    return count
