"""Command tasks: the person's own command, in the person's own tree; its exit code decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selfimprove.model.outcome import CheckResult, Outcome
from selfimprove.model.task import Status
from selfimprove.tools.shell.process import run_logged

if TYPE_CHECKING:
    from pathlib import Path

    from selfimprove.executor.bench import Bench
    from selfimprove.model.task import Task


def run_command(task: Task, command: str, bench: Bench, log: Path) -> Outcome:
    """Run ``command`` at the repository's root and return its outcome. Raises what a signal raises."""
    seconds = task.timeout or bench.limits.command_seconds
    env = {**bench.environ, "SELFIMPROVE_RUN_TASK": task.id}
    done = run_logged(
        command,
        cwd=bench.repo.root,
        env=env,
        log=log,
        timeout=seconds,
        header=f"$ {command}\n",
        secrets=bench.secrets,
    )
    if done.timed_out:
        reason, code = f"no end after {seconds:g} s", "timed_out"
    elif done.exit_code:
        words = next((line.strip() for line in reversed(done.tail.splitlines()) if line.strip()), "")
        reason, code = f"exit code {done.exit_code}" + (f": {words[:120]}" if words else ""), "command_failed"
    else:
        reason, code = "", ""
    check = CheckResult("command", not code, reason or "exit code 0", done.seconds, done.log_error)
    return Outcome(
        task.id,
        Status.FAILED if code else Status.DONE,
        reason,
        title=task.title,
        checks=(check,),
        attempts=1,
        seconds=done.seconds,
        cost=task.cost,
        log=str(log),
        code=code,
    )


def outcome_of(stored: dict[str, Any]) -> Outcome:
    """Return the outcome of a command whose end the journal holds, from its ``to_dict``."""
    checks = tuple(CheckResult(**check) for check in stored["checks"])
    return Outcome(**{**stored, "status": Status(stored["status"]), "checks": checks, "objections": ()})
