"""Where commits land: a branch per run or per task, merged, or put on a base that has moved and proved again."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from executor_rig import blob, block, commits, do, leftovers, prompt, replies_for, write_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conftest import Project

    Make = Callable[..., Project]

FILES = {"a.py": "A = 1\n", "b.py": "B = 1\n", "c.py": "C = 1\n", ".gitignore": "tasks.yml\n"}


def change(name: str, new: int = 2, old: int = 1) -> str:
    """The reply that sets a file's value."""
    return f"COMMIT: Set {name}\n\n" + block(
        f"{name}.py", f"{name.upper()} = {old}\n", f"{name.upper()} = {new}\n"
    )


def run(
    made: Project, replies: Mapping[str, str], *args: str, tasks: list[dict[str, Any]] | None = None
) -> Any:
    """Run with tasks of these names, in the person's tree as it is."""
    write_tasks(made, tasks or [prompt(name) for name in replies])
    result = made.run("run", "--no-audit", *args, env=replies_for(made, replies))
    assert leftovers(made) == []
    return result


def behind(made: Project, path: str, text: str) -> dict[str, str]:
    """An environment in which the person commits a change of ``path`` while the tests of the run go on.

    It happens in the check of the first change, by a command that is the person's own and not shut in.
    """
    script = made.root.parent / "moves.sh"
    script.write_text(
        f"cd {made.root} && test -e ../moved && exit 0\ntouch ../moved\n"
        f"printf '{text}' > {path} && git add {path}\n"
        "git -c user.name=P -c user.email=p@example.org commit -q -m Moved\n"
    )
    return {"SELFIMPROVE_CHECK__LINT_COMMAND": f"sh {script}", "SELFIMPROVE_SANDBOX__DRIVER": "none"}


def test_one_branch_for_each_task_from_the_base_or_from_what_it_depends_on(project: Make) -> None:
    made = project(FILES)
    tasks = [
        prompt("a"),
        prompt("b"),
        prompt("next", dependencies=["a"]),
        prompt("both", dependencies=["a", "b"]),
    ]
    replies = {"a": change("a"), "b": change("b"), "next": change("a", 3, 2), "both": change("c")}
    done = do(made, tasks, replies, "--branch", "task")
    assert done.code == 0, done.err
    names = {name: f"selfimprove/task-{name}" for name in ("a", "b", "next", "both")}
    assert {end["task_id"]: end["branch"] for end in done.outcomes.values()} == names
    assert commits(made, names["a"]) == ["Set a"]
    assert commits(made, names["b"]) == ["Set b"]
    assert commits(made, names["next"]) == ["Set a", "Set a"]
    assert commits(made, names["both"])[-1] == "Set c"
    assert blob(made, "a.py", names["both"]) == b"A = 2\n"
    assert blob(made, "b.py", names["both"]) == b"B = 2\n"
    assert made.git("branch", "--list", "selfimprove/run-*") == ""


def test_task_branches_are_merged_one_after_another(project: Make) -> None:
    made = project(FILES)
    done = run(made, {"a": change("a"), "b": change("b")}, "--branch", "task", "--land", "merge")
    assert done.code == 0, done.err
    assert commits(made, "main", "main~2") == ["Set a", "Set b"]
    assert made.read("a.py") + made.read("b.py") == "A = 2\nB = 2\n"
    assert made.git("status", "--porcelain") == ""
    assert "merged into main" in done.out
    old = made.git("for-each-ref", "--format=%(objectname)", "refs/selfimprove/replaced/")
    assert old  # the branch that was put on the other's commit is kept
    assert made.run("verify", "main", check=0)


def test_a_branch_that_moved_meanwhile_is_followed_and_proved_again(project: Make) -> None:
    made = project(FILES)
    write_tasks(made, [prompt("a")])
    env = replies_for(made, {"a": change("a")}) | behind(made, "c.py", "C = 7\\n")
    done = made.run("run", "--no-audit", "--land", "merge", env=env)
    assert done.code == 0, done.err
    assert commits(made, "main", "main~2") == ["Moved", "Set a"]
    assert (made.read("a.py"), made.read("c.py")) == ("A = 2\n", "C = 7\n")
    trailers = made.git("log", "-1", "--format=%(trailers:key=Selfimprove-Evidence,valueonly)")
    assert trailers.startswith("sha256:")
    verified = made.run("verify", "HEAD", env={"SELFIMPROVE_SANDBOX__DRIVER": "none"})
    assert "✓ evidence record" in verified.out
    assert leftovers(made) == []


@pytest.mark.parametrize("why", ["conflict", "red"])
def test_what_does_not_fit_the_moved_branch_is_handed_back(project: Make, why: str) -> None:
    test = "import a, c\n\n\ndef test_sum():\n    assert a.A + c.C < 8\n"
    made = project(FILES | ({"test_sum.py": test} if why == "red" else {}))
    write_tasks(made, [prompt("a")])
    path, text = ("a.py", "A = 5\\n") if why == "conflict" else ("c.py", "C = 6\\n")
    env = replies_for(made, {"a": change("a")}) | behind(made, path, text)
    done = made.run("run", "--no-audit", "--land", "merge", env=env)
    assert done.code == 2, done.err
    assert "your branch has moved to" in done.err
    assert ("conflicts in a.py" if why == "conflict" else "is not proved there: tests failed") in done.err
    assert made.git("log", "-1", "--format=%s") == "Moved"
    assert commits(made, since="main~1") == ["Set a"]
    assert made.git("status", "--porcelain") == ""
    assert not (made.root / ".git" / "MERGE_HEAD").exists()
    assert leftovers(made) == []


def test_a_dirty_tree_stays_as_it_is_and_landing_can_be_done_later(project: Make) -> None:
    made = project(FILES)
    made.write("c.py", "C = 'mine'\n")
    done = run(made, {"a": change("a")}, "--land", "merge")
    assert done.code == 2
    assert "there are uncommitted changes" in done.err
    assert (made.read("a.py"), made.read("c.py")) == ("A = 1\n", "C = 'mine'\n")
    made.git("checkout", "-q", "c.py")
    again = made.run("run", "--no-audit", "--land", "merge")  # what was to land before lands now
    assert again.code == 0, again.err
    assert made.read("a.py") == "A = 2\n"
    made.git("reset", "-q", "--hard", "HEAD~1")
    made.run("run", "--no-audit", "--land", "merge", check=0)  # and only once
    assert made.read("a.py") == "A = 1\n"


def test_killed_while_it_lands_and_typed_again_everything_lands_once(project: Make) -> None:
    made = project(FILES)
    replies = {"a": change("a"), "b": change("b")}
    write_tasks(made, [prompt(name) for name in replies])
    env = replies_for(made, replies)
    words = ("run", "--no-audit", "--branch", "task", "--land", "merge")
    for moment in _MOMENTS:
        child = made.start(*words, env=env)
        patience = time.monotonic() + 60
        while not moment(made) and child.poll() is None and time.monotonic() < patience:
            time.sleep(0.005)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    done = made.run(*words, env=env)
    assert done.code == 0, done.err
    assert sorted(commits(made, "main", _first(made))) == ["Set a", "Set b"]
    assert made.read("a.py") + made.read("b.py") == "A = 2\nB = 2\n"
    assert made.git("status", "--porcelain") == ""
    assert leftovers(made) == []


def _first(made: Project) -> str:
    return made.git("rev-list", "--max-parents=0", "main")


# When the run is killed: with one commit made, with both, when the first has landed, while the second is proved.
_MOMENTS: list[Callable[[Project], object]] = [
    lambda made: made.git("branch", "--list", "selfimprove/task-a"),
    lambda made: made.git("branch", "--list", "selfimprove/task-b"),
    lambda made: commits(made, "main", _first(made)),
    lambda made: made.git("for-each-ref", "refs/selfimprove/replaced/"),
]
