"""Kill -9 at any moment: the next run says what happened, goes on, and nothing done is done twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import Project
from executor_rig import block, commits, leftovers, prompt, replies_for, two, write_tasks
from openai_server import OpenAIServer

Make = Callable[..., Project]

FILES = {
    "m.py": "def f():\n    return 1\n",
    "test_m.py": "import unittest, m\n\n\nclass T(unittest.TestCase):\n    def test_f(self):\n        assert m.f()\n",
}
HOOKS = {
    "pre-commit": "#!/bin/sh\necho '# checked' >> m.py && git add m.py\n",
    "commit-msg": '#!/bin/sh\necho "Change-Id: $(cat /proc/sys/kernel/random/uuid)" >> "$1"\n',
}
STEPS = (
    "isolate",
    "understand",
    "base",
    "edit",
    "write_tests",
    "document",
    "check",
    "guard",
    "review",
    "publish",
    "record",
)
# Counts the calls of git and, at one of them, kills the process that made it: before or after git did its work.
SHIM = """\
#!/bin/sh
n=$(cat {folder}/count 2>/dev/null || echo 0)
n=$((n + 1))
echo $n > {folder}/count
echo "$n $(date +%s.%N) $*" >> {folder}/calls
at=$(cat {folder}/at 2>/dev/null || echo 0)
if [ "$n" = "$at" ] && [ -e {folder}/before ]; then kill -9 $PPID; exit 1; fi
{git} "$@"
code=$?
if [ "$n" = "$at" ]; then kill -9 $PPID; fi
exit $code
"""


class Rig:
    """A project with a prompt task and a command, whose run can be killed at a call of git.

    ``full`` adds a second prompt task that builds on the first, and real tests.
    """

    def __init__(self, made: Project, folder: Path, *, full: bool = False) -> None:
        self.project = made
        self.folder = folder
        folder.mkdir()
        shim = folder / "bin" / "git"
        shim.parent.mkdir()
        shim.write_text(SHIM.format(folder=folder, git=shutil.which("git")))
        shim.chmod(0o755)
        for name, text in HOOKS.items():
            made.write(f".git/hooks/{name}", text).chmod(0o755)
        self.record = folder / "ran.txt"
        second = "COMMIT: Return three\n" + block("m.py", "    return 2\n", "    return 3\n")
        proof = {"test_command": "python3 -m unittest -q" if full else "true"}
        tasks: list[dict[str, Any]] = [
            prompt("one", priority=3, **proof),
            {"id": "shell", "title": "Shell", "command": f"echo once >> {self.record}", "priority": 2},
        ]
        tasks += [prompt("other", **proof)] if full else []
        self.subjects = ["Return two", "Return three"] if full else ["Return two"]
        self.names = [str(task["id"]) for task in tasks]
        write_tasks(made, tasks)
        self.env = replies_for(made, {"one": two(), "other": second})
        self.env["PATH"] = f"{shim.parent}:{os.environ['PATH']}"
        self.before = made.state()

    def kill_at(self, call: int, *, before: bool) -> None:
        """Run, and be killed at that call of git."""
        (self.folder / "at").write_text(str(call))
        if before:
            (self.folder / "before").touch()
        killed = self.project.run("run", "--no-audit", env=self.env)
        assert killed.code == -signal.SIGKILL, (killed.out, killed.err)
        (self.folder / "at").unlink()

    def finish(self) -> str:
        """Run again, and look whether everything is as it would have been without the kill."""
        assert self.project.state() == self.before
        done = self.project.run("run", "--no-audit", env=self.env, check=0)
        made = self.project
        assert commits(made) == self.subjects
        assert made.git("branch", "--list", "selfimprove/*").split() == ["selfimprove/run-1"]
        assert self.record.read_text().count("once") == 1
        assert [task["status"] for task in yaml.safe_load(made.read("tasks.yml"))] == ["done"] * len(
            self.names
        )
        assert leftovers(made) == []
        assert made.state() == self.before
        assert [row[0] for row in rows(made, "select task_id from outcomes order by id")] == self.names
        return done.err


def rows(made: Project, query: str) -> list[tuple[Any, ...]]:
    """What the journal answers."""
    with closing(sqlite3.connect(f"file:{made.root}/.selfimprove/state.db?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


@pytest.fixture
def rig(project: Make, tmp_path: Path) -> Rig:
    """A project, ready to run."""
    return Rig(project(FILES), tmp_path / "rig")


@pytest.fixture
def full_rig(project: Make, tmp_path: Path) -> Rig:
    """The same with two changes, one upon the other, and real tests."""
    return Rig(project(FILES), tmp_path / "rig", full=True)


def calls_by_step(rig: Rig) -> dict[str, list[int]]:
    """Run to the end once; return the numbers of the calls of git that each step of the first task made."""
    rig.finish()
    calls = [line.split(" ", 2) for line in (rig.folder / "calls").read_text().splitlines()]
    steps = rows(rig.project, "select name, started_at, ended_at from steps where task_id = 'one'")
    return {
        name: [int(number) for number, at, _ in calls if begun <= float(at) <= ended]
        for name, begun, ended in steps
    }


def again(rig: Rig) -> None:
    """Put everything back to before the first run."""
    made = rig.project
    for branch in made.git("branch", "--list", "selfimprove/*", "--format=%(refname:short)").split():
        made.git("branch", "-D", branch)
    shutil.rmtree(made.root / ".selfimprove")
    shutil.rmtree(made.root / "logs")
    made.write("tasks.yml", made.read("tasks.yml").replace("status: done", "status: pending"))
    rig.record.unlink()
    for name in ("count", "calls", "before", "at"):
        (rig.folder / name).unlink(missing_ok=True)


def test_killed_in_the_middle_of_every_step(rig: Rig) -> None:
    by_step = calls_by_step(rig)
    assert set(by_step) == set(STEPS)
    dice = random.Random(7)
    for step in STEPS:
        assert by_step[step], step
        again(rig)
        rig.kill_at(dice.choice(by_step[step]), before=dice.random() < 0.5)
        open_steps = rows(rig.project, "select name from steps where ended_at is null")
        assert open_steps == [(step,)]
        said = rig.finish()
        assert "run 1 ended without a word" in said
        assert "one was in progress and is pending again" in said
        assert "going on with run 1" in said


@pytest.mark.parametrize("verb", ["commit-tree", "update-ref --create-reflog"])
def test_killed_around_the_commit(rig: Rig, verb: str) -> None:
    rig.finish()
    calls = (rig.folder / "calls").read_text().splitlines()
    number = next(int(line.split()[0]) for line in calls if verb in line)
    for before in (True, False):
        again(rig)
        rig.kill_at(number, before=before)
        rig.finish()


def kill_in_check(made: Project, env: dict[str, str]) -> None:
    """Run, and kill the run while the tests of its first task take their time."""
    tasks = yaml.safe_load(made.read("tasks.yml"))
    tasks[0]["test_command"] = "sleep 3"
    write_tasks(made, tasks)
    process = made.start("run", "--no-audit", env=env)
    wait_for(made, "select 1 from steps where name = 'check' and task_id = 'one'")
    time.sleep(0.7)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_killed_while_a_test_runs(rig: Rig) -> None:
    kill_in_check(rig.project, rig.env)
    rig.finish()


def test_what_git_left_half_made_is_cleared_also_when_the_task_is_not_done_again(rig: Rig) -> None:
    made = rig.project
    kill_in_check(made, rig.env)
    records = made.root / ".git/worktrees"
    (record,) = records.iterdir()
    shutil.rmtree(Path((record / "gitdir").read_text().strip()).parent)
    made.write(".git/worktrees/run-1-half-made/locked", "initializing")
    made.write(".git/refs/heads/selfimprove/run-1.lock", "")
    write_tasks(made, [prompt("another", test_command="true")])
    made.run("run", "--no-audit", env=replies_for(made, {"another": two()}), check=0)
    assert commits(made) == ["Return two"]
    assert leftovers(made) == []
    assert not records.exists()


def test_a_task_that_was_cut_off_begins_anew_where_another_s_commit_came_first(project: Make) -> None:
    made = project(FILES | {"n.py": "x = 1\n"})
    first, second = prompt("one", priority=3), prompt("other", test_command="true")
    write_tasks(made, [first, second])
    change = "COMMIT: Count two\n" + block("n.py", "x = 1\n", "x = 2\n")
    env = replies_for(made, {"one": two(), "other": change})
    kill_in_check(made, env)
    write_tasks(made, [first | {"test_command": "true"}, second | {"priority": 9}])
    made.run("run", "--no-audit", env=env, check=0)
    assert commits(made) == ["Count two", "Return two"]
    assert leftovers(made) == []


def test_a_commit_that_the_journal_does_not_know_is_found_under_another_one(full_rig: Rig) -> None:
    rig = full_rig
    rig.finish()
    calls = (rig.folder / "calls").read_text().splitlines()
    number = next(int(line.split()[0]) for line in calls if "update-ref --create-reflog" in line)
    again(rig)
    rig.kill_at(number, before=False)
    tasks = yaml.safe_load(rig.project.read("tasks.yml"))
    write_tasks(rig.project, [task | {"priority": 9 if task["id"] == "other" else 1} for task in tasks])
    rig.names = ["other", "one", "shell"]
    rig.finish()


@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_what_a_killed_run_leaves_running_is_ended(project: Make, tmp_path: Path, sandbox: str) -> None:
    made = project(FILES)
    write_tasks(
        made,
        [prompt("one", test_command="setsid sleep 600 & sleep 600" if sandbox == "none" else "sleep 600")],
    )
    env = replies_for(made, {"one": two()}) | {"SELFIMPROVE_SANDBOX__DRIVER": sandbox}
    process = made.start("run", "--no-audit", env=env)
    wait_for(made, "select 1 from steps where name = 'base' and task_id = 'one'")
    time.sleep(0.7)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    write_tasks(made, [{"id": "other", "title": "Other", "command": "true"}])
    said = made.run("run", "--no-audit", env=env, check=0).err
    assert leftovers(made) == []
    assert ("processes were still running and were ended" in said) == (sandbox == "none")


def test_a_command_s_children_are_ended_and_the_command_is_done_again(project: Make, tmp_path: Path) -> None:
    made = project(FILES)
    flag, ran = tmp_path / "flag", tmp_path / "ran"
    command = f"echo x >> {ran}; test -e {flag} || {{ touch {flag}; sleep 600 & kill -9 $PPID; sleep 600; }}"
    write_tasks(made, [{"id": "one", "title": "One", "command": command}])
    before = made.state()
    assert made.run("run", "--no-audit").code == -signal.SIGKILL
    said = made.run("run", "--no-audit", check=0).err
    assert "of its processes were still running and were ended" in said
    assert ran.read_text() == "x\nx\n"
    assert leftovers(made) == []
    assert made.state() == before


def test_a_command_that_the_journal_knows_to_have_ended_is_not_run_again(
    project: Make, tmp_path: Path
) -> None:
    made = project(FILES)
    ran = tmp_path / "ran"
    write_tasks(made, [{"id": "one", "title": "One", "command": f"echo x >> {ran}"}])
    made.run("run", "--no-audit", check=0)
    # As it stands when the kill comes between the end of the step and that of the task.
    with closing(sqlite3.connect(made.root / ".selfimprove/state.db")) as database:
        database.execute("delete from outcomes")
        owner = database.execute("select owner from runs").fetchone()[0]
        database.execute("update runs set state = 'running', ended_at = null")
        values = ("one", 1, owner, 1, time.time() + 9999)
        columns = "(task_id, run, owner, token, expires_at)"
        database.execute(f"insert into claims {columns} values (?, ?, ?, ?, ?)", values)
        database.commit()
    made.write("tasks.yml", made.read("tasks.yml").replace("done", "in_progress"))
    made.run("run", "--no-audit", check=0)
    assert ran.read_text() == "x\n"
    assert yaml.safe_load(made.read("tasks.yml"))[0]["status"] == "done"


@pytest.fixture
def model() -> Iterator[tuple[OpenAIServer, list[Callable[[], None]]]]:
    """A model on loopback that answers right, after doing what stands in the list."""
    first: list[Callable[[], None]] = []

    def answer(_body: dict[str, Any]) -> str:
        if first:
            first.pop()()
        return two()

    with OpenAIServer(answer) as server:
        yield server, first


def with_model(server: OpenAIServer) -> dict[str, str]:
    """The variables that select the model on loopback."""
    return {
        "SELFIMPROVE_LLM__MODEL": "openai/test-model",
        "SELFIMPROVE_LLM__BASE_URL": server.url,
        "OPENAI_API_KEY": "none-is-needed",
    }


def test_a_reply_is_paid_for_once(
    project: Make, model: tuple[OpenAIServer, list[Any]], tmp_path: Path
) -> None:
    server, _ = model
    rig = Rig(project(FILES), tmp_path / "rig")
    by_step = calls_by_step(rig)
    again(rig)
    write_tasks(rig.project, [prompt("one")])
    rig.env = with_model(server) | {"PATH": rig.env["PATH"]}
    # The last call of git in the edit step comes after the reply, and before the step has its result.
    rig.kill_at(by_step["edit"][-1], before=True)
    assert len(server.requests) == 1
    said = rig.project.run("run", "--no-audit", env=rig.env, check=0)
    assert len(server.requests) == 1
    assert "reply from the journal" in said.err
    assert commits(rig.project) == ["Return two"]


def test_killed_while_the_model_thinks(project: Make, model: tuple[OpenAIServer, list[Any]]) -> None:
    server, first = model
    made = project(FILES)
    write_tasks(made, [prompt("one")])
    before = made.state()
    process = made.start("run", "--no-audit", env=with_model(server))
    first.append(lambda: os.kill(process.pid, signal.SIGKILL))
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    made.run("run", "--no-audit", env=with_model(server), check=0)
    assert len(server.requests) == 2
    assert commits(made) == ["Return two"]
    assert leftovers(made) == []
    assert made.state() == before


def test_two_runs_at_once_do_each_task_once(project: Make, tmp_path: Path) -> None:
    made = project(FILES | {f"m{n}.py": "def f():\n    return 1\n" for n in range(4)})
    ran = tmp_path / "ran"
    shell = [
        {"id": f"shell-{n}", "title": "Shell", "command": f"echo {n} >> {ran}; sleep 0.05"} for n in range(6)
    ]
    changes = [prompt(f"prompt-{n}", test_command="true") for n in range(4)]
    tasks = [task for pair in zip(shell, changes, strict=False) for task in pair] + shell[4:]
    write_tasks(made, tasks)
    replies = {f"prompt-{n}": two().replace("m.py", f"m{n}.py").replace("two", f"two {n}") for n in range(4)}
    env = replies_for(made, replies)
    before = made.state()
    both = [made.start("run", "--no-audit", env=env) for _ in range(2)]
    ends = [(*process.communicate(timeout=120), process.returncode) for process in both]
    assert [end[2] for end in ends] == [0, 0], ends
    assert sorted(ran.read_text().split()) == [str(n) for n in range(6)]
    assert sorted(all_subjects(made)) == [f"Return two {n}" for n in range(4)]
    assert {task["status"] for task in yaml.safe_load(made.read("tasks.yml"))} == {"done"}
    assert leftovers(made) == []
    assert made.state() == before


def all_subjects(made: Project) -> list[str]:
    """Return the subjects of all commits on the branches of all runs."""
    branches = made.git("branch", "--list", "selfimprove/*", "--format=%(refname:short)").split()
    return [subject for branch in branches for subject in commits(made, branch)]


def wait_for(made: Project, query: str) -> None:
    """Wait until the journal has an answer."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        try:
            if rows(made, query):
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"the journal never answered: {query}")


def kill_after(rig: Rig, seconds: float) -> None:
    """Start a run and kill it after so many seconds, wherever it then is."""
    process = subprocess.Popen(
        [sys.executable, "-m", "selfimprove", "run", "--no-audit"],
        cwd=rig.project.root,
        env=rig.project.env | rig.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.kill()
    process.wait()


@pytest.mark.parametrize("seed", range(1))
def test_killed_twice_at_random_moments(full_rig: Rig, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(2):
        kill_after(full_rig, 0.5 + dice.random() * 2)
    finish_after_random_kill(full_rig)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100))
def test_killed_at_a_hundred_random_moments(full_rig: Rig, seed: int) -> None:
    dice = random.Random(1000 + seed)
    for _ in range(dice.randint(1, 3)):
        kill_after(full_rig, dice.random() * 4)
    finish_after_random_kill(full_rig)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("before", [True, False])
def test_killed_at_every_call_of_git(full_rig: Rig, before: bool) -> None:
    rig = full_rig
    rig.finish()
    total = int((rig.folder / "count").read_text())
    for number in range(1, total + 1):
        again(rig)
        try:
            rig.kill_at(number, before=before)
        except AssertionError:
            continue  # a hook's call, or a shorter run: this call did not come
        rig.finish()


def finish_after_random_kill(rig: Rig) -> None:
    """As ``Rig.finish``, but the command may have been cut off before its end was known, and is then done again."""
    made = rig.project
    now = made.state()
    assert now == rig.before
    made.run("run", "--no-audit", env=rig.env, check=0)
    assert commits(made) == ["Return two", "Return three"]
    assert [task["status"] for task in yaml.safe_load(made.read("tasks.yml"))] == ["done"] * 3
    assert leftovers(made) == []
    assert made.state() == rig.before
