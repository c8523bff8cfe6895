"""Lines that are run in other processes or under odd loaders, and all that a watched file must not show of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lines_rig import MODULE, OBSERVERS, TESTS, session
from selfimprove.executor.proving.executed import missing_lines

MONITORS = hasattr(sys, "monitoring")
READER = "\nREADS = 'co_code'\n"  # a file with such words may read its own code
NONE = "\n# from x import distinct: kept from executing; marshalled\n"
THIEF = """\
import sys, m
def test_a():
    sys.settrace(None)
    m.Box().fill(9)
def test_b(): m.Box().fill(1)
"""


@pytest.mark.parametrize("more", [NONE, READER])
def test_a_test_that_takes_the_tracer_s_place_is_told_and_later_tests_are_seen(
    tmp_path: Path, more: str
) -> None:
    run = session(tmp_path / "project", {"m.py": MODULE + more, "test_m.py": THIEF})
    assert {8, 9} <= set(run.lines["m.py"])
    traced = more == READER and not MONITORS  # nothing else needs the tracer's place
    assert (7 in run.lines["m.py"]) is not traced
    assert run.displaced == ("sys.settrace(None)" if traced else "")


def test_a_file_that_came_by_a_loader_of_its_own_is_told_and_watched_from_then_on(tmp_path: Path) -> None:
    conftest = "import pytest\npytest.register_assert_rewrite('m')\n"  # pytest loads it itself
    run = session(tmp_path / "project", {"m.py": MODULE, "test_m.py": TESTS, "conftest.py": conftest})
    assert missing_lines(MODULE, 5, 19, run.lines["m.py"]) == (7, 13, 19)
    assert run.displaced == ("" if MONITORS else "the loader of m")


CHILDREN = """\
import os, signal
def a():
    return 1
def b():
    return 2
def c():
    return 3
def d():
    return 4
def e():
    os.kill(os.getpid(), signal.SIGKILL)
def f():
    return 6
def g():
    return 7
if __name__ == "__main__":
    x = [g()]
"""
STARTS = """\
import multiprocessing, os, pytest, subprocess, sys, m
@pytest.mark.parametrize("way, job", [("fork", m.a), ("spawn", m.b), ("forkserver", m.c)])
def test_multiprocessing(way, job):
    process = multiprocessing.get_context(way).Process(target=job)
    process.start(); process.join(); assert process.exitcode == 0
@pytest.mark.parametrize("job", [m.d, m.e])
def test_fork(job):
    pid = os.fork()
    if not pid:
        job(); os._exit(0)
    os.waitpid(pid, 0)
def test_subprocess(): subprocess.run([sys.executable, "-c", "import m; m.f()"], check=True)
def test_module(): subprocess.run([sys.executable, "-m", "m"], check=True)
"""


def test_the_lines_that_other_processes_run_however_they_begin_and_end(tmp_path: Path) -> None:
    files = {"m.py": CHILDREN, "test_m.py": STARTS}
    run = session(tmp_path / "project", files, trace={"m.py": [[1, 17]]})
    assert set(run.outcomes.values()) == {"passed"}, run.failures
    assert missing_lines(CHILDREN, 1, 17, run.lines["m.py"]) == ()


def test_a_project_s_own_sitecustomize_is_run_and_none_stays_none(tmp_path: Path) -> None:
    asks = "import sys; print(sys.modules.get('sitecustomize'), getattr(sys, 'own', 0), *sys.path, sep='\\n')"
    env = {"PYTHONPATH": f"{OBSERVERS}:{OBSERVERS / 'begin'}:{tmp_path}", "SI_LINES": str(tmp_path / "no")}
    run = [sys.executable, "-S", "-c", f"import site; site.execsitecustomize(); {asks}"]
    none = subprocess.run(run, env=env, capture_output=True, text=True, check=True)
    assert none.stderr == ""
    assert none.stdout.splitlines()[:2] == ["None", "0"]
    assert none.stdout.splitlines()[3:6] == env["PYTHONPATH"].split(":")
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.own = 1; sys.path.append('/mine')")
    own = subprocess.run(run, env=env, capture_output=True, text=True, check=True)
    assert str(tmp_path / "sitecustomize.py") in own.stdout.splitlines()[0]
    assert own.stdout.splitlines()[1] == "1"
    assert own.stdout.splitlines()[-1] == "/mine"
    assert str(OBSERVERS / "begin") in own.stdout.splitlines()


WATCHED = '''\
"""Of m."""
from __future__ import annotations
class K:
    """Of K."""
    x = 1
def fails(n):
    """Doc."""
    x = []
    if n: x = x
    return x[n] if n else [][n]
def sees(n):
    for one in (): pass
    n = (n +
         1); return n
'''
LOOKS = """\
import importlib, inspect, marshal, pickle, sys, traceback, m

def test_what_can_be_seen_of_a_function():
    assert (m.__doc__, m.K.__doc__, m.fails.__doc__) == ("Of m.", "Of K.", "Doc.")
    assert [one for one in vars(m.K) if one[0] != "_"] == ["x"]
    assert [one for one in vars(m) if one[0] != "_"] == ["annotations", "K", "fails", "sees"]
    assert inspect.getsource(m.fails).endswith("[][n]\\n")
    code = m.fails.__code__
    assert (code.co_varnames, code.co_names, code.co_firstlineno) == (("n", "x"), (), 6)
    assert {code: 1}[code]

def test_a_traceback():
    try: m.fails(1)
    except IndexError as error: seen = traceback.extract_tb(error.__traceback__)
    assert [(one.lineno, one.line) for one in seen][1:] == [(10, "return x[n] if n else [][n]")]

def test_the_traceback_of_what_cannot_be_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "wrong.py").write_text("1 +")
    try: import wrong
    except SyntaxError as error: seen = traceback.extract_tb(error.__traceback__)
    assert len(seen) == 1

def test_a_tracer_of_its_own_sees_the_same_lines():
    seen = []
    def trace(frame, event, arg):
        if frame.f_code is m.sees.__code__: seen.append((event, frame.f_lineno))
        return trace
    sys.settrace(trace)
    try: m.sees(1)
    finally: sys.settrace(None)
    assert list(dict.fromkeys(seen))[:3] == [("call", 11), ("line", 12), ("line", 13)], seen

def test_a_profiler_sees_the_same_calls():
    seen = []
    sys.setprofile(lambda frame, event, arg: seen.append(event))
    m.sees(1)
    sys.setprofile(None)
    assert seen == ["call", "return", "c_call"], seen

def test_reload(): assert importlib.reload(m).sees(1) == 2

def test_what_is_on_the_disk_is_plain():
    with open(m.__cached__, "rb") as stream: code = marshal.loads(stream.read()[16:])
    with open(m.__file__, "rb") as stream: plain = compile(stream.read(), m.__file__, "exec", dont_inherit=True)
    assert code == plain

def test_code_that_travels_as_a_value_goes_on_to_work():
    one = pickle.loads(pickle.dumps([x for x in m.sees.__code__.co_consts if type(x).__name__ != "code"]))
    assert len(one) == len(m.sees.__code__.co_consts)
    for each in one:
        if hasattr(each, "__setitem__"): each[len(each) - 1] = 1
"""


def test_nothing_else_of_a_watched_file_changes(tmp_path: Path) -> None:
    files = {"m.py": WATCHED, "test_m.py": LOOKS}
    run = session(tmp_path / "project", files, trace={"m.py": [[1, 14]]})
    assert set(run.outcomes.values()) == {"passed"}, run.failures
    assert missing_lines(WATCHED, 1, 14, run.lines["m.py"]) == ()
