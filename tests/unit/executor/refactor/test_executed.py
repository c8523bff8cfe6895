"""Which lines count and which were executed: as coverage.py says, and as real sessions of pytest and unittest show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lines_rig import MODULE, OBSERVERS, PYTEST, RANGES, SEEN, TESTS, session
from selfimprove.executor.proving import executed as module
from selfimprove.executor.proving.executed import executed_statements, missing_lines, statement_lines
from selfimprove.executor.proving.rewritten import pieces
from selfimprove.executor.proving.tracing import in_words, is_traced, joined_lines, order_of, ranges_of
from selfimprove.model.testrun import TestRun

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


FORMS = '''\
from __future__ import (
    annotations,
)
import asyncio, contextlib
run = asyncio.run
class Bad:
    def __int__(self): raise OSError
def elifs(n):
    if n == 1: return 1
    elif n == 2:
        return 2
    else:
        if n == 3: pass
def tries(n):
    try: int(n)
    except ValueError: return 1
    except (TypeError,
            KeyError) as e:
        n = e
    except:
        global G
    else: n = 2
    finally:
        n = n
def groups(n):
    try:
        raise ExceptionGroup("", [ValueError(), KeyError()][:n])
    except* ValueError: pass
    except* KeyError:
        pass
def loops(n):
    for i in range(n):
        if i: break
    else: n = 1
    while n:
        n -= 1
    else:
        n = 1
async def waits(n):
    async with them(): n = 1
    async for one in gives():
        return one
    else: pass
@contextlib.asynccontextmanager
async def them(): yield
async def gives():
    for one in (): yield one
    return
def cases(n):
    match n:
        case 1: return 1
        case [2, *_] | {"k": _} if (
            n
        ):
            pass
        case other:
            del other
class Odd(
    object,
):
    """Doc."""
    x: int
    y = 1; z = lambda: (
        1)
    @property
    @contextlib.contextmanager
    def p(self):
        """Doc."""
    if y: w = 1
    else:
        w = 2
def rest(n):
    """Doc."""
    global G; G = 1
    assert n, (
        1
    )
    with contextlib.suppress(KeyError), contextlib.suppress(
        ValueError
    ):
        raise KeyError
    return [
        x
        for x in (lambda: n,)
    ]
    n = 1
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
    order = path.with_suffix(".order")
    order.write_bytes(order_of(str(path.parent), {path.name: [[1, ALL]]}))
    run = (
        f"import sys, json; sys.path[:0] = [{str(path.parent)!r}, {str(OBSERVERS)!r}]\n"
        f"import selfimprove_lines as s; l = s.watching()\n{calls}\n"
        "print(json.dumps(l.found()['lines']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", run], capture_output=True, text=True, check=True, env={"SI_LINES": str(order)}
    )
    lines: dict[str, list[int]] = json.loads(done.stdout.splitlines()[-1])
    return lines[path.name]


CALLS = [
    (CODE, ""),
    (CODE, "import m"),
    (CODE, "import m; m.parse('')"),
    (CODE, "import m; m.parse('x'); m.parse('7')"),
    (CODE, "import m; m.parse('a b', 1)"),
    (FORMS, "import m"),
    (FORMS, "import m; m.elifs(1); m.tries(1); m.groups(1); m.loops(0); m.cases(1); m.rest(1)"),
    (FORMS, "import m; m.elifs(2); m.tries('x'); m.groups(2); m.loops(3); m.cases([2]); m.run(m.waits(1))"),
    (FORMS, "import m; m.elifs(3); m.tries([]); m.cases({}); m.run(m.waits(1)); m.tries(m.Bad())"),
]


@pytest.mark.parametrize(("text", "calls"), CALLS)
def test_the_same_lines_as_coverage(tmp_path: Path, text: str, calls: str) -> None:
    path = tmp_path / "m.py"
    path.write_text(text)
    statements, missing = by_coverage(path, calls)
    assert list(statement_lines(text, 1, ALL)) == statements
    assert list(missing_lines(text, 1, ALL, by_tracing(path, calls))) == missing


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
    env = {"PYTHONPATH": f"{OBSERVERS}:{OBSERVERS / 'begin'}:{tmp_path / 'way' / 'src'}"}
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
