"""Ctrl-C and SIGTERM: everything that was started ends, the task is given back, and a person is told how to go on."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

# The command leaves a child behind it and says that it has begun; both would last for minutes.
LONG = """\
- id: quick
  command: 'true'
- id: long   # mine
  command: "sleep 301 & touch begun; sleep 302"
- id: last
  command: 'true'
"""
STUBBORN = """\
- id: long
  command: "trap '' TERM INT; (trap '' TERM; sleep 303) & touch begun; sleep 304; sleep 305"
"""


def _wait(told: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def _of(root: Path) -> list[int]:
    """Return the processes that work in ``root``, but not zombies."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cwd").readlink() == root and (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


@contextlib.contextmanager
def _running(here: Any, *args: str) -> Iterator[subprocess.Popen[str]]:
    begun = here.root / "begun"
    process = here.start("run", "--no-audit", *args)
    try:
        _wait(begun.exists)
        yield process
    finally:
        for pid in _of(here.root):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_ends_in_order(project: Callable[..., Any], signum: int, code: int) -> None:
    here = project({"tasks.yml": LONG})
    with _running(here) as process:
        process.send_signal(signum)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        assert _of(here.root) == []
    done = LONG.replace("  command: 'true'\n- id: long", "  command: 'true'\n  status: done\n- id: long")
    assert here.read("tasks.yml") == done.replace('302"\n', '302"\n  status: pending\n')
    assert "stopping; press again to leave now" in err
    assert "run 1 interrupted: 1 done" in out and "next: selfimprove run" in out
    assert "Traceback" not in err
    assert "interrupted" in here.run("history").out
    assert "2 pending, 1 done" in here.run("status").out
    again = here.write(
        "tasks.yml", here.read("tasks.yml").replace("sleep 301 & touch begun; sleep 302", "true")
    )
    assert again.exists()
    result = here.run("run", "--no-audit", check=0)
    assert "going on with run 1" in result.err


def test_the_answer_of_a_stopped_run_is_one_document(project: Callable[..., Any]) -> None:
    import json

    here = project({"tasks.yml": LONG})
    with _running(here, "--format", "json") as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    document = json.loads(out)
    assert document["exit_code"] == process.returncode == 130
    assert not document["ok"]
    assert document["data"]["run"]["state"] == "interrupted"
    assert [outcome["task_id"] for outcome in document["data"]["outcomes"]] == ["quick"]


def test_the_second_signal_leaves_at_once_and_nothing_behind(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": STUBBORN})
    with _running(here) as process:
        process.send_signal(signal.SIGINT)
        _wait(lambda: "stopping" in process.stderr.readline())
        assert process.poll() is None  # it gives the command its time
        process.send_signal(signal.SIGINT)
        process.wait(timeout=4)
        assert process.returncode == 130
        _wait(lambda: not _of(here.root), 2)
    result = here.run("tasks", "retry", "long", check=0)
    here.write("tasks.yml", "- id: long\n  status: in_progress\n  command: 'true'\n")
    result = here.run("run", "--no-audit", check=0)
    assert "ended without a word" in result.err
    assert "status: done" in here.read("tasks.yml")


@pytest.mark.parametrize("command", [("audit",), ("plan",), ("plan", "--dry-run")])
def test_reading_commands_stop_at_once_and_change_nothing(
    project: Callable[..., Any], command: tuple[str, ...]
) -> None:
    code = "def f(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(400))
    # Each is different, since the same content is measured once.
    here = project({f"m{n}.py": f"{code}# {n}\n" for n in range(300)} | {"tasks.yml": LONG})
    before = here.state()
    process = here.start(*command)
    _wait(lambda: _opened(process.pid, here.root))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, (out, err)
    assert out == ""
    assert len(err.strip().split("\n")) == 3 and err.startswith("error: interrupted"), err
    assert here.state() == before
    assert here.read("tasks.yml") == LONG


def _opened(pid: int, root: Path) -> bool:
    """True when the process has others that measure for it: it is at work."""
    with contextlib.suppress(OSError):
        return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()) or _cpu(pid) > 0.6
    return False


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
