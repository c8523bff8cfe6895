"""Rules: which lists of tasks can be planned at all, which may start, and what they wait for."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from selfimprove.errors import TaskFileError, UsageError
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from selfimprove.model.budget import Budget
    from selfimprove.model.task import Task


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why tasks cannot be planned. ``index`` is the place in the list, from 0.

    ``unknown`` is the id that no task has, when that is the problem.
    """

    message: str
    task_id: str
    index: int
    hint: str
    unknown: str = ""


class PlanError(TaskFileError):
    """The tasks do not go together. ``problems`` holds all that is wrong, in file order.

    The message is the first problem and the number of others; ``task_id`` and ``index`` name its task, so
    that whoever knows the file can set ``where``.
    """

    def __init__(self, problems: Sequence[Problem], *, hint: str) -> None:
        first, more = problems[0], len(problems) - 1
        super().__init__(first.message + (f"; and {more:,} more" if more else ""), hint=hint)
        self.problems = tuple(problems)
        self.task_id = first.task_id
        self.index = first.index


def check(tasks: Sequence[Task]) -> None:
    """Raise :class:`PlanError` unless ids are unique, dependencies exist and none runs in a circle.

    Tasks that are done count too: their dependencies are read again as soon as one of them is retried.
    """
    found = [*_bad_numbers(tasks), *_repeated(tasks), *_unknown(tasks), *_circles(tasks)]
    if found:
        found.sort(key=lambda problem: problem.index)
        first = found[0]
        near = nearest(first.unknown, [task.id for task in tasks if task.id != first.task_id])
        raise PlanError(found, hint=f'did you mean "{near}"?' if near else first.hint)


def check_selection(only: Iterable[str], tasks: Iterable[Task]) -> None:
    """Raise UsageError when a task that the person named does not exist, has failed or is skipped.

    One that is done is no error: the same command may be typed again to go on after an interruption.
    """
    status = {task.id: task.status for task in tasks}
    for name in sorted(only):
        if name not in status:
            near = nearest(name, status)
            hint = f"did you mean {near}?" if near else "see their ids: selfimprove tasks list"
            raise UsageError(f'there is no task "{name}"', hint=hint)
        if status[name] != Status.DONE and (past := PAST.get(status[name])):
            raise UsageError(f'task "{name}" {past}', hint=f"to do it again: selfimprove tasks retry {name}")


def nearest(name: str, names: Collection[str]) -> str | None:
    """Return the one of ``names`` that ``name`` was probably meant to be, or ``None``."""
    return next(iter(difflib.get_close_matches(name, names, n=1)), None) if name else None


def over_budget(task: Task, budget: Budget) -> str:
    """Return why ``budget`` does not let ``task`` start, ``""`` when it does.

    Time is used by every task, dollars and tokens by those that need a model and cannot be tried without; a cost
    of 0 always fits.
    """
    if budget.will_exceed_budget(task.cost):
        return f"{budget.units_spent:,.10g} + {task.cost:,.10g} is over the budget of {budget.units:,.10g}"
    reached = budget.used_up()
    used = ("seconds", "dollars", "tokens") if task.needs_model and not task.rewritable else ("seconds",)
    return next((f"the budget of {reached[name]} is used up" for name in used if name in reached), "")


# How a sentence about a task that is no longer open goes on.
PAST = {Status.DONE: "is done", Status.FAILED: "failed", Status.SKIPPED: "was skipped"}


def _bad_numbers(tasks: Sequence[Task]) -> Iterator[Problem]:
    for index, task in enumerate(tasks):
        if math.isnan(task.priority):
            yield Problem(
                f'task "{task.id}" has a priority that is no number', task.id, index, "write a number"
            )
        if not task.cost >= 0:
            message = f'task "{task.id}" has a cost of {task.cost:g}'
            yield Problem(message, task.id, index, "write 0 or a positive number")


def _repeated(tasks: Sequence[Task]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, task in enumerate(tasks):
        if task.id in seen:
            message = f'the id "{task.id}" is used more than once'
            yield Problem(message, task.id, index, "give this task another id")
        seen.add(task.id)


def _unknown(tasks: Sequence[Task]) -> Iterator[Problem]:
    ids = {task.id for task in tasks}
    hint = "add a task with this id, or remove it from dependencies"
    for index, task in enumerate(tasks):
        for name in dict.fromkeys(task.dependencies):
            if name not in ids:
                message = f'task "{task.id}" needs "{name}", which does not exist'
                yield Problem(message, task.id, index, hint, unknown=name)


def _circles(tasks: Sequence[Task]) -> Iterator[Problem]:
    graph: dict[str, list[str]] = {}
    for task in tasks:
        graph.setdefault(task.id, []).extend(task.dependencies)
    stuck = _stuck(graph)
    if not stuck:
        return
    place = {tasks[index].id: index for index in reversed(range(len(tasks)))}
    for circle in _separate_circles(graph, stuck):
        first = min(range(len(circle)), key=lambda at: place[circle[at]])
        path = [*circle[first:], *circle[:first], circle[first]]
        message = f"tasks need each other in a circle: {_route(path)}"
        yield Problem(message, path[0], place[path[0]], "remove one of these dependencies")


def _stuck(graph: dict[str, list[str]]) -> set[str]:
    """Return the tasks that lie on a circle or need one that does."""
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError:
        free: set[str] = set()
        while ready := sorter.get_ready():
            free.update(ready)
            sorter.done(*ready)
        return graph.keys() - free
    return set()


def _separate_circles(graph: dict[str, list[str]], stuck: set[str]) -> Iterator[list[str]]:
    """Yield circles that share no task, in steps from a task to one that it needs.

    Who is stuck needs someone who is stuck, so following one such dependency from each always ends in a
    circle; this takes linear time where listing every circle could take for ever.
    """
    onward = {name: next(n for n in needs if n in stuck) for name, needs in graph.items() if name in stuck}
    seen: set[str] = set()
    for start in onward:
        path: dict[str, int] = {}
        name = start
        while name not in seen:
            seen.add(name)
            path[name] = len(path)
            name = onward[name]
        if name in path:
            yield list(path)[path[name] :]


def _route(path: list[str]) -> str:
    """Return ``a -> b -> a``, with the middle of a very long path left out."""
    if len(path) > 12:
        path = [*path[:6], f"... {len(path) - 9:,} more ...", *path[-3:]]
    return " -> ".join(path)
