"""Bench: what the steps work with. Built once by wiring.py, the same for every task of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.asking import Asker
from selfimprove.model.review import ReviewTerms
from selfimprove.model.testgroup import TestTerms
from selfimprove.tools.shell.limits import Limits
from selfimprove.tools.shell.process import MARKER, TAIL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from selfimprove.executor.experience import Experience
    from selfimprove.executor.refactor.wish import Wish
    from selfimprove.executor.sight import Sight
    from selfimprove.memory.journal import Journal
    from selfimprove.memory.testreports import TestReports
    from selfimprove.model.events import Listener
    from selfimprove.model.finding import Finding
    from selfimprove.model.outcome import Objection
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work
    from selfimprove.tools.git.repo import Repo
    from selfimprove.tools.llm.client import LLM
    from selfimprove.tools.llm.recording import Recorder
    from selfimprove.tools.shell.mounts import View
    from selfimprove.tools.shell.process import Completed
    from selfimprove.tools.shell.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds that a command task and a check may take, how many repairs a change may need, and what the
    sandbox allows: megabytes, processes, the network. ``reruns`` is how often a doubtful test is run again.
    """

    command_seconds: float | None = 3600
    check_seconds: float | None = 1800
    max_retries: int = 5
    memory_mb: int = 4096
    processes: int = 512
    tmp_mb: int = 1024
    network: bool = False
    reruns: int = 3


@dataclass(frozen=True, slots=True)
class Proof:
    """The commands that prove a change; ``None`` lets the repository itself tell which.

    ``allow`` holds the words of the vetoes that are waived for every task.
    """

    test_command: str | None = None
    lint_command: str | None = None
    allow: tuple[str, ...] = ()


class Maker(NamedTuple):
    """What makes a task's ``files`` (path -> content); ``by_model`` when a model's words are in them."""

    files: Mapping[str, bytes]
    by_model: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """The collaborators of the steps.

    ``copies`` is the folder for private copies, ``logs`` that for logs and kept patches. ``measure`` returns
    the values by fingerprint of a file in a copy.
    ``approve`` shows a person what would be committed and returns an objection or ``None``. ``sandbox`` is
    made when it is first needed, since finding it can fail and command tasks do without. ``environ`` is the
    person's environment, ``secrets`` the values in it that no log may hold. ``sight`` is what
    prompts are made with; like the sandbox it is made when it is first needed. ``reviewer`` is the model that
    reviews, ``None`` when that is ``llm`` too. ``recorder`` writes down every reply for a later replay.
    ``reports`` keeps what the tests of a tree showed. ``facts`` returns what ``measure`` does with names.
    ``review`` says when a change is reviewed and what passes;
    ``per_task`` that each task has a branch of its own. ``wishes`` are what tasks that a person asked for by hand
    want of a rewrite, by the task's id; of other tasks their finding tells it; where ``rewrites`` is false these are
    left to a model. ``makers`` are the tasks whose files the program makes itself, by the task's id.
    ``portray`` returns the documents of a private copy that its facts have changed.
    ``experience`` is what earlier tasks taught, ``None`` where nothing is told or learned.
    ``testing`` says when tests are written for a change.
    ``licence`` is the SPDX identifier that a person chose for a licence file which is missing.
    """

    repo: Repo
    journal: Journal
    llm: LLM | None
    sandbox: Callable[[], Sandbox]
    measure: Callable[[Path, str], dict[str, float | str]]
    approve: Callable[[Task, str], Objection | None]
    listener: Listener
    copies: Path
    logs: Path
    limits: Bounds
    proof: Proof
    environ: Mapping[str, str]
    sight: Callable[[], Sight]
    reports: TestReports
    secrets: tuple[str, ...] = ()
    reviewer: LLM | None = None
    recorder: Recorder | None = None
    facts: Callable[[Path, str], Sequence[Finding]] = lambda _root, _path: ()
    review: ReviewTerms = field(default_factory=ReviewTerms)
    per_task: bool = False
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    rewrites: bool = True
    makers: dict[str, Maker] = field(default_factory=dict)
    portray: Callable[[Path, Sequence[str]], Mapping[str, bytes]] = lambda _root, _names: {}
    experience: Experience | None = None
    testing: TestTerms = field(default_factory=TestTerms)
    licence: str = ""


def asker(bench: Bench, work: Work, turn: int, llm: LLM | None = None) -> Asker:
    """Return what asks for the task of ``work``: ``llm``, or else the bench's own model."""
    return Asker(bench.journal, llm or bench.llm, work.run, work.task_id, turn, bench.secrets, bench.recorder)


def run_shut_in(
    bench: Bench,
    command: str | Sequence[str],
    view: View,
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    header: str = "",
    cwd: str = ".",
    tail: int = TAIL,
) -> Completed:
    """Run ``command`` on a private copy in the sandbox, in the folder ``cwd`` of it, within the limits of the bench.

    ``tail`` is how many characters of what it says are handed back.
    """
    bounds = bench.limits
    env = {MARKER: bench.environ[MARKER], **(env or {})} if MARKER in bench.environ else env
    limits = Limits(bounds.check_seconds, bounds.memory_mb, bounds.processes, bounds.tmp_mb)
    return bench.sandbox().run(
        command,
        view,
        cwd=cwd,
        tail=tail,
        env=env,
        limits=limits,
        network=bounds.network,
        log=log,
        header=header,
        secrets=bench.secrets,
    )


def marked(bench: Bench, run: Run) -> Bench:
    """Return the bench whose processes carry the marker of ``run``."""
    mark = {MARKER: run_token(run)}
    # git too: one that outlives a killed run would go on writing where the next run works.
    repo = bench.repo._replace(environ={**bench.repo.environ, **mark})
    return replace(bench, repo=repo, environ={**bench.environ, **mark})


def run_token(run: Run) -> str:
    """Return the marker that the processes of a run carry, by which a later run finds leftovers."""
    return f"{run.id}.{run.started_at:.6f}"
