"""The door: what a command is given to read the world and to answer in, whatever the format."""

from __future__ import annotations

import functools
import inspect
import io
import os
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selfimprove.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from selfimprove.wiring import Target

_PANEL = "Global options"


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
    """The formats of audit and plan."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class RunFormat(StrEnum):
    """The formats of run."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the answer there instead.")
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to answer.")]

Cwd = Annotated[
    Path | None,
    typer.Option("--cwd", "-C", metavar="DIR", help="Work in this folder.", rich_help_panel=_PANEL),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Use this config file, not the repository's.", rich_help_panel=_PANEL
    ),
]
Quiet = Annotated[
    int, typer.Option("--quiet", "-q", count=True, help="Say less: no progress.", rich_help_panel=_PANEL)
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose", "-v", count=True, help="Say more; -vv shows tracebacks.", rich_help_panel=_PANEL
    ),
]
ColorOption = Annotated[
    Color | None, typer.Option("--color", help="Use colour or not.", rich_help_panel=_PANEL)
]
NoInput = Annotated[bool, typer.Option("--no-input", help="Never ask.", rich_help_panel=_PANEL)]
GLOBALS: dict[str, Any] = {
    "cwd": Cwd,
    "config": Config,
    "quiet": Quiet,
    "verbose": Verbose,
    "color": ColorOption,
    "no_input": NoInput,
}
_DEFAULTS: dict[str, Any] = {
    "cwd": None,
    "config": None,
    "quiet": 0,
    "verbose": 0,
    "color": None,
    "no_input": False,
}


@dataclass(slots=True)
class Door:
    """One invocation of the program: its environment, its globals, and the two streams."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    config: Path | None = None
    quiet: int = 0
    verbose: int = 0
    color: Color | None = None
    no_input: bool = False
    command: str = ""
    format: str = "table"
    output: Path | None = None

    def merge(self, given: Mapping[str, Any]) -> None:
        """Take globals from one side of the command; what is not given there stays."""
        for name, default in _DEFAULTS.items():
            if name in given and given[name] != default:
                setattr(self, name, given[name])

    @property
    def folder(self) -> Path:
        """The folder to work in. Raises UsageError when it is gone."""
        try:
            return (Path.cwd() / self.cwd).absolute() if self.cwd else Path.cwd()
        except FileNotFoundError:
            raise UsageError(
                "the current folder does not exist any more", hint="cd into one that does"
            ) from None

    def target(self, **flags: object) -> Target:
        """Return the repository around the folder, with ``flags`` (``section__key``) over its settings."""
        from selfimprove import wiring

        dotted = {name.replace("__", "."): value for name, value in flags.items()}
        config = self.folder / self.config if self.config else None
        target = wiring.open_target(self.folder, self.environ, config, dotted)
        if not self.quiet:
            for warning in target.loaded.warnings:
                self.say(f"warning: {warning}")
        return target

    def say(self, line: str) -> None:
        """Write one line for a person to stderr, whatever characters it holds."""
        print(line.encode("utf-8", "backslashreplace").decode(), file=sys.stderr, flush=True)

    def answer(
        self,
        data: Any,
        table: Callable[[Console], None],
        *,
        exit_code: int = 0,
        markdown: Callable[[], str] | None = None,
    ) -> int:
        """Write the answer once, in the format that was asked for, and return the exit code."""
        if self.format == "json":
            from selfimprove.report.json import dumps, envelope

            self.write(dumps(envelope(self.command, data, None, exit_code)) + "\n")
        elif self.format == "markdown" and markdown:
            self.write(markdown())
        else:
            self._write_table(table)
        return exit_code

    def write(self, text: str) -> None:
        """Write ``text`` to stdout, or to the file of ``--output``, whole or not at all."""
        data = text.encode("utf-8", "backslashreplace")
        if self.output is None:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        from selfimprove.atomicfile import replace_file

        path = self.folder / self.output
        try:
            if path.exists() and not path.is_file():
                path.write_bytes(data)  # /dev/stderr, a pipe
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(path, data)
        except OSError as error:
            raise UsageError(
                f"the answer cannot be written: {error.strerror}",
                where=str(self.output),
                hint="name a file in a folder that you may write to",
            ) from None

    def _write_table(self, table: Callable[[Console], None]) -> None:
        if self.output is None:
            table(self.console(sys.stdout))
            sys.stdout.flush()
            return
        text = io.StringIO()
        table(self.console(text))
        self.write(text.getvalue())

    def console(self, stream: Any) -> Console:
        """Return a console on ``stream`` that follows --color, NO_COLOR, FORCE_COLOR and TERM=dumb."""
        from rich.console import Console

        wanted = self.color_wanted(stream)
        width = None if stream.isatty() else 100_000
        return Console(
            file=stream,
            force_terminal=wanted,
            no_color=not wanted,
            color_system="auto" if wanted else None,
            highlight=False,
            markup=False,
            emoji=False,
            width=width,
            legacy_windows=False,
        )

    def color_wanted(self, stream: Any) -> bool:
        """True when colour belongs on ``stream``. The flag wins, then the variables, then the terminal."""
        if self.color in (Color.ALWAYS, Color.NEVER):
            return self.color is Color.ALWAYS
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return self.environ["FORCE_COLOR"] not in ("0", "false")
        return bool(stream.isatty()) and self.environ.get("TERM") != "dumb"

    def may_ask(self) -> bool:
        """True when a person sits there to answer."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()


_door = Door()


def open_door() -> Door:
    """Begin a new invocation."""
    global _door
    _door = Door()
    return _door


def the_door() -> Door:
    """Return the door of this invocation."""
    return _door


def command(
    app: typer.Typer, name: str, *, title: str = "", **options: Any
) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Register a function as command ``name``: it gets the door first and returns the exit code.

    The globals are added to its own options, so that they may stand on either side of the command. ``title``
    is its name in JSON, when it has a longer one.
    """

    def register(function: Callable[..., int]) -> Callable[..., None]:
        signature = inspect.signature(function, eval_str=True)
        own = [p for p in signature.parameters.values() if p.name != "door"]
        shared = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[key], annotation=kind)
            for key, kind in GLOBALS.items()
        ]

        @functools.wraps(function)
        def call(**given: Any) -> None:
            door = the_door()
            door.merge({key: given.pop(key) for key in _DEFAULTS})
            door.command = title or name
            door.format = str(given.get("format", door.format))
            door.output = given.pop("output", None) if "output" in given else None
            raise typer.Exit(
                function(door, **{key: value for key, value in given.items() if key != "format"})
            )

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + shared
        call.__signature__ = signature.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name, **options)(call)
        return call

    return register
