"""The failure page: three lines for what a person can mend, a ready-made bug report for what is ours."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfimprove import __version__
from selfimprove.errors import Interrupted, NeedsKey, SelfimproveError, UsageError

if TYPE_CHECKING:
    from selfimprove.cli.door import Door

ISSUES = "https://github.com/selfimprove/selfimprove/issues"


def fail(door: Door, error: SelfimproveError) -> int:
    """Tell the person, in the format that they asked for, and return the exit code."""
    if door.verbose >= 2:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    page(door, error)
    _as_json(door, error)
    return error.exit_code


def page(door: Door, error: SelfimproveError) -> None:
    """Write the three lines to stderr: what happened, where, what to type next."""
    from selfimprove.report.wording import visible

    _complete(door, error)
    red, plain = ("\x1b[31m", "\x1b[0m") if door.color_wanted(sys.stderr) else ("", "")
    where = error.where if error.code == NeedsKey.code else f"in {error.where}"
    door.say(f"{red}error: {visible(error.message)}{plain}\n  {visible(where)}\nhint: {visible(error.hint)}")


def _complete(door: Door, error: SelfimproveError) -> None:
    """Give an error that knows no place or no remedy the best that the door knows."""
    error.where = error.where or ("the command line" if isinstance(error, UsageError) else _here(door))
    error.hint = error.hint or (
        "type the command again to go on" if isinstance(error, Interrupted) else "selfimprove doctor"
    )


def _here(door: Door) -> str:
    try:
        return str(door.folder)
    except SelfimproveError:
        return "a folder that does not exist any more"


def fail_on_bug(door: Door, error: BaseException) -> int:
    """Write a bug report, tell where it is, and return 3."""
    report = _report(door, error)
    hint = f"attach that file to a report at {ISSUES}"
    if door.verbose >= 2:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    what = f"{type(error).__name__}: {_masked(door, str(error))}".split("\n")[0][:200]
    fault = SelfimproveError(f"this is a fault of selfimprove: {what}", where=str(report), hint=hint)
    fault.code, fault.exit_code = "internal", 3
    page(door, fault)
    _as_json(door, fault)
    return fault.exit_code


def usage(error: Any, command: str) -> UsageError:
    """Return a usage error from what the command line parser says."""
    if type(error).__name__ == "NoArgsIsHelpError":
        message = "a command is missing"
    else:
        message = " ".join(error.format_message().split()).removesuffix(".").replace(": Value error, ", ": ")
    name = command if command == "selfimprove" else f"selfimprove {command}"
    return UsageError(message, where="the command line", hint=f"{name} --help")


def _as_json(door: Door, error: SelfimproveError) -> None:
    """Write the failure as a document where one was asked for; on stdout when --output is what failed."""
    if door.format not in ("json", "jsonl"):
        return
    try:
        door.write_json(None, error, error.exit_code)
    except SelfimproveError:
        door.output = None
        with contextlib.suppress(SelfimproveError):
            door.write_json(None, error, error.exit_code)


def _masked(door: Door, text: str) -> str:
    from selfimprove.tools.shell.masking import mask, secret_values

    return mask(text, secret_values(door.environ))


def _report(door: Door, error: BaseException) -> Path:
    import platform
    import tempfile
    import traceback

    trace = "".join(traceback.format_exception(error))
    text = (
        f"# selfimprove {__version__}: {type(error).__name__}\n\n"
        f"- command: `{' '.join(sys.argv[1:])}`\n- Python {platform.python_version()} on {platform.platform()}\n"
        f"- time: {time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n\n```\n{trace}```\n\nWhat did you do before this happened?\n"
    )
    text = _masked(door, text)
    try:
        descriptor, path = tempfile.mkstemp(".md", f"selfimprove-bug-{time.strftime('%Y%m%dT%H%M%S')}-")
        os.close(descriptor)
        Path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        door.say(text)
        return Path("the lines above")
    return Path(path)
