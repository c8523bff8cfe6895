"""`selfimprove plan`: turn findings into tasks, and show what a run would do in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.names import task_names
from selfimprove.cli.options import Output, TextFormat

if TYPE_CHECKING:
    from selfimprove.executor.prompt import Question
    from selfimprove.model.events import Event
    from selfimprove.model.task import Task
    from selfimprove.reflector.backlog import Changes

_IN_PARTS = ("own files", "related code", "summaries")  # sections of a prompt that are told piece by piece
_KINDS = ("new", "updated", "closed", "reopened")


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove plan --dry-run",
        "selfimprove plan --budget 10",
        "selfimprove plan --show-prompt my-task",
    )
    command(app, "plan", examples=examples)(plan)


def plan(
    door: Door,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, call no model.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Like --dry-run; exit with 1 when a run or tasks.yml has work.")
    ] = False,
    show_prompt: Annotated[
        str | None,
        typer.Option(
            "--show-prompt",
            metavar="TASK",
            help="Show what the model would be sent for a task.",
            autocompletion=task_names,
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", min=0, metavar="UNITS", help="Limit on the cost of all tasks, in units."),
    ] = None,
    max_tasks: Annotated[
        int | None, typer.Option("--max-tasks", min=1, metavar="N", help="Limit on the number of tasks.")
    ] = None,
    format: Annotated[TextFormat, typer.Option("--format", "-f", help="How to answer.")] = TextFormat.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Show what a run would do, in what order, and what waits.

    Without --dry-run tasks.yml follows the audit: what is found is appended, what got other numbers is
    updated, what is gone is done, and what is back is pending again. Your own words in a task stay.
    """
    from selfimprove import preview
    from selfimprove.report.json import plan_data
    from selfimprove.report.markdown import plan_markdown
    from selfimprove.report.table import plan_table
    from selfimprove.target import Choices

    del format, output
    target = door.target(budget__units=budget, run__max_tasks=max_tasks)
    found = preview.dry_plan(target, Choices())
    if show_prompt is not None:
        task = _find(show_prompt, [*found.plan.next, *(waiting.task for waiting in found.plan.waiting)])
        return _show(door, task, preview.prompt_of(target, task, lambda event: _notice(door, event)))
    dry = dry_run or check
    if not dry:
        preview.write(target, found)
    new = {task.id for task in found.new}
    changes = {name: [task.id for task in getattr(found.changes, name)] for name in _KINDS}
    if not door.quiet:
        _tell(door, found.changes, dry=dry)
    return door.answer(
        plan_data(found.plan, found.budget, new) | {"changes": changes},
        lambda console: plan_table(
            console, found.plan, budget=found.budget, tasks=len(found.tasks), new=new, dry_run=dry
        ),
        markdown=lambda: plan_markdown(found.plan, found.budget, new),
        exit_code=int(check and bool(found.plan.next or found.changes)),
    )


def _notice(door: Door, event: Event) -> None:
    """Say what a person should know of the search for code."""
    from selfimprove.model.events import Notice

    if isinstance(event, Notice) and not door.quiet:
        door.say(f"warning: {event.text}" if event.level == "warning" else event.text)


def _show(door: Door, task: Task, question: Question) -> int:
    """Answer with a prompt; where its tokens went stands in the JSON, and on stderr for a person."""
    text = "\n\n".join(f"[{message.role}]\n{message.content}" for message in question.ask.messages)
    spent = question.allocation
    if door.format == "table" and not door.quiet:
        rule = spent.counter if spent.exact else f"at most, by {spent.counter}"
        door.say(f"{spent.used:,} of {spent.budget:,} tokens ({rule})")
        for section, tokens in spent.sections().items():
            parts = [part for part in spent.parts if part.section == section and part.tokens]
            door.say(f"{tokens:>8,}  {section}")
            for part in parts if section in _IN_PARTS else ():
                door.say(f"{part.tokens:>14,}  {part.mode:<9} {part.what}")
    data = {
        "task": task.id,
        "prompt": text,
        "tokens": spent._asdict()
        | {"parts": [part._asdict() for part in spent.parts], "sections": spent.sections()},
        "left_out": [{"path": path, "reason": reason} for path, reason in question.left_out],
    }
    return door.answer(data, text + "\n")


def _tell(door: Door, changes: Changes, *, dry: bool) -> None:
    """Say which tasks of tasks.yml the audit changes; those that it appends stand in the answer itself."""
    said = {
        "closed": "is done: its finding is gone",
        "reopened": "is pending again: its finding is back",
        "updated": "is updated",
    }
    for name, words in said.items():
        for task in getattr(changes, name):
            more = f": {task.description}" if name == "updated" else ""
            door.say(f"{task.id} {words}{more}")
    if changes.updated or changes.closed or changes.reopened:
        door.say(f"tasks.yml{' (dry run)' if dry else ''}: {changes.words()}")


def _find(name: str, tasks: list[Task]) -> Task:
    from selfimprove.errors import UsageError
    from selfimprove.planner.rules import nearest

    by_id = {task.id: task for task in tasks}
    by_place = {str(number): task for number, task in enumerate(tasks, 1)}
    task = by_id.get(name) or by_place.get(name)
    if task is None:
        near = nearest(name, by_id)
        raise UsageError(
            f"there is no open task {name}",
            hint=f"did you mean {near}?" if near else "selfimprove tasks list",
        )
    return task
