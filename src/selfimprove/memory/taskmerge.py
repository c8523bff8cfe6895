"""The three-way merge of tasks: what a run changed joins the file, where the person wins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.memory.taskschema import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.model.task import Task

_TOGETHER = ("command", "prompt")


def merge(base: Mapping[str, Task], ours: Iterable[Task], theirs: Sequence[Task]) -> list[Task]:
    """Return ``theirs`` with what differs between ``base`` and ``ours`` taken in; new tasks come last.

    ``base`` is what was read before, ``ours`` what the program made of it, ``theirs`` what stands in the file
    now. A field that both changed keeps the file's value. A task that left the file stays away; one that is
    missing in ``ours`` stays. A new id that is taken gets a number behind it, and so do the dependencies of
    other new tasks on it; a new task that is in the file already, word for word, is not added again.
    """
    merged = {task.id: task for task in theirs}
    seen: set[str] = set()
    new = []
    for task in ours:
        before = None if task.id in seen else base.get(task.id)
        seen.add(task.id)
        if before is None:
            new.append(task)
        elif task is not before and task.id in merged:
            merged[task.id] = _merged(before, task, merged[task.id])
    return [
        *merged.values(),
        *_named([task for task in new if merged.get(task.id) != task], set(merged) | set(base)),
    ]


def _merged(before: Task, ours: Task, theirs: Task) -> Task:
    """Return ``theirs`` with the fields that only ``ours`` changed."""
    changed = {name for name in FIELDS if getattr(ours, name) != getattr(before, name)}
    kept = {name for name in FIELDS if getattr(theirs, name) != getattr(before, name)}
    if kept.intersection(_TOGETHER):
        kept.update(_TOGETHER)
    changes = {name: getattr(ours, name) for name in changed - kept}
    return replace(theirs, **changes) if changes else theirs


def _named(new: Sequence[Task], taken: set[str]) -> list[Task]:
    """Return ``new`` with ids of their own."""
    renamed: dict[str, str] = {}
    ids = []
    for task in new:
        ids.append(_free(task.id, taken))
        taken.add(ids[-1])
        renamed.setdefault(task.id, ids[-1])
    return [
        task
        if not renamed.keys() & {task.id, *task.dependencies}
        else replace(task, id=own, dependencies=tuple(renamed.get(name, name) for name in task.dependencies))
        for task, own in zip(new, ids, strict=True)
    ]


def _free(wanted: str, taken: set[str]) -> str:
    number, name = 2, wanted
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
