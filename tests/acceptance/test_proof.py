"""A change is proved against its base: what failed before is known, and nothing gets by that is broken or gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from conftest import Project
from executor_rig import block, commits, do, has_branch, prompt, two

Make = Callable[..., Project]

CODE = "def f():\n    return 1\n\n\ndef g():\n    return 5\n"
TESTS = (
    "from m import f, g\n\n\ndef test_f():\n    assert f() != 3\n\n\ndef test_g():\n    assert g() == 5\n\n\n"
    "def test_known():\n    assert g() == 6\n"
)
FILES = {"m.py": CODE, "test_m.py": TESTS}


def to(old: str, new: str) -> str:
    """The reply that lets f return something else."""
    return f"COMMIT: Return {new}\n" + block("m.py", f"    return {old}\n", f"    return {new}\n")


def the_tests(outcome: dict[str, Any]) -> dict[str, Any]:
    """The fact about tests."""
    return next(check for check in outcome["checks"] if check["name"] == "tests")


def asked(made: Project) -> str:
    """All that the model was asked."""
    with closing(sqlite3.connect(f"file:{made.root}/.selfimprove/state.db?mode=ro", uri=True)) as database:
        return "\n".join(str(row[0]) for row in database.execute("select ask from exchanges order by at"))


@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_a_base_with_a_failing_test_is_no_obstacle(project: Make, sandbox: str) -> None:
    made = project(FILES)
    done = do(made, [prompt("one")], {"one": to("1", "2")}, "--sandbox", sandbox)
    assert done.code == 0, done.reason("one")
    fact = the_tests(done.outcomes["one"])
    assert (fact["summary"], fact["counts"]) == ("2 passed, 1 failed before too", {"passed": 2, "failed": 1})
    assert "tests 1 failed, 2 passed" in done.err  # the base


def test_what_the_change_breaks_is_told_and_what_failed_before_is_not(project: Make) -> None:
    made = project(FILES)
    done = do(made, [prompt("one")], {"one": [to("1", "3"), to("3", "4")]})
    assert done.code == 0, done.reason("one")
    assert commits(made) == ["Return 4"]
    question = asked(made)
    assert "test_m.py::test_f\\n  AssertionError: assert 3 != 3" in question
    assert "test_m.py:5 in test_f: assert f() != 3" in question
    assert "1 test failed before too; leave them as they are." in question
    assert "g() == 6" not in question


def test_the_base_is_measured_once_and_a_commit_s_own_run_is_the_next_one_s_base(project: Make) -> None:
    made = project({"m.py": CODE, "test_m.py": "def test_f():\n    pass\n"})
    tasks = [prompt("one"), prompt("other", dependencies=["one"])]
    done = do(made, tasks, {"one": to("1", "2"), "other": to("2", "4")})
    assert done.code == 0
    runs = [Path(done.outcomes[name]["log"]).read_text().count("-m pytest") for name in ("one", "other")]
    assert runs == [2, 1]


def test_a_flaky_test_is_not_blamed(project: Make) -> None:
    flaky = "\n\ndef test_luck():\n    import random\n    assert random.random() < 0.6\n"
    made = project({"m.py": CODE, "test_m.py": TESTS + flaky})
    done = do(made, [prompt("one", max_retries=0)], {"one": to("1", "2")})
    assert done.code == 0, done.reason("one")


GONE = "COMMIT: Less\n" + block("test_m.py", "def test_g():\n    assert g() == 5\n", "G = g\n")
WEAKER = to("1", "3") + "\n" + block("test_m.py", "    assert f() != 3\n", "    assert f() == 3\n")
QUIET = "COMMIT: Quiet\n" + block(
    "m.py",
    CODE[:9],
    "import _pytest.python\n\n_pytest.python.Function.runtest = lambda self: None\n\n\n" + CODE[:9],
)
HELD = {
    "a test is gone from a file that the task does not name": (
        GONE,
        {"files": ["m.py"]},
        "tests failed: 1 not run any more, 1 passed, 1 failed before too",
    ),
    "a test is gone": (GONE, {}, "test_g would be gone or no longer collected"),
    "a test is changed with the code": (WEAKER, {}, "with the tests as they were before the change"),
    "no test fails any more": (QUIET, {}, "tests failed: assertions do not fail any more"),
    "the tests do not come to their end": (
        "COMMIT: Out\n" + block("m.py", "    return 1\n", "    import os\n\n    os._exit(0)\n"),
        {},
        "tests failed: the test session broke off in test_m.py::test_f",
    ),
}


@pytest.mark.parametrize("how", HELD)
def test_what_does_not_get_by(project: Make, how: str) -> None:
    reply, fields, reason = HELD[how]
    made = project(FILES)
    files = {"files": ["m.py", "test_m.py"]} | fields
    done = do(made, [prompt("one", max_retries=0, **files)], {"one": reply})
    assert done.code == 1
    assert reason in done.reason("one")
    assert not has_branch(made)


def test_a_task_that_may_change_tests_changes_them(project: Make) -> None:
    made = project(FILES)
    words = ["tests_changed", "tests_weakened"]
    done = do(made, [prompt("one", files=["m.py", "test_m.py"], allow=words)], {"one": WEAKER})
    assert done.code == 0, done.reason("one")


def test_a_renamed_test_passes_the_proof_by_the_base_s_tests(project: Make) -> None:
    made = project(FILES)
    reply = to("1", "2") + "\n" + block("test_m.py", "def test_f():\n", "def test_f_is_not_three():\n")
    done = do(made, [prompt("one", files=["m.py", "test_m.py"], max_retries=0)], {"one": reply})
    assert the_tests(done.outcomes["one"])["ok"], done.reason("one")


def test_what_fails_in_another_way_than_before_is_said(project: Make) -> None:
    made = project({**FILES, "test_m.py": TESTS.replace("g() == 6", "f() == 6")})
    done = do(made, [prompt("one")], {"one": to("1", "2")})
    assert the_tests(done.outcomes["one"])["summary"] == "2 passed, 1 still failing, in another way"


def test_the_same_patch_twice_stops(project: Make) -> None:
    made = project({"m.py": CODE, "test_m.py": "from m import f\n\n\ndef test_f():\n    assert f() == 1\n"})
    done = do(made, [prompt("one")], {"one": [to("1", "3"), to("3", "7"), to("7", "3")]})
    assert done.outcomes["one"]["attempts"] == 3
    assert done.reason("one").startswith("the same patch twice: tests failed: 1 failed")


LINT = "! grep -n bad m.py | sed 's/^/m.py:/' | grep ."


@pytest.mark.parametrize(("new", "code"), [("2", 0), ("'bad'", 1)])
def test_what_the_linter_said_before_is_not_blamed(project: Make, new: str, code: int) -> None:
    made = project({"m.py": CODE + "# bad from the first\n"})
    env = {"SELFIMPROVE_CHECK__LINT_COMMAND": LINT}
    done = do(made, [prompt("one", max_retries=0)], {"one": to("1", new)}, env=env)
    assert done.code == code, done.outcomes["one"]
    said = done.outcomes["one"]["checks"][0]
    assert said["summary"] == ("1 message that was not there before" if code else "1 message, none new")


def test_a_command_that_names_no_tests_counts_as_one(project: Make) -> None:
    made = project({"m.py": CODE})
    command = "grep -q 'return [124]' m.py"
    done = do(made, [prompt("one", test_command=command)], {"one": [to("1", "3"), to("3", "4")]})
    assert done.code == 0, done.reason("one")
    red = do(made, [prompt("two", test_command="false", max_retries=0)], {"two": two().replace("1\n", "1\n")})
    assert "fails without the change too" in red.reason("two")
