"""What an earlier run left open: tasks in progress with nobody at work, outcomes that tasks.yml does not show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.memory.claims import Claims
    from selfimprove.memory.journal import Journal
    from selfimprove.model.task import Task


@dataclass(frozen=True, slots=True)
class Recovered:
    """The tasks as they truly stand; ``returned`` are pending again, ``finished`` got their known end.

    ``dead`` are the claims without an owner and ``unwritten`` the outcomes not shown that this was found by.
    Once the tasks are saved, :meth:`over` says for which of them that is history.
    """

    tasks: list[Task]
    returned: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    dead: frozenset[str] = frozenset()
    unwritten: frozenset[str] = frozenset()

    def over(self, saved: Sequence[Task]) -> tuple[list[str], list[str]]:
        """Return whose dead claim can go and whose outcome is shown, or overruled by a person, in ``saved``."""
        settled = {task.id for task in saved if task.status is not Status.IN_PROGRESS}
        return sorted(self.dead & settled), sorted(self.unwritten & settled)


def recover(tasks: Sequence[Task], journal: Journal, claims: Claims) -> Recovered:
    """Return the tasks as they stand after a crash. Reads only; a dry run and a run see the same.

    A run claims a task before tasks.yml says "in progress", and gives the claim back together with the
    outcome. So a task in progress has ended when the journal holds an outcome that tasks.yml does not show,
    and is pending again when its claim has no living owner. With neither, it is a person's own mark.
    A pending task that was done meanwhile is done too: its file was saved by an editor that knew no better.
    """
    ended, dead = journal.unwritten(), claims.dead()
    if not ended and not dead:
        return Recovered(list(tasks))
    now = {task.id: _now(task, ended, dead) for task in tasks}
    found = [task if now[task.id] is task.status else replace(task, status=now[task.id]) for task in tasks]
    changed = [task.id for task, was in zip(found, tasks, strict=True) if task is not was]
    return Recovered(
        found,
        tuple(name for name in changed if now[name] is Status.PENDING),
        tuple(name for name in changed if now[name] is not Status.PENDING),
        frozenset(dead),
        frozenset(ended),
    )


def _now(task: Task, ended: dict[str, Status], dead: set[str]) -> Status:
    if task.status is Status.PENDING and ended.get(task.id) is Status.DONE:
        return Status.DONE
    if task.status is not Status.IN_PROGRESS:
        return task.status
    return Status.PENDING if task.id in dead else ended.get(task.id, task.status)
