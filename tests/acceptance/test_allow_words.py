"""The words that waive vetoes: in tasks.yml, on the command line, and for a whole repository."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from conftest import Project
from executor_rig import PLAIN, block, commits, do, has_branch, prompt

Make = Callable[..., Project]
NEEDS = block("requirements.txt", "", "left-pad\n")


def task_of(made: Project, name: str) -> dict[str, object]:
    """A task as `tasks show` gives it."""
    return json.loads(made.run("tasks", "show", name, "-f", "json", check=0).out)["data"]["task"]


def test_words_on_the_command_line(project: Make) -> None:
    made = project({"tasks.yml": "# ours\n- id: a\n  prompt: b   # kept\n  files: [m.py]\n"})
    made.run("tasks", "add", "new", "-p", "x", "--allow", "dependencies", "--allow", "licence", check=0)
    assert task_of(made, "new")["allow"] == ["dependencies", "licence"]
    assert "allow: [dependencies, licence]" in made.read("tasks.yml")
    assert "dependencies, licence" in made.run("tasks", "show", "new", check=0).out
    made.run("tasks", "edit", "new", "--allow", "binary", check=0)
    assert task_of(made, "new")["allow"] == ["binary"]
    made.run("tasks", "retry", "a", "--allow", "tests_changed", "--allow", "n.py", check=0)
    assert (task_of(made, "a")["allow"], task_of(made, "a")["files"]) == (["tests_changed"], ["m.py", "n.py"])
    assert made.read("tasks.yml").startswith("# ours\n- id: a\n  prompt: b   # kept\n")


def test_a_word_on_retry_leaves_a_task_without_files_free(project: Make) -> None:
    made = project({"tasks.yml": "- id: a\n  prompt: b\n"})
    made.run("tasks", "retry", "a", "--allow", "gutted", check=0)
    assert (task_of(made, "a")["allow"], task_of(made, "a")["files"]) == (["gutted"], [])


def test_a_word_that_is_none(project: Make) -> None:
    made = project({"tasks.yml": "- id: a\n  prompt: b\n"})
    wrong = made.run("tasks", "edit", "a", "--allow", "dependancies", check=2)
    assert "did you mean dependencies?" in wrong.err
    made.write("tasks.yml", "- id: a\n  prompt: b\n  allow:\n    - licence\n    - dependancy\n")
    broken = made.run("tasks", "list", check=2)
    assert 'did you mean "dependencies"?' in broken.err and "tasks.yml:5" in broken.err


@pytest.mark.parametrize("where", ["task", "repository", "nowhere"])
def test_a_waived_veto_lets_the_change_through(project: Make, where: str) -> None:
    made = project(PLAIN)
    fields = {"allow": "dependencies"} if where == "task" else {}
    env = {"SELFIMPROVE_CHECK__ALLOW": '["dependencies"]'} if where == "repository" else {}
    done = do(made, [prompt("one", test_command="true", **fields)], {"one": NEEDS}, env=env)
    if where == "nowhere":
        assert done.outcomes["one"]["code"] == "dependencies"
        assert not has_branch(made)
        assert "to allow it: add `allow: [dependencies]` to the task" in done.reason("one")
        assert "selfimprove tasks retry one" in done.reason("one")
    else:
        assert done.code == 0, done.reason("one")
        assert commits(made) == ["Task one"]
        message = made.git("log", "-1", "--format=%B", "selfimprove/run-1")
        assert "Selfimprove-Allowed: dependencies" in message
