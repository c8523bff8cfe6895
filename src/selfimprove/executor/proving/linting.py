"""Linting: what the project's own linters say of a change that they did not say without it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.executor.bench import run_shut_in
from selfimprove.executor.commands import last_words
from selfimprove.executor.mounting import view_of
from selfimprove.executor.proving.linters import lint_commands, messages, new_lines, with_cache
from selfimprove.executor.proving.programs import finds_of
from selfimprove.executor.proving.verdict import essence
from selfimprove.model.outcome import CheckResult

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.model.work import Work
    from selfimprove.tools.git.worktree import Copy
    from selfimprove.tools.shell.process import Completed

_OUTPUT = 400_000  # characters of a linter's output in which messages are looked for
_DETAIL = 6000


def lint(work: Work, copy: Copy, bench: Bench, log: Path) -> CheckResult | None:
    """Return what the configured linter, or each that the repository is set up for, has against the changed files.

    ``None`` when there is none. The copy is left at ``work.tree``.
    """
    names = bench.repo.tree_names(work.tree)
    there = [path for path in work.paths if (copy.path / path).is_file()]
    commands = (
        [bench.proof.lint_command]
        if bench.proof.lint_command
        else lint_commands(copy.path, names, there, finds_of(bench).program, bench.repo.root)
    )
    results = [_lint_by(command, work, copy, bench, log) for command in commands]
    if not results:
        return None
    red = [one for one in results if not one.ok]
    words = "; ".join(one.summary for one in red or results)
    seconds, detail = sum(one.seconds for one in results), "\n\n".join(one.detail for one in red)
    return CheckResult("lint", not red, words, seconds, detail[:_DETAIL], "; ".join(commands))


def _lint_by(command: str, work: Work, copy: Copy, bench: Bench, log: Path) -> CheckResult:
    """Run a linter; what it said without the change already is not held against it."""
    copy.restore(work.tree)
    now = _run(command, copy, bench, log)
    stopped = _stopped(now, bench)
    if now.exit_code == 0 and not stopped:
        return CheckResult("lint", True, _said(command, now) or f"{_name(command)}: no messages", now.seconds)
    copy.restore(work.base)
    before = _run(command, copy, bench, log)
    copy.restore(work.tree)
    words = stopped or _said(command, now) or f"exit code {now.exit_code}"
    seconds = now.seconds + before.seconds
    fresh, told = new_lines(now.tail, before.tail), messages(now.tail)
    if before.exit_code and not fresh:
        if told:
            return CheckResult("lint", True, f"{_messages(told.total())}, none new", seconds)
        if essence(now.tail) == essence(before.tail):
            return CheckResult("lint", True, f"fails without the change too: {words}", seconds)
    if before.exit_code and fresh:
        words = f"{_messages(len(fresh))} that {'was' if len(fresh) == 1 else 'were'} not there before"
    return CheckResult("lint", False, words, seconds, "\n".join(fresh) or now.tail[-_DETAIL:])


def _messages(number: int) -> str:
    return f"{number} message{'s' * (number != 1)}"


def _run(command: str, copy: Copy, bench: Bench, log: Path) -> Completed:
    shown, view = with_cache(command, view_of(copy), shut_in=bench.sandbox().name != "none")
    return run_shut_in(bench, shown, view, log=log, header=_header(command), tail=_OUTPUT)


def _header(command: str) -> str:
    return f"$ {command}\n"


def _said(command: str, done: Completed) -> str:
    return last_words(done.tail.removeprefix(_header(command)))


def _name(command: str) -> str:
    """Return the name of the program that a command runs."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return Path(next((one for one in words if "=" not in one), command)).name


def _stopped(done: Completed, bench: Bench) -> str:
    if done.timed_out:
        return f"no end after {bench.limits.check_seconds:g} s"
    return f"stopped: {done.stopped}" if done.stopped else ""
