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
    """The tasks as they truly stand; ``returned`` are pending again, ``finished`` got their known end."""

    tasks: list[Task]
    returned: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()


def recover(tasks: Sequence[Task], journal: Journal, claims: Claims) -> Recovered:
    """Return the tasks as they stand after a crash. Reads only; a dry run and a run see the same.

    A run claims a task before tasks.yml says "in progress", and gives the claim back together with the
    outcome. So a task in progress has ended when the journal holds an outcome that tasks.yml does not show,
    and is pending again when its claim has no living owner. With neither, it is a person's own mark.
    """
    if not any(task.status is Status.IN_PROGRESS for task in tasks):
        return Recovered(list(tasks))
    ended, dead = journal.unwritten(), claims.dead()
    now = {task.id: _now(task, ended, dead) for task in tasks if task.status is Status.IN_PROGRESS}
    found = [
        task if now.get(task.id, task.status) is task.status else replace(task, status=now[task.id])
        for task in tasks
    ]
    changed = [task.id for task, was in zip(found, tasks, strict=True) if task is not was]
    return Recovered(
        found,
        tuple(name for name in changed if now[name] is Status.PENDING),
        tuple(name for name in changed if now[name] is not Status.PENDING),
    )


def _now(task: Task, ended: dict[str, Status], dead: set[str]) -> Status:
    if task.id in dead:
        return Status.PENDING
    return ended.get(task.id, task.status)
