"""Every command's answer: exit code, one JSON document that its schema allows, and each stream for its own purpose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from selfimprove.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Callable

TANGLED = "def tangled(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(1, 17))
TASKS = "- id: one\n  command: echo hello\n- id: two\n  command: 'true'\n  dependencies: [one]\n"
FORMATS = {"audit": "audit", "plan": "plan", "run": "run"}


def _document(result: Any, command: str, code: int) -> dict[str, Any]:
    """Return the one JSON document of stdout, after holding it against the schemas that ship."""
    assert result.code == code, (result.code, result.out, result.err)
    document: dict[str, Any] = json.loads(result.out)
    jsonschema.validate(document, schema("envelope"))
    if name := FORMATS.get(command):
        jsonschema.validate(document, schema(name))
    assert document["command"] == command
    assert document["exit_code"] == code
    assert document["ok"] is (code == 0)
    return document


ANSWERS = [
    (["audit"], "audit", 1),
    (["audit", "--fail-on", "error"], "audit", 0),
    (["plan", "--dry-run"], "plan", 0),
    (["plan", "--check"], "plan", 1),
    (["plan", "--show-prompt", "two"], "plan", 0),
    (["run", "one"], "run", 0),
    (["run", "--no-audit", "--max-tasks", "1"], "run", 5),
    (["tasks", "list"], "tasks list", 0),
    (["tasks", "show", "one"], "tasks show", 0),
    (["tasks", "add", "three", "-c", "true"], "tasks add", 0),
    (["tasks", "edit", "one", "--priority", "3"], "tasks edit", 0),
    (["tasks", "skip", "one"], "tasks skip", 0),
    (["tasks", "reject", "one"], "tasks reject", 0),
    (["tasks", "retry", "one"], "tasks retry", 0),
    (["status"], "status", 0),
    (["history"], "history", 0),
    (["doctor"], "doctor", 0),
    (["config", "show", "--origin"], "config show", 0),
    (["config", "get", "budget.units"], "config get", 0),
    (["config", "set", "budget.units", "3"], "config set", 0),
    (["config", "path"], "config path", 0),
    (["config", "schema"], "config schema", 0),
    (["init", "--yes"], "init", 0),
    (["init", "--ci", "github"], "init", 0),
]


@pytest.mark.parametrize(("words", "command", "code"), ANSWERS, ids=lambda value: str(value))
def test_one_document(project: Callable[..., Any], words: list[str], command: str, code: int) -> None:
    here = project({"src/app.py": TANGLED, "tasks.yml": TASKS})
    if "--show-prompt" in words:
        here.write("tasks.yml", TASKS + "- id: three\n  prompt: Better\n")
        words = [*words[:-1], "three"]
    document = _document(here.run(*words, "--format", "json"), command, code)
    assert document["error"] is None
    assert document["data"]


REFUSALS = [
    (["audit", "--nope"], "audit", 2),
    (["audit", "--fail-on", "nope"], "audit", 2),
    (["audit", "no/such/file.py"], "audit", 2),
    (["plan", "--budget", "much"], "plan", 2),
    (["plan", "--show-prompt", "nope"], "plan", 2),
    (["run", "nope"], "run", 2),
    (["run", "--resume", "77"], "run", 2),
    (["run", "--approve", "each"], "run", 2),
    (["nope"], "selfimprove", 2),
    ([], "selfimprove", 2),
    (["tasks"], "tasks", 2),
    (["tasks", "nope"], "tasks", 2),
    (["tasks", "show", "nope"], "tasks show", 2),
    (["tasks", "add", "x"], "tasks add", 2),
    (["tasks", "add", "one", "-c", "true"], "tasks add", 2),
    (["tasks", "add", "x", "-c", "true", "--depends-on", "nope"], "tasks add", 2),
    (["tasks", "edit", "one"], "tasks edit", 2),
    (["tasks", "skip"], "tasks skip", 2),
    (["tasks", "list", "--status", "nope"], "tasks list", 2),
    (["tasks", "import", "no-such.json"], "tasks import", 2),
    (["history", "x"], "history", 2),
    (["history", "9"], "history", 2),
    (["status", "-C", "nowhere"], "status", 2),
    (["config", "get", "nope"], "config get", 2),
    (["config", "set", "budget.units", "many"], "config set", 2),
    (["doctor", "--color", "pink"], "doctor", 2),
    (["status", "--config", "no-such.yaml"], "status", 2),
]


@pytest.mark.parametrize(("words", "command", "code"), REFUSALS, ids=lambda value: str(value))
def test_refusals(project: Callable[..., Any], words: list[str], command: str, code: int) -> None:
    here = project({"src/app.py": TANGLED, "tasks.yml": TASKS})
    before = here.read("tasks.yml")
    result = here.run(*words, "-f", "json")
    document = _document(result, command, code)
    assert document["data"] is None
    assert all(document["error"][name] for name in ("code", "message", "hint", "where")), document
    lines = result.err.strip().split("\n")
    assert len(lines) == 3
    assert lines[0].startswith("error: ") and lines[1].startswith("  ") and lines[2].startswith("hint: ")
    assert here.read("tasks.yml") == before


def test_a_failed_task_is_1_and_stronger_than_a_limit_and_a_key(project: Callable[..., Any]) -> None:
    here = project(
        {"tasks.yml": "- id: bad\n  command: exit 7\n  priority: 9\n- id: ask\n  prompt: Better\n"}
    )
    document = _document(here.run("run", "--format", "json"), "run", 1)
    assert document["error"] is None
    assert [outcome["code"] for outcome in document["data"]["outcomes"]] == ["command_failed"]
    _document(here.run("run", "-f", "json", "--max-tasks", "1"), "run", 4)
    here.write("tasks.yml", TASKS + "- id: ask\n  prompt: Better\n")
    _document(here.run("run", "-f", "json", "--max-tasks", "1"), "run", 5)


def test_a_missing_key_is_4_after_what_needs_none(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": TASKS + "- id: ask\n  prompt: Better\n- id: ask2\n  prompt: Better\n"})
    result = here.run("run", "--format", "json")
    document = _document(result, "run", 4)
    assert document["error"]["code"] == "needs_key"
    assert [outcome["status"] for outcome in document["data"]["outcomes"]] == ["done", "done"]
    assert "error: 2 tasks need a model" in result.err
    assert "ANTHROPIC_API_KEY" in result.err and "selfimprove demo" in result.err


def test_jsonl_of_a_run(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": TASKS})
    result = here.run("run", "--no-audit", "--format", "jsonl", check=0)
    lines = [json.loads(line) for line in result.out.splitlines()]
    names = [line.get("event") for line in lines]
    assert names == ["RunStarted", *["TaskStarted", "StepEnded", "TaskEnded"] * 2, None]
    assert lines[-1]["command"] == "run" and lines[-1]["ok"]
    jsonschema.validate(lines[-1], schema("run"))
    here.run("run", "--no-audit", "-f", "jsonl", "--output", "out.jsonl", check=0)
    assert json.loads(here.read("out.jsonl").splitlines()[-1])["exit_code"] == 0
    wrong = here.run("run", "-f", "jsonl", "nope", check=2)
    assert json.loads(wrong.out)["error"]["code"] == "usage" and wrong.out.count("\n") == 1


def test_output_goes_to_a_file(project: Callable[..., Any]) -> None:
    here = project({"src/app.py": TANGLED, "tasks.yml": TASKS})
    for words, mark in (
        (["audit"], "complexity"),
        (["audit", "-f", "json"], '"findings"'),
        (["audit", "-f", "markdown"], "| Place"),
        (["tasks", "list"], "two"),
        (["config", "get", "llm.timeout"], "600"),
        (["init", "--ci", "github"], "jobs:"),
        (["config", "schema"], "properties"),
    ):
        result = here.run(*words, "--output", "new/answer")
        assert result.out == "" and result.code in (0, 1)
        assert mark in here.read("new/answer"), words
    wrong = here.run("audit", "--output", "tasks.yml/x", "-f", "json", check=2)
    assert json.loads(wrong.out)["error"]["where"] == "tasks.yml/x"


def test_streams_are_apart(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": TASKS, "more.txt": "x"})
    here.write("more.txt", "y")
    result = here.run("run", "--no-audit", check=0)
    assert result.out.startswith("2 done.") and "[1/2] one" not in result.out
    assert result.err.split("\n")[:3] == [
        "note: 1 uncommitted file stays yours; changes start from the last commit",
        "run 1 on branch selfimprove/run-1; your own commands run in your working tree, nothing else touches it.",
        "[1/2] one",
    ]
    here.run("tasks", "retry", "one", "two", check=0)
    quiet = here.run("run", "--no-audit", "-q", check=0)
    assert quiet.err == "" and quiet.out.startswith("2 done.")


def test_a_job_summary_in_github_actions(project: Callable[..., Any]) -> None:
    here = project({"src/app.py": TANGLED, "tasks.yml": TASKS})
    page = here.root.parent / "summary.md"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    page.write_text("before\n")
    here.run("audit", env=env, check=1)
    here.run("run", "one", "--format", "json", env=env, check=0)
    here.run("plan", "--dry-run", env=env, check=0)
    text = page.read_text()
    assert text.startswith("before\n## Audit\n") and "## Run\n" in text and "## Plan" not in text
    here.run("audit", env=env | {"GITHUB_ACTIONS": ""}, check=1)
    assert page.read_text() == text
    lost = here.run("audit", env=env | {"GITHUB_STEP_SUMMARY": "/no/such/folder/x"}, check=1)
    assert "warning: the job summary cannot be written" in lost.err


def test_the_ci_workflow_is_yaml(project: Callable[..., Any]) -> None:
    here = project(commit=False)
    before = sorted(here.root.iterdir())
    workflow = yaml.safe_load(here.run("init", "--ci", "github", check=0).out)
    assert any("selfimprove audit" in step.get("run", "") for step in workflow["jobs"]["audit"]["steps"])
    assert sorted(here.root.iterdir()) == before


def test_init_writes_once_and_never_over(project: Callable[..., Any]) -> None:
    here = project()
    assert here.run("init", check=0).out.count("made ") == 3
    here.write("tasks.yml", TASKS)
    config = here.read(".selfimprove/config.yaml")
    assert config.count("#") > 20
    again = here.run("init", check=0).out
    assert again.count("kept ") == 3 and "made " not in again
    assert here.read("tasks.yml") == TASKS
    exclude = here.read(".git/info/exclude")
    assert exclude.count("/.selfimprove/") == 1 and exclude.count("/logs/") == 1
    assert not (here.root / ".gitignore").exists()


def test_doctor_says_what_mends(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": TASKS})
    before = here.state()
    rows = json.loads(here.run("doctor", "-f", "json", check=0).out)["data"]["checks"]
    assert {"python", "git", "repository", "tasks.yml", "model"} <= {row["name"] for row in rows}
    assert all(row["ok"] or row["mend"] for row in rows)
    here.write("tasks.yml", "- id: a\n  command: x\n  dependencies: [b]\n")
    result = here.run("doctor", check=1)
    assert "✗ tasks.yml" in result.out and 'needs "b"' in result.out and "tasks.yml:1" in result.out
    here.write(".selfimprove/config.yaml", "selfimprove: {budgte: 1}\n")
    assert "✗ configuration" in here.run("doctor", check=1).out
    assert here.state() == before
    assert "✗ repository" in here.run("doctor", "-C", str(here.root.parent), check=1).out
    bare = here.run("doctor", env={"PATH": "/nowhere"}, check=1).out
    assert "✗ git" in bare and "apt-get install git" in bare


def test_config_says_where_a_value_comes_from(project: Callable[..., Any]) -> None:
    here = project()
    here.run("config", "set", "budget.units", "7", check=0)
    assert here.run("config", "get", "budget.units", check=0).out == "7\n"
    shown = here.run("config", "show", "--origin", env={"SELFIMPROVE_BUDGET__DOLLARS": "2"}, check=0).out
    assert "config.yaml" in next(line for line in shown.splitlines() if line.startswith("budget.units "))
    assert "SELFIMPROVE_BUDGET__DOLLARS" in shown
    assert "config.yaml" in here.run("config", "path", check=0).out
    jsonschema.Draft202012Validator.check_schema(json.loads(here.run("config", "schema", check=0).out))
    other = here.write("sub/other.yaml", "selfimprove: {budget: {units: 9}}\n")
    assert here.run("config", "get", "budget.units", "--config", str(other)).out == "9\n"
    assert here.run("config", "get", "budget.units", "-C", "sub", "--config", "other.yaml").out == "9\n"


def test_history_and_status(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": TASKS})
    assert here.run("history", check=0).out == "No runs yet.\n"
    here.run("run", "--no-audit", check=0)
    assert "2 done" in here.run("history", check=0).out
    record = _document(here.run("history", "1", "-f", "json"), "history", 0)["data"]
    assert [step["name"] for step in record["steps"]] == ["command", "command"]
    assert "exit code 0" in here.run("history", "1", check=0).out
    assert here.run("status", check=0).out.startswith("tasks   2 done\nrun 1   finished: 2 done")
