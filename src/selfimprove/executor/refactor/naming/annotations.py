"""Annotations: what can be read off their text: names in it, the type of an element, with and without None."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.naming.words_of import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut

_ELEMENTS = listed(
    "list List set Set frozenset FrozenSet Sequence MutableSequence Iterable Iterator Collection deque Deque"
)
OF_CALL = {
    "str": "str", "repr": "str", "hex": "str", "chr": "str", "ascii": "str", "int": "int", "len": "int", "ord": "int",
    "float": "float", "bool": "bool", "isinstance": "bool", "issubclass": "bool", "callable": "bool",
    "hasattr": "bool", "any": "bool", "all": "bool", "bytes": "bytes", "bytearray": "bytearray", "id": "int",
}  # fmt: skip
"""What a call of one of these builtins gives."""

OF_TEXT = {
    "join": "str", "format": "str", "strip": "str", "lower": "str", "upper": "str", "replace": "str",
    "startswith": "bool", "endswith": "bool", "isdigit": "bool", "split": "list[str]", "splitlines": "list[str]",
    "lstrip": "str", "rstrip": "str", "title": "str", "find": "int", "rfind": "int", "count": "int", "encode": "bytes",
    "partition": "tuple[str, str, str]", "rpartition": "tuple[str, str, str]", "rsplit": "list[str]",
    "casefold": "str", "capitalize": "str", "zfill": "str", "ljust": "str", "rjust": "str", "isidentifier": "bool",
}  # fmt: skip
"""What these methods of a str give."""

_ITERATES = frozenset(["Iterator", "Iterable", "AsyncIterator", "AsyncIterable", "Generator"])
_CHECKING = re.compile(r"(?:\w+\.)?TYPE_CHECKING")


def text_of(node: ast.expr | None) -> str | None:
    """Return an annotation as text; one that is quoted as a whole without its quotes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.strip()
    return ast.unparse(node) if node is not None else None


def names_in(text: str) -> frozenset[str]:
    """Return the names that an annotation needs, also those in its quoted parts. Raises SyntaxError for no type."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text.strip(), mode="eval").body):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "Literal" not in text:
            found |= names_in(node.value)
    return frozenset(found)


def bound(body: Sequence[ast.stmt], *, checking: bool = False) -> Iterator[tuple[str, int]]:
    """Yield the names that statements of a module or class bind, each with the line from which it is there.

    The line is 0 for a name that is only there for a type checker (``if TYPE_CHECKING``).
    """
    for node in body:
        match node:
            case ast.If(test=test, body=then, orelse=other):
                seen = checking or _CHECKING.fullmatch(ast.unparse(test)) is not None
                yield from bound(then, checking=seen)
                yield from bound(other, checking=checking)
            case ast.Try(body=then, handlers=handlers, orelse=other):
                yield from bound(then, checking=checking)
                for each in handlers:
                    yield from bound(each.body, checking=checking)
                yield from bound(other, checking=checking)
            case _:
                line = 0 if checking else node.end_lineno or node.lineno
                yield from ((name, line) for name in _names_bound(node))


def _names_bound(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (one.asname or one.name.partition(".")[0] for one in names)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case _ if type(node).__name__ == "TypeAlias":
            yield ast.unparse(node).split()[1].partition("[")[0]


def element(text: str | None) -> str | None:
    """Return the type of what a loop over a value of type ``text`` gives, ``None`` when it is not known."""
    if text is None:
        return None
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None
    if text == "str":
        return "str"
    if not isinstance(node, ast.Subscript):
        return None
    name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    if name in _ELEMENTS:
        return ast.unparse(node.slice)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    if (
        name in ("tuple", "Tuple")
        and len(parts) == 2
        and isinstance(parts[1], ast.Constant)
        and parts[1].value is ...
    ):
        return ast.unparse(parts[0])
    if name in ("dict", "Dict", "Mapping", "MutableMapping") and len(parts) == 2:
        return ast.unparse(parts[0])
    return None


def allows_none(text: str) -> bool:
    """True when None is among the values of a type."""
    return text != without_none(text)


def without_none(text: str) -> str:
    """Return a type without None: ``str | None`` and ``Optional[str]`` are ``str``."""
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return text
    if isinstance(node, ast.Subscript) and ast.unparse(node.value).rpartition(".")[2] == "Optional":
        return ast.unparse(node.slice)
    parts = list(_united(node))
    kept = [one for one in parts if not (isinstance(one, ast.Constant) and one.value is None)]
    return " | ".join(map(ast.unparse, kept)) if kept and len(kept) < len(parts) else text


def _united(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _united(node.left)
        yield from _united(node.right)
    else:
        yield node


def result_of(body: Sequence[ast.stmt], name: str) -> str | None:
    """Return what a call of a function or class of this body gives, ``None`` when its annotation does not tell."""
    found = [
        node
        for node in body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name
    ]
    if len(found) != 1 or found[0].decorator_list:
        return None
    node = found[0]
    if isinstance(node, ast.ClassDef):
        return (
            name
            if (not node.keywords and not hasattr(node, "type_params"))
            or not getattr(node, "type_params", ())
            else None
        )
    return text_of(node.returns) if isinstance(node, ast.FunctionDef) else None


def not_none(body: Sequence[ast.stmt], cut: Cut) -> Iterator[str]:
    """Yield the names that are not None where the cut begins, since a test on the way to it rules that out.

    Seen are ``if x is not None:`` (or ``if x:``, also with ``and``) around the cut, and before it in one of the suites
    around it ``if x is None:`` (or ``if not x:``) that leaves or gives ``x`` a value.
    """
    start = cut.statements[0]
    for node in body:
        if node is start or node.lineno > start.lineno:
            return
        if (node.end_lineno or node.lineno) < start.lineno:
            yield from _ruled_out(node)
            continue
        if isinstance(node, FunctionNode | ast.ClassDef):
            return
        if isinstance(node, ast.If):
            yield from _asked(node.test) if _within(node.body, start) else ()
        for suite in _suites(node):
            if _within(suite, start):
                yield from not_none(suite, cut)
        return


def _suites(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        suite = getattr(node, name, None)
        if isinstance(suite, list):
            yield suite
    for one in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield one.body


def _within(suite: Sequence[ast.stmt], start: ast.stmt) -> bool:
    return bool(suite) and suite[0].lineno <= start.lineno <= (suite[-1].end_lineno or 0)


def _asked(test: ast.expr) -> Iterator[str]:
    match test:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            yield name
        case ast.Name(id=name):
            yield name
        case ast.BoolOp(op=ast.And(), values=values):
            for value in values:
                yield from _asked(value)


def _ruled_out(node: ast.stmt) -> Iterator[str]:
    if not isinstance(node, ast.If) or node.orelse:
        return
    match node.test:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            pass
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)):
            pass
        case _:
            return
    last = node.body[-1]
    if isinstance(last, ast.Return | ast.Raise | ast.Continue | ast.Break) or _gives(last, name):
        yield name


def _gives(node: ast.stmt, name: str) -> bool:
    """True for an assignment of something that cannot be None: a display, a literal, a call of a class."""
    match node:
        case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
            return isinstance(value, ast.List | ast.Dict | ast.Set | ast.Tuple | ast.JoinedStr) or (
                isinstance(value, ast.Constant) and value.value is not None
            )
        case _:
            return False


def generated(cut: Cut) -> str | None:
    """Return the annotation of a part of a generator: the whole's, when that says nothing of a result."""
    own = cut.place.node.returns
    if not isinstance(own, ast.Subscript) or cut.results or cut.leaves not in (Leaves.END, Leaves.PASS):
        return None
    name = own.value.attr if isinstance(own.value, ast.Attribute) else getattr(own.value, "id", "")
    if name == "Generator":
        parts = own.slice.elts if isinstance(own.slice, ast.Tuple) else []
        ends = parts[2:] if len(parts) == 3 else []
        return (
            text_of(own)
            if ends and all(isinstance(one, ast.Constant) and one.value is None for one in ends)
            else None
        )
    return text_of(own) if name in _ITERATES else None
