"""`selfimprove pipeline`: the ten steps over a repository, from looking at it to the pull request."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 (the command line parser reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selfimprove.cli.commands.run import Land, SandboxChoice, limits_of, tell_of_stopping, warn_of_uncommitted
from selfimprove.cli.door import Door, command
from selfimprove.cli.names import run_numbers
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import Interrupted

if TYPE_CHECKING:
    from selfimprove.errors import SelfimproveError
    from selfimprove.orchestrator import Orchestrator, Summary
    from selfimprove.target import Target


class Category(StrEnum):
    """What a model is asked to suggest."""

    FEATURES = "features"
    SECURITY = "security"
    COMPLIANCE = "compliance"
    INTEGRATION = "integration"


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove pipeline --land branch --max-tasks 3",
        "selfimprove pipeline --max-spend 5",
        "selfimprove pipeline --category security --auto-merge 8.5",
        "selfimprove pipeline --resume 7",
    )
    command(app, "pipeline", examples=examples)(pipeline)


def pipeline(
    door: Door,
    category: Annotated[
        list[Category] | None,
        typer.Option("--category", help="Ask for suggestions of this kind only; may be given again."),
    ] = None,
    most: Annotated[
        int | None, typer.Option("--max", min=1, metavar="N", help="Most suggestions that become tasks.")
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
        Land,
        typer.Option(
            "--land", help="Open a pull request (gh), merge the commits, or leave them on their branch."
        ),
    ] = Land.PR,
    auto_merge: Annotated[
        float | None,
        typer.Option(
            "--auto-merge",
            min=1,
            max=10,
            metavar="SCORE",
            help="Mean review from which the pull request merges itself; else review.auto_merge, or 7.0.",
        ),
    ] = None,
    no_auto_merge: Annotated[
        bool, typer.Option("--no-auto-merge", help="Leave the merge of the pull request to a person.")
    ] = False,
    review: Annotated[
        bool, typer.Option("--review/--no-review", help="Have a model score each final change.")
    ] = True,
    tests: Annotated[
        bool, typer.Option("--tests/--no-tests", help="Have tests written for each change of code.")
    ] = True,
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
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Do the ten steps, from looking at the repository to the pull request.

    They are: analyze, suggest, log tasks, execute, review, generate tests, run tests, pull request, update documents,
    log and confirm. It is `selfimprove run` with all of its stages on. Everything lands on the branch
    selfimprove/run-N; with a remote and gh it becomes a pull request, which merges itself when every change was
    reviewed at or over the score. A step that fails ends itself only. Your working tree stays as it is.
    """
    from selfimprove import preview, wiring, wiring_pipeline
    from selfimprove.cli.app import interrupts
    from selfimprove.cli.console import Progress
    from selfimprove.report.request import request_text
    from selfimprove.target import Choices

    del format, output
    target = door.target(
        budget__units=budget,
        budget__dollars=max_spend,
        budget__seconds=time,
        run__max_tasks=max_tasks,
        run__land=land.value,
        review__enabled=review,
        tests__write=tests,
        suggest__categories=tuple(one.value for one in category) if category else None,
        suggest__max=most,
        llm__record=record and str(record.absolute()),
        sandbox__driver=sandbox and sandbox.value,
    )
    merges = (
        None
        if no_auto_merge
        else auto_merge or target.settings.review.auto_merge or wiring_pipeline.AUTO_MERGE
    )
    choices = Choices((), resume)
    preview.check_first(target, choices)
    warn_of_uncommitted(door, target)
    progress = Progress(door, limits_of(target))
    try:
        loop = wiring_pipeline.build(target, choices, progress, interrupts.hold)
        interrupts.told = lambda: tell_of_stopping(door)
        interrupts.leave = lambda: wiring.end_processes(loop)
        summary = loop.run(target.settings.tasks_file)
        wiring_pipeline.complete(target, summary, request_text, merges, progress)
    except Interrupted as error:
        progress.close()
        if loop.summary is None:
            raise
        _show(door, target, loop, loop.summary, error.exit_code, None)
        error.code = "told"
        raise
    finally:
        progress.close()
    return _end(door, target, loop, summary)


def _end(door: Door, target: Target, loop: Orchestrator, summary: Summary) -> int:
    from selfimprove.cli.commands.run import code_of
    from selfimprove.cli.failure import page

    code, reason = code_of(summary, target)
    failed = next((ended.error for ended in summary.stages if ended.error), None)
    error = reason or failed
    if error:
        page(door, error)
    return _show(door, target, loop, summary, code, error if code > 1 else None)


def _show(
    door: Door,
    target: Target,
    loop: Orchestrator,
    summary: Summary,
    code: int,
    error: SelfimproveError | None,
) -> int:
    from selfimprove import wiring_pipeline
    from selfimprove.report.json import run_data
    from selfimprove.report.phases import phases_data, phases_text
    from selfimprove.report.table import run_summary

    found = wiring_pipeline.phases_of(target, summary.run)
    data = run_data(summary.run, summary.outcomes, summary.waiting)
    base = target.repo.branch() or summary.run.base[:12]

    def table(console: Any) -> None:
        console.print(phases_text(found), markup=False, highlight=False, soft_wrap=True)
        run_summary(
            console,
            summary.run,
            summary.outcomes,
            budget=loop.budget,
            seconds=summary.seconds,
            base=base,
            not_started=sum(waiting.code != "not_selected" for waiting in summary.waiting),
            landed=summary.landed,
        )

    return door.answer(
        data | {"phases": phases_data(found), "landed": summary.landed}, table, exit_code=code, error=error
    )
