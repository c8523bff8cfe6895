"""Claims: one owner per task, also for many processes at once, and none that outlives its process."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa

from selfimprove.memory import claims as module
from selfimprove.memory.claims import Claims
from selfimprove.memory.database import open_database
from selfimprove.memory.journal import Journal
from selfimprove.memory.owner import current_owner
from selfimprove.model.outcome import Outcome
from selfimprove.model.task import Status

DEAD = current_owner().rsplit(":", 2)[0] + ":4194303:1"


@pytest.fixture
def engine(tmp_path):
    return open_database(tmp_path / "state.db")


def living():
    child = subprocess.Popen(
        [sys.executable, "-c", "from selfimprove.memory.owner import *; print(current_owner(), flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
    return child, child.stdout.readline().strip()


def test_a_living_owner_keeps_its_task_even_past_the_time(engine, monkeypatch):
    child, owner = living()
    with child:
        monkeypatch.setattr(module, "SECONDS", -1.0)
        theirs, mine = Claims(engine, owner), Claims(engine, current_owner())
        assert theirs.take("a", 1) == 1
        assert mine.take("a", 2) is None
        assert mine.held_by_others() == {"a": "run 1"} and mine.dead() == set()
        mine.release("a")
        mine.drop(["b"])
        assert mine.held_by_others() == {"a": "run 1"}
        child.communicate("")
    assert mine.dead() == {"a"} and mine.held_by_others() == {}
    assert mine.take("a", 2) == 2


def test_on_another_host_the_time_decides(engine, monkeypatch):
    mine = Claims(engine, current_owner())
    Claims(engine, "elsewhere:b:1:2").take("a", 1)
    assert mine.take("a", 2) is None
    monkeypatch.setattr(module, "SECONDS", -1.0)
    Claims(engine, "elsewhere:b:1:2").take("b", 1)
    assert mine.dead() == {"b"}
    assert mine.take("b", 2)


def test_tokens_only_grow(engine):
    mine = Claims(engine, current_owner())
    tokens = []
    for _ in range(3):
        tokens.append(mine.take("a", 1))
        mine.release("a")
    assert tokens == [1, 2, 3]


def test_a_task_that_has_ended_is_not_taken_before_tasks_yml_shows_it(engine):
    journal, mine = Journal(engine, DEAD), Claims(engine, current_owner())
    run = journal.begin_run("", 0, "x")
    Claims(engine, DEAD).take("a", run.id)
    journal.record(run.id, Outcome("a", Status.DONE))
    assert mine.dead() == set()
    assert mine.take("a", 9) is None
    journal.mark_written(["a"])
    assert mine.take("a", 9)


def test_dropping_leaves_what_was_taken_since(engine):
    mine = Claims(engine, current_owner())
    Claims(engine, DEAD).take("a", 1)
    dead = mine.dead()
    mine.take("a", 2)
    mine.drop(dead)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT run FROM claims")).scalars().all() == [2]


def test_of_many_processes_one_gets_each_task(tmp_path):
    path = tmp_path / "state.db"
    open_database(path).dispose()
    code = (
        "import sys; from pathlib import Path; from selfimprove.memory.database import open_database\n"
        "from selfimprove.memory.claims import Claims; from selfimprove.memory.owner import current_owner\n"
        "claims = Claims(open_database(Path(sys.argv[1])), current_owner())\n"
        "print(*[n for n in range(60) if claims.take(f't{n}', 1)], flush=True); input()"
    )
    argv, pipe = [sys.executable, "-c", code, str(path)], subprocess.PIPE
    children = [subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    taken = [int(n) for child in children for n in child.stdout.readline().split()]
    for child in children:
        child.communicate("\n")
    assert sorted(taken) == list(range(60))
