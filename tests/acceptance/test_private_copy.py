"""The private copy: whatever state the person's repository is in, a run leaves it so, and tests the changed code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Project
from executor_rig import (
    PLAIN,
    blob,
    block,
    commits,
    do,
    has_branch,
    leftovers,
    prompt,
    replies_for,
    two,
    write_tasks,
)

Make = Callable[..., Project]


def test_a_dirty_tree_stays_dirty_and_the_commit_clean(project: Make) -> None:
    made = project(PLAIN | {"n.py": "x = 1\n"})
    made.write("n.py", "x = 5\n")
    made.git("stash")
    made.write("n.py", "x = 2\n")
    made.git("add", "n.py")
    made.write("n.py", "x = 3\n")
    made.write("m.py", "def f():\n    return 'mine'\n")
    made.write("untracked.py", "y = 1\n")
    done = do(made, [prompt("one", test_command="test ! -e untracked.py")], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert made.git("diff", "--name-only", "main", "selfimprove/run-1") == "m.py"
    assert made.git("status", "--short").splitlines() == [
        "M m.py",
        "MM n.py",
        "?? tasks.yml",
        "?? untracked.py",
    ]


def test_in_the_middle_of_a_merge(project: Make) -> None:
    made = project(PLAIN)
    made.git("switch", "-qc", "other")
    made.write("m.py", "def f():\n    return 8\n")
    made.git("commit", "-qam", "Eight")
    made.git("switch", "-q", "main")
    made.write("m.py", "def f():\n    return 9\n")
    made.git("commit", "-qam", "Nine")
    made.git("merge", "other", check=False)
    reply = block("m.py", "    return 9\n", "    return 2\n")
    assert do(made, [prompt("one")], {"one": reply}).code == 0


def test_a_detached_head(project: Make) -> None:
    made = project(PLAIN)
    made.git("checkout", "-q", "--detach")
    assert do(made, [prompt("one")], {"one": two()}).code == 0
    assert commits(made) == ["Return two"]


@pytest.mark.parametrize("name", ["selfimprove/run-1", "feature/#1-ü", "selfimprove/run-x", "heads/main"])
def test_branches_with_odd_names(project: Make, name: str) -> None:
    made = project(PLAIN)
    made.git("switch", "-qc", name)
    was = made.git("rev-parse", "HEAD")
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 0
    assert made.git("rev-parse", "HEAD") == was
    assert commits(made, str(done.answer["data"]["run"]["branch"])) == ["Return two"]


def test_a_branch_in_the_way_of_the_run_s_own(project: Make) -> None:
    made = project(PLAIN)
    made.git("branch", "selfimprove")
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 1
    assert "the commit could not be made" in done.reason("one")
    assert "selfimprove" in done.reason("one")


def test_no_commit_yet(project: Make) -> None:
    made = project(PLAIN, commit=False)
    done = do(made, [prompt("one"), {"id": "two", "title": "Two", "command": "true"}], {"one": two()})
    assert done.code == 1
    assert done.reason("one") == "the repository has no commit yet, so there is nothing to copy"
    assert done.outcomes["two"]["status"] == "done"


def test_without_an_identity_the_run_names_itself(project: Make) -> None:
    made = project(PLAIN)
    made.git("config", "user.useConfigOnly", "true")
    for name in [name for name in made.env if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        del made.env[name]
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert (
        made.git("log", "-1", "--format=%an <%ae>", "selfimprove/run-1")
        == "selfimprove <selfimprove@localhost>"
    )


def test_a_signature_that_cannot_be_made(project: Make) -> None:
    made = project(PLAIN)
    made.git("config", "commit.gpgSign", "true")
    made.git("config", "gpg.program", "/bin/false")
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 1
    assert done.reason("one").startswith("the commit could not be made: git commit-tree: ")
    assert "sign" in done.reason("one")
    assert done.outcomes["one"]["patch"]
    assert not has_branch(made)


def test_a_bare_repository(project: Make, tmp_path: Path) -> None:
    made = project(PLAIN)
    made.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    result = made.run("run", cwd=tmp_path / "bare.git")
    assert result.code == 2
    assert "bare repository" in result.err


def with_submodule(made: Project, tmp_path: Path) -> None:
    """Add a submodule at ``sub``."""
    other = Project(tmp_path / "lib", made.env)
    other.root.mkdir()
    other.git("init", "-q", "-b", "main")
    other.write("lib.txt", "from the library\n")
    other.git("add", "-A")
    other.git("commit", "-qm", "Library")
    made.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "sub")
    made.git("commit", "-qm", "Submodule")


def test_a_submodule_is_seen_and_not_changed(project: Make, tmp_path: Path) -> None:
    made = project(PLAIN)
    with_submodule(made, tmp_path)
    tasks = [prompt("one", test_command="grep -q library sub/lib.txt"), prompt("other", max_retries=0)]
    other = block("sub/new.txt", "", "x\n")
    done = do(made, tasks, {"one": two(), "other": other})
    assert done.outcomes["one"]["status"] == "done", done.reason("one")
    assert done.outcomes["other"]["code"] == "patch_refused"
    assert "part of a submodule" in done.reason("other") or "folder of sub/new.txt" in done.reason("other")
    made.git("submodule", "deinit", "-q", "-f", "sub")
    tasks = [prompt("empty", test_command="test -d sub && test ! -e sub/lib.txt")]
    assert do(made, tasks, {"empty": two()}).code == 0


def test_a_shallow_clone(project: Make, tmp_path: Path) -> None:
    source = project(PLAIN)
    source.write("n.py", "x = 1\n")
    source.git("add", "-A")
    source.git("commit", "-qm", "Second")
    source.git("clone", "-q", "--depth", "1", f"file://{source.root}", str(tmp_path / "shallow"))
    made = Project(tmp_path / "shallow", source.env)
    assert made.git("rev-list", "--count", "HEAD") == "1"
    assert do(made, [prompt("one")], {"one": two()}).code == 0
    assert commits(made) == ["Return two"]


def test_the_person_s_own_linked_worktree(project: Make, tmp_path: Path) -> None:
    main = project(PLAIN)
    main.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    made = Project(tmp_path / "side", main.env)
    hook = main.write(
        ".git/hooks/pre-commit",
        "#!/bin/sh\ngit diff --cached --quiet && exit 1\necho '#' >> m.py; git add m.py\n",
    )
    hook.chmod(0o755)
    made.write("m.py", "dirty\n")
    before = main.state()
    index = (main.root / ".git/worktrees/side/index").read_bytes()
    done = do(made, [prompt("one", test_command="git log -1 && grep -q '#' m.py")], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert commits(made) == ["Return two"]
    assert main.state() == before
    assert (main.root / ".git/worktrees/side/index").read_bytes() == index
    assert [line.split()[-1] for line in main.git("worktree", "list").splitlines()] == ["[main]", "[side]"]


def test_a_path_with_blanks_and_letters_of_the_world(project: Make, tmp_path: Path) -> None:
    plain = project(PLAIN)
    made = Project(tmp_path / "my répo 'x' $HOME", plain.env)
    plain.root.rename(made.root)
    hook = made.write(".git/hooks/pre-commit", "#!/bin/sh\necho '# hooked' >> m.py; git add m.py\n")
    hook.chmod(0o755)
    done = do(made, [prompt("one", test_command="grep -q hooked m.py")], {"one": two()})
    assert done.code == 0, done.reason("one")


def test_a_cache_folder_behind_a_link(project: Make, tmp_path: Path) -> None:
    made = project(PLAIN)
    (tmp_path / "big disk").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "big disk")
    made.env["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    assert do(made, [prompt("one", test_command="grep -q 2 m.py")], {"one": two()}).code == 0


@pytest.mark.parametrize("safe", ["true", "false"])
def test_line_ends_that_git_converts(project: Make, safe: str) -> None:
    made = project(PLAIN)
    made.git("config", "core.autocrlf", "true")
    made.git("config", "core.safecrlf", safe)
    reply = two() + block("new.txt", "", "one\ntwo\n")
    done = do(made, [prompt("one", test_command="grep -q 'return 2.$' m.py")], {"one": reply})
    assert done.code == 0, done.reason("one")
    assert blob(made, "m.py") == b"def f():\n    return 2\n"
    assert blob(made, "new.txt") == b"one\ntwo\n"


def test_filters_of_the_person(project: Make) -> None:
    made = project(PLAIN | {".gitattributes": "*.up filter=upper\n"})
    made.git("config", "filter.upper.smudge", "tr a-z A-Z")
    made.git("config", "filter.upper.clean", "tr A-Z a-z")
    made.git("config", "filter.upper.required", "true")
    made.write("x.up", "HELLO\n")
    made.git("add", "-A")
    made.git("commit", "-qm", "Up")
    reply = block("x.up", "HELLO\n", "GOOD BYE\n")
    done = do(made, [prompt("one", test_command="grep -qx 'GOOD BYE' x.up")], {"one": reply})
    assert done.code == 0, done.reason("one")
    assert blob(made, "x.up") == b"good bye\n"


def test_a_sparse_checkout(project: Make) -> None:
    made = project(PLAIN | {"wanted/a.txt": "a\n", "unwanted/b.txt": "b\n"})
    made.git("sparse-checkout", "set", "wanted")
    assert not (made.root / "unwanted").exists()
    done = do(made, [prompt("one", test_command="test -e unwanted/b.txt")], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert made.git("diff", "--name-only", "main", "selfimprove/run-1") == "m.py"


def test_file_names_of_every_kind(project: Make) -> None:
    odd = [
        "a b.py",
        "it's.py",
        'say "x".py',
        "new\nline.py",
        "-n.py",
        "ünï.py",
        "tab\t.py",
        "[x]*.py",
        "src/a b.py",
    ]
    made = project(dict.fromkeys(odd, PLAIN["m.py"]))
    (made.root / os.fsdecode(b"caf\xe9.py")).write_text("x = 1\n")
    made.git("add", "-A")
    made.git("commit", "-qm", "Odd")
    editable = [name for name in odd if name.isprintable()]
    reply = "".join(two().replace("m.py", name).replace("COMMIT: Return two\n", "") for name in editable)
    done = do(made, [prompt("one")], {"one": reply})
    assert done.code == 0, done.reason("one")
    changed = made.git("diff", "-z", "--name-only", "main", "selfimprove/run-1").strip("\0").split("\0")
    assert sorted(changed) == sorted(editable)


def test_no_hook_or_setting_of_the_person_s_runs_on_our_checkout(project: Make, tmp_path: Path) -> None:
    made = project(PLAIN)
    for name in ("post-checkout", "post-index-change", "pre-auto-gc"):
        hook = made.write(f".git/hooks/{name}", f"#!/bin/sh\ntouch '{tmp_path}/ran-{name}'\n")
        hook.chmod(0o755)
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 0
    assert [path.name for path in tmp_path.glob("ran-*")] == []


INSTALLED = {
    "src/pkg/__init__.py": "def f():\n    return 1\n",
    "test_pkg.py": "import unittest, pkg\nclass T(unittest.TestCase):\n  def test(self):\n    assert pkg.f() == 2\n",
    ".gitignore": ".venv/\n",
}


@pytest.mark.parametrize(
    "command",
    [None, ".venv/bin/python -m unittest -q test_pkg", "cd /; $ROOT/.venv/bin/python $ROOT/test_pkg.py"],
)
def test_an_editable_install_tests_the_changed_code(project: Make, command: str | None) -> None:
    made = project(INSTALLED)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=made.root, check=True)
    site = next(made.root.glob(".venv/lib/python*/site-packages"))
    (site / "editable.pth").write_text(f"{made.root}/src\n")
    fields = {"test_command": command.replace("$ROOT", str(made.root))} if command else {}
    reply = block("src/pkg/__init__.py", "    return 1\n", "    return 2\n")
    done = do(made, [prompt("one", **fields)], {"one": reply})
    assert done.code == 0, done.outcomes["one"]
    tests = next(check for check in done.outcomes["one"]["checks"] if check["name"] == "tests")
    assert tests["ok"]


def test_what_tests_write_is_neither_committed_nor_left(project: Make) -> None:
    made = project(PLAIN | {".gitignore": "build/\n"})
    made.write("build/old.txt", "theirs\n")
    command = "echo x > new.txt; echo x >> m.py; rm .gitignore; (echo y > build/old.txt) 2>/dev/null; exit 0"
    done = do(made, [prompt("one", test_command=command)], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert made.git("diff", "--name-only", "main", "selfimprove/run-1") == "m.py"
    assert blob(made, "m.py") == b"def f():\n    return 2\n"


def test_a_half_made_copy_of_a_killed_run_is_replaced(project: Make) -> None:
    made = project(PLAIN)
    write_tasks(made, [prompt("one")])
    env = replies_for(made, {"one": two()})
    made.run("run", "--no-audit", env=env, check=0)
    copies = next((Path(made.env["XDG_CACHE_HOME"]) / "selfimprove/copies").iterdir())
    # A folder with the name that the next run will choose, which is no worktree.
    name = f"run-2-{prompt_copy_name(made)}"
    (copies / name).mkdir()
    (copies / name / "half.txt").write_text("x")
    write_tasks(made, [prompt("one")])
    made.run("run", "--no-audit", env=env, check=0)
    assert commits(made, "selfimprove/run-2") == ["Return two"]
    assert leftovers(made) == []


def prompt_copy_name(made: Project) -> str:
    """The last part of the name of task one's copy, as the journal shows it."""
    import json
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(made.root / ".selfimprove/state.db")) as database:
        (result,) = database.execute("select result from steps where name = 'isolate'").fetchone()
    return Path(json.loads(result)["copy"]).name.removeprefix("run-1-")
