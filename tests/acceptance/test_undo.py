"""`selfimprove undo`: commits leave our branches or are reverted, nothing is lost, and twice is as once."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from executor_rig import block, commits, do, has_branch, leftovers, prompt
from selfimprove.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

    Make = Callable[..., Project]

FILES = {"a.py": "A = 1\n", "b.py": "B = 1\n", ".gitignore": "tasks.yml\n"}
BRANCH = "selfimprove/run-1"


def change(name: str, new: int = 2, old: int = 1) -> str:
    """The reply that sets a file's value."""
    return f"COMMIT: Set {name}\n\n" + block(
        f"{name}.py", f"{name.upper()} = {old}\n", f"{name.upper()} = {new}\n"
    )


@pytest.fixture
def made(project: Make) -> Project:
    """A project with a run of three commits, the third on top of the first's lines."""
    made = project(FILES)
    tasks = [prompt("a"), prompt("b"), prompt("more", dependencies=["a", "b"])]
    done = do(made, tasks, {"a": change("a"), "b": change("b"), "more": change("a", 3, 2)})
    assert done.code == 0, done.err
    return made


def undo(made: Project, *args: str, code: int = 0) -> dict[str, Any]:
    """Undo, and return the answer's data."""
    result = made.run("undo", *args, "--format", "json")
    assert result.code == code, result.err
    assert leftovers(made) == []
    document = json.loads(result.out)
    jsonschema.validate(document, schema("undo"))
    return dict(document["data"] or document["error"])


def statuses(made: Project) -> dict[str, str]:
    """The status of each task in tasks.yml."""
    return {task["id"]: task.get("status", "pending") for task in yaml.safe_load(made.read("tasks.yml"))}


def test_a_run_is_taken_back_and_can_be_had_again(made: Project) -> None:
    tip, before = made.git("rev-parse", BRANCH), made.state()
    planned = undo(made, "1", "--dry-run")
    assert len(planned["taken"]) == 3
    assert made.git("rev-parse", BRANCH) == tip
    done = undo(made, "1")
    assert [one["commit"] for one in done["taken"]] == [one["commit"] for one in planned["taken"]]
    assert not has_branch(made)
    kept = done["taken"][0]["kept"]
    assert made.git("rev-parse", kept) == tip
    assert set(statuses(made).values()) == {"pending"}
    after = made.state()
    assert {key: value for key, value in after.items() if key != "refs"} == {
        key: value for key, value in before.items() if key != "refs"
    }
    assert undo(made, "1")["taken"] == []
    made.git("branch", "-f", BRANCH, kept)
    assert commits(made) == ["Set a", "Set b", "Set a"]


def test_a_task_is_taken_out_of_the_middle_or_says_what_needs_it(made: Project) -> None:
    error = undo(made, "a", code=2)
    assert "what came later needs what is to go" in error["message"]
    assert commits(made) == ["Set a", "Set b", "Set a"]
    done = undo(made, "b", "--then", "skipped")
    assert [one["subject"] for one in done["taken"]] == ["Set b"]
    assert commits(made) == ["Set a", "Set a"]
    assert made.git("show", f"{BRANCH}:b.py") == "B = 1"
    assert statuses(made) == {"a": "done", "b": "skipped", "more": "done"}
    made.run("verify", BRANCH, check=0)
    assert [one["subject"] for one in undo(made, "more")["taken"]] == ["Set a"]
    assert commits(made) == ["Set a"]


def test_merged_commits_are_reverted_beside_uncommitted_work(made: Project) -> None:
    made.git("merge", "-q", BRANCH)
    made.write("mine.txt", "mine\n")
    made.write("b.py", "B = 'mine'\n")
    done = undo(made, "1")
    assert done["reverts"] == "selfimprove/undo-run-1"
    assert (made.read("mine.txt"), made.read("b.py")) == ("mine\n", "B = 'mine'\n")
    assert made.git("diff", "--stat", "main~3", "selfimprove/undo-run-1") == ""
    first = made.git("rev-parse", "selfimprove/undo-run-1")
    made.git("checkout", "-q", "b.py")
    again = undo(made, "1", "--land", "merge")
    assert (again["landed"], again["tasks"]) == ("main", [])
    assert made.git("rev-parse", "main") == first
    assert (made.read("a.py"), made.read("b.py")) == ("A = 1\n", "B = 1\n")
    assert undo(made, "1")["taken"] == []


def test_names_that_there_are_not_and_work_of_others(made: Project) -> None:
    for words, said in (
        (["9"], "there is no run 9"),
        (["aa"], "there is no run and no task aa"),
        (["mor"], "there is no run and no task mor"),
    ):
        result = made.run("undo", *words)
        assert result.code == 2
        assert said in result.err
        assert len(result.err.strip().splitlines()) in (2, 3)
    made.git("switch", "-q", BRANCH)
    assert "is checked out" in undo(made, "1", code=2)["message"]
    made.write("b.py", "B = 9\n")
    made.git("commit", "-qam", "Mine")
    made.git("switch", "-q", "main")
    assert "(Mine), which is not from selfimprove" in undo(made, "1", code=2)["message"]
    assert commits(made)[-1] == "Mine"


def test_killed_and_typed_again_it_ends_the_same(made: Project) -> None:
    for wait in (0.3, 0.8, 1.3, 1.8):
        child = made.start("undo", "1")
        time.sleep(wait)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    undo(made, "1")
    assert not has_branch(made)
    assert set(statuses(made).values()) == {"pending"}
    kept = made.git("for-each-ref", "--format=%(objectname)", "refs/selfimprove/undone/").split()
    assert len(kept) == 1
    assert made.git("log", "--format=%s", f"main..{kept[0]}").splitlines() == ["Set a", "Set b", "Set a"]
