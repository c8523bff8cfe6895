"""Hashes of runs of statements, by which duplicated blocks are found across files.

A file is read as one row of statements in the order of the text, where the head of a compound statement
(``if x:``, ``except E:``, ``def f(x):``) is a statement too. Every window of WINDOW statements gets a hash, so
a block of n statements that stands elsewhere too is n - WINDOW + 1 hashes in a row that also stand there: its
length is known exactly, which winnowed hashes (Schleimer, Wilkerson and Aiken, 2003) could not say.

Equal are windows with the same tokens, whatever their white space, comments, trailing commas and indentation,
when local names of functions are renamed consistently within the window: Baker's parameterised matching
("On Finding Duplication and Near-Duplication in Large Software Systems", 1995). Names from elsewhere,
attributes, keywords and literals must be the same: statements that differ in them, such as the rows of a
table of calls, have the same form but say something else. Docstrings, imports, ``pass`` and ``...`` are left
out. Windows in which less than half of the statements do something (other than heads of functions and
classes, and assignments of names, literals and displays) do not count.
"""

from __future__ import annotations

import ast
import re
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.measure.shape import FunctionNode, Scope, is_elif

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set

WINDOW = 6
"""How many statements are hashed together; shorter blocks are not found."""
BREAK = 0
"""Instead of a hash: what is before and after does not stand together, or does not count."""

_NOTHING: frozenset[str] = frozenset()
_GAP = "\0"
_BRACKETS = dict.fromkeys("([{", 1) | dict.fromkeys(")]}", -1)
_LEFT_OUT = (ast.Import, ast.ImportFrom, ast.Pass, ast.Global, ast.Nonlocal)
_DATA = (ast.Constant, ast.Name, ast.Attribute, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp)
_STRING = r"""(?:\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
_TOKEN = re.compile(rf"#[^\n]*|(?:\b[A-Za-z]{{1,2}})?{_STRING}|[^\W\d]\w*|\d[\w.]*|[^\s\\]", re.DOTALL)
_PIECE = re.compile(r"[^\W\d]\w*|.", re.DOTALL)  # of an f-string
_FORMATTED = re.compile(r"[rR]?[fFtT][rR]?['\"]")


class _Item(NamedTuple):
    """One statement or head: its tokens with a gap for each local name, those names, and its place."""

    form: str
    names: list[str]
    first: int
    last: int
    depth: int
    counts: bool


class _Scope:
    """The names that a function binds, with those of the functions around it; None outside of functions."""

    def __init__(self, outer: _Scope | None) -> None:
        self.own: set[str] = set()
        self.outer = outer

    @cached_property
    def names(self) -> Set[str]:
        return self.own | self.outer.names if self.outer else self.own


class _Head(NamedTuple):
    """A statement, handler or case, without what is inside of it: that begins with ``inside``."""

    node: Any
    inside: Any
    depth: int
    scope: _Scope | None


def block_hashes(tree: ast.Module, text: str) -> tuple[tuple[int, int, int], ...]:
    """Return, in the order of the text, (hash, first line, last line) of each window of WINDOW statements.

    Neighbours in the row are windows that begin one statement apart. Where that is not so, or windows do not
    count, there is one entry with the hash BREAK.
    """
    data = _Text(text)
    items = [_item(head, data) for head in list(_heads(tree)) if not _is_left_out(head.node)]
    rows: list[tuple[int, int, int]] = []
    for index in range(len(items) - WINDOW + 1):
        window = items[index : index + WINDOW]
        place = (window[0].first, window[-1].last)
        if 2 * sum(item.counts for item in window) >= WINDOW:
            rows.append((_hash(window), *place))
        elif rows and rows[-1][0] != BREAK:
            rows.append((BREAK, *place))
    return tuple(rows[:-1] if rows and rows[-1][0] == BREAK else rows)


def _hash(window: list[_Item]) -> int:
    """Return 48 bits over the forms, the depths below the first, and which gaps hold the same name."""
    numbers: dict[str, int] = {}
    depth = window[0].depth
    said = [f"{item.depth - depth}{item.form}" for item in window]
    said.append(",".join([str(numbers.setdefault(name, len(numbers))) for i in window for name in i.names]))
    data = "\n".join(said).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=6).digest()) or 1


def _heads(tree: ast.Module) -> Iterator[_Head]:
    """Yield the statements and heads in the order of the text; the scopes are full after the last one."""
    todo: list[tuple[Any, int, _Scope | None]] = [(node, 0, None) for node in reversed(tree.body)]
    while todo:
        node, depth, scope = todo.pop()
        if isinstance(node, FunctionNode):
            scope = _Scope(scope)
            scope.own |= _parameters(node)
        elif scope:
            scope.own |= _bound(node)
        inside = getattr(node, "body", None) or getattr(node, "cases", None)
        yield _Head(node, inside[0] if inside else None, depth, scope)
        if inside:
            below = None if isinstance(node, ast.ClassDef) else scope
            todo += [(child, at, below) for child, at in reversed(list(_below(node, depth)))]


def _is_left_out(node: Any) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, _LEFT_OUT) or (isinstance(node, ast.AnnAssign) and node.value is None)


def _below(node: Any, depth: int) -> Iterator[tuple[Any, int]]:
    """Yield the statements, handlers and cases right below ``node``; an ``elif`` is as deep as its ``if``."""
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        suite: Sequence[Any] = getattr(node, name, ())
        same = name == "handlers" or (name == "orelse" and is_elif(node, suite))
        # An ``else`` and a ``finally`` have no head; that they are there shows in the depth.
        apart = 0 if same else 2 if name in ("orelse", "finalbody") else 1
        yield from ((child, depth + apart) for child in suite)


def _parameters(function: FunctionNode) -> set[str]:
    args = function.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return {arg.arg for arg in every if arg}


def _bound(node: Any) -> Set[str]:
    """Return the names that a statement assigns to, without what is inside of it."""
    if isinstance(node, ast.ExceptHandler):
        return {node.name} if node.name else _NOTHING
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.With | ast.AsyncWith):
        targets = [item.optional_vars for item in node.items if item.optional_vars]
    else:
        target = getattr(node, "target", None)
        targets = [target] if target else []
    found: set[str] = set()
    for target in targets:
        if isinstance(target, ast.Name):
            found.add(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            found.update(one.id for one in ast.walk(target) if isinstance(one, ast.Name))
    return found


class _Text:
    """The text of a file by the positions of its tree, whose columns count the bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = b"" if text.isascii() else text.encode()
        lengths = map(len, self.data.split(b"\n") if self.data else text.split("\n"))
        self.starts = [0, *accumulate(length + 1 for length in lengths)]

    def between(self, first: tuple[int, int], last: tuple[int, int]) -> str:
        """Return the text from one (line, column) to another."""
        begin, end = self.starts[first[0] - 1] + first[1], self.starts[last[0] - 1] + last[1]
        return self.data[begin:end].decode() if self.data else self.text[begin:end]


def _start(node: Any) -> tuple[int, int]:
    """Return line and column; a case has none, and a function's are behind its decorators."""
    if isinstance(node, ast.match_case):
        node = node.pattern
    elif isinstance(node, Scope) and node.decorator_list:
        node = node.decorator_list[0]
    return node.lineno, node.col_offset


def _item(head: _Head, data: _Text) -> _Item:
    node = head.node
    start = _start(node)
    if head.inside is None:
        end = final = (node.end_lineno, node.end_col_offset)
    else:
        end = _start(head.inside)
        final = (max(start[0], end[0] - 1), 0)
    form, names = _form(data.between(start, end), head.scope.names if head.scope else _NOTHING)
    return _Item(form, names, start[0], final[0], head.depth, _counts(node))


def _counts(node: Any) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return not isinstance(node.value, _DATA)
    return not isinstance(node, Scope)


def _form(text: str, local: Set[str]) -> tuple[str, list[str]]:
    """Return the tokens of ``text`` with a gap for each local name, and those names in order."""
    names: list[str] = []
    tokens: list[str] = []
    depth = 0
    found = _TOKEN.findall(text)
    if "for" in found[2:]:
        local = local | _comprehended(found)
    for index, word in enumerate(found):
        form = word
        if word in local:
            if not (depth and _is_keyword(found, index)) and (not tokens or tokens[-1] != "."):
                names.append(word)
                form = _GAP
        elif word in _BRACKETS:
            depth += _BRACKETS[word]
            if _BRACKETS[word] < 0 and tokens and tokens[-1] == ",":
                tokens.pop()
        elif word[0] == "#":
            continue
        elif word[-1] in "'\"" and _FORMATTED.match(word):
            form = _formatted(word, local, names)
        tokens.append(form)
    return " ".join(tokens), names


def _is_keyword(found: list[str], index: int) -> bool:
    """True for the name in ``f(name=1)``, which is no use of a variable; ``f(name == 1)`` is one."""
    return found[index + 1 : index + 2] == ["="] != found[index + 2 : index + 3]


def _formatted(word: str, local: Set[str], names: list[str]) -> str:
    """Return an f-string with gaps; where a word of its text is a local name too, that does no harm."""
    pieces = _PIECE.findall(word)
    names += [piece for piece in pieces if piece in local]
    return "".join([_GAP if piece in local else piece for piece in pieces])


def _comprehended(found: list[str]) -> set[str]:
    """Return the names between ``for`` and ``in``."""
    names: set[str] = set()
    between = False
    for word in found:
        if word in ("for", "in"):
            between = word == "for"
        elif between and word.isidentifier():
            names.add(word)
    return names
