"""Wiring of the pipeline: the same loop as a run, with all of its stages on, and what comes after its tasks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from selfimprove import wiring_reflect
from selfimprove.asking import Asker
from selfimprove.errors import GitError, SelfimproveError, StateError
from selfimprove.model.events import Event, Listener, Notice, TaskEnded, TaskStarted, ignore
from selfimprove.model.outcome import Outcome
from selfimprove.model.phase import DOCUMENTS, phases
from selfimprove.model.stage import Stage, Staged, Stages
from selfimprove.model.task import Status, Task
from selfimprove.wiring import build_loop, build_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from selfimprove.executor.bench import Bench, Maker
    from selfimprove.memory.memory import Memory
    from selfimprove.model.analyzed import Analyzed
    from selfimprove.model.phase import Phase
    from selfimprove.model.run import Run
    from selfimprove.model.testgroup import GroupResult
    from selfimprove.orchestrator import Orchestrator, Summary
    from selfimprove.target import Choices, Target
    from selfimprove.wiring_land import Text

AUTO_MERGE = 7.0
"""Mean review from which a pipeline's pull request merges itself, where nothing else is said."""


def build(
    target: Target,
    choices: Choices,
    listener: Listener = ignore,
    hold: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Orchestrator:
    """Return the loop with its stages: analyze and suggest before the tasks, the groups of tests after them."""
    loop, bench = build_loop(target, choices, listener, hold=hold)
    before = (_analyze(target, bench, loop, listener), wiring_reflect.suggest_stage(target, bench))
    loop.stages = Stages(before, wiring_reflect.idle_stages(target, bench), (_test(bench),))
    return loop


def complete(
    target: Target, summary: Summary, text: Text, auto_merge: float | None, listener: Listener = ignore
) -> None:
    """Hand over what a run has committed, and confirm that all of it is where it should be.

    ``text`` makes title and body of a pull request, which merges itself when every review in it gave at least
    ``auto_merge`` (None: never). Both are steps of the run, and its record is written again with them.
    """
    from selfimprove import wiring_land
    from selfimprove.orchestrator import exit_code
    from selfimprove.staging import do_stage

    memory = build_memory(target)

    def tell(event: Event) -> None:
        if not (
            isinstance(event, Notice) and event.level == "warning"
        ):  # the stage itself says what went wrong
            listener(event)

    def hand_over(_run: Run, _tasks: Sequence[Task]) -> Staged:
        summary.landed = wiring_land.land(target, summary, text, tell, auto_merge=auto_merge)
        if summary.landing_problem:
            raise summary.landing_problem
        words = summary.landed.removeprefix("pull request ")
        return Staged(words or "nothing to hand over", {"landed": summary.landed})

    stages = [Stage("confirm", lambda run, _: _confirmed(target, memory, run), again=True)]
    if target.settings.run.land != "branch":
        stages.insert(0, Stage("pull request", hand_over, again=True))
    try:
        for stage in stages:
            summary.stages.append(do_stage(stage, summary.run, (), memory.journal, listener))
    finally:
        now = memory.journal.run(summary.run.id) or summary.run
        memory.journal.end_run(now.id, now.state, exit_code(summary), now.summary)
        summary.run = memory.journal.run(now.id) or now
        memory.save_run(summary.run)


def phases_of(target: Target, run: Run) -> list[Phase]:
    """Return the ten phases of a run as its journal has them."""
    return phases(build_memory(target).journal.steps(run=run.id))


def _analyze(target: Target, bench: Bench, loop: Orchestrator, listener: Listener) -> Stage:
    """Return the stage that makes the three documents, and commits them like any other change."""

    def do(run: Run, _tasks: Sequence[Task]) -> Staged:
        from selfimprove.executor.bench import Maker

        files, done = _drafted(target, bench, run)
        maker = Maker(files, by_model=any(one.summary == "new" for one in done.documents))
        made = _committed(maker, bench, loop, run, listener) if files else None
        for line in (*done.problems, *(f"{one.path} stays: {one.reason}" for one in done.refused)):
            listener(Notice(line, "warning"))
        if made and not made.commit:
            raise SelfimproveError(f"the documents were not committed: {made.reason}", where=made.log or "")
        commit = (made and made.commit) or ""
        words = f"{', '.join(files)} in {commit[:7]}" if made else "the documents are up to date"
        data = done.to_dict() | {"commit": commit or None}
        return Staged(words, data, (), done.dollars, done.tokens)

    return Stage("analyze", do)


def _drafted(target: Target, bench: Bench, run: Run) -> tuple[dict[str, bytes], Analyzed]:
    """Return the documents of what the run starts from, not of what lies in the person's tree."""
    from selfimprove import portraying
    from selfimprove.executor.aside import aside
    from selfimprove.tools.git.repo import open_repo

    asker = _asker(bench, run) if target.settings.analyze.prose and bench.llm is not None else None
    start = bench.repo.resolve(f"refs/heads/{run.branch}") or run.base
    if not start:
        raise GitError("there is no commit yet, and documents are about what is committed")
    with aside(bench, start) as (copy, _):
        there = target._replace(repo=open_repo(copy.path, target.environ))
        return portraying.drafted(there, asker, name=target.repo.root.resolve().name)


def _committed(maker: Maker, bench: Bench, loop: Orchestrator, run: Run, listener: Listener) -> Outcome:
    """Return the outcome of the task that writes the files; it goes through the same steps as every other."""
    journal, name = bench.journal, f"{DOCUMENTS}{run.id}"
    known = next((end for end in journal.outcomes(run=run.id, task_id=name) if end["commit"]), None)
    task = Task(
        name,
        "Describe the project as it is",
        "The three documents, from facts of the code.",
        prompt="Write the documents.",
        files=tuple(maker.files),
        category="docs",
        source="analyze",
    )
    if known:  # a process that was killed behind the commit
        return Outcome(name, Status.DONE, commit=known["commit"])
    bench.makers[name] = maker
    listener(TaskStarted(task, 1, 1))
    try:
        outcome = loop.executor.execute(task, run)
    finally:
        del bench.makers[name]
    journal.record(run.id, outcome)
    journal.mark_written([name])
    if loop.summary:
        loop.summary.outcomes.append(outcome)
    listener(TaskEnded(task, outcome))
    return outcome


def _test(bench: Bench) -> Stage:
    """Return the stage that runs the tests which were written, group by group, on what the run has committed."""

    def do(run: Run, _tasks: Sequence[Task]) -> Staged:
        from selfimprove.executor.testing.groups import added_up, run_groups

        places = _written_tests(bench, run)
        if not places:
            return Staged("no test was written")
        log = bench.logs / f"tests-run-{run.id}.log"
        shown: dict[str, list[GroupResult]] = {}
        for branch, paths in places.items():
            tip = bench.repo.resolve(f"refs/heads/{branch}")
            for group, result in (run_groups(bench, tip, paths, log) if tip else {}).items():
                shown.setdefault(group, []).append(result)
        found = {group: added_up(some, _paths(some)) for group, some in shown.items()}
        data = {group: result.to_dict() for group, result in found.items()}
        words = ", ".join(f"{group} {one.passed} of {one.total} passed" for group, one in found.items())
        red = any(one.failed or one.errors for one in found.values())
        return Staged(words, data, ok=not red)

    return Stage("tests", do, again=True)


def _written_tests(bench: Bench, run: Run) -> dict[str, dict[str, list[str]]]:
    """Return the test files that a run has committed, by branch and group."""
    places: dict[str, dict[str, list[str]]] = {}
    for end in bench.journal.outcomes(run=run.id):
        for group, tests in (end.get("groups") or {}).items() if end["commit"] else ():
            there = places.setdefault(end.get("branch") or run.branch, {}).setdefault(group, [])
            there += [path for path in tests.get("paths", ()) if path not in there]
    return places


def _paths(results: Sequence[GroupResult]) -> list[str]:
    return [path for one in results for path in one.paths]


def _asker(bench: Bench, run: Run) -> Asker:
    return Asker(bench.journal, bench.llm, run.id, "", 1, bench.secrets, bench.recorder)


def _confirmed(target: Target, memory: Memory, run: Run) -> Staged:
    """Return what a run has left behind. Raises StateError when journal, branch and tasks.yml do not agree."""
    ends = memory.journal.outcomes(run=run.id)
    commits = {end["task_id"]: end["commit"] for end in ends if end["commit"]}
    last = {end["task_id"]: end["status"] for end in ends}
    tasks = {task.id: task.status for task in memory.load_tasks(target.settings.tasks_file)}
    for task, commit in commits.items():
        wrong = ""
        if target.repo.resolve(f"{commit}^{{commit}}") is None:
            wrong = f"the commit of {task} is not in the repository"
        elif last[task] == Status.DONE and tasks.get(task) is Status.FAILED:
            wrong = f"{task} is failed in {target.settings.tasks_file} and has the commit {commit[:7]}"
        if wrong:
            raise StateError(wrong, where=f"run {run.id}", hint=f"selfimprove history {run.id}")
    counts = {word: sum(status == word for status in last.values()) for word in ("done", "failed", "skipped")}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing to do"
    record = f"{target.settings.logs_dir}/run-{run.id}.json"
    return Staged(f"{said}; record: {record}", {"tasks": last, "commits": commits, "record": record})
