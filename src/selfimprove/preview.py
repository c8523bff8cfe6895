"""Preview: the run's own path up to its first write and its first model call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove import wiring, wiring_audit
from selfimprove.executor.size import small
from selfimprove.model.events import Listener, ignore
from selfimprove.model.task import Status
from selfimprove.reflector.backlog import Changes

if TYPE_CHECKING:
    from selfimprove.executor.prompt import Question
    from selfimprove.model.budget import Budget
    from selfimprove.model.plan import Plan
    from selfimprove.model.task import Task
    from selfimprove.target import Choices, Target


@dataclass(frozen=True, slots=True)
class DryPlan:
    """What a run would do: the plan, the tasks of tasks.yml, and how the audit would change them.

    ``seen`` are the tasks that the audit compared with, ``tasks`` the same with its changes, without new ones.
    """

    plan: Plan
    seen: list[Task]
    tasks: list[Task]
    changes: Changes
    budget: Budget

    @property
    def new(self) -> tuple[Task, ...]:
        """The tasks that the audit would append."""
        return self.changes.new


def dry_plan(target: Target, choices: Choices) -> DryPlan:
    """Return the plan of the run that would follow. This is the run's own path up to its first write."""
    from selfimprove.memory.recovery import recover

    memory, tasks = wiring.peek_memory(target), wiring.load_tasks(target)
    planner = wiring.build_planner(target, choices)
    claimed: dict[str, str] = {}
    if memory:
        tasks = recover(tasks, memory.journal, memory.claims).tasks
        claimed = memory.claims.held_by_others()
    changes = Changes()
    if wiring.looks_first(target, choices):
        changes = wiring_audit.build_reflector(target, memory.journal if memory else None).look(tasks)
    known = replace(changes, new=()).apply(tasks)
    wiring.with_place(target, known)
    plan = planner.plan([*known, *changes.new], claimed=claimed)
    return DryPlan(plan, tasks, known, changes, planner.budget)


def write(target: Target, found: DryPlan) -> None:
    """Write to tasks.yml what the look changes there. What a person edited since then is left for the next one."""
    changes = found.changes
    before = {task.id: task for task in found.seen}
    after = {task.id: task for task in (*changes.updated, *changes.closed, *changes.reopened)}

    def change(tasks: list[Task]) -> list[Task]:
        known = {task.fingerprint for task in tasks}
        kept = [after.get(task.id, task) if before.get(task.id) == task else task for task in tasks]
        return [*kept, *(task for task in changes.new if task.fingerprint not in known)]

    if changes:
        wiring.change_tasks(target, change)


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


def prompt_of(target: Target, task: Task, listener: Listener = ignore) -> Question:
    """Return what the first attempt at ``task`` would ask, to the letter. Calls no model and writes nothing.

    ``listener`` is told how the code is searched for it.
    """
    from tempfile import TemporaryDirectory

    from selfimprove.executor.experience import recall
    from selfimprove.executor.prompt import build_ask
    from selfimprove.executor.sight import choose
    from selfimprove.model.work import Work

    repo = target.repo
    head = repo.head()
    names = repo.tree_names(head) if head else []
    with TemporaryDirectory(prefix="selfimprove-") as scratch:
        sight = wiring.build_sight(target, listener, Path(scratch))
        known = frozenset(names)
        files = sight.files(lambda path: repo.blob(head, path) if head and path in known else None)
        context = choose(task, names, files, sight, repo)
        experience = wiring.build_experience(target, wiring.peek_memory(target))
        told, notes = recall(task, experience, sight)
        work = small(Work(0, task.id, head or "", "", 0.0, context=context, lessons=told, notes=notes))
        return build_ask(task, work, files, names, sight)
