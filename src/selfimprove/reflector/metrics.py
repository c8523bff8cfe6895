"""Metrics of one Python file: complexity per function and the maintainability index, in radon's numbers."""

from __future__ import annotations

import ast
import io
import os
import stat
import sys
import threading
import tokenize
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfimprove.errors import SelfimproveError
from selfimprove.model.audit import NotAnalysed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST = 10_000_000
"""Files of more bytes than this are data: they are not parsed."""

_DEEP_STACK = 256 * 2**20
_DEEP_RECURSION = 100_000
_deep = threading.Lock()
# str.splitlines, and so radon, takes these for ends of lines; Python does not.
_FALSE_LINE_ENDS = str.maketrans(dict.fromkeys("\v\f\x1c\x1d\x1e\x85\u2028\u2029", " "))


@dataclass(frozen=True, slots=True)
class FunctionMetrics:
    """One function, method or closure. ``symbol`` is qualified; ``line`` and ``end_line`` count from 1.

    ``ordinal`` tells apart functions of one name in one file, 1 being the first from the top. ``complexity``
    is radon's cyclomatic complexity; closures have their own and do not add to the function around them.
    """

    symbol: str
    ordinal: int
    line: int
    end_line: int
    complexity: int


@dataclass(frozen=True, slots=True)
class FileMetrics:
    """``functions`` from top to bottom; ``maintainability`` 0 to 100; ``rank`` A (over 19), B (over 9), C."""

    functions: tuple[FunctionMetrics, ...]
    maintainability: float
    rank: str
    lines: int


class MeasureError(Exception):
    """The source cannot be measured; the message is the reason, in words that follow "not analysed: "."""


def measure_file(root: Path, path: str) -> FileMetrics | NotAnalysed:
    """Read and measure ``path`` (relative to ``root``). Never raises for what the file is or holds."""
    try:
        path.encode()
        return measure(_read(root / path))
    except MeasureError as error:
        return NotAnalysed(path, str(error))
    except UnicodeEncodeError:  # neither tasks.yml nor a fingerprint could hold it
        return NotAnalysed(path, "its name is not valid UTF-8")
    except FileNotFoundError:
        return NotAnalysed(path, "it is not in the working tree")
    except OSError as error:
        return NotAnalysed(path, f"it cannot be read: {error.strerror or error}")


def measure(source: bytes | str) -> FileMetrics:
    """Measure one file's source; bytes are decoded as Python does. Raises MeasureError with the reason."""
    text = _decode(source) if isinstance(source, bytes) else source
    if "\0" in text:
        raise MeasureError("it contains null bytes")
    try:
        try:
            return _measure(text)
        except RecursionError:
            return _measure_deeply(text)
    except SelfimproveError:  # Ctrl-C arrives as one
        raise
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise MeasureError(f"{line}syntax error: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise MeasureError("it is nested too deeply for Python's parser") from error
    except Exception as error:  # one file that upsets radon must not end the audit of all others
        raise MeasureError(f"radon cannot measure it: {type(error).__name__}: {error}") from error


def _read(path: Path) -> bytes:
    """Return the bytes of a regular file; O_NONBLOCK because opening a pipe would wait for its writer."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise MeasureError("it is not a regular file")
        if found.st_size > LARGEST:
            raise MeasureError(f"it has {found.st_size:,} bytes; files over {LARGEST:,} are taken for data")
        return file.read()


def _decode(source: bytes) -> str:
    """Decode by byte order mark or PEP 263 cookie, else UTF-8; every end of a line becomes ``\\n``."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MeasureError("it is UTF-16, which Python does not read")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise MeasureError(f"line {line}: not {error.encoding}, and no other encoding is declared") from error
    except (SyntaxError, LookupError) as error:
        raise MeasureError(f"its encoding: {error}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _measure_deeply(text: str) -> FileMetrics:
    """Measure in a thread with room for deep nesting; the caller's own stack cannot grow."""
    with _deep, _room(), ThreadPoolExecutor(1) as pool:
        return pool.submit(_measure, text).result()


@contextmanager
def _room() -> Iterator[None]:
    """Threads started inside get a big stack; the recursion limit, which all threads share, is raised."""
    size, limit = threading.stack_size(_DEEP_STACK), sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEP_RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)


def _measure(text: str) -> FileMetrics:
    from radon.metrics import h_visit_ast, mi_compute, mi_rank
    from radon.visitors import ComplexityVisitor

    with warnings.catch_warnings():  # the measured code's invalid escapes are not ours to print
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    visitor = ComplexityVisitor.from_ast(tree)
    lines = text.count("\n") + (not text.endswith("\n"))
    logical, comments = _raw_counts(text)
    index = mi_compute(h_visit_ast(tree).total.volume, visitor.total_complexity, logical, comments)
    return FileMetrics(tuple(_functions(tree, visitor)), index, mi_rank(index), lines)


def _functions(tree: ast.Module, visitor: Any) -> Iterator[FunctionMetrics]:
    """Yield every function of ``tree`` with radon's number for it."""
    from radon.visitors import ComplexityVisitor

    known = _recorded(visitor)
    seen: Counter[str] = Counter()
    for symbol, node in _definitions(tree):
        complexity = known.get((node.lineno, node.col_offset))
        if complexity is None:  # radon drops classes inside functions, but has a number for their methods
            complexity = ComplexityVisitor.from_ast(node, off=False).functions[0].complexity
        seen[symbol] += 1
        end = node.end_lineno or node.lineno
        yield FunctionMetrics(symbol, seen[symbol], node.lineno, end, complexity)


def _recorded(visitor: Any) -> dict[tuple[int, int], int]:
    """Return radon's complexity by position for its functions, methods and closures."""
    found = {}
    blocks = [*visitor.functions, *visitor.classes]
    while blocks:
        block = blocks.pop()
        if hasattr(block, "closures"):
            found[block.lineno, block.col_offset] = block.complexity
            blocks.extend(block.closures)
        else:
            blocks.extend((*block.methods, *block.inner_classes))
    return found


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield each function with its qualified name, in the order of the text, without recursion."""
    todo: list[tuple[str, ast.AST]] = [("", tree)]
    while todo:
        prefix, node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            prefix = f"{prefix}{node.name}."
        bodies = (
            child
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case)
        )
        todo.extend((prefix, child) for child in reversed(list(bodies)))


def _raw_counts(text: str) -> tuple[int, float]:
    """Return radon's logical lines and its percentage of comment lines.

    radon's own counting takes a statement's lines one more at a time, which is quadratic in the length of a
    literal. So the ends of statements are found first; where that cannot be sure, radon itself counts.
    """
    try:
        counts = [_count_statement(chunk) for chunk in _statements(text)]
    except (tokenize.TokenError, SyntaxError):
        counts = [_count_by_radon(text)]
    logical, comments, source = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0, 0)
    return logical, comments / float(source) * 100 if source else 0


def _count_by_radon(text: str) -> tuple[int, int, int]:
    """Return logical lines, comment lines (with docstrings) and source lines as radon counts them."""
    from radon.raw import analyze

    try:
        raw = analyze(text)
    except SyntaxError:  # Python has parsed it, so it is a false end of a line inside a string
        raw = analyze(text.translate(_FALSE_LINE_ENDS))
    return raw.lloc, raw.comments + raw.multi, raw.sloc


def _count_statement(chunk: str) -> tuple[int, int, int]:
    """Return the three counts for the lines of one statement, blank line or comment line."""
    from radon.raw import _generate, _logical, is_single_token

    lines = [line.strip() for line in chunk.splitlines()]
    if chunk and len(lines) != chunk.count("\n") + 1:
        return _count_by_radon(chunk)
    tokens = _generate("\n".join(lines))
    if any(token.type == tokenize.ERRORTOKEN for token in tokens):
        raise SyntaxError("not one statement")
    comments = sum(token.type == tokenize.COMMENT for token in tokens)
    source = sum(map(bool, lines))
    if is_single_token(tokenize.STRING, tokens):
        comments += source if tokens[0].start[0] != tokens[0].end[0] else 0
        source = 0
    elif is_single_token(tokenize.COMMENT, tokens):
        source = 0
    return _logical(tokens), comments, source


def _statements(text: str) -> Iterator[str]:
    """Yield the text of each statement (of compound ones the head), blank line and comment line, in order."""
    lines = text.split("\n")
    start = 0
    for end in _statement_ends(text):
        yield "\n".join(lines[start:end])
        start = end
    if any(lines[start:]):
        raise SyntaxError("text after the last statement")


def _statement_ends(text: str) -> Iterator[int]:
    """Yield the last line of each statement, blank line and comment line, counted from 1."""
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        elif token.type == tokenize.NEWLINE or (token.type == tokenize.NL and not depth):
            yield token.start[0]
