"""Known: which ideas are there already as tasks, open, done or rejected, or among the other new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.alike import ELSEWHERE, SAME_PLACE, nearness
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.model.finding import Finding
    from selfimprove.model.task import Task


class _Wish(NamedTuple):
    """What a task or an idea is about: its words, its files (none: any) and how it is told of."""

    text: str
    files: frozenset[str]
    told: str


def repeated(new: Sequence[Finding], tasks: Sequence[Task]) -> list[str]:
    """Return for each of ``new`` why it is not new, ``""`` when it is: the same finding, or the same in other words.

    It is held against ``tasks``, whatever became of them, and against those of ``new`` before it that are new.
    Where the parts of the index are missing only the same finding is found out.
    """
    wishes = [_of_finding(one) for one in new]
    before = [_of_task(task) for task in tasks]
    near = nearness([one.text for one in wishes], [one.text for one in (*before, *wishes)])
    owners = {task.fingerprint: task for task in tasks if task.fingerprint}
    prints: dict[str, int] = {}
    said: list[str] = []
    for at, finding in enumerate(new):
        others = [*enumerate(before), *((len(before) + i, wishes[i]) for i in range(at) if not said[i])]
        if (owner := owners.get(finding.fingerprint)) is not None:
            said.append(f"it is task {owner.id} ({_state(owner)})")
        elif finding.fingerprint in prints:
            said.append("it came twice")
        else:
            said.append(_alike(wishes[at], others, near[at]) if near else "")
        prints.setdefault(finding.fingerprint, at)
    return said


def _alike(one: _Wish, others: Sequence[tuple[int, _Wish]], near: Sequence[float]) -> str:
    """Return which of ``others`` is so near to ``one`` that both are one wish, ``""`` when none is."""
    found = [(near[place], other) for place, other in others if near[place] >= _needed(one, other)]
    if not found:
        return ""
    cosine, other = max(found, key=lambda each: each[0])
    return f"it is like {other.told} ({cosine:.2f})"


def _needed(one: _Wish, other: _Wish) -> float:
    """Return the cosine from which two wishes are one: less is enough where they may touch the same files."""
    together = not one.files or not other.files or one.files & other.files
    return SAME_PLACE if together else ELSEWHERE


def _of_finding(finding: Finding) -> _Wish:
    title = finding.idea.title if finding.idea else finding.symbol
    files = finding.idea.files if finding.idea else (finding.path,)
    return _Wish(f"{title}. {finding.message}", frozenset(files), f'the idea "{title}"')


def _of_task(task: Task) -> _Wish:
    about = task.description or task.prompt or task.command or ""
    files = frozenset(path.removeprefix("./") for path in task.files)
    return _Wish(f"{task.title}. {about}", files, f"task {task.id} ({_state(task)})")


def _state(task: Task) -> str:
    return (
        "rejected"
        if task.rejected is not None
        else "open"
        if task.status is Status.PENDING
        else task.status.value
    )
