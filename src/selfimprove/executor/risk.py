"""The guard step: reasons to hold a change back that no green test outweighs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.change import Case, Change
from selfimprove.executor.vetoes.table import objections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.bench import Bench
    from selfimprove.model.outcome import Objection
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work


def guard(task: Task, work: Work, bench: Bench) -> Work:
    """Return the work, stopped when there is an objection to it that nobody has waived."""
    case = Case(
        task,
        tuple(_changes(work, bench)),
        frozenset(bench.repo.tree_names(work.base)),
        lambda path: _text(bench.repo.blob(work.base, path)),
        frozenset(work.written),
    )
    waived = {*task.allow, *bench.proof.allow}
    try:
        everything = tuple(objections(case))
    except RecursionError:
        stop = "held back: the change is nested too deeply to be looked through"
        return work.but(stop=stop, code="too_deep", summary=stop)
    found = tuple(one for one in everything if one.allow not in waived)
    allowed = tuple(dict.fromkeys(one.allow for one in everything if one.allow in waived))
    if not found:
        summary = f"allowed by you: {', '.join(allowed)}" if allowed else "no objection"
        return work.but(objections=(), allowed=allowed, summary=summary)
    return work.but(
        objections=found,
        allowed=allowed,
        stop=f"held back: {found[0].message}{_way_out(task, found)}",
        code=found[0].code,
        summary=f"held back: {found[0].message}",
    )


def _way_out(task: Task, found: tuple[Objection, ...]) -> str:
    """Return how a person lets all of these objections through, or that nothing does."""
    if not all(one.allow for one in found):
        return " (nothing allows that)"
    words = ", ".join(dict.fromkeys(one.allow for one in found))
    return f" (to allow it: add `allow: [{words}]` to the task, then selfimprove tasks retry {task.id})"


def _changes(work: Work, bench: Bench) -> Iterator[Change]:
    rows = bench.repo.git("diff-tree", "-r", "-z", "--raw", "--no-renames", work.base, work.tree).split(b"\0")
    for head, path in zip(rows[::2], rows[1::2], strict=False):
        name = os.fsdecode(path)
        was, mode = head.decode().lstrip(":").split(" ")[:2]
        old, new = (_text(bench.repo.blob(tree, name)) for tree in (work.base, work.tree))
        yield Change(name, old, new, mode, was)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", errors="replace")
