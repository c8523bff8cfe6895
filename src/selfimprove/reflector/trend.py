"""Trend: any metric over any number of revisions, found by undoing one commit after the other from HEAD's tree."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

from selfimprove.codebase.measure.record import FileMetrics
from selfimprove.codebase.scan import commit_files
from selfimprove.errors import UsageError
from selfimprove.model.audit import NotAnalysed, Revision, Trend, TrendLine
from selfimprove.model.history import Change, Commit
from selfimprove.reflector.renames import places, renamed_functions
from selfimprove.reflector.trend_metrics import metric_named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from selfimprove.codebase.measure.record import FunctionMetrics
    from selfimprove.reflector.renames import Place
    from selfimprove.reflector.trend_metrics import Metric

MOST_MOVERS = 20
"""So many files have a line of their own when nobody names any."""

_HERE = "\0"  # begins what stands for the blob of a file as it lies in the person's tree


class Engine(Protocol):
    """What measures: see :class:`selfimprove.reflector.engine.Engine`."""

    def blobs(
        self, wanted: Iterable[tuple[str, str]], *, extra: bool = False
    ) -> dict[str, FileMetrics | NotAnalysed]:
        """Return the metrics by blob id of (blob id, path)."""


class Now(NamedTuple):
    """The person's tree as the newest point: when it was measured (seconds since the epoch) and what it gave.

    ``moved`` has the path in HEAD by the path of today, for files that were renamed since. ``sparse`` are
    files that are not there because a sparse checkout leaves them out: they count as HEAD has them.
    """

    time: float
    measured: Mapping[str, FileMetrics | NotAnalysed]
    moved: Mapping[str, str]
    sparse: Collection[str] = ()


class Point(NamedTuple):
    """From revision ``at`` (0 is the newest) back, a file has the content ``blob``; ``""`` is no file."""

    at: int
    blob: str
    path: str


@dataclass(slots=True)
class _Track:
    """One file through the revisions; ``name`` is its last one, ``points`` where it changes, newest first."""

    name: str
    points: list[Point] = field(default_factory=list)

    def over(self, count: int) -> list[str]:
        """Return the blob in each of ``count`` revisions."""
        ends = [point.at for point in self.points[1:]] + [count]
        before = [""] * (self.points[0].at if self.points else count)
        return before + [
            point.blob for point, end in zip(self.points, ends, strict=True) for _ in range(end - point.at)
        ]


def trend(
    metric: str,
    commits: Sequence[Commit],
    tree: Mapping[str, str],
    engine: Engine,
    *,
    paths: Sequence[str] = (),
    symbols: Sequence[tuple[str, str]] = (),
    exclude: Sequence[str] = (),
    now: Now | None = None,
    complete: bool = True,
    say: Callable[[NotAnalysed], object] | None = None,
) -> Trend:
    """Return ``metric`` (a key of METRICS) in each of ``commits``, which are one line, the newest first.

    ``tree`` is path -> blob id in the newest commit. Every content is measured once however many revisions
    have it. The total is over all files of a revision, or those that ``paths`` name and ``exclude`` does not,
    by the names that they had last. There is a line for each file of ``paths`` and each (path, symbol) of
    ``symbols``, where ``name#2`` is the second function of that name; without either, for the files that
    moved most. Renamed files are followed, and functions whose body is found again under one other name.

    What cannot be measured has the value None, does not count, and is told to ``say``, once for each file.
    Raises UsageError for a metric or a function that does not exist.
    """
    chosen_metric = metric_named(metric, of_function=bool(symbols))
    if now:
        commits, tree = _with(now, commits, tree)
    tracks = _tracks(commits, tree)
    scan = commit_files({track.name: "" for track in tracks}, paths, exclude)
    chosen = set(scan.files)
    tracks = [track for track in tracks if track.name in chosen]
    measured = _measured(tracks, engine, chosen_metric.extra, now)
    if say:
        for left_out in (*scan.left_out, *_unmeasured(tracks, commits, measured)):
            say(left_out)
    known = {blob: found for blob, found in measured.items() if isinstance(found, FileMetrics)}
    count = len(commits)
    lines = _functions(tracks, known, chosen_metric, symbols, count)
    if paths or not symbols:
        lines += _files(tracks, known, chosen_metric, count, most=None if paths else MOST_MOVERS)
    return Trend(
        metric,
        tuple(Revision(one.id, one.time, one.author, one.subject) for one in reversed(commits)),
        tuple(reversed(list(_totals(tracks, known, chosen_metric, count)))),
        tuple(lines),
        complete,
    )


def _with(
    now: Now, commits: Sequence[Commit], tree: Mapping[str, str]
) -> tuple[list[Commit], dict[str, str]]:
    """Return the history and the tree with what is not committed as one more commit."""
    came_from = {path: now.moved.get(path, path) for path in now.measured}
    changes = [
        Change(tree.get(old, ""), _HERE + path, old if old in tree else "", path)
        for path, old in came_from.items()
    ]
    kept = {path: tree[path] for path in now.sparse if path in tree}
    gone = tree.keys() - came_from.values() - kept.keys()
    changes += [Change(tree[path], "", path, path) for path in sorted(gone)]
    newest = Commit("", now.time, "", "", tuple(changes))
    return [newest, *commits], kept | {path: _HERE + path for path in now.measured}


def _tracks(commits: Sequence[Commit], tree: Mapping[str, str]) -> list[_Track]:
    """Return the files of all revisions, each followed through its renames."""
    alive = {path: _Track(path, [Point(0, blob, path)]) for path, blob in tree.items()}
    found = list(alive.values())
    added: dict[str, _Track] = {}  # a path that is deleted and later added again stays one file
    for at, commit in enumerate(commits[:-1], start=1):
        after = {change.path: alive.pop(change.path, None) for change in commit.changes if change.new}
        for change in commit.changes:
            track = after.get(change.path) if change.new else added.pop(change.old_path, None)
            if track is None:
                track = _Track(change.path)
                found.append(track)
            track.points.append(Point(at, change.old, change.old_path or change.path))
            if change.old:
                alive[change.old_path] = track
            else:
                added[change.path] = track
    return found


def _measured(
    tracks: Iterable[_Track], engine: Engine, extra: bool, now: Now | None
) -> dict[str, FileMetrics | NotAnalysed]:
    wanted = {point.blob: point.path for track in tracks for point in track.points if point.blob}
    committed = [(blob, path) for blob, path in wanted.items() if not blob.startswith(_HERE)]
    here = {_HERE + path: found for path, found in now.measured.items()} if now else {}
    return engine.blobs(committed, extra=extra) | here


def _unmeasured(
    tracks: Iterable[_Track], commits: Sequence[Commit], measured: Mapping[str, FileMetrics | NotAnalysed]
) -> Iterator[NotAnalysed]:
    """Yield for each file once why its newest content that fails does, where that is, and how many do."""
    for track in tracks:
        failed = [
            (point, found.reason)
            for point in track.points
            if isinstance(found := measured.get(point.blob), NotAnalysed)
        ]
        if failed:
            point, reason = failed[0]
            commit = commits[point.at].id
            place = f", in {commit[:12]}" if commit else ""
            older = len({other.blob for other, _ in failed}) - 1
            more = f" and {older} older {'version' if older == 1 else 'versions'}" if older else ""
            yield NotAnalysed(point.path, f"{reason}{place}{more}")


def _totals(
    tracks: Sequence[_Track], known: Mapping[str, FileMetrics], metric: Metric, count: int
) -> Iterator[float | None]:
    """Yield the total of each revision, the newest first."""
    changing: list[list[tuple[int, str]]] = [[] for _ in range(count)]
    for number, track in enumerate(tracks):
        for point in track.points:
            changing[point.at].append((number, point.blob))
    values: dict[int, tuple[float, float]] = {}
    for changes in changing:
        for number, blob in changes:
            values.pop(number, None)
            found = known.get(blob)
            if found and (value := metric.of_file(found)) is not None:
                values[number] = (value, metric.weight(found))
        yield _join(metric.join, values.values())


def _join(how: str, values: Iterable[tuple[float, float]]) -> float | None:
    pairs = list(values)
    if not pairs:
        return None
    if how == "mean":
        weight = math.fsum(weight for _, weight in pairs)
        return math.fsum(value * weight for value, weight in pairs) / weight if weight else None
    plain = [value for value, _ in pairs]
    return max(plain) if how == "max" else sum(plain)


def _files(
    tracks: Iterable[_Track],
    known: Mapping[str, FileMetrics],
    metric: Metric,
    count: int,
    *,
    most: int | None,
) -> list[TrendLine]:
    """Return the lines of files, what moved most first; with ``most``, so many at most and only movers."""
    numbers = {blob: metric.of_file(found) for blob, found in known.items()}
    rows = []
    for track in tracks:
        blobs = list(reversed(track.over(count)))
        values = tuple(numbers.get(blob) for blob in blobs)
        absent = 0.0 if metric.join != "mean" else None
        steps = [absent if not blob else value for blob, value in zip(blobs, values, strict=True)]
        rows.append((_moved(steps), TrendLine(track.name, "", values)))
    rows.sort(key=lambda row: (-row[0][0], -row[0][1], row[1].path))
    if most is None:
        return [line for _, line in rows]
    return [line for moved, line in rows if any(moved)][:most]


def _moved(values: Iterable[float | None]) -> tuple[float, float]:
    """Return how far the last value is from the first, and how long the way was."""
    known = [value for value in values if value is not None]
    if not known:
        return 0.0, 0.0
    return abs(known[-1] - known[0]), sum(abs(b - a) for a, b in pairwise(known))


def _functions(
    tracks: Sequence[_Track],
    known: Mapping[str, FileMetrics],
    metric: Metric,
    symbols: Iterable[tuple[str, str]],
    count: int,
) -> list[TrendLine]:
    """Return the lines of the functions that were asked for, in that order."""
    lines = []
    for path, symbol in dict.fromkeys(symbols):
        values: list[float | None] = []
        for track in (track for track in tracks if track.name == path):
            found = list(_followed(track, _place(symbol), tracks, known, count))
            values = [metric.of_function(one) if one and metric.of_function else None for one in found]
            if any(found):
                break
        else:
            raise _no_such(path, symbol, tracks, known)
        lines.append(TrendLine(path, symbol, tuple(reversed(values))))
    return lines


def _place(symbol: str) -> Place:
    name, _, ordinal = symbol.partition("#")
    return name, int(ordinal) if ordinal.isdecimal() else 1


def _no_such(
    path: str, symbol: str, tracks: Iterable[_Track], known: Mapping[str, FileMetrics]
) -> UsageError:
    names = {
        function.symbol
        for track in tracks
        for point in track.points
        if track.name == path and point.blob in known
        for function in known[point.blob].functions
    }
    near = difflib.get_close_matches(symbol, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "name it as the findings do: Class.method"
    return UsageError(f"{path} has no function {symbol} in these revisions", where=path, hint=hint)


def _followed(
    track: _Track, place: Place, tracks: Sequence[_Track], known: Mapping[str, FileMetrics], count: int
) -> Iterator[FunctionMetrics | None]:
    """Yield one function in each revision, the newest first, under the names and in the files it had."""
    blobs = track.over(count)
    later: FileMetrics | None = None  # the last file that was seen and had it
    for at in range(count):
        found = known.get(blobs[at])
        if later and (found or not blobs[at]) and (found is None or place not in places(found)):
            before = renamed_functions(later, found).get(place) if found else None
            if before:
                place = before
            elif source := _moved_from(at, later, place, tracks, known):
                track, place = source
                blobs = track.over(count)
                found = known.get(blobs[at])
            later = None if found is None or place not in places(found) else later
        function = _function(found, place) if found else None
        later = found if function else later
        yield function


def _function(metrics: FileMetrics, place: Place) -> FunctionMetrics | None:
    return next((one for one in metrics.functions if (one.symbol, one.ordinal) == place), None)


def _moved_from(
    at: int, later: FileMetrics, place: Place, tracks: Iterable[_Track], known: Mapping[str, FileMetrics]
) -> tuple[_Track, Place] | None:
    """Return the one function with the same body that the commit after revision ``at`` took from some file."""
    body = places(later).get(place)
    found: list[tuple[_Track, Place]] = []
    for track in tracks if body else ():
        at_points = [i for i, point in enumerate(track.points) if point.at == at and point.blob in known]
        for i in at_points:
            newer = known.get(track.points[i - 1].blob) if i else None
            kept = places(newer) if newer else {}
            found += [
                (track, there)
                for there, other in places(known[track.points[i].blob]).items()
                if other == body and there not in kept
            ]
    return found[0] if len(found) == 1 else None
