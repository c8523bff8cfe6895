"""Activity: how much and how lately each file of a repository was worked on, by one reading of git's log."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import GitError
from selfimprove.tools.git.objects import NO_FETCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.tools.git.repo import Repo

LIMIT = 2000
HALF_LIFE = 90.0
"""Days after which a change counts half."""

_HEAD = re.compile(rb"(?:\A|(?<=\0))\x02(\d+)\0")
_DAY = 86_400.0
_FEW = 10  # a commit of more files than these says less of each of them
# Said outright, as a person's configuration could set them otherwise.
_LOG = (
    *("-c", "core.fsmonitor=false", "-c", "log.showRoot=true", "-c", "diff.ignoreSubmodules=all"),
    *("log", "--name-only", "-z", "--no-renames", "--no-merges", "--no-show-signature", "--no-notes"),
    *("--no-decorate", "--no-follow", "--no-color", "--no-relative", "-O/dev/null", "--format=%x02%ct"),
)


class Activity(NamedTuple):
    """What the log says of a file.

    ``churn`` is the sum of its changes, each worth 1 on the day of HEAD and half for every HALF_LIFE before
    (less in commits of many files); ``age`` is that of its newest change, in days before HEAD's commit.
    """

    churn: float
    age: float


def activity(repo: Repo, limit: int = LIMIT) -> dict[str, Activity]:
    """Return the activity of every file in the newest ``limit`` commits that lead to HEAD and are no merges.

    Time is counted from the newest of these commits, so that the same HEAD gives the same answer on any day.
    Empty in a repository without a commit, and where git cannot tell (objects are missing or damaged): what
    is ranked by it is ranked without it.
    """
    if repo.head() is None:
        return {}
    try:
        out = repo.git(*_LOG, f"--max-count={limit}", "HEAD", "--", env=NO_FETCH)
    except GitError:
        return {}
    commits = list(_commits(out))
    now = max((when for when, _ in commits), default=0.0)
    found: dict[str, Activity] = {}
    for when, names in commits:
        age = (now - when) / _DAY
        worth = 0.5 ** (age / HALF_LIFE) * min(1.0, _FEW / len(names))
        for name in names:
            churn, newest = found.get(name, (0.0, age))
            found[name] = Activity(churn + worth, min(newest, age))
    return found


def _commits(out: bytes) -> Iterator[tuple[float, list[str]]]:
    """Yield each commit's time, in seconds, and the files that it changed."""
    _, *parts = _HEAD.split(out)
    for when, rest in zip(parts[::2], parts[1::2], strict=True):
        names = [os.fsdecode(name) for name in rest.removeprefix(b"\n").split(b"\0") if name]
        if names:
            yield float(when), names
