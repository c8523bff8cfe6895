"""Rewritten: facts about a rewrite without a model: its new lines are run, nothing is worse, the API is the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.measure.record import MeasureError
from selfimprove.executor.proving.executed import missing_lines, statement_lines
from selfimprove.executor.proving.tracing import in_words, is_traced
from selfimprove.executor.refactor.rewrite import functions_of
from selfimprove.executor.refactor.source import Source
from selfimprove.executor.vetoes.files import is_test
from selfimprove.model.outcome import CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selfimprove.codebase.measure.record import FunctionMetrics
    from selfimprove.executor.proving.tracing import Ranges
    from selfimprove.model.testrun import TestRun

UNPROVED = "unproved"
"""How the words begin for which a rewrite is held back that no test has run."""

_LIMITS = {"complexity": 10}
_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_SHOWN = 4


class Piece(NamedTuple):
    """Statements that tests must run: their first lines in ``path``, and the function that they are in."""

    path: str
    symbol: str
    lines: tuple[int, ...]


def whole_files(files: Mapping[str, bytes]) -> dict[str, list[list[int]]]:
    """Return the ranges of all lines of Python files; of tests nothing needs to be known."""
    return {
        path: [[1, content.count(b"\n") + content.count(b"\r") + 1]]
        for path, content in sorted(files.items())
        if path.endswith(".py") and not is_test(path)
    }


def pieces(rewrite: Mapping[str, Any], files: Mapping[str, bytes], changed: Ranges) -> list[Piece]:
    """Return what tests must have run of a rewrite, so that their being green says something about it.

    Those are all statements of each new function: where it is called, a difference would show nothing but how lines
    were matched. Without a new one they are the changed ones of the functions that were rewritten; of a
    rewrite that names no function, all changed ones. ``files`` are the changed files as they are now, ``changed`` has
    their new lines. Raises RefactorError for a file that does not parse.
    """
    found: list[Piece] = []
    seen: set[tuple[str, int]] = set()
    for path, symbol, first, last in rewrite.get("added") or _rewritten(rewrite, files, changed):
        lines = statement_lines(Source.read(path, files[path]).text, first, last)
        fresh = tuple(line for line in lines if (path, line) not in seen)
        seen.update((path, line) for line in fresh)
        if fresh:
            found.append(Piece(path, symbol, fresh))
    return found


def _rewritten(
    rewrite: Mapping[str, Any], files: Mapping[str, bytes], changed: Ranges
) -> Iterator[tuple[str, str, int, int]]:
    named = [(path, symbol, ordinal) for path, symbol, ordinal in rewrite.get("functions", ())]
    for path, spans in sorted(changed.items()):
        if path not in files or not path.endswith(".py") or is_test(path):
            continue
        functions = _functions(files[path])
        for first, last in spans:
            if not named:
                yield path, _innermost(functions, first), first, last
            for one in functions.values():
                if (path, one.symbol, one.ordinal) in named:
                    yield path, one.symbol, max(first, one.line), min(last, one.end_line)


def _functions(content: bytes) -> dict[tuple[str, int], FunctionMetrics]:
    try:
        return functions_of(content)
    except MeasureError:
        return {}


def _innermost(functions: Mapping[tuple[str, int], FunctionMetrics], line: int) -> str:
    around = [one for one in functions.values() if one.line <= line <= one.end_line]
    return max(around, key=lambda one: one.line).symbol if around else ""


def coverage_fact(
    wanted: Sequence[Piece], files: Mapping[str, bytes], run: TestRun | None
) -> tuple[CheckResult, dict[str, Any]]:
    """Return the fact that the tests ran every line of ``wanted``, and the numbers; without it, which are missing.

    ``run`` is the run of the whole suite on these ``files``, None when there are no tests.
    """
    total = sum(len(one.lines) for one in wanted)
    if run is None:
        said = f"{UNPROVED}: the repository has no tests"
        detail = "Write a test that runs it first." if total else ""
        return CheckResult("coverage", False, said, detail=detail), _numbers(0, total, [])
    if not total:
        return CheckResult("coverage", True, "no new lines"), _numbers(0, 0, [])
    if not is_traced(run, {one.path: [[line, line] for line in one.lines] for one in wanted}):
        why = (
            run.problem
            or f"only pytest and unittest tell, and the tests are run by {run.runner or 'a command'}"
        )
        said = f"{UNPROVED}: which lines the tests run is not known: {why}"
        return CheckResult("coverage", False, said), _numbers(0, total, [])
    missing = [left for one in wanted if (left := _left(one, files, run)).lines]
    executed = total - sum(len(one.lines) for one in missing)
    numbers = _numbers(executed, total, missing)
    if missing:
        return _unproved(missing, executed, total, run.displaced), numbers
    return CheckResult("coverage", True, f"{total} of {total} new lines run by tests"), numbers


def _unproved(missing: Sequence[Piece], executed: int, total: int, displaced: str) -> CheckResult:
    more = f"; and {len(missing) - 1} more" if len(missing) > 1 else ""
    said = f"{UNPROVED}: no test runs {_place(missing[0])}{more}"
    if displaced:
        said += f" (as far as is known: {displaced} took the tracer's place for a time)"
    rows = [f"No test runs {_place(one)}." for one in missing[:_SHOWN]]
    rows.append(
        f"{executed} of {total} new lines are run by tests; the test that runs the others is missing."
    )
    return CheckResult("coverage", False, said, detail="\n".join(rows))


def _left(one: Piece, files: Mapping[str, bytes], run: TestRun) -> Piece:
    text = Source.read(one.path, files[one.path]).text
    hit = frozenset(run.lines.get(one.path, ()))
    missing = frozenset(missing_lines(text, min(one.lines), max(one.lines), hit))
    return one._replace(lines=tuple(line for line in one.lines if line in missing))


def _place(one: Piece) -> str:
    of = f" of {one.symbol}" if one.symbol else ""
    return f"{in_words(one.lines)}{of} ({one.path}:{one.lines[0]})"


def _numbers(executed: int, total: int, missing: Sequence[Piece]) -> dict[str, Any]:
    rows = [[one.path, one.symbol, list(one.lines)] for one in missing]
    return {"executed": executed, "total": total, "missing": rows}


def functions_fact(
    rewrite: Mapping[str, Any], before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> CheckResult:
    """Return the fact that the rewritten functions improved, that no other got worse, and each new one is small.

    Worse means a higher cyclomatic or cognitive complexity. ``before`` and ``after`` have the changed files.
    """
    named = {(path, symbol, ordinal) for path, symbol, ordinal in rewrite.get("functions", ())}
    wrong: list[str] = []
    said: list[str] = []
    fresh = 0
    for path in sorted(path for path in after if path.endswith(".py")):
        try:
            old, new = functions_of(before.get(path, b"")), functions_of(after[path])
        except MeasureError as error:
            return CheckResult("functions", False, f"{path}: {error}")
        for key, now in new.items():
            was = old.get(key)
            is_named = (path, *key) in named
            wrong += _faults(rewrite, was, now, is_named=is_named)
            fresh += was is None
            if was is not None and is_named and (better := _changes(was, now, up=False)):
                said.append(better)
    if wrong:
        detail = "".join(f"{one}\n" for one in wrong)
        return CheckResult("functions", False, wrong[0], detail=detail)
    if fresh:
        said.append(f"{fresh} new within the limit")
    return CheckResult(
        "functions", True, ", ".join([*said, "no other worse"] if said else ["none got worse"])
    )


def _faults(
    rewrite: Mapping[str, Any], was: FunctionMetrics | None, now: FunctionMetrics, *, is_named: bool
) -> list[str]:
    """Return what is wrong with one function: too complex as a new one, worse, or rewritten and no better."""
    if was is None:
        return [f"{now.symbol} has {one}" for one in _over(now, rewrite.get("limits") or _LIMITS)]
    worse = _changes(was, now, up=True)
    if worse and not _may_cost(rewrite, was, now):
        return [f"{now.symbol} got worse: {worse}"]
    if is_named and rewrite.get("added") and not _changes(was, now, up=False):
        return [f"{now.symbol} did not get better"]
    return []


def _may_cost(rewrite: Mapping[str, Any], was: FunctionMetrics, now: FunctionMetrics) -> bool:
    """True for a file that is closed in every case now: radon counts a ``with`` as a branch, which it hardly is."""
    return "with-open" in rewrite.get("rewrites", ()) and (now.cognitive or 0) <= (was.cognitive or 0)


def _over(now: FunctionMetrics, limits: Mapping[str, float]) -> list[str]:
    values = ((name, getattr(now, name, None), most) for name, most in limits.items())
    return [
        f"{name} {value}, limit {most}" for name, value, most in values if value is not None and value > most
    ]


def _changes(was: FunctionMetrics, now: FunctionMetrics, *, up: bool) -> str:
    """Return which of complexity and cognitive complexity went up (or down), as ``complexity 31 -> 9``."""
    found = []
    for name in ("complexity", "cognitive"):
        old, new = getattr(was, name), getattr(now, name)
        if old is not None and new is not None and (new > old if up else new < old):
            found.append(f"{name} {old} -> {new}")
    return ", ".join(found)


def api_fact(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> CheckResult:
    """Return the fact that those who import the project find the same names; both sides are whole trees.

    Raises MissingTool when it cannot be told without griffe.
    """
    from selfimprove.executor.refactor.api import api_changes

    found = api_changes(before, after)
    if not found:
        return CheckResult("api", True, "public names unchanged")
    return CheckResult("api", False, found[0], detail="\n".join(found[:20]))


def hunks(diff: bytes) -> list[list[int]]:
    """Return the runs of new lines (first, last) of a diff of one file without context."""
    spans = [[int(row[1]), int(row[1]) + int(row[2] or b"1") - 1] for row in _HUNK.finditer(diff)]
    return [span for span in spans if span[1] >= span[0]]
