"""Outline: what one file says of itself, of what it defines and of what it imports, and its form in the cache."""

from __future__ import annotations

import ast
import marshal
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.languages import language_of, told_by_text
from selfimprove.codebase.measure.record import Import, MeasureError
from selfimprove.codebase.measure.source import LARGEST, decode, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORM = "outline-3"
"""Raised whenever the same source may have another outline than before; a part of the cache's key."""

LOAD, CALL, TYPES = "load", "call", "types"
"""When an import runs: as the module is loaded, when a function is called, or for type checkers only."""

_DOC, _MOST_NAMES = 140, 4_000
_ROLE = re.compile(r":[\w:]+:`~?([^`<]*?)(?:\s*<[^`]*>)?`")
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_TEXTS = frozenset({"", "csv", "text", "json", "markdown", "rst", "latex", "jupyter", "xml"})


class Defined(NamedTuple):
    """A definition. ``name`` is qualified; ``kind`` is function, class, method or value; ``doc`` one line."""

    name: str
    kind: str
    signature: str = ""
    doc: str = ""


class Used(NamedTuple):
    """An import, and ``when`` it runs."""

    what: Import
    when: str


class Outline(NamedTuple):
    """One file. ``names`` are all that it binds; ``exports`` is its ``__all__``, None where it has none.

    ``main`` is true for a script (``if __name__ == "__main__":``). ``problem`` says why it was not read.
    """

    language: str
    lines: int
    doc: str = ""
    defined: tuple[Defined, ...] = ()
    exports: tuple[str, ...] | None = None
    uses: tuple[Used, ...] = ()
    names: tuple[str, ...] = ()
    main: bool = False
    problem: str = ""


def pack(outline: Outline) -> bytes:
    """Return the outline as the cache holds it."""
    uses = tuple((tuple(one.what), one.when) for one in outline.uses)
    return marshal.dumps(tuple(outline._replace(defined=tuple(map(tuple, outline.defined)), uses=uses)))  # type: ignore[arg-type]


def unpack(data: bytes) -> Outline | None:
    """Return what was packed, None for anything else."""
    try:
        found = Outline._make(marshal.loads(data))  # noqa: S302 (only from our own cache)
        uses = tuple(Used(Import._make(what), when) for what, when in found.uses)
        return found._replace(defined=tuple(map(Defined._make, found.defined)), uses=uses)
    except (TypeError, ValueError, EOFError):
        return None


def outline(path: str, source: bytes) -> Outline:
    """Return the outline of the file ``path``; never raises because of what is in it."""
    language = language_of(path, source[:200])
    lines = source.count(b"\n") + (source[-1:] not in (b"\n", b""))
    if b"\0" in source[:8000] and not source.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Outline("", 0)
    if language == "python" and len(source) <= LARGEST:
        return _python(path, source, lines)
    if language in _TEXTS:
        return Outline(language, lines)
    language = told_by_text(path, language, source[:40_000].decode("utf-8", "replace"))
    return _other(path, source, Outline(language, lines))


def _python(path: str, source: bytes, lines: int) -> Outline:
    from selfimprove.codebase.portrait import pysource

    found = Outline("python", lines)
    try:
        return pysource.read(parse(decode(source)), found)
    except MeasureError as error:
        return found._replace(problem=str(error))
    except SyntaxError as error:
        return found._replace(problem=f"line {error.lineno or 1}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return found._replace(
            problem=f"the parser gave up: {type(error).__name__} in {path.rpartition('/')[2]}"
        )


def _other(path: str, source: bytes, found: Outline) -> Outline:
    """Return the outline of a file in another language, as deep as the index's grammars see it."""
    from selfimprove.codebase.chunks import cut
    from selfimprove.codebase.search import missing_parts

    if missing_parts():
        from selfimprove.codebase.references import imports

        uses = imports(source[:100_000].decode("utf-8", "replace"), found.language)
        return found._replace(uses=_plain(uses))
    chunks = cut(path, source)
    defined = tuple(
        Defined(one.qualified, one.kind, one.signature)
        for one in chunks.chunks
        if one.qualified and one.kind in ("function", "class", "method")
    )
    names = dict.fromkeys(part for one in defined for part in one.name.split("."))
    problem = chunks.problem and f"{chunks.problem}"
    return found._replace(
        defined=defined, uses=_plain(chunks.imports), names=tuple(names)[:_MOST_NAMES], problem=problem
    )


def _plain(modules: Iterable[str]) -> tuple[Used, ...]:
    return tuple(Used(Import(module, "", 0, 0), LOAD) for module in modules)


def first_sentence(text: str | None) -> str:
    """Return the first sentence of a docstring on one line, cut to 140 characters; ``""`` where it says none."""
    paragraph = (text or "").strip().partition("\n\n")[0]
    paragraph = _ROLE.sub(r"\1", paragraph).replace("`", "")
    line = " ".join(_SENTENCE.split(" ".join(paragraph.split()), maxsplit=1)[0].split())
    if len(line) > _DOC:
        line = line[: _DOC - 3].rpartition(" ")[0] + " ..."
    return line if any(sign.isalnum() for sign in line) else ""


def bound_names(tree: ast.AST) -> Iterator[str]:
    """Yield every name that the tree binds: of definitions, parameters, variables, attributes, ``import as``."""
    for node in ast.walk(tree):
        yield from _bound(node)


def _bound(node: Any) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.id if isinstance(node, ast.Name) else node.attr
    elif isinstance(node, ast.alias) and node.asname:
        yield node.asname
