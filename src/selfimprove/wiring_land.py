"""Wiring of what comes after the commit: landing, verifying and undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selfimprove.errors import SelfimproveError, UsageError
from selfimprove.model.budget import Budget
from selfimprove.model.events import Listener, Notice, StepStarted, ignore
from selfimprove.wiring import build_bench, build_memory, change_tasks, load_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.undo import Scope
    from selfimprove.memory.journal import Journal
    from selfimprove.memory.memory import Memory
    from selfimprove.model.evidence import Verification
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task
    from selfimprove.model.undo import Undone
    from selfimprove.orchestrator import Summary
    from selfimprove.target import Target

    Text = Callable[[Sequence[tuple[str, str, Mapping[str, Any]]], Sequence[str]], tuple[str, str]]


_RUNS = 20
"""Runs among which those that have not landed yet are looked for."""


def land(
    target: Target,
    summary: Summary,
    text: Text,
    listener: Listener = ignore,
    *,
    auto_merge: float | None = None,
) -> str:
    """Bring the run's commits where the person asked for; return the words for where that is, or ``""``.

    ``text`` makes title and body of a pull request, ``auto_merge`` is the mean review from which it merges itself
    (None: never). What went wrong is in ``summary.landing_problem``; the
    commits then are on their branch as before. Earlier runs that were to land in the same way and did not, as
    they were killed or something was in the way, land first.
    """
    way = target.settings.run.land
    if way == "branch":
        return ""
    memory = build_memory(target)
    waiting = [run for run in reversed(memory.journal.runs(limit=_RUNS)) if _is_due(run, way, summary.run)]
    landed: list[str] = []
    for run in waiting:
        if branches := _branches(memory.journal, run, target):
            bench = _bench(target, memory, listener)
            listener(StepStarted("", "land"))  # proving again what was rebased can take minutes
            # What an earlier run was to be merged by is not known any more; a person merges it.
            how = text, auto_merge if run.id == summary.run.id else None
            done = [_landed(branch, target, bench, how, summary) for branch in branches]
            if None in done:
                continue
            landed += [words for words in done if words]
        noted = {**run.summary, "landed": True}
        memory.journal.end_run(run.id, run.state, run.exit_code, noted)
    return ", ".join(dict.fromkeys(landed))


def _is_due(run: Run, way: str, now: Run) -> bool:
    """True for the present run, and for an earlier one that was to land in this way and has not."""
    due = run.summary.get("land") == way and not run.summary.get("landed")
    return run.id == now.id or (due and run.state == "finished")


def _landed(
    branch: str, target: Target, bench: Bench, how: tuple[Text, float | None], summary: Summary
) -> str | None:
    """Return the words for where a branch's commits are now, ``None`` when something was in the way."""
    from selfimprove.executor.land import merge

    tasks = load_tasks(target)
    try:
        if target.settings.run.land == "merge":
            return f"merged into {merge(branch, bench, tasks)}"
        return _requested(branch, target, bench, tasks, how)
    except SelfimproveError as error:
        summary.landing_problem = summary.landing_problem or error
        bench.listener(Notice(f"{branch}: {error.message}", "warning"))
        return None


def _requested(
    branch: str, target: Target, bench: Bench, tasks: Sequence[Task], how: tuple[Text, float | None]
) -> str:
    from selfimprove.executor.request import Handover, hand_over
    from selfimprove.tools.git.pull_request import find_remote

    text, auto_merge = how
    wanted = Handover(text, lambda line: bench.listener(Notice(line)), target.settings.run.labels, auto_merge)
    handed = hand_over(branch, bench, find_remote(target.repo), tasks, wanted)
    return f"pull request {handed.url}" if handed else ""


def _branches(journal: Journal, run: Run, target: Target) -> list[str]:
    """Return the branches with commits of a run that are still there, in the order in which they were made."""
    ends = [end for end in journal.outcomes(run=run.id) if end["commit"]]
    names = dict.fromkeys(end.get("branch") or run.branch for end in ends)
    return [name for name in names if target.repo.resolve(f"refs/heads/{name}")]


def _bench(target: Target, memory: Memory, listener: Listener = ignore) -> Bench:
    """Return the bench of a command that asks no model."""
    from dataclasses import replace

    bench = build_bench(target, memory.journal, Budget(), listener, lambda _task, _diff: None)
    return replace(bench, llm=None, reviewer=None)


def verify(target: Target, commit: str) -> Verification:
    """Return what became of the claims of a commit. Raises UsageError when there is none, or it makes no claims."""
    from selfimprove.executor.verification import verify

    memory = build_memory(target)
    return verify(commit, _bench(target, memory), load_tasks(target))


def undo(target: Target, name: str, *, status: str, merge: bool, dry_run: bool) -> Undone:
    """Take a run (a number) or a task back, and return what was done, or would be done.

    Its tasks get ``status``; with ``merge`` the reverts of merged commits land in the person's branch. Doing it
    again goes on where it was stopped. Raises UsageError for a name that there is not, GitError and NeedsKey.
    """
    from dataclasses import replace

    from selfimprove.executor import land, undo
    from selfimprove.model.undo import Undone

    memory, tasks = build_memory(target), load_tasks(target)
    scope, ended = _scope(name, memory.journal, tasks)
    bench = _bench(target, memory)
    steps, commits = undo.steps_for(scope, bench), undo.merged(scope, bench)
    taken = [one for step in steps for one in step.told()] + undo.told_of_merged(commits, scope)
    back = _back(scope, ended, memory.journal)
    notes = undo.held_elsewhere(steps, bench)
    done = Undone(scope.name, tuple(taken), scope.branch if commits else "", tasks=tuple(back), status=status)
    if dry_run:
        return replace(done, notes=tuple(notes))
    if commits:
        undo.revert(commits, scope, bench)
    for step in steps:
        undo.take_off(step, bench, tasks)
    requests = _close(scope, target)
    _give_back(target, memory, back, status, scope)
    landed = land.merge(scope.branch, bench, tasks) if commits and merge else ""
    return replace(done, landed=landed, requests=requests, notes=tuple(notes))


def _scope(name: str, journal: Journal, tasks: Sequence[Task]) -> tuple[Scope, list[dict[str, Any]]]:
    """Return what ``name`` means, and the outcomes with a commit that belong to it."""
    from selfimprove.executor.undo import Scope

    run = journal.run(int(name)) if name.isdigit() else None
    ends = journal.outcomes(run=run.id) if run else journal.outcomes(task_id=name)
    made = [end for end in ends if end["commit"]]
    if not made:
        raise _nothing(name, journal, is_run=run is not None, ends=ends, tasks=tasks)
    branches = _places(made, _ended([end["run"] for end in made], journal))
    return Scope(run.id if run else None, None if run else name, branches), made


def _places(made: Sequence[Mapping[str, Any]], runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the branches on which these commits may be."""
    from selfimprove.executor.branches import task_branch

    found = [*(run.branch for run in runs), *(end.get("branch") or "" for end in made)]
    return tuple(filter(None, dict.fromkeys([*found, *(task_branch(end["task_id"]) for end in made)])))


def _ended(numbers: Sequence[int], journal: Journal) -> list[Run]:
    """Return the runs of these numbers. Raises UsageError while one of them is being done."""
    from selfimprove.memory.owner import is_alive, process_of

    runs = [run for number in dict.fromkeys(numbers) if (run := journal.run(number))]
    for run in runs:
        if run.state == "running" and is_alive(run.owner):
            hint = "wait for its end, or stop it"
            raise UsageError(f"run {run.id} is being done by {process_of(run.owner)}", hint=hint)
    return runs


def _nothing(
    name: str, journal: Journal, *, is_run: bool, ends: Sequence[Any], tasks: Sequence[Task]
) -> UsageError:
    """Return why there is nothing to take back."""
    from selfimprove.planner.rules import nearest

    if is_run:
        return UsageError(
            f"run {name} made no commit, so there is nothing to take back", hint="selfimprove history"
        )
    if ends or any(task.id == name for task in tasks):
        return UsageError(
            f"{name} made no commit, so there is nothing to take back",
            hint="what a command did in your tree is yours: git status",
        )
    if name.isdigit():
        known = ", ".join(str(one.id) for one in journal.runs(limit=5)) or "none"
        return UsageError(f"there is no run {name}", hint=f"the newest runs: {known}; selfimprove history")
    near = nearest(name, [task.id for task in tasks])
    hint = f"did you mean {near}?" if near else "selfimprove tasks list, selfimprove history"
    return UsageError(f"there is no run and no task {name}", hint=hint)


def _back(scope: Scope, ended: Sequence[Mapping[str, Any]], journal: Journal) -> list[str]:
    """Return the tasks that nothing has been done for since: those that can be given back."""
    found = []
    for name in dict.fromkeys(end["task_id"] for end in ended):
        last = journal.outcomes(task_id=name)[-1]
        if last.get("code") != "undone" and (scope.run is None or last["run"] == scope.run):
            found.append(name)
    return found


def _give_back(target: Target, memory: Memory, names: Sequence[str], status: str, scope: Scope) -> None:
    """Set the tasks' status, and let the journal say why."""
    from dataclasses import replace

    from selfimprove.model.outcome import Outcome
    from selfimprove.model.task import Status

    def change(tasks: list[Task]) -> list[Task]:
        wanted = Status(status)
        return [
            replace(one, status=wanted) if one.id in names and one.rejected is None else one for one in tasks
        ]

    if names:
        change_tasks(target, change)
    for name in names:
        run = memory.journal.outcomes(task_id=name)[-1]["run"]
        outcome = Outcome(name, Status(status), f"{scope.name} was undone", code="undone")
        memory.journal.record(run, outcome)
        memory.journal.mark_written([name])


def _close(scope: Scope, target: Target) -> tuple[str, ...]:
    """Close the open pull requests of branches that were pushed from here, and return their addresses."""
    from selfimprove.tools.git.pull_request import PUSHED, find_remote

    closed = []
    for branch in scope.branches:
        if target.repo.resolve(f"{PUSHED}{branch}") is None:
            continue
        github = find_remote(target.repo).github()
        for one in github.of_branch(branch):
            if one.state == "OPEN":
                github.close(one.number, f"Taken back: selfimprove undo {scope.name.split()[-1]}")
                closed.append(one.url)
    return tuple(closed)
