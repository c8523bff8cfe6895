"""Recovery: every pair of what tasks.yml says and what the journal knows has one right end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selfimprove.memory.claims import Claims
from selfimprove.memory.database import open_database
from selfimprove.memory.journal import Journal
from selfimprove.memory.owner import current_owner
from selfimprove.memory.recovery import recover
from selfimprove.model.outcome import Outcome
from selfimprove.model.task import Status, Task

DEAD = current_owner().rsplit(":", 2)[0] + ":4194303:1"
PENDING, GOING, DONE, FAILED, SKIPPED = Status


@pytest.fixture
def engine(tmp_path):
    return open_database(tmp_path / "state.db")


def found(engine, status, *, claim=None, outcome=None, written=False):
    """Return what becomes of a task ``status`` in tasks.yml with this claim and outcome, and what is settled."""
    journal, claims = Journal(engine, current_owner()), Claims(engine, current_owner())
    run = journal.begin_run("", 0, "x").id
    if outcome:
        journal.record(run, Outcome("a", outcome))
        if written:
            journal.mark_written(["a"])
    if claim:
        Claims(engine, claim).take("a", run)
    result = recover([Task("a", "A", command="true", status=status)], journal, claims)
    return result.tasks[0].status, result


@pytest.mark.parametrize(
    ("status", "state", "now"),
    [
        (GOING, {"claim": DEAD}, PENDING),
        (GOING, {"outcome": DONE}, DONE),
        (GOING, {"outcome": FAILED}, FAILED),
        (GOING, {}, GOING),
        (GOING, {"claim": "elsewhere:b:1:2"}, GOING),
        (GOING, {"claim": DEAD, "outcome": DONE, "written": True}, PENDING),
        (GOING, {"outcome": DONE, "written": True}, GOING),
        (PENDING, {"outcome": DONE}, DONE),
        (PENDING, {"outcome": FAILED}, PENDING),
        (PENDING, {"outcome": DONE, "written": True}, PENDING),
        (PENDING, {"claim": DEAD}, PENDING),
        (SKIPPED, {"outcome": DONE}, SKIPPED),
        (SKIPPED, {"claim": DEAD}, SKIPPED),
        (FAILED, {"outcome": DONE}, FAILED),
    ],
)
def test_a_task_stands_as_it_truly_ended(engine, status, state, now):
    end, result = found(engine, status, **state)
    assert end is now
    assert result.returned == (("a",) if (status, now) == (GOING, PENDING) else ())
    assert result.finished == (("a",) if now is not status and now is not PENDING else ())


def test_claims_and_outcomes_are_history_only_once_the_file_shows_it(engine):
    _, result = found(engine, GOING, claim=DEAD)
    assert result.over(result.tasks) == (["a"], [])
    assert result.over([replace(result.tasks[0], status=GOING)]) == ([], [])
    assert result.over([]) == ([], [])


def test_an_outcome_that_a_person_overruled_is_history_too(engine):
    _, result = found(engine, SKIPPED, outcome=DONE)
    assert result.over(result.tasks) == ([], ["a"])
