"""Experience: which lessons are told for a task, how, and that no prompt grows beyond what a person allows."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.tokens import counter_for
from selfimprove.executor.drawing import about
from selfimprove.executor.experience import Experience, likeness, recall
from selfimprove.executor.sight import Sight
from selfimprove.memory.database import open_database
from selfimprove.memory.lessons import Lessons
from selfimprove.model.lesson import Lesson
from selfimprove.model.task import Status, Task

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = [
    (
        "Keep the time zone offset when a date is read",
        "ISO timestamps lose their timezone in parse_date",
        True,
    ),
    ("Simplify parse_invoice\nIts complexity is 31", "Simplify load_config\nIts complexity is 22", True),
    ("Add a currency parameter to total", "Write a LICENSE file", False),
    ("Reject empty passwords at login", "Rename a module and change its imports", False),
]
ABOUT = [
    "Add a currency parameter to total in shop/prices.py",
    "Write a SECURITY file with an address for reports",
    "Give average a currency parameter too, in shop/prices.py",
]


@pytest.fixture
def store(tmp_path: Path) -> Lessons:
    """Three lessons, of which two are about the same kind of work."""
    made = Lessons(open_database(tmp_path / "state.db"))
    for number, words in enumerate(ABOUT, 1):
        note = f"Lesson {number}: it forgot\x1b[2J the callers. Key sk-{'a1' * 12}."
        made.learn(Lesson(1, f"t{number}", 1, 1.0, Status.DONE, words, words, note), (), keep=9, least=0)
    return made


def sight(tokens: int = 20_000) -> Sight:
    """What prompts are made with, without an index."""
    return Sight(tokens, counter_for(""), lambda: None, ("callers",))


def asked(words: str) -> Task:
    """A task with these words."""
    return Task("new", words, prompt=words)


@pytest.mark.parametrize(("one", "other", "alike"), PAIRS)
def test_tasks_are_alike_by_what_their_words_mean(one: str, other: str, alike: bool) -> None:
    assert (likeness(one, other) > 0) is alike
    assert likeness(one, one) == pytest.approx(1, abs=1e-6)
    assert likeness(one, "") == 0


def test_similar_tasks_are_told_the_likeliest_to_help_first(store: Lessons) -> None:
    task = asked("Add a currency parameter to median in shop/prices.py")
    assert recall(task, Experience(store), sight())[0] == (1, 3)
    for number in range(3):
        ends = Lesson(2, f"x{number}", 1, 1.0, Status.FAILED, "", "", "")
        store.learn(ends, [1], keep=99, least=0)
    numbers, notes = recall(task, Experience(store), sight())
    assert numbers == (3, 1)
    assert notes[1].endswith("Told 3 times, helped never.")
    assert recall(asked("Translate the manual into Finnish"), Experience(store), sight()) == ((), ())


def test_what_is_told_is_masked_and_bounded(store: Lessons) -> None:
    task = asked(ABOUT[0])
    numbers, notes = recall(task, Experience(store), sight())
    assert numbers == (1, 3)
    assert "***" in notes[0] and "sk-a1" not in notes[0] and "callers" not in notes[0]
    cost = counter_for("").count(repr(notes[0]) + "\n")
    assert recall(task, Experience(store, tokens=cost), sight())[0] == (1,)
    assert recall(task, Experience(store, shown=1), sight())[0] == (1,)
    for off in (Experience(store, shown=0), Experience(store, tokens=0), Experience(store, tokens=3), None):
        assert recall(task, off, sight()) == ((), ())
    assert recall(task, Experience(store), sight(tokens=400)) == ((), ())


def test_code_in_a_task_is_not_remembered() -> None:
    prompt = "Mend this:\n```python\npassword = input()\n```\nand that:\n~~~\nmore\n"
    assert "password" not in about(asked(prompt)) and "and that" in about(asked(prompt))
    assert "more" not in about(asked(prompt))
    assert len(about(asked("word " * 5000))) <= 1500


def test_without_the_parts_of_the_index_the_words_themselves_count() -> None:
    code = (
        "import sys\n"
        "for name in ('Stemmer', 'numpy', 'tree_sitter'): sys.modules[name] = None\n"
        "import importlib.util as u; real = u.find_spec\n"
        "import selfimprove.codebase.search as s\n"
        "s.find_spec = lambda name: None if sys.modules.get(name, 0) is None else real(name)\n"
        "from selfimprove.executor.experience import likeness\n"
        "print(likeness('Add a currency parameter to total', 'Add a currency parameter to average') > 0,\n"
        "      likeness('Add a currency parameter to total', 'Write a LICENSE file'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True 0.0\n"


def test_no_half_of_a_secret_is_left_where_the_words_of_a_task_are_cut() -> None:
    key = "SuperSecretValue-0123456789abcdef"
    task = Task("a", "x" * 10, "y " * 735 + "\n" + key)
    assert "SuperSec" not in about(task, (key,))
