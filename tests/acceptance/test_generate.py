"""New goals when nothing is left to do: from the person's own words, the commits and the code, held against it."""

from __future__ import annotations

import json

from executor_rig import block
from ideas_rig import CSV, SHELL, SHOP, YAML, said, tasks_of
from openai_server import Answer, OpenAIServer

IDLE = {"SELFIMPROVE_GENERATE__WHEN_IDLE": "true", "SELFIMPROVE_RUN__AUDIT": "false"}
LINE = "            return yaml.load(file, Loader=yaml.Loader)\n"
SAFE = block("shop/store.py", LINE, LINE.replace("yaml.Loader", "yaml.SafeLoader"))


def test_an_idle_run_sets_itself_goals_and_does_them(project):
    shop = project(SHOP)
    shop.write(".selfimprove/master_prompt.txt", "# a remark\nMake the storage safe first.\n")
    goal = YAML | {"category": "security", "files": ["shop/store.py"]}
    edit = "COMMIT: Load safely\n\n" + SAFE
    with OpenAIServer(
        [Answer(said(goal, SHELL | {"category": "security"})), Answer(edit), Answer("no")]
    ) as server:
        env = IDLE | {
            "SELFIMPROVE_LLM__MODEL": "openai/test-model",
            "SELFIMPROVE_LLM__BASE_URL": server.url,
            "OPENAI_API_KEY": "sk-very-secret-0123456789",
            "SELFIMPROVE_GENERATE__PER_RUN": "1",
            "SELFIMPROVE_SANDBOX__DRIVER": "none",
            "SELFIMPROVE_CHECK__TEST_COMMAND": "true",
            "SELFIMPROVE_CHECK__LINT_COMMAND": "true",
        }
        result = shop.run("run", "--format", "json", env=env, timeout=200)
        asked = server.requests[0].body["messages"]
    assert result.code == 0, result.out + result.err
    (task,) = tasks_of(shop)
    assert (task["title"], task["source"], task["category"], task["status"]) == (
        *(YAML["title"], "generate", "security", "done"),
    )
    assert "yaml.SafeLoader" in shop.git("show", "selfimprove/run-1:shop/store.py")
    assert "Make the storage safe first." in asked[0]["content"]
    assert "a remark" not in asked[0]["content"]
    assert "commit " in asked[1]["content"]
    assert "+def total(orders):" in asked[1]["content"]
    steps = json.loads((shop.root / "logs" / "run-1.json").read_text())["steps"]
    assert [one["name"] for one in steps if not one["task_id"]][:2] == ["generate", "log generate"]


def test_goals_are_set_only_when_nothing_is_left_and_nothing_known_comes_again(project):
    shop = project(SHOP)
    replies = {"purpose": "generate", "reply": said(CSV | {"category": "features"})}
    shop.write("tasks.yml", "- {id: fine, command: 'true'}\n")
    shop.run("run", env=shop.replies(replies) | IDLE | {"SELFIMPROVE_GENERATE__WHEN_IDLE": "false"}, check=0)
    assert len(tasks_of(shop)) == 1
    # One that a person rejected is not set again, in whatever words.
    shop.write(
        "tasks.yml",
        "- {id: csv, title: Write orders into a CSV file, description: 'Export all orders as CSV, for spreadsheets.',"
        " status: skipped, rejected: we have no use for it, files: [shop/orders.py]}\n",
    )
    result = shop.run("run", env=shop.replies(replies) | IDLE, check=0)
    assert [task["id"] for task in tasks_of(shop)] == ["csv"], result.err
    record = json.loads((shop.root / "logs" / "run-2.json").read_text())
    (step,) = [one for one in record["steps"] if one["name"] == "generate"]
    assert "it is like task csv (rejected)" in step["result"]["data"]["dropped"][0]["reason"]


def test_a_master_prompt_from_elsewhere_is_refused_and_a_failed_question_ends_the_stage_only(project):
    shop = project(SHOP)
    (shop.root.parent / "private.txt").write_text("the person's own\n")
    replies = shop.replies({"purpose": "generate", "reply": said(CSV | {"category": "features"})})
    outside = {"SELFIMPROVE_GENERATE__MASTER_PROMPT": "../private.txt"}
    result = shop.run("run", "--format", "json", env=replies | IDLE | outside)
    assert result.code == 1
    assert "outside of the working tree" in result.err
    wrong = shop.replies(*({"purpose": name, "reply": "no"} for name in ("generate", "generate-repair")))
    result = shop.run("run", "--format", "json", env=wrong | IDLE)
    assert result.code == 1
    assert "not the JSON that was asked for, twice" in result.err
    assert tasks_of(shop) == []


def test_the_file_of_the_master_prompt_is_made_when_asked_for_and_read(project):
    shop = project(SHOP)
    shop.run("init", "--yes", check=0)
    assert not (shop.root / ".selfimprove" / "master_prompt.txt").exists()
    shop.run("init", "--yes", "--master-prompt", check=0)
    text = shop.read(".selfimprove/master_prompt.txt")
    assert text.startswith("# What new goals are about")
    assert "Go on with what this project is for." in text
    result = shop.run("run", env=IDLE)
    assert result.code == 4, result.err
    assert "no model is configured" in result.err
