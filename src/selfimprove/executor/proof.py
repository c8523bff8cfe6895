"""Proof: the facts about a commit that exists already, found by the same step as those of a new change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.executor import check as checking
from selfimprove.model.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from selfimprove.executor.bench import Bench
    from selfimprove.model.work import Work
    from selfimprove.tools.git.commits import Commit


def task_of(commit: Commit, tasks: Sequence[Task]) -> Task:
    """Return the task that ``commit`` names, as tasks.yml has it, or one that has only its name.

    It has no fingerprint: whether a finding is gone is told by the values before and after.
    """
    name = (commit.said("Task") or [commit.id[:12]])[0]
    found = next((task for task in tasks if task.id == name), Task(name, commit.subject or name))
    return replace(found, fingerprint=None)


def prove(task: Task, work: Work, bench: Bench, log: Path) -> Work:
    """Return ``work`` with the facts about its tree: hooks, lint, tests."""
    return checking.check(task, work, bench, log)
