"""Preview: the run's own path up to its first write and its first model call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfimprove import wiring
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from selfimprove.model.budget import Budget
    from selfimprove.model.plan import Plan
    from selfimprove.model.task import Task
    from selfimprove.target import Choices, Target


@dataclass(frozen=True, slots=True)
class DryPlan:
    """What a run would do: the plan, the tasks it is made of, and those that the audit would add."""

    plan: Plan
    tasks: list[Task]
    new: tuple[Task, ...]
    budget: Budget


def dry_plan(target: Target, choices: Choices) -> DryPlan:
    """Return the plan of the run that would follow. This is the run's own path up to its first write."""
    from selfimprove.memory.recovery import recover

    memory, tasks = wiring.peek_memory(target), wiring.load_tasks(target)
    planner = wiring.build_planner(target, choices)
    claimed: dict[str, str] = {}
    if memory:
        tasks = recover(tasks, memory.journal, memory.claims).tasks
        claimed = memory.claims.held_by_others()
    new: tuple[Task, ...] = ()
    if wiring.looks_first(target, choices):
        look = wiring.build_reflector(target, memory.journal if memory else None).look(tasks)
        again = {task.id: task for task in look.reopened}
        tasks, new = [again.get(task.id, task) for task in tasks], look.new
    wiring.with_place(target, tasks)
    return DryPlan(planner.plan([*tasks, *new], claimed=claimed), tasks, new, planner.budget)


def check_first(target: Target, choices: Choices) -> list[str]:
    """Raise what would stop a run before it has begun: a broken tasks.yml, an unknown task, a bad replies file.

    Returns those of the tasks that the person named which are done already.
    """
    tasks = wiring.load_tasks(target)
    wiring.with_place(target, tasks)
    tasks = _as_open(target, tasks)
    wiring.build_planner(target, choices).schedule(tasks)
    if wiring.model_problem(target) is None and target.settings.llm.backend == "scripted":
        wiring.build_backend(target)
    return [task.id for task in tasks if task.id in choices.only and task.status is Status.DONE]


def _as_open(target: Target, tasks: list[Task]) -> list[Task]:
    from selfimprove.memory.recovery import recover

    memory = wiring.peek_memory(target)
    return recover(tasks, memory.journal, memory.claims).tasks if memory else tasks


def prompt_of(target: Target, task: Task) -> str:
    """Return the exact text that the first attempt at ``task`` would send. Calls no model and writes nothing."""
    from selfimprove.executor.prompt import build_ask, context_paths
    from selfimprove.model.work import Work

    head = target.repo.head()
    names = target.repo.tree_names(head) if head else []
    files = {path: target.repo.blob(head, path) or b"" for path in context_paths(task, names)} if head else {}
    ask = build_ask(task, Work(0, task.id, head or "", "", 0.0), files, names)
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in ask.messages)
