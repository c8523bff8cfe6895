"""`--land pr`: one request for each finding, with its evidence, through gh and a real remote that git pushes to.

gh itself is a program of the tests (fake_gh.py), put first in PATH: GitHub cannot be had here. All else is real.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from executor_rig import block, commits, prompt, write_tasks
from github_rig import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

    Make = Callable[..., Project]

FILES = {"a.py": "A = 1\n", "b.py": "B = 1\n", ".gitignore": "tasks.yml\n"}
SCORES = dict.fromkeys(
    ("correctness", "safety", "tests", "readability", "scope", "maintainability"),
    9,
)
REVIEW = json.dumps({"scores": SCORES, "issues": [], "summary": "Fine | <b>\n@everyone"})


def change(name: str, new: int = 2, old: int = 1) -> str:
    """The reply that sets a file's value."""
    return f"COMMIT: Set {name}\n\n" + block(
        f"{name}.py", f"{name.upper()} = {old}\n", f"{name.upper()} = {new}\n"
    )


@pytest.fixture
def server(project: Make) -> Server:
    """A project with a remote."""
    return Server(project(FILES))


def test_a_request_holds_the_evidence_and_only_our_branch_is_pushed(server: Server) -> None:
    made = server.made
    made.git("branch", "private")
    done = server.run({"a": change("a")}, "--review", review=REVIEW)
    (request,) = server.requests
    assert (request["title"], request["baseRefName"], request["headRefName"]) == (
        "Set a",
        "main",
        "selfimprove/run-1",
    )
    tip = made.git("rev-parse", "selfimprove/run-1")
    assert server.branches() == {"main": made.git("rev-parse", "main"), "selfimprove/run-1": tip}
    body = request["body"]
    for words in (
        "| tests | passed | none found |",
        f"selfimprove verify {tip}",
        "**9 of 10**",
        "| safety | 9 |",
    ):
        assert words in body
    assert "<b>" not in body.replace("\\<b\\>", "")
    assert "\n@everyone" not in body
    assert "pull request https://github.com/acme/demo/pull/1" in done.out
    assert request["auto"] is False
    made.git("clone", "-q", "-b", "selfimprove/run-1", str(server.bare), str(made.root.parent / "other"))
    assert made.run("verify", "HEAD", cwd=made.root.parent / "other").code == 0


def test_no_second_request_for_the_same_finding(server: Server) -> None:
    made = server.made
    server.run({"a": change("a")})
    made.git("branch", "-D", "selfimprove/run-1")
    made.git("push", "-q", "origin", ":selfimprove/run-1")
    again = server.run({"a": change("a")})
    assert "a has a pull request already (open): https://github.com/acme/demo/pull/1" in again.err
    assert len(server.requests) == 1
    requests = server.requests
    requests[0]["state"] = "CLOSED"
    server.set(requests=requests)
    # Of two commits of one run, only the one without a request is handed over.
    last = server.run({"a": change("a"), "b": change("b")})
    assert "(closed)" in last.err
    assert [one["title"] for one in server.requests] == ["Set a", "Set b"]
    made.git("fetch", "-q", "origin")
    assert commits(made, "origin/selfimprove/run-3", "main") == ["Set b"]
    assert commits(made, "selfimprove/run-3") == ["Set a", "Set b"]


def test_taken_up_again_there_is_still_one_request_and_it_merges_itself_when_good_enough(
    server: Server,
) -> None:
    made = server.made
    server.run({"a": change("a")}, "--review", review=REVIEW)
    # As after a kill between the push and the request.
    server.set(requests=[])
    env = server.env | {"SELFIMPROVE_REVIEW__AUTO_MERGE": "9.5"}
    again = made.run("run", "--no-audit", "--resume", "1", "--land", "pr", env=env, check=0)
    assert "does not merge itself: its review gave 9, below 9.5" in again.err
    env["SELFIMPROVE_REVIEW__AUTO_MERGE"] = "9"
    for _ in range(2):
        made.run("run", "--no-audit", "--resume", "1", "--land", "pr", env=env, check=0)
    (request,) = server.requests
    assert request["auto"] is True


def test_without_gh_or_a_login_the_commits_stay(server: Server) -> None:
    made = server.made
    server.set(logged_out=True)
    done = server.run({"a": change("a")}, code=4)
    assert "gh is not logged in" in done.err
    assert "gh auth login" in done.err
    assert list(server.branches()) == ["main"]
    assert commits(made) == ["Set a"]
    without = made.root.parent / "nothing"
    without.mkdir()
    for name in ("git", "sh", "bwrap", "env", "cat", "python3"):
        found = [Path(folder) / name for folder in made.env["PATH"].split(":")]
        (without / name).symlink_to(next(path for path in found if os.access(path, os.X_OK)))
    again = made.run(
        "run", "--no-audit", "--resume", "1", "--land", "pr", env=server.env | {"PATH": str(without)}
    )
    assert again.code == 4, again.err
    lines = again.err.strip().splitlines()[-3:]
    assert lines[0] == "error: gh is not installed, and pull requests are opened by it"
    assert "cli.github.com" in lines[2]


def test_a_remote_that_moved_is_followed_and_work_of_others_is_kept(server: Server) -> None:
    made = server.made
    other = made.root.parent / "colleague"
    made.git("clone", "-q", str(server.bare), str(other))
    (other / "b.py").write_text("B = 5\n")
    made.git("-C", str(other), "commit", "-qam", "Five")
    made.git("-C", str(other), "push", "-q")
    server.run({"a": change("a")})
    made.git("fetch", "-q")
    assert commits(made, "origin/selfimprove/run-1", "main") == ["Five", "Set a"]
    assert commits(made) == ["Set a"]
    # A colleague works on the branch of the request: it is not overwritten.
    made.git("-C", str(other), "fetch", "-q")
    made.git("-C", str(other), "checkout", "-q", "selfimprove/run-1")
    (other / "a.py").write_text("A = 3\n")
    made.git("-C", str(other), "commit", "-qam", "Three")
    made.git("-C", str(other), "push", "-q", "origin", "HEAD")
    theirs = server.branches()["selfimprove/run-1"]
    again = made.run("run", "--no-audit", "--resume", "1", "--land", "pr", env=server.env)
    assert again.code == 2
    assert "holds commits that are not from here" in again.err
    assert server.branches()["selfimprove/run-1"] == theirs


def test_undo_closes_the_request(server: Server) -> None:
    server.run({"a": change("a")})
    made = server.made
    done = json.loads(made.run("undo", "1", "--format", "json", env=server.env, check=0).out)["data"]
    assert done["requests"] == ["https://github.com/acme/demo/pull/1"]
    assert [one["state"] for one in server.requests] == ["CLOSED"]
    assert server.requests[0]["comment"] == "Taken back: selfimprove undo 1"


def test_a_task_on_top_of_another_is_for_the_other_s_branch(server: Server) -> None:
    made = server.made
    write_tasks(made, [prompt("a"), prompt("next", dependencies=["a"])])
    env = (
        made.replies({"task": "a", "reply": change("a")}, {"task": "next", "reply": change("a", 3, 2)})
        | server.env
    )
    made.run("run", "--no-audit", "--branch", "task", "--land", "pr", env=env, check=0)
    told = [(one["headRefName"], one["baseRefName"]) for one in server.requests]
    assert told == [("selfimprove/task-a", "main"), ("selfimprove/task-next", "selfimprove/task-a")]
    for name in ("a", "next"):
        tip = made.git("rev-parse", f"selfimprove/task-{name}")
        assert server.branches()[f"selfimprove/task-{name}"] == tip
