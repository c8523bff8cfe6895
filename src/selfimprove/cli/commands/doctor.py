"""`selfimprove doctor`: what is there, what is missing, and the line that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "doctor", examples=("selfimprove doctor", "selfimprove doctor --format json"))(doctor)


def doctor(door: Door, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """Check git, Python, the sandbox, the model and the state.

    Writes nothing, and exits with 1 when something that is required is missing.
    """
    from selfimprove.checkup import examine
    from selfimprove.report.table import checkup_table

    del format, output
    config = door.folder / door.config if door.config else None
    rows = examine(door.folder, door.environ, config)
    bad = any(row.required and not row.ok for row in rows)
    data = {
        "checks": [
            {"name": row.name, "ok": row.ok, "required": row.required, "detail": row.detail, "mend": row.mend}
            for row in rows
        ]
    }
    return door.answer(data, lambda console: checkup_table(console, rows), exit_code=int(bad))
