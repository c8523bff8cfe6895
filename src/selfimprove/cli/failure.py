"""The failure page: three lines for what a person can mend, a ready-made bug report for what is ours."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove import __version__
from selfimprove.errors import NeedsKey, SelfimproveError, UsageError

if TYPE_CHECKING:
    from selfimprove.cli.door import Door

ISSUES = "https://github.com/selfimprove/selfimprove/issues"


def fail(door: Door, error: SelfimproveError) -> int:
    """Tell the person, in the format that they asked for, and return the exit code."""
    page(door, error)
    if door.format == "json":
        _as_json(door, error.code, error.message, error.hint, error.where, error.exit_code)
    return error.exit_code


def page(door: Door, error: SelfimproveError) -> None:
    """Write the three lines to stderr: what happened, where, what to type next."""
    if door.verbose >= 2:
        traceback.print_exception(error, file=sys.stderr)
    style = "\x1b[31m{}\x1b[0m" if door.color_wanted(sys.stderr) else "{}"
    where = error.where if error.code == NeedsKey.code else f"in {error.where}"
    lines = [style.format(f"error: {error.message}")]
    lines += [f"  {where}"] if error.where else []
    lines += [f"hint: {error.hint}"] if error.hint else []
    door.say("\n".join(lines))


def fail_on_bug(door: Door, error: BaseException) -> int:
    """Write a bug report, tell where it is, and return 3."""
    report = _report(door, error)
    if door.verbose >= 2:
        traceback.print_exception(error, file=sys.stderr)
    what = f"{type(error).__name__}: {error}".split("\n")[0][:200]
    door.say(
        f"error: this is a fault of selfimprove: {what}\n  in {report}\nhint: attach that file to a report at {ISSUES}"
    )
    if door.format == "json":
        _as_json(door, "internal", what, f"attach that file to a report at {ISSUES}", str(report), 3)
    return 3


def usage(message: str, context: object | None) -> UsageError:
    """Return a usage error from what the command line parser says."""
    path = getattr(context, "command_path", "selfimprove")
    return UsageError(message.rstrip("."), where="the command line", hint=f"{path} --help")


def _as_json(door: Door, code: str, message: str, hint: str, where: str, exit_code: int) -> None:
    from selfimprove.report.json import dumps, envelope

    error = {"code": code, "message": message, "hint": hint, "where": where}
    try:
        door.write(dumps(envelope(door.command or "selfimprove", None, error, exit_code)) + "\n")
    except SelfimproveError:
        door.output = None
        door.write(dumps(envelope(door.command or "selfimprove", None, error, exit_code)) + "\n")


def _report(door: Door, error: BaseException) -> Path:
    from selfimprove.tools.shell.masking import mask, secret_values

    trace = "".join(traceback.format_exception(error))
    text = (
        f"# selfimprove {__version__}: {type(error).__name__}\n\n"
        f"- command: `{' '.join(sys.argv[1:])}`\n- Python {platform.python_version()} on {platform.platform()}\n"
        f"- time: {time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n\n```\n{trace}```\n\nWhat did you do before this happened?\n"
    )
    path = Path(tempfile.gettempdir()) / f"selfimprove-bug-{time.strftime('%Y%m%dT%H%M%S')}.md"
    try:
        path.write_text(mask(text, secret_values(door.environ)), encoding="utf-8", errors="backslashreplace")
    except OSError:
        door.say(trace)
    return path
