"""Broken tasks.yml files: each gets an error that names the place and the remedy, and none is touched."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from selfimprove.errors import TaskFileError
from selfimprove.memory.taskfile import TaskFile, parse_tasks
from selfimprove.model.task import Task

if TYPE_CHECKING:
    from pathlib import Path

TASK = "- id: a\n  command: x\n"
BOMB = "x-a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"x-{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "x-a: &a {cost: 1}\n" + "".join(
    f"x-{name}: &{name} {{<<: [{','.join([f'*{before}'] * 10)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

# what is wrong: (the file, the line, a word of the message, a word of the hint)
BROKEN: dict[str, tuple[str | bytes, int, str, str]] = {
    "a text": ("hello\n", 1, "not a list", "- id:"),
    "a number": ("5\n", 1, "not a list", "- id:"),
    "tab as indent": ("- id: a\n\tcommand: x\n", 2, "tab", "spaces"),
    "tab behind the dash": ("-\tid: a\n\tcommand: x\n", 1, "tab", "spaces"),
    "two documents": (TASK + "---\n- id: b\n", 3, "second YAML document", "---"),
    "latin 1": (b"- id: a\n  title: caf\xe9\n", 2, "0xe9", "UTF-8"),
    "utf 16": (TASK.encode("utf-16"), 1, "UTF-8", "UTF-8"),
    "a NUL": ("- id: a\n  command: \0x\n", 2, "NUL", "restore"),
    "a control character": ("- id: a\n  command: \x07x\n", 2, "control", "remove"),
    "duplicate key": (
        TASK + "  status: done\n  status: failed\n",
        4,
        '"status" is given twice',
        "one of the two",
    ),
    "duplicate id": (
        TASK + "# c\n- id: b\n  title: t\n- id: a\n  title: t\n",
        6,
        "lines 1 and 6",
        "another id",
    ),
    "id as number and text": (
        "- id: 7\n  title: t\n- id: '7'\n  title: t\n",
        3,
        "lines 1 and 3",
        "another id",
    ),
    "command and prompt": (TASK + "  prompt: y\n", 3, '"command" and "prompt"', "one of the two"),
    "nothing to do": ("- id: a\n  status: done\n", 1, "what to do", "command, prompt"),
    "nothing but spaces": ("- id: a\n  description: ' '\n", 1, "what to do", "command, prompt"),
    "no id": (TASK + "\n- command: x\n", 4, "task 2: it has no id", "id:"),
    "empty id": ("- id:\n  command: x\n", 1, "no id", "id:"),
    "blank id": ("- id: ' '\n  command: x\n", 1, "id:", "id:"),
    "id of two lines": ('- id: "a\\nb"\n  command: x\n', 1, "one line", "id:"),
    "id is a float": ("- id: 1.10\n  command: x\n", 1, "1.10", 'id: "1.10"'),
    "id is a bool": ("- id: yes\n  command: x\n", 1, "yes", 'id: "yes"'),
    "id is a date": ("- id: 2024-01-31\n  command: x\n", 1, "2024-01-31", 'id: "2024-01-31"'),
    "unknown key": (TASK + "  statsu: done\n", 3, 'unknown key "statsu"', '"status"'),
    "unknown key without a neighbour": (TASK + "  colour: red\n", 3, '"colour"', "known keys: id, title"),
    "misspelt command": ("- id: a\n  comand: x\n", 2, '"comand"', '"command"'),
    "unknown status": (TASK + "  status: dnoe\n", 3, "dnoe", '"done"'),
    "status in capitals": (TASK + "  status: In-Progress\n", 3, "In-Progress", '"in_progress"'),
    "priority is a text": (TASK + "  priority: high\n", 3, 'priority: "high"', "priority: 5"),
    "priority is infinite": (TASK + "  priority: .inf\n", 3, ".inf should be a number", "priority: 5"),
    "priority of 5,000 digits": (TASK + f"  priority: {'1' * 5000}\n", 3, "priority: 1111", "priority: 5"),
    "cost is negative": (TASK + "  cost: -1\n", 3, "cost: -1", "cost: 1"),
    "cost is a bool": (TASK + "  cost: yes\n", 3, "cost: yes", "cost: 1"),
    "timeout of zero": (TASK + "  timeout: 0\n", 3, "more than 0", "timeout: 600"),
    "half a retry": (TASK + "  max_retries: 1.5\n", 3, "whole number", "max_retries: 3"),
    "a number among the files": (TASK + "  files:\n    - a\n    - 5\n", 5, "files: 5", "files: ["),
    "files are a mapping": (TASK + "  files: {a: b}\n", 3, "files: a mapping", "files: ["),
    "a list among the dependencies": (
        TASK + "  dependencies: [b, [c]]\n",
        3,
        "dependencies: a list",
        "dependencies: [",
    ),
    "files and filename": (TASK + "  files: a\n  filename: b\n", 4, "two names", "one of the two"),
    "title is a number": ("- id: a\n  title: 5\n", 2, "title: 5", 'title: "5"'),
    "command is a list": ("- id: a\n  command: [ls, -l]\n", 2, "command: a list", "command:"),
    "a python object": (
        "- id: a\n  command: !!python/object/apply:os.system [ls]\n",
        2,
        "!!python",
        "remove the tag",
    ),
    "a tag of one's own": ("- !task {id: a}\n", 1, "!task", "remove the tag"),
    "100,000 open brackets": ("[" * 100_000, 1, "nested", "restore"),
    "100,000 open braces": ("{a: " * 100_000, 1, "nested", "restore"),
    "100,000 dashes": ("- " * 100_000 + "x", 1, "nested", "restore"),
    "billion laughs": (BOMB + "tasks: []\n", 7, "aliases stand for more", "write the values out"),
    "billion merges": (MERGE_BOMB + "tasks: []\n", 8, "aliases stand for more", "write the values out"),
    "a list in itself": ("- &a [*a]\n", 1, "inside the value", "write the value out"),
    "a task merged into itself": ("- &a\n  id: a\n  <<: *a\n", 3, "inside the value", "write the value out"),
    "an alias of nothing": ("- id: a\n  command: *x\n", 2, "undefined alias", "&name"),
    "a task that is an alias": ("x-a: &a {id: a, title: t}\ntasks:\n- *a\n", 1, "alias", "<<"),
    "tasks that are an alias": ("x-a: &a []\ntasks: *a\n", 2, "alias", "write the tasks out"),
    "a merge of a number": (TASK + "  <<: 5\n", 3, "<<", "*defaults"),
    "a number as key": (TASK + "  5: y\n", 3, "the key 5", "quotes"),
    "a list as key": (TASK + "  ? [b]\n  : y\n", 3, "key", "quotes"),
    "an open quote": ('- id: a\n  title: "half wri', 2, "end of stream", "half-written"),
    "half a key": (TASK + "- id: b\n  depen", 4, "':'", "': '"),
    "a text among the tasks": (TASK + "- make\n", 3, "task 2", "- id:"),
    "an empty item": (TASK + "-\n", 3, "task 2", "- id:"),
    "a colon in a text": ("- id: a\n  command: echo: b: c\n", 2, "mapping values", "quotes"),
    "indented too far": (TASK + "   title: t\n", 3, "mapping values", "indentation"),
    "indented too little": ("- id: a\ncommand: x\n", 2, "expected '-'", "column"),
    "a bracket too many": (TASK + "}\n", 3, "not valid YAML", "column"),
    "no tasks in it": ("x-a: 1\nepics: []\n", 1, '"tasks" is missing', "tasks:"),
    "an older word": ("goals: []\ntasks: []\n", 1, '"goals"', "known keys"),
    "task for tasks": ("tasks: []\ntask: []\n", 2, '"task"', '"tasks"'),
    "tasks are a mapping": ("tasks:\n  a: {command: x}\n", 2, '"tasks" is not a list', "tasks: []"),
    "epics are a text": ("tasks: []\nepics: soon\n", 2, '"epics" is not a list', "epics: []"),
    "windows lines": ("- id: a\r\n  command: x\r\n  cost: x\r\n", 3, "cost", "cost: 1"),
    "10 MB of x": ("x" * 10_000_000, 1, "not a list", "- id:"),
    "10 MB of items": ("- x\n" * 2_500_000, 100_001, "100,000 single words", "mapping"),
    "10 MB of noise": (random.Random(1).randbytes(10_000_000), 1, "", ""),
}


def attempt(path: Path, tmp_path: Path) -> TaskFileError:
    """Return the error that load gives, having seen that save gives the same one."""
    file = TaskFile(path, lock_path=tmp_path / "locks" / "tasks.lock")
    with pytest.raises(TaskFileError) as loading:
        file.load()
    with pytest.raises(TaskFileError) as saving:
        file.save([Task(id="new", title="t", command="x")])
    assert saving.value.where.partition(":")[0] == loading.value.where.partition(":")[0]
    return loading.value


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_names_line_and_remedy_and_stays(name: str, tmp_path: Path) -> None:
    content, line, word, remedy = BROKEN[name]
    data = content.encode() if isinstance(content, str) else content
    path = tmp_path / "tasks.yml"
    path.write_bytes(data)
    error = attempt(path, tmp_path)
    assert error.where == f"{path}:{line}"
    assert word in error.message
    assert remedy in error.hint
    assert error.hint
    assert "\n" not in error.message + error.hint
    assert path.read_bytes() == data
    assert sorted(path.name for path in tmp_path.iterdir()) == ["locks", "tasks.yml"]


def test_the_first_of_several_problems_is_named_and_the_others_are_counted() -> None:
    with pytest.raises(TaskFileError) as caught:
        parse_tasks(
            b"- id: a\n  title: t\n  cost: x\n  colour: y\n- id: a\n  title: t\n- id: b\n", "tasks.yml"
        )
    assert caught.value.where == "tasks.yml:3"
    assert caught.value.message == 'task "a": cost: "x" should be a number, 0 or more (and 2 more)'


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "tasks.yml"
    path.mkdir()
    error = attempt(path, tmp_path)
    assert error.where == str(path)
    assert "folder" in error.message
    assert error.hint


def test_a_pipe_in_its_place_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "tasks.yml"
    os.mkfifo(path)
    assert "regular file" in attempt(path, tmp_path).message


def test_a_link_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "tasks.yml"
    path.symlink_to(path)
    error = attempt(path, tmp_path)
    assert "link" in error.hint


def test_a_file_as_parent_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "folder" in attempt(tmp_path / "file" / "tasks.yml", tmp_path).hint


PERMISSION_SCRIPT = """
import os, sys
import filelock, jsonschema  # while they can still be read
from pathlib import Path
from selfimprove.errors import TaskFileError
from selfimprove.memory.taskfile import TaskFile
from selfimprove.model.task import Task
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
path, locks = Path(sys.argv[1]), Path(sys.argv[2])
file = TaskFile(path, lock_path=locks / "lock")
try:
    file.load()
    file.save([Task(id="new", title="t", command="x")])
except TaskFileError as error:
    print(error.where, error.message, error.hint, sep="|")
"""


@pytest.mark.parametrize(
    ("mode", "folder_mode", "message"),
    [
        (0o000, 0o777, "cannot be read: permission"),
        (0o444, 0o777, "write-protected"),
        (0o666, 0o555, "cannot be written"),
    ],
)
def test_no_permission(mode: int, folder_mode: int, message: str) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as name:  # not tmp_path: other users must be able to get there
        top = Path(name)
        top.chmod(0o755)
        for folder in ("tree", "locks"):
            (top / folder).mkdir()
            (top / folder).chmod(0o777)
        path = top / "tree" / "tasks.yml"
        path.write_text(TASK)
        path.chmod(mode)
        if os.getuid() == 0:
            os.chown(path, 65534, 65534)
        path.parent.chmod(folder_mode)
        done = subprocess.run(
            [sys.executable, "-c", PERMISSION_SCRIPT, path, top / "locks"],
            capture_output=True,
            text=True,
            check=True,
        )
        path.parent.chmod(0o777)
        where, text, hint = done.stdout.strip().split("|")
        assert where == str(path)
        assert message in text
        assert "chmod" in hint
        path.chmod(0o644)
        assert path.read_text() == TASK
