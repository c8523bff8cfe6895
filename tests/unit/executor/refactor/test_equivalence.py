"""The old and the new form of a function are compared on inputs that are made up, where that is safe and simple."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from selfimprove.executor.proving.running import OBSERVERS
from selfimprove.executor.refactor.equivalence import inputs_for, order_for, told
from selfimprove.executor.refactor.source import Source

OLD = """\
import re

WORDS = {"a": 1}


def count(text: str, limit: int = 3, *, strict=False) -> dict[str, int]:
    found = {}
    for word in re.findall(r"\\w+", text):
        found[word] = _plus(found.get(word, 0))
        if len(found) > limit:
            raise ValueError(f"too many: {word}")
    return found


def _plus(number):
    return number + WORDS.get("a", 0)
"""
PLACES = {
    "def f(x): return x": "x has no type",
    "def f(file: IO): return 1": "file takes IO",
    "def f(): return 1": "it has no parameters",
    "def f(x: int, *, y): return x": "it has parameters that must be named",
    "def f(x: str): return open(x)": "it uses open",
    "import os\ndef f(x: str): return os.remove(x)": "it uses os",
    "import os\ndef f(x: str): return g(x)\ndef g(x): return os.remove(x)": "it uses os",
    "from m import g\ndef f(x: str): return g(x)": "it uses g",
    "class C: pass\ndef f(x: str): return C()": "it uses C",
    "def f(x: str):\n    global y\n    y = x": "it changes or imports what is outside of it",
    "def f(x: str):\n    import os": "it changes or imports what is outside of it",
    "async def f(x: str): return x": "it is async",
    "@deco\ndef f(x: str): return x": "only plain functions of a module are",
}


def inputs(text: str, name: str = "f") -> Any:
    source = Source.read("m.py", text.encode())
    return inputs_for(source, source.place(name), 50)


@pytest.mark.parametrize("text", PLACES)
def test_what_is_not_compared(text: str) -> None:
    assert inputs(text) == ((), PLACES[text])


@pytest.mark.parametrize(
    "kind",
    [
        "str",
        "int | None",
        "Optional[float]",
        "list[dict[str, bytes]]",
        "tuple[int, ...]",
        "'set[bool]'",
        "t.Union[str, None]",
    ],
)
def test_inputs_are_text_that_python_reads_and_are_the_same_each_time(kind: str) -> None:
    text = f"def f(x: {kind}, n=2, s='a'): return (x, n)"
    made = inputs(text)
    assert made.reason == ""
    assert len(made.calls) > 3
    assert made == inputs(text)
    import ast

    for call in made.calls:
        _, number, word = ast.literal_eval(call)
        assert (type(number), type(word)) == (int, str)


def answer(root: Path, old: str, new: str, name: str = "count") -> dict[str, Any]:
    """What the comparing program says of two forms of a module in a package."""
    (root / "src" / "p").mkdir(parents=True)
    (root / "src" / "p" / "__init__.py").write_text("")
    (root / "src" / "p" / "m.py").write_text(new)
    calls = inputs(old, name).calls
    assert calls
    (root / "order").write_text(order_for("src/p/m.py", name, old, calls), encoding="utf-8")
    command = [sys.executable, str(OBSERVERS / "selfimprove_compare.py"), "order", "answer", str(root)]
    subprocess.run(command, cwd=root, env={"PYTHONPATH": str(root / "src")}, check=True, timeout=60)
    found: dict[str, Any] = json.loads((root / "answer").read_text())
    return found


def test_a_function_that_is_cut_in_two_is_equal(tmp_path: Path) -> None:
    new = OLD.replace("        found[word] = _plus(found.get(word, 0))\n", "        _note(found, word)\n")
    new += "\n\ndef _note(found, word):\n    found[word] = _plus(found.get(word, 0))\n"
    ok, words = told(answer(tmp_path, OLD, new))
    assert ok
    assert words.startswith("equal on ")
    assert int(words.split()[2]) > 20


DIFFERENT = {
    "result": ("found.get(word, 0)", "found.get(word, 1)"),
    "exception": ("ValueError", "KeyError"),
    "message": ("too many: {word}", "too many: {limit}"),
    "printed": ("    found = {}\n", "    found = {}\n    print(text)\n"),
}


@pytest.mark.parametrize("how", DIFFERENT)
def test_a_difference_is_told_with_its_input(tmp_path: Path, how: str) -> None:
    ok, words = told(answer(tmp_path, OLD, OLD.replace(*DIFFERENT[how])))
    assert not ok
    assert words.startswith("count(")
    assert " gave " in words


def test_changed_arguments_count_and_a_call_without_end_does_not(tmp_path: Path) -> None:
    old = "def f(x: list[int]):\n    while x == [0]: pass\n    x.append(1)\n"
    assert not told(answer(tmp_path / "a", old, old.replace("append(1)", "append(2)"), "f"))[0]
    assert told(answer(tmp_path / "b", old, old.replace("x.append(1)", "x += [1]"), "f"))[0]


def test_a_module_that_is_found_elsewhere_is_not_compared(tmp_path: Path) -> None:
    assert told({"reason": "the module is imported from somewhere else"}) == (
        True,
        "not compared: the module is imported from somewhere else",
    )
    assert told({})[0]
