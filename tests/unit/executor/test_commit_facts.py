"""Commits with a header of our own, trailers, and changes put on another base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selfimprove.errors import GitError
from selfimprove.executor.branches import task_branch
from selfimprove.executor.evidence import digest, portable, text_of
from selfimprove.executor.land import restated
from selfimprove.model.outcome import CheckResult
from selfimprove.model.work import Work
from selfimprove.tools.git import commits
from selfimprove.tools.git.repo import open_repo
from selfimprove.tools.git.worktree import open_copy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Project

    Make = Callable[..., Project]

MESSAGE = "Mend it\n\nSelfimprove-Task: not this\n\nSelfimprove-Task: one\nSelfimprove-Run: 3\n"


def test_a_header_travels_and_trailers_are_of_the_last_paragraph(project: Make) -> None:
    made = project({"a.txt": "1\n"})
    repo = open_repo(made.root, made.env)
    plain = repo.commit_tree(repo.tree_of("HEAD"), repo.head() or "", MESSAGE, 1e9)
    with_it = commits.with_header(repo, plain, "selfimprove-evidence", '{"a":1}')
    assert commits.header(repo, with_it, "selfimprove-evidence") == '{"a":1}'
    assert commits.header(repo, plain, "selfimprove-evidence") is None
    made.git("branch", "-f", "other", with_it)
    assert made.git("fsck", "--strict", "--no-dangling") == ""
    made.git("clone", "-q", "-b", "other", f"file://{made.root}", str(made.root.parent / "c"))
    there = open_repo(made.root.parent / "c", made.env)
    assert commits.header(there, with_it, "selfimprove-evidence") == '{"a":1}'
    read = commits.read_commits(repo, "--no-walk", with_it)[0]
    assert read.trailers == [("Task", "one"), ("Run", "3")]
    assert (read.subject, read.when, read.parent) == ("Mend it", 10**9, repo.head())
    assert [one.id for one in commits.ours(repo, with_it, run=3)] == [with_it]
    assert commits.ours(repo, with_it, run=33) == commits.ours(repo, with_it, task="on") == []
    assert commits.checked_out(repo, "main") == str(made.root)
    assert commits.checked_out(repo, "other") is None


def test_a_change_is_put_elsewhere_and_taken_back_or_refused(project: Make, tmp_path: Path) -> None:
    made = project({"a.txt": "1\n2\n3\n4\n5\n6\n7\n"})
    made.write("a.txt", "1\n2\n3\n4\n5\n6\nseven\n")
    made.git("commit", "-qam", "Seven")
    seven = made.git("rev-parse", "HEAD")
    made.git("checkout", "-q", "-b", "side", "HEAD^")
    made.write("a.txt", "one\n2\n3\n4\n5\n6\n7\n")
    made.git("commit", "-qam", "One")
    repo = open_repo(made.root, made.env)
    copy = open_copy(repo, tmp_path / "copy", repo.head() or "")
    tree = commits.replay(copy, seven)
    assert repo.blob(tree, "a.txt") == b"one\n2\n3\n4\n5\n6\nseven\n"
    copy.restore(f"{seven}^{{tree}}")
    back = commits.replay(copy, seven, backwards=True)
    assert repo.blob(back, "a.txt") == b"1\n2\n3\n4\n5\n6\n7\n"
    made.write("a.txt", "1\n2\n3\n4\n5\n6\nVII\n")
    made.git("commit", "-qam", "Other seven")
    copy.restore("side^{tree}")
    with pytest.raises(GitError, match=r"conflicts in a\.txt"):
        commits.replay(copy, seven)
    assert (
        not copy.git("status", "--porcelain").strip()
        or copy.git("diff", "--name-only", "--diff-filter=U") == b""
    )
    with pytest.raises(GitError, match=r"do not go together: they change the same lines of a\.txt"):
        commits.merge_of(repo, ["main", "side"], 1e9)
    merged = commits.merge_of(repo, ["main", "side~1"], 1e9)
    assert repo.blob(merged, "a.txt") == b"one\n2\n3\n4\n5\n6\nseven\n"
    assert commits.merge_of(repo, ["main", "side~1"], 1e9) == merged
    copy.remove()


def test_facts_take_the_place_of_earlier_ones() -> None:
    old = (
        "Mend\n\nWhy.\n\nSelfimprove-Task: one\nSelfimprove-Check: lint: ok\nSelfimprove-Check: metrics: 9 -> 2\n"
        "Selfimprove-Evidence: sha256:1\nSelfimprove-Model: m\n"
    )
    work = Work(1, "one", "b", "c", 0.0, checks=(CheckResult("tests", True, "3\n passed"),))
    assert restated(old, work, "sha256:2") == (
        "Mend\n\nWhy.\n\nSelfimprove-Task: one\nSelfimprove-Check: tests: 3 passed\nSelfimprove-Evidence: sha256:2\n"
        "Selfimprove-Check: metrics: 9 -> 2\nSelfimprove-Model: m\n"
    )


def test_records_and_names_are_the_same_for_the_same_and_differ_for_others() -> None:
    assert text_of({"b": 1, "a": "ä\ud800"}) == text_of({"a": "ä\ud800", "b": 1})
    assert text_of({"a": "ä"}).isascii()
    assert digest("x") != digest("y")
    assert portable("/home/x/.venv/bin/python -m pytest -q /tmp") == "python -m pytest -q tmp"
    assert task_branch("fix-tax") == "selfimprove/task-fix-tax"
    odd = {task_branch(name) for name in ("a b", "a-b", "A-b", "a..b", "ä", "ö")}
    assert len(odd) == 6
    assert all(name.isascii() and ".." not in name and " " not in name for name in odd)
