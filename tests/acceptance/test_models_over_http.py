"""`selfimprove run` with a model behind a real HTTP server: replies, faults, limits, keys and kills."""

from __future__ import annotations

import json
import sqlite3
import time

import pytest

from http_rig import FILES, FLAGS, KEY, REPLY, env_of, no_key_in, status
from openai_server import Answer, OpenAIServer, failure, malformed, rate_limited, server_error


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([REPLY], 1),
        ([rate_limited(after="0"), REPLY], 2),
        ([server_error(500), server_error(503), REPLY], 3),
        ([malformed(), REPLY], 2),
        ([Answer(REPLY[:90], finish_reason="length"), REPLY], 2),
        (["I would rather not.", REPLY], 2),
    ],
    ids=["plain", "429", "500s", "malformed", "truncated", "no-patch"],
)
def test_a_prompt_task_ends_in_one_commit(project, answers, requests):
    repo = project(FILES)
    before = repo.state()
    with OpenAIServer(answers) as server:
        result = repo.run(*FLAGS, env=env_of(server), check=0)
        assert len(server.requests) == requests
        assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in server.requests)
    assert status(repo) == "done" and repo.state() == before
    assert 'return "hello"' in repo.git("show", "selfimprove/run-1:app.py")
    assert repo.git("log", "-1", "--format=%s", "selfimprove/run-1") == "Say hello"
    assert repo.git("rev-list", "--count", "main..selfimprove/run-1") == "1"
    assert no_key_in(repo, result.out, result.err, repo.git("log", "-1", "selfimprove/run-1"))


def test_a_wrong_key_leaves_the_task_open_and_exits_4(project):
    repo = project(FILES)
    answer = failure(401, f"Incorrect API key provided: {KEY}", "invalid_api_key")
    with OpenAIServer(lambda body: answer) as server:
        result = repo.run(*FLAGS, env=env_of(server), check=4)
    assert status(repo) == "pending"
    assert no_key_in(repo, result.out, result.err)


def test_a_server_that_hangs_is_given_up(project):
    repo = project(FILES)
    env = {"SELFIMPROVE_LLM__TIMEOUT": "1", "SELFIMPROVE_LLM__RETRIES": "1"}
    with OpenAIServer(lambda body: Answer(hang=True)) as server:
        result = repo.run(*FLAGS, env=env_of(server, **env), check=1)
        assert len(server.requests) == 2
    assert status(repo) == "failed" and "Traceback" not in result.err


def test_a_spend_limit_stops_before_the_call(project):
    repo = project(FILES)
    prices = {"SELFIMPROVE_LLM__PRICE_INPUT": "1000", "SELFIMPROVE_LLM__PRICE_OUTPUT": "1000"}
    with OpenAIServer([REPLY]) as server:
        result = repo.run(*FLAGS, "--max-spend", "0.01", env=env_of(server, **prices), check=5)
        assert server.requests == []
        assert status(repo) == "pending", result.err
        repo.run(*FLAGS, "--max-spend", "1000", env=env_of(server, **prices), check=0)
    assert status(repo) == "done"
    record = json.loads(repo.read("logs/run-2.json"))
    assert record["outcomes"][-1]["dollars"] > 0


def test_a_resumed_run_counts_what_its_calls_have_cost(project):
    repo = project(FILES)
    prices = {"SELFIMPROVE_LLM__PRICE_INPUT": "1000", "SELFIMPROVE_LLM__PRICE_OUTPUT": "1000"}
    with OpenAIServer(["not a patch", "not a patch either"]) as server:
        priced = env_of(server, **prices, SELFIMPROVE_LLM__MAX_TOKENS="10")
        repo.run(*FLAGS, "--max-spend", "1000", env=priced)
        spent = json.loads(repo.read("logs/run-1.json"))["outcomes"][-1]["dollars"]
        asked = len(server.requests)
        repo.run("tasks", "retry", "greet", check=0)
        repo.run(*FLAGS, "--resume", "1", "--max-spend", f"{spent * 1.01:.6f}", env=priced, check=5)
        assert len(server.requests) == asked
    assert status(repo) == "pending"


def test_a_reply_in_the_journal_is_not_asked_for_again(project):
    repo = project(FILES | {"test_app.py": "import time, pathlib\ntime.sleep(0)\ndef test_it(): pass\n"})
    config = {"SELFIMPROVE_CHECK__TEST_COMMAND": "sleep 78"}
    with OpenAIServer([REPLY]) as server:
        running = repo.start(*FLAGS, env=env_of(server, **config))
        end = time.monotonic() + 60
        while not any("sleep 78" in log.read_text(errors="replace") for log in repo.root.glob("logs/*.log")):
            assert time.monotonic() < end and running.poll() is None, running.communicate()
            time.sleep(0.02)
        running.kill()
        running.communicate()
        repo.run(*FLAGS, env=env_of(server), check=0)
        assert len(server.requests) == 1
    assert status(repo) == "done"
    assert repo.git("rev-list", "--count", "main..selfimprove/run-1") == "1"


def test_the_model_is_asked_the_same_by_both_backends(project):
    asked, scripted = project(FILES), project(FILES)
    with OpenAIServer([REPLY]) as server:
        asked.run(*FLAGS, env=env_of(server), check=0)
        sent = [{k: m[k] for k in ("role", "content")} for m in server.requests[0].body["messages"]]
    scripted.run(*FLAGS, env=scripted.replies({"task": "greet", "reply": REPLY}), check=0)
    kept = []
    for repo in (asked, scripted):
        with sqlite3.connect(repo.root / ".selfimprove/state.db") as connection:
            [(ask,)] = connection.execute("SELECT ask FROM exchanges").fetchall()
        kept.append(json.loads(ask)["messages"])
    assert kept[0] == kept[1] == sent
    trees = [repo.git("rev-parse", "selfimprove/run-1^{tree}") for repo in (asked, scripted)]
    assert trees[0] == trees[1]
