"""Exact texts before and after a change: what a person sees in their editor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.errors import TaskFileError
from selfimprove.memory import taskdoc
from selfimprove.memory.taskfile import parse_tasks
from selfimprove.model.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = {"status": Status.DONE}


def revised(before: str | bytes, new: tuple[Task, ...] = (), **changes: Any) -> bytes:
    """Return the file after ``changes`` to its first task and with ``new`` appended."""
    data = before if isinstance(before, bytes) else before.encode()
    document = taskdoc.read(data, "tasks.yml")
    first = [replace(task, **changes) for task in document.tasks[:1]]
    wanted = [*first, *document.tasks[1:], *new]
    after = taskdoc.revise(document, wanted)
    assert parse_tasks(after.data, "again") == wanted or not before.endswith(
        b"\n" if data is before else "\n"
    )
    return after.data


def case(name: str, before: str, after: str, **changes: Any) -> Any:
    return pytest.param(before, after, changes, id=name)


CHANGES = [
    case(
        "plain",
        "- id: a\n  command: x\n  status: pending\n",
        "- id: a\n  command: x\n  status: done\n",
        **DONE,
    ),
    case("absent", "- id: a\n  command: x\n", "- id: a\n  command: x\n  status: done\n", **DONE),
    case(
        "single quotes and a comment",
        "- id: a\n  command: x\n  status: 'pending'   # mine\n",
        "- id: a\n  command: x\n  status: 'done'   # mine\n",
        **DONE,
    ),
    case(
        "double quotes",
        '- id: a\n  command: x\n  status: "pending"\n',
        '- id: a\n  command: x\n  status: "done"\n',
        **DONE,
    ),
    case(
        "no value",
        "- id: a\n  command: x\n  status:  # c\n",
        "- id: a\n  command: x\n  status: done  # c\n",
        **DONE,
    ),
    case("flow", "- {id: a, command: x}\n", "- {id: a, command: x, status: done}\n", **DONE),
    case(
        "flow with a trailing comma over lines",
        "- {\n    id: a,\n    command: x, # c\n  }\n",
        "- {\n    id: a,\n    command: x, status: done, # c\n  }\n",
        **DONE,
    ),
    case("json", '[{"id": "a", "command": "x"}]', '[{"id": "a", "command": "x", "status": "done"}]', **DONE),
    case("no final newline", "- id: a\n  command: x", "- id: a\n  command: x\n  status: done", **DONE),
    case("crlf", "- id: a\r\n  command: x\r\n", "- id: a\r\n  command: x\r\n  status: done\r\n", **DONE),
    case(
        "dash on its own line",
        "-\n    id: a\n    title: t\n",
        "-\n    id: a\n    title: t\n    status: done\n",
        **DONE,
    ),
    case(
        "behind a literal, before its empty lines",
        "- id: a\n  prompt: |\n    one\n\n    two\n\n\n# c\n- id: b\n  title: t\n",
        "- id: a\n  prompt: |\n    one\n\n    two\n  status: done\n\n\n# c\n- id: b\n  title: t\n",
        **DONE,
    ),
    case(
        "behind a literal that keeps its empty lines",
        "- id: a\n  prompt: |+\n    one\n\n- id: b\n  title: t\n",
        "- id: a\n  prompt: |+\n    one\n\n  status: done\n- id: b\n  title: t\n",
        **DONE,
    ),
    case(
        "behind a list",
        "- id: a\n  title: t\n  files:\n  - x # c\n  - y\n  # d\n\n- id: b\n  title: t\n",
        "- id: a\n  title: t\n  files:\n  - x # c\n  - y\n  status: done\n  # d\n\n- id: b\n  title: t\n",
        **DONE,
    ),
    case(
        "an anchor that others use: they keep their value",
        "- {id: a, command: x, status: &s pending}\n- id: b\n  command: y\n  status: *s\n",
        "- {id: a, command: x, status: &s done}\n- id: b\n  command: y\n  status: pending\n",
        **DONE,
    ),
    case(
        "an alias",
        "x-s: &s pending\ntasks:\n- id: a\n  command: x\n  status: *s # c\n",
        "x-s: &s pending\ntasks:\n- id: a\n  command: x\n  status: done # c\n",
        **DONE,
    ),
    case(
        "a merged key",
        "x-d: &d {status: failed}\ntasks:\n  - <<: *d\n    id: a\n    command: x\n",
        "x-d: &d {status: failed}\ntasks:\n  - <<: *d\n    id: a\n    command: x\n    status: done\n",
        **DONE,
    ),
    case(
        "an item that others merge: they keep their value",
        "- &a\n  id: a\n  command: x\n- <<: *a\n  id: b\n",
        "- &a\n  id: a\n  command: x\n  status: done\n- <<: *a\n  id: b\n  status: pending\n",
        **DONE,
    ),
    case(
        "directive and document marks",
        "%YAML 1.1\n---\n- id: a\n  command: x\n...\n",
        "%YAML 1.1\n---\n- id: a\n  command: x\n  status: done\n...\n",
        **DONE,
    ),
    case(
        "an explicit key",
        "- ? id\n  : a\n  ? command\n  : x\n",
        "- ? id\n  : a\n  ? command\n  : x\n  status: done\n",
        **DONE,
    ),
    case(
        "many lines in the place of one, the comment stays",
        "- id: a\n  title: t # c\n  prompt: p\n",
        "- id: a\n  title: |- # c\n    one\n      two\n  prompt: p\n",
        title="one\n  two",
    ),
    case(
        "one line in the place of many, the comment stays",
        "- id: a\n  prompt: | # c\n    one\n    two\n\n  title: t\n",
        "- id: a\n  prompt: three # c\n\n  title: t\n",
        prompt="three",
    ),
    case(
        "many lines in the place of many",
        "- id: a\n  title: t\n  prompt: >-\n    one\n    two\n",
        "- id: a\n  title: t\n  prompt: |\n    three\n    four\n",
        prompt="three\nfour\n",
    ),
    case(
        "a block list stays one",
        "- id: a\n  title: t\n  files: # c\n    - x\n    - y # d\n  cost: 2\n",
        "- id: a\n  title: t\n  files: # c\n    - p\n    - q r\n    - '#s'\n  cost: 2\n".replace("'", '"'),
        files=("p", "q r", "#s"),
    ),
    case(
        "a block list that ends",
        "- id: a\n  title: t\n  files: # c\n    - x\n",
        "- id: a\n  title: t\n  files: [] # c\n",
        files=(),
    ),
    case("one file", "- id: a\n  title: t\n  files: x\n", "- id: a\n  title: t\n  files: y\n", files=("y",)),
    case(
        "filename becomes files",
        "- id: a\n  title: t\n  filename: x\n",
        "- id: a\n  title: t\n  files: [x, y]\n",
        files=("x", "y"),
    ),
    case(
        "a value that is unset",
        "- id: a\n  title: t\n  timeout: 5\n",
        "- id: a\n  title: t\n  timeout: null\n",
        timeout=None,
    ),
    case(
        "a prompt that hung on the description",
        "- id: a\n  title: t\n  description: old\n",
        "- id: a\n  title: t\n  description: new\n  prompt: old\n",
        description="new",
    ),
    case(
        "numbers",
        "- id: a\n  title: t\n  priority: 1\n",
        "- id: a\n  title: t\n  priority: 1.0e-7\n",
        priority=1e-7,
    ),
    case(
        "texts that look like something else",
        "- id: a\n  command: x\n",
        '- id: a\n  command: x\n  category: "yes"\n  epic: "1.0"\n  rejected: "a: b"\n',
        category="yes",
        epic="1.0",
        rejected="a: b",
    ),
    case(
        "a list in the next line's column",
        "tasks:\n- id: a\n  command: x\nepics:\n- e\n",
        "tasks:\n- id: a\n  command: x\n  status: done\nepics:\n- e\n",
        **DONE,
    ),
    case(
        "an odd line break in a text",
        '- id: "a"\n  title: "x\u2028  y" # c\n  status: pending\n',
        '- id: "a"\n  title: "x\u2028  y" # c\n  status: done\n',
        **DONE,
    ),
]


@pytest.mark.parametrize(("before", "after", "changes"), CHANGES)
def test_a_change_touches_its_value_only(before: str, after: str, changes: dict[str, Any]) -> None:
    assert revised(before, **changes).decode() == after


def test_a_byte_order_mark_stays_and_does_not_shift_the_change() -> None:
    before = b"\xef\xbb\xbf- id: \xc3\xa4\xf0\x9f\x98\x80\n  command: x\n  status: pending # \xe2\x82\xac\n"
    assert revised(before, status=Status.FAILED) == before.replace(b"pending", b"failed")


NEW = Task(id="n", title="New", prompt="Do\n\n  it", files=("a.py",), priority=2.5)
ROW = "- id: n\n  title: New\n  prompt: |-\n    Do\n\n      it\n  files: [a.py]\n  priority: 2.5\n"
FLOW_ROW = '{id: n, title: New, prompt: "Do\\n\\n  it", files: [a.py], priority: 2.5}'
JSON_ROW = '{"id": "n", "title": "New", "prompt": "Do\\n\\n  it", "files": ["a.py"], "priority": 2.5}'


def indented(text: str, by: int = 2) -> str:
    return "".join(" " * by + line if line.strip() else line for line in text.splitlines(keepends=True))


APPENDED = [
    ("", ROW),
    ("# c\n", "# c\n\n" + ROW),
    ("[]\n", ROW),
    ("[] # c\n", " # c\n" + ROW),
    ("---\n...\n", None),
    ("tasks: []\nepics: []\n", "tasks:\n" + indented(ROW) + "epics: []\n"),
    ("tasks:\n  # - id: x\n", "tasks:\n  # - id: x\n" + indented(ROW)),
    ("tasks: ~ # c\nx-a: 1\n", "tasks: # c\n" + indented(ROW) + "x-a: 1\n"),
    ("- id: a\n  command: x\n", "- id: a\n  command: x\n\n" + ROW),
    (
        "- id: a\n  command: x\n- id: b\n  command: y\n",
        "- id: a\n  command: x\n- id: b\n  command: y\n" + ROW,
    ),
    ("- id: a\n  command: x\n\n# end\n", "- id: a\n  command: x\n\n# end\n\n" + ROW),
    (
        "tasks:\n    - id: a\n      title: t\n\n    - id: b\n      title: t\n\nepics: []\n",
        "tasks:\n    - id: a\n      title: t\n\n    - id: b\n      title: t\n\n"
        + indented(ROW, 4)
        + "\nepics: []\n",
    ),
    ("- id: a\n  command: x", "- id: a\n  command: x\n\n" + ROW.rstrip("\n")),
    ("- id: a\n  prompt: |\n    x", "- id: a\n  prompt: |\n    x\n\n" + ROW.rstrip("\n")),
    (
        "-   id: a\n    command: x\n",
        "-   id: a\n    command: x\n\n" + indented(ROW).replace("  - id", "-   id"),
    ),
    (
        "[\n  {id: a, command: x},\n]\n",
        f"[\n  {{id: a, command: x}},\n  {FLOW_ROW},\n]\n",
    ),
    (
        '{"tasks": []}',
        '{"tasks": [' + JSON_ROW + "]}",
    ),
]


@pytest.mark.parametrize(("before", "after"), APPENDED)
def test_a_new_task_is_written_in_the_manner_of_the_file(before: str, after: str | None) -> None:
    result = revised(before, (NEW,)).decode()
    if after is not None:
        assert result == after


def test_new_tasks_follow_the_line_breaks_of_the_file() -> None:
    result = revised("- id: a\r\n  command: x\r\n", (NEW,))
    assert result.count(b"\n") == result.count(b"\r\n") == 3 + ROW.count("\n")


def test_defaults_and_what_follows_from_other_keys_are_not_written() -> None:
    tasks = (
        Task(id="a", title="make x", command="make x"),
        Task(id="b", title="Tidy up", description="Tidy up\nall", prompt="Tidy up\nall"),
        Task(id="c", title="Only this", prompt="Only this"),
    )
    a, b, c = revised("", tasks).decode().split("\n\n")
    assert a == "- id: a\n  command: make x"
    assert b == "- id: b\n  description: |-\n    Tidy up\n    all"
    assert c == "- id: c\n  prompt: Only this\n"


def test_a_long_list_is_written_one_to_a_line() -> None:
    files = tuple(f"src/package/module_number_{number}.py" for number in range(4))
    result = revised("", (Task(id="a", title="t", command="x", files=files),)).decode()
    assert "  files:\n    - src/package/module_number_0.py\n    - " in result


@pytest.mark.parametrize(
    "task",
    [
        Task(id="n", title="t", command="x", prompt="y"),
        Task(id="n", title="t", command="x", status="soon"),  # type: ignore[arg-type]
        Task(id="n", title="t", command="\ud800"),
        Task(id="a", title="t", command="the id is taken"),
        Task(id="n", title="t", command="x", cost=-1),
        Task(id="n", title="t", command="x", priority=float("nan")),
    ],
)
def test_what_the_file_cannot_say_is_refused(task: Task) -> None:
    with pytest.raises(TaskFileError) as caught:
        revised("- id: a\n  command: x\n", (task,))
    assert caught.value.hint


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("p10", "p10: x"),
        lambda text: text.replace("- id: t5\n", " - id: t5\n"),
        lambda text: text.replace("  command: p7\n", ""),
        lambda text: text.replace("id: t5", "id: t6"),
        lambda text: text.replace("command: p5\n", "command: &p p5\n").replace(
            "command: p7\n", "command: *p\n"
        ),
        lambda text: text.replace("- id: t9", "...\n- id: t9"),
        lambda text: text.replace("- id: t9", "---\n- id: t9"),
        lambda text: text.replace("- id: t9", "    # no comment, it is text\n- id: t9"),
        lambda text: text.replace("- id: t9", "  title: a key for t8\n- id: t9"),
        lambda text: text.replace("command: p9\n", 'command: "p9\n'),
        lambda text: text.replace("- id: t19", "- id: t18.5\n  command: x\n- id: t19"),
        lambda text: text.replace("command: p3\n", "command: p3\u2028"),
        lambda text: text.replace("tasks:", "tasks: # c"),
        lambda text: text.replace("epics: []", ""),
        lambda text: text.replace("epics: []", "  status: done"),
        lambda text: text.replace("- id: t0\n", "- id: t00\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text[: len(text) // 2],
        lambda text: text[: text.index("- id: t7")],
        lambda text: "tasks: []\n",
        lambda text: text.replace("command: p12\n", "command: \0p12\n"),
    ],
)
def test_reading_only_the_difference_finds_what_reading_everything_finds(spoil: Callable[[str], str]) -> None:
    text = "tasks:\n" + "".join(
        f"- id: t{n}\n  prompt: |\n    p{n}\n" if n == 8 else f"- id: t{n}\n  command: p{n}\n"
        for n in range(20)
    )
    old = taskdoc.read((text + "epics: []\n").encode(), "tasks.yml")
    assert old.frame
    data = spoil(old.text).encode()
    assert data != old.data
    try:
        expected: object = taskdoc.read(data, "tasks.yml").tasks
    except TaskFileError as error:
        with pytest.raises(TaskFileError) as caught:
            taskdoc.reread(old, data)
        assert (caught.value.message, caught.value.where) == (error.message, error.where)
    else:
        assert taskdoc.reread(old, data).tasks == expected
