"""Reads goal files of the older format, pending or completed, as tasks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from selfimprove.errors import TaskFileError
from selfimprove.model.task import Status, Task

if TYPE_CHECKING:
    from pathlib import Path

_STATUS = {
    "pending": Status.PENDING,
    "todo": Status.PENDING,
    "open": Status.PENDING,
    "in_progress": Status.PENDING,
    "done": Status.DONE,
    "completed": Status.DONE,
    "complete": Status.DONE,
    "failed": Status.FAILED,
    "skipped": Status.SKIPPED,
    "cancelled": Status.SKIPPED,
}
_LISTS = ("goals", "pending", "completed", "tasks")
_LIMIT = 50_000_000


def read_goals(path: Path, name: str) -> list[Task]:
    """Return the goals of a JSON file as tasks with source ``import``.

    The file is a list of goals, or a mapping that holds lists under ``goals``, ``pending`` or ``completed``.
    A goal has ``id``, ``description``, ``filename``, ``prompt``, ``dependencies`` and ``status``; one from a list
    of completed goals is done unless it says otherwise. Raises TaskFileError with the place.
    """
    try:
        if path.stat().st_size > _LIMIT:
            raise TaskFileError("the goal file is larger than 50 MB", where=name, hint="split it")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise TaskFileError(
            f"the goal file is not JSON: {error.msg}",
            where=f"{name}:{error.lineno}",
            hint="goals.json holds a list of goals",
        ) from None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TaskFileError(
            f"the goal file cannot be read: {reason}", where=name, hint="name a goals.json"
        ) from None
    tasks = [_task(goal, f"{name}, {place}", done) for place, goal, done in _goals(data, name)]
    repeated = {task.id for task in tasks if sum(other.id == task.id for other in tasks) > 1}
    if repeated:
        raise TaskFileError(
            f"goal {sorted(repeated)[0]} stands there twice", where=name, hint="give each its own id"
        )
    return tasks


def _goals(data: Any, name: str) -> list[tuple[str, Any, bool]]:
    if isinstance(data, list):
        return [(f"goal {number}", goal, "completed" in name) for number, goal in enumerate(data, 1)]
    lists = (
        {key: data[key] for key in _LISTS if isinstance(data.get(key), list)}
        if isinstance(data, dict)
        else {}
    )
    if not lists:
        raise TaskFileError(
            "the goal file holds no list of goals",
            where=name,
            hint="it is a list, or a mapping with goals:, pending: or completed:",
        )
    return [
        (f"{key} {number}", goal, key == "completed")
        for key, goals in lists.items()
        for number, goal in enumerate(goals, 1)
    ]


def _task(goal: Any, where: str, done: bool) -> Task:
    if not isinstance(goal, dict) or goal.get("id") in (None, ""):
        raise TaskFileError("a goal is a mapping with an id", where=where, hint="add an id")
    text = str(goal.get("prompt") or goal.get("description") or "").strip()
    if not text:
        raise TaskFileError(
            f"goal {goal['id']} has neither a prompt nor a description", where=where, hint="add one"
        )
    word = (
        str(goal.get("status") or ("done" if done else "pending")).lower().replace(" ", "_").replace("-", "_")
    )
    if word not in _STATUS:
        raise TaskFileError(
            f"goal {goal['id']} has the unknown status {word!r}",
            where=where,
            hint=f"one of {', '.join(_STATUS)}",
        )
    names = goal.get("filename") or goal.get("files") or []
    description = str(goal.get("description") or "").strip()
    return Task(
        id=str(goal["id"]),
        title=(description or text).split("\n")[0][:100],
        description=description,
        prompt=text,
        files=tuple(_texts(names)),
        dependencies=tuple(_texts(goal.get("dependencies") or [])),
        status=_STATUS[word],
        priority=goal["priority"] if isinstance(goal.get("priority"), int | float) else 0,
        source="import",
    )


def _texts(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [value])]
