"""The journal: what was written is read back, a run has one owner, and each step and outcome has its place."""

from __future__ import annotations

import pytest

from selfimprove.memory.claims import Claims
from selfimprove.memory.database import open_database
from selfimprove.memory.journal import Journal, StepKey
from selfimprove.memory.owner import current_owner
from selfimprove.model.outcome import CheckResult, Outcome
from selfimprove.model.task import Status

DEAD = current_owner().rsplit(":", 2)[0] + ":4194303:1"


@pytest.fixture
def engine(tmp_path):
    return open_database(tmp_path / "state.db")


@pytest.fixture
def journal(engine):
    return Journal(engine, current_owner())


def test_runs_are_numbered_above_all_that_there_is(journal):
    assert journal.begin_run("abc", 0, "selfimprove/run-").branch == "selfimprove/run-1"
    assert journal.begin_run("abc", 41, "selfimprove/run-").id == 42
    assert journal.begin_run("abc", 7, "selfimprove/run-").id == 43
    assert [run.id for run in journal.runs(2)] == [43, 42]
    journal.end_run(42, "finished", 5, {"done": 3})
    run = journal.run(42)
    assert (run.state, run.exit_code, run.summary, run.base) == ("finished", 5, {"done": 3}, "abc")
    assert run.ended_at >= run.started_at
    assert [one.id for one in journal.runs(state="running")] == [43, 1]
    assert journal.run(99) is None and journal.dead_runs() == []


def test_a_run_is_taken_over_by_one_process_only(engine, journal):
    dead = Journal(engine, DEAD).begin_run("abc", 0, "x")
    assert journal.dead_runs() == [dead]
    journal.end_run(dead.id, "died", None, {})
    seen = journal.run(dead.id)
    mine = journal.take_over(seen)
    assert mine == journal.run(dead.id) and mine.state == "running" and mine.owner == current_owner()
    assert Journal(engine, "elsewhere:b:1:2").take_over(seen) is None
    assert journal.run(dead.id).owner == current_owner()


def test_a_step_has_a_result_once_it_is_finished(journal):
    run = journal.begin_run("", 0, "x").id
    key = StepKey(run, "a", 1, 1, "edit")
    journal.start(key)
    assert journal.result(key) is None
    assert [step.status for step in journal.steps(run=run)] == [Status.IN_PROGRESS]
    journal.start(key)
    journal.finish(key, Status.DONE, "fine", {"tree": "t"})
    again = StepKey(run, "a", 2, 1, "edit")
    journal.start(again)
    journal.start(StepKey(run, "b", 1, 1, "edit"))
    assert journal.result(key).result == {"tree": "t"} and journal.result(again) is None
    assert [(step.task_id, step.ended_at is None) for step in journal.steps()] == [
        ("a", False),
        ("a", True),
        ("b", True),
    ]
    assert len(journal.steps(task_id="a")) == 2


def test_an_outcome_gives_the_claim_back_and_counts_as_a_turn(engine, journal):
    run, claims = journal.begin_run("", 0, "x").id, Claims(engine, current_owner())
    claims.take("a", run)
    assert journal.turn(run, "a") == 1
    check = CheckResult("command", False, "exit code 3", 1.5, "ä\udce4".encode("utf-8", "replace").decode())
    outcome = Outcome("a", Status.FAILED, "exit code 3", checks=(check,), cost=2.5)
    journal.record(run, outcome)
    assert journal.turn(run, "a") == 2 and journal.turn(run, "b") == 1
    assert journal.unwritten() == {"a": Status.FAILED}
    assert Claims(engine, "elsewhere:b:1:2").held_by_others() == {}
    journal.mark_written([])
    journal.mark_written(["b"])
    assert journal.unwritten() == {"a": Status.FAILED}
    journal.mark_written(["a"])
    assert journal.unwritten() == {}
    [row] = journal.outcomes(task_id="a")
    assert row["run"] == run and row["checks"][0]["summary"] == "exit code 3" and row["cost"] == 2.5
    assert journal.outcomes(run=run + 1) == []


def test_the_newest_outcome_counts(journal):
    run = journal.begin_run("", 0, "x").id
    journal.record(run, Outcome("a", Status.FAILED))
    journal.record(run, Outcome("a", Status.DONE))
    assert journal.unwritten() == {"a": Status.DONE}


def test_an_exchange_is_kept_once(journal):
    reply = {"text": "t", "prompt_tokens": 10, "completion_tokens": 5, "dollars": 0.25}
    assert journal.recall("k") is None
    journal.keep("k", 1, "a", {"messages": []}, reply)
    journal.keep("k", 1, "a", {"messages": []}, reply | {"text": "other"})
    assert journal.recall("k") == reply


def test_a_call_counts_at_its_worst_until_it_is_settled(journal):
    calls = [journal.begin_call(1, "a", "k", ("m", 100, dollars)) for dollars in (0.1, 0.2, 0.3, None)]
    journal.begin_call(2, "a", "k", ("m", 7, 7.0))
    assert journal.spent(1) == (0.6, 400)
    journal.settle_call(calls[0], 10, 0.01)
    journal.settle_call(calls[1], 0, 0.0, made=False)
    journal.settle_call(calls[3], 10**30, 1e30)
    assert journal.calls(1) == 3
    dollars, tokens = journal.spent(1)
    assert (dollars > 1e6, tokens > 10**18) == (True, True)
    journal.settle_call(calls[3], 5, None)
    assert journal.spent(1) == (0.31, 115)
    assert (journal.spent(3), journal.calls(3)) == ((0.0, 0), 0)
