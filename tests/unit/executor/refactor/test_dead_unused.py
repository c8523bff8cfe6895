"""What nothing in the repository names goes, what anything may name stays."""

from __future__ import annotations

import pytest

from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.small.unused import remove_unused
from selfimprove.executor.refactor.source import Source


def removed(text: str, others: dict[str, str] | None = None, symbol: str = "", path: str = "pkg/a.py") -> str:
    files = {path: text.encode()} | {name: one.encode() for name, one in (others or {}).items()}
    source = Source.read(path, text.encode())
    after = source.but(remove_unused(source, Project(files), source.place(symbol) if symbol else None))
    again = Project({**files, path: after.content})
    assert remove_unused(after, again, after.place(symbol) if symbol else None) == [], "not idempotent"
    return after.text


GOES = {
    "function": (
        "def run():\n    return 1\n\n\n# Runs it better.\n# Some day.\ndef _walk(a, b=1):\n    return a\n\n\nb = 1\n",
        "def run():\n    return 1\n\n\nb = 1\n",
    ),
    "chain": (
        "def run():\n    return 1\n\n\ndef _walk(a):\n    return _crawl(a)\n\n\ndef _crawl(a):\n    return a\n",
        "def run():\n    return 1\n",
    ),
    "class": (
        "class _Quux:\n    'It.'\n\n    kind = 1\n\n    def run(self):\n        return 1\n\n\nb = 1\n",
        "b = 1\n",
    ),
    "constant": ("_WALKED = {'a': (1, 2)}\nb = 1\n", "b = 1\n"),
    "method": (
        "class Quux:\n    def run(self):\n        return 1\n\n    def _walk(self):\n        return 2\n\n    b = 1\n",
        "class Quux:\n    def run(self):\n        return 1\n\n    b = 1\n",
    ),
    "last method": ("class Quux:\n    def _walk(self):\n        return 2\n", "class Quux:\n    pass\n"),
    "method of a class of this file": (
        "class Bar:\n    pass\n\n\nclass Quux(Bar):\n    b = 1\n\n    def __walk(self):\n        return 2\n",
        "class Bar:\n    pass\n\n\nclass Quux(Bar):\n    b = 1\n",
    ),
    "local": (
        "def run(a):\n    count = 0\n    kinds = {'a': [1]}\n\n    return a\n",
        "def run(a):\n    return a\n",
    ),
    "CRLF, no last end": ("b = 1\r\n\r\n\r\ndef _walk():\r\n    return 1", "b = 1"),
}

STAYS = {
    "public": "def walk():\n    return 1\n",
    "dunder": "__walk__ = 1\n",
    "sunder": "class Quux:\n    def _walk_(self):\n        return 1\n",
    "used": "def _walk():\n    return 1\n\n\nrun(_walk)\n",
    "recursive": "def _walk(a):\n    return _walk(a - 1)\n",
    "in a text": "def _walk():\n    return 1\n\n\nprint('_walk')\n",
    "decorated": "@register\ndef _walk():\n    return 1\n",
    "class with a base": "class _Quux(Plugin):\n    b = 1\n",
    "class that does something": "class _Quux:\n    register()\n",
    "metaclass": "class Quux(metaclass=Meta):\n    def _walk(self):\n        return 1\n",
    "decorated class": "@dataclass\nclass Quux:\n    def _walk(self):\n        return 1\n",
    "may override": "import abc\n\n\nclass Quux(abc.ABC):\n    def _walk(self):\n        return 1\n",
    "mixin": "class QuuxMixin:\n    def _walk(self):\n        return 1\n",
    "mixed": "class Quux:\n    def _walk(self):\n        return 1\n\n\nclass Bar(Quux, Other):\n    pass\n",
    "beginning": "class Quux:\n    def run(self, a):\n        return getattr(self, '_visit_' + a)()\n\n"
    "    def _visit_name(self):\n        return 1\n",
    "beginning in a format": "class Quux:\n    def run(self, a):\n        return getattr(self, f'_vis{a}')()\n\n"
    "    def _visit_name(self):\n        return 1\n",
    "end": "class Quux:\n    def run(self, a):\n        return getattr(self, '_' + a)()\n\n"
    "    def _walk(self):\n        return 1\n\n\nnames = ['walk']\n",
    "underscore and a name": "class Quux:\n    def walk(self):\n        return getattr(self, '_' + self.kind)()\n\n"
    "    def _walk(self):\n        return 1\n",
    "all names": "def _walk():\n    return 1\n\n\nfor a in list(globals().values()):\n    a()\n",
    "module with __getattr__": "def _walk():\n    return 1\n\n\ndef __getattr__(name):\n    return 1\n",
    "a reason": "# Kept for the plugins.\ndef _walk():\n    return 1\n",
    "noqa": "_WALKED = 1  # noqa: F841\n",
    "a call": "_WALKED = open('a')\n",
    "default": "def _walk(a=register()):\n    return a\n",
    "namedtuple": "class Quux:\n    def _asdict(self):\n        return {}\n",
    "one line": "_WALKED = 1; b = 2\n",
    "docstring to be": "_WALKED = 1\n'text'\n",
    "local, read": "def run(a):\n    count = 0\n    return count\n",
    "local, read inside": "def run(a):\n    count = 0\n    return lambda: count\n",
    "local, with an underscore": "def run(a):\n    _ = 0\n    __tracebackhide__ = True\n    return a\n",
    "local, bound twice": "def run(a):\n    count = make(a)\n    a()\n    count = None\n",
    "local, of a call": "def run(a):\n    count = make(a)\n    return a\n",
    "local, of a name": "def run(a):\n    count = a\n    a = 1\n    return a\n",
    "parameter": "def run(a):\n    a = None\n",
    "frame": "def run(a):\n    count = 1\n    return '{count}'.format(**locals())\n",
    "local, with a comment": "def run(a):\n    count = 0  # how many\n    return a\n",
    "local, below a comment": "def run(a):\n    # how many\n    count = 0\n    return a\n",
    "local, alone": "def run(a):\n    for b in a:\n        count = 1\n",
    "local, global": "def run(a):\n    global count\n    count = 1\n",
    "class body": "class Quux:\n    count = 0\n    _walked = 1\n",
}


@pytest.mark.parametrize("name", GOES)
def test_goes(name: str) -> None:
    before, after = GOES[name]
    assert removed(before) == after


@pytest.mark.parametrize("name", STAYS)
def test_stays(name: str) -> None:
    assert removed(STAYS[name]) == STAYS[name]


@pytest.mark.parametrize(
    "others",
    [
        {"pkg/b.py": "from pkg.a import _walk\n"},
        {"tests/test_a.py": "patch('pkg.a._walk')\n"},
        {"docs/index.rst": "See ``_walk``.\n"},
        {"pyproject.toml": "[project.scripts]\nwalk = 'pkg.a:_walk'\n"},
        {"templates/a.html": "{{ a._walk }}"},
        {"pkg/b.py": "NAME = '_wa'\n"},
        {"pkg/b.py": "inspect.getmembers(a)\n"},
    ],
)
def test_another_file_names_it(others: dict[str, str]) -> None:
    text = "def _walk():\n    return 1\n"
    assert removed(text) == ""
    assert removed(text, others) == text


@pytest.mark.parametrize("path", ["tests/test_a.py", "conftest.py", "pkg/__init__.py", "pkg/a.pyi"])
def test_files_that_are_left_alone(path: str) -> None:
    text = "def _walk():\n    return 1\n"
    assert removed(text, path=path) == text


def test_only_the_variables_of_a_function_that_is_named() -> None:
    text = "def run(a):\n    count = 0\n    return a\n\n\ndef _walk(a):\n    count = 0\n    return a\n"
    assert removed(text, symbol="run") == text.replace("    count = 0\n", "", 1)
