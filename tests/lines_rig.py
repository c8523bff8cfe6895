"""Rig: sessions of pytest and unittest on a small project, with the observer that notes which lines are run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from selfimprove.executor.proving import observers
from selfimprove.executor.proving.reports import merged, read_sessions
from selfimprove.executor.proving.tracing import order_of
from selfimprove.model.testrun import TestRun

OBSERVERS = Path(observers.__file__).parent
PYTEST = ("-m", "pytest", "-q", "-p", "selfimprove_pytest", "-p", "no:cacheprovider")
MODULE = """\
import threading


class Box:
    def fill(self, n):
        if n > 2:
            return "much"
        found = [i for i in range(n)]
        return found

    def gen(self):
        yield 1
        yield 2


def late(n):
    if n:
        return (lambda: n)()
    return None


def left_alone(n):
    return n
"""
TESTS = """\
import sys, threading, m

def test_fill(): assert m.Box().fill(1) == [0]
def test_gen(): assert next(m.Box().gen()) == 1
def test_thread():
    thread = threading.Thread(target=m.late, args=(1,))
    thread.start(); thread.join()
"""
RANGES = {"m.py": [[4, 19]]}
SEEN = {"m.py": [4, 5, 6, 8, 9, 11, 12, 16, 17, 18]}


def session(
    root: Path, files: dict[str, str], *args: str, trace: Any = RANGES, env: dict[str, str] | None = None
) -> TestRun:
    """Run the tests of the files under the observers, and return what they tell."""
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    report = root.parent / "report"
    asked = root.parent / "lines"
    for name in ("report", "lines.marks"):
        (root.parent / name).unlink(missing_ok=True)
    asked.write_bytes(order_of(str(root), trace))
    order = {"report": str(report), "key": "k", "ids": None}
    plain = {"PATH": os.environ["PATH"], "SI_PROVING": json.dumps(order), "SI_LINES": str(asked)}
    plain["PYTHONPATH"] = f"{OBSERVERS}:{OBSERVERS / 'begin'}:{root}"
    done = subprocess.run(
        [sys.executable, *(args or PYTEST)],
        cwd=root,
        env={**plain, **(env or {})},
        capture_output=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    return merged(read_sessions(report.read_bytes(), "k"))
