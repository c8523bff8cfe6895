"""Memory: JSON state and run records, whole or not at all."""

from __future__ import annotations

import json
import resource

import pytest

from selfimprove.errors import StateError
from selfimprove.memory.claims import Claims
from selfimprove.memory.database import open_database
from selfimprove.memory.journal import Journal, StepKey
from selfimprove.memory.lessons import Lessons
from selfimprove.memory.memory import Memory
from selfimprove.model.outcome import Outcome
from selfimprove.model.task import Status, Task


@pytest.fixture
def memory(tmp_path):
    engine = open_database(tmp_path / "state" / "state.db")
    return Memory(
        tmp_path,
        tmp_path / "state",
        tmp_path / "logs",
        Journal(engine, "me"),
        Claims(engine, "me"),
        Lessons(engine),
    )


def test_state_comes_back_and_its_folders_are_made(memory, tmp_path):
    assert memory.load("deep/down/state.json") == {}
    memory.save({"a": "ä", "n": [1, None]}, "deep/down/state.json")
    assert memory.load("deep/down/state.json") == {"a": "ä", "n": [1, None]}
    assert [path.name for path in (tmp_path / "deep/down").iterdir()] == ["state.json"]


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b""])
def test_a_damaged_state_file_is_refused_and_kept(memory, tmp_path, content):
    (tmp_path / "s.json").write_bytes(content)
    with pytest.raises(StateError) as caught:
        memory.load("s.json")
    assert caught.value.where == "s.json" and caught.value.hint
    assert (tmp_path / "s.json").read_bytes() == content


def test_what_cannot_be_written_is_a_plain_error_and_the_old_file_stays(memory, tmp_path):
    memory.save({"old": 1}, "s.json")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(StateError, match="cannot be written"):
            memory.save({"new": "x" * 5000}, "s.json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert memory.load("s.json") == {"old": 1}
    assert not list(tmp_path.glob(".s.json*"))


def test_the_record_of_a_run_is_complete(memory, tmp_path):
    run = memory.journal.begin_run("base", 0, "selfimprove/run-")
    for name in ("a", "b"):
        key = StepKey(run.id, name, 1, 1, "command")
        memory.journal.start(key)
        memory.journal.finish(key, Status.DONE, "exit code 0", {"log": f"{name}.log"})
        memory.journal.record(run.id, Outcome(name, Status.DONE, cost=1))
    memory.save_run(run)
    record = json.loads((tmp_path / "logs/run-1.json").read_text(encoding="utf-8"))
    assert record["schema_version"] == 1 and record["run"]["branch"] == "selfimprove/run-1"
    assert [row["task_id"] for row in record["outcomes"]] == ["a", "b"]
    assert [step["summary"] for step in record["steps"]] == ["exit code 0", "exit code 0"]


def test_tasks_are_loaded_and_saved_by_name(memory, tmp_path):
    assert memory.load_tasks("work/todo.yml") == []
    memory.save_tasks([Task("a", "A", command="true")], "work/todo.yml")
    assert [task.id for task in memory.load_tasks("work/todo.yml")] == ["a"]
    assert (tmp_path / "state/tasks.lock").exists() and not (tmp_path / "tasks.yml").exists()


@pytest.mark.parametrize("before", [None, "stale", b"{"])
def test_a_record_that_a_kill_left_out_is_written_by_the_next_run(memory, tmp_path, before):
    run = memory.journal.begin_run("base", 0, "selfimprove/run-")
    file = tmp_path / "logs" / f"run-{run.id}.json"
    if before:
        memory.save_run(run)
    if before == b"{":
        file.write_bytes(before)
    memory.journal.end_run(run.id, "finished", 0, {"done": 1})
    memory.complete_records()
    if before == b"{":
        assert file.read_bytes() == before
    else:
        assert json.loads(file.read_text())["run"]["state"] == "finished"
    running = memory.journal.begin_run("base", 0, "selfimprove/run-")
    memory.complete_records()
    assert not (tmp_path / "logs" / f"run-{running.id}.json").exists()
