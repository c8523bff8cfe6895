"""Wily: a trend as the program wily sees it, run afresh each time in a throwaway clone."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.scan import commit_files
from selfimprove.errors import MissingTool, SelfimproveError, UsageError
from selfimprove.model.audit import Revision, Trend, TrendLine
from selfimprove.tools.git.clone import disposable_clone
from selfimprove.tools.git.history import first_parents, is_shallow, tree_blobs
from selfimprove.tools.shell.process import capture
from selfimprove.tools.shell.venv import python_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from selfimprove.model.history import Commit
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


class Wily:
    """wily 1.25.0. ``folder`` is where its environment is kept; ``program`` is used instead when given."""

    def __init__(self, folder: Path, environ: Mapping[str, str], program: str | None = None) -> None:
        self.folder = folder
        self.environ = environ
        self.program = program

    def command(self) -> list[str]:
        """Return what starts wily, after making its environment if need be. Raises MissingTool."""
        if self.program:
            return [self.program]
        return [str(python_with(REQUIREMENT, self.folder, self.environ)), "-m", "wily"]


def wily_trend(
    wily: Wily,
    repo: Repo,
    count: int,
    metric: str = "complexity",
    *,
    paths: Sequence[str] = (),
    exclude: Sequence[str] = (),
    merged: bool = False,
) -> Trend:
    """Return ``metric`` (a key of METRICS) in the last ``count`` revisions, with wily's numbers.

    wily takes over what a commit did not change from the commit that its list has before, and that list
    mixes the commits of all branches: its numbers are wrong after a merge. So it gets the branch's own line
    only, each commit with its first parent for its only one, and no results of an earlier run. ``merged``
    shows it all commits, as it would see them without that.

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
    command = wily.command()
    commits = first_parents(repo, count)
    if not commits:
        return Trend(metric, (), ())
    tree = tree_blobs(repo, commits[0].id)
    line = None if merged else [commit.id for commit in commits]
    with disposable_clone(repo, commits[0].id, line) as clone:
        rows = _build(command, clone, count, source)
    if merged:
        commits = [_commit(row) for row in rows]
    chosen = commit_files(tree, paths, exclude).files
    tables = [_table(row, source) for row in rows]
    weights = [_weights(row, source) for row in rows]
    kept = set(chosen) if paths or exclude else None
    totals = [_total(table, weight, source.join, kept) for table, weight in zip(tables, weights, strict=True)]
    return Trend(
        metric,
        tuple(Revision(one.id, one.time, one.author, one.subject) for one in reversed(commits)),
        tuple(reversed(totals)),
        tuple(_lines(chosen, list(reversed(tables)), None if paths else MOST_MOVERS)),
        complete=len(commits) >= count or not is_shallow(repo),
    )
