"""Planner: the next task, or for each that is open why it waits."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from graphlib import TopologicalSorter
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from selfimprove.model.plan import Plan, WaitCode, Waiting
from selfimprove.model.task import Status
from selfimprove.planner import rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.model.budget import Budget
    from selfimprove.model.task import Task

    Cause = tuple[WaitCode, str]


@dataclass(frozen=True, slots=True)
class Planner:
    """Decides what is done next, and within which limits.

    ``model_ready`` False lets tasks that need a model wait, unless they can be tried without it and ``rewrites`` says
    that they are. ``only`` holds the ids that a person named
    (``None``: all); the others wait, also when one that was named needs them. ``max_tasks`` is how many
    tasks a run may start.
    """

    budget: Budget
    _: KW_ONLY
    model_ready: bool = True
    only: frozenset[str] | None = None
    max_tasks: int | None = None
    rewrites: bool = True

    def plan(self, tasks: Sequence[Task], *, claimed: Mapping[str, str] | None = None) -> Plan:
        """Return all that a run would do if every task succeeds. Nothing is charged.

        ``claimed`` maps the ids of tasks that other runs are doing to who does them. Raises as
        :meth:`schedule` does.
        """
        schedule = replace(self, budget=replace(self.budget)).schedule(tasks, claimed=claimed)
        chosen: dict[str, Task] = {}
        why: dict[str, str] = {}
        while task := schedule.pop():
            after = [name for name in dict.fromkeys(task.dependencies) if name in chosen]
            how = ", first without a model" if task.rewritable and self.rewrites else ""
            why[task.id] = f"priority {task.priority:.10g}, {_after(after)}{how}"
            chosen[task.id] = task
            schedule.finish(task.id, Status.DONE)
        return Plan(tuple(chosen.values()), schedule.waiting(), why)

    def schedule(self, tasks: Sequence[Task], *, claimed: Mapping[str, str] | None = None) -> Schedule:
        """Return what a run follows: the same order as :meth:`plan`, one task at a time.

        Raises PlanError when the tasks do not go together, UsageError when one that the person named does
        not exist or is not open.
        """
        rules.check(tasks)
        if self.only is not None:
            rules.check_selection(self.only, tasks)
        return Schedule(self, tasks, claimed or {})


class Schedule:
    """The tasks of one run, from the first :meth:`pop` to the last.

    Each task is looked at when it becomes ready and not again, so a run over n tasks with m dependencies
    takes O(n log n + m) in all.
    """

    def __init__(self, planner: Planner, tasks: Sequence[Task], claimed: Mapping[str, str]) -> None:
        self._planner = planner
        self._started = 0
        self._running: set[str] = set()
        self._done: set[str] = set()
        self._returned: dict[str, str] = {}
        self._build(tasks, claimed)

    @property
    def started(self) -> int:
        """How many tasks were handed out."""
        return self._started

    def pop(self) -> Task | None:
        """Hand out the next task and charge its cost to the budget; ``None`` when nothing may start now.

        The highest priority comes first, ties go by file order. A task that does not fit the budget is
        passed over for good: what is spent never shrinks, while a cheaper one behind it may still fit.
        """
        while self._ready and not self._is_full():
            task = self._tasks[heappop(self._ready)[1]]
            if rules.over_budget(task, self._planner.budget):
                continue
            self._started += 1
            self._running.add(task.id)
            self._planner.budget.charge(units=task.cost)
            return task
        return None

    def finish(self, task_id: str, status: Status, needs_model: str = "") -> None:
        """Say how a task that was handed out ended; ``DONE`` makes those that wait for it ready.

        ``PENDING`` gives it back: it is not handed out again by this schedule. The cost stays charged, unless
        ``needs_model`` says why only a model can do it: then it was no more than a look. Raises KeyError when the
        task was not handed out.
        """
        if status == Status.IN_PROGRESS:
            raise ValueError(f"{task_id} cannot end in progress")
        self._running.remove(task_id)
        self._status[task_id] = status
        if status == Status.DONE:
            self._done.add(task_id)
            self._graph.done(task_id)
            for entry in self._newly_ready():
                heappush(self._ready, entry)
        elif status == Status.PENDING:
            self._returned[task_id] = needs_model
            if needs_model:
                self._started -= 1
                self._planner.budget.charge(units=-self._tasks[self._place[task_id]].cost)

    def update(self, tasks: Sequence[Task], *, claimed: Mapping[str, str] | None = None) -> None:
        """Take up ``tasks`` as a person has left them, and ``claimed`` unless ``None``.

        What was handed out stays out, what this run has done stays done and what was charged stays charged;
        a task that failed may be pending again and is then tried again. Raises PlanError and changes
        nothing when the tasks do not go together.
        """
        rules.check(tasks)
        self._build(tasks, self._claimed if claimed is None else claimed)

    def waiting(self) -> tuple[Waiting, ...]:
        """Return the open tasks that cannot start now, in file order, each with its reason."""
        causes = ((task, self._cause(task)) for task in self._tasks if self._is_open(task.id))
        return tuple(Waiting(task, *cause) for task, cause in causes if cause)

    def _build(self, tasks: Sequence[Task], claimed: Mapping[str, str]) -> None:
        self._tasks = tuple(tasks)
        self._claimed = claimed
        self._status = {task.id: task.status for task in tasks} | dict.fromkeys(self._done, Status.DONE)
        self._place = {task.id: place for place, task in enumerate(tasks)}
        self._graph = self._open_graph()
        self._ready = self._newly_ready()
        heapify(self._ready)

    def _open_graph(self) -> TopologicalSorter[str]:
        """Return who needs whom among the tasks that are not done, as a person or this run left them."""
        graph: TopologicalSorter[str] = TopologicalSorter()
        for name in self._running:
            graph.add(name)  # without its dependencies: they were done when it started
        for task in self._tasks:
            if self._status[task.id] != Status.DONE and task.id not in self._running:
                graph.add(task.id, *(name for name in task.dependencies if self._status[name] != Status.DONE))
        graph.prepare()
        return graph

    def _newly_ready(self) -> list[tuple[float, int]]:
        """Return heap entries (highest priority first, then place in the file) of what may start since."""
        places = (self._place[name] for name in self._graph.get_ready() if self._may_start(name))
        return [(-self._tasks[place].priority, place) for place in places]

    def _may_start(self, name: str) -> bool:
        if self._status.get(name) != Status.PENDING or name in self._running:
            return False
        task = self._tasks[self._place[name]]
        return not (self._kept_out(task) or self._without_model(task))

    def _is_open(self, name: str) -> bool:
        return self._status[name] in (Status.PENDING, Status.IN_PROGRESS) and name not in self._running

    def _is_full(self) -> bool:
        return self._planner.max_tasks is not None and self._started >= self._planner.max_tasks

    def _cause(self, task: Task) -> Cause | None:
        return (
            self._kept_out(task)
            or self._failed_dependency(task)
            or self._without_model(task)
            or self._open_dependency(task)
            or self._limit(task)
        )

    def _kept_out(self, task: Task) -> Cause | None:
        if who := self._claimed.get(task.id):
            return WaitCode.CLAIMED, f"is being done by {who}"
        if self._status[task.id] == Status.IN_PROGRESS:
            return WaitCode.CLAIMED, "is marked in_progress, but no live run is doing it"
        if self._planner.only is not None and task.id not in self._planner.only:
            return WaitCode.NOT_SELECTED, "was not asked for"
        if task.id in self._returned:
            if reason := self._returned[task.id]:
                return WaitCode.NEEDS_MODEL, f"needs a model: {reason}"
            return WaitCode.RETURNED, "was given back in this run"
        return None

    def _failed_dependency(self, task: Task) -> Cause | None:
        for name in task.dependencies:
            if self._status[name] in (Status.FAILED, Status.SKIPPED):
                reason = f"needs {name}, which {rules.PAST[self._status[name]]}"
                return WaitCode.FAILED_DEPENDENCY, reason
        return None

    def _without_model(self, task: Task) -> Cause | None:
        goes_without = task.rewritable and self._planner.rewrites
        if task.needs_model and not goes_without and not self._planner.model_ready:
            return WaitCode.NEEDS_MODEL, "needs a model, and none is configured"
        return None

    def _open_dependency(self, task: Task) -> Cause | None:
        for name in task.dependencies:
            if self._status[name] != Status.DONE:
                now = "is being done" if name in self._running else "waits"
                return WaitCode.DEPENDENCY, f"needs {name}, which {now}"
        return None

    def _limit(self, task: Task) -> Cause | None:
        if reason := rules.over_budget(task, self._planner.budget):
            return WaitCode.BUDGET, reason
        if self._is_full():
            limit = self._planner.max_tasks
            return WaitCode.MAX_TASKS, f"the limit of {limit:,} task{'' if limit == 1 else 's'} is reached"
        return None


def _after(names: list[str]) -> str:
    """Return ``ready``, or ``after`` with the tasks of the same plan that come first, two by name."""
    if not names:
        return "ready"
    more = f" and {len(names) - 2:,} more" if len(names) > 2 else ""
    return "after " + (", ".join(names[:2]) + more if more else " and ".join(names))
