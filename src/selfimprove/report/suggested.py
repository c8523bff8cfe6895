"""Suggested: what a model was asked and thought of, as JSON and as lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selfimprove.report.json import run_entry, task_data
from selfimprove.report.wording import count, money, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.model.run import Run
    from selfimprove.model.suggested import Asked
    from selfimprove.model.task import Task

_FILES = 12  # files of a question that are listed


def asked_data(asked: Sequence[tuple[Asked, str]]) -> dict[str, Any]:
    """Return the ``data`` of a dry run of ``suggest``, with the text of each question."""
    rows = [one._asdict() | {"files": list(one.files), "prompt": text} for one, text in asked]
    return {"dry_run": True, "run": None, "asked": rows, "tasks": [], "dropped": [], "problems": []}


def asked_text(asked: Sequence[Asked], keyed: str = "") -> str:
    """Return what would be asked; ``keyed`` is what is missing before it can be."""
    lines = []
    for one in asked:
        lines.append(
            f"{one.purpose}: {one.tokens:,} of {one.budget:,} tokens, code of {count(len(one.files), 'file')}"
        )
        lines += [f"    {visible(path)}" for path in one.files[:_FILES]]
        if len(one.files) > _FILES:
            lines.append(f"    and {len(one.files) - _FILES} more")
    total = sum(one.tokens for one in asked)
    lines.append(
        f"{count(len(asked), 'question')}, {total:,} tokens.  Dry run: nothing was asked and no file written."
    )
    return "\n".join([*lines, *([f"Before it can be asked: {keyed}"] if keyed else [])]) + "\n"


def suggested_data(run: Run, data: Mapping[str, Any], tasks: Sequence[Task]) -> dict[str, Any]:
    """Return the ``data`` of ``suggest``: the stage's own, the new ``tasks`` and the run."""
    parts = {name: data.get(name, []) for name in ("asked", "dropped", "problems")}
    return {"dry_run": False, "run": run_entry(run), "tasks": [task_data(task) for task in tasks], **parts}


def suggested_text(data: Mapping[str, Any], tasks: Sequence[Task], dollars: float, path: str) -> str:
    """Return a block of lines for each new task, then what was not taken and why, and the sum."""
    lines: list[str] = []
    for task in tasks:
        lines += [f"{task.category:<12} {visible(task.title)}", f"    {visible(task.description)}"]
        lines += [
            f"    in {', '.join(map(visible, task.files))}",
            f"    task {visible(task.id)}, priority {task.priority:g}",
        ]
    dropped, problems = data.get("dropped", []), data.get("problems", [])
    if dropped:
        lines += ["", "Not taken:"]
        lines += [
            f"  {visible(one['title'])} ({one['category']}): {visible(one['reason'])}" for one in dropped
        ]
    if problems:
        lines += ["", "Not answered:"]
        lines += [f"  {one['category']}: {visible(one['message'])}" for one in problems]
    new = f"{count(len(tasks), 'new task')} in {visible(path)}" if tasks else "Nothing new"
    spent = f"  {money(dollars)}." if dollars else ""
    return "\n".join([*lines, *([""] if lines else []), f"{new}.{spent}"]) + "\n"
