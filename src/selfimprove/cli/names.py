"""Completion: the names of tasks and runs that a shell offers after the Tab key."""

from __future__ import annotations

import os
from pathlib import Path


def task_names(incomplete: str) -> list[str]:
    """Return the task ids of the repository here that begin with ``incomplete``; nothing on any trouble."""
    try:
        from selfimprove.wiring import load_tasks, open_target

        tasks = load_tasks(open_target(Path.cwd(), dict(os.environ), None, {}))
    except Exception:  # a shell's completion must never show an error
        return []
    return [task.id for task in tasks if task.id.startswith(incomplete)]


def run_numbers(incomplete: str) -> list[str]:
    """Return the numbers of the newest runs that begin with ``incomplete``; nothing on any trouble."""
    try:
        from selfimprove.wiring import open_target, peek_memory

        memory = peek_memory(open_target(Path.cwd(), dict(os.environ), None, {}))
        runs = memory.journal.runs() if memory else []
    except Exception:
        return []
    return [str(run.id) for run in runs if str(run.id).startswith(incomplete)]
