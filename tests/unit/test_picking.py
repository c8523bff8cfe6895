"""Which function a person means, which tasks that makes, and that those of their own stay out of tasks.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.errors import UsageError
from selfimprove.executor.refactor.wish import Wish
from selfimprove.executor.refactoring import wish_for
from selfimprove.memory.claims import Claims
from selfimprove.memory.database import open_database
from selfimprove.memory.journal import Journal
from selfimprove.memory.lessons import Lessons
from selfimprove.memory.memory import Memory
from selfimprove.model.finding import fingerprint
from selfimprove.model.task import Status, Task
from selfimprove.picking import Asked, Picked, _wish, find, tasks_for

TEXT = b"""\
class Box:
    @property
    def size(self):
        return 1

    @size.setter
    def size(self, n):
        if n:
            self.n = n

    def only(self):
        def inner():
            return 2

        return inner


def load():
    return 1
"""


@pytest.mark.parametrize(
    ("name", "symbol", "ordinal"),
    [
        ("load", "load", 1),
        ("only", "Box.only", 1),
        ("Box.size", "Box.size", 2),
        ("Box.size#1", "Box.size", 1),
        ("size", "Box.size", 2),
        ("13", "Box.only.inner", 1),
        ("2", "Box.size", 1),
        ("18", "load", 1),
    ],
)
def test_a_function_is_found_by_name_or_line(name: str, symbol: str, ordinal: int) -> None:
    found = find(measure(TEXT, extra=True).functions, name, "m.py")
    assert (found.symbol, found.ordinal) == (symbol, ordinal)


def test_a_name_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        find(measure(TEXT).functions, "lod", "m.py")
    assert (caught.value.message, caught.value.hint) == ("m.py has no function lod", "did you mean load?")


def test_a_rank_and_a_limit_say_together_which_functions_are_looked_at() -> None:
    assert [Asked(rank=rank, limit=10).lowest for rank in "ABCDEF"] == [11, 11, 11, 21, 31, 41]
    assert Asked(rank="A", limit=3).lowest == 4


def test_a_finding_that_is_a_pending_task_already_is_that_task_and_no_id_is_used_twice() -> None:
    wish = Wish("m.py", "load", 1, ("extract-function",), {"complexity": 10})
    other = Wish("m.py", "Box.load", 1, ("extract-function",), {"complexity": 10})
    known = Task("mine", "Mine", prompt="do", fingerprint=fingerprint("SI101", "m.py", "load"))
    tasks, wishes = tasks_for([Picked(wish, 17, 12), Picked(other, 1, 11)], [known], 10)
    assert [task.id for task in tasks] == ["mine", "refactor-m-load"]
    assert wishes == {"mine": wish, "refactor-m-load": other}
    assert tasks[1].description == "Box.load has cyclomatic complexity 11, limit 10"
    taken = [Task("refactor-m-load", "x", prompt="x", fingerprint="y", status=Status.DONE)]
    assert [task.id for task in tasks_for([Picked(other, 1, 11)], taken, 10)[0]] == ["refactor-m-load-2"]


def test_tasks_by_hand_are_done_like_others_and_never_written(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "state.db", None)
    memory = Memory(
        tmp_path, tmp_path, tmp_path, Journal(engine, "me"), Claims(engine, "me"), Lessons(engine)
    )
    (tmp_path / "tasks.yml").write_text("- {id: a, title: A, prompt: do}\n")
    memory.aside = [Task("hand", "Hand", prompt="do")]
    one, hand = memory.load_tasks()
    done = Task("hand", "Hand", prompt="do", status=Status.DONE)
    assert memory.save_tasks([one, done]) == [one, done]
    assert hand.status is Status.PENDING
    assert memory.load_tasks() == [one, done]
    assert "hand" not in (tmp_path / "tasks.yml").read_text()


def test_a_limit_that_a_person_says_is_aimed_at_and_a_finding_s_is_only_what_will_do() -> None:
    asked = _wish("m.py", "load", 1, Asked(limit=14))
    found = wish_for("m.py", "load", 1, "SI101", 14)
    assert (asked.aims["complexity"], found.aims["complexity"], found.least["complexity"]) == (14, 10, 14)
