"""Memory: tasks.yml, which people edit, and the state and records, which the program writes."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from selfimprove.atomicfile import replace_file
from selfimprove.errors import StateError
from selfimprove.memory.taskfile import TaskFile
from selfimprove.model.phase import phases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from selfimprove.memory.claims import Claims
    from selfimprove.memory.journal import Journal
    from selfimprove.memory.lessons import Lessons
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task


class Memory:
    """What is remembered of one repository.

    Paths are relative to ``root``; ``state`` is our own folder, ``logs`` that of logs and run records. ``aside`` are
    the tasks that a person asked for by hand: they are done like those of tasks.yml, and never written there.
    """

    def __init__(
        self, root: Path, state: Path, logs: Path, journal: Journal, claims: Claims, lessons: Lessons
    ) -> None:
        self.journal = journal
        self.claims = claims
        self.lessons = lessons
        self.aside: list[Task] = []
        self._root = root
        self._state = state
        self._logs = logs
        self._files: dict[Path, TaskFile] = {}

    def load(self, path: str | Path) -> dict[str, Any]:
        """Return a JSON state file, ``{}`` when it does not exist. Raises StateError when it is damaged."""
        file = self._root / path
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StateError(
                f"this state file cannot be read: {error}",
                where=str(path),
                hint="it is kept as it is; move it away to start anew",
            ) from error
        if not isinstance(data, dict):
            raise StateError(
                "this state file does not hold a mapping",
                where=str(path),
                hint="it is kept as it is; move it away to start anew",
            )
        return data

    def save(self, data: dict[str, Any], path: str | Path) -> None:
        """Write a JSON state file, whole or not at all; its folders are made. Raises StateError."""
        file = self._root / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, (json.dumps(data, indent=2, ensure_ascii=True) + "\n").encode())
        except OSError as error:
            raise StateError(
                f"this state file cannot be written: {error.strerror or error}",
                where=str(path),
                hint="check the permissions and the room on the disk; what was there is kept",
            ) from error

    def save_run(self, run: Run) -> None:
        """Write the record of a run, with its outcomes and steps, to ``run-<n>.json`` among the logs."""
        steps = [asdict(step) for step in self.journal.steps(run=run.id)]
        outcomes = self.journal.outcomes(run=run.id)
        record = {"schema_version": 1, "run": asdict(run), "outcomes": outcomes, "steps": steps}
        if any(not step["task_id"] for step in steps):
            record["phases"] = [phase.to_dict() for phase in phases(self.journal.steps(run=run.id))]
        self.save(record, self._logs / f"run-{run.id}.json")

    def complete_records(self) -> None:
        """Write the newest runs' records again where they are not of the run's end: a kill fell between the two."""
        for run in self.journal.runs(limit=3):
            path = self._logs / f"run-{run.id}.json"
            with suppress(StateError):  # a damaged record is kept as it is
                known = self.load(path).get("run")
                told = known.get("ended_at") if isinstance(known, dict) else None
                if run.state != "running" and told != run.ended_at:
                    self.save_run(run)

    def load_tasks(self, path: str | Path = "tasks.yml") -> list[Task]:
        """Return the tasks in file order, none when the file does not exist. Raises TaskFileError."""
        return [*self._file(path).load(), *self.aside]

    def save_tasks(self, tasks: Sequence[Task], path: str | Path = "tasks.yml") -> list[Task]:
        """Write what changed since the last load or save, take up a person's edits, and return the result."""
        names = {task.id for task in self.aside}
        self.aside = [task for task in tasks if task.id in names]
        saved = self._file(path).save([task for task in tasks if task.id not in names])
        return [*saved, *self.aside]

    def _file(self, path: str | Path) -> TaskFile:
        full = self._root / path
        if full not in self._files:
            self._files[full] = TaskFile(full, lock_path=self._state / "tasks.lock")
        return self._files[full]
