"""`selfimprove tasks`: what a person can do to the list, and that their own words in it stay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TANGLED = "def tangled(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(1, 17))
MINE = """\
# our work, by urgency
tasks:
  - {id: lint, command: "ruff check ."}   # fast

  - id:     docs          # aligned by hand
    prompt: >-
      Write the page
      about parsing.
    files: ['docs/parsing.md']
    status: failed
"""


def test_list_and_show(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": MINE})
    assert [line.split()[0] for line in here.run("tasks", "list").out.splitlines()] == [
        "task",
        "lint",
        "docs",
    ]
    assert here.run("tasks", "list", "--status", "failed").out.count("\n") == 2
    page = here.run("tasks", "show", "docs", check=0).out
    assert "Write the page about parsing." in page and "docs/parsing.md" in page
    wrong = here.run("tasks", "show", "dosc", check=2)
    assert "did you mean docs?" in wrong.err
    assert here.read("tasks.yml") == MINE


def test_changes_keep_what_a_person_wrote(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": MINE})
    here.run("tasks", "edit", "lint", "--priority", "9", "--cost", "2.5", check=0)
    here.run("tasks", "retry", "docs", "--allow", "mkdocs.yml", check=0)
    here.run("tasks", "skip", "lint", check=0)
    here.run("tasks", "reject", "docs", "--reason", "goes away: in May", check=0)
    text = here.read("tasks.yml")
    for kept in (
        "# our work, by urgency\ntasks:\n",
        "# fast\n\n",
        "id:     docs          # aligned by hand",
        "prompt: >-\n      Write the page\n      about parsing.\n",
    ):
        assert kept in text, text
    tasks = {
        task["id"]: task for task in json.loads(here.run("tasks", "list", "-f", "json").out)["data"]["tasks"]
    }
    assert (tasks["lint"]["priority"], tasks["lint"]["cost"], tasks["lint"]["status"]) == (9, 2.5, "skipped")
    assert tasks["docs"]["files"] == ["docs/parsing.md", "mkdocs.yml"]
    assert (tasks["docs"]["status"], tasks["docs"]["rejected"]) == ("skipped", "goes away: in May")
    here.run("tasks", "retry", "docs", check=0)
    task = json.loads(here.run("tasks", "show", "docs", "-f", "json").out)["data"]["task"]
    assert (task["status"], task["rejected"]) == ("pending", None)


def test_allow_on_a_task_that_may_change_anything_keeps_that(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": "- id: a\n  prompt: b\n  status: failed\n"})
    here.run("tasks", "retry", "a", "--allow", "setup.py", check=0)
    task = json.loads(here.run("tasks", "show", "a", "-f", "json").out)["data"]["task"]
    assert task["status"] == "pending" and "setup.py" in task["files"]


def test_add(project: Callable[..., Any]) -> None:
    here = project()
    here.run("tasks", "add", "Split the parser", "-p", "Split it: in 'two'\nparts", "--file", "a.py", check=0)
    here.run(
        "tasks",
        "add",
        "check",
        "-c",
        "pytest -q",
        "--depends-on",
        "split-the-parser",
        "--priority",
        "2",
        check=0,
    )
    tasks = json.loads(here.run("tasks", "list", "-f", "json").out)["data"]["tasks"]
    assert [task["id"] for task in tasks] == ["split-the-parser", "check"]
    assert tasks[0]["title"] == "Split the parser" and tasks[0]["prompt"] == "Split it: in 'two'\nparts"
    assert tasks[1]["dependencies"] == ["split-the-parser"]
    before = here.read("tasks.yml")
    wrong = here.run("tasks", "add", "more", "-c", "true", "--depends-on", "chekc", check=2)
    assert 'did you mean "check"?' in wrong.err
    assert (
        here.run("tasks", "edit", "split-the-parser", "--depends-on", "check", check=2).err.count("->") == 2
    )
    assert here.run("tasks", "skip", "check", "nope", check=2).err.startswith("error: there is no task nope")
    assert here.read("tasks.yml") == before


def test_a_rejected_finding_never_comes_back(project: Callable[..., Any]) -> None:
    here = project({"src/app.py": TANGLED})
    here.run("plan", check=0)
    name = json.loads(here.run("tasks", "list", "-f", "json").out)["data"]["tasks"][0]["id"]
    here.run("tasks", "reject", name, "--reason", "a table by nature", check=0)
    before = here.read("tasks.yml")
    here.write("src/app.py", "import os\n\n\n" + TANGLED)
    assert "this audit adds none" in here.run("plan", check=0).out
    assert "0 tasks" in here.run("plan", "--dry-run", check=0).out
    here.run("run", check=0)
    assert here.read("tasks.yml") == before
    assert "1 is already a task" in here.run("audit", check=1).out


def test_import_of_older_goals(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": "# mine\n- id: '7'\n  command: 'true'\n"})
    pending = [
        {"id": 7, "description": "is there already", "prompt": "x"},
        {
            "id": 8,
            "description": "Add a parser",
            "filename": "src/parser.py",
            "prompt": "Write src/parser.py",
            "dependencies": [7],
            "status": "pending",
        },
        {"id": "docs", "description": "Describe it", "dependencies": [], "status": "completed"},
    ]
    here.write("goals.json", json.dumps(pending))
    here.write("completed_goals.json", json.dumps([{"id": 5, "description": "Began", "prompt": "Begin"}]))
    result = here.run("tasks", "import", "goals.json", check=0)
    assert result.err == "3 goals read, 2 new\n"
    here.run("tasks", "import", "completed_goals.json", check=0)
    assert here.run("tasks", "import", "goals.json", check=0).err == "3 goals read, 0 new\n"
    tasks = json.loads(here.run("tasks", "list", "-f", "json").out)["data"]["tasks"]
    shown = [(t["id"], t["status"], t["files"], t["dependencies"], t["source"]) for t in tasks]
    assert shown == [
        ("7", "pending", [], [], None),
        ("8", "pending", ["src/parser.py"], ["7"], "import"),
        ("docs", "done", [], [], "import"),
        ("5", "done", [], [], "import"),
    ]
    assert here.read("tasks.yml").startswith("# mine\n- id: '7'\n")
    assert json.loads(here.read("goals.json")) == pending


def test_import_of_a_broken_file(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": "- id: a\n  command: 'true'\n"})
    before = here.read("tasks.yml")
    goal = {"id": 1, "prompt": "x"}
    for text, where in (
        ('[\n {"id": 1,\n  "prompt": }\n]', "goals.json:3"),
        ("{}", "goals.json"),
        ('"text"', "goals.json"),
        (json.dumps([goal, {"prompt": "no id"}]), "goal 2"),
        (json.dumps([goal, goal]), "goals.json"),
        (json.dumps([goal | {"status": "lost"}]), "goal 1"),
        (json.dumps([{"id": 1}]), "goal 1"),
        (json.dumps([goal | {"dependencies": ["gone"]}]), "tasks.yml"),
        ("[" * 100_000, "goals.json"),
        ("\x00\x01", "goals.json"),
    ):
        here.write("goals.json", text)
        result = here.run("tasks", "import", "goals.json", check=2)
        assert result.err.count("\n") == 3 and where in result.err.split("\n")[1], (text[:50], result.err)
    assert here.read("tasks.yml") == before
