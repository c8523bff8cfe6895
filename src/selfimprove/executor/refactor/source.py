"""Source: one Python file as text and tree, where a node stands in the text, and splices that leave the rest alone."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.measure.record import MeasureError
from selfimprove.codebase.measure.shape import FunctionNode, Scope
from selfimprove.codebase.measure.source import decode as refuse_unreadable
from selfimprove.codebase.measure.source import parse
from selfimprove.errors import PatchError, RefactorError
from selfimprove.executor.patching.coding import decoded, encoded, newline_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selfimprove.executor.patching.coding import Coded


class Splice(NamedTuple):
    """A piece of text to put in the place of the characters from ``start`` up to ``end``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """A function in a file: its qualified name, which of that name it is (from 1), and the scopes around it.

    ``around`` begins with the outermost; the innermost is last. A method's innermost scope is its class.
    """

    symbol: str
    ordinal: int
    node: FunctionNode
    around: tuple[Scope, ...]

    @property
    def owner(self) -> ast.ClassDef | None:
        """The class whose body the function stands in, ``None`` for one that is no method."""
        last = self.around[-1] if self.around else None
        return last if isinstance(last, ast.ClassDef) else None


@dataclass(frozen=True)
class Source:
    """A file that parses. ``text`` has the file's own ends of lines; lines end as Python's parser ends them.

    Offsets are in characters of ``text``; lines count from 1, columns of nodes in UTF-8 bytes, as ``ast`` has them.
    ``limit`` is how long the project lets lines be, 0 when it does not say.
    """

    path: str
    text: str
    coded: Coded
    tree: ast.Module
    limit: int = 0

    @classmethod
    def read(cls, path: str, content: bytes, limit: int = 0) -> Source:
        """Return the file. Raises RefactorError, with the reason, for one that Python does not read."""
        try:
            refuse_unreadable(content)  # what is only Latin-1 to an editor, Python does not read
            coded = decoded(content, path)
            return cls(path, coded.text, coded, parse(coded.text), limit)
        except SyntaxError as error:
            raise RefactorError(
                f"{path} does not parse: {error.msg}", where=f"{path}:{error.lineno}"
            ) from None
        except (PatchError, MeasureError) as error:
            raise RefactorError(str(error), where=path) from None
        except (RecursionError, MemoryError, ValueError) as error:
            raise RefactorError(f"{path} cannot be parsed: {error}", where=path) from None

    def but(self, splices: Iterable[Splice]) -> Source:
        """Return the file with ``splices`` in place. Raises RefactorError when the result does not parse."""
        text = spliced(self.text, splices)
        try:
            return Source(self.path, text, self.coded, parse(text), self.limit)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise RefactorError(
                f"the rewritten {self.path} does not parse: {error}", where=self.path
            ) from None

    @property
    def content(self) -> bytes:
        """The bytes of the file, in its own encoding. Raises RefactorError for a character that it lacks."""
        try:
            return encoded(self.text, self.coded, self.path)
        except PatchError as error:
            raise RefactorError(error.message, where=self.path) from None

    @cached_property
    def newline(self) -> str:
        r"""How most lines end: ``\n`` or ``\r\n``."""
        return newline_of(self.text)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The offset of each line's first character, and the end of the text behind them."""
        return (0, *(end.end() for end in _LINE_END.finditer(self.text)), len(self.text))

    def line(self, number: int) -> str:
        """Return a line with its end."""
        return self.text[self.starts[number - 1] : self.starts[number]]

    def lines(self, first: int, last: int) -> str:
        """Return the text of the lines from ``first`` to ``last``, with their ends."""
        return self.text[self.starts[first - 1] : self.starts[last]]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place that a node names: ``column`` is in UTF-8 bytes."""
        start, text = self.starts[line - 1], self.line(line)
        if text.isascii():
            return start + column
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return where a statement or expression begins and ends; a decorated one begins at ``def`` or ``class``."""
        place: Any = node
        return (
            self.offset(place.lineno, place.col_offset),
            self.offset(place.end_lineno, place.end_col_offset),
        )

    def segment(self, node: ast.AST) -> str:
        """Return the text of a statement or expression, as it stands there."""
        start, end = self.span(node)
        return self.text[start:end]

    def indent(self, line: int) -> str:
        """Return the white space at the beginning of a line."""
        text = self.line(line)
        return text[: len(text) - len(text.lstrip(" \t\f"))]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """All functions, in the order of the text, also those in classes and other functions."""
        seen: dict[str, int] = {}
        found = []
        for node, around in sorted(_functions(self.tree), key=lambda one: (one[0].lineno, one[0].col_offset)):
            symbol = ".".join(one.name for one in (*around, node))
            seen[symbol] = seen.get(symbol, 0) + 1
            found.append(Place(symbol, seen[symbol], node, around))
        return tuple(found)

    def place(self, symbol: str, ordinal: int = 1) -> Place:
        """Return the function ``symbol``. Raises RefactorError when there is none."""
        for place in self.places:
            if (place.symbol, place.ordinal) == (symbol, ordinal):
                return place
        raise RefactorError(f"{self.path} has no function {symbol}", where=self.path)


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Return ``text`` with every splice in its place. Raises ValueError when two overlap.

    Splices at the same empty place come in the order in which they are given.
    """
    parts, at = [], 0
    for start, end, new in sorted(splices, key=lambda one: (one.start, one.end)):
        if start < at or end < start:
            raise ValueError(f"splices overlap at {start}")
        parts += [text[at:start], new]
        at = end
    return "".join((*parts, text[at:]))


_LINE_END = re.compile(r"\r\n?|\n")
_SUITES = ("body", "orelse", "finalbody", "handlers", "cases")


def _functions(tree: ast.Module) -> Iterator[tuple[FunctionNode, tuple[Scope, ...]]]:
    todo: list[tuple[ast.AST, tuple[Scope, ...]]] = [(tree, ())]
    while todo:
        node, around = todo.pop()
        suites = (getattr(node, name, ()) for name in _SUITES)  # no expression holds a statement
        for child in chain.from_iterable(suites):
            if isinstance(child, FunctionNode):
                yield child, around
            todo.append((child, (*around, child) if isinstance(child, Scope) else around))
