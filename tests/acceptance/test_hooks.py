"""The target's own git hooks: they run on what is committed, can refuse or rewrite it, and are shut in."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Project
from executor_rig import PLAIN, blob, block, commits, do, has_branch, prompt, two

Make = Callable[..., Project]
Hooked = Callable[..., Project]


@pytest.fixture
def hooked(project: Make) -> Hooked:
    """A project with hooks."""

    def make(files: dict[str, str] | None = None, **hooks: str) -> Project:
        made = project(files or PLAIN)
        for name, text in hooks.items():
            hook = made.write(f".git/hooks/{name.replace('_', '-')}", f"#!/bin/sh\n{text}\n")
            hook.chmod(0o755)
        return made

    return make


def test_a_hook_that_refuses_fails_the_task_with_its_own_words(hooked: Hooked) -> None:
    made = hooked(pre_commit="echo 'house rule 7: no twos'; exit 1")
    again = block("m.py", "    return 2\n", "    return 4\n")
    done = do(made, [prompt("one")], {"one": [two(), again]})
    assert done.code == 1
    assert "pre-commit hook failed: house rule 7: no twos" in done.reason("one")
    assert not has_branch(made)


def test_the_model_is_told_what_the_hook_said(hooked: Hooked) -> None:
    made = hooked(pre_commit="if grep -q 'return 2' m.py; then echo 'no twos, please'; exit 1; fi")
    mend = "COMMIT: Return four\n" + block("m.py", "    return 2\n", "    return 4\n")
    made.write("tasks.yml", "- {id: one, title: One, prompt: change f}\n")
    env = made.replies({"reply": two()}, {"contains": "no twos, please", "reply": mend})
    made.run("run", "--no-audit", env=env, check=0)
    assert commits(made) == ["Return four"]


def test_what_a_hook_rewrites_and_stages_is_tested_and_committed(hooked: Hooked) -> None:
    made = hooked(
        pre_commit="sed -i 's/return 2/return 2  # checked/' m.py && git add m.py && echo new > new.txt"
    )
    done = do(
        made, [prompt("one", test_command="grep -q '# checked' m.py && test ! -e new.txt")], {"one": two()}
    )
    assert done.code == 0, done.reason("one")
    assert blob(made, "m.py") == b"def f():\n    return 2  # checked\n"
    assert made.git("ls-tree", "--name-only", "selfimprove/run-1").split() == ["m.py"]


def test_a_formatter_that_fails_after_rewriting_is_run_again(hooked: Hooked) -> None:
    framework = (
        "grep -q formatted m.py && exit 0; echo '# formatted' >> m.py; echo 'files were modified'; exit 1"
    )
    made = hooked(pre_commit=framework)
    done = do(made, [prompt("one", test_command="grep -q formatted m.py")], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert blob(made, "m.py") == b"def f():\n    return 2\n# formatted\n"
    assert [check["name"] for check in done.outcomes["one"]["checks"]] == ["pre-commit hook", "tests"]


def test_what_a_hook_rewrites_and_does_not_stage_is_not_committed(hooked: Hooked) -> None:
    made = hooked(pre_commit="echo '# stray' >> m.py")
    done = do(made, [prompt("one", test_command="! grep -q stray m.py")], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert b"stray" not in blob(made, "m.py")


def test_a_hook_sees_what_is_staged_and_the_history(hooked: Hooked) -> None:
    see = "git diff --cached --name-only | grep -qx m.py && git diff --cached | grep -q '^+    return 2'"
    made = hooked(pre_commit=f"{see} && git log -1 --format=%s | grep -qx First && git stash list")
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 0, done.reason("one")


def test_message_hooks_may_add_to_the_message(hooked: Hooked) -> None:
    made = hooked(
        prepare_commit_msg='test "$2" = message && printf "prepared: %s\\n" "$(cat "$1")" > "$1"',
        commit_msg='echo "Change-Id: I0123" >> "$1"',
    )
    do(made, [prompt("one")], {"one": two()})
    message = made.git("log", "-1", "--format=%B", "selfimprove/run-1")
    assert message.startswith("prepared: Return two\n\n")
    assert message.endswith("Selfimprove-Model: scripted\nChange-Id: I0123")


def test_a_message_with_a_hash_stays_whole(hooked: Hooked) -> None:
    made = hooked()
    reply = two().replace("Return two", "#12: return two")
    do(made, [prompt("one", description="# Why\nIt matters.")], {"one": reply})
    assert made.git("log", "-1", "--format=%B", "selfimprove/run-1").startswith(
        "#12: return two\n\n# Why\nIt matters."
    )


def test_a_message_hook_may_refuse(hooked: Hooked) -> None:
    made = hooked(commit_msg="echo 'no ticket'; echo 'in the subject'; exit 1")
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 1
    assert done.outcomes["one"]["code"] == "hook_refused"
    assert done.reason("one").endswith("commit-msg: no ticket in the subject")
    assert done.outcomes["one"]["patch"]
    assert not has_branch(made)


def test_the_post_commit_hook_sees_the_commit_and_cannot_undo_it(hooked: Hooked) -> None:
    made = hooked(post_commit="git log -1 --format='post: %s'; exit 1")
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 0
    assert "post: Return two" in Path(done.outcomes["one"]["log"]).read_text()


def test_a_hook_without_the_mode_to_run_is_passed_over(hooked: Hooked) -> None:
    made = hooked(pre_commit="exit 1")
    (made.root / ".git/hooks/pre-commit").chmod(0o644)
    assert do(made, [prompt("one")], {"one": two()}).code == 0


@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_hooks_in_a_folder_of_the_repository(project: Make, sandbox: str) -> None:
    made = project(
        PLAIN | {".githooks/pre-commit": "#!/bin/sh\necho '# hooked' >> m.py; git add m.py\n"}, commit=False
    )
    (made.root / ".githooks/pre-commit").chmod(0o755)
    made.git("add", "-A")
    made.git("commit", "-qm", "First")
    made.git("config", "core.hooksPath", ".githooks")
    done = do(made, [prompt("one")], {"one": two()}, "--sandbox", sandbox)
    assert done.code == 0, done.reason("one")
    assert blob(made, "m.py").endswith(b"# hooked\n")


def test_hooks_in_a_folder_of_the_person_s(project: Make, tmp_path: Path) -> None:
    made = project(PLAIN)
    hook = tmp_path / "my hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text('#!/bin/sh\n. "$(dirname "$0")/part.sh"\n')
    (hook.parent / "part.sh").write_text("echo '# hooked' >> m.py; git add m.py\n")
    hook.chmod(0o755)
    made.git("config", "core.hooksPath", str(hook.parent))
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert blob(made, "m.py").endswith(b"# hooked\n")


def test_a_hook_cannot_reach_the_person_s_tree_or_git_folder_or_the_network(
    hooked: Hooked, tmp_path: Path
) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    tries = f"""
    git update-ref refs/heads/mine HEAD
    git config user.name mine
    git branch mine
    common=$(git rev-parse --git-common-dir)
    echo '#' >> "$common/config"; echo x > "$common/HEAD"; rm -rf "$common/refs"; rm -f "$common/index"
    echo x > {tmp_path}/written; echo x > $HOME/written
    python3 -c 'import socket; socket.create_connection(("127.0.0.1", {port}), 2)' && touch reached && git add reached
    echo x > stray.txt
    exit 0
    """
    made = hooked(pre_commit=tries, post_commit=tries)
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 0, done.reason("one")
    assert not (tmp_path / "written").exists()
    assert not (Path(made.env["HOME"]) / "written").exists()
    assert made.git("ls-tree", "--name-only", "selfimprove/run-1").split() == ["m.py"]
    server.close()


def test_without_a_sandbox_hooks_work_the_same(hooked: Hooked) -> None:
    made = hooked(
        pre_commit="sed -i 's/return 2/return 2  # checked/' m.py && git add m.py",
        commit_msg='echo "Change-Id: I0123" >> "$1"',
        post_commit="git log -1 --format='post: %s'",
    )
    done = do(
        made, [prompt("one", test_command="grep -q '# checked' m.py")], {"one": two()}, "--sandbox", "none"
    )
    assert done.code == 0, done.reason("one")
    assert blob(made, "m.py") == b"def f():\n    return 2  # checked\n"
    assert made.git("log", "-1", "--format=%B", "selfimprove/run-1").endswith("Change-Id: I0123")
    assert "post: Return two" in Path(done.outcomes["one"]["log"]).read_text()


def test_a_hook_that_removes_and_adds_files_in_odd_names(hooked: Hooked) -> None:
    made = hooked(
        PLAIN | {"old.txt": "x\n"},
        pre_commit="git rm -q --cached old.txt; echo x > 'it\"s new\n.txt'; git add -A",
    )
    done = do(made, [prompt("one")], {"one": two()})
    assert done.code == 0, done.reason("one")
    names = made.git("ls-tree", "-z", "--name-only", "selfimprove/run-1").split("\0")
    assert 'it"s new\n.txt' in names


def test_a_file_name_that_is_no_text(hooked: Hooked) -> None:
    made = hooked(pre_commit="printf x > \"$(printf 'caf\\351.txt')\"; git add -A")
    done = do(made, [prompt("one", files=["m.py"])], {"one": two()})
    assert done.outcomes["one"]["code"] == "outside_files"
