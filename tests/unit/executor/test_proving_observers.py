"""What the observers tell of real sessions of pytest and unittest, however they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from selfimprove.executor.proving.reports import counted, merged, read_sessions
from selfimprove.executor.proving.running import OBSERVERS
from selfimprove.model.testrun import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from selfimprove.model.testrun import TestRun

PYTEST = ("-m", "pytest", "-q", "-p", "selfimprove_pytest", "-p", "no:cacheprovider", "-p", "no:randomly")
MIXED = """\
import pytest
from m import f

def test_ok(): assert f() == 1
def test_bad():
    print("hello")
    assert f() == 3
@pytest.fixture
def boom(): raise RuntimeError("x")
def test_err(boom): pass
@pytest.mark.parametrize("x", ["a b", "[::]", "ü\\n", object()])
def test_p(x): assert x != "[::]"
@pytest.mark.xfail
def test_x(): assert 0
@pytest.mark.xfail
def test_xp(): pass
@pytest.mark.skip
def test_s(): pass
class TestIt:
    def test_late(self, request):
        request.addfinalizer(lambda: 1 / 0)
"""


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def observed(
    root: Path, files: dict[str, str], *args: str, ids: list[str] | None = None, add: bytes = b""
) -> list[TestRun]:
    """Run pytest (or what ``args`` say) on the files, and return its sessions."""
    write(root, files)
    report = root.parent / "report"
    report.unlink(missing_ok=True)
    order = {"report": str(report), "key": "a key", "ids": ids}
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{OBSERVERS}:{root}", "SI_PROVING": json.dumps(order)}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    subprocess.run([sys.executable, *(args or PYTEST)], cwd=root, env=env, capture_output=True, check=False)
    return read_sessions((report.read_bytes() if report.exists() else b"") + add, "a key")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder for the project under test."""
    made = tmp_path / "project"
    made.mkdir()
    return made


def test_every_outcome_of_pytest(root: Path) -> None:
    files = {"m.py": "def f(): return 1\n", "test_a.py": MIXED, "test_c.py": "import nothing_of_that_name\n"}
    (run,) = observed(root, files)
    assert run.outcomes == {
        "test_c.py": "error",
        "test_a.py::test_ok": "passed",
        "test_a.py::test_bad": "failed",
        "test_a.py::test_err": "error",
        "test_a.py::test_p[a b]": "passed",
        "test_a.py::test_p[[::]]": "failed",
        "test_a.py::test_p[\\xfc\\n]": "passed",
        "test_a.py::test_p[x3]": "passed",
        "test_a.py::test_x": "xfailed",
        "test_a.py::test_xp": "xpassed",
        "test_a.py::test_s": "skipped",
        "test_a.py::TestIt::test_late": "error",
    }
    assert (run.complete, run.problem, run.tampered) == (True, "", "")
    bad = run.failure("test_a.py::test_bad")
    assert bad.text == "AssertionError: assert 1 == 3\n +  where 1 = f()"
    assert bad.frames == (("test_a.py", 7, "test_bad", "assert f() == 3"),)
    assert bad.output == "hello"
    assert "nothing_of_that_name" in run.failure("test_c.py").text


@pytest.mark.parametrize("workers", [0, 2])
def test_only_some_tests(root: Path, workers: int) -> None:
    files = {"m.py": "def f(): return 1\n", "test_a.py": MIXED}
    wanted = "test_a.py::test_p[[::]]"
    more = ("-n", str(workers)) if workers else ()
    (run,) = observed(root, files, *PYTEST, *more, ids=[wanted])
    assert (run.outcomes, run.complete, run.tampered) == ({wanted: "failed"}, True, "")


ENDS = {
    "os._exit": ("import os\ndef test_b(): os._exit(0)\n", "the test session broke off in test_b.py::test_b"),
    "segfault": (
        "import ctypes\ndef test_b(): ctypes.string_at(0)\n",
        "the test session broke off in test_b.py::test_b",
    ),
    "pytest.exit": (
        "import pytest\ndef test_b(): pytest.exit('enough', returncode=0)\n",
        "the test session ended before it had run test_b.py::test_b and 1 more",
    ),
    "at import": ("import os\nos._exit(0)\n", "the test session broke off"),
    "killed": (
        "import os, signal\ndef test_b(): os.kill(os.getpid(), signal.SIGKILL)\n",
        "the test session broke off in test_b.py::test_b",
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_session_that_does_not_come_to_its_end_is_never_complete(root: Path, how: str) -> None:
    text, problem = ENDS[how]
    (run,) = observed(root, {"test_b.py": text, "test_c.py": "def test_c(): pass\n"})
    assert (run.complete, run.problem) == (False, problem)


def test_sys_exit_is_a_failure_like_others(root: Path) -> None:
    (run,) = observed(root, {"test_b.py": "import sys\ndef test_b(): sys.exit(0)\ndef test_c(): pass\n"})
    assert run.complete
    assert run.outcomes == {"test_b.py::test_b": "failed", "test_b.py::test_c": "passed"}


def test_the_first_failure_stops_nothing(root: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\naddopts = -x\n",
        "test_b.py": "def test_b(): assert 0\ndef test_c(): pass\n",
    }
    (run,) = observed(root, files)
    assert (list(run.outcomes.values()), run.complete) == (["failed", "passed"], True)


def test_nothing_collected(root: Path) -> None:
    (run,) = observed(root, {"m.py": ""})
    assert (run.outcomes, run.complete, run.tampered) == ({}, True, "")


def test_a_test_that_runs_pytest_itself_writes_nothing_here(root: Path) -> None:
    inner = (
        "import subprocess, sys\ndef test_b(tmp_path):\n    (tmp_path / 'test_i.py').write_text('def test_i(): 1/0')\n"
        "    args = [sys.executable, '-m', 'pytest', str(tmp_path), '-p', 'selfimprove_pytest']\n"
        "    assert subprocess.run(args).returncode == 1\n"
    )
    (run,) = observed(root, {"test_b.py": inner})
    assert (run.outcomes, run.tampered) == ({"test_b.py::test_b": "passed"}, "")


SUBTESTS = "def test_b(subtests):\n    for n in range(3):\n        with subtests.test(n=n): assert n != 1\n"


def test_subtests_count_as_their_test(root: Path) -> None:
    pytest.importorskip("_pytest.subtests")
    (run,) = observed(root, {"test_b.py": SUBTESTS})
    assert run.outcomes == {"test_b.py::test_b": "failed"}
    assert "assert 1 != 1" in run.failure("test_b.py::test_b").text


def test_a_fixture_for_all_tests_is_not_used_for_ours(root: Path) -> None:
    conftest = (
        "import pytest\n@pytest.fixture(autouse=True, scope='session')\ndef once():\n"
        "    with open('uses', 'a') as file: file.write('x')\n"
    )
    observed(root, {"conftest.py": conftest, "test_b.py": "def test_b(): pass\n"})
    assert (root / "uses").read_text() == "x"


CHEATS = {
    "pytest's call": (
        "import _pytest.runner as r\n_real = r.CallInfo.from_call\n"
        "def call(func, when, reraise=None):\n"
        "    def quiet():\n        try: return func()\n        except BaseException: return None\n"
        "    return _real(quiet, when, reraise)\nr.CallInfo.from_call = staticmethod(call)\n"
    ),
    "the report": (
        "import _pytest.reports as r\n_real = r.TestReport.from_item_and_call.__func__\n"
        "def made(cls, item, call):\n    report = _real(cls, item, call)\n    report.outcome = 'passed'\n"
        "    return report\nr.TestReport.from_item_and_call = classmethod(made)\n"
    ),
    "the run of a function": ("import _pytest.python as p\np.Function.runtest = lambda self: None\n"),
    "unittest": "import unittest\nunittest.TestCase.assertEqual = lambda *args: None\n",
}


@pytest.mark.parametrize("how", CHEATS)
def test_code_that_takes_the_teeth_out_of_assertions_is_found_out(root: Path, how: str) -> None:
    (run,) = observed(root, {"m.py": CHEATS[how], "test_b.py": "import m\ndef test_b(): assert True\n"})
    assert "assertions do not fail any more" in run.tampered


def test_a_report_that_something_else_wrote_to(root: Path) -> None:
    files = {"test_b.py": "def test_b(): pass\n"}
    line = json.dumps({"kind": "test", "id": "x", "when": "call", "outcome": "passed"})
    (run,) = observed(root, files, add=f"{'0' * 32} {line}\n".encode())
    assert run.tampered == "its report was written to by something else than the test session"
    (run,) = observed(root, files, add=b"half a li")
    assert run.tampered == ""


UNIT = """\
import unittest, m
class T(unittest.TestCase):
    def test_ok(self): self.assertEqual(m.f(), 1)
    def test_bad(self): self.assertEqual(m.f(), 2)
    def test_err(self): m.g()
    @unittest.skip("no")
    def test_skip(self): pass
    @unittest.expectedFailure
    def test_x(self): self.fail()
    @unittest.expectedFailure
    def test_xp(self): pass
    def test_subs(self):
        for n in range(3):
            with self.subTest(n=n): self.assertNotEqual(n, 1)
"""


def test_every_outcome_of_unittest(root: Path) -> None:
    files = {"m.py": "def f(): return 1\ndef g(): raise KeyError('k')\n", "test_a.py": UNIT}
    (run,) = observed(root, files, "-m", "selfimprove_unittest", "discover")
    short = {test.rpartition(".")[2]: outcome for test, outcome in run.outcomes.items()}
    assert short == {
        "test_bad": "failed",
        "test_err": "error",
        "test_ok": "passed",
        "test_skip": "skipped",
        "test_subs": "failed",
        "test_x": "xfailed",
        "test_xp": "failed",
    }
    assert (run.complete, run.tampered) == (True, "")
    err = run.failure("test_a.T.test_err")
    assert err.text == "KeyError: 'k'"
    assert [frame[:3] for frame in err.frames] == [("test_a.py", 5, "test_err"), ("m.py", 2, "g")]


def test_several_sessions_are_counted_or_put_together(root: Path) -> None:
    files = {"test_b.py": "import os\ndef test_b(): assert os.environ.get('GOOD')\ndef test_c(): pass\n"}
    (run,) = observed(root, files)
    good = run.but(outcomes=dict.fromkeys(run.outcomes, "passed"), failures=())
    assert counted([run, good])["test_b.py::test_b"] == Tally(1, 2)
    both = merged([good, run])
    assert both.outcomes == {"test_b.py::test_b": "failed", "test_b.py::test_c": "passed"}
