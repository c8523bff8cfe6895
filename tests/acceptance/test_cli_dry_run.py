"""`plan --dry-run` writes nothing at all, whatever lies there, and shows what a run then follows."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TANGLED = "def tangled(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(1, 17))
TASKS = """\
- id: low
  command: 'true'
- id: needs
  command: 'true'
  dependencies: [first]
  priority: 9
- id: bad
  command: exit 1
  priority: 3
- id: after-bad
  command: 'true'
  dependencies: [bad]
- id: first
  command: 'true'
  priority: 5
- id: dear
  command: 'true'
  cost: 50
- id: not-now
  command: 'true'
  status: skipped
"""


SLEEPY = """\
- id: a
  command: 'true'
- id: b
  command: "touch begun; sleep 300"
- id: c
  command: 'true'
"""


def _all(root: Path) -> dict[str, tuple[int, bytes, int]]:
    """Return every file and folder under ``root``, .git and .selfimprove included, with mode, content and time."""
    found = {}
    for path in sorted(root.rglob("*")):
        if ".cache" in path.relative_to(root).parts:  # what was measured before, which nobody would miss
            continue
        state = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(root))] = (state.st_mode, content, state.st_mtime_ns)
    return found


def _dry(here: Any, *more: str) -> list[str]:
    before, home = _all(here.root), _all(Path(here.env["HOME"]))
    for words in (
        ["plan", "--dry-run"],
        ["plan", "--check"],
        ["plan", "--show-prompt", "refactor-src-app-tangled"],
        ["audit"],
        ["status"],
        ["history"],
        ["tasks", "list"],
        ["doctor"],
        ["config", "show"],
    ):
        result = here.run(*words, *(more if words[0] == "plan" else ()))
        assert result.code in (0, 1) or words[1:2] == ["--show-prompt"], (words, result)
        changed = {name for name, value in _all(here.root).items() if before.get(name) != value}
        assert _all(here.root).keys() == before.keys() and not changed, (words, changed)
    result = here.run("plan", "--dry-run", "--format", "json", *more, check=0)
    assert _all(here.root) == before
    assert {k for k in _all(Path(here.env["HOME"])) if "selfimprove" in k} == {
        k for k in home if "selfimprove" in k
    }
    return [task["id"] for task in json.loads(result.out)["data"]["next"]]


def test_before_and_after_a_run(project: Callable[..., Any]) -> None:
    here = project({"src/app.py": TANGLED, "tasks.yml": TASKS})
    here.write("src/app.py", TANGLED + "\n")  # git's index is stale, which a careless `git status` refreshes
    planned = _dry(here, "--budget", "10")
    assert planned == ["refactor-app-tangled", "first", "needs", "bad", "low", "after-bad"]
    answer = json.loads(here.run("run", "--budget", "10", "--format", "json").out)
    done = [outcome["task_id"] for outcome in answer["data"]["outcomes"]]
    assert done == [name for name in planned[1:] if name != "after-bad"]  # which waits for one that failed
    waiting = {one["id"]: one["reason"] for one in answer["data"]["waiting"]}
    assert waiting["refactor-app-tangled"] == "needs a model: unproved: the repository has no tests"
    assert (here.root / ".selfimprove/state.db").exists()
    assert _dry(here, "--budget", "10") == ["refactor-app-tangled"]  # it is looked at again, for nothing


def test_after_a_kill(project: Callable[..., Any]) -> None:
    here = project(
        {
            "src/app.py": TANGLED,
            "tasks.yml": SLEEPY,
        }
    )
    process = here.start("run", "--no-audit")
    end = time.monotonic() + 30
    while not (here.root / "begun").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wal = here.root / ".selfimprove/state.db-wal"
    assert wal.exists() and wal.stat().st_size
    planned = _dry(here)
    assert planned == ["refactor-app-tangled", "b", "c"]
    here.write("tasks.yml", here.read("tasks.yml").replace("sleep 300", "true"))
    answer = json.loads(here.run("run", "--no-audit", "--format", "json").out)
    assert [outcome["task_id"] for outcome in answer["data"]["outcomes"]] == ["b", "c"]
