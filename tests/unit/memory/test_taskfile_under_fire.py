"""Two writers, a person and kill -9 on one tasks.yml: no saved change is lost, the file stays readable."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from selfimprove.errors import TaskFileError
from selfimprove.memory.taskfile import TaskFile, parse_tasks
from selfimprove.model.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

ACTORS = Path(__file__).with_name("taskfile_actors.py")
WRITERS = ("anna", "bert")


def start(role: str, folder: Path, name: str, count: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, ACTORS, role, folder, name, str(count)])


def acknowledged(folder: Path, name: str) -> list[str]:
    path = folder / f"{name}.log"
    return path.read_text().splitlines() if path.exists() else []


def first_file(folder: Path, count: int) -> Path:
    """Write a tasks.yml of ``count`` tasks, one for the person, the others for the writers in turn."""
    rows = ["# the tasks\n\n", "- id: carl-p\n  title: mine\n  priority: 0\n\n"]
    for number in range(count):
        name = WRITERS[number % 2]
        rows.append(f"- id: {name}-{number}\n  command: 'make {number}'  # note {number}\n  cost: 2\n\n")
    path = folder / "tree" / "tasks.yml"
    path.parent.mkdir()
    path.write_text("".join(rows))
    return path


def fight(
    folder: Path, role: str, tasks: int, edits: int, pause: float, look: Callable[[bytes], object]
) -> None:
    """Let the person edit and the writers write; within ``pause`` seconds one of these is killed."""
    path = first_file(folder, tasks)
    writers = {name: start("write", folder, name) for name in WRITERS}
    chance = random.Random(7)
    person = None
    try:
        for name in WRITERS:
            wait_for_word(folder, name, 0, writers[name])
        person = start(role, folder, "carl", edits)
        while person.poll() is None:
            until = time.monotonic() + chance.uniform(0, pause)
            while time.monotonic() < until and person.poll() is None:
                look(path.read_bytes())
                time.sleep(0.01)
            name = chance.choice(WRITERS)
            assert writers[name].poll() is None, "a writer gave up"
            writers[name].kill()
            writers[name].wait()
            said = len(acknowledged(folder, name))
            writers[name] = start("write", folder, name)
            wait_for_word(folder, name, said, writers[name])
        (folder / "stop").touch()
        assert [process.wait(timeout=200) for process in (person, *writers.values())] == [0, 0, 0]
    finally:
        for process in (*writers.values(), *([person] if person else [])):
            process.kill()
            process.wait()


def wait_for_word(folder: Path, name: str, said: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the log of a writer has grown beyond ``said`` lines."""
    while len(acknowledged(folder, name)) <= said:
        assert process.poll() is None, "a writer gave up"
        time.sleep(0.01)


def check_the_end(folder: Path, edits: int) -> None:
    """Compare the file with what the actors say that they had saved."""
    path = folder / "tree" / "tasks.yml"
    file = TaskFile(path, lock_path=folder / "tasks.lock")
    tasks = {task.id: task for task in file.save(file.load())}
    assert [entry.name for entry in path.parent.iterdir()] == ["tasks.yml"]
    check_the_writers(folder, tasks)
    assert [int(line) for line in acknowledged(folder, "carl")] == list(range(1, edits + 1))
    assert tasks["carl-p"].priority == edits
    text = path.read_text()
    for number in range(1, edits + 1):
        assert text.count(f"# carl note {number}\n") == 1
        assert (f"carl-task-{number}" in tasks) == (number % 5 == 0)
    for number, line in enumerate(line for line in text.splitlines() if "# note" in line):
        assert line == f"  command: 'make {number}'  # note {number}"


def check_the_writers(folder: Path, tasks: dict[str, Task]) -> None:
    """Every count that a writer says it has saved is in the file, or a later one."""
    for name in WRITERS:
        lines = acknowledged(folder, name)
        assert lines, "a writer never wrote"
        for line in lines:
            task_id, count = line.split()
            assert int(tasks[task_id].category or 0) >= int(count), line


def parseable(data: bytes) -> None:
    parse_tasks(data, "tasks.yml")


def test_two_writers_a_person_who_replaces_the_file_and_kills(tmp_path: Path) -> None:
    fight(tmp_path, "replace", tasks=40, edits=40, pause=0.5, look=parseable)
    check_the_end(tmp_path, 40)


def test_two_writers_a_person_who_writes_in_place_and_kills(tmp_path: Path) -> None:
    fight(tmp_path, "in-place", tasks=40, edits=40, pause=0.5, look=lambda data: data)
    check_the_end(tmp_path, 40)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("tasks", [100, 10_000])
@pytest.mark.parametrize("role", ["replace", "in-place"])
def test_torture_two_writers_a_person_and_kills(tmp_path: Path, role: str, tasks: int) -> None:
    edits = 500 if tasks == 100 else 150
    look = parseable if role == "replace" and tasks == 100 else len
    fight(tmp_path, role, tasks, edits, pause=1.0 if tasks == 100 else 10.0, look=look)
    check_the_end(tmp_path, edits)


def test_ten_thousand_tasks_are_saved_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "tasks.yml"
    path.write_text("".join(f"- id: t{n}\n  command: make {n} # {n}\n\n" for n in range(10_000)))
    before = path.read_text()
    file = TaskFile(path, lock_path=tmp_path / "lock")
    tasks = file.load()
    for number in range(0, 10_000, 500):
        wanted = list(tasks)
        wanted[number] = Task(id=f"t{number}", title=f"make {number}", command=f"make {number}", cost=3)
        tasks = file.save(wanted)
    after = path.read_text()
    assert after.replace("\n  cost: 3\n", "\n") == before
    assert after.count("cost: 3") == 20
    assert parse_tasks(after.encode(), "tasks.yml") == tasks


def test_the_actors_are_honest(tmp_path: Path) -> None:
    """The check at the end finds a change that is acknowledged and not there."""
    spec = importlib.util.spec_from_file_location("taskfile_actors", ACTORS)
    assert spec and spec.loader
    actors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(actors)
    first_file(tmp_path, 4)
    for name in WRITERS:
        for _ in range(4):
            actors.acknowledge(tmp_path, name, f"{name}-{WRITERS.index(name)} 1")
    with pytest.raises((AssertionError, TaskFileError)):
        check_the_end(tmp_path, 0)
