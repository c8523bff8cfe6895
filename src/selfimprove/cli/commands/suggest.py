"""`selfimprove suggest`: ask a model for improvements that hold against the code, and add them to tasks.yml."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output

if TYPE_CHECKING:
    from selfimprove.orchestrator import Summary
    from selfimprove.target import Target


class Category(StrEnum):
    """What improvements can be asked for."""

    FEATURES = "features"
    SECURITY = "security"
    COMPLIANCE = "compliance"
    INTEGRATION = "integration"


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove suggest --dry-run   what would be asked, about which files",
        "selfimprove suggest --category security --max 3",
        "selfimprove suggest && selfimprove plan --dry-run",
    )
    command(app, "suggest", examples=examples)(suggest)


def suggest(
    door: Door,
    categories: Annotated[
        list[Category] | None,
        typer.Option("--category", "-c", help="Only these; may be given again.", show_default=False),
    ] = None,
    most: Annotated[
        int | None, typer.Option("--max", min=1, metavar="N", help="Most new tasks, the most urgent of all.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be asked; ask nothing, write nothing.")
    ] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Ask a model for improvements: features, security, compliance, integration. They become tasks.

    Every file, symbol and quotation in an idea is looked up in the last commit; what is invented is sent back once
    and then dropped, and so is what tasks.yml has already, in whatever words, also if it was done or rejected.
    Nothing in the code changes: selfimprove run does the tasks.
    """
    del format, output
    target = door.target(
        suggest__categories=[one.value for one in categories] if categories else None, suggest__max=most
    )
    return _preview(door, target) if dry_run else _ask(door, target)


def _preview(door: Door, target: Target) -> int:
    from selfimprove import wiring, wiring_reflect
    from selfimprove.model.events import Event, Notice
    from selfimprove.report.suggested import asked_data, asked_text

    def tell(event: Event) -> None:
        if isinstance(event, Notice) and not door.quiet:
            door.say(f"warning: {event.text}" if event.level == "warning" else event.text)

    asked = wiring_reflect.preview(target, tell)
    problem = wiring.model_problem(target)
    missing = f"{problem.message} ({problem.where})" if problem else ""
    return door.answer(asked_data(asked), asked_text([one for one, _ in asked], missing))


def _ask(door: Door, target: Target) -> int:
    from selfimprove import wiring, wiring_reflect
    from selfimprove.cli.app import interrupts
    from selfimprove.cli.commands.run import tell_of_stopping
    from selfimprove.cli.console import Progress

    progress: Progress = Progress(door)
    try:
        loop = wiring_reflect.build_suggesting(target, progress, interrupts.hold)
        interrupts.told = lambda: tell_of_stopping(door)
        interrupts.leave = lambda: wiring.end_processes(loop)
        summary = loop.run(target.settings.tasks_file)
    finally:
        progress.close()
    return _show(door, target, summary)


def _show(door: Door, target: Target, summary: Summary) -> int:
    """Answer with the new tasks; an error of the whole stage is told like any other."""
    from selfimprove.report.suggested import suggested_data, suggested_text
    from selfimprove.wiring import load_tasks

    stages = {ended.name: ended for ended in summary.stages}
    for ended in summary.stages:
        if ended.error:
            raise ended.error
    asked, logged = stages["suggest"].staged, stages.get("log")
    new = set(logged.staged.data["tasks"]) if logged else set()
    tasks = [task for task in load_tasks(target) if task.id in new]
    return door.answer(
        suggested_data(summary.run, asked.data, tasks),
        suggested_text(asked.data, tasks, asked.dollars, target.settings.tasks_file),
        exit_code=_exit_code(asked.data["problems"]),
    )


def _exit_code(problems: list[dict[str, str]]) -> int:
    """Return 5 when a limit kept questions from being asked, 1 when one was not answered, else 0."""
    codes = {one["code"] for one in problems}
    return 5 if codes == {"limit_reached"} else int(bool(codes))
