"""What a change takes from those who import the code: each kind of break is told, and what only looks so is not."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.errors import MissingTool
from selfimprove.executor.refactor.api import api_changes, changed_names
from selfimprove.executor.refactor.moving.move import move_to_function
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = {
    "src/pkg/__init__.py": "from pkg.a import Shop\nfrom pkg._hidden import thing\n\n__all__ = ['Shop', 'thing']\n",
    "src/pkg/a.py": (
        "from typing import Optional\n\n\ndef load(path, deep=False) -> Optional[int]:\n    return 1\n\n\n"
        "def _private(x):\n    return x\n\n\nclass Shop(object):\n    def __init__(self):\n        self.size = 1\n\n"
        "    def add(self, x, y=1):\n        return x + y\n\n    def _round(self):\n        return 1\n"
    ),
    "src/pkg/_hidden.py": "def thing(x):\n    return x\n\n\ndef other(x):\n    return x\n",
    "tests/test_a.py": "def check(x):\n    return x\n",
    "setup.py": "def build():\n    pass\n",
}


def broken(path: str, old: str, new: str, roots: Sequence[str] | None = None) -> list[str]:
    """Return what is said of the package when ``old`` becomes ``new`` in a file."""
    before = {name: text.encode() for name, text in PACKAGE.items()}
    assert old in PACKAGE[path]
    return api_changes(before, {**before, path: PACKAGE[path].replace(old, new).encode()}, roots)


BREAKS = {
    "pkg.a.load: it is gone": ("a.py", "def load(", "def fetch("),
    "pkg.a.load: a parameter is gone (path)": ("a.py", "(path, deep", "(deep"),
    "pkg.a.load: a default has changed (deep)": ("a.py", "deep=False", "deep=True"),
    "pkg.a.load: a new parameter has no default (wide)": ("a.py", "(path, deep", "(wide, path, deep"),
    "pkg.a.load: it is something else now (function, now attribute)": (
        "a.py",
        "def load(path, deep=False) -> Optional[int]:\n    return 1",
        "load = len",
    ),
    "pkg.a.Shop.add: it is gone": ("a.py", "def add(", "def _add("),
    "pkg.a.Shop.size: it is gone": ("a.py", "self.size = 1", "pass"),
    "pkg._hidden.thing: a parameter is gone (x)": ("_hidden.py", "def thing(x)", "def thing(y)"),
    "src/pkg/__init__.py: Shop cannot be imported from it any more": (
        "__init__.py",
        "import Shop",
        "import load",
    ),
}


@pytest.mark.parametrize("told", BREAKS)
def test_a_break_is_told(told: str) -> None:
    name, old, new = BREAKS[told]
    assert told in broken(f"src/pkg/{name}", old, new)


SAME = {
    "a body": ("src/pkg/a.py", "return x + y", "return y + x"),
    "a new parameter with a default": ("src/pkg/a.py", "deep=False", "deep=False, wide=True"),
    "a type written in another way": ("src/pkg/a.py", "-> Optional[int]", "-> 'int | None'"),
    "object as a base": ("src/pkg/a.py", "Shop(object)", "Shop"),
    "a private function": ("src/pkg/a.py", "def _private(x)", "def _other()"),
    "a private method": ("src/pkg/a.py", "def _round(self)", "def _up(self)"),
    "a name that is not exported from a private module": (
        "src/pkg/_hidden.py",
        "def other(x)",
        "def another()",
    ),
    "an attribute that another method sets": (
        "src/pkg/a.py",
        "self.size = 1\n",
        "self._fill()\n\n    def _fill(self):\n        self.size = 1\n",
    ),
    "tests": ("tests/test_a.py", "def check(x)", "def check()"),
    "a script": ("setup.py", "def build", "def make"),
    "what does not parse": ("tests/test_a.py", "def check(x)", "def check(("),
}


@pytest.mark.parametrize("what", SAME)
def test_what_breaks_nothing_is_silent(what: str) -> None:
    assert broken(*SAME[what]) == []


def test_a_private_module_counts_by_what_is_exported_from_it() -> None:
    assert broken("src/pkg/_hidden.py", "def thing(x)", "def thing(x, z)") != []


def test_roots_can_be_given() -> None:
    change = ("src/pkg/a.py", "def load(", "def fetch(")
    assert broken(*change, roots=["src"]) == broken(*change) == ["pkg.a.load: it is gone"]
    assert broken(*change, roots=["lib"]) == []


def test_a_file_that_is_gone_is_told() -> None:
    before = {"solo.py": b"def f():\n    pass\n"}
    assert api_changes(before, {}) == ["solo: it is gone"]
    assert api_changes({}, before) == []


def test_a_public_method_that_moved_but_stays_reachable_breaks_nothing() -> None:
    files = {name: text.encode() for name, text in PACKAGE.items()}
    source = Source.read("src/pkg/a.py", files["src/pkg/a.py"])
    made = move_to_function(source, Project(files), source.place("Shop.add"))
    assert b"add = staticmethod(add)" in made.files["src/pkg/a.py"]
    assert api_changes(files, {**files, **made.files}) == []
    lost = made.files["src/pkg/a.py"].replace(b"def add(x, y=1)", b"def add(x, y=2)")
    assert api_changes(files, {**files, "src/pkg/a.py": lost}) != []


def test_without_griffe_only_private_names_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any) -> Any:
        if name == "griffe":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert broken(*SAME["a private method"]) == []
    assert broken(*SAME["a body"]) == []
    with pytest.raises(MissingTool, match="griffe is not installed") as caught:
        broken("src/pkg/a.py", "def load(", "def fetch(")
    assert caught.value.hint == "pip install 'selfimprove[refactor]'"


def test_the_names_whose_heads_change() -> None:
    old = b"import os\nX = 1\nclass A(B):\n    def f(self, x):\n        return 1\nif X:\n    def g(): pass\n"
    new = b"import os as so\nX = 2\nclass A(C):\n    def f(self, y):\n        return 1\nif X:\n    def h(): pass\n"
    assert changed_names(old, new) == ["A", "A.f", "X", "g", "h", "os", "so"]
    assert changed_names(old, old.replace(b"return 1", b"return 2")) == []
