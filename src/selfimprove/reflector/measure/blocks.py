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
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.reflector.measure.shape import FunctionNode, Scope, is_elif

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WINDOW = 6
"""How many statements are hashed together; shorter blocks are not found."""
BREAK = 0
"""Instead of a hash: what is before and after does not stand together, or does not count."""

_NOTHING: frozenset[str] = frozenset()
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


class _Head(NamedTuple):
    """Where a statement or head is found: from a node's start to where ``end`` starts, or to its own end."""

    node: Any
    start: Any
    end: Any
    depth: int
    locals: frozenset[str]


def block_hashes(tree: ast.Module, text: str) -> tuple[tuple[int, int, int], ...]:
    """Return, in the order of the text, (hash, first line, last line) of each window of WINDOW statements.

    Neighbours in the row are windows that begin one statement apart. Where that is not so, or windows do not
    count, there is one entry with the hash BREAK.
    """
    data = text if text.isascii() else text.encode()  # columns count bytes
    starts = [0, *accumulate(len(line) + 1 for line in data.split("\n" if isinstance(data, str) else b"\n"))]
    items = [_item(head, data, starts) for head in _heads(tree)]
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
    """Yield the statements and heads in the order of the text."""
    todo: list[tuple[Any, int, frozenset[str]]] = [(node, 0, _NOTHING) for node in reversed(tree.body)]
    while todo:
        node, depth, names = todo.pop()
        below = names
        if isinstance(node, FunctionNode):
            below = names = names | _bound(node)
        elif isinstance(node, ast.ClassDef):
            below = _NOTHING
        if not _is_left_out(node):
            start = node.pattern if isinstance(node, ast.match_case) else node
            if isinstance(node, Scope) and node.decorator_list:
                start = node.decorator_list[0]
            yield _Head(node, start, _first_inside(node), depth, names)
        todo.extend((child, at, below) for child, at in reversed(list(_below(node, depth))))


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


def _first_inside(node: Any) -> Any:
    """Return what ends the head of a compound statement, None for a simple one."""
    inside = getattr(node, "body", None) or getattr(node, "cases", None)
    if not inside:
        return None
    first = inside[0]
    if isinstance(first, ast.match_case):
        return first.pattern
    return first.decorator_list[0] if isinstance(first, Scope) and first.decorator_list else first


def _bound(function: FunctionNode) -> frozenset[str]:
    """Return the names that ``function`` itself binds; those of functions inside of it may be among them."""
    args = function.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    names = {arg.arg for arg in every if arg}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return frozenset(names)


def _item(head: _Head, data: str | bytes, starts: list[int]) -> _Item:
    node, start, end = head.node, head.start, head.end
    first = starts[start.lineno - 1] + start.col_offset
    if end is None:
        last, final = starts[node.end_lineno - 1] + node.end_col_offset, node.end_lineno
    else:
        last = starts[end.lineno - 1] + end.col_offset
        final = max(start.lineno, end.lineno - 1)
    piece = data[first:last]
    text = piece if isinstance(piece, str) else piece.decode(errors="surrogatepass")
    form, names = _form(text, head.locals)
    return _Item(form, names, start.lineno, final, head.depth, _counts(node))


def _counts(node: Any) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return not isinstance(node.value, _DATA)
    return not isinstance(node, Scope)


def _form(text: str, local: frozenset[str]) -> tuple[str, list[str]]:
    """Return the tokens of ``text`` with a gap for each local name, and those names in order."""
    names: list[str] = []
    tokens: list[str] = []
    depth = 0
    found = _TOKEN.findall(text)
    for index, token in enumerate(found):
        if token[0] == "#":
            continue
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
            if tokens and tokens[-1] == ",":
                tokens.pop()
        elif token in local:
            keyword = depth > 0 and found[index + 1 : index + 2] == ["="] != found[index + 2 : index + 3]
            if not keyword and (not tokens or tokens[-1] != "."):
                names.append(token)
                token = "\0"
        elif token[-1] in "'\"" and _FORMATTED.match(token):
            token = _formatted(token, local, names)
        tokens.append(token)
    return " ".join(tokens), names


def _formatted(token: str, local: frozenset[str], names: list[str]) -> str:
    """Return an f-string with gaps; where a word of its text is a local name too, that does no harm."""
    pieces = _PIECE.findall(token)
    names += [piece for piece in pieces if piece in local]
    return "".join("\0" if piece in local else piece for piece in pieces)
