"""Branches: where a task's commit goes, and the commit that its work begins at."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from selfimprove.model.task import slug
from selfimprove.tools.git.commits import merge_of

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task

TASK_PREFIX = "selfimprove/task-"


def task_branch(task_id: str) -> str:
    """Return the branch of a task of its own; ids that differ never share one."""
    name = slug(task_id, limit=100)
    digest = hashlib.sha256(task_id.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{TASK_PREFIX}{name}" if name == task_id else f"{TASK_PREFIX}{name}-{digest}"


def branch_for(task: Task, run: Run, bench: Bench) -> str:
    """Return the branch on which the task's commit is to be."""
    return task_branch(task.id) if bench.per_task else run.branch


def start_of(task: Task, run: Run, bench: Bench) -> str:
    """Return the commit that the task starts from, ``""`` in a repository without one.

    With a branch for the run that is its tip. With one per task it is the run's base, unless the task depends on
    others whose commits are not in it: then it is theirs, merged when there are several. A task whose own branch
    holds work that is not in the base goes on there. Raises GitError when dependencies do not go together.
    """
    repo = bench.repo
    if not bench.per_task:
        return repo.resolve(f"refs/heads/{run.branch}") or run.base

    def open_tip(task_id: str) -> str | None:
        tip = repo.resolve(f"refs/heads/{task_branch(task_id)}")
        return tip if tip and not repo.is_ancestor(tip, run.base) else None

    if own := open_tip(task.id):
        return own
    tips = list(dict.fromkeys(tip for one in task.dependencies if (tip := open_tip(one))))
    tops = [tip for tip in tips if not any(tip != other and repo.is_ancestor(tip, other) for other in tips)]
    return merge_of(repo, tops, run.started_at) if tops else run.base
