"""Lessons: what was learned from earlier tasks, as JSON, as rows for a table and as a page for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selfimprove.report.wording import count, moment, money, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selfimprove.model.lesson import Lesson

HEAD = ("lesson", "title", "status", "attempts", "told", "helped", "weight")


def lesson_data(lesson: Lesson) -> dict[str, Any]:
    """Return a lesson as plain data, with its number first."""
    data = lesson.to_dict()
    return {"id": data.pop("id"), **data, "status": lesson.status.value}


def lessons_data(lessons: Iterable[Lesson]) -> dict[str, Any]:
    """Return an answer's data."""
    return {"lessons": [lesson_data(lesson) for lesson in lessons]}


def lesson_rows(lessons: Sequence[Lesson]) -> list[tuple[str, ...]]:
    """Return the rows of a table, its head first."""
    return [HEAD, *(_row(lesson) for lesson in lessons)]


def _row(lesson: Lesson) -> tuple[str, ...]:
    numbers = (str(lesson.attempts), str(lesson.told), str(lesson.helped), f"{lesson.weight:.2f}")
    return (str(lesson.id), lesson.title or lesson.task_id, lesson.status.value, *numbers)


def lesson_page(lesson: Lesson) -> str:
    """Return all of a lesson that a person wants to know."""
    shape = lesson.shape
    files = [f"{path} {_lines(added, removed)}" for path, added, removed in shape.get("files", ())]
    spent = f"{count(lesson.attempts, 'attempt')}, {money(lesson.dollars)}, {count(lesson.tokens, 'token')}"
    rows = [
        ("lesson", str(lesson.id)),
        ("note", lesson.note),
        ("weight", f"{lesson.weight:.2f}: told {lesson.told}, helped {lesson.helped}"),
        ("task", f"{lesson.task_id} in run {lesson.run}, {moment(lesson.at)}"),
        ("title", lesson.title),
        ("status", f"{lesson.status.value}{f' ({lesson.code})' if lesson.code else ''}"),
        ("category", ", ".join(word for word in (lesson.category, lesson.rule) if word)),
        ("kinds", ", ".join(lesson.kinds)),
        *(("failure", words) for words in lesson.failures),
        *(("file", words) for words in files),
        *(("change", words) for words in shape.get("changes", ())),
        *(("check", f"{'✓' if one['ok'] else '✗'} {one['name']} {one['summary']}") for one in lesson.checks),
        ("review", "" if lesson.review is None else f"{lesson.review:g} of 10"),
        ("spent", spent),
        ("model", lesson.model),
    ]
    return "".join(f"{name:<9} {visible(words)}\n" for name, words in rows if words)


def _lines(added: int, removed: int) -> str:
    return "binary" if added < 0 else f"+{added} -{removed}"
