"""Executor: does one task, by its command or by the list of steps, and says how it ended."""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import (
    GitError,
    Interrupted,
    LimitReached,
    MissingTool,
    NeedsKey,
    SelfimproveError,
    StateError,
)
from selfimprove.executor.bench import marked
from selfimprove.executor.branches import start_of
from selfimprove.executor.command import outcome_of, run_command
from selfimprove.executor.experience import learn
from selfimprove.executor.size import small, storable
from selfimprove.executor.steps import LAST, REPAIR, STEPS, Job
from selfimprove.memory.journal import StepKey
from selfimprove.model.events import StepEnded, StepStarted
from selfimprove.model.outcome import Outcome
from selfimprove.model.task import Status, slug
from selfimprove.model.work import Work
from selfimprove.tools.git.commits import ours
from selfimprove.tools.git.worktree import remove_copy

# The person or the machine is the reason, not the task: it is given back and can be done later.
GIVES_BACK = (Interrupted, LimitReached, MissingTool, NeedsKey, StateError)

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.executor.steps import Step
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task


class Executor:
    """Does tasks on one bench. A step that has a result in the journal is not done again."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def execute(self, task: Task, run: Run) -> Outcome:
        """Do ``task`` and return its outcome.

        What the person or the system stops (Interrupted, LimitReached, NeedsKey) is raised, so that the task
        can be given back; everything else becomes an outcome.
        """
        started = time.time()
        self._bench = marked(self._bench, run)
        turn = self._bench.journal.turn(run.id, task.id)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.localtime(started))
        job = Job(task, run, turn, self._bench.logs / f"task-{slug(task.id, limit=100)}-{stamp}.log")
        return self._by_steps(job) if task.command is None else self._by_command(job, task.command)

    def _by_command(self, job: Job, command: str) -> Outcome:
        journal, listener = self._bench.journal, self._bench.listener
        key = StepKey(job.run.id, job.task.id, job.turn, 1, "command")
        known = journal.result(key)
        if not known:
            journal.start(key)
            listener(StepStarted(job.task.id, "command"))
        outcome = outcome_of(known.result) if known else run_command(job.task, command, self._bench, job.log)
        check = outcome.checks[0]
        if not known:
            journal.finish(key, outcome.status, storable(check.summary), outcome.to_dict())
        listener(
            StepEnded(
                job.task.id, "command", check.ok, check.summary, check.seconds, reused=known is not None
            )
        )
        return outcome

    def _by_steps(self, job: Job) -> Outcome:
        started, work = time.monotonic(), self._fresh(job)
        self._forget_if_moved(job)
        try:
            work = self._through_the_list(work, job)
        finally:
            # What the journal knows is enough to go on; the folder is not.
            remove_copy(self._bench.repo, Path(work.copy))
        return self._outcome(learn(job, work, self._bench), job, time.monotonic() - started)

    def _forget_if_moved(self, job: Job) -> None:
        """Let a task that was cut off begin anew when others' commits have moved what it started from."""
        bench, key = self._bench, StepKey(job.run.id, job.task.id, job.turn, 1, STEPS[0][0])
        begun = bench.journal.result(key)
        base = Work.from_dict(begun.result).base if begun else ""
        with suppress(GitError):  # the step says so, and better
            now = start_of(job.task, job.run, bench) if base else ""
            if base != now and not ours(bench.repo, f"{base}..{now}", job.run.id, job.task.id):
                bench.journal.forget(key)

    def _through_the_list(self, work: Work, job: Job) -> Work:
        """Do the steps in order; the only way back is from a failure to the edit that mends it."""
        at = 0
        while at <= LAST:
            work = self._step(at, work, job)
            if at == LAST:
                break
            if work.failure and not work.stop:
                work = self._again(work, job.task)
                at = REPAIR - 1 if not work.stop else at
            at = LAST if work.stop else at + 1
        return work

    def _fresh(self, job: Job) -> Work:
        """Return the work as it begins; where from is for the first step to find."""
        copy = self._bench.copies / f"run-{job.run.id}-{slug(job.task.id, limit=40)}-{_short(job.task.id)}"
        return Work(job.run.id, job.task.id, "", str(copy), started_at=time.time())

    def _step(self, at: int, work: Work, job: Job) -> Work:
        """Do one step, or take its result from the journal where an earlier process stored it."""
        name, step = STEPS[at]
        journal, listener = self._bench.journal, self._bench.listener
        key = StepKey(job.run.id, job.task.id, job.turn, work.attempt, name)
        if known := journal.result(key):
            work = Work.from_dict(known.result)
            listener(
                StepEnded(
                    job.task.id, name, not work.failure and not work.stop, work.summary, 0.0, reused=True
                )
            )
            return work
        journal.start(key)
        listener(StepStarted(job.task.id, name))
        started, paid = time.monotonic(), work.dollars
        work = small(self._tried(step, work.but(summary=""), job))
        ok = not work.failure and not work.stop if at < LAST else True
        journal.finish(key, Status.DONE if ok else Status.FAILED, storable(work.summary), work.to_dict())
        label = "repair" if name == "edit" and work.attempt > 1 else name
        if at < LAST:
            seconds = time.monotonic() - started
            listener(StepEnded(job.task.id, label, ok, work.summary, seconds, work.dollars - paid))
        return work

    def _tried(self, step: Step, work: Work, job: Job) -> Work:
        """Do a step; what goes wrong in it stops the task, unless the person or the machine is the reason."""
        try:
            return step(work, job, self._bench)
        except GIVES_BACK:
            raise
        except SelfimproveError as error:
            first = work.failure.split("\n")[0].rstrip(".")
            stop = f"{first}; it was not mended: {error.message}" if first else error.message
            return work.but(stop=stop, code=error.code, summary=error.message)

    def _again(self, work: Work, task: Task) -> Work:
        """Return the work ready for a repair, or stopped: it goes in a circle, or no tries or no time are left."""
        first = work.failure.split("\n")[0]
        marks = [_short(_VARYING.sub("", work.cause or work.failure))]
        # A reply that was refused has changed nothing, so that only a tree which was checked can come again.
        if work.code == "check_failed":
            marks.append(f"tree {work.tree[:12]}")
        limit = self._bench.limits.max_retries if task.max_retries is None else task.max_retries
        if (
            work.rewrite
        ):  # another choice of the same kind may well fail in the same words; the edit ends that
            return work.but(attempt=work.attempt + 1, cause="")
        if marks[-1] in work.failures and len(marks) > 1:
            return work.but(stop=f"the same patch twice: {first}", code=work.code)
        if marks[0] in work.failures:
            return work.but(stop=f"the same failure twice: {first}", code=work.code or "same_failure")
        if work.attempt - len(work.tried) > limit:
            tries = f"{work.attempt} attempt{'s' * (work.attempt != 1)}"
            return work.but(stop=f"not mended after {tries}: {first}", code=work.code or "retries")
        if task.timeout and time.time() - work.started_at > task.timeout:
            return work.but(stop=f"not mended in {task.timeout:g} s: {first}", code=work.code or "timed_out")
        return work.but(attempt=work.attempt + 1, failures=(*work.failures, *marks), cause="")

    def _outcome(self, work: Work, job: Job, seconds: float) -> Outcome:
        task = job.task
        return Outcome(
            task.id,
            Status.DONE if work.commit else Status.FAILED,
            "" if work.commit else work.stop,
            title=work.subject or task.title,
            commit=work.commit,
            checks=work.checks,
            objections=work.objections,
            metrics=work.metrics,
            attempts=work.attempt,
            seconds=seconds,
            cost=task.cost,
            dollars=work.dollars,
            tokens=work.tokens,
            log=str(job.log) if job.log.exists() else None,
            patch=work.patch,
            code=work.code,
            review=work.review,
            branch=(work.branch or job.run.branch) if work.commit else "",
            rewrite=work.rewrite,
            groups=work.groups,
            lessons=work.lessons,
        )


_VARYING = re.compile(r"\d+(\.\d+)? ?(s|ms|seconds)\b|0x[0-9a-f]+|/tmp/\S+")
"""What differs between two runs that fail in the same way."""


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
