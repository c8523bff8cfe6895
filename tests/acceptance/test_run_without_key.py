"""`selfimprove run` with no key: findings become proved commits, and what cannot be done waits with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable

from conftest import Project
from executor_rig import blob, commits, has_branch, leftovers
from tangled import FILES, TANGLED

Make = Callable[..., Project]


def test_a_complex_function_becomes_a_proved_commit(project: Make) -> None:
    made = project(FILES)
    before = made.state()
    done = made.run("run", "--format", "json")
    assert done.code == 0, done.err
    [outcome] = json.loads(done.out)["data"]["outcomes"]
    assert outcome["status"] == "done"
    assert outcome["rewrite"]["rewrites"] == ["extract-function"]
    assert (outcome["dollars"], outcome["tokens"]) == (0, 0)
    assert outcome["metrics"]["before"] > 15
    assert outcome["metrics"]["after"] <= 10
    message = made.git("log", "-1", "--format=%B", "selfimprove/run-1")
    assert "Selfimprove-Rewrite: extract-function\n" in message
    assert f"Selfimprove-Metric: complexity {outcome['metrics']['before']} -> " in message
    assert "Selfimprove-Model" not in message
    assert len(commits(made)) == 1
    assert made.state() == before
    assert leftovers(made) == []
    made.git("merge", "-q", "selfimprove/run-1")
    assert made.run("verify", "HEAD", check=0)
    again = made.run("run", "--format", "json", check=0)
    assert json.loads(again.out)["data"]["outcomes"] == []


def test_two_runs_make_the_same_bytes(project: Make) -> None:
    trees = []
    for seed in ("1", "2"):
        made = project(FILES)
        made.run("run", env={"PYTHONHASHSEED": seed}, check=0)
        trees.append(blob(made, "app.py"))
    assert trees[0] == trees[1] != TANGLED.encode()


def test_what_no_test_runs_waits_for_a_model_with_the_reason(project: Make) -> None:
    made = project(FILES | {"test_app.py": "def test_nothing():\n    import app\n"})
    done = made.run("run", "--format", "json")
    assert done.code == 4, done.err
    answer = json.loads(done.out)
    assert answer["data"]["outcomes"] == []
    assert answer["error"]["code"] == "needs_key"
    [waiting] = answer["data"]["waiting"]
    assert waiting["code"] == "needs_model"
    assert waiting["reason"].startswith("needs a model: ")
    assert waiting["reason"] in done.err or "waits for a model" in done.err
    assert not has_branch(made)
    assert "status: failed" not in made.read("tasks.yml")
    assert leftovers(made) == []


def test_a_task_of_another_kind_still_waits_and_is_not_begun(project: Make) -> None:
    made = project(FILES)
    made.write("tasks.yml", '- {id: docs, title: Docs, prompt: "write docs"}\n')
    done = made.run("run", "--format", "json")
    assert done.code == 4, done.err
    answer = json.loads(done.out)["data"]
    assert [one["status"] for one in answer["outcomes"]] == ["done"], done.err
    assert [(one["id"], one["reason"]) for one in answer["waiting"]] == [
        ("docs", "needs a model, and none is configured")
    ]


def test_the_plan_says_which_tasks_are_tried_without_a_model(project: Make) -> None:
    made = project(FILES)
    made.write("tasks.yml", '- {id: docs, title: Docs, prompt: "write docs"}\n')
    answer = json.loads(made.run("plan", "--dry-run", "--format", "json", check=0).out)["data"]
    assert [(one["id"], one["rewritable"]) for one in answer["next"]] == [("refactor-app-load", True)]
    assert answer["next"][0]["why"].endswith("first without a model")
    assert [(one["id"], one["rewritable"]) for one in answer["waiting"]] == [("docs", False)]


def test_a_message_of_pylint_is_mended_too(project: Make) -> None:
    text = "def size(n):\n    if n > 3:\n        return 'big'\n    else:\n        return 'small'\n"
    tests = "from m import size\n\n\ndef test_size():\n    assert size(4) == 'big'\n    assert size(1) == 'small'\n"
    made = project({"m.py": text, "conftest.py": "", "test_m.py": tests})
    said = 'Unnecessary "else" after "return", remove the "else" and de-indent the code inside it'
    task = {
        "id": "refactor-m-size",
        "title": "Restructure size",
        "description": f"{said} (no-else-return, R1705)",
        "prompt": "Change the code in size (m.py, line 2), so that pylint has no reason for no-else-return there.",
        "files": ["m.py"],
        "category": "refactor",
        "source": "audit",
        "fingerprint": "0123456789abcdef",
    }
    made.write("tasks.yml", json.dumps([task]))
    done = made.run("run", "--no-audit", "--format", "json")
    assert done.code == 0, done.err
    assert commits(made) == ["Unnest the else after a return in size"]
    assert b"else" not in blob(made, "m.py")


def test_a_model_gets_what_no_rewrite_can_do(project: Make) -> None:
    made = project(FILES | {"test_app.py": "def test_nothing():\n    import app\n"})
    simple = '"""Totals of rows."""\n\n\ndef load(rows, mode, limit, strict):\n    return {}, None\n'
    reply = f"COMMIT: Simplify load\n\napp.py\n```python\n{simple}```\n"
    allow = {"SELFIMPROVE_CHECK__ALLOW": '["gutted"]'}
    done = made.run("run", "--format", "json", env=made.replies({"reply": reply}) | allow)
    [outcome] = json.loads(done.out)["data"]["outcomes"]
    assert outcome["rewrite"] == {}
    assert outcome["attempts"] >= 1
    assert "Selfimprove-Rewrite" not in made.git("log", "--all", "--format=%B")
