"""`selfimprove lessons`: list, show and forget what was learned from earlier tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from selfimprove.cli.door import Door, command, group
from selfimprove.cli.names import lesson_numbers
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from selfimprove.model.lesson import Lesson
    from selfimprove.target import Target

lessons_group = group("Show and forget what was learned from earlier tasks.")

Number = Annotated[
    int,
    typer.Argument(
        metavar="ID", help="A lesson's number, as the list has it.", autocompletion=lesson_numbers
    ),
]
Numbers = Annotated[
    list[int] | None,
    typer.Argument(
        metavar="ID...", help="Lessons' numbers.", autocompletion=lesson_numbers, show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    examples = {
        "list": ("list", "list --format json"),
        "show": ("show 3",),
        "forget": ("forget 3 7", "forget --all"),
    }
    functions: dict[str, Callable[..., int]] = {"list": list_, "show": show, "forget": forget}
    for name, function in functions.items():
        lines = [f"selfimprove lessons {line}" for line in examples[name]]
        command(lessons_group, name, title=f"lessons {name}", examples=lines)(function)
    app.add_typer(lessons_group, name="lessons")


def list_(door: Door, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """List the lessons that are kept, the newest first.

    Each comes from one task that a model was asked for. weight is how likely it is to help the next task that it is
    told; one that does not help loses weight and is dropped (lessons.least, lessons.keep).
    """
    from selfimprove.report.lessons import lesson_rows, lessons_data
    from selfimprove.report.table import rows_table

    del format, output
    found = _kept(door.target())
    rows = lesson_rows(found)
    none = "No lessons yet: they come with the tasks that a model is asked for.\n"
    return door.answer(lessons_data(found), (lambda console: rows_table(console, rows)) if found else none)


def show(door: Door, number: Number, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """Show one lesson whole: what a model is told of it, and the facts that it was made of."""
    from selfimprove.report.lessons import lesson_data, lesson_page

    del format, output
    [lesson] = _named(_kept(door.target()), [number])
    return door.answer({"lesson": lesson_data(lesson)}, lesson_page(lesson))


def forget(
    door: Door,
    numbers: Numbers = None,
    everything: Annotated[bool, typer.Option("--all", help="Forget all of them.")] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Forget lessons for good; nothing that was done is changed."""
    from selfimprove.report.wording import count
    from selfimprove.wiring import build_memory

    del format, output
    if bool(numbers) == everything:
        raise UsageError(
            "name the lessons to forget, or all of them", hint="selfimprove lessons forget --help"
        )
    target = door.target()
    known = _kept(target)
    chosen = known if everything else _named(known, numbers or [])
    gone = build_memory(target).lessons.forget([one.id for one in chosen]) if chosen else []
    return door.answer({"forgotten": sorted(gone)}, f"{count(len(gone), 'lesson')} forgotten\n")


def _kept(target: Target) -> list[Lesson]:
    from selfimprove.wiring import peek_memory

    memory = peek_memory(target)
    return memory.lessons.all() if memory else []


def _named(known: list[Lesson], numbers: list[int]) -> list[Lesson]:
    """Return the lessons of these numbers. Raises UsageError for one that is not kept."""
    by_number = {lesson.id: lesson for lesson in known}
    for number in numbers:
        if number not in by_number:
            raise UsageError(f"there is no lesson {number}", hint="selfimprove lessons list")
    return [by_number[number] for number in dict.fromkeys(numbers)]
