"""Length, nesting, parameters, branches and returns; the latter two against pylint itself."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.measure.record import FunctionMetrics, Import

ODD = """\
async def f(a):
    async for x in a:
        return 1
    else:
        return 2
    try:
        pass
    except* ValueError:
        pass
    finally:
        pass
    try:
        pass
    except ValueError:
        return 1
    else:
        return 3
    finally:
        pass
    match a:
        case 1: return 1
        case _: return 2
    class K:
        if a:
            x = 1
    if a: pass
    else:
        if b: pass
        elif c: pass
        else: pass
    while a: pass
    else: pass
    def h():
        return 1
"""


def function(source: str, symbol: str = "f") -> FunctionMetrics:
    """The metrics of one function of ``source``."""
    return next(one for one in measure(source.encode(), extra=True).functions if one.symbol == symbol)


@pytest.mark.parametrize(
    ("body", "nesting"),
    [
        ("pass", 0),
        ("if a: pass", 1),
        ("if a: pass\n elif b:\n  if c: pass\n elif d: pass", 2),
        ("if a: pass\n else:\n  if b: pass", 2),
        ("for x in a:\n  with x:\n   while a: pass", 3),
        ("try:\n  pass\n except E:\n  if a: pass\n finally: pass", 2),
        ("match a:\n  case 1:\n   if b: pass", 2),
        ("if a:\n  def g():\n   if b: pass", 1),  # a nested function starts afresh
        ("class C:\n  if a: pass", 0),
    ],
)
def test_nesting_is_the_deepest_block(body: str, nesting: int) -> None:
    assert function(f"def f(a):\n {body}\n").nesting == nesting


@pytest.mark.parametrize(
    ("source", "symbol", "count"),
    [
        ("def f(): pass", "f", 0),
        ("def f(a, /, b, *c, d, **e): pass", "f", 5),
        ("class A:\n def f(self, a): pass", "A.f", 1),
        ("class A:\n @classmethod\n def f(cls, a): pass", "A.f", 1),
        ("class A:\n @staticmethod\n def f(a): pass", "A.f", 1),
        ("class A:\n def f(*args): pass", "A.f", 1),
        ("class A:\n if B:\n  async def f(self, /, a): pass", "A.f", 1),
        ("class A:\n def g(self):\n  def f(a): pass", "A.g.f", 1),
    ],
)
def test_parameters_leave_out_self_and_cls(source: str, symbol: str, count: int) -> None:
    assert function(source, symbol).parameters == count


def test_length_is_from_def_to_the_end() -> None:
    assert function("@decorator\ndef f(\n  a,\n):\n  # why\n  return a\n\n\n").length == 5


def test_branches_and_returns_are_those_of_pylint(tmp_path: Path) -> None:
    library = Path(sysconfig.get_path("stdlib"))
    for name in ("argparse.py", "shutil.py", "tarfile.py", "dataclasses.py"):
        (tmp_path / name).write_bytes((library / name).read_bytes())
    (tmp_path / "odd.py").write_text(ODD if sys.version_info >= (3, 11) else "")
    theirs = pylint(tmp_path)
    compared = 0
    for path in sorted(tmp_path.glob("*.py")):
        for one in measure(path.read_bytes(), extra=True).functions:
            here = theirs.get((path.name, one.line), {})
            ours = {"too-many-branches": one.branches, "too-many-return-statements": one.returns}
            assert (path.name, one.symbol, {k: v for k, v in ours.items() if v}) == (
                path.name,
                one.symbol,
                here,
            )
            compared += bool(here)
    assert compared > 200


def pylint(folder: Path) -> dict[tuple[str, int], dict[str, int]]:
    """pylint's numbers by file and line; it says them only when they are over a limit, which is 0 here."""
    command = (
        sys.executable,
        "-m",
        "pylint",
        "--disable=all",
        "--max-branches=0",
        "--max-returns=0",
        "-fjson",
    )
    wanted = "--enable=too-many-branches,too-many-return-statements"
    files = sorted(path.name for path in folder.glob("*.py"))
    done = subprocess.run((*command, wanted, *files), cwd=folder, capture_output=True, text=True, check=False)
    found: dict[tuple[str, int], dict[str, int]] = {}
    for one in json.loads(done.stdout):
        count = re.search(r"\((\d+)/0\)", one["message"])
        assert count, one
        found.setdefault((one["path"], one["line"]), {})[one["symbol"]] = int(count[1])
    return found


def test_imports_are_those_that_run_when_the_module_is_loaded() -> None:
    source = b"""
import a.b, c as d
from . import e
try:
    from ..f import g
except ImportError:
    g = None
if TYPE_CHECKING:
    import never
else:
    import h
if not typing.TYPE_CHECKING:
    import i
if __name__ == "__main__":
    import script
class K:
    from j import *
def later():
    import k
"""
    extra = measure(source, extra=True).extra
    assert extra
    assert extra.imports == (
        Import("a.b", "", 0, 2),
        Import("c", "", 0, 2),
        Import("", "e", 1, 3),
        Import("f", "g", 2, 5),
        Import("h", "", 0, 11),
        Import("i", "", 0, 13),
        Import("j", "*", 0, 17),
    )


def test_functions_of_one_name_keep_their_own_numbers() -> None:
    source = "if a:\n def f(x): pass\nelse:\n def f(x, y):\n  if x: return y\nf = 1\n"
    found = [(one.parameters, one.returns) for one in measure(source.encode(), extra=True).functions]
    assert found == [(1, 0), (2, 1)]
    assert len(ast.parse(source).body) == 2
