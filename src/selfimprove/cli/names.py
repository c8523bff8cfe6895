"""Completion: the names of tasks, runs and lessons that a shell offers after the Tab key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 (the command line parser reads the annotations)

if TYPE_CHECKING:
    from selfimprove.target import Target


def task_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the task ids of the repository here that begin with ``incomplete``; nothing on any trouble."""
    try:
        from selfimprove.wiring import load_tasks

        tasks = load_tasks(_target(ctx))
    except Exception:  # a shell's completion must never show an error
        return []
    return [task.id for task in tasks if task.id.startswith(incomplete)]


def run_numbers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the numbers of the newest runs that begin with ``incomplete``; nothing on any trouble."""
    try:
        from selfimprove.wiring import peek_memory

        memory = peek_memory(_target(ctx))
        runs = memory.journal.runs() if memory else []
    except Exception:
        return []
    return [str(run.id) for run in runs if str(run.id).startswith(incomplete)]


def lesson_numbers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the numbers of the lessons that begin with ``incomplete``; nothing on any trouble."""
    try:
        from selfimprove.wiring import peek_memory

        memory = peek_memory(_target(ctx))
        lessons = memory.lessons.all() if memory else []
    except Exception:
        return []
    return [str(lesson.id) for lesson in lessons if str(lesson.id).startswith(incomplete)]


def _target(ctx: typer.Context) -> Target:
    """Return the repository here, or that of a --cwd that was typed already."""
    from selfimprove.target import open_target

    place: typer.Context | None = ctx
    while place and not place.params.get("cwd"):
        place = place.parent  # type: ignore[assignment]
    return open_target(Path.cwd() / place.params["cwd"] if place else Path.cwd(), dict(os.environ), None, {})
