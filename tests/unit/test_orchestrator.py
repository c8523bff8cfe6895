"""The loop itself: what a fault of ours, an interruption or an overtaken task leaves behind."""

from __future__ import annotations

import pytest
import yaml

from selfimprove.errors import (
    Interrupted,
    LimitReached,
    LLMError,
    MissingTool,
    NeedsKey,
    NeedsModel,
    StateError,
)
from selfimprove.executor.recovery import Opened
from selfimprove.memory.claims import Claims
from selfimprove.memory.database import open_database
from selfimprove.memory.journal import Journal
from selfimprove.memory.lessons import Lessons
from selfimprove.memory.memory import Memory
from selfimprove.memory.owner import current_owner
from selfimprove.model.budget import Budget
from selfimprove.model.finding import Finding, Idea, Severity
from selfimprove.model.outcome import Outcome
from selfimprove.model.plan import WaitCode, Waiting
from selfimprove.model.run import Run
from selfimprove.model.stage import Stage, Staged, Stages
from selfimprove.model.task import Status, Task
from selfimprove.orchestrator import Orchestrator, Summary, exit_code
from selfimprove.planner.planner import Planner


class Does:
    """An executor that does what a function says."""

    def __init__(self, act):
        self.act, self.seen = act, []

    def execute(self, task, run):
        self.seen.append(task.id)
        return self.act(task) or Outcome(task.id, Status.DONE, cost=task.cost)


class Rig:
    def __init__(self, root, act, names=("a", "b")):
        self.root, owner = root, current_owner()
        engine = open_database(root / "state/state.db")
        self.memory = Memory(
            root,
            root / "state",
            root / "logs",
            Journal(engine, owner),
            Claims(engine, owner),
            Lessons(engine),
        )
        self.memory.save_tasks([Task(name, name.upper(), command="true") for name in names], "todo.yml")
        self.events, self.executor = [], Does(act)
        self.loop = Orchestrator(
            Planner(Budget()), self.executor, None, self.memory,
            lambda: Opened(self.memory.journal.begin_run("", 0, "x"), False), self.events.append)  # fmt: skip

    def statuses(self):
        return [
            task.get("status", "pending")
            for task in yaml.safe_load((self.root / "todo.yml").read_text("utf-8"))
        ]

    def edit(self, old, new):
        path = self.root / "todo.yml"
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("a bug"), 3),
        (Interrupted(signum=15), 143),
        (StateError("full"), 2),
        (KeyboardInterrupt(), 3),
    ],
)
def test_what_stops_a_run_gives_the_task_back_and_closes_the_run(tmp_path, error, code):
    def act(task):
        raise error

    rig = Rig(tmp_path, act)
    with pytest.raises(type(error)):
        rig.loop.run("todo.yml")
    assert rig.statuses() == ["pending", "pending"] and rig.executor.seen == ["a"]
    run = rig.memory.journal.run(1)
    assert (run.state, run.exit_code, run.summary["returned"]) == ("interrupted", code, 1)
    assert rig.memory.load("logs/run-1.json")["run"]["exit_code"] == code
    assert rig.memory.claims.take("a", 2)


@pytest.mark.parametrize("error", [LimitReached("l"), MissingTool("m"), NeedsKey("k")])
def test_what_holds_one_task_lets_the_others_go_on(tmp_path, error):
    def act(task):
        if task.id == "a":
            raise error

    rig = Rig(tmp_path, act)
    summary = rig.loop.run("todo.yml")
    assert rig.statuses() == ["pending", "done"]
    assert summary.held is error and exit_code(summary) == error.exit_code
    assert [waiting.code for waiting in summary.waiting] == [WaitCode.RETURNED]


def test_what_only_a_model_can_do_waits_with_its_reason_and_has_not_failed(tmp_path):
    def act(task):
        if task.id == "a":
            raise NeedsModel("no test runs line 3")

    rig = Rig(tmp_path, act)
    summary = rig.loop.run("todo.yml")
    assert rig.statuses() == ["pending", "done"]
    assert (summary.held, exit_code(summary)) == (None, 4)
    assert [(one.code, one.reason) for one in summary.waiting] == [
        (WaitCode.NEEDS_MODEL, "needs a model: no test runs line 3")
    ]


@pytest.mark.parametrize("status", ["skipped", "done", "failed"])
def test_a_status_that_a_person_sets_while_the_task_runs_stays(tmp_path, status):
    rig = Rig(tmp_path, lambda task: rig.edit("in_progress", status) if task.id == "a" else None)
    rig.loop.run("todo.yml")
    assert rig.statuses() == [status, "done"]


def test_a_task_that_another_run_ended_a_moment_ago_is_not_done_again(tmp_path):
    rig = Rig(tmp_path, lambda task: None)
    take = rig.memory.claims.take

    def overtaken(task_id, run):
        if task_id == "b":
            rig.edit("title: B", "title: B\n  status: done")
        return take(task_id, run)

    rig.memory.claims.take = overtaken
    summary = rig.loop.run("todo.yml")
    assert rig.executor.seen == ["a"] and [outcome.task_id for outcome in summary.outcomes] == ["a"]
    assert rig.statuses() == ["done", "done"] and summary.returned == 0
    assert Claims(rig.memory.claims._engine, "elsewhere:b:1:2").held_by_others() == {}


def test_the_text_of_a_task_is_that_of_its_turn(tmp_path):
    ran = []
    rig = Rig(tmp_path, lambda task: ran.append(task.command))
    take = rig.memory.claims.take

    def edited(task_id, run):
        rig.edit("title: A\n  command: 'true'", "title: A\n  command: echo new")
        rig.edit("title: A\n  command: true", "title: A\n  command: echo new")
        rig.edit('title: A\n  command: "true"', "title: A\n  command: echo new")
        return take(task_id, run)

    rig.memory.claims.take = edited
    rig.loop.run("todo.yml")
    assert ran[0] == "echo new"


RUN = Run(1, "running", 0.0, "", "x", "me")


@pytest.mark.parametrize(
    ("failed", "held", "waits", "code"),
    [
        (False, None, [], 0),
        (False, None, [WaitCode.DEPENDENCY, WaitCode.NOT_SELECTED], 0),
        (False, None, [WaitCode.NEEDS_MODEL], 4),
        (False, None, [WaitCode.NEEDS_MODEL, WaitCode.BUDGET], 5),
        (False, None, [WaitCode.MAX_TASKS], 5),
        (False, NeedsKey(""), [], 4),
        (False, LimitReached(""), [WaitCode.NEEDS_MODEL], 5),
        (False, MissingTool(""), [WaitCode.BUDGET], 2),
        (True, LimitReached(""), [WaitCode.NEEDS_MODEL], 1),
    ],
)
def test_exit_codes(failed, held, waits, code):
    ends = [Outcome("a", Status.DONE), *([Outcome("b", Status.FAILED)] if failed else [])]
    waiting = tuple(Waiting(Task("w", "W"), code, "") for code in waits)
    assert exit_code(Summary(RUN, ends, waiting, held=held)) == code


IDEA = Finding(
    *("SI601", "m.py", 1, 1, "retry", Severity.NOTE, "", "", "It gives up at once.", "Try again."),
    idea=Idea("Try again", "features", "suggest", ("m.py",), ("m.py:3 raises",), ("a second try is made",)),
)


class Plays:
    """A stage that counts how often it is done, and does what it was given."""

    def __init__(self, does):
        self.does, self.count = does, 0

    def __call__(self, run, tasks):
        self.count += 1
        if isinstance(self.does, Exception):
            raise self.does
        return self.does


def beads(rig):
    return [(step.name, step.status.value) for step in rig.memory.journal.steps(run=1, task_id="")]


def test_what_a_stage_finds_becomes_a_task_of_the_same_run(tmp_path):
    rig = Rig(tmp_path, lambda task: None)
    after = Plays(Staged("all well", {"n": 1}))
    rig.loop.stages = Stages(
        (Stage("suggest", Plays(Staged("one", {}, (IDEA, IDEA)))),), (), (Stage("tests", after),)
    )
    summary = rig.loop.run("todo.yml")
    assert rig.executor.seen == ["features-try-again", "a", "b"] and summary.added == 1
    assert beads(rig) == [("suggest", "done"), ("log", "done"), ("tests", "done")]
    [row] = [row for row in yaml.safe_load((tmp_path / "todo.yml").read_text()) if row.get("source")]
    assert (row["category"], row["files"], row["fingerprint"]) == ("features", ["m.py"], IDEA.fingerprint)
    assert "m.py:3 raises" in row["prompt"] and "a second try is made" in row["prompt"]
    record = rig.memory.load("logs/run-1.json")
    assert [step["result"]["data"] for step in record["steps"] if step["name"] == "tests"] == [{"n": 1}]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LLMError("no JSON"), "failed", 1),
        (NeedsKey("no key"), "skipped", 4),
        (LimitReached("$"), "failed", 5),
    ],
)
def test_a_stage_that_fails_ends_itself_only(tmp_path, error, status, code):
    rig = Rig(tmp_path, lambda task: None)
    rig.loop.stages = Stages((Stage("suggest", Plays(error)),))
    summary = rig.loop.run("todo.yml")
    assert rig.executor.seen == ["a", "b"] and beads(rig) == [("suggest", status)]
    assert exit_code(summary) == code and summary.stages[0].error is error


def test_a_run_that_goes_on_does_a_stage_once_and_tries_a_failed_one_again(tmp_path):
    def act(task):
        raise Interrupted(signum=2)

    rig = Rig(tmp_path, act)
    done, failed = Plays(Staged("one", {}, (IDEA,))), Plays(LLMError("no"))
    stages = Stages((Stage("suggest", done), Stage("analyze", failed)))
    rig.loop.stages = stages
    with pytest.raises(Interrupted):
        rig.loop.run("todo.yml")
    rig.executor.act = lambda task: None
    journal = rig.memory.journal
    rig.loop._open_run = lambda: Opened(journal.take_over(journal.run(1)), True)
    rig.loop.stages, failed.does = stages, Staged("now")
    summary = rig.loop.run("todo.yml")
    assert (done.count, failed.count) == (1, 2) and exit_code(summary) == 0
    assert rig.executor.seen == ["features-try-again"] * 2 + ["a", "b"]
    assert beads(rig) == [("suggest", "done"), ("log", "done"), ("analyze", "done")]


def test_new_goals_come_once_when_nothing_is_left(tmp_path):
    rig = Rig(tmp_path, lambda task: None)
    idle = Plays(Staged("one", {}, (IDEA,)))
    rig.loop.stages = Stages(idle=(Stage("generate", idle),))
    rig.loop.run("todo.yml")
    assert rig.executor.seen == ["a", "b", "features-try-again"] and idle.count == 1
    assert beads(rig) == [("generate", "done"), ("log generate", "done")]


def test_no_goals_while_a_limit_holds_tasks_back(tmp_path):
    rig = Rig(tmp_path, lambda task: None)
    rig.loop._planner = Planner(Budget(), max_tasks=1)
    idle = Plays(Staged("one", {}, (IDEA,)))
    rig.loop.stages = Stages(idle=(Stage("generate", idle),))
    rig.loop.run("todo.yml")
    assert (rig.executor.seen, idle.count) == (["a"], 0)
