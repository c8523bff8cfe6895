"""`selfimprove demo`: the whole journey on a throwaway repository, with recorded replies: no key, no network."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations as the program runs
from typing import Annotated

import typer

from selfimprove.cli.door import Door, Format, FormatOption, Output, command


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "demo", examples=("selfimprove demo", "selfimprove demo --keep ~/demo"))(demo)


def demo(
    door: Door,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="DIR", help="Make the repository there (new or empty), not in a temp folder."
        ),
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Show the whole journey on a small repository in a temporary folder. No key, no network.

    The repository is a real one with tests that pass and one function that is too complex. Audit, plan and
    run are the real ones too; only the model's replies are recorded, the first of them with a mistake.
    """
    from selfimprove.cli.journey import recorded_replies, tell
    from selfimprove.tools.git.repo import version

    del format, output
    version(door.environ)  # git must be there before a folder is made
    return tell(door, keep, recorded_replies())
