"""Reflector: looks at the code before and after the work, and turns what it sees into tasks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selfimprove.model.task import Status, Task
from selfimprove.reflector.auditor import SelfAuditor, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from selfimprove.model.audit import Audit


@dataclass(frozen=True, slots=True)
class Look:
    """What one look changes: ``new`` tasks to append, in this order; ``reopened`` ones, now pending again."""

    new: tuple[Task, ...]
    reopened: tuple[Task, ...]
    audit: Audit


class Reflector:
    """Asks the auditor and speaks in tasks. It writes nothing: the caller saves what a look returns."""

    def __init__(self, auditor: SelfAuditor) -> None:
        self.auditor = auditor

    @property
    def last(self) -> Audit:
        """The audit of the last look; empty before the first."""
        return self.auditor.last

    def look(self, tasks: Sequence[Task], landed: Callable[[Task], bool] = lambda _: False) -> Look:
        """Measure, and return the tasks to append and to reopen.

        ``landed`` says of a done task whether its commit is in the code that was measured: only then does its
        finding, still there, mean that it was not mended. Without that, the finding waits for the merge.
        """
        audit = self.auditor.survey()
        present = {finding.fingerprint for finding in audit.findings}
        reopened = tuple(
            replace(task, status=Status.PENDING)
            for task in tasks
            if task.status is Status.DONE and task.fingerprint in present and landed(task)
        )
        found = [finding.to_task() for finding in unknown(audit.findings, tasks)]
        return Look(_with_unique_ids(found, {task.id for task in tasks}), reopened, audit)

    def remaining(self, root: Path, paths: Iterable[str]) -> Audit:
        """Measure ``paths`` in a copy of the repository at ``root``; ``last`` stays as it is."""
        return self.auditor.analyze(paths, root=root)

    def values(self, root: Path, path: str) -> dict[str, float | str]:
        """Return the value by fingerprint of all that is measured in ``path`` of the copy at ``root``.

        A fingerprint that is missing stands for a function that is gone, or (when all are) for a file that is
        gone or cannot be measured.
        """
        return self.auditor.values(path, root=root)


def still_there(audit: Audit, fingerprint: str) -> bool:
    """True when ``audit`` still holds the finding."""
    return any(finding.fingerprint == fingerprint for finding in audit.findings)


def _with_unique_ids(tasks: Iterable[Task], taken: set[str]) -> tuple[Task, ...]:
    """Return the tasks with ``-2``, ``-3`` ... appended to ids that are taken, also by one another."""
    named = []
    for task in tasks:
        name, number = task.id, 1
        while name in taken:
            number += 1
            name = f"{task.id}-{number}"
        taken.add(name)
        named.append(replace(task, id=name))
    return tuple(named)
