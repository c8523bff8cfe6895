"""`selfimprove refactor`: one function by hand, or all of a rank: shown, or proved and committed, or refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conftest import Project, Result
from executor_rig import blob, commits, has_branch, leftovers
from selfimprove.report.json import schema
from tangled import FILES, TANGLED, TESTS

Make = Callable[..., Project]

SMALL = """\
class Box:
    def size(self, n):
        if n > 3:
            return "big"
        else:
            return "small"


class Bag:
    def size(self, n):
        return n

    def weight(self, n):
        return n
"""
SMALL_TESTS = """\
from m import Box


def test_size():
    assert Box().size(4) == "big"
    assert Box().size(1) == "small"
"""


def answer(done: Result) -> Any:
    document = json.loads(done.out)
    Draft202012Validator(schema("refactor")).validate(document)
    return document["data"]


def rows(made: Project, *args: str, code: int = 0) -> list[dict[str, Any]]:
    done = made.run("refactor", *args, "--format", "json")
    assert done.code == code, done.err + done.out
    return list(answer(done)["functions"])


def test_a_dry_run_shows_the_diff_and_the_numbers_and_writes_nothing(project: Make) -> None:
    made = project(FILES)
    before = made.state()
    [row] = rows(made, "app.py:load", "--dry-run")
    assert (row["status"], row["symbol"], row["rewrites"]) == ("proposed", "load", ["extract-function"])
    complexity = row["metrics"]["complexity"]
    assert complexity["before"] > 15
    assert complexity["after"] <= 10
    assert all(one["complexity"] <= 10 for one in row["added"])
    assert row["covered"]["missing"] == []
    assert row["diff"].startswith("diff --git a/app.py b/app.py\n")
    assert (made.state(), has_branch(made), leftovers(made)) == (before, False, [])
    assert not (made.root / ".selfimprove").exists()
    made.write("change.diff", row["diff"])
    made.git("apply", "change.diff")


def test_the_diffs_of_a_dry_run_land_one_after_another(project: Make) -> None:
    read = TANGLED.partition('"""Totals of rows."""')[2].replace("def load", "def read")
    tests = TESTS + TESTS.replace("import pytest\n", "").replace("load", "read").replace("_strict", "_too")
    made = project(FILES | {"app.py": TANGLED + read, "test_app.py": tests})
    found = rows(made, "--all", "--dry-run")
    assert [(row["symbol"], row["status"]) for row in found] == [("load", "proposed"), ("read", "proposed")]
    assert found[1]["covered"]["missing"] == []
    done = rows(made, "--all")
    for row, one in zip(found, done, strict=True):
        made.write("change.diff", row["diff"])
        made.git("apply", "change.diff")
        assert made.read("app.py").rstrip() == made.git("show", f"{one['commit']}:app.py")
    made.git("checkout", "-q", "app.py")
    assert "Each diff is on top of those before it." in made.run("refactor", "--all", "--dry-run").out


MISSING = {"griffe/__init__.py": "raise ImportError\n", "hypothesis/__init__.py": "raise ImportError\n"}
METHOD = {
    "m/__init__.py": "class Box:\n    def size(self, n):\n        return n + 1\n",
    "test_m.py": "from m import Box\n\n\ndef test_size():\n    assert Box().size(1) == 2\n",
    "conftest.py": "",
}


def test_without_the_extra_private_helpers_are_made_and_public_names_are_left_alone(
    project: Make, tmp_path: Path
) -> None:
    for path, text in MISSING.items():
        (tmp_path / "blocked" / path).parent.mkdir(parents=True)
        (tmp_path / "blocked" / path).write_text(text, encoding="utf-8")
    blocked = {"PYTHONPATH": f"{tmp_path / 'blocked'}:{os.environ.get('PYTHONPATH', '')}"}
    made = project(FILES)
    done = made.run("refactor", "app.py:load", "--format", "json", env=blocked)
    assert (done.code, answer(done)["functions"][0]["status"]) == (0, "done"), done.err
    made = project(METHOD)
    for more in (("--dry-run",), ()):
        done = made.run(
            "refactor", "m/__init__.py:Box.size", "--rewrite", "move-to-function", *more, env=blocked
        )
        assert done.code == 2, done.out + done.err
        assert "griffe is not installed" in done.err
        assert "pip install 'selfimprove[refactor]'" in done.err
    assert "tests " not in done.err  # said before they are run


def test_without_ruff_only_what_needs_it_is_refused(project: Make, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "python").symlink_to(sys.executable)
    code = (
        "import sys; sys.executable = sys.argv.pop(1);"
        "from selfimprove.cli.app import main; sys.argv[0] = 'selfimprove'; main()"
    )
    made = project(FILES)

    def run(*words: str) -> Any:
        return subprocess.run(
            [sys.executable, "-c", code, str(bare / "python"), "refactor", *words],
            cwd=made.root,
            env=made.env | {"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
        )

    done = run("app.py", "--rewrite", "ruff-fixes", "--dry-run", "--no-tests")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "ruff is not installed" in done.stderr
    assert "pip install 'selfimprove[refactor]'" in done.stderr
    assert run("app.py:load", "--dry-run", "--no-tests").returncode == 0


def test_a_link_that_leads_nowhere_is_no_file_to_look_into(project: Make, tmp_path: Path) -> None:
    """The tests that matter are looked for where the suite is slow, in all files that git tracks."""
    slow = (
        f"import pathlib, time\n\nSEEN = pathlib.Path({str(tmp_path / 'seen')!r})\n\n\n"
        "def test_slow():\n    time.sleep(0 if SEEN.exists() else 5.2)\n    SEEN.touch()\n\n\n"
        + "".join(f"def test_{n}():\n    pass\n\n\n" for n in range(8))
    )
    made = project(FILES | {"test_slow.py": slow, "pkg/__init__.py": ""}, commit=False)
    (made.root / "pkg" / "dangling.py").symlink_to("nowhere")
    made.git("add", "-A")
    made.git("commit", "-qm", "First")
    assert "pkg/dangling.py" in made.git("ls-files")
    [row] = rows(made, "app.py:load", "--sandbox", "none")
    assert row["status"] == "done", row


def test_a_plain_repository_with_one_file_and_no_commit_is_enough_to_look(project: Make) -> None:
    made = project({"app.py": TANGLED}, commit=False)
    [row] = rows(made, "app.py:load", "--dry-run")
    assert (row["status"], row["covered"]) == ("proposed", None)
    done = made.run("refactor", "app.py:load", check=2)
    assert "app.py is not in the last commit" in done.err


def test_a_function_becomes_one_commit_and_a_second_time_there_is_nothing_to_do(project: Make) -> None:
    made = project(FILES)
    before = made.state()
    [row] = rows(made, "app.py:load")
    assert (row["status"], row["commit"]) == ("done", made.git("rev-parse", "selfimprove/run-1"))
    assert commits(made) == [row["subject"]]
    assert row["metrics"]["complexity"]["after"] <= 10
    assert row["added"]
    assert (made.state(), leftovers(made)) == (before, [])
    assert not (made.root / "tasks.yml").exists()
    made.git("merge", "-q", "selfimprove/run-1")
    [again] = rows(made, "app.py:load")
    assert (again["status"], again["commit"]) == ("nothing", None)
    assert rows(made, "--all") == []
    assert not has_branch(made, "selfimprove/run-2")


def test_all_does_what_it_can_and_tells_the_rest_and_a_second_time_nothing_more(project: Make) -> None:
    other = TANGLED.replace("def load", "def read")
    made = project(FILES | {"other.py": other})
    done = made.run("refactor", "--all", "--format", "json", check=0)
    found = {row["symbol"]: row for row in answer(done)["functions"]}
    assert found["load"]["status"] == "done"
    assert found["read"]["status"] in ("refused", "unproved")
    assert f"is not done: {found['read']['reason']}" in done.err
    assert "waits for a model" not in done.err
    assert len(commits(made)) == 1
    made.git("merge", "-q", "selfimprove/run-1")
    [again] = rows(made, "--all")
    assert {**again, "task": ""} == {**found["read"], "task": ""}
    assert not has_branch(made, "selfimprove/run-2")


def test_what_a_person_named_and_cannot_be_done_is_a_no(project: Make) -> None:
    made = project({"app.py": TANGLED, "conftest.py": "", "test_x.py": "def test_x():\n    import app\n"})
    [row] = rows(made, "app.py:load", code=1)
    assert row["status"] in ("refused", "unproved")
    assert not has_branch(made)


def test_small_rewrites_by_name_in_a_function_and_in_a_file(project: Make) -> None:
    made = project({"m.py": SMALL, "conftest.py": "", "test_m.py": SMALL_TESTS})
    [row] = rows(made, "m.py:Box.size", "--rewrite", "else-after-return")
    assert (row["status"], row["rewrites"]) == ("done", ["else-after-return"])
    assert blob(made, "m.py") == SMALL.replace("        else:\n            return", "        return").encode()
    [row] = rows(
        made, "m.py", "--rewrite", "else-after-return", "--rewrite", "merge-ifs", "--dry-run", "--no-tests"
    )
    assert row["status"] == "proposed"
    [row] = rows(made, "m.py:Bag.weight", "--rewrite", "merge-ifs", "--dry-run", "--no-tests")
    assert (row["status"], row["reason"]) == ("nothing", "there is nothing to do")


@pytest.mark.parametrize(
    ("place", "message", "hint"),
    [
        ("m.py:siez", "m.py has no function siez", "did you mean size?"),
        ("m.py:size", "m.py has more than one size", "say which: Bag.size, Box.size"),
        ("m.py:7", "no function stands at line 7", "it has Bag.size, Bag.weight, Box.size"),
        ("n.py:size", "there is no file n.py", "did you mean m.py?"),
        ("notes.txt", "notes.txt is not a Python file", "only .py files are rewritten"),
        (".", " is not a Python file", "selfimprove refactor --all"),
    ],
)
def test_what_does_not_exist_is_told_with_near_names(
    project: Make, place: str, message: str, hint: str
) -> None:
    made = project({"m.py": SMALL, "notes.txt": "x"})
    done = made.run("refactor", place, "--dry-run", check=2)
    assert message in done.err
    assert hint in done.err


def test_functions_are_found_by_line_and_by_a_bare_name(project: Make) -> None:
    made = project({"m.py": SMALL})
    for place, symbol in (
        ("m.py:4", "Box.size"),
        ("m.py:weight", "Bag.weight"),
        ("m.py:Bag.size", "Bag.size"),
    ):
        [row] = rows(made, place, "--dry-run", "--no-tests")
        assert (row["symbol"], row["status"]) == (symbol, "nothing")


def test_senseless_words_are_refused(project: Make) -> None:
    made = project({"m.py": SMALL})
    assert "did you mean merge-ifs?" in made.run("refactor", "m.py", "--rewrite", "merge-if", check=2).err
    assert "--all goes without a path" in made.run("refactor", "--all", "m.py", check=2).err
    assert "say what to refactor" in made.run("refactor", check=2).err
    assert "extract-function" in made.run("refactor", "--list", check=0).out


def test_the_table_reads_well(project: Make) -> None:
    made = project({"m.py": SMALL, "conftest.py": "", "test_m.py": SMALL_TESTS})
    done = made.run("refactor", "m.py:Box.size", "--rewrite", "else-after-return", check=0)
    short = made.git("rev-parse", "--short=7", "selfimprove/run-1")
    assert done.out.splitlines() == [
        f"✓ m.py:Box.size  complexity 2  cognitive 2 -> 1  {short}",
        "    Unnest the else after a return in size  (else-after-return)",
        "    new lines that tests run: 1 of 1",
        "1 done.",
        "  look  git log -p main..selfimprove/run-1",
        "  take  git merge selfimprove/run-1",
    ]


def test_the_tests_are_those_of_the_run(project: Make) -> None:
    made = project(
        {"app.py": TANGLED, "conftest.py": "", "test_app.py": TESTS.replace('{"a": 8}', '{"a": 9}')}
    )
    [row] = rows(made, "app.py:load", "--dry-run")  # tests that fail before are no objection
    assert row["status"] == "proposed"


SLOW = """\
import pathlib, time


def test_load():
    pathlib.Path({begun!r}).touch()
    time.sleep(300)
"""


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_dry_run_while_the_tests_run(
    project: Make, tmp_path: Path, signum: int, code: int
) -> None:
    begun = tmp_path / "begun"
    made = project(FILES | {"test_app.py": SLOW.format(begun=str(begun))})
    process = made.start("refactor", "app.py:load", "--dry-run", "--sandbox", "none")
    end = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signum)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, ""), err
    assert "could not be run" not in err
    assert leftovers(made) == []


HANGS = """

def test_hangs():
    import pathlib, time
    if any(name[0] == "_" != name[1] for name in vars(b)):
        pathlib.Path({begun!r}).touch()
        time.sleep(300)
"""


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_after_a_commit_leaves_the_rows_so_far(
    project: Make, tmp_path: Path, signum: int, code: int
) -> None:
    begun = tmp_path / "begun"
    b, c = (TANGLED.replace("def load", f"def {name}") for name in ("read", "sum_up"))
    tests = TESTS.replace("from app import load", "import b").replace(" load(", " b.read(")
    made = project(FILES | {"b.py": b, "c.py": c, "test_b.py": tests + HANGS.format(begun=str(begun))})
    process = made.start("refactor", "--all", "--format", "json", "--sandbox", "none")
    end = time.monotonic() + 120
    while not begun.exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signum)
    out, err = process.communicate(timeout=60)
    document = json.loads(out)
    Draft202012Validator(schema("refactor")).validate(document)
    assert process.returncode == document["exit_code"] == code, err
    assert (document["ok"], document["error"]["code"]) == (False, "interrupted")
    assert document["data"], err
    done, cut_off, never = document["data"]["functions"]
    assert (done["symbol"], done["status"], [done["subject"]]) == ("load", "done", commits(made))
    assert done["commit"] == made.git("rev-parse", "selfimprove/run-1")
    assert [(one["symbol"], one["status"]) for one in (cut_off, never)] == [
        ("read", "left"),
        ("sum_up", "left"),
    ]
    assert leftovers(made) == []


def test_the_same_words_from_other_processes_with_other_hash_seeds(project: Make) -> None:
    other = TANGLED.replace("def load", "def read").replace("totals", "sums")
    made = project({"app.py": TANGLED, "lib/sums.py": other, "lib/small.py": SMALL})
    said = {
        made.run("refactor", "--all", "--dry-run", "--no-tests", "--format", "json", env=env, check=0).out
        for env in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"}, {"PYTHONHASHSEED": "random"})
    }
    assert len({json.dumps(json.loads(one)["data"]["functions"]) for one in said}) == 1
    assert [row["status"] for row in json.loads(said.pop())["data"]["functions"]] == ["proposed"] * 2
