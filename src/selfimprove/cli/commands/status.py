"""`selfimprove status`: what is running, what is open, what was left behind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "status", examples=("selfimprove status", "selfimprove status --format json"))(status)


def status(door: Door, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """Show what runs now, where the tasks stand, and the last run."""
    from selfimprove.report.json import status_data
    from selfimprove.report.table import status_table
    from selfimprove.wiring import load_tasks, peek_memory

    del format, output
    target = door.target()
    counts = dict(Counter(task.status.value for task in load_tasks(target)))
    memory = peek_memory(target)
    runs = memory.journal.runs(20) if memory else []
    dead = {run.id for run in memory.journal.dead_runs()} if memory else set()
    doing = (
        [
            step
            for run in runs
            if run.state == "running"
            for step in memory.journal.steps(run=run.id)
            if step.ended_at is None
        ]
        if memory
        else []
    )
    return door.answer(
        status_data(counts, runs, dead, doing),
        lambda console: status_table(console, counts, runs, dead, doing),
    )
