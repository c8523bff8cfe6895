"""The command line: its commands, the options that all of them share, and the exit code."""

from __future__ import annotations

import gc
import re
import sys
from importlib import import_module
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from selfimprove.cli import direct, failure, streams
from selfimprove.cli.door import Door, carry_out, group, open_door
from selfimprove.cli.interrupts import Interrupts
from selfimprove.errors import Interrupted, SelfimproveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import typer

NAME = "selfimprove"
_HELP = """Measure a git repository, plan what to improve, change it in a private copy, prove it, commit it.

    Your working tree is not touched: commits land on a branch of their own.

    \b
    First steps:
      selfimprove demo             the whole journey, without a key
      selfimprove audit            what is over its limit here
      selfimprove plan --dry-run   what a run would do
      selfimprove run              do it
    """
# The commands in the order of the help, and the module of each; a command that is named loads no other.
COMMANDS = {
    **{name: name for name in ("demo", "init", "doctor", "audit", "plan", "run", "tasks", "apply")},
    **{name: name for name in ("analyze", "suggest", "scaffold", "pipeline")},
    **{name: name for name in ("refactor", "verify", "undo", "index", "search")},
    "status": "status",
    "history": "history",
    "lessons": "lessons",
    "config": "settings",
}
# Those whose options are all of our own form, in a function of the same name: started without typer, which takes
# longer to load than a warm audit takes, when the words leave no doubt.
DIRECT = {"audit", "status"}

interrupts = Interrupts()
_COMPLETION = "_SELFIMPROVE_COMPLETE"
_FORMAT = re.compile(r"(?:--format=|-f)(json|jsonl)")
_WITHOUT_NUMBER = {"--trend": "20"}
_WITH_VALUE = ("-C", "--cwd", "--config", "--color")


def program(words: Sequence[str] = ()) -> typer.Typer:
    """Return typer's program with the command that ``words`` begin with, with all when they name none."""
    app = group(_HELP, NAME)
    named = next((word for word in _free(words) if word in COMMANDS), None)
    for name in [named] if named else COMMANDS:
        import_module(f"selfimprove.cli.commands.{COMMANDS[name]}").register(app)
    return app


def main() -> None:
    """Run the command line and leave with its exit code."""
    streams.prepare()
    door = open_door()
    interrupts.install()
    # What a command makes lives until it ends; looking for circles in it only takes time.
    gc.set_threshold(100_000, 50, 50)
    code = _guarded(door, sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            streams.discard(stream)
    gc.freeze()  # the interpreter would look once more at its end
    sys.exit(code)


def _guarded(door: Door, words: Sequence[str]) -> int:
    """Do what ``words`` say and return the exit code, whatever happens."""
    try:
        return _run(door, words)
    except Interrupted as error:
        return error.exit_code if error.code == "told" else failure.fail(door, error)
    except SelfimproveError as error:
        return failure.fail(door, error)
    except BrokenPipeError:  # the reader of a help page left
        streams.discard(sys.stdout)
        return 0
    except Exception as error:
        return failure.fail_on_bug(door, error)


def _run(door: Door, words: Sequence[str]) -> int:
    door.format, whole = _asked_format(words), _with_numbers(words)
    said = None if _COMPLETION in door.environ else direct.read(whole, _function)
    if said:
        door.merge(said.before)
        return carry_out(said.function, said.function.__name__, said.given)
    return _run_by_typer(door, words, whole)


def _function(name: str) -> Callable[..., int] | None:
    """Return what a command of DIRECT is, None for every other word."""
    if name not in DIRECT:
        return None
    found: Callable[..., int] = getattr(import_module(f"selfimprove.cli.commands.{COMMANDS[name]}"), name)
    return found


def _run_by_typer(door: Door, words: Sequence[str], whole: list[str]) -> int:
    import typer

    app = program(words)
    door.command = _asked_command(app, words)
    mistake: type[Any] = typer.BadParameter.__mro__[2]
    try:
        return int(app(whole, prog_name=NAME, standalone_mode=False) or 0)
    except typer.Abort:
        raise Interrupted from None
    except mistake as error:
        if type(error).__name__ == "NoArgsIsHelpError" and door.format == "table":
            print(error.format_message(), file=sys.stderr)
            return 2
        raise failure.usage(error, door.command) from None


def _with_numbers(words: Sequence[str]) -> list[str]:
    """Return ``words`` with a number after every option that may stand without one."""
    said = []
    for word, after in zip_longest(words, words[1:], fillvalue=""):
        said.append(word)
        if word in _WITHOUT_NUMBER and not re.fullmatch(r"-?\d+", after):
            said.append(_WITHOUT_NUMBER[word])
    return said


def _asked_format(words: Sequence[str]) -> str:
    """Return the format for an error that comes before the options are read."""
    pairs = list(zip_longest(words, words[1:], fillvalue=""))
    found = [
        _FORMAT.fullmatch(f"{one}={two}" if one == "--format" else one + two * (one == "-f"))
        for one, two in pairs
    ]
    return next((match[1] for match in found if match), "table")


def _free(words: Sequence[str]) -> list[str]:
    """Return the words that are neither a global option nor its value."""
    return [
        word
        for before, word in zip(["", *words], words, strict=False)
        if not word.startswith("-") and before not in _WITH_VALUE
    ]


def _asked_command(app: typer.Typer, words: Sequence[str]) -> str:
    """Return the name of the command for an error that comes before it is known: "audit", "tasks list"."""
    free = _free(words)
    groups = {group.name: group.typer_instance for group in app.registered_groups if group.typer_instance}
    names = {command.name for command in app.registered_commands}
    if not free or free[0] not in names | groups.keys():
        return "selfimprove"
    inner = groups.get(free[0])
    inside = {command.name for command in inner.registered_commands} if inner else set()
    return " ".join(free[:2]) if len(free) > 1 and free[1] in inside else free[0]
