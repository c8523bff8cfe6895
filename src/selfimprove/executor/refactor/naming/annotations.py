"""Annotations: what can be read off their text: names in it, the type of an element, with and without None."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.naming.words_of import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut

_ELEMENTS = listed(
    "list List set Set frozenset FrozenSet Sequence MutableSequence Iterable Iterator Collection deque Deque "
    "KeysView ValuesView AbstractSet MutableSet Reversible Generator"
)
ANY = "Any"
"""How Any is written in types that are worked with; a file may have it under another name."""
_ITEMS = {"str": "str", "bytes": "int", "range": "int", "bytearray": "int"}
_MAPPINGS = listed("dict Dict Mapping MutableMapping defaultdict OrderedDict Counter")
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


def imports(body: Sequence[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a module, also those under an ``if`` or ``try``."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.If(body=then, orelse=other) | ast.Try(body=then, orelse=other):
                yield from imports([*then, *other])


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


def base_of(text: str) -> str:
    """Return a type without what stands in its brackets."""
    return text.partition("[")[0].strip()


def inside(text: str) -> str:
    """Return what stands in the brackets of a type, "" when there are none."""
    return text.partition("[")[2].rpartition("]")[0]


@lru_cache(maxsize=4096)
def parts_of(text: str) -> tuple[str, ...]:
    """Return the types in the brackets of a type, () when there are none: ``dict[str, int]`` has two."""
    node = _parsed(text)
    if not isinstance(node, ast.Subscript):
        return ()
    return tuple(map(ast.unparse, node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]))


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def members(text: str) -> tuple[str, ...]:
    """Return the types of a union, each once: of ``Optional[str]`` and ``str | None`` these are str and None."""
    node = _parsed(text)
    if node is None:
        return (text,)
    return tuple(dict.fromkeys(_united(node)))


def _united(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _united(left)
            yield from _united(right)
        case ast.Constant(value=str(text)) if (inner := _parsed(text)) is not None:
            yield from _united(inner)
        case ast.Subscript(value=value, slice=inner) if ast.unparse(value).rpartition(".")[2] == "Optional":
            yield from _united(inner)
            yield "None"
        case ast.Subscript(value=value, slice=inner) if ast.unparse(value).rpartition(".")[2] == "Union":
            for one in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from _united(one)
        case ast.Name(id="Any") | ast.Attribute(attr="Any"):
            yield ANY
        case _:
            yield ast.unparse(node)


def union(*texts: str | None) -> str | None:
    """Return the type of a value that is of one of these types; ``None`` when one is not known."""
    found: list[str] = []
    for text in texts:
        if text is None:
            return None
        found += (one for one in members(text) if one not in found)
    if "float" in found and "int" in found:
        found.remove("int")
    if "None" in found:
        found.remove("None")
        found.append("None")
    return " | ".join(found) if found else None


def element(text: str | None) -> str | None:
    """Return the type of what a loop over a value of type ``text`` gives, ``None`` when it is not known."""
    if text is None:
        return None
    if len(members(text)) > 1:
        return union(*map(element, members(text)))
    if text in _ITEMS:
        return _ITEMS[text]
    name, parts = base_of(text).rpartition(".")[2], parts_of(text)
    if name in _ELEMENTS and parts:
        return parts[0]
    if name in ("tuple", "Tuple"):
        return parts[0] if len(parts) == 2 and parts[1] == "..." else union(*parts)
    if name == "ItemsView" and len(parts) == 2:
        return f"tuple[{parts[0]}, {parts[1]}]"
    return parts[0] if name in _MAPPINGS and len(parts) == 2 else None


def without_none(text: str) -> str:
    """Return a type without None: ``str | None`` and ``Optional[str]`` are ``str``."""
    found = members(text)
    if "None" not in found:
        return text
    return " | ".join(one for one in found if one != "None") or text


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
