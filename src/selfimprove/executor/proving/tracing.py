"""Tracing: which lines the tests are to be watched in, and what is known of them afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfimprove.model.testrun import TestRun

Ranges = Mapping[str, Sequence[Sequence[int]]]
"""By path as in the repository: ranges of lines, first and last, both in it."""


def ranges_of(trace: Ranges) -> dict[str, list[list[int]]]:
    """Return the same lines as few ranges, in order; ranges without a line fall away."""
    found = {path: _united(ranges) for path, ranges in sorted(trace.items())}
    return {path: ranges for path, ranges in found.items() if ranges}


def order_of(root: str, trace: Ranges) -> bytes:
    """Return the file that tells the observers to watch the ranges of ``trace`` in files below ``root``.

    Any Python must read it quickly: the root, then each path and its ranges ("4-19,25-30"), each ended by NUL.
    """
    rows = [root]
    for path, ranges in ranges_of(trace).items():
        rows += [path, ",".join(f"{first}-{last}" for first, last in ranges)]
    return "".join(f"{row}\0" for row in rows).encode("utf-8", "surrogateescape")


def joined_ranges(one: Ranges, other: Ranges) -> dict[str, list[list[int]]]:
    """Return what is in either."""
    paths = {**one, **other}
    return ranges_of({path: [*one.get(path, ()), *other.get(path, ())] for path in paths})


def joined_lines(
    one: Mapping[str, Sequence[int]], other: Mapping[str, Sequence[int]]
) -> dict[str, list[int]]:
    """Return the lines that are in either, by path."""
    return {path: sorted({*one.get(path, ()), *other.get(path, ())}) for path in sorted({**one, **other})}


def is_traced(run: TestRun, trace: Ranges | None) -> bool:
    """True when the run watched every line of ``trace``."""
    asked = ranges_of(trace or {})
    return all(
        _inside(first, last, run.traced.get(path, [])) for path in asked for first, last in asked[path]
    )


def in_words(lines: Sequence[int]) -> str:
    """Return line numbers as people write them: ``line 12``, ``lines 12-14 and 20``."""
    spans = [
        f"{first}-{last}" if last > first else str(first) for first, last in _united([n, n] for n in lines)
    ]
    said = " and ".join(spans) if len(spans) < 3 else f"{', '.join(spans[:-1])} and {spans[-1]}"
    return f"line{'s' * (len(lines) > 1)} {said}"


def _united(ranges: Iterable[Sequence[int]]) -> list[list[int]]:
    found: list[list[int]] = []
    for first, last in sorted((one[0], one[1]) for one in ranges):
        if last < first:
            continue
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found


def _inside(first: int, last: int, ranges: Sequence[Sequence[int]]) -> bool:
    return any(one[0] <= first and last <= one[1] for one in ranges)
