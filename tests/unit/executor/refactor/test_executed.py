"""Which lines count and which were executed: as coverage.py says, and as real sessions of pytest and unittest show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from selfimprove.executor.proving import executed as module
from selfimprove.executor.proving import observers
from selfimprove.executor.proving.executed import executed_statements, missing_lines, statement_lines
from selfimprove.executor.proving.reports import merged, read_sessions
from selfimprove.executor.proving.rewritten import pieces
from selfimprove.executor.proving.tracing import in_words, is_traced, joined_lines, ranges_of
from selfimprove.model.testrun import TestRun

OBSERVERS = Path(observers.__file__).parent
ALL = 10**6
CODE = '''\
"""A module."""
import contextlib


def parse(text, deep=False):
    """Say what it is.

    And more.
    """
    global COUNT
    COUNT = (
        1 +
        len(text)
    )
    if not text:
        return None
    elif deep:
        found = [
            word
            for word in text.split()
            if word
        ]
    else:
        try:
            found = int(text)
        except (ValueError,
                KeyError):
            found = text
        finally:
            pass
    while True:
        break
    with contextlib.suppress(KeyError):
        raise KeyError

    def inner(x: int = 1):
        nonlocal found
        y: int
        return lambda: (found,
                        x)

    @contextlib.contextmanager
    def other():
        yield 1
    match found:
        case 1:
            return 1
        case str():
            return inner()()
    return found
'''


def by_coverage(path: Path, calls: str) -> tuple[list[int], list[int]]:
    """What coverage.py calls the statements of a module, and those that ``calls`` leave out."""
    run = (
        "import coverage, json, sys\n"
        f"sys.path.insert(0, {str(path.parent)!r})\n"
        f"c = coverage.Coverage(data_file=None, config_file=False, include=[{str(path)!r}])\n"
        "c.exclude('a^', 'exclude'); c.start()\n"
        f"{calls}\n"
        f"c.stop(); a = c.analysis2({str(path)!r}); print(json.dumps([a[1] + a[2], a[3]]))\n"
    )
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    statements, missing = json.loads(done.stdout.splitlines()[-1])
    return sorted(statements), missing


def by_tracing(path: Path, calls: str) -> list[int]:
    """Which lines the observer saw."""
    order = {"root": str(path.parent), "files": {path.name: [[1, ALL]]}}
    run = (
        f"import sys, json; sys.path[:0] = [{str(path.parent)!r}, {str(OBSERVERS)!r}]\n"
        f"import selfimprove_lines as s; l = s.watching({{'trace': {order!r}}})\n{calls}\n"
        "print(json.dumps(l.found()['lines']))\n"
    )
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    lines: dict[str, list[int]] = json.loads(done.stdout.splitlines()[-1])
    return lines[path.name]


@pytest.mark.parametrize(
    "calls",
    [
        "",
        "import m",
        "import m; m.parse('')",
        "import m; m.parse('x'); m.parse('7')",
        "import m; m.parse('a b', 1)",
    ],
)
def test_the_same_lines_as_coverage(tmp_path: Path, calls: str) -> None:
    path = tmp_path / "m.py"
    path.write_text(CODE)
    statements, missing = by_coverage(path, calls)
    assert list(statement_lines(CODE, 1, ALL)) == statements
    assert list(missing_lines(CODE, 1, ALL, by_tracing(path, calls))) == missing


@pytest.mark.parametrize("name", [module.__file__, json.decoder.__file__, subprocess.__file__])
def test_the_statements_of_real_files_are_those_of_coverage(name: str) -> None:
    from coverage.python import PythonParser

    text = Path(name).read_text()
    parser = PythonParser(text=text, filename=name, exclude="a^")
    parser.parse_source()
    assert set(statement_lines(text, 1, ALL)) == parser.statements


def test_a_statement_of_several_lines_was_executed_when_any_of_its_own_lines_was() -> None:
    text = "def f(a):\n    x = (\n        a\n    )\n    if (a and\n            x):\n        return 1\n    return 2\n"
    assert statement_lines(text, 1, 8) == (1, 2, 5, 7, 8)
    assert missing_lines(text, 1, 8, {3, 6}) == (7, 8)
    assert executed_statements(text, 2, 8, {3, 6}) == (2, 5)
    assert missing_lines(text, 1, 8, ()) == (1, 2, 5, 7, 8)
    # What stands in a block that was run was come by.
    assert missing_lines(text, 1, 8, {7}) == (2, 8)


def test_ranges_are_united_and_looked_up() -> None:
    assert ranges_of({"b": [[5, 6], [1, 2], [3, 3]], "a": [[2, 1]]}) == {"b": [[1, 3], [5, 6]]}
    run = TestRun(traced={"b": [[1, 10]]})
    assert is_traced(run, {"b": [[2, 3], [4, 10]]})
    assert not is_traced(run, {"b": [[2, 11]]})
    assert not is_traced(run, {"a": [[1, 1]]})
    assert is_traced(TestRun(), None)
    assert joined_lines({"a": [3, 1]}, {"a": [2], "b": []}) == {"a": [1, 2, 3], "b": []}
    assert [in_words(one) for one in ((4,), (4, 5, 6), (1, 2, 9), (1, 3, 5))] == [
        "line 4",
        "lines 4-6",
        "lines 1-2 and 9",
        "lines 1, 3 and 5",
    ]


def test_what_must_be_run_of_a_rewrite() -> None:
    files = {
        "m.py": b"def f(a):\n    return _g(a)\n\n\ndef _g(a):\n    '''Doc.'''\n    if a:\n        return 1\n"
    }
    rewrite = {"added": [["m.py", "_g", 5, 8]], "functions": [["m.py", "f", 1]]}
    found = pieces(rewrite, files, {"m.py": [[2, 8]]})
    assert [tuple(one) for one in found] == [("m.py", "_g", (5, 7, 8))]
    nothing_new = pieces({"functions": [["m.py", "f", 1]]}, files, {"m.py": [[2, 8]]})
    assert [tuple(one) for one in nothing_new] == [("m.py", "f", (2,))]
    alone = pieces({"rewrites": ["modernise"]}, files, {"m.py": [[7, 7]], "test_m.py": [[1, 1]]})
    assert [tuple(one) for one in alone] == [("m.py", "_g", (7,))]
    assert pieces({"rewrites": ["unused"]}, files, {"m.py": []}) == []


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
    report.unlink(missing_ok=True)
    order = {"report": str(report), "key": "k", "ids": None, "trace": {"root": str(root), "files": trace}}
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{OBSERVERS}:{root}", "SI_PROVING": json.dumps(order)}
    command = args or ("-m", "pytest", "-q", "-p", "selfimprove_pytest", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env={**plain, **(env or {})}, capture_output=True, check=False
    )
    assert report.exists(), done.stdout + done.stderr
    return merged(read_sessions(report.read_bytes(), "k"))


PYTEST = ("-m", "pytest", "-q", "-p", "selfimprove_pytest", "-p", "no:cacheprovider")
UNITTEST = (
    "import unittest, threading, m\nclass T(unittest.TestCase):\n"
    "    def test_a(self): self.assertEqual(m.Box().fill(1), [0])\n"
    "    def test_b(self): next(m.Box().gen())\n"
    "    def test_c(self):\n        t = threading.Thread(target=m.late, args=(1,)); t.start(); t.join()\n"
)


LIKE_COV = """\
import sys
def pytest_addoption(parser): parser.addoption("--cov", dest="cov_source", action="append")
def pytest_load_initial_conftests(early_config):
    if early_config.known_args_namespace.cov_source:
        sys.settrace(lambda *args: None)
"""


@pytest.mark.parametrize("how", ["pytest", "xdist", "unittest", "cov"])
def test_the_lines_that_a_session_runs(tmp_path: Path, how: str) -> None:
    files = {"m.py": MODULE, "test_m.py": UNITTEST if how == "unittest" else TESTS}
    args: tuple[str, ...] = PYTEST
    if how == "unittest":
        args = ("-m", "selfimprove_unittest", "discover")
    elif how == "xdist":
        args = (*PYTEST, "-n", "2")
    elif how == "cov":
        files["likecov.py"] = LIKE_COV
        args = (*PYTEST, "-p", "likecov", "--cov=m")
    run = session(tmp_path / "project", files, *args)
    assert run.complete
    assert set(run.outcomes.values()) == {"passed"}
    assert (run.lines, run.traced, run.displaced) == (SEEN, RANGES, "")
    assert missing_lines(MODULE, 4, 19, run.lines["m.py"]) == (7, 13, 19)


def test_a_test_that_takes_the_tracer_s_place_is_told_and_later_tests_are_seen(tmp_path: Path) -> None:
    thief = "import sys, m\ndef test_a():\n    sys.settrace(None)\n    m.Box().fill(9)\ndef test_b(): m.Box().fill(1)\n"
    run = session(tmp_path / "project", {"m.py": MODULE, "test_m.py": thief})
    if hasattr(sys, "monitoring"):
        assert 7 in run.lines["m.py"]
        return
    assert run.displaced == "sys.settrace(None)"
    assert 7 not in run.lines["m.py"]
    assert {8, 9} <= set(run.lines["m.py"])


def test_a_package_behind_a_link_and_in_a_src_folder_is_found(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "way").symlink_to(root)
    files = {
        "src/p/__init__.py": "",
        "src/p/m.py": MODULE,
        "test_m.py": TESTS.replace(", m", "\nfrom p import m"),
    }
    trace = {"src/p/m.py": [[4, 19]], "src/p/no.py": [[1, 2]]}
    env = {"PYTHONPATH": f"{OBSERVERS}:{tmp_path / 'way' / 'src'}"}
    run = session(root, files, trace=trace, env=env)
    assert run.lines == {"src/p/m.py": SEEN["m.py"], "src/p/no.py": []}


def test_a_session_that_broke_off_tells_no_lines(tmp_path: Path) -> None:
    run = session(
        tmp_path / "project",
        {"m.py": MODULE, "test_m.py": TESTS + "def test_z():\n    import os; os._exit(0)\n"},
    )
    assert not run.complete
    assert not is_traced(run, RANGES)
    kept = TestRun.from_dict(json.loads(json.dumps(run.but(lines=SEEN, traced=RANGES).to_dict())))
    assert (kept.lines, kept.traced) == (SEEN, RANGES)


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="this Python has no sys.monitoring")
def test_monitoring_leaves_the_place_of_the_tracer_free(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text(MODULE)
    lines = by_tracing(
        path, "import m; assert sys.gettrace() is None; m.Box().fill(1); assert sys.monitoring.get_tool(4)"
    )
    assert {5, 6, 8, 9} <= set(lines)
    assert 7 not in lines
