"""Tests that a model writes for a change, and those that a task names: kept when they stand, and never in the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jsonschema

from executor_rig import blob, block, do, prompt
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
    made: Project, answers: Sequence[str], env: Mapping[str, str] | None = None, **task: Any
) -> tuple[Any, Mapping[str, Any]]:
    """Run one task with tests switched on; return how it ended, and the outcome."""
    entries = [{"purpose": "edit", "reply": EDIT}]
    entries += [{"purpose": "write_tests", "reply": text} for text in answers]
    variables = made.replies(*entries) | {"SELFIMPROVE_TESTS__WRITE": "true"} | dict(env or {})
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
