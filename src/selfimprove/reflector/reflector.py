"""Reflector: looks at the code before and after the work, and brings the tasks in line with what it sees."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.codebase.scan import Scan, python_files, walk
from selfimprove.codebase.tree import FolderTree
from selfimprove.model.audit import Audit
from selfimprove.model.task import Status, Task
from selfimprove.reflector import backlog, rules
from selfimprove.reflector.auditor import SelfAuditor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from selfimprove.model.finding import Finding
    from selfimprove.model.run import Run

STATE = ".selfimprove"


@dataclass(frozen=True, slots=True)
class Look(backlog.Changes):
    """What one look changes in tasks.yml, and the ``audit`` that it comes from."""

    audit: Audit = field(default_factory=Audit)


def _never(_task: Task, _ref: str) -> bool:
    return False


@contextmanager
def _nothing(_run: Run) -> Iterator[None]:
    yield None


class Reflector:
    """Asks the auditor and speaks in tasks; ``look`` writes nothing, ``run_cycle`` writes ``tasks_path``.

    Without an ``auditor`` the Python files of ``paths`` are measured, against ``threshold``, the highest
    cyclomatic complexity that is fine; tasks name them relative to the folder of ``tasks_path``, if they are
    below it. ``landed`` says of a done task whether its
    commit is part of a git reference: only then does its finding, still there, mean that it was not mended.
    ``committed`` gives an auditor of what a run has committed, or ``None`` when that is nothing.
    """

    def __init__(
        self,
        tasks_path: str | Path = "tasks.yml",
        threshold: int = 15,
        paths: Sequence[str] = (".",),
        *,
        auditor: SelfAuditor | None = None,
        landed: Callable[[Task, str], bool] = _never,
        committed: Callable[[Run], AbstractContextManager[SelfAuditor | None]] = _nothing,
    ) -> None:
        self.tasks_path = Path(tasks_path)
        self.auditor = auditor or SelfAuditor(threshold, tree=_tree(self.tasks_path, paths))
        self._landed = landed
        self._committed = committed

    @property
    def last(self) -> Audit:
        """The audit of the last look at the person's tree; empty before the first."""
        return self.auditor.last

    def run_cycle(self) -> Look:
        """Measure, bring ``tasks_path`` in line with what is found, and return what that changed.

        A person's comments, layout and own words in the file stay. A second cycle on the same code writes
        nothing. Raises TaskFileError, with the file as it was, when it is not valid or cannot be written.
        """
        from selfimprove.memory.taskfile import TaskFile

        lock = self.tasks_path.absolute().parent / STATE / "tasks.lock"
        file = TaskFile(self.tasks_path, lock_path=lock)
        tasks = file.load()
        look = self.look(tasks)
        if look:
            file.save(look.apply(tasks))
        return look

    def look(self, tasks: Sequence[Task], run: Run | None = None) -> Look:
        """Measure, and return the tasks to append, to update, to close and to reopen.

        With a ``run`` that has made commits these are measured, else the person's tree. A done task reopens
        when its finding is there although its commit is in what was measured; before that it waits for the
        merge. What a run's branch shows updates and closes nothing: that comes with the merge.
        """
        if run is None:
            return self._seen(self.auditor, tasks, "HEAD")
        with self._committed(run) as auditor:
            return self._seen(auditor or self.auditor, tasks, run.branch if auditor else "HEAD")

    def _seen(self, auditor: SelfAuditor, tasks: Sequence[Task], ref: str) -> Look:
        audit = auditor.survey()
        found = backlog.changes(tasks, _seen(auditor, audit))
        matched, _ = backlog.match(tasks, audit.findings)
        unmended = tuple(
            backlog.renewed(replace(task, status=Status.PENDING), matched[task.fingerprint])
            for task in tasks
            if task.status is Status.DONE and task.fingerprint in matched and self._landed(task, ref)
        )
        again = {task.id: task for task in unmended}
        if auditor is self.auditor:
            again |= {task.id: task for task in found.reopened}
        else:
            found = replace(found, updated=(), closed=())
        new = backlog.with_unique_ids(found.new, {task.id for task in tasks})
        return Look(new, found.updated, found.closed, tuple(again.values()), audit)


class _PathsTree(FolderTree):
    """The files and folders ``paths``, all below ``root``."""

    def __init__(self, root: Path, paths: tuple[Path, ...]) -> None:
        super().__init__(root)
        self.paths = paths

    def scan(self) -> Scan:
        """Walk the paths, and nothing beside them."""
        listing = [
            os.path.relpath(path / name, self.root)
            for path in self.paths
            for name in (walk(path) if path.is_dir() else ("",))
        ]
        return python_files(self.root, listing, [str(path) for path in self.paths])


def _tree(tasks_path: Path, paths: Sequence[str]) -> FolderTree:
    folder = tasks_path.absolute().parent
    places = tuple(Path(os.path.normpath(Path(path).absolute())) for path in paths)
    if not all(place.is_relative_to(folder) for place in places):
        folder = Path(os.path.commonpath([folder, *places]))
    return _PathsTree(folder, places)


def _seen(auditor: SelfAuditor, audit: Audit) -> backlog.Seen:
    unknown = {file.path for file in audit.not_analysed}

    def looked(rule: str, path: str) -> bool:
        if rule.startswith("SI3"):
            return path in auditor.linted
        if path not in auditor.measured or auditor.policy.limit(rule, path) is None:
            return False
        across = rules.BY_ID[rule].scope == "project"
        return not (across and (unknown or auditor.measured[path].suppressions))

    def deleted(path: str) -> bool:
        known = path in auditor.measured or path in unknown
        return not known and not os.path.lexists(auditor.tree.root / path)

    return backlog.Seen(audit.findings, (*_silenced(auditor), *auditor.accepted), looked, deleted)


def _silenced(auditor: SelfAuditor) -> Iterator[Finding]:
    """Yield what is over its limit in files with comments that silence findings, silenced or not."""
    for path, metrics in auditor.measured.items():
        if metrics.suppressions:
            yield from rules.findings(path, metrics, auditor.policy)
