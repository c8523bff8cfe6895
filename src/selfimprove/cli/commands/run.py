"""`selfimprove run`: do the tasks, one commit each, on a branch of the run's own."""

from __future__ import annotations

import contextlib
import os
import sys
from enum import StrEnum
from pathlib import Path  # noqa: TC003 (the command line parser reads the annotations)
from typing import TYPE_CHECKING, Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.names import run_numbers, task_names
from selfimprove.cli.options import Output, RunFormat
from selfimprove.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from selfimprove.errors import SelfimproveError
    from selfimprove.model.budget import Budget
    from selfimprove.model.outcome import Objection
    from selfimprove.model.task import Task
    from selfimprove.orchestrator import Summary
    from selfimprove.target import Target

_DIFF_COLORS = {"+": "32", "-": "31", "@": "36"}


class Land(StrEnum):
    """Where commits go."""

    BRANCH = "branch"
    MERGE = "merge"
    PR = "pr"


class BranchChoice(StrEnum):
    """How many branches a run makes."""

    RUN = "run"
    TASK = "task"


class Approve(StrEnum):
    """When a person is asked."""

    NEVER = "never"
    EACH = "each"


class SandboxChoice(StrEnum):
    """What shuts changed code in."""

    AUTO = "auto"
    BUBBLEWRAP = "bubblewrap"
    DOCKER = "docker"
    NONE = "none"


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove run",
        "selfimprove run my-task --budget 5",
        "selfimprove run --max-spend 2 --approve each",
        "selfimprove run --resume 7",
    )
    command(app, "run", examples=examples)(run)


def run(
    door: Door,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="TASK", help="Only these tasks; all without any.", autocompletion=task_names),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", min=0, metavar="UNITS", help="Limit on the cost of all tasks, in units."),
    ] = None,
    max_spend: Annotated[
        float | None,
        typer.Option("--max-spend", min=0, metavar="USD", help="Limit on the model's cost, in dollars."),
    ] = None,
    max_tasks: Annotated[
        int | None, typer.Option("--max-tasks", min=1, metavar="N", help="Limit on the number of tasks.")
    ] = None,
    time: Annotated[
        float | None,
        typer.Option("--time", min=0.001, metavar="SECONDS", help="Start no task after this many seconds."),
    ] = None,
    land: Annotated[
        Land | None,
        typer.Option(
            "--land", help="Leave the commits on their branch, merge it, or open a pull request (gh)."
        ),
    ] = None,
    branch: Annotated[
        BranchChoice | None,
        typer.Option("--branch", help="One branch for the run, or one per task: selfimprove/task-ID."),
    ] = None,
    review: Annotated[
        bool | None,
        typer.Option(
            "--review/--no-review",
            help="Have a model score each final change; one more call. Else only where review.model is set.",
        ),
    ] = None,
    approve: Annotated[
        Approve | None, typer.Option("--approve", help="Show each change and ask, before review and commit.")
    ] = None,
    rewrite: Annotated[
        bool | None,
        typer.Option("--rewrite/--no-rewrite", help="Try a rewrite without a model before a model is asked."),
    ] = None,
    sandbox: Annotated[
        SandboxChoice | None, typer.Option("--sandbox", help="What shuts changed code in.")
    ] = None,
    resume: Annotated[
        int | None,
        typer.Option("--resume", metavar="RUN", help="Go on with this run.", autocompletion=run_numbers),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="Add every reply to this file, to replay the run."),
    ] = None,
    audit: Annotated[
        bool | None, typer.Option("--audit/--no-audit", help="Measure before and after.")
    ] = None,
    format: Annotated[RunFormat, typer.Option("--format", "-f", help="How to answer.")] = RunFormat.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Do the tasks, one commit each, on a branch of the run's own.

    Commands run in your tree, as make would run them; prompts change a private copy. The commits land on the
    branch selfimprove/run-N; your working tree, index and branches stay as they are, unless you say --land. What
    commands do is not reviewed. A run that was stopped or
    killed goes on where it was: type selfimprove run again.
    """
    from selfimprove import preview, wiring, wiring_land, wiring_reflect
    from selfimprove.cli.app import interrupts
    from selfimprove.cli.console import Progress
    from selfimprove.cli.failure import page
    from selfimprove.report.request import request_text
    from selfimprove.target import Choices

    del format, output
    target = door.target(
        budget__units=budget,
        budget__dollars=max_spend,
        run__max_tasks=max_tasks,
        budget__seconds=time,
        run__land=land and land.value,
        run__branch=branch and branch.value,
        review__enabled=review,
        run__approve=approve and approve.value,
        run__audit=audit,
        run__rewrite=rewrite,
        llm__record=record and str(record.absolute()),
        sandbox__driver=sandbox and sandbox.value,
    )
    choices = Choices(tuple(names or ()), resume)
    for name in preview.check_first(target, choices):
        door.say(f"note: {name} is done; to do it again: selfimprove tasks retry {name}")
    warn_of_uncommitted(door, target)
    progress = Progress(door, limits_of(target))
    loop = wiring_reflect.build_run(target, choices, progress, _approval(door, target), interrupts.hold)
    interrupts.told = lambda: tell_of_stopping(door)
    interrupts.leave = lambda: wiring.end_processes(loop)
    try:
        summary = loop.run(target.settings.tasks_file)
        summary.landed = wiring_land.land(
            target, summary, request_text, progress, auto_merge=target.settings.review.auto_merge
        )
    except Interrupted as error:
        progress.close()
        if loop.summary is None:
            raise
        _show(door, target, loop.summary, loop.budget, error.exit_code)
        error.code = "told"
        raise
    finally:
        progress.close()
    code, reason = code_of(summary, target)
    if reason:
        page(door, reason)
    return _show(door, target, summary, loop.budget, code, reason if code > 1 else None)


def tell_of_stopping(door: Door) -> None:
    """Say that the signal was heard; past Python's own buffers, which it may have come in the middle of."""
    if not door.quiet:
        with contextlib.suppress(OSError):
            os.write(2, b"\nstopping; press again to leave now\n")


def code_of(summary: Summary, target: Target) -> tuple[int, SelfimproveError | None]:
    """Return the exit code, and what kept tasks from being done."""
    from selfimprove.orchestrator import exit_code
    from selfimprove.wiring import model_problem

    code = exit_code(summary)
    needing = sum(waiting.code == "needs_model" for waiting in summary.waiting)
    problem = model_problem(target) if needing else None
    if problem:
        verb = "needs a model" if needing == 1 else "need a model"
        problem.message = f"{needing} task{'s' * (needing != 1)} {verb}: {problem.message}"
    error = summary.held or summary.landing_problem or problem
    return code or (error.exit_code if error else 0), error


def _show(
    door: Door,
    target: Target,
    summary: Summary,
    budget: Budget,
    code: int,
    error: SelfimproveError | None = None,
) -> int:
    from selfimprove.report.json import run_data
    from selfimprove.report.markdown import run_markdown
    from selfimprove.report.table import run_summary

    base = target.repo.branch() or summary.run.base[:12]
    left = sum(waiting.code != "not_selected" for waiting in summary.waiting)
    return door.answer(
        run_data(summary.run, summary.outcomes, summary.waiting),
        lambda console: run_summary(
            console,
            summary.run,
            summary.outcomes,
            budget=budget,
            seconds=summary.seconds,
            base=base,
            not_started=left,
            measured=_measured(summary),
            landed=summary.landed,
        ),
        markdown=lambda: run_markdown(summary.outcomes, budget, summary.seconds),
        exit_code=code,
        error=error,
    )


def _measured(summary: Summary) -> list[str]:
    from selfimprove.report.wording import count

    rows = [
        "{}: {name} {before} -> {}".format(
            outcome.task_id, outcome.metrics.get("after", "gone"), **outcome.metrics
        )
        for outcome in summary.outcomes
        if outcome.commit and "before" in outcome.metrics
    ]
    before, after = (len(audit.findings) if audit else 0 for audit in (summary.before, summary.after))
    if (before or after) and summary.before and summary.after:
        rows.append(f"{count(before, 'finding')} before, {after} after")
    return rows


def limits_of(target: Target) -> str:
    """Return the limits of a run as they stand behind its first line."""
    from selfimprove.report.wording import money

    limits = target.settings.budget
    words = [money(limits.dollars)] if limits.dollars is not None else []
    words += [f"{limits.units:g} units"] if limits.units is not None else []
    return f"  limit {', '.join(words)}" if words else ""


def warn_of_uncommitted(door: Door, target: Target) -> None:
    """Say that what is not committed is no part of what a change starts from."""
    changed = target.repo.uncommitted()
    if changed and not door.quiet and target.repo.head():
        stay = "1 uncommitted file stays" if changed == 1 else f"{changed:,} uncommitted files stay"
        door.say(f"note: {stay} yours; changes start from the last commit")


def _approval(door: Door, target: Target) -> Callable[[Task, str], Objection | None]:
    """Return the function that shows a diff and asks, or one that lets everything pass."""
    from selfimprove.model.outcome import Objection
    from selfimprove.report.wording import visible

    if target.settings.run.approve == "never":
        return lambda _task, _diff: None
    if not door.may_ask():
        raise UsageError(
            "--approve each needs a person at a terminal",
            where="the command line",
            hint="run without --approve, and read the branch before you merge it",
        )

    def ask(task: Task, diff: str) -> Objection | None:
        # A model wrote this: nothing in it may steer the terminal of the person who judges it.
        lines = ["\t".join(map(visible, line.split("\t"))) for line in diff.split("\n")]
        if door.color_wanted(sys.stderr):
            lines = [_painted(line) for line in lines]
        door.asking = True
        try:
            door.say("\n" + "\n".join(lines))
            agreed = typer.confirm(f"Commit this for {task.id}?", default=False, err=True)
        finally:
            door.asking = False
        return None if agreed else Objection("not_approved", "not approved")

    return ask


def _painted(line: str) -> str:
    """Return a line of a diff in the colours that git gives it."""
    code = "1" if line.startswith(("diff ", "--- ", "+++ ")) else _DIFF_COLORS.get(line[:1], "")
    return f"\x1b[{code}m{line}\x1b[0m" if code else line
