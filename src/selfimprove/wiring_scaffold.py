"""Wiring of scaffolding by hand: the loop of a run for files of good practice that are missing, and its dry form."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.errors import SelfimproveError, UsageError
from selfimprove.model.budget import Budget
from selfimprove.model.events import Listener, ignore
from selfimprove.model.gap import Gap, Standing
from selfimprove.model.scaffolded import Fate, Scaffolded
from selfimprove.wiring import build_bench, build_memory, load_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from selfimprove.codebase.project.facts import Facts
    from selfimprove.model.outcome import Outcome
    from selfimprove.model.task import Task
    from selfimprove.orchestrator import Orchestrator, Summary
    from selfimprove.target import Target

_FATES = {
    Standing.PRESENT: Fate.PRESENT,
    Standing.UNDECIDED: Fate.UNDECIDED,
    Standing.UNSUITED: Fate.UNSUITED,
    Standing.MISSING: Fate.LEFT,
}


def survey(target: Target, names: Sequence[str] = (), licence: str = "") -> list[Gap]:
    """Return how the last commit stands to each rule, or to those of ``names``; the tree where there is no commit.

    Raises UsageError for a name or a licence that does not exist.
    """
    from selfimprove.executor.scaffold.reading import facts_at
    from selfimprove.reflector.gaps.find import gaps

    with facts_at(target.repo, target.repo.head(), target.repo.root, spdx(licence)) as facts:
        return _wanted(gaps(facts, names), target, names)


def _wanted(found: Sequence[Gap], target: Target, names: Sequence[str]) -> list[Gap]:
    """Return the gaps, those that a person has rejected as such unless they are named."""
    rejected = {task.fingerprint: task.rejected for task in load_tasks(target) if task.rejected and not names}
    prints = [gap.to_finding().fingerprint for gap in found]
    return [
        replace(gap, standing=Standing.UNSUITED, reason=f"you rejected it: {rejected[one]}")
        if gap.standing is Standing.MISSING and one in rejected
        else gap
        for gap, one in zip(found, prints, strict=True)
    ]


def spdx(licence: str) -> str:
    """Return the identifier as SPDX spells it. Raises UsageError when its text is not at hand."""
    from selfimprove.codebase.project.licence import KNOWN, spdx_of

    if not licence:
        return ""
    if found := spdx_of(licence):
        return found
    raise UsageError(f"the text of {licence} is not at hand", hint=f"there are: {', '.join(KNOWN)}")


def preview(target: Target, names: Sequence[str], licence: str = "") -> list[Scaffolded]:
    """Return what would be made, each with its diff; each on top of those before it. Writes nothing."""
    from selfimprove.executor.patching.diff import generate_diff
    from selfimprove.executor.scaffold.making import make
    from selfimprove.executor.scaffold.reading import facts_at
    from selfimprove.reflector.gaps.find import gaps

    rows = []
    with facts_at(target.repo, target.repo.head(), target.repo.root, spdx(licence)) as facts:
        now = facts
        for gap in _wanted(gaps(facts, names), target, names):
            if gap.standing is not Standing.MISSING:
                rows.append(Scaffolded(gap, _FATES[gap.standing]))
                continue
            try:
                files = make(now, gap.files)
            except SelfimproveError as error:
                rows.append(Scaffolded(gap, Fate.FAILED, error.message))
                continue
            old = {path: now.read(path).encode("utf-8", "surrogateescape") for path in files if now.has(path)}
            diff = (
                generate_diff(old, files)
                .encode("utf-8", "surrogateescape")
                .decode("utf-8", "backslashreplace")
            )
            rows.append(Scaffolded(gap, Fate.PROPOSED, diff=diff))
            now = _with(now, files)
    return rows


def _with(facts: Facts, files: Mapping[str, bytes]) -> Facts:
    """Return the facts as they would be with ``files``."""
    texts = {path: content.decode("utf-8", "replace") for path, content in files.items()}
    names = tuple(dict.fromkeys((*facts.names, *files)))
    return replace(facts, names=names, read=lambda path: texts[path] if path in texts else facts.read(path))


def build(
    target: Target,
    gaps: Sequence[Gap],
    licence: str = "",
    listener: Listener = ignore,
    hold: Callable[[], AbstractContextManager[object]] = nullcontext,
    *,
    model: bool = False,
) -> tuple[Orchestrator, dict[str, Gap]]:
    """Return the loop that makes the files which ``gaps`` miss, and these by the ids of their tasks.

    With ``model`` the prose is written by it where it keeps to the facts. Raises UsageError without a commit.
    """
    from selfimprove.executor.executor import Executor
    from selfimprove.executor.recovery import open_run
    from selfimprove.model.review import ReviewTerms
    from selfimprove.orchestrator import Orchestrator
    from selfimprove.planner.planner import Planner

    if target.repo.head() is None:
        hint = "git add and git commit first; --dry-run shows what would be made"
        raise UsageError("the repository has no commit yet, and every change starts at one", hint=hint)
    known = load_tasks(target)
    jobs = dict(_jobs([gap for gap in gaps if gap.standing is Standing.MISSING], known))
    listed = {task.id for task in known}
    memory = build_memory(target)
    memory.aside = [task for task, _ in jobs.values() if task.id not in listed]
    limits = target.settings.budget
    budget = Budget(dollars=limits.dollars, tokens=limits.tokens, seconds=limits.seconds, calls=limits.calls)
    planner = Planner(budget, only=frozenset(jobs), max_tasks=target.settings.run.max_tasks)
    bench = build_bench(target, memory.journal, budget, listener, lambda _task, _diff: None)
    bench = replace(bench, reviewer=None, review=ReviewTerms(enabled=False), licence=spdx(licence))
    loop = Orchestrator(
        planner,
        Executor(bench if model else replace(bench, llm=None)),
        None,
        memory,
        open_run=lambda: open_run(memory.journal, target.repo, bench.copies),
        listener=listener,
        hold=hold,
    )
    loop.land = target.settings.run.land if target.settings.run.land != "branch" else ""
    return loop, {name: gap for name, (_, gap) in jobs.items()}


def _jobs(gaps: Sequence[Gap], known: Sequence[Task]) -> list[tuple[str, tuple[Task, Gap]]]:
    """Return a task for each gap, by its id. One that tasks.yml has pending is that task."""
    pending = {task.fingerprint: task for task in known if task.fingerprint and task.status == "pending"}
    taken = {task.id for task in known}
    found = []
    for gap in gaps:
        made = gap.to_finding().to_task()
        task = pending.get(made.fingerprint or "")
        if task is None:
            name, number = made.id, 1
            while name in taken:
                number += 1
                name = f"{made.id}-{number}"
            task = replace(made, id=name)
        taken.add(task.id)
        found.append((task.id, (task, gap)))
    return found


def rows_of(
    target: Target, gaps: Sequence[Gap], summary: Summary, jobs: Mapping[str, Gap]
) -> list[Scaffolded]:
    """Return what became of each gap, in the order of ``gaps``."""
    ends = {outcome.task_id: outcome for outcome in summary.outcomes}
    tasks = {gap.name: name for name, gap in jobs.items()}
    rows = []
    for gap in gaps:
        name = tasks.get(gap.name, "")
        if outcome := ends.get(name):
            rows.append(_ended(target, gap, outcome))
            continue
        waits = next((one.reason for one in summary.waiting if one.task.id == name), "was not started")
        row = Scaffolded(gap, _FATES[gap.standing], task=name)
        rows.append(replace(row, reason=waits) if row.fate is Fate.LEFT else row)
    return rows


def _ended(target: Target, gap: Gap, outcome: Outcome) -> Scaffolded:
    row = Scaffolded(gap, Fate.FAILED, outcome.reason, outcome.task_id)
    if not outcome.commit:
        return row
    diff = target.repo.diff(f"{outcome.commit}^", outcome.commit).decode("utf-8", "backslashreplace")
    return replace(row, fate=Fate.DONE, reason="", commit=outcome.commit, diff=diff)
