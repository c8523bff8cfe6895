"""Saving: the merge with what a person wrote meanwhile, and what happens on the disk."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from selfimprove.errors import TaskFileError
from selfimprove.memory import taskfile
from selfimprove.memory.taskfile import TaskFile
from selfimprove.memory.taskmerge import merge
from selfimprove.model.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = "# mine\n- id: a\n  command: x # c\n  status: pending\n- id: b\n  prompt: y\n  priority: 1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tree" / "tasks.yml"
    path.parent.mkdir()
    path.write_text(TEXT)
    return path


@pytest.fixture
def file(path: Path, tmp_path: Path) -> TaskFile:
    return TaskFile(path, lock_path=tmp_path / "locks" / "tasks.lock")


def with_status(tasks: list[Task], name: str, status: Status) -> list[Task]:
    return [replace(task, status=status) if task.id == name else task for task in tasks]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def one(tasks: list[Task], name: str) -> Task:
    return next(task for task in tasks if task.id == name)


def test_a_missing_file_has_no_tasks_and_is_created_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "tasks.yml"
    file = TaskFile(path, lock_path=tmp_path / "lock")
    assert file.load() == []
    assert file.save([]) == []
    assert not path.exists()
    task = Task(id="a", title="x", command="x")
    assert file.save([task]) == [task]
    assert path.read_text() == "- id: a\n  command: x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_unchanged_save_does_not_touch_the_file(path: Path, file: TaskFile) -> None:
    before = path.stat()
    tasks = file.load()
    assert file.save(tasks) == tasks
    assert file.save([]) == tasks
    assert file.save([replace(task) for task in reversed(tasks)]) == tasks
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_save_after_save(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    for status in (Status.IN_PROGRESS, Status.FAILED, Status.PENDING, Status.DONE):
        tasks = file.save(with_status(tasks, "a", status))
        tasks = file.save(with_status(tasks, "b", status))
        assert [task.status for task in tasks] == [status, status]
    assert path.read_text() == TEXT.replace("pending", "done") + "  status: done\n"


def test_edits_of_both_are_joined(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    path.write_text(
        TEXT.replace("# mine", "# yours").replace("priority: 1", "priority: 9") + "- id: c\n  command: z\n"
    )
    tasks = file.save(with_status(tasks, "b", Status.DONE))
    assert one(tasks, "b") == Task(id="b", title="y", prompt="y", priority=9, status=Status.DONE)
    assert one(tasks, "c").command == "z"
    assert path.read_text() == (
        "# yours\n- id: a\n  command: x # c\n  status: pending\n"
        "- id: b\n  prompt: y\n  priority: 9\n  status: done\n- id: c\n  command: z\n"
    )


def test_where_both_changed_a_field_the_person_wins(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    path.write_text(TEXT.replace("pending", "skipped"))
    changed = [replace(task, status=Status.DONE, category="k") for task in tasks]
    tasks = file.save(changed)
    assert (one(tasks, "a").status, one(tasks, "a").category) == (Status.SKIPPED, "k")
    assert one(tasks, "b").status == Status.DONE


def test_command_and_prompt_are_one_thing_in_a_merge(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    path.write_text(TEXT.replace("command: x", "prompt: theirs"))
    tasks = file.save([replace(tasks[0], command="ours"), tasks[1]])
    assert (tasks[0].command, tasks[0].prompt) == (None, "theirs")


def test_a_deleted_task_stays_deleted(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    path.write_text("- id: b\n  prompt: y\n")
    tasks = file.save(with_status(with_status(tasks, "a", Status.DONE), "b", Status.DONE))
    assert [task.id for task in tasks] == ["b"]
    path.unlink()
    assert file.save(with_status(tasks, "b", Status.FAILED)) == []
    assert not path.exists()


def test_a_new_id_that_is_taken_gets_a_number(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    path.write_text(TEXT + "- id: n\n  command: theirs\n")
    new = [
        Task(id="n", title="ours", command="ours"),
        Task(id="m", title="m", command="m", dependencies=("n", "a")),
        Task(id="m", title="other", command="other"),
    ]
    tasks = file.save([*tasks, *new])
    assert [task.id for task in tasks] == ["a", "b", "n", "n-2", "m", "m-2"]
    assert one(tasks, "n").command == "theirs"
    assert one(tasks, "m").dependencies == ("n-2", "a")


def test_a_new_task_that_arrived_already_is_not_added_twice(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    new = Task(id="n", title="t", command="x", cost=2.5)
    file.save([*tasks, new])
    assert [task.id for task in merge({}, [new], file.load())] == ["a", "b", "n"]


def test_two_writers_see_what_the_other_did(path: Path, file: TaskFile, tmp_path: Path) -> None:
    other = TaskFile(path, lock_path=tmp_path / "locks" / "tasks.lock")
    ours, theirs = file.load(), other.load()
    ours = file.save(with_status(ours, "a", Status.DONE))
    theirs = other.save([*with_status(theirs, "b", Status.FAILED), Task(id="n", title="n", command="n")])
    assert [task.status for task in theirs] == [Status.DONE, Status.FAILED, Status.PENDING]
    assert file.save(ours) == theirs == TaskFile(path, lock_path=tmp_path / "lock").load()


def test_a_half_finished_edit_stops_the_save_and_loses_nothing(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    broken = TEXT + '- id: "c'
    path.write_text(broken)
    done = with_status(tasks, "a", Status.DONE)
    for _ in range(2):
        with pytest.raises(TaskFileError) as caught:
            file.save(done)
        assert caught.value.where.startswith(f"{path}:")
        assert path.read_text() == broken
    path.write_text(broken + '"\n  title: t\n')
    tasks = file.save(done)
    assert [task.status for task in tasks[:2]] == [Status.DONE, Status.PENDING]
    assert len(tasks) == 3


def test_an_editor_that_empties_the_file_first_is_waited_for(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    emptied = threading.Event()

    def edit() -> None:
        with path.open("w") as out:
            emptied.set()
            for line in TEXT.replace("priority: 1", "priority: 7").splitlines(keepends=True):
                out.write(line)
                out.flush()
                threading.Event().wait(0.005)

    editor = threading.Thread(target=edit)
    editor.start()
    emptied.wait()
    tasks = file.save(with_status(tasks, "a", Status.DONE))
    editor.join()
    assert path.read_text() == TEXT.replace("priority: 1", "priority: 7").replace("pending", "done")
    assert one(tasks, "b").priority == 7


@pytest.mark.parametrize(
    ("moment", "exchange"),
    [
        ("before the look", True),
        ("after the look", True),
        ("before the look", False),
    ],  # the fourth stays open
)
def test_an_edit_while_we_replace_is_taken_up(
    moment: str, exchange: bool, path: Path, file: TaskFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person saves between our reading and our replacing; the last moment needs an atomic exchange."""
    tasks = file.load()
    edits = iter(["priority: 5", "priority: 6"])

    def edit() -> None:
        for text in edits:
            new = path.with_name("edited")
            new.write_text(TEXT.replace("priority: 1", text))
            new.replace(path)
            break

    write, swap = taskfile._write_through, taskfile._exchange

    def late_write(*arguments: object) -> None:
        write(*arguments)  # type: ignore[arg-type]
        edit()

    def late_swap(*arguments: Path) -> bool:
        edit()
        return swap(*arguments)

    if not exchange:
        monkeypatch.setattr(taskfile, "_exchange", lambda *_: False)
    if moment == "before the look":
        monkeypatch.setattr(taskfile, "_write_through", late_write)
    else:
        monkeypatch.setattr(taskfile, "_exchange", late_swap)
    tasks = file.save(with_status(tasks, "a", Status.DONE))
    assert path.read_text() == TEXT.replace("priority: 1", "priority: 6").replace("pending", "done")
    assert one(tasks, "b").priority == 6
    assert names(path.parent) == ["tasks.yml"]


def test_half_an_edit_that_we_replaced_is_put_back(
    path: Path, file: TaskFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = file.load()
    swap = taskfile._exchange

    def late_swap(*arguments: Path) -> bool:
        path.write_text('- id: "half')
        monkeypatch.setattr(taskfile, "_exchange", swap)
        return swap(*arguments)

    monkeypatch.setattr(taskfile, "_exchange", late_swap)
    with pytest.raises(TaskFileError):
        file.save(with_status(tasks, "a", Status.DONE))
    assert path.read_text() == '- id: "half'
    path.write_text(TEXT)
    assert one(file.save(with_status(tasks, "a", Status.DONE)), "a").status == Status.DONE


def test_a_file_that_never_comes_to_rest_is_given_up(
    path: Path, file: TaskFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = file.load()
    write = taskfile._write_through

    def late_write(*arguments: object) -> None:
        write(*arguments)  # type: ignore[arg-type]
        with path.open("a") as out:
            out.write("# again\n")

    monkeypatch.setattr(taskfile, "_write_through", late_write)
    monkeypatch.setattr(taskfile, "QUIET_SECONDS", 0.001)
    with pytest.raises(TaskFileError, match="keeps changing"):
        file.save(with_status(tasks, "a", Status.DONE))
    assert path.read_text().startswith(TEXT)


def test_a_link_stays_and_its_target_is_replaced(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yml"
    link.symlink_to("tree/tasks.yml")
    file = TaskFile(link, lock_path=tmp_path / "lock")
    file.save(with_status(file.load(), "a", Status.DONE))
    assert link.is_symlink()
    assert path.read_text() == TEXT.replace("pending", "done")


def test_a_link_to_nothing_creates_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.yml"
    link.symlink_to("new/tasks.yml")
    file = TaskFile(link, lock_path=tmp_path / "lock")
    assert file.load() == []
    file.save([Task(id="a", title="x", command="x")])
    assert link.is_symlink()
    assert (tmp_path / "new" / "tasks.yml").is_file()


def test_mode_and_owner_are_kept(path: Path, file: TaskFile) -> None:
    path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(path, 1234, 4321)
    before = path.stat()
    file.save(with_status(file.load(), "a", Status.DONE))
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file of this process may grow beyond 4 KB."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_leaves_the_old_file(path: Path, file: TaskFile) -> None:
    tasks = file.load()
    with pytest.raises(TaskFileError) as caught:
        file.save([*tasks, Task(id="n", title="t", prompt="long " * 2000)])
    assert caught.value.where == str(path)
    assert "make room" in caught.value.hint
    assert path.read_text() == TEXT
    assert names(path.parent) == ["tasks.yml"]
    assert one(file.save(with_status(tasks, "a", Status.DONE)), "a").status == Status.DONE


def test_litter_of_a_killed_writer_is_removed_by_the_next_save(
    path: Path, file: TaskFile, tmp_path: Path
) -> None:
    locks = tmp_path / "locks"
    locks.mkdir(exist_ok=True)
    draft = locks / f"{taskfile._prefix(path)}new"
    draft.write_text("half")
    file.save(file.load())
    assert not draft.exists()
    assert names(path.parent) == ["tasks.yml"]


def test_a_writer_that_holds_the_lock_too_long_is_named(
    path: Path, file: TaskFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    monkeypatch.setattr(taskfile, "LOCK_SECONDS", 0.05)
    lock = tmp_path / "locks" / "tasks.lock"
    lock.parent.mkdir()
    with FileLock(lock), pytest.raises(TaskFileError) as caught:
        file.save(file.load())
    assert str(lock) in caught.value.hint


def test_a_lock_that_cannot_be_made(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = TaskFile(path, lock_path=tmp_path / "file" / "lock")
    with pytest.raises(TaskFileError, match="lock file"):
        file.save(file.load())


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from selfimprove.memory import taskfile

folder = Path(sys.argv[1])
path = folder / "tasks.yml"
file = taskfile.TaskFile(path, lock_path=folder / "state" / "tasks.lock")
tasks = file.load()
exchange = taskfile._exchange


def late_and_killed(draft, target):
    target.write_bytes(target.read_bytes() + b"# of the last moment\\n" * (sys.argv[2] == "late"))
    if sys.argv[3] == "after":
        exchange(draft, target)
    os.kill(os.getpid(), signal.SIGKILL)


taskfile._exchange = late_and_killed
file.save([replace(tasks[0], category="theirs")])
"""


@pytest.mark.parametrize("late", ["late", "quiet"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_edit_of_the_moment_in_which_a_writer_is_killed_is_kept(
    tmp_path: Path, late: str, when: str
) -> None:
    (tmp_path / "state").mkdir()
    path = tmp_path / "tasks.yml"
    path.write_text("- id: one\n  command: 'true'\n")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), late, when], check=False)
    assert killed.returncode == -signal.SIGKILL
    file = TaskFile(path, lock_path=tmp_path / "state" / "tasks.lock")
    [task] = file.load()
    file.save([replace(task, status=Status.DONE)])
    text = path.read_text()
    assert text.count("# of the last moment") == (late == "late")
    assert "status: done" in text
    assert [one.name for one in (tmp_path / "state").iterdir()] == ["tasks.lock"]


def test_an_edit_of_a_killed_writers_moment_that_cannot_go_back_is_kept_beside(tmp_path: Path) -> None:
    path, folder = tmp_path / "tasks.yml", tmp_path / "state"
    folder.mkdir()
    path.write_text("- id: one\n  command: 'true'\n")
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), "late", "after"], check=False)
    path.write_text("- id: two\n  command: 'true'\n")
    file = TaskFile(path, lock_path=folder / "tasks.lock")
    tasks = file.load()
    with pytest.raises(TaskFileError) as raised:
        file.save(with_status(tasks, "two", Status.DONE))
    [kept] = folder.glob("tasks.yml.edit-*")
    assert str(kept) in str(raised.value.hint)
    assert "# of the last moment" in kept.read_text()
    assert one(file.save(with_status(tasks, "two", Status.DONE)), "two").status == Status.DONE


def test_an_edit_that_cannot_be_put_back_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = tmp_path / "tasks.yml", tmp_path / "state"
    folder.mkdir()
    path.write_text("- id: one\n  command: 'true'\n")
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), "late", "after"], check=False)
    file = TaskFile(path, lock_path=folder / "tasks.lock")
    tasks = file.load()
    exchange = taskfile._exchange
    monkeypatch.setattr(taskfile, "_exchange", lambda *_: False)
    with pytest.raises(TaskFileError):
        file.save(tasks)
    monkeypatch.setattr(taskfile, "_exchange", exchange)
    file.save(tasks)
    assert "# of the last moment" in path.read_text()
