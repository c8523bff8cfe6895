"""Wiring: builds the parts from the settings. Nothing else does, and nothing here decides."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.model.budget import Budget
from selfimprove.model.events import Listener, Notice, ignore
from selfimprove.target import STATE
from selfimprove.wiring_audit import build_auditor, cache_folder
from selfimprove.wiring_audit import build_reflector as build_reflector
from selfimprove.wiring_audit import load_tasks as load_tasks
from selfimprove.wiring_llm import build_backend as build_backend
from selfimprove.wiring_llm import build_llm, build_recorder, build_reviewer
from selfimprove.wiring_llm import model_problem as model_problem
from selfimprove.wiring_portrait import portrayer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from selfimprove.codebase.index import Index
    from selfimprove.executor.bench import Bench
    from selfimprove.executor.experience import Experience
    from selfimprove.executor.sight import Sight
    from selfimprove.memory.journal import Journal
    from selfimprove.memory.memory import Memory
    from selfimprove.model.outcome import Objection
    from selfimprove.model.review import ReviewTerms
    from selfimprove.model.task import Task
    from selfimprove.model.testgroup import TestTerms
    from selfimprove.orchestrator import Orchestrator
    from selfimprove.planner.planner import Planner
    from selfimprove.settings_parts import ReviewSettings, TestsSettings
    from selfimprove.target import Choices, Target

_MANY = 500  # files from which on a person is told how far the index is


def build_planner(target: Target, choices: Choices) -> Planner:
    """Return the planner, with the budget of this run."""
    from selfimprove.planner.planner import Planner

    settings = target.settings
    limits = settings.budget
    budget = Budget(
        limits.units,
        limits.dollars,
        limits.tokens,
        limits.seconds,
        limits.warning,
        calls=limits.calls,
    )
    only = frozenset(choices.only) if choices.only else None
    return Planner(
        budget,
        model_ready=model_problem(target) is None,
        only=only,
        max_tasks=settings.run.max_tasks,
        rewrites=settings.run.rewrite,
    )


def build_memory(target: Target) -> Memory:
    """Return the memory, making our folder and telling git to ignore it and the logs in this clone."""
    from selfimprove.memory.claims import Claims
    from selfimprove.memory.database import open_database
    from selfimprove.memory.journal import Journal
    from selfimprove.memory.lessons import Lessons
    from selfimprove.memory.memory import Memory
    from selfimprove.memory.owner import current_owner

    target.repo.exclude((f"/{STATE}/", f"/{target.settings.logs_dir.strip('/')}/"))
    engine, owner = open_database(target.database, target.settings.database.url), current_owner()
    journal, claims = Journal(engine, owner), Claims(engine, owner)
    return Memory(target.repo.root, target.state, target.logs, journal, claims, Lessons(engine))


def peek_memory(target: Target) -> Memory | None:
    """Return the memory for reading, ``None`` when no run has been here; nothing on disk changes."""
    from selfimprove.memory.claims import Claims
    from selfimprove.memory.database import open_read_only
    from selfimprove.memory.journal import Journal
    from selfimprove.memory.lessons import Lessons
    from selfimprove.memory.memory import Memory

    engine = open_read_only(target.database, target.settings.database.url)
    if engine is None:
        return None
    journal, claims = Journal(engine, ""), Claims(engine, "")
    return Memory(target.repo.root, target.state, target.logs, journal, claims, Lessons(engine))


def build_experience(target: Target, memory: Memory | None) -> Experience | None:
    """Return what earlier tasks taught, ``None`` where there is no memory or the person wants no lessons."""
    from selfimprove.executor.experience import Experience

    terms = target.settings.lessons
    if memory is None or not terms.enabled:
        return None
    return Experience(memory.lessons, terms.shown, terms.tokens, terms.keep, terms.least)


def change_tasks(target: Target, change: Callable[[list[Task]], list[Task]]) -> list[Task]:
    """Load tasks.yml, let ``change`` return what it shall be, and save that if it goes together."""
    from selfimprove.memory.taskfile import TaskFile

    target.repo.exclude((f"/{STATE}/",))
    file = TaskFile(target.repo.root / target.settings.tasks_file, lock_path=target.state / "tasks.lock")
    tasks = change(file.load())
    with_place(target, tasks)
    return file.save(tasks)


def set_up(target: Target, wanted: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Write the ``wanted`` files (by their path from the root) that are missing, and have git ignore ours.

    Returns the names of what was made and of what was there already.
    """
    from selfimprove.atomicfile import replace_file

    target.repo.exclude((f"/{STATE}/", f"/{target.settings.logs_dir.strip('/')}/"))
    made = [name for name in wanted if not (target.repo.root / name).exists()]
    for name in made:
        path = target.repo.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, wanted[name])
    return made, [name for name in wanted if name not in made]


def with_place(target: Target, tasks: Sequence[Task]) -> None:
    """Raise the planner's objection to these tasks, if any, with the file that it is about."""
    from selfimprove.memory.taskfile import line_of
    from selfimprove.planner import rules

    try:
        rules.check(tasks)
    except rules.PlanError as error:
        path = target.repo.root / target.settings.tasks_file
        line = line_of(path, error.index)
        error.where = error.where or (f"{path}:{line}" if line else str(path))
        raise


def looks_first(target: Target, choices: Choices) -> bool:
    """True when a run measures before it plans: not when the person named tasks."""
    return target.settings.run.audit and choices.audit and not choices.only


def copies_folder(target: Target) -> Path:
    """Return the folder for private copies of this repository: outside of it, so that nothing there is found."""
    import hashlib

    name = hashlib.sha256(str(target.repo.common_dir).encode(errors="surrogateescape")).hexdigest()[:12]
    return cache_folder(target.loaded.environ) / "copies" / f"{target.repo.root.name}-{name}"


def build_loop(
    target: Target,
    choices: Choices,
    listener: Listener = ignore,
    approve: Callable[[Task, str], Objection | None] = lambda _task, _diff: None,
    hold: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> tuple[Orchestrator, Bench]:
    """Return the loop, ready to run, and the bench that its tasks are done on."""
    from selfimprove.executor.executor import Executor
    from selfimprove.executor.recovery import open_run
    from selfimprove.orchestrator import Orchestrator

    planner, memory = build_planner(target, choices), build_memory(target)
    bench = replace(
        build_bench(target, memory.journal, planner.budget, listener, approve),
        experience=build_experience(target, memory),
    )
    reflector = build_reflector(target, memory.journal) if looks_first(target, choices) else None
    loop = Orchestrator(
        planner,
        Executor(bench),
        reflector,
        memory,
        open_run=lambda: open_run(memory.journal, target.repo, bench.copies, choices.resume),
        listener=listener,
        hold=hold,
    )
    loop.land = target.settings.run.land if target.settings.run.land != "branch" else ""
    return loop, bench


def build_bench(
    target: Target,
    journal: Journal,
    budget: Budget,
    listener: Listener,
    approve: Callable[[Task, str], Objection | None],
) -> Bench:
    """Return what the steps work with."""
    from functools import cache

    from selfimprove.executor.bench import Bench, Bounds, Proof
    from selfimprove.memory.testreports import TestReports
    from selfimprove.tools.shell.masking import secret_values
    from selfimprove.tools.shell.sandbox import find_sandbox

    settings, environ = target.settings, target.loaded.environ
    auditor = build_auditor(target)
    box = settings.sandbox

    return Bench(
        repo=target.repo,
        journal=journal,
        llm=build_llm(target, budget, listener),
        sandbox=cache(lambda: find_sandbox(box.driver, target.environ, box.image)),
        measure=lambda root, path: auditor.values(path, root=root),
        facts=lambda root, path: auditor.facts(path, root=root),
        review=_terms(settings.review),
        per_task=settings.run.branch == "task",
        rewrites=settings.run.rewrite,
        testing=_testing(settings.tests),
        portray=portrayer(target),
        approve=approve,
        listener=listener,
        copies=copies_folder(target),
        logs=target.logs,
        limits=Bounds(
            settings.command.timeout,
            settings.check.timeout,
            settings.check.max_retries,
            box.memory_mb,
            box.processes,
            box.tmp_mb,
            box.network,
            settings.check.reruns,
        ),
        reports=TestReports(target.state / "tests"),
        proof=Proof(settings.check.test_command, settings.check.lint_command, settings.check.allow),
        environ=target.environ,
        sight=cache(lambda: build_sight(target, listener)),
        secrets=tuple(secret_values(environ)),
        reviewer=build_reviewer(target, budget, listener),
        recorder=build_recorder(target),
    )


def _terms(review: ReviewSettings) -> ReviewTerms:
    """Return when a change is reviewed, and what passes."""
    from selfimprove.model.review import ReviewTerms

    enabled = review.model is not None if review.enabled is None else review.enabled
    return ReviewTerms(enabled, review.threshold, review.lowest)


def _testing(tests: TestsSettings) -> TestTerms:
    """Return when tests are written, and what they must stand."""
    from selfimprove.model.testgroup import TestTerms

    return TestTerms(tests.write, tests.groups, tests.folder, tests.runs, tests.mutations)


def build_sight(target: Target, listener: Listener = ignore, scratch: Path | None = None) -> Sight:
    """Return what prompts are made with. The index is brought up to date when it is first asked for.

    With ``scratch``, a folder, the index is a copy in there, and nothing is written in the repository.
    """
    from functools import cache

    from selfimprove.codebase.tokens import counter_for, window_of
    from selfimprove.executor.patching.instructions import style_for
    from selfimprove.executor.sight import Sight
    from selfimprove.tools.llm.keys import choose_model
    from selfimprove.tools.shell.masking import secret_values

    llm, environ = target.settings.llm, target.loaded.environ
    model = "" if llm.backend == "scripted" else choose_model(llm.model, environ, llm.base_url) or "unknown"
    tokens = llm.context_tokens
    if model and (window := window_of(model)):
        # Where a model counts question and reply together the reply needs its room too.
        tokens = min(tokens, max(window - llm.max_tokens, window // 2))
    return Sight(
        tokens,
        counter_for(model),
        cache(lambda: _index(target, listener, scratch)),
        tuple(secret_values(environ)),
        lambda line: listener(Notice(line, "warning")),
        style_for(model, llm.edit_style),
    )


def _index(target: Target, listener: Listener, scratch: Path | None) -> Index | None:
    """Return the index, brought up to date; None, with a word on why, where there can be none."""
    import sqlite3
    from shutil import copy2

    from selfimprove.codebase.search import missing_parts
    from selfimprove.errors import SelfimproveError
    from selfimprove.wiring_index import build_index

    if missing := missing_parts():
        listener(Notice(f"the code is searched without an index: {', '.join(missing)} not installed"))
        return None

    def tell(done: int, total: int, phase: str) -> None:
        if total >= _MANY and done * 4 // total > told[0]:
            told[0] = done * 4 // total
            listener(Notice(f"index: {phase} {done:,} of {total:,} files"))

    told = [-1]
    try:
        if scratch:
            for name in ("index.db", "index.seal"):
                if (target.state / name).is_file():
                    copy2(target.state / name, scratch / name)  # with its time: the seal tells it
        index = build_index(
            *(target, lambda line: listener(Notice(line))),
            to_read=bool(scratch),
            begin=not scratch,
            state=scratch,
        )
        for note in index.update(tell).notes:
            listener(Notice(note))
    except (SelfimproveError, ImportError, OSError, sqlite3.Error, ValueError, LookupError) as error:
        listener(Notice(f"the code is searched without an index: {error}", "warning"))
        return None
    return index


def end_processes(loop: Orchestrator) -> None:
    """Kill what a run has started and what is still there, for a person who does not want to wait."""
    from selfimprove.executor.bench import run_token
    from selfimprove.tools.shell.process import kill_marked

    if loop.summary is not None:
        kill_marked(run_token(loop.summary.run))
