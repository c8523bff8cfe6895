"""`selfimprove run` and its account with models: limits, kills, fallbacks, recordings, and two runs at once."""

from __future__ import annotations

import json
import sqlite3
import time
from fractions import Fraction

import yaml

from http_rig import FILES, FLAGS, KEY, REPLY, env_of, no_key_in, status
from openai_server import Answer, OpenAIServer, failure
from spend_meter import Meter

# A call costs one cent at most, and a server that bills all it may bills that.
CENT = {
    "SELFIMPROVE_LLM__PRICE_INPUT": "0",
    "SELFIMPROVE_LLM__PRICE_OUTPUT": "1000",
    "SELFIMPROVE_LLM__MAX_TOKENS": "10",
}


def ledger(repo):
    with sqlite3.connect(repo.root / ".selfimprove/state.db") as connection:
        return connection.execute("SELECT open, tokens, picodollars FROM calls ORDER BY id").fetchall()


def test_a_call_that_a_kill_cut_off_counts_at_its_worst(project):
    repo = project(FILES)
    answers = iter([Answer(hang=True), REPLY])
    with OpenAIServer(lambda body: next(answers)) as server:
        env = env_of(server, **CENT)
        running = repo.start(*FLAGS, "--max-spend", "0.015", env=env)
        end = time.monotonic() + 60
        while not server.requests:
            assert time.monotonic() < end and running.poll() is None, running.communicate()
            time.sleep(0.02)
        running.kill()
        running.communicate()
        assert [(row[0], row[2]) for row in ledger(repo)] == [(1, 10**10)]
        result = repo.run(*FLAGS, "--max-spend", "0.015", env=env, check=5)
        assert "$0.0050 of $0.015 is left" in result.err
        assert len(server.requests) == 1
        repo.run(*FLAGS, "--resume", "1", "--max-spend", "0.02", env=env, check=0)
    assert status(repo) == "done"
    assert [row[0] for row in ledger(repo)] == [1, 0]


def test_the_next_model_does_the_task_and_the_commit_names_it(project):
    repo = project(FILES)

    def answer(body):
        return REPLY if body["model"] == "second" else failure(404, "no such model", "model_not_found")

    with OpenAIServer(answer) as server:
        env = env_of(server, SELFIMPROVE_LLM__FALLBACK_MODELS="openai/second")
        result = repo.run(*FLAGS, env=env, check=0)
        assert [request.body["model"] for request in server.requests] == ["test", "second"]
    assert status(repo) == "done"
    assert "asking openai/second in place of openai/test" in result.err


def test_a_recorded_run_is_replayed_without_a_network(project, tmp_path):
    asked, replayed = project(FILES), project(FILES)
    record = tmp_path / "replies.yml"
    with OpenAIServer([f"no patch, but a key: {KEY}", REPLY]) as server:
        result = asked.run(*FLAGS, "--record", str(record), env=env_of(server), check=0)
    assert KEY not in record.read_text()
    assert no_key_in(asked, result.out, result.err)
    scripted = {"SELFIMPROVE_LLM__BACKEND": "scripted", "SELFIMPROVE_LLM__REPLIES": str(record)}
    replayed.run(*FLAGS, env=scripted, check=0)
    trees = [repo.git("rev-parse", "selfimprove/run-1^{tree}") for repo in (asked, replayed)]
    assert trees[0] == trees[1]
    assert len(yaml.safe_load(record.read_text())["replies"]) == 2


def test_a_recording_that_cannot_be_written_is_said_before_the_run(project):
    repo = project(FILES)
    result = repo.run("run", "--no-audit", "--record", str(repo.root), env={"OPENAI_API_KEY": KEY}, check=2)
    assert "the recording cannot be written" in result.err
    assert status(repo) == "pending"


def test_the_time_limit_of_a_run_is_that_of_its_call(project):
    repo = project(FILES)
    with OpenAIServer(lambda body: Answer(hang=True)) as server:
        result = repo.run(*FLAGS, "--time", "8", env=env_of(server), check=5)
        assert len(server.requests) == 1
    assert status(repo) == "pending"
    assert "Traceback" not in result.err


def test_two_runs_at_once_each_keep_to_their_limit(project):
    tasks = [
        {"id": f"t{number}", "title": "Say hello", "prompt": "Let greet say hello.", "files": ["app.py"]}
        for number in range(4)
    ]
    files = FILES | {"tasks.yml": yaml.safe_dump(tasks, sort_keys=False)}
    acts = ["504", "prose", "429", "drop", "prose", "half", "prose"]
    meters = {
        name: Meter(("0", "1000"), lambda number, body: acts[number % len(acts)]) for name in ("one", "two")
    }
    with OpenAIServer(lambda body: meters[body["model"]](body)) as server:
        repos = {name: project(files) for name in meters}
        runs = {
            name: repos[name].start(
                *FLAGS,
                "--max-spend",
                "0.055",
                env=env_of(server, **CENT, SELFIMPROVE_LLM__MODEL=f"openai/{name}"),
            )
            for name in meters
        }
        ended = {name: running.communicate(timeout=120) for name, running in runs.items()}
    for name, meter in meters.items():
        billed = sum(row[2] for row in ledger(repos[name]))
        assert meter.dollars == Fraction(5, 100), ended[name]
        assert meter.dollars <= Fraction(billed, 10**12) <= Fraction(55, 1000)
        assert json.loads(ended[name][0])["exit_code"] in (1, 5)
