"""Tests that a model writes for a change, and those that a task names: kept when they stand, and never in the way."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jsonschema

from executor_rig import blob, block, commits, do, prompt
from openai_server import OpenAIServer
from selfimprove.report.json import schema

if TYPE_CHECKING:
    from conftest import Project

    Make = Callable[..., Project]

SHOP = {
    "shop.py": (
        "def price(net, rate):\n    return net * (100 + rate) // 100\n\n\n"
        "def total(prices):\n    result = 0\n    for one in prices:\n        result += one\n    return result\n"
    ),
    "tests/test_shop.py": "import shop\n\n\ndef test_price():\n    assert shop.price(100, 20) == 120\n",
}
ON = {"SELFIMPROVE_TESTS__WRITE": "true", "SELFIMPROVE_TESTS__RUNS": "2", "SELFIMPROVE_TESTS__MUTATIONS": "2"}
QUICK = {"SELFIMPROVE_CHECK__RERUNS": "0", "SELFIMPROVE_TESTS__MUTATIONS": "1"}
EDIT = "COMMIT: Refuse a negative rate\n\n" + block(
    "shop.py",
    "    return net * (100 + rate) // 100\n",
    "    if rate < 0:\n        raise ValueError('negative rate')\n    return net * (100 + rate) // 100\n",
)
GOOD = """\
import pytest

import shop


def test_a_negative_rate_is_refused():
    with pytest.raises(ValueError, match="negative"):
        shop.price(100, -1)


def test_no_rate_is_no_tax():
    assert shop.price(100, 0) == 100
"""
PATH = "tests/features/test_one.py"


def file(text: str, path: str = PATH) -> str:
    """A reply that holds one whole file."""
    return f"Here it is.\n\nFILE: {path}\n```python\n{text}```\n"


def written(
    made: Project,
    answers: Sequence[str],
    env: Mapping[str, str] | None = None,
    edits: Sequence[str] = (EDIT,),
    **task: Any,
) -> tuple[Any, Mapping[str, Any]]:
    """Run one task with tests switched on; return how it ended, and the outcome."""
    entries = [{"purpose": "edit", "reply": text} for text in edits]
    entries += [{"purpose": "write_tests", "reply": text} for text in answers]
    variables = made.replies(*entries) | ON | dict(env or {})
    done = do(
        made, [prompt("one", **{"category": "features", "files": ["shop.py"]} | task)], {}, env=variables
    )
    return done, done.outcomes["one"]


def fact(outcome: Mapping[str, Any]) -> str:
    """What the outcome says of the tests that were written."""
    return next((one["summary"] for one in outcome["checks"] if one["name"] == "tests written"), "")


def test_good_tests_are_committed_with_what_they_showed(project: Make) -> None:
    made = project(SHOP)
    done, outcome = written(made, [file(GOOD)])
    assert done.code == 0, done.err
    jsonschema.validate(done.answer, schema("run"))
    assert blob(made, PATH).decode() == GOOD
    assert outcome["groups"]["features"] | {"output": ""} == {
        "total": 2,
        "passed": 2,
        "failed": 0,
        "errors": 0,
        "output": "",
        "paths": [PATH],
    }
    assert "2 passed" in outcome["groups"]["features"]["output"]
    assert fact(outcome) == f"2 tests in {PATH}, 1 failing without the change, 2 of 2 spoilt lines noticed"
    trailers = made.git(
        "log", "-1", "--format=%(trailers:key=Selfimprove-Check,valueonly)", "selfimprove/run-1"
    )
    assert "tests written: 2 tests" in trailers


def test_what_is_wrong_goes_back_once_and_then_comes_out(project: Make) -> None:
    """The first answer is trivially true; of the second, one test is wrong: it is taken out and the rest is kept."""
    made = project(SHOP)
    weak = "import shop\n\n\ndef test_price():\n    assert isinstance(shop.price(1, 2), int)\n"
    second = GOOD + "\n\ndef test_wrong():\n    assert shop.price(100, 0) == 7\n"
    done, outcome = written(made, [file(weak), file(second)])
    assert done.code == 0, done.err
    assert blob(made, PATH).decode() == GOOD
    assert fact(outcome).endswith("2 of 2 spoilt lines noticed, 1 taken out")
    first, again = questions(made)
    assert "PATCH" in first and "+        raise ValueError('negative rate')" in first
    assert "tests/features/test_one.py" in first and "def test_price" in first  # how tests look here
    assert "No test fails on the code as it was before the change" in again
    assert "isinstance(shop.price(1, 2), int)" in again


def questions(made: Project) -> list[str]:
    """What was asked of the model for tests, in order."""
    with sqlite3.connect(made.root / ".selfimprove" / "state.db") as base:
        asked = [json.loads(row[0]) for row in base.execute("SELECT ask FROM exchanges ORDER BY at")]
    return [ask["messages"][1]["content"] for ask in asked if ask["purpose"] == "write_tests"]


def test_a_change_goes_on_without_tests_that_never_hold(project: Make) -> None:
    made = project(SHOP)
    lie = file(GOOD).replace("import pytest\n", "import pytest, no_such_module\n")
    done, outcome = written(made, [lie, file(GOOD, "shop.py")])
    assert done.code == 0, done.err
    assert commits(made) == ["Refuse a negative rate"]
    assert made.git("ls-tree", "--name-only", "-r", "selfimprove/run-1", "tests") == "tests/test_shop.py"
    assert fact(outcome).startswith("none for features: The answer could not be used: ")
    assert f"only {PATH} may be written" in fact(outcome)
    assert outcome["groups"] == {}


NAMED = """\
import shop


def test_total_of_three():
    assert shop.total([1, 2, 3]) == 6


def test_total_of_none():
    assert shop.total([]) == 0
"""


def named(made: Project, answers: Sequence[str]) -> Any:
    """Run a task that names a test file which does not exist."""
    entries = [{"purpose": "write_tests", "reply": text} for text in answers]
    return do(
        made,
        [prompt("cover", files=["checks/total_test.py"], title="Cover total")],
        {},
        env=made.replies(*entries) | ON,
    )


def test_a_goal_that_names_a_test_file_gets_it_and_nothing_else(project: Make) -> None:
    made = project(SHOP)
    done = named(made, [file(NAMED, "checks/total_test.py")])
    assert done.code == 0, done.err
    outcome = done.outcomes["cover"]
    assert made.git("diff", "--name-only", "main", "selfimprove/run-1") == "checks/total_test.py"
    assert blob(made, "checks/total_test.py").decode() == NAMED
    assert "spoilt lines noticed" in fact(outcome)
    assert outcome["groups"]["features"]["passed"] == 2


def test_a_goal_whose_tests_notice_nothing_fails_with_the_reason(project: Make) -> None:
    made = project(SHOP)
    empty = "import shop\n\n\ndef test_total():\n    assert shop.total([]) is not ...\n"
    done = named(made, [file(empty, "checks/total_test.py")] * 2)
    assert done.code == 1
    outcome = done.outcomes["cover"]
    assert outcome["code"] == "tests_refused"
    assert "no test notices that the code is wrong" in outcome["reason"]
    assert len(questions(made)) == 2


TOTAL = {
    **SHOP,
    "tests/test_shop.py": SHOP["tests/test_shop.py"]
    + "\n\ndef test_total():\n    assert shop.total([1, 2]) == 3\n",
}


def test_a_repair_keeps_the_tests_and_pays_for_no_others(project: Make) -> None:
    """The first edit also breaks ``total``; the second mends that, and tries to change the new test."""
    made = project(TOTAL)
    first = EDIT + "\n" + block("shop.py", "    result = 0\n", "    result = 1\n")
    second = block("shop.py", "    result = 1\n", "    result = 0\n")
    second += block(PATH, "    assert shop.price(100, 0) == 100\n", "    assert shop.price(100, 0)\n")
    done, outcome = written(made, [file(GOOD)], QUICK, edits=[first, second])
    assert done.code == 0, done.err
    assert outcome["attempts"] == 2
    assert blob(made, PATH).decode() == GOOD
    assert len(questions(made)) == 1


def test_tests_that_disturb_others_are_taken_out_and_the_change_stays(project: Make) -> None:
    """Alone the new file passes; in the whole suite it leaves behind what makes an old test fail."""
    made = project(TOTAL)
    body = "    vars(shop).update(total=lambda prices: 1)\n    assert shop.total([1]) == 1\n"
    spoiler = f"{GOOD}\n\ndef test_total_of_one():\n{body}"
    done, outcome = written(made, [file(spoiler)] * 2, QUICK)
    assert done.code == 0, done.err
    assert commits(made) == ["Refuse a negative rate"]
    assert made.git("ls-tree", "--name-only", "-r", "selfimprove/run-1", "tests") == "tests/test_shop.py"
    assert fact(outcome).startswith("none: taken out, since tests failed")


def test_a_server_that_answers_too_much_is_asked_once_more(project: Make) -> None:
    made = project(SHOP)
    with OpenAIServer([EDIT, "x" * 10_000_000, file(GOOD)]) as server:
        env = {
            **QUICK,
            "SELFIMPROVE_LLM__BACKEND": "litellm",
            "SELFIMPROVE_LLM__BASE_URL": server.url,
            "SELFIMPROVE_LLM__MODEL": "openai/author",
            "OPENAI_API_KEY": "sk-test-0123456789",
        }
        done, outcome = written(made, [], env)
        asked = [request.body["messages"][1]["content"] for request in server.requests]
    assert done.code == 0, done.err
    assert blob(made, PATH).decode() == GOOD, fact(outcome)
    assert len(asked) == 3 and "OUTPUT" in asked[2]
