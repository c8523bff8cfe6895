"""Reflector: looks at the code before and after the work, and turns what it sees into tasks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selfimprove.model.task import Status, Task
from selfimprove.reflector.auditor import SelfAuditor, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from selfimprove.model.audit import Audit
    from selfimprove.model.run import Run


@dataclass(frozen=True, slots=True)
class Look:
    """What one look changes: ``new`` tasks to append, in this order; ``reopened`` ones, now pending again."""

    new: tuple[Task, ...]
    reopened: tuple[Task, ...]
    audit: Audit


def _never(_task: Task, _ref: str) -> bool:
    return False


@contextmanager
def _nothing(_run: Run) -> Iterator[None]:
    yield None


class Reflector:
    """Asks the auditor and speaks in tasks. It writes nothing: the caller saves what a look returns.

    ``landed`` says of a done task whether its commit is part of a git reference: only then does its finding,
    still there, mean that it was not mended. ``committed`` gives an auditor of what a run has committed, or
    ``None`` when that is nothing.
    """

    def __init__(
        self,
        auditor: SelfAuditor,
        landed: Callable[[Task, str], bool] = _never,
        committed: Callable[[Run], AbstractContextManager[SelfAuditor | None]] = _nothing,
    ) -> None:
        self.auditor = auditor
        self._landed = landed
        self._committed = committed

    @property
    def last(self) -> Audit:
        """The audit of the last look at the person's tree; empty before the first."""
        return self.auditor.last

    def look(self, tasks: Sequence[Task], run: Run | None = None) -> Look:
        """Measure, and return the tasks to append and to reopen.

        With a ``run`` that has made commits these are measured, else the person's tree. A done task reopens
        when its finding is there although its commit is in what was measured; before that it waits for the
        merge.
        """
        if run is None:
            return self._seen(self.auditor, tasks, "HEAD")
        with self._committed(run) as auditor:
            return self._seen(auditor or self.auditor, tasks, run.branch if auditor else "HEAD")

    def _seen(self, auditor: SelfAuditor, tasks: Sequence[Task], ref: str) -> Look:
        audit = auditor.survey()
        present = {finding.fingerprint for finding in audit.findings}
        reopened = tuple(
            replace(task, status=Status.PENDING)
            for task in tasks
            if task.status is Status.DONE and task.fingerprint in present and self._landed(task, ref)
        )
        found = [finding.to_task() for finding in unknown(audit.findings, tasks)]
        return Look(_with_unique_ids(found, {task.id for task in tasks}), reopened, audit)


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
