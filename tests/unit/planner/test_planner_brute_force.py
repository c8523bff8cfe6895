"""The planner against one that looks at everything again for each pick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner_rig import drain, ids, task
from selfimprove.model.budget import Budget
from selfimprove.model.task import Status, Task
from selfimprove.planner.planner import Planner

COSTS = (0, 0.1, 0.2, 0.7, 1, 2, 3)


@st.composite
def task_lists(draw: st.DrawFn) -> list[Task]:
    """Draw tasks whose dependencies follow a hidden order, so that there is no circle, in any file order."""
    count = draw(st.integers(0, 9))
    names = [f"t{n}" for n in range(count)]
    drawn = [
        task(
            name,
            *draw(st.lists(st.sampled_from(names[:n]), max_size=3) if n else st.just([])),
            priority=draw(st.integers(-1, 2)),
            cost=draw(st.sampled_from(COSTS)),
            status=draw(st.sampled_from([Status.PENDING] * 6 + list(Status))),
            **draw(st.sampled_from([{"command": "true"}, {"prompt": "x"}])),
        )
        for n, name in enumerate(names)
    ]
    return draw(st.permutations(drawn))


@st.composite
def planners(draw: st.DrawFn, tasks: list[Task]) -> Planner:
    open_ids = [t.id for t in tasks if t.status in (Status.PENDING, Status.IN_PROGRESS)]
    some = st.frozensets(st.sampled_from(open_ids)) if open_ids else st.just(frozenset[str]())
    return Planner(
        Budget(units=draw(st.sampled_from([None, 0, 0.3, 1, 2.9, 5]))),
        model_ready=draw(st.booleans()),
        only=draw(st.none() | some),
        max_tasks=draw(st.none() | st.integers(0, 6)),
    )


class BruteForce:
    """The specification, word by word: exact money, no memory of what it saw, every task at every pick."""

    def __init__(self, planner: Planner, tasks: list[Task], claimed: dict[str, str]) -> None:
        self.planner, self.tasks, self.claimed = planner, tasks, claimed
        self.status = {t.id: t.status for t in tasks}
        self.spent = Fraction(0)
        self.started: list[str] = []

    def code(self, t: Task) -> str:
        """Why ``t`` waits now, ``""`` when it may start."""
        needs = {self.status[name] for name in t.dependencies}
        units = self.planner.budget.units
        rules = {
            "claimed": t.id in self.claimed or self.status[t.id] == "in_progress",
            "not_selected": self.planner.only is not None and t.id not in self.planner.only,
            "failed_dependency": "failed" in needs or "skipped" in needs,
            "needs_model": t.prompt is not None and not self.planner.model_ready,
            "dependency": needs - {"done"} != set(),
            "budget": t.cost > 0 and units is not None and self.spent + exact(t.cost) > exact(units),
            "max_tasks": self.planner.max_tasks is not None and len(self.started) >= self.planner.max_tasks,
        }
        return next((code for code, applies in rules.items() if applies), "")

    def pick(self) -> Task | None:
        free = [t for t in self.tasks if self.status[t.id] == "pending" and not self.code(t)]
        best = max(free, key=lambda t: (t.priority, -self.tasks.index(t)), default=None)
        if best:
            self.spent += exact(best.cost)
            self.started.append(best.id)
        return best

    def waiting(self) -> list[tuple[str, str]]:
        still_open = [t for t in self.tasks if self.status[t.id] in ("pending", "in_progress")]
        return [(t.id, self.code(t)) for t in still_open]


def exact(number: float) -> Fraction:
    return Fraction(str(number))


def compare_plan(data: st.DataObject) -> None:
    tasks = data.draw(task_lists())
    planner = data.draw(planners(tasks))
    claimed = {t.id: "run 1" for t in tasks if data.draw(st.integers(0, 9)) == 0}
    brute = BruteForce(planner, tasks, claimed)
    while t := brute.pick():
        brute.status[t.id] = Status.DONE

    plan = planner.plan(tasks, claimed=claimed)

    assert ids(plan) == brute.started
    assert [(w.task.id, w.code) for w in plan.waiting] == brute.waiting()
    assert exact(round(plan.cost, 9)) == brute.spent
    assert plan.why.keys() == set(brute.started)
    # What a run follows is what was shown, and showing it charged nothing.
    assert planner.budget.units_spent == 0
    assert drain(planner.schedule(tasks, claimed=claimed)) == ids(plan)


def compare_run(data: st.DataObject) -> None:
    tasks = data.draw(task_lists())
    planner = data.draw(planners(tasks))
    brute = BruteForce(planner, tasks, {})
    schedule = planner.schedule(tasks)
    while t := schedule.pop():
        assert t == brute.pick()
        end = data.draw(st.sampled_from([Status.DONE, Status.DONE, Status.FAILED, Status.SKIPPED]))
        schedule.finish(t.id, end)
        brute.status[t.id] = end
        if data.draw(st.booleans()):
            brute.tasks = edit(data, brute)
            schedule.update([replace(e, status=brute.status[e.id]) for e in brute.tasks])
    assert brute.pick() is None
    assert [(w.task.id, w.code) for w in schedule.waiting()] == brute.waiting()


def edit(data: st.DataObject, brute: BruteForce) -> list[Task]:
    """What a person does to the file: order, priority, cost, a dependency gone, a task skipped or added."""
    tasks = []
    for t in data.draw(st.permutations(brute.tasks)):
        change = data.draw(st.sampled_from(["none", "none", "priority", "cost", "needs", "skip"]))
        if change == "skip" and brute.status[t.id] == Status.PENDING:
            brute.status[t.id] = Status.SKIPPED
        changes: dict[str, dict[str, Any]] = {
            "priority": {"priority": data.draw(st.integers(-1, 2))},
            "cost": {"cost": data.draw(st.sampled_from(COSTS))},
            "needs": {"dependencies": t.dependencies[1:]},
        }
        tasks.append(replace(t, **changes.get(change, {})))
    if data.draw(st.booleans()):
        tasks.insert(0, task(f"added{len(tasks)}", *(tasks[0].dependencies if tasks else ()), priority=1))
        brute.status[tasks[0].id] = Status.PENDING
    return tasks


@pytest.mark.parametrize("compare", [compare_plan, compare_run])
@settings(max_examples=400, derandomize=True)
@given(data=st.data())
def test_it_decides_as_the_brute_force_planner_does(
    compare: Callable[[st.DataObject], None], data: st.DataObject
) -> None:
    compare(data)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("compare", [compare_plan, compare_run])
@settings(max_examples=10_000, deadline=None)
@given(data=st.data())
def test_it_decides_as_the_brute_force_planner_does_at_length(
    compare: Callable[[st.DataObject], None], data: st.DataObject
) -> None:
    compare(data)
