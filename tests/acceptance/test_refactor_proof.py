"""A rewrite without a model is committed only when the tests have run every line that it made."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Project
from executor_rig import commits, has_branch, leftovers
from tangled import FILES, TESTS

Make = Callable[..., Project]


def row_of(made: Project, *args: str) -> tuple[int, dict[str, Any]]:
    """Rewrite one function by hand; return the exit code, and what became of it."""
    before = made.state()
    done = made.run("refactor", "app.py:load", "--format", "json", *args)
    assert done.out, done.err
    assert (made.state(), leftovers(made)) == (before, [])
    [row] = json.loads(done.out)["data"]["functions"]
    return done.code, row


@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_a_rewrite_whose_lines_are_all_run_is_committed(project: Make, sandbox: str) -> None:
    made = project(FILES)
    code, row = row_of(made, "--sandbox", sandbox)
    assert (code, row["status"]) == (0, "done"), row
    assert len(commits(made)) == 1
    covered = row["covered"]
    assert covered["missing"] == []
    assert covered["executed"] == covered["total"] > 5
    record = json.loads(
        next(
            line
            for line in made.git("cat-file", "commit", "selfimprove/run-1").splitlines()
            if "evidence" in line
        ).partition(" ")[2]
    )
    facts = {check["name"]: check for check in record["checks"]}
    assert facts["coverage"]["summary"] == f"{covered['total']} of {covered['total']} new lines run by tests"
    assert facts["functions"]["ok"]
    assert facts["api"]["summary"] == "public names unchanged"


UNTESTED = {
    "m.py": "def size(n: int) -> str:\n    if n > 3:\n        return 'big'\n    else:\n        return 'small'\n",
    "test_m.py": "import m\n\n\ndef test_it():\n    assert m.size\n",
}


def test_what_no_test_runs_is_held_back_with_the_lines(project: Make) -> None:
    made = project(UNTESTED)
    done = made.run("refactor", "m.py:size", "--rewrite", "else-after-return", "--format", "json")
    [row] = json.loads(done.out)["data"]["functions"]
    assert (done.code, has_branch(made) and commits(made)) != (0, [])
    assert row["reason"].startswith("line 5 is not run by any test"), row["reason"]


def test_old_and_new_are_compared_where_inputs_can_be_made(project: Make) -> None:
    tests = UNTESTED["test_m.py"].replace("assert m.size", "assert m.size(1) == 'small'")
    made = project({**UNTESTED, "test_m.py": tests})
    done = made.run("refactor", "m.py:size", "--rewrite", "else-after-return", "--format", "json")
    assert done.code == 0, done.out
    words = made.git("cat-file", "commit", "selfimprove/run-1")
    assert "equal on " in words
    assert " generated inputs" in words


def test_without_tests_nothing_is_proved(project: Make) -> None:
    made = project({name: text for name, text in FILES.items() if text != TESTS})
    code, row = row_of(made)
    assert code != 0
    assert row["status"] != "done"
    assert row["reason"].startswith("unproved: the repository has no tests"), row["reason"]
