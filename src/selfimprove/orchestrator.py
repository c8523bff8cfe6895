"""Orchestrator: while the planner has a next task, mark it, execute it, record the outcome; look before and after."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from selfimprove.errors import (
    EditKept,
    LimitReached,
    MissingTool,
    NeedsKey,
    NeedsModel,
    SelfimproveError,
    StateError,
    TaskFileError,
)
from selfimprove.memory.recovery import recover
from selfimprove.model.events import Listener, Notice, RunStarted, TaskEnded, TaskStarted, ignore
from selfimprove.model.plan import WaitCode, Waiting
from selfimprove.model.stage import Stage, Staged, Stages
from selfimprove.model.task import Status
from selfimprove.planner.rules import PlanError
from selfimprove.reflector.backlog import logged
from selfimprove.staging import Ended, do_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from selfimprove.executor.executor import Executor
    from selfimprove.executor.recovery import Opened
    from selfimprove.memory.memory import Memory
    from selfimprove.model.audit import Audit
    from selfimprove.model.outcome import Outcome
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task
    from selfimprove.planner.planner import Planner, Schedule
    from selfimprove.reflector.reflector import Reflector

_TRIES, _BETWEEN = 20, 0.25


@dataclass(slots=True)
class Summary:
    """What a run did. ``before`` and ``after`` are what was measured; ``held`` is why tasks were given back.

    ``unmade`` are the tasks that could not be done without a model, and why.
    ``added`` counts the tasks of the first look; ``updated`` and ``closed`` name those of both looks.
    ``stages`` is how those of the run ended that were done besides its tasks.
    ``landed`` says where the commits went in the end, ``landing_problem`` why they did not.
    """

    run: Run
    outcomes: list[Outcome] = field(default_factory=list)
    waiting: tuple[Waiting, ...] = ()
    added: int = 0
    reopened: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    before: Audit | None = None
    after: Audit | None = None
    held: SelfimproveError | None = None
    unmade: dict[str, NeedsModel] = field(default_factory=dict)
    returned: int = 0
    stages: list[Ended] = field(default_factory=list)
    landed: str = ""
    landing_problem: SelfimproveError | None = None
    seconds: float = 0.0


class Orchestrator:
    """The loop. Without a ``reflector`` nothing is measured. ``open_run`` gives the run to do.

    ``hold`` keeps an interruption waiting while tasks.yml and the journal are being brought in line. ``land`` is
    the word for what is to become of the commits afterwards, for the journal; ``left`` tells what becomes of a task
    that cannot be done without a model; ``stages`` are what the run does besides its tasks, ``works`` is false
    for a run of stages alone.
    """

    def __init__(
        self,
        planner: Planner,
        executor: Executor,
        reflector: Reflector | None,
        memory: Memory,
        open_run: Callable[[], Opened],
        listener: Listener = ignore,
        hold: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._planner = planner
        self.executor = executor
        self._reflector = reflector
        self._memory = memory
        self._open_run = open_run
        self._listener = listener
        self._hold = hold
        self._tasks: list[Task] = []
        self._places: dict[str, int] = {}
        self._path = "tasks.yml"
        self._edited = False
        self._planned = 0
        self.budget = planner.budget
        self.land = ""
        self.left = "waits for a model"
        self.stages = Stages()
        self.works = True
        self.summary: Summary | None = None

    def run(self, tasks_file: str = "tasks.yml") -> Summary:
        """Do what the planner says until it has nothing more, and return what happened.

        Raises what stops the whole run: a broken tasks.yml, an interruption. The run is closed either way.
        """
        self._path, started = tasks_file, time.monotonic()
        self._take(self._memory.load_tasks(tasks_file))
        opened = self._open_run()
        summary = self.summary = Summary(opened.run)
        self._edited = False
        try:
            self._recover(opened)
            summary.before, summary.added = self._audit_and_extend(summary, before=True)
            self._charge_again(opened)
            self._play(self.stages.before, summary)
            if self.works:
                schedule = self._schedule(opened)
                self._work(schedule, summary)
                summary.waiting = schedule.waiting()
                summary.after, _ = self._audit_and_extend(summary)
            self._play(self.stages.after, summary)
        except BaseException as error:
            summary.seconds = time.monotonic() - started
            self._close(summary, error)
            raise
        summary.seconds = time.monotonic() - started
        self._close(summary, None)
        return summary

    def _recover(self, opened: Opened) -> None:
        """Bring tasks.yml in line with what the journal knows of runs that did not end well."""
        for notice in opened.notices:
            self._listener(Notice(notice))
        for run in opened.died:
            self._memory.save_run(self._memory.journal.run(run.id) or run)
        self._memory.complete_records()
        found = recover(self._tasks, self._memory.journal, self._memory.claims)
        with self._hold():
            self._take(found.tasks)
            self._save_tasks()
            dead, shown = found.over(self._tasks)
            self._memory.claims.drop(dead)
            self._memory.journal.mark_written(shown)
        for name in found.returned:
            self._listener(Notice(f"{name} was in progress and is pending again"))
        for name in found.finished:
            self._listener(Notice(f"{name} had ended; tasks.yml shows it now"))

    def _charge_again(self, opened: Opened) -> None:
        """Let what an earlier process of this run has spent count."""
        if opened.resumed:
            ended = self._memory.journal.outcomes(run=opened.run.id)
            dollars, tokens = self._memory.journal.spent(opened.run.id)
            units = sum(row["cost"] for row in ended)
            calls = self._memory.journal.calls(opened.run.id)
            self._planner.budget.charge(units=units, dollars=dollars, tokens=tokens, calls=calls)

    def _schedule(self, opened: Opened) -> Schedule:
        """Return what the run follows, once it is told."""
        others = self._memory.claims.held_by_others()
        plan = self._planner.plan(self._tasks, claimed=others).next
        own = sum(bool(each.command) for each in plan)
        self._listener(RunStarted(opened.run.id, opened.run.branch, len(plan), opened.resumed, own))
        self._planned = len(plan)
        return self._planner.schedule(self._tasks, claimed=others)

    def _play(self, stages: Sequence[Stage], summary: Summary) -> int:
        """Do the stages, and let what they found become tasks; return how many."""
        added = 0
        for stage in stages:
            ended = do_stage(stage, summary.run, self._tasks, self._memory.journal, self._listener)
            summary.stages.append(ended)
            if ended.staged.findings:
                added += self._log(stage.name, ended, summary)
        return added

    def _log(self, of: str, found: Ended, summary: Summary) -> int:
        """Let findings become tasks, as a step of its own."""
        new: tuple[Task, ...] = ()

        def log(_run: Run, _tasks: Sequence[Task]) -> Staged:
            nonlocal new
            self._take(self._memory.load_tasks(self._path))  # another run may have found the same
            new = logged(self._tasks, found.staged.findings)
            with self._hold():
                self._take([*self._tasks, *new])
                self._save_tasks()
            plural = "" if len(new) == 1 else "s"
            return Staged(f"{len(new)} task{plural} in {self._path}", {"tasks": [task.id for task in new]})

        name = "log" if of == "suggest" else f"log {of}"
        stage = Stage(name, log, again=not found.reused)
        ended = do_stage(stage, summary.run, self._tasks, self._memory.journal, self._listener)
        summary.stages.append(ended)
        summary.added += len(new)
        return len(new)

    def _grew(self, schedule: Schedule, summary: Summary) -> bool:
        """True when nothing was left to do, and the stages for that moment found something."""
        full = {WaitCode.BUDGET, WaitCode.MAX_TASKS}
        if any(one.code in full for one in schedule.waiting()) or summary.held:
            return False
        stages, self.stages = self.stages.idle, self.stages._replace(idle=())  # once in a run
        if not self._play(stages, summary):
            return False
        self._take_up(schedule)
        return True

    def _work(self, schedule: Schedule, summary: Summary) -> None:
        self._planner.budget.begin()
        began = time.monotonic()
        while (task := schedule.pop()) or (self.stages.idle and self._grew(schedule, summary)):
            if task is None:
                continue
            index = len(summary.outcomes) + 1
            status = self._do(task, index, summary)
            why = summary.unmade.get(task.id)
            schedule.finish(task.id, status, needs_model=why.message if why else "")
            self._planner.budget.seconds_spent = time.monotonic() - began
            if warning := self._planner.budget.warning_due():
                self._listener(Notice(warning, "warning"))
            if self._edited:
                self._take_up(schedule)

    def _take_up(self, schedule: Schedule) -> None:
        """Let the rest of the run follow a person's edit, unless it does not go together."""
        self._edited = False
        try:
            schedule.update(self._tasks, claimed=self._memory.claims.held_by_others())
        except PlanError as error:
            self._listener(Notice(f"{self._path} was edited and is not followed: {error.message}", "warning"))

    def _do(self, task: Task, index: int, summary: Summary) -> Status:
        """Take one task from pending to its end, and return the status that it now has."""
        if self._memory.claims.take(task.id, summary.run.id) is None:
            self._listener(Notice(f"{task.id} was taken by another run"))
            return Status.PENDING
        outcome: Outcome | None = None
        try:
            now = self._set_status(task.id, Status.IN_PROGRESS)
            if now is None or now.status is not Status.IN_PROGRESS:
                # A person, or another run, decided a moment ago that it is not to be done.
                return now.status if now else Status.SKIPPED
            self._listener(TaskStarted(now, index, max(index, self._planned)))
            outcome = self.executor.execute(now, summary.run)
        except NeedsModel as error:
            summary.unmade[task.id] = error
            self._listener(Notice(f"{task.id} {self.left}: {error.message}"))
            return Status.PENDING
        except (LimitReached, MissingTool, NeedsKey) as error:
            summary.held = summary.held or error
            self._listener(Notice(f"{task.id} is pending again: {error.message}", "warning"))
            return Status.PENDING
        finally:
            with self._hold():
                self._settle(task.id, outcome, summary)
        self._listener(TaskEnded(now, outcome))
        return outcome.status

    def _settle(self, task_id: str, outcome: Outcome | None, summary: Summary) -> None:
        """Write a task's end: first the journal, which a killed run is recovered from, then tasks.yml."""
        if outcome is None:
            self._give_back(task_id, summary)
            return
        summary.outcomes.append(outcome)
        self._memory.journal.record(summary.run.id, outcome)
        now = self._set_status(task_id, outcome.status)
        if now and now.status is Status.PENDING:
            # An editor that was opened before the task began has put back what it knew.
            self._set_status(task_id, outcome.status)
        self._memory.journal.mark_written([task_id])

    def _give_back(self, task_id: str, summary: Summary) -> None:
        """Let a task that was not brought to an end be pending, unless somebody else changed it."""
        task = self._task(task_id)
        if task and task.status is Status.IN_PROGRESS:
            summary.returned += 1
            self._set_status(task_id, Status.PENDING)
        self._memory.claims.release(task_id)

    def _task(self, task_id: str) -> Task | None:
        place = self._places.get(task_id)
        return None if place is None else self._tasks[place]

    def _set_status(self, task_id: str, status: Status) -> Task | None:
        """Save a task's status; return the task as it then stands, ``None`` when a person removed it."""
        if task := self._task(task_id):
            self._tasks[self._places[task_id]] = replace(task, status=status)
        self._save_tasks()
        return self._task(task_id)

    def _save_tasks(self) -> None:
        """Save, and take up what a person changed; a file that they are just writing is given a few seconds."""
        for left in reversed(range(_TRIES)):
            try:
                merged = self._memory.save_tasks(self._tasks, self._path)
                break
            except EditKept as error:
                self._listener(Notice(f"{error.message}; {error.hint}", "warning"))
            except TaskFileError:
                if not left:
                    raise
                time.sleep(_BETWEEN)
        if merged != self._tasks:
            # Sticky until the schedule has taken it up: one task's end is several saves.
            self._edited = True
            self._take(merged)
        else:
            self._tasks = merged

    def _take(self, tasks: Sequence[Task]) -> None:
        self._tasks = list(tasks)
        self._places = {task.id: place for place, task in enumerate(self._tasks)}

    def _audit_and_extend(self, summary: Summary, *, before: bool = False) -> tuple[Audit | None, int]:
        """Let the reflector look, and bring the tasks in line with what it found; return how many are new."""
        if self._reflector is None:
            return None, 0
        look = self._reflector.look(self._tasks, None if before else summary.run)
        summary.updated += tuple(task.id for task in look.updated)
        summary.closed += tuple(task.id for task in look.closed)
        if not before:
            summary.reopened = tuple(task.id for task in look.reopened)
        for task in look.reopened:
            self._listener(Notice(f"{task.id} is pending again: its finding is back", "warning"))
        for task in look.closed:
            self._listener(Notice(f"{task.id} is done: its finding is gone"))
        for task in look.updated:
            self._listener(Notice(f"{task.id} is updated: {task.description}"))
        if look:
            self._take(look.apply(self._tasks))
            with self._hold():
                self._save_tasks()
        return look.audit, len(look.new)

    def _close(self, summary: Summary, error: BaseException | None) -> None:
        """End the run in the journal, and write its record beside the logs."""
        state = "finished" if error is None else "interrupted"
        code = exit_code(summary) if error is None else getattr(error, "exit_code", 3)
        ends = {
            status.value: sum(outcome.status is status for outcome in summary.outcomes) for status in Status
        }
        counts = {word: ends[word] for word in ("done", "failed", "skipped")}
        counts |= {"returned": summary.returned, "waiting": len(summary.waiting), "added": summary.added}
        # What is to happen with the commits is noted with the end itself, so that a kill between loses none.
        noted: dict[str, int | str] = {**counts, **({"land": self.land} if self.land else {})}
        journal = self._memory.journal
        # What stopped the run is the news; that the state cannot be written either comes after it.
        with self._hold(), suppress(StateError) if error else nullcontext():
            journal.end_run(summary.run.id, state, code, noted)
            summary.run = journal.run(summary.run.id) or summary.run
            self._memory.save_run(summary.run)


def exit_code(summary: Summary) -> int:
    """Return what a run's end means for the shell: 0, or the strongest of 1 (failed), 2, 5 (a limit), 4 (a key)."""
    waits = {waiting.code for waiting in summary.waiting}
    held = summary.held.exit_code if summary.held else 0
    stopped = {ended.error.exit_code for ended in summary.stages if ended.error}
    stopped |= {1 for ended in summary.stages if not ended.staged.ok}
    if any(outcome.status is Status.FAILED for outcome in summary.outcomes) or stopped - {4, 5}:
        return 1
    if held == MissingTool.exit_code:
        return held
    if LimitReached.exit_code in {held, *stopped} or waits & {WaitCode.BUDGET, WaitCode.MAX_TASKS}:
        return LimitReached.exit_code
    if NeedsKey.exit_code in {held, *stopped} or WaitCode.NEEDS_MODEL in waits:
        return NeedsKey.exit_code
    return 0
