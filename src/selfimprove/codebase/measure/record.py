"""Record: what is measured in one file, and its form in the cache."""

from __future__ import annotations

import marshal
from typing import Any, NamedTuple


class MeasureError(Exception):
    """The source cannot be measured; the message is the reason, in words that follow "not analysed: "."""


class FunctionMetrics(NamedTuple):
    """One function, method or closure. ``symbol`` is qualified; ``line`` and ``end_line`` count from 1.

    ``line`` is that of the ``def``, ``first_line`` that of the first decorator. ``ordinal`` tells apart
    functions of one name in one file, 1 being the first from the top. ``complexity`` is radon's cyclomatic
    complexity; closures have their own and do not add to the function around them. ``body`` is 16 hex digits
    over the structure of the function without its name, so that a renamed function is known again.

    The others are None until the extra metrics are asked for. ``cognitive`` is complexipy's number;
    ``length`` counts lines from ``def`` to the end; ``nesting`` is the deepest level of blocks;
    ``parameters`` leaves out self and cls; ``branches`` and ``returns`` count as pylint's R0912 and R0911 do.
    """

    symbol: str
    ordinal: int
    line: int
    end_line: int
    complexity: int
    kind: str = "function"
    first_line: int = 0
    body: str = ""
    cognitive: int | None = None
    length: int | None = None
    nesting: int | None = None
    parameters: int | None = None
    branches: int | None = None
    returns: int | None = None


class ClassMetrics(NamedTuple):
    """One class; ``complexity`` is radon's: the mean over its methods plus one, rounded as radon does."""

    symbol: str
    line: int
    end_line: int
    complexity: int


class Raw(NamedTuple):
    """radon's raw metrics: lines, logical lines, source lines, comments, lines of docstrings, blank lines."""

    loc: int
    lloc: int
    sloc: int
    comments: int
    multi: int
    blank: int
    single_comments: int


class Halstead(NamedTuple):
    """radon's Halstead counts of a file: distinct and total operators and operands (h1, h2, N1, N2)."""

    h1: int
    h2: int
    N1: int
    N2: int


class Suppression(NamedTuple):
    """A comment ``# selfimprove: ignore[SI101] reason``. ``own_line`` says that nothing else is in its line."""

    line: int
    rules: tuple[str, ...]
    reason: str
    own_line: bool


class Import(NamedTuple):
    """One import that runs when the module is loaded. ``level`` counts leading dots.

    ``from a import b`` has module ``a`` and name ``b``; ``import a.b`` has module ``a.b`` and name ``""``.
    """

    module: str
    name: str
    level: int
    line: int


class Extra(NamedTuple):
    """What only some rules need: imports, and the hashes by which duplicated blocks are found.

    ``blocks`` are triples: a hash over a window of statements, its first line and its last line.
    """

    imports: tuple[Import, ...] = ()
    blocks: tuple[tuple[int, int, int], ...] = ()


class FileMetrics(NamedTuple):
    """``functions`` from top to bottom; ``maintainability`` 0 to 100; ``rank`` A (over 19), B (over 9), C.

    ``total_complexity`` is radon's for the module. ``cells`` are the first lines of a notebook's code cells
    in the text that was measured, with the cell's number from 1. ``reference`` is true when radon itself had
    to measure. ``extra`` is None until it is asked for.
    """

    functions: tuple[FunctionMetrics, ...]
    maintainability: float
    rank: str
    lines: int
    total_complexity: int = 0
    classes: tuple[ClassMetrics, ...] = ()
    raw: Raw = Raw(0, 0, 0, 0, 0, 0, 0)
    halstead: Halstead = Halstead(0, 0, 0, 0)
    suppressions: tuple[Suppression, ...] = ()
    cells: tuple[tuple[int, int], ...] = ()
    reference: bool = False
    extra: Extra | None = None


def pack(metrics: FileMetrics | str) -> bytes:
    """Return the metrics, or the reason why there are none, as the cache holds them.

    Not as JSON, which takes twice as long to read: that is what a warm audit mostly does. The cache has a
    sum over each row, and belongs to one minor version of Python.
    """
    return marshal.dumps(metrics if isinstance(metrics, str) else _plain(metrics))


def _plain(metrics: FileMetrics) -> tuple[Any, ...]:
    """Return the metrics as tuples of the plain kind, which marshal takes."""
    lists = ("functions", "classes", "suppressions")
    row: dict[str, Any] = metrics._asdict()
    row |= {name: tuple(map(tuple, row[name])) for name in lists}
    row |= {"raw": tuple(metrics.raw), "halstead": tuple(metrics.halstead)}
    if metrics.extra:
        row["extra"] = tuple(map(tuple, metrics.extra.imports)), metrics.extra.blocks
    return tuple(row.values())


def unpack(data: bytes) -> FileMetrics | str:
    """Return what was packed. Raises ValueError for anything else."""
    try:
        row = marshal.loads(data)  # noqa: S302 (only from our own cache or worker)
        return row if isinstance(row, str) else _metrics(row)
    except (TypeError, EOFError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"not packed metrics: {error}") from error


def _metrics(row: tuple[Any, ...]) -> FileMetrics:
    functions, maintainability, rank, lines, total, classes, raw, halstead, suppressions, cells, *rest = row
    reference, extra = rest
    return FileMetrics(
        tuple(map(FunctionMetrics._make, functions)),
        *(maintainability, rank, lines, total),
        tuple(map(ClassMetrics._make, classes)),
        *(Raw._make(raw), Halstead._make(halstead)),
        tuple(map(Suppression._make, suppressions)),
        *(cells, reference),
        extra and Extra(tuple(map(Import._make, extra[0])), extra[1]),
    )


def metrics_data(path: str, metrics: FileMetrics) -> dict[str, Any]:
    """Return the metrics of a file as plain data for JSON."""
    data = metrics._asdict()
    del data["extra"], data["cells"]
    for name in ("functions", "classes", "suppressions"):
        data[name] = [one._asdict() for one in data[name]]
    return {"path": path} | data | {"raw": metrics.raw._asdict(), "halstead": metrics.halstead._asdict()}
