"""An audit of any kind leaves the repository as it is: every byte, every file time, also when it is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Project

Make = Callable[..., Project]
BRANCHES = "".join(f"    if x == {number}:\n        x += {number}\n" for number in range(18))
KINDS = {
    "plain": [],
    "pylint": ["--select", "SI3"],
    "paths": ["src", "src/a.py"],
    "every rule": ["--select", "ALL", "--ignore", "SI3"],
    "since": ["--since", "HEAD~2"],
    "trend": ["--trend"],
    "trend of a function": ["--trend", "5", "src/b.py:f"],
    "trend of a file": ["--trend", "5", "--metric", "maintainability", "src/b.py"],
    "trend of extras": ["--trend", "3", "--metric", "cognitive"],
    "all numbers": ["--metrics", "--format", "json"],
    "without a cache": ["--no-cache", "--since", "HEAD~1", "--trend", "3"],
    "sarif": ["--format", "sarif"],
    "github": ["--format", "github"],
    "junit": ["--format", "junit"],
    "html": ["--trend", "--format", "html"],
    "markdown": ["--trend", "--format", "markdown"],
}
EVERYTHING = [
    "audit",
    "--select",
    "ALL",
    "--ignore",
    "SI3",
    "--since",
    "HEAD~1",
    "--trend",
    "9",
    "--format",
    "json",
]


def state(root: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, time and content of all below ``root`` with .git: index, refs, reflogs, objects, folders.

    A lock file that came and went would show in its folder's time.
    """
    found = {}
    for folder, folders, names in os.walk(root):
        for name in (".", *names, *folders):
            path = Path(folder) / name
            status = path.lstat()
            content = os.readlink(path).encode() if path.is_symlink() else b""
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else content
            what = hashlib.sha256(content).hexdigest()
            # Whatever reads a split index, `git status` too, tells git that its shared part is still in use.
            when = 0 if name.startswith("sharedindex.") else status.st_mtime_ns
            found[str(path)] = (status.st_mode, when, what)
    return found


def differences(before: dict[str, tuple[int, int, str]], root: Path) -> list[str]:
    after = state(root)
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


@pytest.fixture
def dirty(project: Make) -> Project:
    """History with renames and a merge, then staged, unstaged, untracked, ignored, renamed and deleted files."""
    made = project(
        {
            "src/a.py": "def f(x):\n" + BRANCHES + "    return x\n",
            "src/__init__.py": "",
            "gone.py": "gone = 1\n",
            "staged.py": "s = 1\n",
            "touched.py": "t = 1\n",
            ".gitignore": "ignored.py\n",
        }
    )
    made.git("mv", "src/a.py", "src/b.py")
    made.git("commit", "-q", "-m", "rename")
    made.git("checkout", "-q", "-b", "side")
    made.write("side.py", "def s(x):\n" + BRANCHES)
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "side")
    made.git("checkout", "-q", "main")
    made.write("src/a.py", "a = 2\n")
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "a again")
    made.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    made.write("staged.py", "s = 2\n")
    made.git("add", "staged.py")
    made.write("staged.py", "s = 3\n")
    made.write("src/b.py", made.read("src/b.py").replace("return x", "return x + 1"))
    made.write("new.py", "def n(x):\n" + BRANCHES)
    made.write("ignored.py", "i = 1\n")
    made.write("broken.py", "def (:\n")
    (made.root / "link.py").symlink_to("src/a.py")
    (made.root / "side.py").rename(made.root / "aside.py")
    (made.root / "gone.py").unlink()
    # The index calls this one changed until something refreshes it; nothing of ours may.
    os.utime(made.root / "touched.py", (1, 1))
    return made


def test_no_kind_of_audit_changes_anything(dirty: Project) -> None:
    before = state(dirty.root)
    for kind, options in KINDS.items():
        result = dirty.run("audit", *options, env={"PYTHONDONTWRITEBYTECODE": ""})
        assert result.code in (0, 1), f"{kind}: {result.err}"
        assert differences(before, dirty.root) == [], kind


def conflict(made: Project) -> None:
    made.git("stash", "-q", "--include-untracked")
    made.git("checkout", "-q", "-b", "theirs", "HEAD~1")
    made.write("src/a.py", "a = 'theirs'\n")
    made.git("commit", "-q", "-am", "theirs")
    made.git("checkout", "-q", "main")
    made.write("src/a.py", "a = 'ours'\n")
    made.git("commit", "-q", "-am", "ours")
    made.git("merge", "-q", "theirs", check=False)
    assert "<<<<<<<" in made.read("src/a.py")


def split_index(made: Project) -> None:
    made.git("update-index", "--split-index", "--untracked-cache")


def detached(made: Project) -> None:
    made.git("checkout", "-q", "--detach")


def all_touched(made: Project) -> None:
    """As after unpacking or copying a repository: git's index fits no file any more."""
    for path in made.root.rglob("*.py"):
        os.utime(path, (2, 2), follow_symlinks=False)


def watched(made: Project) -> None:
    """A file system monitor and an automatic upkeep that would each leave a trace."""
    made.git("config", "core.fsmonitor", f"touch {made.root / 'watched'}; true")
    made.git("config", "core.untrackedCache", "true")
    made.git("config", "gc.auto", "1")
    made.git("config", "diff.external", f"touch {made.root / 'differed'}")
    made.git("config", "diff.mine.textconv", f"touch {made.root / 'converted'}; cat")
    made.write(".gitattributes", "*.py diff=mine\n")
    for trace in ("watched", "differed", "converted"):
        (made.root / trace).unlink(missing_ok=True)


@pytest.mark.parametrize("make", [conflict, split_index, detached, all_touched, watched])
def test_no_tree_is_too_strange(dirty: Project, make: Callable[[Project], None]) -> None:
    make(dirty)
    before = state(dirty.root)
    result = dirty.run(*EVERYTHING)
    assert result.code in (0, 1), result.err
    assert json.loads(result.out)["data"]["trend"]["revisions"]
    assert differences(before, dirty.root) == []


def test_a_linked_worktree_and_its_repository(dirty: Project) -> None:
    tree = dirty.root.parent / "linked"
    dirty.git("worktree", "add", "-q", "--detach", str(tree))
    (tree / "staged.py").write_text("s = 9\n")
    before, here = state(dirty.root), state(tree)
    result = dirty.run(*EVERYTHING, cwd=tree)
    assert result.code in (0, 1), result.err
    assert (differences(before, dirty.root), differences(here, tree)) == ([], [])


def test_a_killed_audit_changes_nothing_and_the_next_one_works(dirty: Project) -> None:
    before = state(dirty.root)
    started = time.monotonic()
    whole = dirty.run(*EVERYTHING, "--no-cache")
    lasting = time.monotonic() - started
    for step in range(1, 10):  # wherever it is by then
        process = dirty.start(*EVERYTHING)
        time.sleep(lasting * step / 10)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert differences(before, dirty.root) == []
    after = dirty.run(*EVERYTHING)
    assert (after.code, json.loads(after.out)["data"]["findings"]) == (
        whole.code,
        json.loads(whole.out)["data"]["findings"],
    )
    assert differences(before, dirty.root) == []
