"""Kill -9 at random moments of a run that pays a model: no commit lost or made twice, no stored reply paid again."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import Project
from executor_rig import blob, block, commits, leftovers, prompt, two, write_tasks
from openai_server import Answer, OpenAIServer
from selfimprove.memory.database import open_database
from selfimprove.memory.journal import Journal

Make = Callable[..., Project]

FILES = {
    "m.py": "def f():\n    return 1\n",
    "n.py": "def g():\n    return 1\n",
    "test_m.py": "import unittest, m, n\n\n\nclass T(unittest.TestCase):\n"
    "    def test_f(self):\n        assert m.f()\n\n    def test_g(self):\n        assert n.g() < 3\n",
}
TASKS = [
    prompt("one", priority=3, files=["m.py"], test_command="python3 -m unittest -q"),
    prompt("other", priority=2, files=["m.py"], test_command="python3 -m unittest -q"),
    prompt("third", files=["n.py"], test_command="python3 -m unittest -q"),
]
SUBJECTS = ["Return two", "Return three", "Count two"]
# Which reply a question gets: the first row whose words are all in it. The second task needs a repair.
REPLIES = (
    (("You review a change",), json.dumps({"scores": dict.fromkeys(
        ("correctness", "safety", "tests", "readability", "scope", "maintainability"), 8
    ), "issues": [], "summary": "Good."})),
    (("do one",), two()),
    (("do other", "return 0"), block("m.py", "    return 0\n", "    return 3\n")),
    (("do other",), "COMMIT: Return three\n" + block("m.py", "    return 2\n", "    return 0\n")),
    (("do third",), "COMMIT: Count two\n" + block("n.py", "    return 1\n", "    return 2\n")),
)  # fmt: skip
QUESTIONS = 7
DRAFT = re.compile(r"\..+\.([0-9a-f]{8}|selfimprove-(new|[0-9a-f-]+))")


def question(messages: list[dict[str, Any]]) -> str:
    """What tells one question from another: all that is said in it."""
    return json.dumps([[message["role"], message["content"]] for message in messages])


class Model:
    """A model on loopback: counts the questions that came and those that were answered, and can tell of an answer."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.after: Callable[[], None] | None = None
        self.delay = 0.05

    def __call__(self, body: dict[str, Any]) -> Answer:
        """Return the reply to a question."""
        said = question(body["messages"])
        self.asked[said] += 1
        reply = next(text for words, text in REPLIES if all(json.dumps(word)[1:-1] in said for word in words))
        return Answer(reply, delay=self.delay)

    def told(self, body: dict[str, Any]) -> None:
        """Note that the last byte of an answer is out."""
        self.answered[question(body["messages"])] += 1
        if self.after:
            self.after()


@dataclass
class Figures:
    """What happened in all the cases."""

    kills: int = 0
    resumes: int = 0
    repeated: int = 0
    open_calls: int = 0
    ended: int = 0
    drafts: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.resumes} runs that went on, {self.ended} that ended before their kill; "
            f"{self.open_calls} calls in flight when killed, of which {self.repeated} were made again; "
            f"{self.drafts} drafts left in our own folders; {len(self.faults)} faults"
        )


class Rig:
    """A project whose tasks are paid for, and everything that must be the same as without a kill."""

    def __init__(self, made: Project, model: Model, url: str, folder: Path) -> None:
        self.project, self.model, self.folder = made, model, folder
        folder.mkdir()
        self.env = {
            "SELFIMPROVE_LLM__MODEL": "openai/test-model",
            "SELFIMPROVE_LLM__BASE_URL": url,
            "SELFIMPROVE_LLM__PRICE_INPUT": "3",
            "SELFIMPROVE_LLM__PRICE_OUTPUT": "15",
            "SELFIMPROVE_REVIEW__ENABLED": "true",
            "OPENAI_API_KEY": "none-is-needed",
            "TMPDIR": str(folder),
        }
        write_tasks(made, TASKS)
        self.before = made.state()
        self.trees: list[str] = []
        self.stored: Counter[str] = Counter()
        self.kills = 0

    def reference(self) -> float:
        """Run once without a kill; remember what comes of it and return the seconds it took."""
        began = time.monotonic()
        self.finish()
        self.trees = self.made_trees()
        assert self.model.asked.total() == QUESTIONS
        return time.monotonic() - began

    def again(self) -> None:
        """Put everything back to before the first run."""
        made = self.project
        for branch in self.branches():
            made.git("branch", "-D", branch)
        for name in (".selfimprove", "logs"):
            shutil.rmtree(made.root / name, ignore_errors=True)
        write_tasks(made, TASKS)
        for count in (self.model.asked, self.model.answered, self.stored):
            count.clear()
        self.kills = 0

    def kill(self, dice: random.Random, seconds: float) -> str:
        """Run, and kill it at a random moment, alone or with all that it started; return what was done."""
        left = QUESTIONS - len(self.stored)
        # What goes on with a run takes less time, by what is paid for and done already.
        wait = dice.uniform(0, seconds * (0.3 + 0.7 * left / QUESTIONS))
        everything, after = dice.random() < 0.3, dice.randint(1, max(1, left)) if dice.random() < 0.4 else 0
        ready, count = threading.Event(), iter(range(after - 1))
        if after:
            self.model.after = lambda: None if next(count, None) is not None else ready.set()
            pause = dice.choice((0, 0, dice.uniform(0, 0.02), dice.uniform(0, 0.2)))
        process = subprocess.Popen(
            [sys.executable, "-m", "selfimprove", "run", "--no-audit"],
            cwd=self.project.root,
            env=self.project.env | self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if after:
            ended = threading.Thread(target=lambda: (process.wait(), ready.set()), daemon=True)
            ended.start()
            ready.wait(120)
            time.sleep(pause)
            how = f"{pause:.3f} s after answer {after}"
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait)
            how = f"after {wait:.2f} s"
        self.model.after = None
        for pid in [process.pid, *(descendants(process.pid) if everything else [])]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            return ""
        self.kills += 1
        assert self.project.state() == self.before
        self.stored = Counter({said: self.model.asked[said] for said in self.replies()})
        return how + (", with all its processes" if everything else "")

    def finish(self) -> None:
        """Run to the end, and look whether everything is as it would have been without a kill."""
        made = self.project
        done = made.run("run", "--no-audit", "--format", "json", env=self.env)
        assert done.code == 0, (done.code, done.out, done.err)
        assert commits(made) == SUBJECTS
        assert not self.trees or self.made_trees() == self.trees
        assert (blob(made, "m.py"), blob(made, "n.py")) == (
            b"def f():\n    return 3\n",
            b"def g():\n    return 2\n",
        )
        assert self.branches() == ["selfimprove/run-1"]
        assert [task["status"] for task in yaml.safe_load(made.read("tasks.yml"))] == ["done"] * len(TASKS)
        assert leftovers(made) == []
        assert not (made.root / ".git/worktrees").exists()
        assert sorted(path.name for path in self.folder.iterdir()) == []
        assert made.state() == self.before
        made.git("fsck", "--no-dangling", "--no-progress")
        self.agree()
        self.paid_once()

    def agree(self) -> None:
        """The journal, ``history``, the record among the logs and the branch tell the same."""
        made = self.project
        told = json.loads(made.run("history", "1", "--format", "json", env=self.env, check=0).out)["data"]
        record = json.loads(made.read("logs/run-1.json"))
        hashes = made.git("log", "--reverse", "--format=%H", "HEAD..selfimprove/run-1").split()
        names = [task["id"] for task in TASKS]
        for outcomes in (told["outcomes"], record["outcomes"]):
            assert [(one["task_id"], one["status"], one["commit"]) for one in outcomes] == [
                (name, "done", commit) for name, commit in zip(names, hashes, strict=True)
            ]
        assert told["run"]["state"] == "finished"
        assert self.rows("select * from claims") == []
        assert self.rows("select * from steps where ended_at is null") == []

    def paid_once(self) -> None:
        """Each question has one bill and one reply; more requests than that were in flight at a kill, and counted."""
        asked, replies = self.model.asked, self.replies()
        assert set(replies) == set(asked)
        assert len(replies) == QUESTIONS
        bills: dict[str, list[tuple[int, int]]] = {}
        for key, opened, tokens, money in self.rows("select key, open, tokens, picodollars from calls"):
            bills.setdefault(key, []).append((tokens, money) if not opened else (-tokens, money))
        for said, key in replies.items():
            settled = [bill for bill in bills[key] if bill[0] > 0]
            opened = [bill for bill in bills[key] if bill[0] < 0]
            assert len(settled) == 1, f"{len(settled)} bills for one reply: {said[-300:]}"
            assert asked[said] <= 1 + len(opened), f"asked {asked[said]} times: {said[-300:]}"
            assert all(-tokens > settled[0][0] and money > settled[0][1] for tokens, money in opened)
        assert sum(len(group) for group in bills.values()) <= QUESTIONS + self.kills
        again = {said: asked[said] for said, before in self.stored.items() if asked[said] != before}
        assert not again, f"asked again although the reply was stored: {again}"

    def replies(self) -> dict[str, str]:
        """The questions whose reply is in the journal, with their keys there."""
        try:
            found = self.rows("select key, ask from exchanges")
        except sqlite3.OperationalError:  # killed before there was a journal
            return {}
        return {question(json.loads(ask)["messages"]): key for key, ask in found}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the journal answers."""
        where = f"file:{self.project.root}/.selfimprove/state.db?mode=ro"
        with closing(sqlite3.connect(where, uri=True)) as database:
            return database.execute(query).fetchall()

    def branches(self) -> list[str]:
        """The branches that runs made."""
        return self.project.git("branch", "--list", "selfimprove/*", "--format=%(refname:short)").split()

    def made_trees(self) -> list[str]:
        """The trees of the commits that the run made."""
        return self.project.git("log", "--reverse", "--format=%T", "HEAD..selfimprove/run-1").split()


def descendants(pid: int) -> list[int]:
    """All processes that ``pid`` started, and those that they started."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found = children.get(pid, [])
    return found + [far for near in found for far in descendants(near)]


@pytest.fixture
def rig(project: Make, tmp_path: Path) -> Iterator[Rig]:
    """A project with a model that counts."""
    model = Model()
    with OpenAIServer(model, answered=model.told) as server:
        yield Rig(project(FILES), model, server.url, tmp_path / "tmp")


def kill_and_resume(rig: Rig, kills: int, seed: int) -> Figures:
    """Do cases of one to three kills until there were so many; return the figures."""
    figures, seconds, case = Figures(), rig.reference(), 0
    while figures.kills < kills:
        case += 1
        dice = random.Random(seed * 1_000_003 + case)
        rig.again()
        story: list[str] = []
        try:
            for _ in range(min(dice.randint(1, 3), kills - figures.kills)):
                how = rig.kill(dice, seconds)
                story.append(how or "ended before")
                figures.kills += bool(how)
                figures.ended += not how
            rig.finish()
        except AssertionError as error:
            figures.faults.append(f"case {case} ({'; '.join(story)}): {error}")
            print(figures.faults[-1], flush=True)
            break_if_lost(rig, figures)
        figures.resumes += sum(how != "ended before" for how in story)
        figures.open_calls += rig.rows("select count(*) from calls where open")[0][0]
        figures.repeated += rig.model.asked.total() - len(rig.model.asked)
        places = (rig.project.root / name for name in (".selfimprove", "logs"))
        figures.drafts += sum(
            bool(DRAFT.fullmatch(path.name)) for place in places for path in place.rglob("*")
        )
        if figures.kills < kills:
            print(f"case {case}: {figures}", flush=True)
    print(f"in all: {figures}", flush=True)
    return figures


def break_if_lost(rig: Rig, figures: Figures) -> None:
    """Give up where one fault would only bring forth the next: the person's own is not as it was."""
    assert rig.project.state() == rig.before, figures.faults
    assert len(figures.faults) < 5, figures.faults


def test_killed_and_resumed_three_times(rig: Rig) -> None:
    assert kill_and_resume(rig, 3, seed=3).faults == []


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(8))
def test_killed_and_resumed_two_hundred_times(rig: Rig, seed: int) -> None:
    assert kill_and_resume(rig, 25, seed=100 + seed).faults == []


def test_what_a_killed_call_may_have_cost_counts_against_the_limits(rig: Rig) -> None:
    made, model = rig.project, rig.model
    process = made.start("run", "--no-audit", env=rig.env)
    model.after = lambda: os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    model.after = None
    assert process.returncode == -signal.SIGKILL
    ((tokens, money),) = rig.rows("select tokens, picodollars from calls where open")
    for limits in (
        {"SELFIMPROVE_BUDGET__CALLS": "1"},
        {"SELFIMPROVE_BUDGET__TOKENS": str(tokens * 2 - 1)},
        {"SELFIMPROVE_BUDGET__DOLLARS": f"{(money * 2 - 1) / 10**12:.12f}"},
    ):
        refused = made.run("run", "--no-audit", "--resume", "1", env=rig.env | limits)
        assert refused.code == 5, refused.err
        assert model.asked.total() == 1
    made.run("run", "--no-audit", "--resume", "1", env=rig.env, check=0)
    rig.kills = 1
    rig.paid_once()
    assert commits(made) == SUBJECTS
    assert model.asked.total() == QUESTIONS + 1
    assert model.answered.total() == QUESTIONS + 1


def test_a_bill_is_stored_with_its_reply_or_not_at_all(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "state.db")
    journal = Journal(engine, "me")
    call = journal.begin_call(1, "one", "key", ("model", 100, 0.5))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "create trigger full before insert on exchanges begin select raise(abort, 'full'); end"
        )
    with pytest.raises(Exception, match="full"):
        journal.keep("key", 1, "one", {}, {"text": "x"}, bill=(call, 10, 0.01))
    assert journal.spent(1) == (0.5, 100)
    with engine.begin() as connection:
        connection.exec_driver_sql("drop trigger full")
    journal.keep("key", 1, "one", {}, {"text": "x"}, bill=(call, 10, 0.01))
    assert journal.spent(1) == (0.01, 10)
    assert journal.recall("key") == {"text": "x"}
