"""The whole way from code to tasks.yml and back, with the real commands in a real repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

MINE = """\
# My own list.
tasks:
  - id: mine     # keep
    title: "A task of mine"
    command: 'true'

  # generated below
"""


def branchy(complexity: int, name: str = "f") -> str:
    return f"def {name}(a):\n" + "    if a:\n        a -= 1\n" * (complexity - 1) + "    return a\n\n\n"


def changes(project: Project, *flags: str, code: int = 0) -> dict[str, list[str]]:
    answer = json.loads(project.run("plan", "--format", "json", *flags, check=code).out)
    found: dict[str, list[str]] = answer["data"]["changes"]
    return {name: ids for name, ids in found.items() if ids}


def tasks(project: Project) -> dict[str, Any]:
    data = yaml.safe_load(project.read("tasks.yml"))
    return {task["id"]: task for task in data["tasks"]}


def test_plan_brings_tasks_in_line_with_the_code(project: Callable[..., Project]) -> None:
    made = project({"app.py": branchy(20) + branchy(20, "g"), "tasks.yml": MINE})
    first = {"new": ["refactor-app-f", "refactor-app-g"]}
    assert changes(made, "--dry-run") == first
    assert made.read("tasks.yml") == MINE
    assert changes(made) == first
    assert made.read("tasks.yml").startswith(MINE.rstrip().removesuffix("# generated below").rstrip())
    written = made.read("tasks.yml")
    assert changes(made) == {}
    assert made.read("tasks.yml") == written

    made.write("app.py", branchy(22) + branchy(3, "g") + branchy(16, "h"))
    second = {"new": ["refactor-app-h"], "updated": ["refactor-app-f"], "closed": ["refactor-app-g"]}
    assert changes(made, "--check", code=1) == second
    assert made.read("tasks.yml") == written
    said = made.run("plan", check=0).err
    assert "refactor-app-g is done: its finding is gone" in said
    assert "tasks.yml: 1 new, 1 updated, 1 closed" in said
    now = tasks(made)
    assert now["refactor-app-f"]["description"] == "f has cyclomatic complexity 22, limit 15"
    assert now["refactor-app-g"]["status"] == "done"
    assert made.read("tasks.yml").startswith("# My own list.\ntasks:\n  - id: mine     # keep\n")

    made.write("app.py", branchy(22) + branchy(30, "g") + branchy(16, "h"))
    assert changes(made) == {"reopened": ["refactor-app-g"]}
    assert changes(made) == {}


def test_check_counts_a_task_that_only_closes(project: Callable[..., Project]) -> None:
    made = project({"app.py": branchy(20)})
    made.run("plan", check=0)
    made.write("app.py", branchy(3))
    assert changes(made, "--check", code=1) == {"closed": ["refactor-app-f"]}
    assert changes(made) == {"closed": ["refactor-app-f"]}
    assert changes(made, "--check") == {}


def test_a_renamed_file_keeps_its_task(project: Callable[..., Project]) -> None:
    made = project({"old.py": branchy(20)})
    made.run("plan", check=0)
    made.git("mv", "old.py", "new.py")
    assert changes(made) == {"updated": ["refactor-old-f"]}
    made.git("commit", "-q", "-a", "-m", "Move")
    assert "closed" not in changes(made)
    (task,) = yaml.safe_load(made.read("tasks.yml"))
    assert task["files"] == ["new.py"]
    assert "new.py" in task["prompt"]
    assert task.get("status", "pending") == "pending"


def test_a_run_closes_what_is_gone_and_lets_what_waits_for_it_start(project: Callable[..., Project]) -> None:
    made = project({"app.py": branchy(20)})
    made.run("plan", check=0)
    made.write("tasks.yml", made.read("tasks.yml") + "- id: after\n  command: echo yes > after.txt\n"
               "  dependencies: [refactor-app-f]\n")  # fmt: skip
    made.write("app.py", branchy(3))
    result = made.run("run", check=0)
    assert "refactor-app-f is done: its finding is gone" in result.err
    assert made.read("after.txt") == "yes\n"
    data = {task["id"]: task["status"] for task in yaml.safe_load(made.read("tasks.yml"))}
    assert data == {"refactor-app-f": "done", "after": "done"}
