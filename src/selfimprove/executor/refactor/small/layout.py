"""Layout: how a file is laid out: comments, headers, blocks of lines, and blocks at another depth."""

from __future__ import annotations

import ast
import io
import tokenize
from bisect import bisect_left
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import RefactorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selfimprove.executor.refactor.source import Source

_STRINGS = frozenset(
    getattr(tokenize, name) for name in ("STRING", "FSTRING_MIDDLE") if hasattr(tokenize, name)
)
_BETWEEN = frozenset((tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT))


class Header(NamedTuple):
    """The first line of a compound statement or of its ``else``, up to the colon; offsets into the text.

    ``start`` is where the keyword begins. ``first`` and ``last`` are where what is between keyword and colon
    begins and ends, with its parentheses and without white space. ``colon`` is behind the colon, ``line`` the
    colon's line. ``commented`` says that a comment stands between the keyword and the end of that line.
    """

    start: int
    first: int
    last: int
    colon: int
    line: int
    commented: bool


class Block(NamedTuple):
    """The lines of a suite, from the one behind its header, with the comments that close it; its indentation."""

    first: int
    last: int
    indent: str


class Layout:
    """What the tokens of a file tell that its tree does not."""

    def __init__(self, source: Source) -> None:
        """Read the tokens. Raises RefactorError when they cannot be read, which is rare in a file that parses."""
        self.source = source
        self.tokens = _tokens(source.text, source.starts)

    @cached_property
    def _offsets(self) -> list[int]:
        starts = self.source.starts
        return [starts[token.start[0] - 1] + token.start[1] for token in self.tokens]

    @cached_property
    def comments(self) -> frozenset[int]:
        """The lines that have a comment."""
        return frozenset(token.start[0] for token in self.tokens if token.type == tokenize.COMMENT)

    @cached_property
    def notes(self) -> frozenset[int]:
        """The lines that are a comment and nothing else."""
        return frozenset(
            token.start[0]
            for token in self.tokens
            if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip()
        )

    @cached_property
    def held(self) -> frozenset[int]:
        """The lines that begin inside of a string, whose white space therefore is a value."""
        found: set[int] = set()
        opened: list[int] = []
        for token in self.tokens:
            name = tokenize.tok_name[token.type]
            if name == "FSTRING_START":
                opened.append(token.start[0])
            elif name == "FSTRING_END":
                found.update(range(opened.pop() + 1, token.end[0] + 1))
            elif token.type in _STRINGS:
                found.update(range(token.start[0] + 1, token.end[0] + 1))
        return frozenset(found)

    def header(self, node: ast.If | ast.While | ast.For) -> Header:
        """Return the header of ``node``; of ``for``, what is between ``in`` and the colon."""
        start = self.source.span(node)[0]
        inside = node.iter if isinstance(node, ast.For) else node.test
        first, last = self.source.span(inside)
        return self._header(start, first, self._behind(last, ":"))

    def otherwise(self, node: ast.If) -> Header | None:
        """Return the header ``else:`` of ``node``, ``None`` when it has none or an ``elif`` in its place."""
        if not node.orelse or self.is_elif(node.orelse[0]):
            return None
        at = self._behind(self.source.span(node.body[-1])[1], "else")
        return self._header(self._offsets[at], None, at + 1)

    def is_elif(self, node: ast.stmt) -> bool:
        """True when the text of ``node`` begins with ``elif``."""
        return isinstance(node, ast.If) and self.source.text.startswith("elif", self.source.span(node)[0])

    def operator(self, left: ast.expr, right: ast.expr) -> tuple[int, int]:
        """Return where the operator between two neighbouring operands begins and ends, ``is not`` as one."""
        start, end = self.source.span(left)[1], self.source.span(right)[0]
        low, high = bisect_left(self._offsets, start), bisect_left(self._offsets, end)
        found = [
            at
            for at in range(low, high)
            if self.tokens[at].string not in ("(", ")") and self.tokens[at].type not in _BETWEEN
        ]
        last = found[-1]
        return self._offsets[found[0]], self._offsets[last] + len(self.tokens[last].string)

    def _behind(self, offset: int, text: str) -> int:
        """Return the index of the first token ``text`` at ``offset`` or behind it."""
        at = bisect_left(self._offsets, offset)
        while self.tokens[at].string != text:
            at += 1
        return at

    def _header(self, start: int, inside: int | None, colon: int) -> Header:
        """Return the header that begins at ``start`` and ends with the token ``colon``."""
        source, token = self.source, self.tokens[colon]
        text, end = source.text, self._offsets[colon]
        first = last = end
        if inside is not None:
            opening = bisect_left(self._offsets, inside)
            while self.tokens[opening - 1].string == "(" or self.tokens[opening - 1].type in _BETWEEN:
                opening -= 1
            while self.tokens[opening].type in _BETWEEN:
                opening += 1
            first, last = self._offsets[opening], len(text[:end].rstrip())
        line = token.start[0]
        commented = self.has_notes(self._line_of(start), line)
        return Header(start, first, last, end + 1, line, commented)

    def _line_of(self, offset: int) -> int:
        return self.tokens[bisect_left(self._offsets, offset)].start[0]

    def block(self, suite: Sequence[ast.stmt], header: Header) -> Block | None:
        """Return the lines of ``suite``; ``None`` when it stands in the line of its header."""
        source, start, end = self.source, first_line(suite[0]), last_line(suite[-1])
        if start <= header.line:
            return None
        indent = source.indent(start)
        last = line = end
        while (line := line + 1) < len(source.starts):
            if line in self.notes and source.indent(line).startswith(indent):
                last = line
            elif line in self.notes or source.line(line).strip():
                break
        return Block(header.line + 1, last, indent)

    def can_move(self, suite: Sequence[ast.stmt], block: Block) -> bool:
        """False when another depth would show in what a docstring says, or a form feed hides the depth."""
        if "\f" in self.source.lines(block.first, block.last):
            return False
        return not any(_has_long_docstring(node) for one in suite for node in ast.walk(one))

    def moved(self, block: Block, indent: str) -> str:
        """Return the lines of ``block`` at the depth ``indent``, each with its end; strings stay as they are."""
        found = []
        for number in range(block.first, block.last + 1):
            line = self.source.line(number)
            if number not in self.held and line.startswith(block.indent):
                line = indent + line[len(block.indent) :]
            found.append(line)
        if found and not found[-1].endswith(("\n", "\r")):
            found[-1] += self.source.newline
        return "".join(found)

    def whole(self, first: int, last: int, text: str) -> tuple[int, int, str]:
        """Return the splice that puts ``text`` in the place of lines, with a last end of line only if they had one."""
        start, end = self.source.starts[first - 1], self.source.starts[last]
        if not self.source.text[start:end].endswith(("\n", "\r")):
            text = text.rstrip("\r\n")
        return start, end, text

    def has_notes(self, first: int, last: int) -> bool:
        """True when one of the lines from ``first`` to ``last`` has a comment."""
        return any(line in self.comments for line in range(first, last + 1))


@lru_cache(maxsize=4)
def _layout(source: _BySource) -> Layout:
    return Layout(source.source)


class _BySource:
    """A source as a key: two are alike when they are the same object."""

    __slots__ = ("source",)

    def __init__(self, source: Source) -> None:
        self.source = source

    def __hash__(self) -> int:
        return id(self.source)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BySource) and other.source is self.source


def layout_of(source: Source) -> Layout:
    """Return the layout of ``source``; that of the last few is kept."""
    return _layout(_BySource(source))


def first_line(node: ast.stmt) -> int:
    """Return the line in which a statement begins, with its decorators."""
    decorators: Iterable[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(one.lineno for one in decorators)])


def last_line(node: ast.stmt) -> int:
    """Return the line in which a statement ends."""
    return node.end_lineno or node.lineno


def _has_long_docstring(node: ast.AST) -> bool:
    """True for a function or class whose docstring is over more than one line."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    first = node.body[0]
    return (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
        and first.end_lineno != first.lineno
    )


def _tokens(text: str, starts: tuple[int, ...]) -> list[tokenize.TokenInfo]:
    lines = (text[start:end].rstrip("\r\n") + "\n" for start, end in pairwise(starts))
    try:
        return list(tokenize.generate_tokens(io.StringIO("".join(lines), newline="\n").readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise RefactorError(f"the tokens cannot be read: {error}") from None
