"""`selfimprove tasks`: list, show, add, edit, retry, skip, reject and import."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path  # noqa: TC003 (the command line parser reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selfimprove.cli.door import Door, command, group
from selfimprove.cli.names import task_names
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import UsageError
from selfimprove.model.allow import WORDS
from selfimprove.model.task import Status, Task, slug

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

tasks_group = group("Show and change the tasks of tasks.yml.")

Names = Annotated[list[str], typer.Argument(help="Task ids.", autocompletion=task_names)]
Name = Annotated[str, typer.Argument(help="Task id.", autocompletion=task_names)]
Title = Annotated[str | None, typer.Option("--title", help="One line that says what it is about.")]
Command = Annotated[str | None, typer.Option("--command", "-c", help="A shell command, run in your tree.")]
Prompt = Annotated[
    str | None, typer.Option("--prompt", "-p", help="What to change, for a model, in a private copy.")
]
Files = Annotated[list[str] | None, typer.Option("--file", help="A file that may change (repeatable).")]
Depends = Annotated[
    list[str] | None,
    typer.Option(
        "--depends-on", help="A task that must be done before (repeatable).", autocompletion=task_names
    ),
]
Priority = Annotated[float | None, typer.Option("--priority", help="Higher runs first.")]
Cost = Annotated[float | None, typer.Option("--cost", min=0, help="In budget units.")]
Category = Annotated[str | None, typer.Option("--category", help="A word to group by.")]
TestCommand = Annotated[str | None, typer.Option("--test-command", help="Proves this task's change.")]
Retries = Annotated[int | None, typer.Option("--max-retries", min=0, help="Repairs after a red check.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0.001, help="Seconds that the command may take.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="A word of a veto that is waived, such as dependencies (repeatable)."),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    examples = {
        "list": ("list --status pending",),
        "show": ("show refactor-parse-invoice",),
        "add": (
            "add lint -c 'ruff check .'",
            "add split-parser -p 'Split parse() in two' --file src/parser.py",
        ),
        "edit": ("edit lint --priority 9", "edit add-httpx --allow dependencies"),
        "retry": ("retry lint", "retry add-httpx --allow dependencies"),
        "skip": ("skip lint",),
        "reject": ("reject refactor-legacy --reason 'goes away in May'",),
        "import": ("import goals.json",),
    }
    functions: dict[str, Callable[..., int]] = {
        "list": list_,
        "show": show,
        "add": add,
        "edit": edit,
        "retry": retry,
        "skip": skip,
        "reject": reject,
        "import": import_,
    }
    for name, function in functions.items():
        lines = [f"selfimprove tasks {line}" for line in examples[name]]
        command(tasks_group, name, title=f"tasks {name}", examples=lines)(function)
    app.add_typer(tasks_group, name="tasks")


def list_(
    door: Door,
    status: Annotated[list[Status] | None, typer.Option("--status", help="Only these (repeatable).")] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """List the tasks in file order."""
    from selfimprove.report.json import tasks_data
    from selfimprove.report.table import tasks_table
    from selfimprove.wiring import load_tasks

    del format, output
    tasks = [task for task in load_tasks(door.target()) if not status or task.status in status]
    return door.answer(tasks_data(tasks), lambda console: tasks_table(console, tasks))


def show(door: Door, name: Name, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """Show one task whole, with what happened to it so far."""
    from selfimprove.report.json import task_data
    from selfimprove.report.table import task_page
    from selfimprove.wiring import load_tasks, peek_memory

    del format, output
    target = door.target()
    task = _named(load_tasks(target), name)
    memory = peek_memory(target)
    past = memory.journal.outcomes(task_id=task.id) if memory else []
    return door.answer(
        {"task": task_data(task), "outcomes": past}, lambda console: task_page(console, task, past)
    )


def add(
    door: Door,
    name: Annotated[str, typer.Argument(help="A new task id; words are joined by hyphens.")],
    title: Title = None,
    command: Command = None,
    prompt: Prompt = None,
    file: Files = None,
    depends_on: Depends = None,
    priority: Priority = None,
    cost: Cost = None,
    category: Category = None,
    test_command: TestCommand = None,
    max_retries: Retries = None,
    timeout: Timeout = None,
    allow: Allow = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Append a task to tasks.yml."""
    del format, output
    if (command is None) == (prompt is None):
        raise UsageError("a task has either a command or a prompt", hint="give one of --command and --prompt")
    new = Task(slug(name, limit=120) if " " in name else name, title or name)
    new = replace(new, **_given(new, locals()))

    def change(tasks: list[Task]) -> list[Task]:
        if any(task.id == new.id for task in tasks):
            raise UsageError(f"there is a task {new.id} already", hint=f"selfimprove tasks edit {new.id}")
        return [*tasks, new]

    return _change(door, change, [new.id])


def edit(
    door: Door,
    name: Name,
    title: Title = None,
    command: Command = None,
    prompt: Prompt = None,
    file: Files = None,
    depends_on: Depends = None,
    priority: Priority = None,
    cost: Cost = None,
    category: Category = None,
    test_command: TestCommand = None,
    max_retries: Retries = None,
    timeout: Timeout = None,
    allow: Allow = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Change fields of a task; the rest of tasks.yml stays as it is."""
    del format, output
    given = dict(locals())

    def change(tasks: list[Task]) -> list[Task]:
        task = _named(tasks, name)
        changes = _given(task, given)
        if not changes:
            raise UsageError(
                "nothing to change was given", hint="selfimprove tasks edit --help, or open tasks.yml"
            )
        return [replace(task, **changes) if one is task else one for one in tasks]

    return _change(door, change, [name])


def retry(
    door: Door,
    names: Names,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="A word of a veto that is waived, or a further file (repeatable)."),
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Make tasks pending again.

    --allow waives a veto by its word, or adds a file to those that they may change.
    """
    del format, output
    words = [word for word in allow or () if word in WORDS]

    def again(task: Task) -> Task:
        waived = (*task.allow, *(word for word in words if word not in task.allow))
        more = [path for path in allow or () if path not in (*task.files, *words)]
        return replace(task, status=Status.PENDING, rejected=None, files=(*task.files, *more), allow=waived)

    return _each(door, names, again)


def skip(door: Door, names: Names, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """Leave tasks out until they are retried."""
    del format, output
    return _each(door, names, lambda task: replace(task, status=Status.SKIPPED))


def reject(
    door: Door,
    names: Names,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept in tasks.yml.")] = "not wanted",
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Never do these tasks, nor what was found again.

    They stay in tasks.yml with the reason, so their findings never become tasks again.
    """
    del format, output
    return _each(door, names, lambda task: replace(task, status=Status.SKIPPED, rejected=reason))


def import_(
    door: Door,
    file: Annotated[Path, typer.Argument(help="A goals.json of pending or completed goals.")],
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Append the goals of an older goal file.

    Those that are tasks already are left alone.
    """
    from selfimprove.memory.goals import read_goals

    del format, output
    goals = read_goals(door.folder / file, str(file))
    added: list[str] = []

    def change(tasks: list[Task]) -> list[Task]:
        known = {task.id for task in tasks}
        added.extend(goal.id for goal in goals if goal.id not in known)
        return [*tasks, *(goal for goal in goals if goal.id not in known)]

    return _change(door, change, added, note=f"{len(goals)} goals read")


def _named(tasks: Sequence[Task], name: str) -> Task:
    from selfimprove.planner.rules import nearest

    for task in tasks:
        if task.id == name:
            return task
    near = nearest(name, [task.id for task in tasks])
    raise UsageError(
        f"there is no task {name}",
        where="tasks.yml",
        hint=f"did you mean {near}?" if near else "selfimprove tasks list",
    )


def _given(task: Task, values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were given on the command line; a command takes the place of a prompt and back."""
    plain = (
        "title",
        "command",
        "prompt",
        "priority",
        "cost",
        "category",
        "test_command",
        "max_retries",
        "timeout",
    )
    found = {name: values[name] for name in plain if values[name] is not None}
    if values["file"] is not None:
        found["files"] = tuple(values["file"])
    if values["depends_on"] is not None:
        found["dependencies"] = tuple(values["depends_on"])
    if values["allow"] is not None:
        found["allow"] = tuple(_words(values["allow"]))
    if "command" in found and task.prompt is not None:
        found["prompt"] = None
    if "prompt" in found and task.command is not None:
        found["command"] = None
    return found


def _words(words: Sequence[str]) -> Sequence[str]:
    """Return the words, which must be those of vetoes."""
    from selfimprove.planner.rules import nearest

    for word in words:
        if word not in WORDS:
            near = nearest(word, list(WORDS))
            hint = f"did you mean {near}?" if near else f"one of {', '.join(WORDS)}"
            raise UsageError(f"there is no veto {word}", hint=hint)
    return words


def _each(door: Door, names: Sequence[str], act: Callable[[Task], Task]) -> int:
    def change(tasks: list[Task]) -> list[Task]:
        chosen = {_named(tasks, name).id for name in names}
        return [act(task) if task.id in chosen else task for task in tasks]

    return _change(door, change, list(names))


def _change(
    door: Door, change: Callable[[list[Task]], list[Task]], names: Sequence[str], note: str = ""
) -> int:
    """Load, change, check and save tasks.yml, and show what became of the named tasks."""
    from selfimprove.report.json import tasks_data
    from selfimprove.report.table import tasks_table
    from selfimprove.wiring import change_tasks

    tasks = change_tasks(door.target(), change)
    chosen = [task for task in tasks if task.id in names]
    if note and not door.quiet:
        door.say(f"{note}, {len(chosen)} new")
    return door.answer(tasks_data(chosen), lambda console: tasks_table(console, chosen))
