"""New test files: where they go, which answers hold one, what is refused unseen, and how code is spoilt to try them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from selfimprove.errors import PatchError
from selfimprove.executor.testing.answer import read_answer
from selfimprove.executor.testing.intent import is_code_changed, is_meant_to_alter, named_tests
from selfimprove.executor.testing.placing import folder_of_tests, spot_for
from selfimprove.executor.testing.rules import problems_of
from selfimprove.executor.testing.spoiling import spoilt_texts
from selfimprove.executor.testing.trimming import without_tests
from selfimprove.model.task import Task

if TYPE_CHECKING:
    from pathlib import Path

PATH = "tests/features/test_one.py"
FILES = {"shop.py": b"RATE = 1\n", "tests/test_shop.py": b"import shop\n"}
TEXT = "import shop\n\n\ndef test_rate():\n    assert shop.RATE == 1\n"


def block(path: str, text: str, end: str = "```\n") -> str:
    """A file of a reply."""
    return f"FILE: {path}\n```python\n{text}{end}"


ANSWERS = {
    "named": (block(PATH, TEXT), TEXT),
    "prose around it": (f"COMMIT: Test the rate\n\nSure!\n\n{block(PATH, TEXT)}\nDone.\n", TEXT),
    "one block without a name": (f"Here you are:\n\n```python\n{TEXT}```\n", TEXT),
    "another path": (block("tests/test_two.py", TEXT), "may be written"),
    "another file too": (
        block(PATH, TEXT) + "\nshop.py\n<<<<<<< SEARCH\nRATE = 1\n=======\nRATE = 2\n>>>>>>> REPLACE\n",
        "may be written",
    ),
    "a file that exists": (block("tests/test_shop.py", TEXT), "may be written"),
    "outside": (block("../evil.py", TEXT), "evil.py"),
    "cut off": (block(PATH, "import shop\n\n\ndef test_ra", end=""), "cut off"),
    "empty": ("", "no edit"),
    "prose": ("I cannot do that.", "no edit"),
    "two blocks": (f"```python\n{TEXT}```\n\nor\n\n```python\n{TEXT}# b\n```\n", "no edit"),
    "ten megabytes": (block(PATH, "x = 1\n" * 1_800_000), "characters"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_holds_exactly_the_file_that_was_asked_for(name: str) -> None:
    reply, expected = ANSWERS[name]
    if expected == TEXT:
        assert read_answer(reply, PATH, FILES).text == TEXT
    else:
        with pytest.raises(PatchError, match=expected):
            read_answer(reply, PATH, FILES)


def test_an_answer_may_edit_what_was_proposed_before() -> None:
    edit = "<<<<<<< SEARCH\n    assert shop.RATE == 1\n=======\n    assert shop.RATE == 2\n>>>>>>> REPLACE\n"
    reply = f"BEHAVIOUR: unchanged\n\n{PATH}\n{edit}"
    answer = read_answer(reply, PATH, FILES, TEXT)
    assert answer.text == TEXT.replace("== 1", "== 2")
    assert answer.unchanged


RULES = {
    "": "def test_a():\n    assert shop.f(1) == 2\n",
    "syntax": "def test_a(:\n",
    "collected": "def check_a():\n    assert shop.f(1) == 2\n",
    "skipped": "import pytest\n\n\n@pytest.mark.xfail\ndef test_a():\n    assert shop.f(1) == 2\n",
    "asserts nothing": "def test_a():\n    shop.f(1)\n",
    "trivial": "def test_a():\n    assert shop.f(1) == 2\n    assert 1 == 1\n",
    "network": "import requests\n\n\ndef test_a():\n    assert requests.get('http://x.example').ok\n",
    "sleeps": "from time import sleep\n\n\ndef test_a():\n    sleep(2)\n    assert shop.f(1) == 2\n",
    "writes": "def test_a():\n    with open('a.txt', 'w') as f:\n        f.write('a')\n    assert shop.f(1) == 2\n",
    "chance": "import random\n\n\ndef test_a():\n    assert shop.f(random.random()) == 2\n",
    "clock": "from datetime import datetime\n\n\ndef test_a():\n    now = datetime.now()\n    assert shop.f(now)\n",
    "veto": "import pytest\nimport shop\n\npytest.raises = None\n\n\ndef test_a():\n    assert shop.f(1) == 2\n",
    "size": "def test_a():\n    assert shop.f(1) == 2\n" + "# more\n" * 20_000,
}


@pytest.mark.parametrize("point", RULES)
def test_what_a_test_must_not_do_is_seen_before_it_runs(point: str) -> None:
    found = problems_of(PATH, RULES[point], Task("one", "One"), ["shop.py"])
    assert [one.point for one in found] == ([point] if point else [])


def test_harmless_relatives_of_what_is_refused_pass() -> None:
    text = """\
import random
import time
from pathlib import Path

import shop


def test_seeded():
    random.seed(4)
    assert shop.f(random.random()) == 2


def test_files(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    started = time.time()
    assert shop.f(Path("a.txt").suffix) == 2
    shop.log(started)
    time.sleep(0.01)
"""
    assert problems_of(PATH, text, Task("one", "One"), ["shop.py"]) == []


def test_tests_are_taken_out_with_what_only_they_needed() -> None:
    text = """\
import json
import os


def helper():
    return os.sep


class TestA:
    @staticmethod
    def test_x():
        assert json.loads("1") == 1

    def test_y(self):
        assert helper()


class TestB:
    def test_z(self):
        assert json.loads("2") == 2


def test_end():
    assert helper() == "/"
"""
    left = without_tests(text, {"TestA.test_x", "TestB.test_z"})
    assert "json" not in left and "TestB" not in left and "test_x" not in left
    assert "def test_y" in left and "def test_end" in left and "import os" in left
    ast.parse(left)
    assert without_tests(text, {"TestA.test_x", "TestA.test_y", "TestB.test_z", "test_end"}) == ""


CODE = b'''\
"""Price."""


def price(net, rate, note="x"):
    """Return it."""
    if rate < 0 or net < 0:
        raise ValueError(f"{rate + 1}")
    total = net * (100 + rate)
    log(total)
    return total // 100
'''


def test_code_is_spoilt_line_by_line_in_the_same_way_every_time() -> None:
    every = spoilt_texts("shop.py", CODE, range(1, 11), 100)
    assert [one.line for one in every] == [4, 6, 7, 8, 9, 10]  # neither docstrings nor the blank lines
    assert every == spoilt_texts("shop.py", CODE, range(1, 11), 100)
    old = CODE.splitlines()
    for one in every:
        new = one.content.splitlines()
        assert [
            number for number, pair in enumerate(zip(old, new, strict=True), 1) if pair[0] != pair[1]
        ] == [one.line]
        ast.parse(one.content)
    assert b"    pass\n" in every[2].content and b"(rate >= 0)" in every[1].content
    assert [one.line for one in spoilt_texts("shop.py", CODE, range(1, 11), 3)] == [4, 7, 9]
    assert [one.line for one in spoilt_texts("shop.py", CODE, {8}, 3)] == [8]


def test_a_file_goes_where_tests_are_under_a_name_of_its_own(tmp_path: Path) -> None:
    names = ["src/shop.py", "tests/__init__.py", "tests/test_fix_tax.py", "tests/unit/test_b.py"]
    assert folder_of_tests(tmp_path, names, ["src/shop.py"]) == "tests"
    spot = spot_for("security", "fix-tax", "tests", names, [])
    assert spot.path == "tests/security/test_fix_tax_security.py"
    assert spot.packages == ("tests/security/__init__.py",)
    assert spot_for("features", "other", "tests", ["tests/a_test.py", "tests/b_test.py"], []).path == (
        "tests/features/other_test.py"
    )
    assert folder_of_tests(tmp_path, ["shop.py", "test_shop.py"], ["shop.py"]) == "tests"
    packages = ["one/a.py", "one/tests/test_a.py", "two/b.py", "two/tests/test_b.py", "two/tests/test_c.py"]
    assert folder_of_tests(tmp_path, packages, ["one/a.py"]) == "one/tests"
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["checks"]\n')
    assert folder_of_tests(tmp_path, ["shop.py", "tests/test_a.py"], ["shop.py"]) == "checks"


GOALS = [
    (Task("a", "A", files=("shop_test.py",)), ("shop_test.py",)),
    (Task("a", "A", files=("shop.py", "shop_test.py")), ()),
    (Task("a", "A", files=("tests/test_shop.py",)), ()),  # it is there
    (Task("a", "A", files=("tests/*_test.py",)), ()),
    (Task("a", "A", files=("../x_test.py",)), ()),
    (Task("a", "Write tests/price_test.py", prompt="Cover price of shop.py."), ("tests/price_test.py",)),
    (Task("a", "price_test.py", prompt="The prices of the shop."), ("price_test.py",)),
    (Task("a", "Let shop.py be quicker", prompt="tests/old_test.py has gone."), ()),
    (Task("a", "Fix the tax in shop.py and add tests/tax_test.py"), ()),
    (Task("a", "Add a function tax to shop.py", prompt="and tests/tax_test.py"), ()),
    (Task("a", "Reject negative rates", prompt="Raise ValueError; write tests/test_negative.py for it."), ()),
    (Task("a", "A", files=("shop/testimonials.py",)), ()),
    (Task("a", "A", files=("shop/tester.py",)), ()),
    (Task("a", "A", files=tuple(f"t/x{number}_test.py" for number in range(20))), ()),
]


@pytest.mark.parametrize(("task", "expected"), GOALS)
def test_a_goal_that_names_new_test_files_asks_for_these(task: Task, expected: tuple[str, ...]) -> None:
    assert named_tests(task, FILES) == expected


def test_whether_behaviour_is_to_change_is_told_by_the_task_before_the_model() -> None:
    def alters(said: bool, **fields: str) -> bool:
        return is_meant_to_alter(Task("a", fields.pop("title", "Take a rate"), **fields), said_unchanged=said)  # type: ignore[arg-type]

    assert alters(False) and not alters(True)
    assert alters(True, category="features") and alters(True, category="security")
    assert not alters(False, category="refactor") and not alters(False, category="docs")
    assert not alters(False, title="Rename total") and not alters(False, source="audit")
    assert not is_code_changed(
        "def f():\n    return 1\n", 'def f():\n    """One."""\n    # one\n    return 1\n'
    )
    assert is_code_changed("def f():\n    return 1\n", "def f():\n    return 2\n")


def test_code_that_is_nested_deeply_ends_no_run() -> None:
    chain = "if x == 0:\n    y = 0\n" + "".join(f"elif x == {one}:\n    y = 1\n" for one in range(1, 320))
    assert is_code_changed(chain, chain.replace("y = 0", "y = 2"))
    deep = f"def test_a():\n    assert shop.f(1) == {' + '.join('0' for _ in range(400))} + 1\n"
    assert [one.point for one in problems_of(PATH, deep, Task("one", "One"), ["shop.py"])] == ["syntax"]


@pytest.mark.parametrize(
    ("told", "folder"),
    [
        ("tests/test_shop.py", "tests"),
        ("../tests", "tests"),
        (".", ""),
        ("/abs/tests", "tests"),
        ("./a/../b", "b"),
    ],
)
def test_testpaths_that_are_no_plain_folder_lead_to_one(tmp_path: Path, told: str, folder: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[tool.pytest.ini_options]\ntestpaths = ["{told}"]\n')
    assert folder_of_tests(tmp_path, ["shop.py", "test_shop.py"], ["shop.py"]) == folder
