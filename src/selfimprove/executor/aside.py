"""Aside: a private copy for one command that is no run, with its own processes; swept when its owner died."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.memory.owner import current_owner, is_alive
from selfimprove.tools.git.worktree import copy_names, open_copy, remove_copy
from selfimprove.tools.shell.process import MARKER, kill_marked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selfimprove.executor.bench import Bench
    from selfimprove.tools.git.repo import Repo
    from selfimprove.tools.git.worktree import Copy

_PREFIX = "aside-"


@contextmanager
def aside(bench: Bench, commit: str) -> Iterator[tuple[Copy, Bench]]:
    """Yield a private copy that holds ``commit``, and the bench whose processes are known by it.

    Copies of processes that were killed are removed first, with what they left running; this one at the end.
    """
    sweep(bench.repo, bench.copies)
    owner = current_owner()
    folder = bench.copies / (_PREFIX + "-".join(owner.rsplit(":", 3)[1:]))
    try:
        copy = open_copy(bench.repo, folder, commit)
        yield copy, replace(bench, environ={**bench.environ, MARKER: folder.name})
    finally:
        remove_copy(bench.repo, folder)


def sweep(repo: Repo, copies: Path) -> None:
    """Remove the copies, and end the processes, that commands which were killed left behind."""
    host = current_owner().rsplit(":", 3)[0]
    # What belongs to a copy (a hook's desk, a message) is named like it, with more behind.
    for name in copy_names(repo, copies, _PREFIX):
        parts = name.removeprefix(_PREFIX).split("-")
        if not is_alive(":".join([host, *parts[:3]])):
            kill_marked(_PREFIX + "-".join(parts[:3]))
            remove_copy(repo, copies / name)
