"""Chunks: a source file cut into functions, methods, classes and what stands between them."""

from __future__ import annotations

import re
from functools import cache
from time import thread_time
from typing import TYPE_CHECKING

from selfimprove.codebase.languages import language_of, told_by_text
from selfimprove.codebase.lines import MOST_CHARS, MOST_LINES, Lines, text_of
from selfimprove.model.chunk import Chunk, FileChunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tree_sitter import Node, Parser

    from selfimprove.codebase.definitions import Definition
    from selfimprove.codebase.grammars import Grammar

LARGEST = 1_000_000
"""A file with more bytes is not parsed, but cut by lines."""
BLOCK_LINES, BLOCK_CHARS = 60, 3000
"""How large the blocks of a file without a grammar are at most."""
# Parsing takes 0.1 to 0.3 seconds of CPU for a megabyte, one at most in thousands of files. Where the recovery from
# errors goes astray it takes a hundred times as long, and a gigabyte of memory for each second: so it is stopped as
# soon as it falls behind, and also by the calls that the parser makes after each hundred of its own steps (0.004 for
# a byte of ordinary files, 0.035 at most).
_SECONDS, _SECONDS_PER_BYTE = 0.15, 1.5e-6
_CALLS, _CALLS_PER_BYTE = 2_000, 0.1
# A thousand open brackets within each other cost more than anything that is written on purpose.
_OPEN, _BRACKETS = 2_000, ((b"<", b">"), (b"(", b")"), (b"[", b"]"), (b"{", b"}"))
_SCRIPT = re.compile(r"(<script\b[^>]*>)(.*?)(</script\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_EMBEDDED = {"html", "svelte", "vue"}
_NO_PACK = "its grammar is not installed"


def cut(path: str, source: bytes) -> FileChunks:
    """Cut the file ``path`` with the content ``source``; never raises because of what is in it.

    Chunks ascend, do not overlap, and every line that is not blank is in one. Lines count from 1 and are
    those of text_of. A file whose language has no grammar, or that is too large or too broken for it, is cut
    into blocks of lines; ``problem`` then says why, unless there simply is no grammar. Parsers are kept for
    the process, so not for two threads at once.
    """
    text = text_of(source)
    language = language_of(path, source[:200])
    if language:
        language = told_by_text(path, language, text)
    lines = Lines(text)
    if not text or text.isspace():
        return FileChunks(language, ())
    from selfimprove.codebase.sections import DOCUMENTS, sections

    if language in DOCUMENTS:
        return FileChunks(language, tuple(sections(lines, language)))
    from selfimprove.codebase.grammars import grammar_of
    from selfimprove.codebase.references import imports

    flow = language == "javascript" and "@flow" in text[:2000]  # its types are nearly those of TypeScript
    grammar = grammar_of("tsx" if flow else language)
    if grammar is None:
        return FileChunks(language, tuple(_blocks(lines)), imports(text[:100_000], language))
    found, problem = _parsed(text, language, grammar)
    if problem:
        return FileChunks(language, tuple(_blocks(lines)), imports(text[:100_000], language), problem)
    chunks = tuple(_chunks(lines, found, grammar.uses))
    loose = "\n".join(lines.between(one.start - 1, one.end - 1) for one in chunks if one.kind == "module")
    return FileChunks(language, chunks, imports(loose, language))


def _parsed(text: str, language: str, grammar: Grammar) -> tuple[list[Definition], str]:
    """Return the definitions of ``text``, and why there are none to be had."""
    root, data, problem = syntax_tree(text, language, grammar)
    if root is None:
        return [], problem
    from selfimprove.codebase.definitions import definitions

    found = definitions(root, grammar, data)
    if not found and root.has_error and _mostly_wrong(root):
        return [], "most of it is not what its grammar expects"
    return found, ""


def syntax_tree(text: str, language: str, grammar: Grammar) -> tuple[Node | None, bytes, str]:
    """Return the root of the syntax tree of ``text``, the bytes that it counts in, and why there is no root.

    In bounded time and memory, whatever the text; of a page, only its scripts are parsed.
    """
    data = (_scripts_only(text) if language in _EMBEDDED else text).encode("utf-8", "replace")
    if len(data) > LARGEST:
        return None, data, f"it is too large to be parsed ({len(data):,} bytes)"
    if any(data.count(left) > _OPEN + 3 * data.count(right) for left, right in _BRACKETS):
        return None, data, "its brackets are not closed"
    try:
        parser = parser_of(grammar.binding)
    except (ImportError, ValueError):  # not installed, or made for another tree-sitter
        return None, data, _NO_PACK
    root = _tree(parser, data)
    return root, data, "" if root else "parsing it takes too long"


def _tree(parser: Parser, data: bytes) -> Node | None:
    """Return the root of the syntax tree, None when the parser lost its way."""
    calls = 0
    most = _CALLS + int(len(data) * _CALLS_PER_BYTE)
    since = thread_time() + _SECONDS

    def astray(offset: int, _error: bool) -> bool:
        nonlocal calls
        calls += 1
        return calls > most or (not calls % 4 and thread_time() - since > offset * _SECONDS_PER_BYTE)

    # py-tree-sitter 0.26 never frees what the first function returns: so it is a view of a buffer that is used again.
    view = memoryview(_buffer())[: len(data)]
    view[:] = data
    try:
        return parser.parse(lambda at, _: view[at:] if at else view, progress_callback=astray).root_node
    except ValueError:
        parser_of.cache_clear()  # with the parser goes the memory that it holds
        return None


@cache
def _buffer() -> bytearray:
    return bytearray(LARGEST)


def _mostly_wrong(root: Node) -> bool:
    """True when more than half of the text is in nodes of errors."""
    if root.type == "ERROR":
        return True
    wrong = sum(one.end_byte - one.start_byte for one in root.children if one.is_error)
    return wrong * 2 > root.end_byte - root.start_byte


@cache
def parser_of(binding: str) -> Parser:
    """Return the parser of a grammar; only that grammar's own module is loaded. Raises ImportError."""
    from importlib import import_module

    from tree_sitter import Language, Parser

    module = "tree_sitter_c_sharp" if binding == "csharp" else f"tree_sitter_language_pack.bindings.{binding}"
    return Parser(Language(import_module(module).language()))


def _scripts_only(text: str) -> str:
    """Return the text with blanks for everything but what is in its ``<script>`` elements."""
    kept: list[str] = []
    done = 0
    for script in _SCRIPT.finditer(text):
        kept += (_blanked(text[done : script.start(2)]), script[2])
        done = script.end(2)
    return "".join((*kept, _blanked(text[done:])))


def _blanked(text: str) -> str:
    return "\n" * text.count("\n")


def _blocks(lines: Lines) -> Iterator[Chunk]:
    start, end = lines.trimmed(0, len(lines.rows) - 1)
    for first, last in lines.divided(start, end, BLOCK_LINES, BLOCK_CHARS):
        yield Chunk(first + 1, last + 1, "block")


def _chunks(lines: Lines, found: Sequence[Definition], uses: str) -> Iterator[Chunk]:
    """Yield the chunks of a file whose definitions are known."""
    from selfimprove.codebase.references import references

    for first, last, number in _joined(lines, _runs(found, len(lines.rows))):
        if number < 0:
            kind, symbol, qualified, signature = "module", "", "", ""
        else:
            kind, symbol, qualified, signature = found[number][3:]
        for start, end in lines.divided(first, last, MOST_LINES, MOST_CHARS):
            names = references(lines.between(start, end), symbol, uses)
            yield Chunk(start + 1, end + 1, kind, symbol, qualified, signature, names)


def _runs(found: Sequence[Definition], rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield (first row, last row, whose) so that each row belongs to the innermost definition; -1 is the module.

    The row on which a definition begins is its own even if another begins there too.
    """
    open_: list[tuple[int, int]] = [(-1, rows - 1)]  # whose, last row
    floor = at = 0
    for number, one in enumerate(found):
        while one.start > open_[-1][1] or (one.end > open_[-1][1] and len(open_) > 1):
            whose, end = open_.pop()
            if at <= end:
                yield at, end, whose
                at = end + 1
        start = max(one.start, at, floor)
        end = min(one.end, open_[-1][1])
        if start > end:
            continue
        if at < start:
            yield at, start - 1, open_[-1][0]
        open_.append((number, end))
        at, floor = start, max(one.head, start) + 1
    for whose, end in reversed(open_):
        if at <= end:
            yield at, end, whose
            at = end + 1


def _joined(lines: Lines, runs: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return the runs without blank rows at their ends.

    One that only closes goes to the one before it, one of the module that only opens to the one after it.
    """
    joined: list[tuple[int, int, int]] = []
    for begin, stop, whose in runs:
        start, end = lines.trimmed(begin, stop)
        if start > end:
            continue
        if joined:
            first, last, owner = joined[-1]
            while start <= end and (whose == owner or lines.closing(start, start)):
                last, (start, end) = start, lines.trimmed(start + 1, end)
            joined[-1] = first, last, owner
            if start > end:
                continue
            if owner < 0 and lines.opening(first, last):
                joined[-1] = first, end, whose
                continue
        joined.append((start, end, whose))
    return joined
