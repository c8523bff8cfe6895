"""Wiring of the pipeline: the same loop as a run, with all of its stages on, and what comes after its tasks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from selfimprove import wiring_reflect
from selfimprove.asking import Asker
from selfimprove.errors import SelfimproveError, StateError
from selfimprove.model.events import Event, Listener, Notice, TaskEnded, TaskStarted, ignore
from selfimprove.model.outcome import Outcome
from selfimprove.model.phase import DOCUMENTS, phases
from selfimprove.model.stage import Stage, Staged, Stages
from selfimprove.model.task import Status, Task
from selfimprove.wiring import build_loop, build_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from selfimprove.executor.bench import Bench
    from selfimprove.memory.memory import Memory
    from selfimprove.model.phase import Phase
    from selfimprove.model.run import Run
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

    stages = [Stage("confirm", lambda run, tasks: _confirmed(target, memory, run, tasks))]
    if target.settings.run.land != "branch":
        stages.insert(0, Stage("pull request", hand_over))
    for stage in stages:
        tasks = memory.load_tasks(target.settings.tasks_file)
        summary.stages.append(do_stage(stage, summary.run, tasks, memory.journal, listener))
    summary.run = memory.journal.run(summary.run.id) or summary.run
    memory.save_run(summary.run)


def phases_of(target: Target, run: Run) -> list[Phase]:
    """Return the ten phases of a run as its journal has them."""
    return phases(build_memory(target).journal.steps(run=run.id))


def _analyze(target: Target, bench: Bench, loop: Orchestrator, listener: Listener) -> Stage:
    """Return the stage that makes the three documents, and commits them like any other change."""

    def do(run: Run, _tasks: Sequence[Task]) -> Staged:
        from selfimprove import portraying

        asker = _asker(bench, run) if target.settings.analyze.prose and bench.llm is not None else None
        files, done = portraying.drafted(target, asker)
        data = done.to_dict()
        made = _committed(files, bench, loop, run, listener) if files else None
        told = [*done.problems, *(f"{one.path} stays: {one.reason}" for one in done.documents if one.reason)]
        for line in told:
            listener(Notice(line, "warning"))
        if made and not made.commit:
            raise SelfimproveError(f"the documents were not committed: {made.reason}", where=made.log or "")
        words = f"{', '.join(files)} in {(made.commit or '')[:7]}" if made else "the documents are up to date"
        return Staged(words, data | {"commit": made and made.commit}, (), done.dollars, done.tokens)

    return Stage("analyze", do)


def _committed(
    files: dict[str, bytes], bench: Bench, loop: Orchestrator, run: Run, listener: Listener
) -> Outcome:
    """Return the outcome of the task that writes ``files``; it goes through the same steps as every other."""
    journal = bench.journal
    known = next((end for end in journal.outcomes(run=run.id, task_id=DOCUMENTS) if end["commit"]), None)
    task = Task(
        DOCUMENTS,
        "Describe the project as it is",
        "The three documents, from facts of the code.",
        prompt="Write the documents.",
        files=tuple(files),
        category="docs",
        source="analyze",
    )
    if known:  # a process that was killed behind the commit
        return Outcome(DOCUMENTS, Status.DONE, commit=known["commit"])
    bench.makers[DOCUMENTS] = lambda _root, _names: files  # type: ignore[index]
    listener(TaskStarted(task, 1, 1))
    outcome = loop.executor.execute(task, run)
    journal.record(run.id, outcome)
    journal.mark_written([DOCUMENTS])
    if loop.summary:
        loop.summary.outcomes.append(outcome)
    listener(TaskEnded(task, outcome))
    return outcome


def _test(bench: Bench) -> Stage:
    """Return the stage that runs the tests which were written, group by group, on what the run has committed."""

    def do(run: Run, _tasks: Sequence[Task]) -> Staged:
        from selfimprove.executor.testing.groups import run_groups

        paths: dict[str, list[str]] = {}
        for end in bench.journal.outcomes(run=run.id):
            for group, found in (end.get("groups") or {}).items() if end["commit"] else ():
                paths.setdefault(group, []).extend(found.get("paths", ()))
        tip = bench.repo.resolve(f"refs/heads/{run.branch}")
        if not paths or tip is None:
            return Staged("no test was written")
        log = bench.logs / f"tests-run-{run.id}.log"
        found = run_groups(
            bench, tip, {group: list(dict.fromkeys(some)) for group, some in paths.items()}, log
        )
        data = {group: result.to_dict() for group, result in found.items()}
        words = ", ".join(f"{group} {one.passed} of {one.total} passed" for group, one in found.items())
        red = any(one.failed or one.errors for one in found.values())
        return Staged(words, data, ok=not red)

    return Stage("tests", do)


def _asker(bench: Bench, run: Run) -> Asker:
    return Asker(bench.journal, bench.llm, run.id, "", 1, bench.secrets, bench.recorder)


def _confirmed(target: Target, memory: Memory, run: Run, tasks: Sequence[Task]) -> Staged:
    """Return what a run has left behind. Raises StateError when journal, branch and tasks.yml do not agree."""
    ends = memory.journal.outcomes(run=run.id)
    commits = {end["task_id"]: end["commit"] for end in ends if end["commit"]}
    last = {end["task_id"]: end["status"] for end in ends}
    if wrong := _disagreement(target, commits, last, tasks):
        raise StateError(wrong, where=f"run {run.id}", hint=f"selfimprove history {run.id}")
    counts = {word: sum(status == word for status in last.values()) for word in ("done", "failed", "skipped")}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing to do"
    record = f"{target.settings.logs_dir}/run-{run.id}.json"
    return Staged(f"{said}; record: {record}", {"tasks": last, "commits": commits, "record": record})


def _disagreement(
    target: Target, commits: Mapping[str, str], last: Mapping[str, str], tasks: Sequence[Task]
) -> str:
    """Say what of a run is not where its journal says, ``""`` when all is."""
    for task, commit in commits.items():
        if target.repo.resolve(f"{commit}^{{commit}}") is None:
            return f"the commit of {task} is not in the repository"
    for one in tasks:
        status = last.get(one.id, "")
        if status and one.status.value not in (status, Status.PENDING.value):
            file = target.settings.tasks_file
            return f"{one.id} is {one.status.value} in {file} and {status} in the journal"
    return ""
