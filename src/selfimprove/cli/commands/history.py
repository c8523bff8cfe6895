"""`selfimprove history`: the runs so far, or what happened in one of them."""

from __future__ import annotations

from typing import Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.names import run_numbers
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("selfimprove history", "selfimprove history 7", "selfimprove history --format json")
    command(app, "history", examples=examples)(history)


def history(
    door: Door,
    run: Annotated[
        int | None,
        typer.Argument(help="Show the outcomes and steps of this run.", autocompletion=run_numbers),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many runs, the newest first.")
    ] = 20,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Show the runs so far, or what happened in one of them."""
    from selfimprove.report.json import history_data, run_record
    from selfimprove.report.table import history_table, record_table
    from selfimprove.wiring import peek_memory

    del format, output
    memory = peek_memory(door.target())
    if run is None:
        runs = memory.journal.runs(limit) if memory else []
        return door.answer(history_data(runs), lambda console: history_table(console, runs))
    found = memory.journal.run(run) if memory else None
    if memory is None or found is None:
        raise UsageError(f"there is no run {run}", hint="selfimprove history")
    outcomes, steps = memory.journal.outcomes(run=run), memory.journal.steps(run=run)
    return door.answer(
        run_record(found, outcomes, steps), lambda console: record_table(console, found, outcomes, steps)
    )
