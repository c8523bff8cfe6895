"""`selfimprove run` with command tasks: exit codes, logs, edits meanwhile, kills, damaged state."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

SECRET = "correct-horse-battery"
WITHOUT_STATUS = re.compile(r',? "?status"?: "?(done|in_progress)"?')
SHAPED = "sk-abcdefghij0123456789KLMNOP"


LOOK = f'pwd; echo "A=$A B=$FROM_DOTENV T=$MY_TOKEN"; echo {SHAPED}; env | cut -d= -f1'


def tasks_yml(*rows: str) -> str:
    return "# mine\n" + "".join(f"- {row}\n" for row in rows)


def row(name: str, command: str, **more: object) -> str:
    fields = {"id": name, "title": name.title(), "command": command} | more
    return json.dumps(fields)


def statuses(project) -> dict[str, str]:
    return {task["id"]: task.get("status", "pending") for task in yaml.safe_load(project.read("tasks.yml"))}


def outcomes(result) -> dict[str, dict]:
    return {outcome["task_id"]: outcome for outcome in json.loads(result.out)["data"]["outcomes"]}


def log_of(project, name: str) -> str:
    [log] = sorted((project.root / "logs").glob(f"task-{name}-*.log"))[-1:]
    return log.read_text(encoding="utf-8", errors="replace")


def wait_for(condition, seconds: float = 30.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def processes(word: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


# exit codes, time-outs, logs, environment


def test_the_exit_code_decides_and_dependents_wait_with_the_reason(project):
    repo = project({
        "tasks.yml": tasks_yml(
            row("good", "echo out; echo err >&2; echo end"), row("bad", "echo why; exit 3"),
            row("after-bad", "true", dependencies=["bad"]), row("after-good", "true", dependencies=["good"]),
        )
    })  # fmt: skip
    result = repo.run("run", "--no-audit", "--format", "json", check=1)
    ends = outcomes(result)
    assert {name: end["status"] for name, end in ends.items()} == {
        "good": "done",
        "bad": "failed",
        "after-good": "done",
    }
    assert ends["bad"]["reason"] == "exit code 3: why"
    assert statuses(repo) == {"good": "done", "bad": "failed", "after-bad": "pending", "after-good": "done"}
    assert "# mine" in repo.read("tasks.yml")
    assert log_of(repo, "good").endswith("out\nerr\nend\n")
    plan = json.loads(repo.run("plan", "--dry-run", "--format", "json").out)
    [waiting] = plan["data"]["waiting"]
    assert waiting["id"] == "after-bad" and waiting["reason"] == "needs bad, which failed"
    again = repo.run("run", "--no-audit", "--format", "json", check=0)
    assert outcomes(again) == {}


def test_time_outs_of_the_task_and_of_the_config(project):
    repo = project({
        "tasks.yml": tasks_yml(
            row("own", "echo begun; sleep 60; echo never", timeout=0.4), row("general", "sleep 61"),
        ),
        ".selfimprove/config.yaml": "command: {timeout: 0.6}\n",
    }, commit=False)  # fmt: skip
    ends = outcomes(repo.run("run", "--no-audit", "--format", "json", check=1))
    assert ends["own"]["reason"] == "no end after 0.4 s" and ends["own"]["code"] == "timed_out"
    assert ends["general"]["reason"] == "no end after 0.6 s"
    log = log_of(repo, "own")
    assert "begun\n" in log and "\nnever" not in log and "timed out" in log


def test_environment_folder_and_masked_secrets(project):
    repo = project({
        "tasks.yml": tasks_yml(row("look", LOOK)),
        ".env": "FROM_DOTENV=no\nOPENAI_API_KEY=sk-from-the-dotenv-file-0123456789\n",
        "sub/folder/keep": "",
    })  # fmt: skip
    env = {"A": "mine", "MY_TOKEN": SECRET}
    result = repo.run("run", "--no-audit", env=env, cwd=repo.root / "sub/folder", check=0)
    log = log_of(repo, "look")
    assert f"\n{repo.root}\nA=mine B= T=***\n***\n" in log
    assert "OPENAI_API_KEY" not in log and "FROM_DOTENV\n" not in log
    written = [
        p for folder in ("logs", ".selfimprove") for p in (repo.root / folder).rglob("*") if p.is_file()
    ]
    texts = [path.read_bytes() for path in written] + [result.out.encode(), result.err.encode()]
    for secret in (SECRET, "sk-from-the-dotenv-file-0123456789"):
        assert not any(secret.encode() in text for text in texts)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_log_is_complete_when_we_are_stopped_and_the_command_does_not_outlive_the_next_run(
    project, signum
):
    word = f"{random.randrange(10**6, 10**7)}.25"
    repo = project(
        {"tasks.yml": tasks_yml(row("long", f"echo one; echo two >&2; test -e go || sleep {word}"))}
    )
    running = repo.start("run", "--no-audit")
    wait_for(lambda: processes(f"sleep\0{word}"))
    assert statuses(repo) == {"long": "in_progress"}
    now = json.loads(repo.run("status", "--format", "json", check=0).out)["data"]
    assert "long" in json.dumps(now)
    running.send_signal(signum)
    _, err = running.communicate(timeout=30)
    assert running.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[signum]
    assert "one\ntwo\n" in log_of(repo, "long")
    if signum == signal.SIGKILL:
        assert processes(f"sleep\0{word}") and statuses(repo) == {"long": "in_progress"}
    else:
        assert not processes(f"sleep\0{word}") and statuses(repo) == {"long": "pending"}, err
        assert json.loads(repo.read("logs/run-1.json"))["run"]["state"] == "interrupted"
    repo.write("go", "")
    result = repo.run("run", "--no-audit", check=0)
    assert not processes(f"sleep\0{word}")
    assert statuses(repo) == {"long": "done"}
    assert "going on with run 1" in result.err
    record = json.loads(repo.read("logs/run-1.json"))
    assert record["run"]["state"] == "finished" and len(record["outcomes"]) == 1


# a person edits meanwhile


def test_edits_during_a_run_are_taken_up(project):
    repo = project({
        "tasks.yml": tasks_yml(
            row("first", "touch running; while ! test -e go; do sleep 0.02; done", priority=9),
            row("unwanted", "touch unwanted"), row("late", "echo late >> order", priority=2),
            row("early", "echo early >> order", priority=1), row("gone", "touch gone"), row("changed", "touch old"),
        )
    })  # fmt: skip
    running = repo.start("run", "--no-audit", "--format", "json")
    wait_for(lambda: (repo.root / "running").exists())
    text = repo.read("tasks.yml")
    text = text.replace('"command": "touch unwanted"', '"command": "touch unwanted", "status": "skipped"')
    text = text.replace('"priority": 1', '"priority": 3').replace("touch old", "touch new")
    text = text.replace(row("gone", "touch gone"), row("added", "echo added >> order", dependencies=["late"]))
    repo.write("tasks.yml", text + "# and a word\n")
    repo.write("go", "")
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert repo.read("order") == "early\nlate\nadded\n"
    assert not any((repo.root / name).exists() for name in ("unwanted", "gone", "old"))
    assert (repo.root / "new").exists()
    assert repo.read("tasks.yml").endswith("# and a word\n") and repo.read("tasks.yml").startswith("# mine\n")
    assert statuses(repo) == {"first": "done", "unwanted": "skipped", "late": "done", "early": "done",
                              "added": "done", "changed": "done"}  # fmt: skip


@pytest.fixture
def held(project):
    """A run whose first task waits for the file ``go``, and counts how often it was begun."""
    repo = project({
        "tasks.yml": tasks_yml(
            row("first", "echo x >> begun; while ! test -e go; do sleep 0.02; done"), row("second", "echo x >> second")
        )
    })  # fmt: skip
    running = repo.start("run", "--no-audit")
    wait_for(lambda: (repo.root / "begun").exists())
    yield repo, running
    running.kill()
    running.wait()


def test_a_broken_edit_ends_the_run_and_nothing_is_done_twice(held):
    repo, running = held
    good = repo.read("tasks.yml")
    repo.write("tasks.yml", good + "- id: [\n")
    repo.write("go", "")
    _, err = running.communicate(timeout=60)
    assert running.returncode == 2
    assert len(err.strip().splitlines()[-3:]) == 3 and "tasks.yml:" in err and "Traceback" not in err
    assert repo.read("tasks.yml") == good + "- id: [\n"
    assert repo.run("run", "--no-audit").code == 2
    repo.write("tasks.yml", good)
    result = repo.run("run", "--no-audit", check=0)
    assert "first had ended; tasks.yml shows it now" in result.err
    assert statuses(repo) == {"first": "done", "second": "done"}
    assert repo.read("begun") == "x\n" and repo.read("second") == "x\n"


def test_a_broken_edit_that_is_mended_in_time_is_waited_for(held):
    repo, running = held
    good = repo.read("tasks.yml")
    repo.write("tasks.yml", good[:-20])
    repo.write("go", "")
    time.sleep(0.6)
    # In one step: on a machine that stalls, a file that is being written may look empty for long.
    repo.write("tasks.new", good).replace(repo.root / "tasks.yml")
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert statuses(repo) == {"first": "done", "second": "done"}


def test_an_editor_that_saves_what_it_read_before_the_run_does_not_undo_an_outcome(held):
    repo, running = held
    repo.write("tasks.yml", WITHOUT_STATUS.sub("", repo.read("tasks.yml")).replace("# mine", "# old"))
    assert statuses(repo)["first"] == "pending"
    repo.write("go", "")
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert statuses(repo) == {"first": "done", "second": "done"} and repo.read("tasks.yml").startswith(
        "# old"
    )
    repo.run("run", "--no-audit", check=0)
    assert repo.read("begun") == "x\n"


def test_the_running_task_is_deleted(held):
    repo, running = held
    repo.write("tasks.yml", tasks_yml(row("second", "echo x >> second")))
    repo.write("go", "")
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert statuses(repo) == {"second": "done"}


def test_a_cycle_is_warned_of_and_not_followed(held):
    repo, running = held
    cycle = row("a", "touch a", dependencies=["b"]), row("b", "touch b", dependencies=["a"])
    repo.write("tasks.yml", repo.read("tasks.yml") + "".join(f"- {one}\n" for one in cycle))
    repo.write("go", "")
    _, err = running.communicate(timeout=60)
    assert "circle: a -> b -> a" in err and "not followed" in err
    assert statuses(repo) == {"first": "done", "second": "done", "a": "pending", "b": "pending"}
    assert running.returncode == 0 and not (repo.root / "a").exists()


# limits


def test_budget_warning_and_what_a_resumed_run_has_spent(project):
    rows = [
        row(f"t{n}", f"echo t{n} >> done; test {n} != 2 || test -e go || sleep 77", cost=2) for n in range(6)
    ]
    repo = project({"tasks.yml": tasks_yml(*rows)})
    running = repo.start("run", "--no-audit", "--budget", "10")
    wait_for(lambda: (repo.root / "done").exists() and repo.read("done").endswith("t2\n"))
    running.kill()
    running.communicate()
    repo.write("go", "")
    result = repo.run("run", "--no-audit", "--budget", "10", check=5)
    assert result.err.count("of 10 units are used") == 1
    assert list(statuses(repo).values()) == ["done"] * 5 + ["pending"]
    plan = json.loads(repo.run("plan", "--dry-run", "--budget", "1", "--format", "json").out)["data"]
    assert plan["waiting"][0]["reason"] == "0 + 2 is over the budget of 1"


@pytest.mark.parametrize(
    ("flags", "code", "done"),
    [
        (["--max-tasks", "2"], 5, 2),
        (["--time", "0.001"], 5, 1),
        (["--budget", "0"], 5, 0),
        ([], 0, 3),
        (["t1"], 0, 1),
    ],
)
def test_limits(project, flags, code, done):
    repo = project({"tasks.yml": tasks_yml(*(row(f"t{n}", "sleep 0.01") for n in range(3)))})
    repo.run("run", "--no-audit", *flags, check=code)
    assert list(statuses(repo).values()).count("done") == done


def test_without_a_key_the_commands_are_done_and_the_prompt_waits(project):
    ask = json.dumps({"id": "ask", "title": "Ask", "prompt": "Do it", "priority": 9})
    repo = project({"tasks.yml": tasks_yml(ask, row("run", "true"))})
    result = repo.run("run", "--no-audit", check=4)
    assert statuses(repo) == {"ask": "pending", "run": "done"}
    assert "1 task needs a model" in result.err


# the journal


def test_history_status_and_record_agree(project):
    repo = project({"tasks.yml": tasks_yml(row("a", "true"), row("b", "false"))})
    repo.run("run", "--no-audit", check=1)
    one = json.loads(repo.run("history", "1", "--format", "json", check=0).out)["data"]
    record = json.loads(repo.read("logs/run-1.json"))
    assert [o["task_id"] for o in record["outcomes"]] == ["a", "b"] == [o["task_id"] for o in one["outcomes"]]
    assert [(s["task_id"], s["status"]) for s in record["steps"]] == [("a", "done"), ("b", "failed")]
    assert record["run"]["exit_code"] == 1 and record["run"]["state"] == "finished"
    assert record["run"]["summary"]["failed"] == 1
    listed = json.loads(repo.run("history", "--format", "json", check=0).out)["data"]
    assert [run["id"] for run in listed["runs"]] == [1]
    assert "b" in repo.run("history", "1", check=0).out
    counts = json.loads(repo.run("status", "--format", "json", check=0).out)["data"]
    assert counts["tasks"]["failed"] == 1
    assert repo.run("history", "9").code == 2


def journaled(repo) -> list[str]:
    if not (repo.root / ".selfimprove/state.db").exists():
        return []
    code = "SELECT task_id FROM outcomes ORDER BY id"
    with sqlite3.connect(repo.root / ".selfimprove/state.db", timeout=30) as connection:
        try:
            return [name for (name,) in connection.execute(code)]
        except sqlite3.OperationalError:
            return []  # killed before the tables were there


def under_fire(repo, kills: int, seed: int, count: int = 30) -> None:
    """Kill runs at random moments; what was journaled is never run again, and in the end all is done."""
    chance = random.Random(seed)
    repo.write("tasks.yml", tasks_yml(*(row(f"t{n}", f"echo t{n} >> ran") for n in range(count))))
    again: Counter[str] = Counter()
    for _ in range(kills):
        running = subprocess.Popen(
            [sys.executable, "-m", "selfimprove", "run", "--no-audit"], cwd=repo.root, env=repo.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            running.wait(chance.uniform(0.4, 1.4))
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        yaml.safe_load(repo.read("tasks.yml"))
        ended = set(journaled(repo))
        ran = Counter(repo.read("ran").split()) if (repo.root / "ran").exists() else Counter()
        assert not [name for name in again if ran[name] > again[name]], "a task with an outcome was run again"
        again = Counter({name: ran[name] for name in ended})
        if all(status == "done" for status in statuses(repo).values()):
            (repo.root / "ran").unlink()
            again.clear()
            repo.write("tasks.yml", WITHOUT_STATUS.sub("", repo.read("tasks.yml")))
            shutil.rmtree(repo.root / ".selfimprove")
    repo.run("run", "--no-audit", check=0)
    assert set(statuses(repo).values()) == {"done"} and set(repo.read("ran").split()) == {
        f"t{n}" for n in range(count)
    }
    assert max(Counter(journaled(repo)).values()) == 1
    with sqlite3.connect(repo.root / ".selfimprove/state.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(repo.root.glob("*selfimprove-new*")) + list(repo.root.glob(".*selfimprove-new*"))


def test_kills_at_random_moments(project):
    under_fire(project(), kills=8, seed=7)


@pytest.mark.torture
@pytest.mark.timeout(1200)
def test_a_hundred_kills_at_random_moments(project):
    under_fire(project(), kills=100, seed=11, count=60)


def test_two_runs_at_once_never_do_the_same_task(project):
    names = [f"t{n}" for n in range(24)]
    repo = project(
        {"tasks.yml": tasks_yml(*(row(name, f"echo {name} >> ran; sleep 0.01") for name in names))}
    )
    both = [repo.start("run", "--no-audit") for _ in range(2)]
    errs = [one.communicate(timeout=120)[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], errs
    assert Counter(repo.read("ran").split()) == Counter(names)
    assert set(statuses(repo).values()) == {"done"}
    assert Counter(journaled(repo)) == Counter(names)


# damaged state


def three_lines(text: str) -> bool:
    lines = [line for line in text.strip().splitlines() if not line.startswith("note:")]
    return len(lines) == 3 and lines[0].startswith("error:") and lines[2].startswith("hint:")


@pytest.mark.parametrize(
    "content", [b"garbage" * 999, b"SQLite format 3\0", b"SQLite format 3\0" + b"\1" * 5000]
)
def test_a_damaged_state_stops_every_command_and_is_kept(project, content):
    repo = project({"tasks.yml": tasks_yml(row("a", "touch ran"))})
    repo.write(".selfimprove/state.db", content)
    for command in (["run", "--no-audit"], ["status"], ["history"], ["plan", "--dry-run"]):
        result = repo.run(*command, check=2)
        assert three_lines(result.err), result.err
        assert (repo.root / ".selfimprove/state.db").read_bytes() == content
    assert statuses(repo) == {"a": "pending"} and not (repo.root / "ran").exists()


def test_a_folder_in_place_of_the_state(project):
    repo = project({"tasks.yml": tasks_yml(row("a", "true"))})
    (repo.root / ".selfimprove/state.db").mkdir(parents=True)
    for command in (["run", "--no-audit"], ["status"]):
        assert three_lines(repo.run(*command, check=2).err)


def shut_in(repo, *options: str, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    argv = ["bwrap", "--dev-bind", "/", "/", *options, "--", sys.executable, "-m", "selfimprove", *command]
    return subprocess.run(argv, cwd=repo.root, env=repo.env, capture_output=True, text=True, check=False)


def test_a_read_only_state(project):
    repo = project({"tasks.yml": tasks_yml(row("a", "true"), row("b", "true"))})
    repo.run("run", "a", "--no-audit", check=0)
    state = str(repo.root / ".selfimprove")
    done = shut_in(repo, "--ro-bind", state, state, command=("run", "--no-audit"))
    assert done.returncode == 2 and three_lines(done.stderr), done.stderr
    for command in (("status",), ("history",), ("history", "1")):
        assert shut_in(repo, "--ro-bind", state, state, command=command).returncode == 0
    repo.run("run", "--no-audit", check=0)


@pytest.mark.parametrize("folder", [".selfimprove", "logs"])
def test_a_full_disk_is_a_plain_error_and_loses_nothing(project, folder):
    rows = [row(f"t{n}", f"echo t{n} >> ran; head -c 60000 /dev/zero | tr '\\0' x") for n in range(40)]
    repo = project({"tasks.yml": tasks_yml(*rows)})
    place = repo.root / folder
    place.mkdir(exist_ok=True)
    done = shut_in(
        repo, "--size", "300000", "--tmpfs", str(place), command=("run", "--no-audit", "--format", "json")
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr[-2000:]
    assert "room on the disk" in done.stdout
    ended = [name for name, status in statuses(repo).items() if status == "done"]
    assert repo.read("ran").split()[: len(ended)] == ended
    shutil.rmtree(place)
    place.mkdir()
    repo.run("run", "--no-audit", check=0)
    assert all(repo.read("ran").split().count(name) == 1 for name in ended)
    assert list(place.iterdir())


def test_naming_a_task_that_is_done_says_so_and_does_the_others(project):
    repo = project({"tasks.yml": "- id: a\n  command: echo a >> ran\n- id: b\n  command: echo b >> ran\n"})
    repo.run("run", "a", check=0)
    done = repo.run("run", "a", "b", check=0)
    assert repo.read("ran") == "a\nb\n"
    assert "note: a is done; to do it again: selfimprove tasks retry a\n" in done.err
