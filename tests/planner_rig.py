"""What the tests of the planner share: short ways to make tasks and to read a plan."""

from __future__ import annotations

from typing import Any

from selfimprove.model.plan import Plan
from selfimprove.model.task import Status, Task
from selfimprove.planner.planner import Schedule


def task(name: str, *needs: str, **fields: Any) -> Task:
    kind = {} if "prompt" in fields else {"command": "true"}
    return Task(**{"id": name, "title": name, "dependencies": needs, **kind, **fields})


def ids(plan: Plan) -> list[str]:
    return [t.id for t in plan.next]


def waits(plan: Plan) -> dict[str, tuple[str, str]]:
    return {wait.task.id: (wait.code, wait.reason) for wait in plan.waiting}


def drain(schedule: Schedule) -> list[str]:
    order = []
    while t := schedule.pop():
        order.append(t.id)
        schedule.finish(t.id, Status.DONE)
    return order


def found(name: str, **fields: Any) -> Task:
    return task(name, prompt="mend", category="refactor", fingerprint=f"print of {name}", **fields)
