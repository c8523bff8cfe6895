"""Opens a run: clears up behind runs that died, and goes on with the last one or begins a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock

from selfimprove.errors import UsageError
from selfimprove.executor.aside import sweep
from selfimprove.executor.bench import run_token
from selfimprove.memory.owner import is_alive, process_of
from selfimprove.tools.git.repo import BRANCH_PREFIX
from selfimprove.tools.git.worktree import copy_names, remove_copy
from selfimprove.tools.shell.process import kill_marked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from selfimprove.memory.journal import Journal
    from selfimprove.model.run import Run
    from selfimprove.tools.git.repo import Repo

_LOOKED_AT = 20  # runs among which one that goes on is looked for


@dataclass(frozen=True, slots=True)
class Opened:
    """The run to do; ``resumed`` when it goes on with an earlier one, ``notices`` for the person.

    ``died`` are the runs that were found without their process and are closed now.
    """

    run: Run
    resumed: bool
    notices: tuple[str, ...] = ()
    died: tuple[Run, ...] = ()


def bury_the_dead(journal: Journal, repo: Repo, copies: Path, dead: Sequence[Run]) -> list[str]:
    """End what runs without a process left behind: their commands, their private copies, their open state."""
    notices = []
    for run in dead:
        killed = kill_marked(run_token(run))
        for name in copy_names(repo, copies, f"run-{run.id}-"):
            remove_copy(repo, copies / name)
        # Left when git itself was killed; nobody else moves this branch.
        (repo.common_dir / "refs" / "heads" / f"{run.branch}.lock").unlink(missing_ok=True)
        journal.end_run(run.id, "died", None, run.summary)
        left = f"; {killed} of its processes were still running and were ended" if killed else ""
        notices.append(f"run {run.id} ended without a word ({process_of(run.owner)}){left}")
    return notices


def open_run(
    journal: Journal, repo: Repo, copies: Path, resume: int | None = None, *, works: bool = True
) -> Opened:
    """Return the run to do.

    ``resume`` names one. Else the last run goes on when it died or was interrupted and HEAD is where it
    started; its steps that have a result are then not done again. One that does no tasks (not ``works``) leaves a run
    alone that has begun some, for the run that goes on with them. Raises UsageError when ``resume`` names no
    run, or one that is being done.
    """
    copies.mkdir(parents=True, exist_ok=True)
    # One at a time: a second one would end what the first has just begun to go on with.
    with FileLock(copies / "opening.lock"):
        dead = journal.dead_runs()
        notices = bury_the_dead(journal, repo, copies, dead)
        sweep(repo, copies)
        head = repo.head() or ""
        earlier = _named(journal, resume) if resume is not None else _unfinished(journal, head, works=works)
        if earlier and (run := journal.take_over(earlier)):
            return Opened(run, True, (*notices, f"going on with run {run.id}"), tuple(dead))
        run = journal.begin_run(head, repo.highest_run(), BRANCH_PREFIX)
        return Opened(run, False, tuple(notices), tuple(dead))


def _unfinished(journal: Journal, head: str, *, works: bool) -> Run | None:
    """Return the newest run that is to go on; runs that were about no task at all are passed over."""
    for run in journal.runs(limit=_LOOKED_AT):
        did_tasks = any(step.task_id for step in journal.steps(run=run.id))
        if run.state in ("died", "interrupted") and run.base == head:
            return run if works or not did_tasks else None
        if did_tasks:
            return None
    return None


def _named(journal: Journal, number: int) -> Run:
    run = journal.run(number)
    if run is None:
        known = ", ".join(str(one.id) for one in journal.runs(limit=5)) or "none"
        raise UsageError(f"there is no run {number}", hint=f"the newest runs: {known}; selfimprove history")
    if run.state == "running" and is_alive(run.owner):
        raise UsageError(f"run {number} is being done by {process_of(run.owner)}", hint="selfimprove status")
    return run
