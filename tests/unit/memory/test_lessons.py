"""The store of lessons: each turn of a task teaches once, what helps stays, what does not goes, and nothing is lost."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from selfimprove.memory.database import open_database
from selfimprove.memory.lessons import Lessons
from selfimprove.model.lesson import Lesson, helps
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from pathlib import Path

FIRST = Lesson(
    *(1, "add-tax", 1, 10.0, Status.DONE, "Add tax", "Add tax to total", "It failed; it was mended."),
    category="features",
    kinds=("python",),
    shape={"files": [["a.py", 1, 1]], "added": 1, "removed": 1, "changes": ["a.py: body of f changed"]},
    checks=({"name": "tests", "ok": True, "summary": "2 passed"},),
    failures=("tests: 1 failed",),
    review=7.5,
    attempts=2,
    dollars=0.25,
    tokens=900,
    model="m",
)


def of(task: str, attempts: int = 1, status: Status = Status.DONE) -> Lesson:
    """The lesson of another task."""
    return replace(FIRST, task_id=task, attempts=attempts, status=status)


@pytest.fixture
def store(tmp_path: Path) -> Lessons:
    """A store in a new database."""
    return Lessons(open_database(tmp_path / "state.db"))


def learn(store: Lessons, lesson: Lesson, *told: int, keep: int = 100, least: float = 0.2) -> int | None:
    """Learn as a run does."""
    return store.learn(lesson, told, keep=keep, least=least)


def test_a_lesson_comes_back_as_it_was_and_is_stored_once(store: Lessons) -> None:
    number = learn(store, FIRST)
    assert number and store.get(number) == replace(FIRST, id=number)
    told = learn(store, of("second"), number)
    # The same step, started again after a kill: neither stored nor counted again, also when it is gone meanwhile.
    assert learn(store, of("second"), number) is None
    assert told and store.forget([told, 99]) == [told]
    assert learn(store, of("second"), number) is None
    assert store.all() == [replace(FIRST, id=number, told=1, helped=1)]
    assert learn(store, replace(FIRST, turn=2)) and learn(store, replace(FIRST, run=2))


@pytest.mark.parametrize(
    ("status", "attempts", "good"),
    [
        (Status.DONE, 1, True),
        (Status.DONE, 2, True),
        (Status.DONE, 3, False),
        (Status.DONE, 4, False),
        (Status.FAILED, 1, False),
    ],
)
def test_a_lesson_helped_when_its_task_needed_fewer_attempts(
    status: Status, attempts: int, good: bool
) -> None:
    assert helps(replace(FIRST, attempts=3), status, attempts) is good
    assert helps(replace(FIRST, attempts=1), Status.DONE, 1)
    assert not helps(replace(FIRST, attempts=1), Status.DONE, 2)


def test_what_does_not_help_loses_weight_and_is_dropped_and_what_helps_gains(store: Lessons) -> None:
    good, bad = learn(store, FIRST), learn(store, of("bad"))
    assert good and bad
    weights = []
    for number in range(4):
        learn(store, of(f"done-{number}"), good)
        learn(store, of(f"failed-{number}", status=Status.FAILED), bad)
        kept = {one.id: one.weight for one in store.all()}
        weights.append((kept[good], kept.get(bad)))
    assert [up for up, _ in weights] == [2 / 3, 3 / 4, 4 / 5, 5 / 6]
    assert [down for _, down in weights] == [1 / 3, 1 / 4, 1 / 5, None]
    assert store.get(bad) is None
    with closing(sqlite3.connect(str(store._engine.url.database))) as database:
        assert database.execute("select note, facts from lessons where id = ?", (bad,)).fetchall() == [
            ("", "{}")
        ]


def test_the_weakest_go_first_and_of_equals_the_oldest_but_never_the_newest(store: Lessons) -> None:
    numbers = [learn(store, of(f"task-{number}"), keep=3) for number in range(3)]
    learn(store, of("told", status=Status.FAILED), *[number for number in numbers[2:] if number], keep=4)
    assert [one.task_id for one in store.all()] == ["told", "task-2", "task-1", "task-0"]
    learn(store, of("new"), keep=3)
    assert [one.task_id for one in store.all()] == ["new", "told", "task-1"]
    learn(store, of("last"), keep=1)
    assert [one.task_id for one in store.all()] == ["last"]


def test_several_processes_at_once_lose_no_telling(tmp_path: Path, store: Lessons) -> None:
    number = learn(store, FIRST)
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[3]); from test_lessons import FIRST, of\n"
        "from selfimprove.memory.database import open_database; from selfimprove.memory.lessons import Lessons\n"
        "store = Lessons(open_database(Path(sys.argv[1])))\n"
        "for n in range(20):\n"
        "    store.learn(replace(of(f'task-{n}'), run=int(sys.argv[2])), [1], keep=1000, least=0.2)\n"
        "    store.learn(of(f'shared-{n}'), [1], keep=1000, least=0.2)\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "state.db"), str(run), __file__.rpartition("/")[0]],
            stderr=subprocess.PIPE,
            text=True,
        )
        for run in (11, 12, 13)
    ]
    for child in children:
        _, err = child.communicate(timeout=100)
        assert child.returncode == 0, err
    first = store.get(number or 0)
    assert first and (first.told, first.helped) == (80, 80)
    assert len(store.all()) == 81
    assert json.dumps([one.to_dict() for one in store.all()])


def test_what_a_newer_program_stored_besides_is_passed_over(store: Lessons, tmp_path: Path) -> None:
    number = learn(store, FIRST)
    with closing(sqlite3.connect(tmp_path / "state.db")) as base, base:
        base.execute("update lessons set facts = json_set(facts, '$.novel', 1)")
    assert store.all() == [replace(FIRST, id=number)]
