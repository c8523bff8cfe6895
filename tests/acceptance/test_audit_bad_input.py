"""The audit of bad input: it ends, says why it left something out, and every file that git lists is accounted for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import bad_inputs
from acceptance.bad_inputs import EITHER, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AUDIT = ("audit", "--format", "json", "--metrics", "--select", "ALL", "--ignore", "SI3", "--fail-on", "error")


def listed(here: Any) -> set[str]:
    """Return the Python files and notebooks that git lists."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        cwd=here.root,
        env=here.env,
        capture_output=True,
        check=True,
    )
    names = {os.fsdecode(name) for name in done.stdout.split(b"\0")}
    return {name for name in names if name.endswith((".py", ".ipynb"))}


def account(text: str) -> tuple[set[str], dict[str, str]]:
    """Return what an answer has measured, and the reason for each file that it has not."""
    data = json.loads(text)["data"]
    measured = [one["path"] for one in data["metrics"]]
    refused = {one["path"]: one["reason"] for one in data["not_analysed"]}
    assert len(measured) == len(set(measured)) == data["files"]
    assert len(refused) == len(data["not_analysed"])
    assert not set(measured) & set(refused)
    assert all(reason.strip() and "\n" not in reason for reason in refused.values())
    return set(measured), refused


def audited(here: Any, *more: str) -> tuple[set[str], dict[str, str]]:
    """Audit, and check that it ends well and that nothing that git lists is lost."""
    result = here.run(*AUDIT, *more, timeout=280)
    assert result.code in (0, 1), result.err[-2000:]
    assert "Traceback" not in result.err
    measured, refused = account(result.out)
    assert measured | set(refused) == listed(here)
    return measured, refused


def test_every_source(project: Callable[..., Any]) -> None:
    here = project()
    bad_inputs.write_sources(here.root)
    for committed in (False, True):
        if committed:
            here.git("add", "-A")
            here.git("commit", "-q", "-m", "All of it")
        measured, refused = audited(here)
        wrong = {
            name: refused.get(name, "measured")
            for name, (_, able) in SOURCES.items()
            if able is not EITHER and able != (name in measured)
        }
        assert not wrong
        assert {"twin.py", "TWIN.py"} <= measured or (here.root / "twin.py").samefile(here.root / "TWIN.py")


@pytest.mark.parametrize("form", ["table", "markdown", "sarif", "github", "junit", "html"])
def test_every_form_of_answer(project: Callable[..., Any], form: str) -> None:
    here = project()
    bad_inputs.write_sources(here.root)
    result = here.run("audit", "--format", form, "--trend", "3", timeout=280)
    assert result.code in (0, 1), result.err[-2000:]
    assert "Traceback" not in result.err
    assert "conflict.py" in result.out or form in ("github", "junit")


def test_a_flat_file_of_10_mb(project: Callable[..., Any]) -> None:
    rows = b"".join(b"value_%d = %d\n" % (n, n) for n in range(450_000))
    here = project({"flat.py": rows, "small.py": "x = 1\n"})
    assert len(rows) > 9_500_000
    assert "small.py" in audited(here)[0]


def test_what_is_no_file(project: Callable[..., Any]) -> None:
    here = project()
    able = bad_inputs.write_odd_files(here.root)
    here.git("add", "-A")
    here.git("commit", "-q", "-m", "Files")
    bad_inputs.replace_odd_files(here.root)
    measured, refused = audited(here)
    assert measured == {"real.py"}
    assert set(refused) == set(able)


def test_a_link_to_a_file_that_is_measured(project: Callable[..., Any]) -> None:
    here = project({"real.py": "x = 1\n"})
    (here.root / "again.py").symlink_to("real.py")
    for _ in range(2):
        measured, refused = audited(here)
        assert measured == {"real.py"}
        assert refused == {"again.py": "it is a symbolic link to real.py, which is measured"}
        here.git("add", "-A")


def test_tracked_files_in_folders_of_others(project: Callable[..., Any]) -> None:
    names = {"build/a.py", "venv/lib/b.py", "dist/c.py", "node_modules/x/d.py", "src/build/e.py"}
    here = project()
    for name in names:
        here.write(name, "def f():\n    return 1\n")
    here.git("add", "-A", "-f")
    assert audited(here, "--trend", "3") == (names, {})


def test_a_file_that_may_not_be_read(project: Callable[..., Any], tmp_path: Path) -> None:
    here = project({"open.py": "x = 1\n", "closed.py": "x = 1\n", "shut/inside.py": "x = 1\n"})
    (here.root / "closed.py").chmod(0)
    (here.root / "shut").chmod(0)
    before = bad_inputs.give_away(tmp_path)
    (here.root / "closed.py").write_bytes(b"x = 2\n") if before else None  # else git's blob would do
    done = subprocess.run(
        [*before, sys.executable, "-m", "selfimprove", *AUDIT],
        cwd=here.root,
        env=here.env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    (here.root / "shut").chmod(0o755)
    assert done.returncode in (0, 1), done.stderr
    measured, refused = account(done.stdout)
    assert "open.py" in measured
    assert measured | set(refused) == {"open.py", "closed.py", "shut/inside.py"}
    assert "ermission" in refused["closed.py"]


def test_files_that_vanish_and_change_meanwhile(project: Callable[..., Any]) -> None:
    here = project({f"m{n}.py": f"def f{n}():\n    return {n}\n" for n in range(1_500)})
    stop = threading.Event()

    def churn() -> None:
        number = 0
        while not stop.is_set():
            number = (number + 7) % 1_500
            path = here.root / f"m{number}.py"
            path.unlink(missing_ok=True)
            time.sleep(0.0002)
            if number % 2:
                path.write_text("def f(:\n" if number % 3 else "y = 2\n")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        results = [here.run(*AUDIT, "--no-cache", timeout=120) for _ in range(3)]
    finally:
        stop.set()
        thread.join()
    for result in results:
        assert result.code in (0, 1), result.err[-2000:]
        measured, refused = account(result.out)
        assert measured | set(refused) >= {f"m{n}.py" for n in range(1_500)}


def test_5000_tiny_files(project: Callable[..., Any]) -> None:
    here = project({f"d{n % 70}/m{n}.py": f"x = {n % 9}\n" for n in range(5_000)})
    measured, refused = audited(here)
    assert (len(measured), refused) == (5_000, {})


def test_a_submodule_and_a_repository_inside(project: Callable[..., Any]) -> None:
    other, here = project({"theirs.py": "x = 1\n"}), project({"ours.py": "x = 1\n"})
    here.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.root), "part.py")
    shutil.copytree(other.root, here.root / "nested")
    measured, refused = audited(here)
    assert measured == {"ours.py"}
    assert refused == {"part.py": "it is a folder or a submodule"}


def test_a_sparse_checkout(project: Callable[..., Any]) -> None:
    here = project({"in/a.py": "x = 1\n", "out/b.py": "def f():\n    return 1\n"})
    here.git("sparse-checkout", "set", "in")
    assert not (here.root / "out").exists()
    measured, refused = audited(here)
    assert "in/a.py" in measured
    assert "out/b.py" in measured or refused["out/b.py"]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone(project: Callable[..., Any], tmp_path: Path, depth: int) -> None:
    origin = project({"a.py": "x = 1\n"})
    for number in range(4):
        origin.write("a.py", f"x = {number}\n")
        origin.git("commit", "-q", "-a", "-m", f"{number}")
    origin.git("clone", "-q", f"--depth={depth}", origin.root.as_uri(), str(tmp_path / "shallow"))
    origin.root = tmp_path / "shallow"
    assert audited(origin, "--trend", "10")[0] == {"a.py"}


def test_a_clone_without_its_files(project: Callable[..., Any], tmp_path: Path) -> None:
    origin = project({"a.py": "x = 1\n"})
    origin.write("a.py", "x = 2\n")
    origin.git("commit", "-q", "-a", "-m", "2")
    origin.git("config", "uploadpack.allowFilter", "true")
    origin.git("clone", "-q", "--filter=blob:none", origin.root.as_uri(), str(tmp_path / "partial"))
    shutil.move(origin.root, tmp_path / "unreachable")
    origin.root = tmp_path / "partial"
    assert audited(origin, "--trend", "5")[0] == {"a.py"}


def test_in_the_middle_of_a_merge(project: Callable[..., Any]) -> None:
    here = project({"a.py": "x = 1\n"})
    here.git("checkout", "-q", "-b", "side")
    here.write("a.py", "x = 2\n")
    here.git("commit", "-q", "-a", "-m", "side")
    here.git("checkout", "-q", "main")
    here.write("a.py", "x = 3\n")
    here.git("commit", "-q", "-a", "-m", "main")
    here.git("merge", "-q", "side", check=False)
    measured, refused = audited(here)
    assert (measured, set(refused)) == (set(), {"a.py"})


def test_without_a_commit_and_without_a_file(project: Callable[..., Any]) -> None:
    here = project(commit=False)
    assert audited(here, "--trend", "5") == (set(), {})
    here.write("a.py", "x = 1\n")
    assert audited(here, "--trend", "5") == ({"a.py"}, {})


def test_a_bare_repository_and_the_folder_of_git(project: Callable[..., Any], tmp_path: Path) -> None:
    here = project({"a.py": "x = 1\n"})
    here.git("clone", "-q", "--bare", str(here.root), str(tmp_path / "bare"))
    for folder in (tmp_path / "bare", here.root / ".git"):
        result = here.run("audit", cwd=folder, check=2)
        assert "no working tree" in result.err
        assert "Traceback" not in result.err
