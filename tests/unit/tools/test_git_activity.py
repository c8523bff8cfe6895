"""Activity: what git's log says of every file's recent past, on real repositories."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.tools.git.activity import HALF_LIFE, activity
from selfimprove.tools.git.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86_400


def commit(here: Any, day: float, files: dict[str, str]) -> None:
    """Commit ``files`` on a day since the first."""
    for name, text in files.items():
        here.write(name, text)
    here.git("add", "-A")
    when = f"@{1_700_000_000 + int(day * DAY)} +0000"
    subprocess.run(
        ["git", "commit", "-q", "-m", f"Day {day}"],
        cwd=here.root,
        env={**here.env, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
        check=True,
    )


def test_churn_halves_with_time_and_age_is_that_of_the_newest(project: Callable[..., Any]) -> None:
    here = project(commit=False)
    commit(here, 0, {"old.go": "1", "both.rs": "1"})
    commit(here, 2 * HALF_LIFE, {"both.rs": "2", "a folder/new name.ts": "1"})
    found = activity(open_repo(here.root, here.env))
    assert found["old.go"] == pytest.approx((0.25, 2 * HALF_LIFE))
    assert found["both.rs"] == pytest.approx((1.25, 0))
    assert found["a folder/new name.ts"] == pytest.approx((1, 0))
    limited = activity(open_repo(here.root, here.env), limit=1)
    assert set(limited) == {"both.rs", "a folder/new name.ts"}


def test_a_commit_of_very_many_files_says_little_of_each(project: Callable[..., Any]) -> None:
    here = project(commit=False)
    commit(here, 0, {f"{number}.c": "1" for number in range(100)})
    assert activity(open_repo(here.root, here.env))["7.c"].churn == pytest.approx(0.1)


def test_every_name_and_whatever_a_person_configured(project: Callable[..., Any]) -> None:
    here = project(commit=False)
    names = [os.fsdecode(name) for name in (b"\xff\xfe.py", b"two\nlines.js", b"\x021.py", b"tab\t.rb")]
    commit(here, 0, dict.fromkeys(names, "1"))
    here.git("mv", names[3], "moved.rb")
    for key, value in {
        "log.showSignature": "true",
        "diff.renames": "copies",
        "log.showRoot": "false",
    }.items():
        here.git("config", key, value)
    commit(here, 1, {})
    found = activity(open_repo(here.root, here.env))
    assert set(found) == {*names, "moved.rb"}


def test_without_a_commit_in_a_shallow_clone_and_with_missing_objects(project: Callable[..., Any]) -> None:
    here = project(commit=False)
    assert activity(open_repo(here.root, here.env)) == {}
    commit(here, 0, {"a.py": "1"})
    commit(here, 1, {"b.py": "1"})
    here.git("clone", "-q", "--depth", "1", f"file://{here.root}", "../shallow")
    assert set(activity(open_repo(here.root.parent / "shallow", here.env))) == {"a.py", "b.py"}
    first = here.git("rev-parse", "HEAD~1")
    (here.root / ".git" / "objects" / first[:2] / first[2:]).unlink()
    assert activity(open_repo(here.root, here.env)) == {}
