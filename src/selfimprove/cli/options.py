"""Options: the globals that every command takes, and the words that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from selfimprove import __version__

if TYPE_CHECKING:
    from typer.models import ArgumentInfo, OptionInfo

_PANEL = "Global options"


class Option:
    """An option as typer wants it told, which is loaded only when somebody needs its help or its errors."""

    def __init__(self, *names: str, **told: Any) -> None:
        self.names = names
        self.told = told

    def for_typer(self) -> OptionInfo | ArgumentInfo:
        """Return it in typer's form."""
        import typer

        made: OptionInfo = typer.Option(*self.names, **self.told)
        return made


class Argument(Option):
    """A free word, or all that are left."""

    def for_typer(self) -> OptionInfo | ArgumentInfo:
        """Return it in typer's form."""
        import typer

        made: ArgumentInfo = typer.Argument(**self.told)
        return made


class Color(StrEnum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Format(StrEnum):
    """The formats that every command has."""

    TABLE = "table"
    JSON = "json"


class TextFormat(StrEnum):
    """The formats of plan."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class AuditFormat(StrEnum):
    """The formats of audit."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"
    HTML = "html"


class RunFormat(StrEnum):
    """The formats of run."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


Output = Annotated[
    Path | None, Option("--output", "-o", metavar="FILE", help="Write the answer there instead.")
]
FormatOption = Annotated[Format, Option("--format", "-f", help="How to answer.")]

Cwd = Annotated[
    Path | None,
    Option("--cwd", "-C", metavar="DIR", help="Work in this folder.", rich_help_panel=_PANEL),
]
Config = Annotated[
    Path | None,
    Option(
        "--config", metavar="FILE", help="Use this config file, not the repository's.", rich_help_panel=_PANEL
    ),
]
Quiet = Annotated[
    int,
    Option(
        "--quiet",
        "-q",
        count=True,
        show_default=False,
        help="Say less: no progress.",
        rich_help_panel=_PANEL,
    ),
]
Verbose = Annotated[
    int,
    Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Say more; -vv shows tracebacks.",
        rich_help_panel=_PANEL,
    ),
]
ColorOption = Annotated[Color | None, Option("--color", help="Use colour or not.", rich_help_panel=_PANEL)]
NoInput = Annotated[bool, Option("--no-input", help="Never ask.", rich_help_panel=_PANEL)]


def _show_version(wanted: bool) -> bool:
    if wanted:
        import typer

        print(f"selfimprove {__version__}")
        raise typer.Exit
    return wanted


Version = Annotated[
    bool,
    Option(
        "--version",
        callback=_show_version,
        is_eager=True,
        help="Show the version and leave.",
        rich_help_panel=_PANEL,
    ),
]
GLOBALS: dict[str, Any] = {
    "cwd": Cwd,
    "config": Config,
    "quiet": Quiet,
    "verbose": Verbose,
    "color": ColorOption,
    "no_input": NoInput,
    "version": Version,
}
DEFAULTS: dict[str, Any] = {
    "cwd": None,
    "config": None,
    "quiet": 0,
    "verbose": 0,
    "color": None,
    "no_input": False,
    "version": False,
}
