"""The command line: its commands, the options that all of them share, and the exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from selfimprove import __version__
from selfimprove.cli import failure
from selfimprove.cli.commands import audit, demo, doctor, history, init, plan, run, settings, status, tasks
from selfimprove.cli.door import ColorOption, Config, Cwd, Door, NoInput, Quiet, Verbose, open_door, the_door
from selfimprove.cli.interrupts import Interrupts
from selfimprove.errors import Interrupted, SelfimproveError

app = typer.Typer(
    name="selfimprove",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="""Measure a git repository, plan what to improve, change it in a private copy, prove it, commit it.

    Your working tree is not touched: commits land on a branch of their own.

    \b
    First steps:
      selfimprove demo             the whole journey, without a key
      selfimprove audit            what is over its limit here
      selfimprove plan --dry-run   what a run would do
      selfimprove run              do it
    """,
)
for module in (demo, init, doctor, audit, plan, run, tasks, status, history, settings):
    module.register(app)

interrupts = Interrupts()
_ClickException: type[Any] = typer.BadParameter.__mro__[2]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"selfimprove {__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    cwd: Cwd = None,
    config: Config = None,
    quiet: Quiet = 0,
    verbose: Verbose = 0,
    color: ColorOption = None,
    no_input: NoInput = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    del version
    the_door().merge(
        {
            "cwd": cwd,
            "config": config,
            "quiet": quiet,
            "verbose": verbose,
            "color": color,
            "no_input": no_input,
        }
    )


def main() -> None:
    """Run the command line and leave with its exit code."""
    door = open_door()
    interrupts.install()
    code = _guarded(door)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _reader_left(code)
    sys.exit(code)


def _guarded(door: Door) -> int:
    try:
        return _run(door)
    except Interrupted as error:
        return error.exit_code if error.code == "told" else failure.fail(door, error)
    except SelfimproveError as error:
        return failure.fail(door, error)
    except BrokenPipeError:
        return _reader_left(0)
    except Exception as error:
        return failure.fail_on_bug(door, error)


def _run(door: Door) -> int:
    door.format = _asked_format(sys.argv)
    try:
        return int(app(standalone_mode=False) or 0)
    except typer.Abort:
        raise Interrupted from None
    except _ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message(), file=sys.stderr)
            return 2
        raise failure.usage(error.format_message(), getattr(error, "ctx", None)) from None


def _asked_format(argv: list[str]) -> str:
    """Return the format for an error that comes before the options are read."""
    words = " ".join(argv[1:]).replace("=", " ")
    return "json" if " --format json" in f" {words} " or " -f json" in f" {words} " else "table"


def _reader_left(code: int) -> int:
    """`| head` closed the pipe: say nothing, and keep Python from complaining at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
