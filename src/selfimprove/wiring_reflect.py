"""Wiring of ideas: what `suggest` and the goals of an idle run are asked with, as stages of a run or by themselves."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from selfimprove import wiring
from selfimprove.errors import ConfigError, GitError, SelfimproveError
from selfimprove.model.events import Listener, ignore
from selfimprove.model.stage import Stage, Staged, Stages
from selfimprove.wiring_audit import build_auditor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from selfimprove.asking import Asker
    from selfimprove.executor.bench import Bench
    from selfimprove.executor.sight import Sight
    from selfimprove.model.outcome import Objection
    from selfimprove.model.run import Run
    from selfimprove.model.suggested import Asked, Suggested
    from selfimprove.model.task import Task
    from selfimprove.orchestrator import Orchestrator
    from selfimprove.reflector.briefing import Facts
    from selfimprove.reflector.ground import Ground
    from selfimprove.reflector.suggest import Wish
    from selfimprove.target import Choices, Target

_REMARK = """\
# What new goals are about, in your own words: it is told to the model as it stands, without lines like this one.
# It counts when generate.when_idle is on and a run has nothing left to do.
"""
LONGEST_MASTER = 40_000
"""Bytes of the master prompt that are read."""


def suggest_stage(target: Target, bench: Bench) -> Stage:
    """Return the stage of a run that asks for improvements; they become tasks of the run."""

    def do(run: Run, tasks: Sequence[Task]) -> Staged:
        from selfimprove.reflector.suggest import suggest

        _refuse_without_model(target, bench)
        ground = _ground(target, bench.sight(), run.base)
        return _staged(suggest(_asker(bench, run), ground, facts_of(target), tasks, wish_of(target)))

    return Stage("suggest", do)


def generate_stage(target: Target, bench: Bench) -> Stage:
    """Return the stage of a run that sets new goals when no task is left."""

    def do(run: Run, tasks: Sequence[Task]) -> Staged:
        from selfimprove.reflector.goals import Bounds, goals

        _refuse_without_model(target, bench)
        settings, ground = target.settings.generate, _ground(target, bench.sight(), run.base)
        bounds = Bounds(settings.per_run, settings.commits)
        master = read_master_prompt(target)
        return _staged(goals(_asker(bench, run), ground, facts_of(target), tasks, master, bounds))

    return Stage("generate", do)


def build_suggesting(
    target: Target,
    listener: Listener = ignore,
    hold: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Orchestrator:
    """Return a run of this one stage, which writes what is new to tasks.yml. Raises what keeps it from asking."""
    from selfimprove.target import Choices

    if problem := wiring.model_problem(target):
        raise problem
    wiring.build_backend(target)  # a broken file of replies is told before a run is opened
    _base(target)
    loop, bench = wiring.build_loop(target, Choices(audit=False), listener, hold=hold)
    loop.stages, loop.works = Stages(before=(suggest_stage(target, bench),)), False
    return loop


def build_run(
    target: Target,
    choices: Choices,
    listener: Listener = ignore,
    approve: Callable[[Task, str], Objection | None] = lambda _task, _diff: None,
    hold: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Orchestrator:
    """Return the loop of a run, which sets itself goals when no task is left, where the settings say so.

    What a person named is all that is done: then it sets none.
    """
    loop, bench = wiring.build_loop(target, choices, listener, approve, hold)
    if not choices.only:
        loop.stages = Stages(idle=idle_stages(target, bench))
    return loop


def idle_stages(target: Target, bench: Bench) -> tuple[Stage, ...]:
    """Return what a run does when no task is left: it sets new goals where the settings say so."""
    return (generate_stage(target, bench),) if target.settings.generate.when_idle else ()


def preview(target: Target, listener: Listener = ignore) -> list[tuple[Asked, str]]:
    """Return what `suggest` would ask, each with its text: the same way up to the first call. Writes nothing."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from selfimprove.reflector.suggest import preview as questions

    with TemporaryDirectory(prefix="selfimprove-") as scratch:
        ground = _ground(target, wiring.build_sight(target, listener, Path(scratch)), _base(target))
        return questions(ground, facts_of(target), wiring.load_tasks(target), wish_of(target))


def wish_of(target: Target) -> Wish:
    """Return what the settings ask for."""
    from selfimprove.reflector.suggest import Wish

    settings = target.settings.suggest
    return Wish(settings.categories, settings.per_category, settings.max)


def facts_of(target: Target) -> Facts:
    """Return what is measured of the working tree, as far as it can be, and the command that runs the tests."""
    from selfimprove.executor.commands import Finds, find_suite
    from selfimprove.reflector.briefing import Facts
    from selfimprove.tools.shell.toolchain import find_program, find_python

    repo, command = target.repo, target.settings.check.test_command
    try:
        audit = build_auditor(target).survey()
    except (SelfimproveError, OSError):
        audit = None
    if not command:
        finds = Finds(
            lambda module: "python" if find_python(module, repo.root, target.environ) else None,
            lambda name: name if find_program(name, repo.root, target.environ) else None,
        )
        suite = find_suite(repo.root, repo.files(), (), finds)
        command = suite.command if suite else ""
    return Facts(audit, command or "")


def read_master_prompt(target: Target) -> str:
    """Return what the person wrote down about goals, ``""`` when that is nothing.

    Lines that begin with # are remarks. Raises ConfigError for a file outside of the working tree, and for one that
    cannot be read.
    """
    from selfimprove.readfile import read_file

    name = target.settings.generate.master_prompt
    path = _inside(target, name)
    try:
        text = read_file(path, name, ConfigError, limit=LONGEST_MASTER).decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()


def master_prompt_file(target: Target) -> dict[str, bytes]:
    """Return the file of the master prompt as it is begun with: by its path from the root. Raises ConfigError."""
    from selfimprove.reflector.goals import MASTER_PROMPT

    name = target.settings.generate.master_prompt
    _inside(target, name)
    return {name: f"{_REMARK}{MASTER_PROMPT}".encode()}


def _inside(target: Target, name: str) -> Path:
    """Return the file ``name`` of the repository, whose settings may be a stranger's."""
    root, path = target.repo.root.resolve(), target.repo.root / name
    real = path.resolve()
    if real.is_relative_to(root) and ".git" not in real.relative_to(root).parts:
        return path
    raise ConfigError(
        f"generate.master_prompt names a file outside of the working tree: {name}",
        where=str(target.loaded.origins.get("generate.master_prompt", "")),
        hint="put it into the repository: .selfimprove/master_prompt.txt",
    )


def _refuse_without_model(target: Target, bench: Bench) -> None:
    """Raise what is missing before a model can be asked, before anything is looked for."""
    if bench.llm is None and (problem := wiring.model_problem(target)):
        raise problem


def _base(target: Target) -> str:
    """Return the commit that ideas are held against."""
    if head := target.repo.head():
        return head
    raise GitError(
        "there is no commit yet, and ideas are about what is committed",
        where=str(target.repo.root),
        hint="git add -A && git commit",
    )


def _ground(target: Target, sight: Sight, base: str) -> Ground:
    from selfimprove.reflector.ground import Ground

    repo, commit = target.repo, base or _base(target)
    known = frozenset(repo.tree_names(commit))
    return Ground(
        repo,
        commit,
        sight.files(lambda path: repo.blob(commit, path) if path in known else None),
        sight.tokens,
        sight.counter,
        sight.index,
        (target.settings.tasks_file,),
        sight.tell,
    )


def _asker(bench: Bench, run: Run) -> Asker:
    from selfimprove.asking import Asker

    return Asker(bench.journal, bench.llm, run.id, "", 1, bench.secrets, bench.recorder)


def _staged(found: Suggested) -> Staged:
    ok = not found.problems
    return Staged(found.summary, found.to_dict(), found.findings, found.dollars, found.tokens, ok)
