"""Metrics of a trend: what each says of a file and of a function, and how files make a total."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfimprove.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from selfimprove.codebase.measure.record import FileMetrics, FunctionMetrics


@dataclass(frozen=True, slots=True)
class Metric:
    """What a trend can show: ``words`` for people, the value of a file and that of a function.

    ``join`` says how files become a total: their ``sum``, the ``max``, or the ``mean`` weighted by
    ``weight``. ``of_function`` is None for what only files have. ``extra`` needs the extra metrics.
    """

    words: str
    of_file: Callable[[FileMetrics], float | None]
    of_function: Callable[[FunctionMetrics], float | None] | None = None
    join: str = "sum"
    weight: Callable[[FileMetrics], float] = lambda _: 1.0
    extra: bool = False


def _complexity(metrics: FileMetrics) -> int:
    return sum(function.complexity for function in metrics.functions)


def _mean_complexity(metrics: FileMetrics) -> float | None:
    return _complexity(metrics) / len(metrics.functions) if metrics.functions else None


def _volume(metrics: FileMetrics) -> float:
    """Halstead (1977): V = N log2 n, of all operators and operands N and the distinct ones n."""
    counts = metrics.halstead
    vocabulary = counts.h1 + counts.h2
    return (counts.N1 + counts.N2) * math.log2(vocabulary) if vocabulary else 0.0


def _cognitive(metrics: FileMetrics) -> int | None:
    if metrics.extra is None:  # measured without it: no number is better than a wrong one
        return None
    return sum(function.cognitive or 0 for function in metrics.functions)


def _length(function: FunctionMetrics) -> int:
    return function.end_line - function.line + 1


# The mean maintainability is weighted by lines: a hundred empty __init__.py at 100 would hide the rest.
# An empty file counts like one line.
# Weighted by functions, the mean complexity of files is that of all functions.
METRICS: dict[str, Metric] = {
    "complexity": Metric("cyclomatic complexity, summed over functions", _complexity, lambda f: f.complexity),
    "mean-complexity": Metric(
        "mean cyclomatic complexity of a function",
        _mean_complexity,
        lambda f: f.complexity,
        join="mean",
        weight=lambda m: len(m.functions),
    ),
    "worst": Metric(
        "cyclomatic complexity of the worst function",
        lambda m: max((f.complexity for f in m.functions), default=0),
        lambda f: f.complexity,
        join="max",
    ),
    "maintainability": Metric(
        "maintainability index, mean over lines",
        lambda m: m.maintainability,
        join="mean",
        weight=lambda m: max(1, m.raw.loc),
    ),
    "lines": Metric("lines", lambda m: m.raw.loc, _length),
    "sloc": Metric("source lines", lambda m: m.raw.sloc),
    "lloc": Metric("logical lines", lambda m: m.raw.lloc),
    "comments": Metric("comment lines", lambda m: m.raw.comments),
    "volume": Metric("Halstead volume", _volume),
    "functions": Metric("functions", lambda m: len(m.functions)),
    "files": Metric("files", lambda _: 1),
    "cognitive": Metric(
        "cognitive complexity, summed over functions", _cognitive, lambda f: f.cognitive, extra=True
    ),
}


def metric_named(name: str, *, of_function: bool = False) -> Metric:
    """Return one of METRICS. Raises UsageError, with the nearest name; also when only files have it."""
    found = METRICS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, METRICS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(METRICS)}"
        raise UsageError(f"there is no metric {name}", where=name, hint=hint)
    if of_function and found.of_function is None:
        able = ", ".join(key for key, one in METRICS.items() if one.of_function)
        raise UsageError(f"{name} is a metric of files, not of functions", where=name, hint=f"ask for {able}")
    return found
