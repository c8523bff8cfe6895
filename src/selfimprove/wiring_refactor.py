"""Wiring of refactoring by hand: the same loop as a run for tasks that a person names, and its dry form."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selfimprove import picking
from selfimprove.errors import (
    Interrupted,
    PatchError,
    RefactorError,
    SelfimproveError,
    UsageError,
)
from selfimprove.model.budget import Budget
from selfimprove.model.events import Listener, Notice, ignore
from selfimprove.model.refactored import End, Refactored
from selfimprove.wiring import build_bench, build_memory, load_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.refactor.draft import Draft
    from selfimprove.executor.refactor.project import Project
    from selfimprove.model.outcome import Outcome
    from selfimprove.orchestrator import Orchestrator, Summary
    from selfimprove.picking import Picked
    from selfimprove.target import Target

_ENDS = {"unproved": End.UNPROVED, "check_failed": End.FAILED, "nothing_to_do": End.NOTHING}
"""What an error's code means for the function; any other is a refusal."""

_UNTESTED = "not run by any test"  # in the words of the search


def build(
    target: Target,
    picked: Sequence[Picked],
    limit: int,
    listener: Listener = ignore,
    hold: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> tuple[Orchestrator, dict[str, Picked]]:
    """Return the loop that does what was ``picked``, and that by the ids of its tasks. No model is asked.

    Raises UsageError for a file that is not in the last commit, where every change starts.
    """
    from selfimprove.executor.executor import Executor
    from selfimprove.executor.recovery import open_run
    from selfimprove.model.review import ReviewTerms
    from selfimprove.orchestrator import Orchestrator
    from selfimprove.planner.planner import Planner

    _refuse_uncommitted(target, picked)
    known = load_tasks(target)
    tasks, wishes = picking.tasks_for(picked, known, limit)
    listed = {task.id for task in known}
    memory = build_memory(target)
    memory.aside = [task for task in tasks if task.id not in listed]
    budget = Budget(seconds=target.settings.budget.seconds)
    planner = Planner(budget, only=frozenset(wishes), max_tasks=target.settings.run.max_tasks)
    bench = build_bench(target, memory.journal, budget, listener, lambda _task, _diff: None)
    bench = replace(bench, llm=None, reviewer=None, review=ReviewTerms(enabled=False), wishes=wishes)
    loop = Orchestrator(
        planner,
        Executor(bench),
        None,
        memory,
        open_run=lambda: open_run(memory.journal, target.repo, bench.copies),
        listener=listener,
        hold=hold,
    )
    loop.left = "is not done"  # no model would be asked for what a person names here
    loop.land = target.settings.run.land if target.settings.run.land != "branch" else ""
    return loop, {task.id: one for task, one in zip(tasks, picked, strict=True)}


def _refuse_uncommitted(target: Target, picked: Sequence[Picked]) -> None:
    head = target.repo.head()
    there = frozenset(target.repo.tree_names(head)) if head else frozenset()
    for one in picked:
        if one.wish.path not in there:
            raise UsageError(
                f"{one.wish.path} is not in the last commit, where every change starts",
                where=one.wish.path,
                hint="commit it first; --dry-run shows what would be done",
            )


def rows_of(target: Target, summary: Summary, jobs: Mapping[str, Picked]) -> list[Refactored]:
    """Return what became of each task of a run, in the order of ``jobs``."""
    ends = {outcome.task_id: outcome for outcome in summary.outcomes}
    rows = []
    for name, one in jobs.items():
        row = Refactored(one.wish.path, one.wish.symbol, End.NOTHING, line=one.line, task=name)
        if outcome := ends.get(name):
            rows.append(_ended(target, row, outcome))
        elif why := summary.unmade.get(name):
            rows.append(replace(row, status=_end_of(why), reason=why.message))
        else:
            reason = next((one.reason for one in summary.waiting if one.task.id == name), "was not started")
            rows.append(replace(row, status=End.LEFT, reason=reason))
    return rows


def _end_of(error: SelfimproveError) -> End:
    """Return what an error means for a function: unproved too where a missing test is all that is in the way."""
    if _UNTESTED in error.message:
        return End.UNPROVED
    return _ENDS.get(error.code, End.REFUSED)


def _ended(target: Target, row: Refactored, outcome: Outcome) -> Refactored:
    made = outcome.rewrite
    row = replace(
        row,
        reason=outcome.reason,
        rewrites=tuple(made.get("rewrites", ())),
        metrics=made.get("values", {}),
        covered=_covered_lines(made.get("covered")),
        subject=outcome.title,
    )
    if not outcome.commit:
        return replace(row, status=End.UNPROVED if outcome.code == "unproved" else End.FAILED)
    parent = f"{outcome.commit}^"
    diff = target.repo.diff(parent, outcome.commit).decode("utf-8", "backslashreplace")
    added = [_added(one, target.repo.blob(outcome.commit, one[0]) or b"") for one in made.get("added", ())]
    return replace(row, status=End.DONE, commit=outcome.commit, diff=diff, added=tuple(added))


def _covered_lines(covered: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what the check found, with the lines that are missing in one row."""
    if not covered:
        return None
    missing = sorted(line for _, _, lines in covered.get("missing", ()) for line in lines)
    return {"executed": covered["executed"], "total": covered["total"], "missing": missing}


def _added(one: Sequence[Any], content: bytes) -> dict[str, Any]:
    """Return a new function (path, symbol, line, end line) with its numbers in ``content``."""
    from selfimprove.codebase.measure.record import MeasureError
    from selfimprove.executor.refactor.rewrite import functions_of

    path, symbol, line, end_line = one
    try:
        found = next((one for one in functions_of(content).values() if one.line == line), None)
    except MeasureError:
        found = None
    numbers = {name: getattr(found, name, None) for name in ("complexity", "cognitive")}
    return {"path": path, "symbol": symbol, "line": line, "end_line": end_line, **numbers}


def preview(
    target: Target, picked: Sequence[Picked], *, tests: bool, listener: Listener = ignore
) -> list[Refactored]:
    """Return what would be tried for each, with its diff. Writes nothing.

    Each diff is on top of those before it, as the commits would land, the first on the person's files as they are.
    With ``tests`` those of the last commit are run in the sandbox, to know which lines they execute; of files that
    were changed since nothing is known.
    """
    from selfimprove.executor.refactoring import read_project
    from selfimprove.tools.git.listing import list_files

    names = list_files(target.repo).names
    covered = _covered(target, picked, listener) if tests and picked else {}
    project = read_project(target.repo.root, names, covered, (target.repo.root, target.environ))
    rows = []
    for one in picked:
        row, project = _proposed(project, one, traced=one.wish.path in covered)
        rows.append(row)
    return rows


def _proposed(project: Project, one: Picked, *, traced: bool) -> tuple[Refactored, Project]:
    """Return what would be tried, and the project after it. Raises MissingTool, which a person has to mend first."""
    from selfimprove.executor.refactor.api import refuse_unchecked
    from selfimprove.executor.refactor.rewrite import landed, propose

    wish = one.wish
    try:
        draft = propose(project, wish)
        refuse_unchecked(project.files, draft.files)
    except (RefactorError, PatchError) as error:
        row = Refactored(wish.path, wish.symbol, _end_of(error), error.message, one.line)
        return row, project
    return _shown(project, one, draft, traced=traced), landed(project, draft)


def _shown(project: Project, one: Picked, draft: Draft, *, traced: bool) -> Refactored:
    from selfimprove.executor.patching.diff import generate_diff
    from selfimprove.executor.refactor.rewrite import executed_in
    from selfimprove.executor.refactoring import values_of

    wish = one.wish
    row = Refactored(wish.path, wish.symbol, End.PROPOSED, line=one.line)
    old = {path: project.files[path] for path in draft.files if path in project.files}
    diff = generate_diff(old, draft.files).encode("utf-8", "surrogateescape")
    return replace(
        row,
        reason="; ".join(draft.notes),
        subject=draft.subject,
        rewrites=draft.rewrites,
        metrics=values_of(project, wish, draft),
        added=tuple(
            _added((new.path, new.symbol, new.line, new.end_line), draft.files[new.path])
            for new in draft.added
        ),
        covered=executed_in(project, draft) if traced else None,
        diff=diff.decode("utf-8", "backslashreplace"),
    )


def _covered(target: Target, picked: Sequence[Picked], listener: Listener) -> Mapping[str, frozenset[int]]:
    """Return the lines that tests execute in the files of ``picked`` that are as in the last commit."""
    from selfimprove.executor import check
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work

    head = target.repo.head()
    same = [
        path
        for path in dict.fromkeys(one.wish.path for one in picked)
        if head and target.repo.blob(head, path) == (target.repo.root / path).read_bytes()
    ]
    if not head or not same:
        return {}
    listener(Notice("running the tests once, to see which lines they run (--no-tests leaves that out)"))
    try:
        with _aside(target, head, listener) as (bench, place, log):
            work = Work(0, "refactor", head, place, 0.0, tree=target.repo.tree_of(head))
            task = Task("refactor", "Refactor", prompt="-", files=tuple(same))
            return check.base_lines(task, work, bench, log, same)
    except Interrupted:
        raise
    except SelfimproveError as error:
        listener(Notice(f"the tests could not be run: {error.message}", "warning"))
        return {}


@contextmanager
def _aside(target: Target, commit: str, listener: Listener) -> Iterator[tuple[Bench, str, Any]]:
    """Yield a bench that remembers nothing, a private copy of ``commit``, and a log that goes with it."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from selfimprove.executor.aside import aside
    from selfimprove.memory.database import open_database
    from selfimprove.memory.journal import Journal
    from selfimprove.memory.owner import current_owner
    from selfimprove.memory.testreports import TestReports

    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="selfimprove-")))
        journal = Journal(open_database(scratch / "state.db", None), current_owner())
        bench = build_bench(target, journal, Budget(), listener, lambda _task, _diff: None)
        bench = replace(bench, llm=None, reviewer=None, logs=scratch, reports=TestReports(scratch / "tests"))
        copy, bench = stack.enter_context(aside(bench, commit))
        yield bench, str(copy.path), scratch / "refactor.log"
