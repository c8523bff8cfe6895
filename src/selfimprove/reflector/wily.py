"""Wily: a trend as the program wily sees it, run afresh each time in a throwaway clone."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.scan import commit_files
from selfimprove.errors import SelfimproveError, UsageError
from selfimprove.model.audit import Revision, Trend, TrendLine
from selfimprove.model.history import MEASURED
from selfimprove.tools.git.clone import disposable_clone
from selfimprove.tools.git.history import first_parents, is_shallow, tree_blobs
from selfimprove.tools.shell.process import capture
from selfimprove.tools.shell.venv import python_with

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from selfimprove.tools.git.clone import Clone
    from selfimprove.tools.git.repo import Repo

REQUIREMENT = "wily==1.25.0"
MOST_MOVERS = 20


class Source(NamedTuple):
    """Where wily keeps a metric: its operator and the key there; whether files join by ``sum`` or ``mean``."""

    operator: str
    key: str
    join: str


METRICS = {
    "complexity": Source("cyclomatic", "complexity", "sum"),
    "maintainability": Source("maintainability", "mi", "mean"),
    "lines": Source("raw", "loc", "sum"),
    "sloc": Source("raw", "sloc", "sum"),
    "lloc": Source("raw", "lloc", "sum"),
    "comments": Source("raw", "comments", "sum"),
}
"""The metrics that wily has, under our names.

wily's complexity is not ours: to that of all functions it adds that of the classes, and it does not count
``assert``, closures, or what radon 5.1 does not know (``match``). A file that cannot be parsed counts 0.
"""


def wily_trend(
    repo: Repo,
    count: int,
    metric: str = "complexity",
    *,
    folder: Path,
    program: str | None = None,
    paths: Sequence[str] = (),
    exclude: Sequence[str] = (),
    merged: bool = False,
) -> Trend:
    """Return ``metric`` (a key of METRICS) in the last ``count`` revisions, with wily's numbers.

    wily takes over what a commit did not change from the commit that its list has before, and that list
    mixes the commits of all branches: its numbers are wrong after a merge. So it gets the branch's own line
    only, each commit with its first parent for its only one, and no results of an earlier run. ``merged``
    shows it all commits, as it would see them without that.

    wily is installed once, into an environment in ``folder`` (see :func:`python_with`), unless ``program`` is
    the path of one. It works in a throwaway clone, so that nothing in ``repo`` changes.

    The total joins the files: the sum, and for maintainability the mean weighted by lines. There is a line
    for each file of ``paths``, without any for those that moved most. Renamed files are not followed: wily
    knows a file by its name. Raises UsageError for a metric that wily does not have, MissingTool without
    wily, and SelfimproveError with wily's own words when it fails.
    """
    source = METRICS.get(metric)
    if source is None:
        raise UsageError(
            f"wily has no metric {metric}", where=metric, hint=f"with wily it is one of {', '.join(METRICS)}"
        )
    command = [program] if program else [str(python_with(REQUIREMENT, folder, repo.environ)), "-m", "wily"]
    line = first_parents(repo, count)
    if not line:
        return Trend(metric, (), ())
    head = line[0].id
    with disposable_clone(repo, head, None if merged else [commit.id for commit in line]) as clone:
        revisions = list(_revisions(clone, count))
        tables = [_Table.read(row, source) for row in _build(command, clone, revisions, source)]
    chosen = commit_files(tree_blobs(repo, head), paths, exclude).files
    only = set(chosen) if paths or exclude else None
    return Trend(
        metric,
        tuple(revisions),
        tuple(table.total(source.join, only) for table in tables),
        tuple(_lines(chosen, tables, None if paths else MOST_MOVERS)),
        complete=len(line) >= count or not is_shallow(repo),
    )


def _revisions(clone: Clone, count: int) -> Iterator[Revision]:
    """Yield the revisions that wily will look at, the oldest first."""
    form = "--format=tformat:%H%x00%at%x00%aN%x00%s"
    out = clone.git("log", f"--max-count={count}", "--reverse", "--encoding=UTF-8", form)
    for row in out.decode(errors="replace").splitlines():
        commit, when, author, subject = row.split("\0")
        yield Revision(commit, float(when or 0), author, subject)


def _build(
    command: Sequence[str], clone: Clone, revisions: Sequence[Revision], source: Source
) -> Iterator[dict[str, Any]]:
    """Run wily and yield what it kept of each revision, by operator and path."""
    cache = clone.home / "wily"
    # A file of settings in the repository would have wily measure something else.
    settings = ("--config", str(clone.home / "none.cfg"), "--cache", str(cache))
    operators = ",".join(dict.fromkeys((source.operator, "raw")))
    argv = [*command, *settings, "build", "-n", str(len(revisions)), "-o", operators, "."]
    done = capture(argv, cwd=clone.path, env=clone.environ)
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.exit_code:
        raise SelfimproveError(
            f"wily failed: {said.rpartition(chr(10))[2] or f'exit code {done.exit_code}'}",
            where=" ".join(argv[:-1]),
            hint="leave --history wily out: the trend from git's own objects needs no wily",
        )
    for revision in revisions:
        # What wily's list names and its cache lacks had no Python file in it.
        kept = cache / "git" / f"{revision.commit}.json"
        yield json.loads(kept.read_bytes())["operator_data"] if kept.exists() else {}


class _Table(NamedTuple):
    """The value and the lines of each file of one revision."""

    values: dict[str, float]
    lines: dict[str, float]

    @classmethod
    def read(cls, data: Mapping[str, Any], source: Source) -> _Table:
        return cls(_numbers(data.get(source.operator, {}), source.key), _numbers(data.get("raw", {}), "loc"))

    def total(self, join: str, only: Collection[str] | None) -> float | None:
        """Join the files; wily's own totals also add up what it made of folders, from earlier revisions too."""
        pairs = [
            (value, self.lines.get(path, 0.0))
            for path, value in self.values.items()
            if only is None or path in only
        ]
        if not pairs:
            return None
        if join == "sum":
            return sum(value for value, _ in pairs)
        weight = math.fsum(lines for _, lines in pairs)
        return math.fsum(value * lines for value, lines in pairs) / weight if weight else None


def _numbers(rows: Mapping[str, Any], key: str) -> dict[str, float]:
    """Return the numbers of Python files; folders and what could not be measured have none."""
    found = ((path, row.get("total", {}).get(key)) for path, row in rows.items() if path.endswith(MEASURED))
    return {path: value for path, value in found if isinstance(value, int | float)}


def _lines(paths: Iterable[str], tables: Sequence[_Table], most: int | None) -> list[TrendLine]:
    """Return the line of each file, what moved most first; with ``most``, so many at most and only movers."""
    lines = [TrendLine(path, "", tuple(table.values.get(path) for table in tables)) for path in paths]
    lines.sort(key=lambda line: (-_moved(line.values), line.path))
    return lines if most is None else [line for line in lines if _moved(line.values)][:most]


def _moved(values: Sequence[float | None]) -> float:
    return abs((values[-1] or 0.0) - (values[0] or 0.0))
