"""`selfimprove verify`: what a commit claims is proved again, in this clone or another, and a forgery is found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from executor_rig import block, do, leftovers, prompt
from selfimprove.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

    Make = Callable[..., Project]

TESTED = {
    "m.py": "def f():\n    return 1\n",
    "test_m.py": "import m\n\n\ndef test_f():\n    assert m.f() in (1, 2)\n\n\ndef test_g():\n    assert True\n",
}
BRANCH = "selfimprove/run-1"


@pytest.fixture
def proved(project: Make) -> Project:
    """A project with one commit of a run."""
    made = project(TESTED)
    reply = "COMMIT: Return two\n\n" + block("m.py", "    return 1\n", "    return 2 if True else 3\n")
    done = do(made, [prompt("one")], {"one": reply})
    assert done.code == 0, done.err
    return made


def verify(made: Project, commit: str = BRANCH) -> tuple[int, dict[str, Any], dict[str, str]]:
    """The exit code, the answer's data, and how each claim stands."""
    before = made.state()
    result = made.run("verify", commit, "--format", "json")
    assert made.state() == before
    assert leftovers(made) == []
    document = json.loads(result.out)
    jsonschema.validate(document, schema("verify"))
    data = document["data"]
    return result.code, data, {claim["name"]: claim["stand"] for claim in data["claims"]}


def rewritten(made: Project, change: Callable[[bytes], bytes]) -> str:
    """A commit object of the run's commit that somebody changed by hand."""
    run = {"cwd": made.root, "env": made.env, "capture_output": True, "check": True}
    raw = subprocess.run(["git", "cat-file", "commit", BRANCH], **run).stdout  # type: ignore[call-overload]
    assert change(raw) != raw
    done = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        input=change(raw),
        **run,  # type: ignore[call-overload]
    )
    return str(done.stdout.decode().strip())


def clone(made: Project, *options: str) -> Project:
    """Another clone, with all branches or only some history."""
    target = made.root.parent / f"clone-{len(list(made.root.parent.glob('clone-*')))}"
    made.git("clone", "-q", "-b", BRANCH, *options, f"file://{made.root}", str(target))
    return replace(made, root=target)


def test_the_claims_hold_here_and_in_another_clone(proved: Project) -> None:
    code, data, stands = verify(proved)
    assert code == 0, data
    assert stands["evidence record"] == stands["tests"] == "holds"
    record = data["record"]
    assert record["tree"] == proved.git("rev-parse", f"{BRANCH}^{{tree}}")
    assert record["base"] == data["base"] == proved.git("rev-parse", "main")
    assert record["checks"][-1]["counts"]["passed"] == 2
    assert record["environment"]["pytest"]
    assert {"path": "m.py", "symbol": "f", "rule": "SI101", "before": 1, "after": 2} in record["functions"]
    assert "outside_files" in record["vetoes"]["looked_for"]
    assert proved.git("fsck", "--strict", "--no-dangling") == ""
    code, data, stands = verify(clone(proved), "HEAD")
    assert (code, stands["evidence record"], stands["tests"]) == (0, "holds", "holds"), data
    text = proved.run("verify", BRANCH, check=0).out
    assert "The claims hold" in text
    assert proved.git("status", "--porcelain", "--untracked-files=no") == ""


def test_a_shallow_clone_says_what_it_cannot_tell(proved: Project) -> None:
    code, data, stands = verify(clone(proved, "--depth", "1"), "HEAD")
    assert (code, data["base"]) == (1, "")
    assert stands["evidence record"] == stands["tests"] == "holds"
    assert stands["metrics"] == "unknown"
    assert "git fetch --unshallow" in json.dumps(data["claims"])


def test_a_changed_record_is_found(proved: Project) -> None:
    code, _, stands = verify(proved, rewritten(proved, lambda raw: raw.replace(b'"passed":2', b'"passed":7')))
    assert (code, stands["evidence record"]) == (1, "fails")


def test_trailers_that_somebody_wrote_are_proved(proved: Project) -> None:
    code, _, stands = verify(proved, rewritten(proved, lambda raw: raw.replace(b"2 passed", b"9 passed")))
    assert (code, stands["evidence record"]) == (1, "fails")
    bare = b"\n".join
    forged = rewritten(
        proved,
        lambda raw: bare(
            row for row in raw.replace(b"2 passed", b"9 passed").split(b"\n") if b"vidence" not in row
        ),
    )
    code, _, stands = verify(proved, forged)
    assert (code, stands["evidence record"], stands["tests"]) == (1, "stated", "fails")
    honest = rewritten(proved, lambda raw: bare(row for row in raw.split(b"\n") if b"vidence" not in row))
    code, data, stands = verify(proved, honest)
    assert (code, stands["tests"]) == (0, "holds"), data


def test_a_commit_with_the_record_of_another_is_found(proved: Project) -> None:
    proved.write("m.py", "def f():\n    return 9\n")
    proved.git("commit", "-qam", "Worse")
    tree, old = proved.git("rev-parse", "HEAD^{tree}"), proved.git("rev-parse", f"{BRANCH}^{{tree}}")
    forged = rewritten(proved, lambda raw: raw.replace(b"tree " + old.encode(), b"tree " + tree.encode()))
    code, data, stands = verify(proved, forged)
    assert (code, stands["evidence record"], stands["tests"]) == (1, "fails", "fails"), data


def test_what_is_no_commit_of_ours(proved: Project) -> None:
    for name, words in (
        ("main", "makes no claims"),
        ("nothing", "there is no commit nothing"),
        ("--all", ""),
    ):
        result = proved.run("verify", name)
        assert result.code == 2
        assert words in result.err
        assert len(result.err.strip().splitlines()) == 3


def test_killed_in_the_middle_it_leaves_nothing_for_long(proved: Project) -> None:
    copies = Path(proved.env["XDG_CACHE_HOME"]) / "selfimprove" / "copies"
    child = proved.start("verify", BRANCH)
    patience = time.monotonic() + 60
    while not list(copies.glob("*/aside-*/m.py")) and child.poll() is None and time.monotonic() < patience:
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    assert verify(proved)[0] == 0
