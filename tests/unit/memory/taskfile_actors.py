"""The people and programs that fight over one tasks.yml in the tests: run as a script, one process each.

    python taskfile_actors.py ROLE FOLDER NAME COUNT

The folder holds tree/tasks.yml, tasks.lock and a log per actor, where a line stands for a saved change.
"""

from __future__ import annotations

import ctypes
import os
import random
import re
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from selfimprove.errors import TaskFileError
from selfimprove.memory.taskfile import TaskFile
from selfimprove.model.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Callable


def log_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def acknowledge(folder: Path, name: str, line: str) -> None:
    """Append ``line`` in one step, so that a kill cannot cut it."""
    with log_of(folder, name).open("ab", buffering=0) as log:
        log.write(f"{line}\n".encode())


def acknowledged(folder: Path, name: str) -> list[str]:
    path = log_of(folder, name)
    return path.read_text().splitlines() if path.exists() else []


def write(folder: Path, name: str) -> None:
    """A program: counts up the category of its tasks and adds new ones, until the file `stop` appears."""
    file = TaskFile(folder / "tree" / "tasks.yml", lock_path=folder / "tasks.lock")
    chance = random.Random(os.getpid())
    turn = len(acknowledged(folder, name)) * 100 + chance.randrange(100)
    tasks = retried(file.load)
    while not (folder / "stop").exists():
        turn += 1
        mine = [at for at, task in enumerate(tasks) if task.id.startswith(name)]
        at = chance.choice(mine)
        count = int(tasks[at].category or 0) + 1
        wanted = list(tasks)
        wanted[at] = replace(tasks[at], category=str(count), status=chance.choice(list(Status)))
        fresh = f"{name}-new-{turn}"
        if turn % 10 == 0:
            wanted.append(Task(id=fresh, title="new", prompt=f"line\nof {fresh}", category="1"))
        tasks = retried(partial(file.save, wanted))
        acknowledge(folder, name, f"{tasks[at].id} {count}")
        if turn % 10 == 0:
            acknowledge(folder, name, f"{fresh} 1")


def retried(action: Callable[[], list[Task]]) -> list[Task]:
    """Do ``action`` again until the file is well, as a run does while a person is in an edit."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return action()
        except TaskFileError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def edited(text: str, name: str, number: int) -> str:
    """Return ``text`` after one more edit of the person: a comment, a priority, and at times a task."""
    text = re.sub(rf"(- id: {name}-p\n.*\n  priority: )\d+", rf"\g<1>{number}", text)
    lines = text.splitlines(keepends=True)
    dashes = [at for at, line in enumerate(lines) if line.startswith("- id:")]
    lines.insert(random.Random(number).choice(dashes), f"# {name} note {number}\n")
    if number % 5 == 0:
        lines.append(f"- id: {name}-task-{number}\n  title: 'by {name}'\n")
    return "".join(lines)


def exchange(one: Path, other: Path) -> None:
    rename = ctypes.CDLL(None, use_errno=True).renameat2
    assert rename(-100, os.fsencode(one), -100, os.fsencode(other), ctypes.c_uint(2)) == 0


def edit_by_replacing(folder: Path, name: str, count: int) -> None:
    """A person whose editor writes a new file and renames it, and who looks before they overwrite."""
    path, beside = folder / "tree" / "tasks.yml", folder / f"{name}.edited"
    for number in range(1, count + 1):
        done = False
        while not done:
            before = path.read_text()
            beside.write_text(edited(before, name, number))
            exchange(beside, path)
            done = beside.read_text() == before
            if not done:
                exchange(beside, path)  # somebody was quicker: theirs goes back, and we try again
        acknowledge(folder, name, str(number))
        time.sleep(0.03)


def edit_in_place(folder: Path, name: str, count: int) -> None:
    """A person whose editor empties the file and writes it bit by bit.

    The lock is held from reading to emptying, as nobody can merge a text that was stale when it was saved;
    the rest is written without it.
    """
    path = folder / "tree" / "tasks.yml"
    for number in range(1, count + 1):
        with FileLock(folder / "tasks.lock").acquire(poll_interval=0.002):
            text = path.read_text()
            new = edited(text, name, number)
            out = path.open("w")
        with out:
            size = max(1, len(new) // 4)
            for start in range(0, len(new), size):
                out.write(new[start : start + size])
                out.flush()
                time.sleep(0.003)
        acknowledge(folder, name, str(number))
        time.sleep(0.05)


if __name__ == "__main__":
    role, place, who, amount = sys.argv[1:]
    if role == "write":
        write(Path(place), who)
    else:
        {"replace": edit_by_replacing, "in-place": edit_in_place}[role](Path(place), who, int(amount))
