"""Prompt tasks through the real command: one commit per task, repair, vetoes, and files kept as they were."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Project
from executor_rig import PLAIN, blob, block, commits, do, has_branch, prompt, two

Make = Callable[..., Project]

TESTED = PLAIN | {"test_m.py": "from m import f\n\n\ndef test_f():\n    assert f() != 3\n"}


def test_each_task_becomes_one_commit_on_the_run_s_branch(project: Make) -> None:
    made = project(PLAIN)
    second = "COMMIT: Return three\n" + block("m.py", "    return 2\n", "    return 3\n")
    tasks = [prompt("one", description="Why it matters."), prompt("other", dependencies=["one"])]
    done = do(made, tasks, {"one": two(), "other": second})
    assert done.code == 0
    assert commits(made) == ["Return two", "Return three"]
    assert made.git("rev-parse", "selfimprove/run-1~2") == made.git("rev-parse", "main")
    message = made.git("log", "-1", "--format=%B", "selfimprove/run-1~1")
    assert message.startswith("Return two\n\nWhy it matters.\n\nSelfimprove-Task: one\nSelfimprove-Run: 1\n")
    trailers = made.git("log", "-1", "--format=%(trailers:only,unfold)", "selfimprove/run-1").splitlines()
    assert trailers[:2] == ["Selfimprove-Task: other", "Selfimprove-Run: 1"]
    assert "Selfimprove-Check: tests: none found" in trailers
    assert done.outcomes["other"]["commit"] == made.git("rev-parse", "selfimprove/run-1")
    assert made.git("log", "-1", "--format=%an <%ae>", "selfimprove/run-1") == "A Person <person@example.org>"
    assert blob(made, "m.py") == b"def f():\n    return 3\n"


def test_without_a_commit_line_the_task_s_title_is_the_subject(project: Make) -> None:
    made = project(PLAIN)
    do(made, [prompt("one")], {"one": block("m.py", "    return 1\n", "    return 2\n")})
    assert commits(made) == ["Task one"]


def test_red_tests_are_repaired_and_the_model_sees_the_failure(project: Make) -> None:
    made = project(TESTED)
    red = block("m.py", "    return 1\n", "    return 3\n")
    mend = "COMMIT: Return four\n" + block("m.py", "    return 3\n", "    return 4\n")
    made.write("tasks.yml", '- {id: one, title: One, prompt: "change f"}\n')
    before = made.state()
    # The second attempt gets the second entry that matches: only a question that holds the failure has one.
    variables = made.replies({"reply": red}, {"contains": "assert 3 != 3", "reply": mend})
    result = made.run("run", "--no-audit", env=variables)
    assert (result.code, made.state() == before) == (0, True), result.err
    assert commits(made) == ["Return four"]
    assert "repair" in result.err


def test_the_same_failure_twice_stops(project: Make) -> None:
    made = project(TESTED)
    red = block("m.py", "    return 1\n", "    return 3\n")
    again = block("m.py", "    return 3\n", "    return 1 + 2\n")
    done = do(made, [prompt("one")], {"one": [red, again, two()]})
    assert done.code == 1
    assert done.outcomes["one"]["attempts"] == 2
    assert done.reason("one").startswith("the same failure twice: tests failed: 1 failed")
    assert not has_branch(made)
    assert "+    return 1 + 2" in Path(done.outcomes["one"]["patch"]).read_text()


@pytest.mark.parametrize("where", ["settings", "task"])
def test_a_change_is_repaired_at_most_max_retries_times(project: Make, where: str) -> None:
    made = project(PLAIN)
    replies = [block("m.py", f"    return {n}\n", f"    return {n + 1}\n") for n in range(1, 5)]
    command = "cat m.py; exit 1"
    env = {"SELFIMPROVE_CHECK__MAX_RETRIES": "2" if where == "settings" else "0"}
    fields = {"max_retries": 2} if where == "task" else {}
    done = do(made, [prompt("one", test_command=command, **fields)], {"one": replies}, env=env)
    assert done.code == 1
    assert done.reason("one").startswith("not mended after 3 attempts")
    assert not has_branch(made)


def test_a_reply_that_is_none_is_told_to_the_model(project: Make) -> None:
    made = project(PLAIN)
    replies = {
        "prose": ["I would rather not.", two()],
        "cut": ["m.py\n<<<<<<< SEARCH\n    return 1\n=======\n    retu", two()],
        "elsewhere": [block("m.py", "    return 7\n", "    return 2\n"), two()],
        "broken": [block("m.py", "    return 1\n", "    return (\n"), two()],
    }
    for name, texts in replies.items():
        done = do(made, [prompt(name)], {name: texts})
        assert done.code == 0, done.reason(name)
        assert done.outcomes[name]["attempts"] == 2


def test_no_reply_fails_the_task(project: Make) -> None:
    made = project(PLAIN)
    done = do(made, [prompt("one"), prompt("two")], {"two": two()})
    assert done.code == 1
    assert "no recorded reply for task one" in done.reason("one")
    assert commits(made) == ["Return two"]


def test_what_went_wrong_is_still_said_when_there_is_no_reply_for_the_repair(project: Make) -> None:
    made = project(TESTED)
    done = do(made, [prompt("one")], {"one": block("m.py", "    return 1\n", "    return 3\n")})
    assert done.reason("one").startswith("tests failed: 1 failed")
    assert "no recorded reply" in done.reason("one")
    assert done.outcomes["one"]["patch"]


KEPT: dict[str, bytes] = {
    "crlf.py": b"a = 1\r\nb = 2\r\n",
    "nofinal.py": b"a = 1\nb = 2",
    "latin.py": "# -*- coding: latin-1 -*-\nname = 'Jos\xe9'\nb = 2\n".encode("latin-1"),
    "bom.py": b"\xef\xbb\xbfb = 2\n",
    "plain latin.txt": "caf\xe9\nb = 2\n".encode("latin-1"),
    "run.sh": b"#!/bin/sh\nb = 2\n",
}


def test_encoding_line_ends_and_mode_stay(project: Make) -> None:
    made = project(KEPT, commit=False)
    (made.root / "run.sh").chmod(0o755)
    made.git("add", "-A")
    made.git("commit", "-qm", "First")
    edits = [block(path, "b = 2\n", "b = 3\n") for path in KEPT if path != "latin.py"]
    edits.append(block("latin.py", "name = 'José'\nb = 2\n", "name = 'André'\nb = 3\n"))
    done = do(made, [prompt("one", files=list(KEPT))], {"one": "\n".join(edits)})
    assert done.code == 0, done.reason("one")
    wanted = {path: text.replace(b"b = 2", b"b = 3").replace(b"Jos", b"Andr") for path, text in KEPT.items()}
    assert {path: blob(made, path) for path in KEPT} == wanted
    assert made.git("ls-tree", "selfimprove/run-1", "run.sh").startswith("100755")


def test_a_patch_lands_whole_or_not_at_all(project: Make) -> None:
    made = project(PLAIN | {"n.py": "x = 1\n"})
    half = block("n.py", "x = 1\n", "x = 2\n") + block("m.py", "not there\n", "x\n")
    done = do(made, [prompt("one")], {"one": [half, two()]})
    assert done.code == 0
    assert made.git("diff", "--name-only", "main", "selfimprove/run-1") == "m.py"


def test_paths_that_lead_out_are_refused(project: Make, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.txt").write_text("theirs\n")
    made = project(PLAIN, commit=False)
    (made.root / "link").symlink_to(outside)
    (made.root / "file-link").symlink_to(outside / "x.txt")
    made.git("add", "-A")
    made.git("commit", "-qm", "First")
    bad = {
        "up": "../outside/y.txt",
        "far-up": "a/../../outside/y.txt",
        "absolute": str(outside / "y.txt"),
        "git": ".git/hooks/pre-commit",
        "git-upper": "sub/.GIT/config",
        "link": "link/y.txt",
        "file-link": "./file-link",
        "home": "~/y.txt",
        "backslash": "..\\outside\\y.txt",
        "through-a-file": "m.py/y.txt",
        "drive": "C:/y.txt",
        "long": "n" * 300 + ".txt",
    }
    tasks = [prompt(name, max_retries=0) for name in bad]
    done = do(made, tasks, {name: block(path, "", "ours\n") for name, path in bad.items()})
    assert {name: done.outcomes[name]["status"] for name in bad} == dict.fromkeys(bad, "failed")
    assert {done.outcomes[name]["code"] for name in bad} == {"patch_refused"}, done.outcomes
    assert not has_branch(made)
    assert [path.name for path in outside.iterdir()] == ["x.txt"]
    assert (outside / "x.txt").read_text() == "theirs\n"


def test_new_files_that_stand_in_each_other_s_way_are_refused(project: Make) -> None:
    made = project(PLAIN)
    reply = block("pkg/a", "", "x\n") + block("pkg/a/b.txt", "", "y\n")
    done = do(made, [prompt("one", max_retries=0)], {"one": reply})
    assert done.outcomes["one"]["code"] == "patch_refused"


def test_a_link_among_the_task_s_files_is_not_followed_and_no_fault(project: Make, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret word\n")
    made = project({"src/m.py": PLAIN["m.py"]}, commit=False)
    (made.root / "src/link.txt").symlink_to(tmp_path / "secret.txt")
    made.git("add", "-A")
    made.git("commit", "-qm", "First")
    variables = {"one": two().replace("m.py", "src/m.py")}
    done = do(made, [prompt("one", files=["src"])], variables)
    assert done.code == 0, done.reason("one")
    assert b"the secret word" not in (made.root / ".selfimprove/state.db").read_bytes()


LONG = "".join(f"x{n} = {n} + {n}\n" for n in range(100))
VETOED = {
    "outside": ("outside_files", {"files": ["m.py"]}, block("n.py", "x = 1\n", "x = 2\n")),
    "fewer-tests": (
        "tests_weakened",
        {"files": ["tests"]},
        block("tests/test_m.py", "    assert f() == 1\n", "    f()\n"),
    ),
    "skipped": (
        "tests_skipped",
        {"files": ["tests"]},
        block("tests/test_m.py", "def test_f():\n", "@pytest.mark.skip\ndef test_f():\n"),
    ),
    "other-test": (
        "tests_changed",
        {},
        block("tests/test_m.py", "== 1\n", "== 2\n")
        .replace("== 1\n", "    assert f() == 1\n")
        .replace("== 2\n", "    assert f() == 2\n"),
    ),
    "placeholder": (
        "placeholder",
        {},
        block("m.py", "    return 1\n", "    # ... rest of the code unchanged\n    return 2\n"),
    ),
    "secret": ("secret", {}, block("m.py", "    return 1\n", "    return 'AKIA" + "ABCDEFGHIJKLMNOP'\n")),
    "ci": ("protected_file", {}, block(".github/workflows/x.yml", "", "on: push\n")),
    "pyproject": ("protected_file", {}, block("pyproject.toml", "", "[tool.pytest]\n")),
    "gutted": ("gutted", {}, "FILE: long.py\n```python\nx = 1\n```\n"),
}


def test_vetoed_changes_are_held_back_and_their_patches_kept(project: Make) -> None:
    files = {
        "n.py": "x = 1\n",
        "long.py": LONG,
        "tests/test_m.py": "import pytest\n\n\ndef test_f():\n    assert f() == 1\n",
    }
    made = project(PLAIN | files)
    tasks = [prompt(name, test_command="true", **fields) for name, (_, fields, _) in VETOED.items()]
    done = do(made, tasks, {name: reply for name, (_, _, reply) in VETOED.items()})
    assert done.code == 1
    # Two of them are seen when the reply is landed already, and go back to its author.
    early = {name for name in VETOED if done.reason(name).startswith("The reply could not be applied")}
    assert early == {"gutted", "placeholder"}
    codes = {name: outcome["code"] for name, outcome in done.outcomes.items() if name not in early}
    assert codes == {name: code for name, (code, _, _) in VETOED.items() if name not in early}
    for name in codes:
        outcome = done.outcomes[name]
        assert outcome["reason"].startswith("held back: "), name
        assert outcome["objections"]
        assert Path(outcome["patch"]).parent == made.root / "logs"
        assert Path(outcome["patch"]).read_text().startswith("diff --git")
    assert not has_branch(made)


def test_a_link_that_a_test_run_or_hook_leaves_is_no_part_of_the_commit(project: Make) -> None:
    made = project(PLAIN)
    hook = made.write(".git/hooks/pre-commit", "#!/bin/sh\nln -s /etc/passwd stolen && git add stolen\n")
    hook.chmod(0o755)
    done = do(made, [prompt("one")], {"one": two()})
    assert done.outcomes["one"]["code"] == "link"
    assert not has_branch(made)


COMPLEX = (
    "def f(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(20)) + "    return -1\n"
)
LESS = (
    "def f(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(17)) + "    return a\n"
)
SIMPLE = "def f(a):\n    return a if a in range(20) else -1\n"


def test_a_finding_has_to_be_gone(project: Make) -> None:
    others = "".join(f"X{n} = 'a word or two that stay as they are'\n" for n in range(20))
    made = project({"m.py": COMPLEX + others})
    before = made.state()
    made.run("plan", check=0)
    assert "Simplify f" in made.read("tasks.yml")
    mend = {"contains": "complexity 21 -> 18", "reply": "COMMIT: Simplify f\n" + block("m.py", LESS, SIMPLE)}
    variables = made.replies({"reply": block("m.py", COMPLEX, LESS)}, mend)
    result = made.run("run", env=variables, check=0)
    assert commits(made) == ["Simplify f"]
    assert "complexity 21 -> 18, limit 15" in result.err
    metric = made.git("log", "-1", "--format=%(trailers:key=Selfimprove-Metric)", "selfimprove/run-1")
    assert metric == "Selfimprove-Metric: complexity 21 -> 2"
    assert made.state() == before


def test_without_bubblewrap_prompt_tasks_wait_and_commands_are_done(project: Make, tmp_path: Path) -> None:
    made = project(PLAIN)
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in os.environ["PATH"].split(":"):
        for program in Path(folder).glob("*"):
            if program.name != "bwrap" and not (programs / program.name).exists():
                (programs / program.name).symlink_to(program)
    tasks = [prompt("one", priority=9), {"id": "two", "title": "Two", "command": "echo ran > ../ran.txt"}]
    done = do(made, tasks, {"one": two()}, env={"PATH": str(programs)})
    assert done.code == 2
    assert (tmp_path / "ran.txt").read_text() == "ran\n"
    assert done.outcomes["two"]["status"] == "done"
    assert (
        "status: pending" in made.read("tasks.yml")
        or "status" not in made.read("tasks.yml").split("- id: two")[0]
    )
    assert "--sandbox none" in done.err + str(done.answer)
    assert do(made, tasks[:1], {"one": two()}, "--sandbox", "none", env={"PATH": str(programs)}).code == 0
