"""Phase: the ten steps of a pipeline as a person counts them, read from the steps of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.model.run import Step

DOCUMENTS = "documents of run "
"""How the id of the task begins that writes the three documents, a part of the first phase; it is not in tasks.yml."""

# What a person counts -> the step of the run itself, or (in a tuple) those of its tasks, in which it happens.
PHASES: Mapping[str, str | tuple[str, ...]] = {
    "analyze": "analyze",
    "suggest": "suggest",
    "log tasks": "log",
    "execute": ("edit", "command"),
    "review": ("review",),
    "generate tests": ("write_tests",),
    "run tests": "tests",
    "pull request": "pull request",
    "update documents": ("document",),
    "log and confirm": "confirm",
}
# Of a task's work: what the phase brought about.
_TOLD: Mapping[str, tuple[str, ...]] = {
    "edit": ("subject", "paths", "attempt", "dollars", "tokens", "rewrite"),
    "command": ("status", "reason", "checks"),
    "review": ("review",),
    "write_tests": ("groups", "written"),
    "document": ("written",),
}


class Phase(NamedTuple):
    """One of the ten. ``output`` is what it brought about, as JSON; of tasks by their ids.

    ``status`` is ``skipped`` for what was not wanted or had nothing to do. ``seconds`` is wall time.
    """

    number: int
    name: str
    status: Status
    summary: str
    seconds: float = 0.0
    output: Mapping[str, Any] = {}

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return self._asdict() | {"status": self.status.value, "output": dict(self.output)}


def phases(steps: Sequence[Step]) -> list[Phase]:
    """Return the ten phases of a run, from its steps in the order in which they began."""
    return [
        _of_run(number, name, where, steps)
        if isinstance(where, str)
        else _of_tasks(number, name, where, steps)
        for number, (name, where) in enumerate(PHASES.items(), 1)
    ]


def _of_run(number: int, name: str, where: str, steps: Iterable[Step]) -> Phase:
    found = [step for step in steps if not step.task_id and step.name == where]
    if not found:
        return Phase(number, name, Status.SKIPPED, "not done")
    last = found[-1]
    output = last.result.get("data") or {key: last.result[key] for key in ("error",) if key in last.result}
    return Phase(number, name, last.status, last.summary, _seconds(found), output)


def _of_tasks(number: int, name: str, where: tuple[str, ...], steps: Iterable[Step]) -> Phase:
    found = [
        step
        for step in steps
        if step.task_id and not step.task_id.startswith(DOCUMENTS) and step.name in where
    ]
    ends = {step.task_id: step for step in found}
    # A step that has nothing to say did nothing: no review was wanted, no document was untrue.
    ends = {task: step for task, step in ends.items() if step.summary}
    if not ends:
        return Phase(number, name, Status.SKIPPED, "nothing to do", _seconds(found))
    bad = [task for task, step in ends.items() if step.status is Status.FAILED]
    status = Status.FAILED if len(bad) == len(ends) else Status.DONE
    output = {
        task: {"status": step.status.value, "summary": step.summary, **_told(step)}
        for task, step in ends.items()
    }
    return Phase(number, name, status, _summed_up(ends, bad), _seconds(found), {"tasks": output})


def _summed_up(ends: Mapping[str, Step], bad: Sequence[str]) -> str:
    tasks = f"{len(ends)} task{'' if len(ends) == 1 else 's'}"
    if bad:
        return f"{len(bad)} of {tasks} failed: {', '.join(bad[:3])}"
    return next(iter(ends.values())).summary if len(ends) == 1 else tasks


def _told(step: Step) -> dict[str, Any]:
    return {key: step.result[key] for key in _TOLD[step.name] if step.result.get(key)}


def _seconds(steps: Iterable[Step]) -> float:
    return round(sum((step.ended_at or step.started_at) - step.started_at for step in steps), 3)
