"""Measure: one file's complexity, Halstead counts, lines and maintainability index, equal to radon's."""

from __future__ import annotations

import gc
import math
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.body import Bodies
from selfimprove.codebase.measure.comments import suppressions
from selfimprove.codebase.measure.raw import scan
from selfimprove.codebase.measure.record import FileMetrics, Halstead, MeasureError, Raw
from selfimprove.codebase.measure.source import LARGEST, decode, parse, read_source, refuse_data
from selfimprove.codebase.measure.walk import Walk
from selfimprove.errors import SelfimproveError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LARGEST", "maintainability", "measure", "rank", "read_source"]

_DEEP_STACK = 256 * 2**20
_DEEP_RECURSION = 100_000
_deep = threading.Lock()


def measure(source: bytes, *, extra: bool = False, notebook: bool = False) -> FileMetrics:
    """Measure one file. ``extra`` adds what only some rules need; ``notebook``: the source is an .ipynb file.

    The numbers are those of radon 6.0.1 with the same interpreter, to the last bit. Bytes are decoded as
    Python does. Raises MeasureError with the reason, after the line where there is one.
    """
    cells: tuple[tuple[int, int], ...] = ()
    if notebook:
        from selfimprove.codebase.measure.notebook import code_of

        text, cells = code_of(source)
    else:
        refuse_data(len(source))
        text = decode(source)
    try:
        try:
            return _measure(text, cells, extra=extra)
        except RecursionError:
            from concurrent.futures import ThreadPoolExecutor  # slow to load, and hardly any file needs it

            with _deep, _room(), ThreadPoolExecutor(1) as pool:
                return pool.submit(_measure, text, cells, extra=extra).result()
    except (SelfimproveError, MeasureError):  # Ctrl-C arrives as one
        raise
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise MeasureError(f"{line}syntax error: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise MeasureError("it is nested too deeply for Python's parser") from error
    except Exception as error:  # one odd file must not end the audit of all others
        raise MeasureError(f"it cannot be measured: {type(error).__name__}: {error}") from error


def _measure(text: str, cells: tuple[tuple[int, int], ...], *, extra: bool) -> FileMetrics:
    collecting = gc.isenabled()
    gc.disable()  # a syntax tree has no cycles, but makes the collector run over all of it again and again
    try:
        tree = parse(text)
        walk = Walk(tree)
        lines = [*map(str.strip, text.split("\n"))]
        raw = scan(text, lines)
        reference = raw is None
        if raw is None:
            from selfimprove.codebase.measure.reference import count

            raw = count(text)
        index = maintainability(walk.halstead, walk.total_complexity, raw)
        metrics = FileMetrics(
            functions=walk.functions(Bodies(lines)),
            maintainability=index,
            rank=rank(index),
            lines=len(lines) - text.endswith("\n"),
            total_complexity=walk.total_complexity,
            classes=walk.classes(),
            raw=raw,
            halstead=walk.halstead,
            suppressions=suppressions(text),
            cells=cells,
            reference=reference,
        )
        if extra:
            from selfimprove.codebase.measure.extra import add_extra

            metrics = add_extra(tree, text, metrics)
        return metrics
    finally:
        if collecting:
            gc.enable()


def maintainability(halstead: Halstead, complexity: int, raw: Raw) -> float:
    """Return the maintainability index, 0 to 100, with the operations in the order of radon's ``mi_compute``.

    Of 171 - 5.2 ln V - 0.23 G - 16.2 ln L + 50 sin sqrt(2.46 C), scaled to 100: V is Halstead's volume, G the
    complexity, L the logical lines, C the share of comment lines, docstrings among them, as an angle.
    """
    vocabulary, length = halstead.h1 + halstead.h2, halstead.N1 + halstead.N2
    volume = length * math.log(vocabulary, 2) if vocabulary else 0
    if volume <= 0 or raw.lloc <= 0:
        return 100.0
    comments = (raw.comments + raw.multi) / float(raw.sloc) * 100 if raw.sloc else 0
    index = (
        171
        - 5.2 * math.log(volume)
        - 0.23 * complexity
        - 16.2 * math.log(raw.lloc)
        + 50 * math.sin(math.sqrt(2.46 * math.radians(comments)))
    )
    return min(max(0.0, index * 100 / 171.0), 100.0)


def rank(index: float) -> str:
    """Return radon's letter for a maintainability index: A over 19, B over 9, else C."""
    return "A" if index > 19 else "B" if index > 9 else "C"


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
