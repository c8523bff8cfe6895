"""The schema of tasks.yml that editors use, and the way between Task and plain values."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from selfimprove.errors import TaskFileError
from selfimprove.memory import taskschema
from selfimprove.memory.taskfile import parse_tasks
from selfimprove.memory.taskschema import FIELDS, task_to_dict
from selfimprove.model.task import Status, Task

VALIDATOR = jsonschema.Draft202012Validator(taskschema.schema())


def test_the_schema_is_a_schema_and_describes_every_key_of_a_task() -> None:
    jsonschema.Draft202012Validator.check_schema(taskschema.schema())
    properties = taskschema.schema()["$defs"]["task"]["properties"]
    assert set(properties) == {*FIELDS, "filename"}
    assert all(entry["description"].endswith(".") for entry in properties.values())
    for key, entry in properties.items():
        for example in entry["examples"]:
            assert not taskschema.check({"id": "a", "title": "t", key: example})


ODD = st.sampled_from(
    [None, True, False, 0, 1, -1, 1.5, "", " ", "x", "done", "pending", [], ["a"], [1], [None], {}, [[]]]
)
ROWS = st.dictionaries(st.sampled_from([*FIELDS, "filename", "x-a", "other"]), ODD, max_size=5)


@given(st.lists(ROWS.map(lambda row: row | {"id": row.get("id", "i")}), max_size=2))
def test_reader_and_schema_agree(rows: list[dict[str, Any]]) -> None:
    """What the shipped schema accepts is read, and the other way round, but for unset keys and equal ids."""
    kept = [{key: value for key, value in row.items() if value is not None} for row in rows]
    twice = len({str(row.get("id")) for row in kept}) < len(kept)
    names = any({"files", "filename"} <= set(row) for row in rows)
    try:
        parse_tasks(yaml.safe_dump(rows).encode(), "tasks.yml")
        read = True
    except TaskFileError:
        read = False
    assert read == (VALIDATOR.is_valid(kept) and not twice and not names)


@pytest.mark.parametrize(
    "content", ["", "# c\n", "---\n", "[]", "tasks:\n", "tasks: []\nepics:\nx-a: {b: [c]}\n"]
)
def test_no_tasks(content: str) -> None:
    assert parse_tasks(content.encode(), "tasks.yml") == []
    assert VALIDATOR.is_valid(yaml.safe_load(content))


def test_every_key() -> None:
    text = """
x-defaults: &defaults {cost: 2, status: failed, timeout: 1.5}
epics: [{id: e}]
tasks:
  - <<: *defaults
    id: 7
    title: T
    description: D
    command: |
      make
    files: one.py
    dependencies: 8
    priority: -1
    status: in_progress
    category: c
    test_command: pytest
    max_retries: 0
    source: audit
    epic: e
    fingerprint: f
    rejected: why
    x-note: [mine]
  - {id: 8, prompt: p, filename: two.py, dependencies: [a, 1], status: null}
"""
    first, second = parse_tasks(text.encode(), "tasks.yml")
    assert first == Task(
        id="7",
        title="T",
        description="D",
        command="make\n",
        files=("one.py",),
        dependencies=("8",),
        priority=-1,
        cost=2,
        status=Status.IN_PROGRESS,
        category="c",
        test_command="pytest",
        max_retries=0,
        timeout=1.5,
        source="audit",
        epic="e",
        fingerprint="f",
        rejected="why",
    )
    assert second == Task(id="8", title="p", prompt="p", files=("two.py",), dependencies=("a", "1"))


@pytest.mark.parametrize(
    ("keys", "title", "prompt"),
    [
        ({"title": "T"}, "T", "T"),
        ({"description": "\n  First  line\nsecond\n"}, "First line", "\n  First  line\nsecond\n"),
        ({"title": "T", "description": "D"}, "T", "D"),
        ({"title": "T", "description": " "}, "T", "T"),
        ({"description": "D", "prompt": "P"}, "D", "P"),
        ({"prompt": "word " * 30}, "word " * 13 + "word…", "word " * 30),
        ({"prompt": "w" * 100}, "w" * 71 + "…", "w" * 100),
        ({"command": "make\nmake x", "prompt": None}, "make", None),
    ],
)
def test_title_and_prompt_follow_from_the_other_keys(
    keys: dict[str, str], title: str, prompt: str | None
) -> None:
    [task] = parse_tasks(json.dumps([{"id": "a", **keys}]).encode(), "tasks.yml")
    assert (task.title, task.prompt) == (title, prompt)


def test_a_task_as_json() -> None:
    task = Task(id="a", title="t", prompt="p", files=("b",), status=Status.DONE, timeout=2)
    assert json.loads(json.dumps(task_to_dict(task))) == {
        "id": "a",
        "title": "t",
        "description": "",
        "prompt": "p",
        "files": ["b"],
        "dependencies": [],
        "priority": 0,
        "cost": 1,
        "status": "done",
        "timeout": 2,
        "allow": [],
    }
