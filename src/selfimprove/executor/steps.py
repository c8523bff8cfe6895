"""The list of steps that a prompt task goes through. Each takes the work and returns it further on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.executor import document as documenting
from selfimprove.executor import edit as editing
from selfimprove.executor import making, refactoring, risk, scaffolding
from selfimprove.executor import publish as publishing
from selfimprove.executor import review as reviewing
from selfimprove.executor import write_tests as testing
from selfimprove.executor.branches import branch_for, start_of
from selfimprove.executor.check import measure_base
from selfimprove.executor.experience import recall
from selfimprove.executor.sight import choose, reader
from selfimprove.tools.git.worktree import open_copy, remove_copy, reopen_copy

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work


@dataclass(frozen=True, slots=True)
class Job:
    """Which task is being done in which run, for the how-manieth time, and where its log is."""

    task: Task
    run: Run
    turn: int
    log: Path


def isolate(work: Work, job: Job, bench: Bench) -> Work:
    """Make the private copy at the base commit, once it is sure that what it will hold can be shut in."""
    work = work.but(base=start_of(job.task, job.run, bench), branch=branch_for(job.task, job.run, bench))
    if not work.base:
        return work.but(
            stop="the repository has no commit yet, so there is nothing to copy",
            code="no_commit",
            summary="no commit to start from",
        )
    bench.sandbox()
    open_copy(bench.repo, Path(work.copy), work.base)
    return work.but(tree=bench.repo.tree_of(work.base), summary=f"private copy of {work.base[:7]}")


def understand(work: Work, job: Job, bench: Bench) -> Work:
    """Choose the files to show, and measure what the task wants to change."""
    if making.applies(job.task, bench):
        return work.but(summary="made from facts, without a model")
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(work.tree)
    metrics = {}
    if scaffolding.applies(job.task):
        return work.but(summary="made from the repository's own facts")
    if finding := refactoring.finding_of(job.task, copy.path, bench):
        name = refactoring.MEASURED.get(finding.rule, finding.rule)
        metrics = {"name": name, "before": finding.value, "limit": finding.limit}
    if bench.llm is None and refactoring.applies(job.task, bench):
        expected = refactoring.expect(job.task, work, bench, job.log)
        return work.but(metrics=metrics, summary=expected)
    sight = bench.sight()
    context = choose(
        job.task, bench.repo.tree_names(work.base), sight.files(reader(copy.path)), sight, bench.repo
    )
    lessons, notes = recall(job.task, bench.experience, sight)
    whole = sum(not place.end for place in context)
    summary = f"{whole} file{'s' * (whole != 1)}"
    if more := len(context) - whole:
        summary += f", {more} place{'s' * (more != 1)} in the code"
    if lessons:
        summary += f", {len(lessons)} lesson{'s' * (len(lessons) != 1)}"
    return work.but(context=context, metrics=metrics, lessons=lessons, notes=notes, summary=summary)


def base(work: Work, job: Job, bench: Bench) -> Work:
    """Measure the tests before the first change, so that what fails already is known."""
    return measure_base(job.task, work, bench, job.log)


def edit(work: Work, job: Job, bench: Bench) -> Work:
    """Rewrite without a model where that can be done; else ask it and apply its reply.

    A task that asks for tests only has nothing to edit: they are written in the next step.
    """
    if testing.asks_for_tests_only(job.task, work.base, bench):
        return work.but(summary="nothing but tests to write")
    return editing.edit(job.task, work, bench, job.turn, job.log)


def write_tests(work: Work, job: Job, bench: Bench) -> Work:
    """Have tests written for the change, where they are wanted, and keep those that hold."""
    return testing.write_tests(job.task, work, bench, job.turn, job.log)


def document(work: Work, job: Job, bench: Bench) -> Work:
    """Let the documents follow the change."""
    return documenting.document(job.task, work, bench, job.turn)


def check(work: Work, job: Job, bench: Bench) -> Work:
    """Prove the change: hooks, lint, tests, metrics."""
    return testing.check(job.task, work, bench, job.turn, job.log)


def guard(work: Work, job: Job, bench: Bench) -> Work:
    """Look for objections that no test outweighs."""
    return risk.guard(job.task, work, bench)


def review(work: Work, job: Job, bench: Bench) -> Work:
    """Ask the person, then the reviewer, for an opinion on what would be committed."""
    return reviewing.review(job.task, work, bench, job.turn)


def publish(work: Work, job: Job, bench: Bench) -> Work:
    """Commit on the run's branch."""
    return publishing.publish(job.task, work, bench, job.run, job.log)


def record(work: Work, job: Job, bench: Bench) -> Work:
    """Keep the patch of a change that did not land, and remove the private copy."""
    patch = work.patch
    if work.tree and not work.commit and work.tree != bench.repo.tree_of(work.base):
        target = job.log.with_suffix(".patch")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bench.repo.diff(work.base, work.tree))
        patch = str(target)
    remove_copy(bench.repo, Path(work.copy))
    return work.but(patch=patch, summary="recorded")


Step = Callable[["Work", Job, "Bench"], "Work"]
STEPS: tuple[tuple[str, Step], ...] = (
    ("isolate", isolate),
    ("understand", understand),
    ("base", base),
    ("edit", edit),
    ("write_tests", write_tests),
    ("document", document),
    ("check", check),
    ("guard", guard),
    ("review", review),
    ("publish", publish),
    ("record", record),
)
REPAIR = next(index for index, (name, _) in enumerate(STEPS) if name == "edit")
LAST = len(STEPS) - 1
