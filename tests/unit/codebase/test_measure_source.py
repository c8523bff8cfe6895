"""What a file may hold: every encoding, every depth, a reason for what cannot be measured; and what is told of it."""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
import threading
import tokenize
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from selfimprove.codebase.measure import measure as module
from selfimprove.codebase.measure.measure import LARGEST, measure, read_source
from selfimprove.codebase.measure.record import FileMetrics, MeasureError

SHAPES = b"""\
import functools


@functools.cache
@functools.wraps(print)
def decorated(a, b):
    if a and b:
        return 1
    return {
        "last": "line",
    }


class Outer:
    @property
    def value(self):
        return [x for x in self if x]

    @value.setter
    def value(self, new):
        self.new = new or 1

    class Inner:
        async def deep(self):
            async for x in self:
                pass


def maker():
    def closure(x):
        return 1 if x else 2

    class Local:
        def method(self):
            while True:
                pass
    return closure, Local
"""


def test_symbols_kinds_ordinals_and_lines() -> None:
    metrics = measure(SHAPES)
    found = [
        (f.symbol, f.kind, f.ordinal, f.first_line, f.line, f.end_line, f.complexity)
        for f in metrics.functions
    ]
    assert found == [
        ("decorated", "function", 1, 4, 6, 11, 3),
        ("Outer.value", "method", 1, 15, 16, 17, 3),
        ("Outer.value", "method", 2, 19, 20, 21, 2),
        ("Outer.Inner.deep", "method", 1, 24, 24, 26, 2),
        ("maker", "function", 1, 29, 29, 37, 1),
        ("maker.closure", "closure", 1, 30, 30, 31, 2),
        ("maker.Local.method", "method", 1, 34, 34, 36, 2),
    ]
    assert [(c.symbol, c.line, c.end_line, c.complexity) for c in metrics.classes] == [
        ("Outer", 14, 26, 4),
        ("Outer.Inner", 23, 26, 3),
        ("maker.Local", 33, 36, 3),
    ]
    assert (metrics.lines, metrics.raw.loc) == (37, 37)


def body(source: str, which: int = 0) -> str:
    return measure(source.encode()).functions[which].body


def test_a_body_is_known_again_under_another_name_and_in_another_place() -> None:
    first = "def old(n):\n    '''Doc'''\n    return n and old(n - 1) or golden(n)\n"
    new = first.replace(" old", " new")
    moved = "class A:\n    @property\n" + "".join(f"        {line}\n" for line in new.splitlines()).replace(
        "        def", "    def"
    )
    commented = first.replace("'''\n", "'''  # why: it's so\n\n    # not\n")
    assert len(body(first)) == 16
    assert body(first) == body(new) == body("x = 1\n" + first) == body(moved) == body(commented)
    assert body(first) == body(f"{first}\n\ndef other(): pass\n")
    assert body("async def a(): pass\n") == body("async  def b(): pass\n") != body("def a(): pass\n")
    for other in (first.replace("- 1", "- 2"), first.replace("(n", "(m"), first.replace("golden", "gnewen")):
        assert body(other) != body(first)
    assert body("def f():\n    return '# a'\n") != body("def f():\n    return '# b'\n")


@pytest.mark.parametrize("source", [b"", b"\n\n", b"# only\n# comments\n", b"\xef\xbb\xbf", b'"""Doc."""\n'])
def test_nothing_to_measure_is_a_perfect_file(source: bytes) -> None:
    assert measure(source).maintainability == 100
    assert measure(source).functions == ()


BRANCHES = "def f(a, b):\n    if a or b:\n        return 'caf\xe9'\n"


@pytest.mark.parametrize(
    "source",
    [
        BRANCHES.encode(),
        b"\xef\xbb\xbf" + BRANCHES.encode(),
        b"\xef\xbb\xbf# -*- coding: utf-8 -*-\n" + BRANCHES.encode(),
        b"# -*- coding: latin-1 -*-\n" + BRANCHES.encode("latin-1"),
        b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n" + BRANCHES.encode("cp1252"),
        BRANCHES.replace("\n", "\r\n").encode(),
        BRANCHES.replace("\n", "\r").encode(),
        BRANCHES.rstrip().encode(),
        BRANCHES.replace("caf", "\u2028\x0c\x85").encode(),
        BRANCHES.replace("def", "\x0cdef").encode(),
    ],
    ids=[
        "utf8",
        "bom",
        "bom_cookie",
        "latin1",
        "cp1252",
        "crlf",
        "cr",
        "no_end",
        "u2028",
        "form_feed",
    ],
)
def test_every_way_to_write_it_down(source: bytes) -> None:
    (function,) = measure(source).functions
    assert (function.symbol, function.complexity) == ("f", 3)


def test_line_ends_change_no_number() -> None:
    plain = measure(SHAPES)
    assert measure(SHAPES.replace(b"\n", b"\r\n")) == measure(SHAPES.replace(b"\n", b"\r")) == plain


def test_where_radon_gives_up_its_rules_are_still_those_that_count() -> None:
    plain = measure(b"x = ' '\n" + SHAPES)
    odd = measure("x = '\u2028'\n".encode() + SHAPES)
    assert odd.reference
    assert (odd.maintainability, odd.raw) == (plain.maintainability, plain.raw)
    # Python takes this for a name, tokenize in pure Python does not
    assert measure("x\u0327 = 1\n".encode()).raw.lloc == 1
    assert measure(b"x = 1 \\\n\n").raw.lloc == 1  # nor this for a whole statement


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"x = 1\nprint 'two'\n", "line 2: syntax error"),
        (b"x = 1\n<<<<<<< HEAD\ny = 2\n=======\n", "line 2: syntax error"),
        (b"x = 1\nif x:\n\ty = 1\n        z = 2\n", "line 4: syntax error"),
        (b"def f(:\n", "line 1: syntax error"),
        (b"x = '''never closed\n", "line 1: syntax error"),
        (b"x = 1\0\n", "null bytes"),
        ("x = 1\n".encode("utf-16"), "UTF-16"),
        ("x = 1\n".encode("utf-16-be"), "null bytes"),
        (b"x = 1\n\n\ny = 'caf\xe9'\n", "line 4: not utf-8"),
        (b"y = 'caf\xe9'\n", "line 1: not utf-8"),
        (b"# coding: klingon\n", "klingon"),
        (b"# coding: rot13\n", "encoding"),
        (b"# coding: utf-16\n", "encoding|UTF-16"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding"),
        (b"# coding: unicode_escape\nx = '\\udcff'\n", "cannot be measured"),
        (b"(" * 300 + b")" * 300, "too many nested parentheses"),
        (b"x = " + b"not " * 20_000 + b"1\n", "nested too deeply"),
        (b"if a: pass\n" + b"elif b: pass\n" * 20_000, "nested too deeply"),
        (b"x = " + b"1" * 5_000 + b"\n", "line 1: syntax error"),
        (b"#" * (LARGEST + 1), "10,000,001 bytes"),
    ],
)
def test_a_reason_for_what_cannot_be_measured(source: bytes, reason: str) -> None:
    with pytest.raises(MeasureError, match=reason):
        measure(source)


@pytest.mark.parametrize(
    ("source", "complexity"),
    [
        ("return " + " + ".join(["a"] * 5000), 1),
        ("return a" + ".b()" * 3000, 1),
        ("if a: pass\n" + "".join(f"    elif a == {i}: pass\n" for i in range(1500)), 1502),
        ("return " + "not " * 1000 + "a", 1),
        ("return " + "".join(f"{i} if a == {i} else " for i in range(900)) + "0", 901),
    ],
    ids=["sum", "chain", "elif", "not", "if_else"],
)
@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="its parser has a limit that no stack lifts")
def test_deep_code_is_measured(source: str, complexity: int) -> None:
    limit, stack = sys.getrecursionlimit(), threading.stack_size()
    (function,) = measure(f"def f(a):\n    {source}\n".encode()).functions
    assert function.complexity == complexity
    assert (sys.getrecursionlimit(), threading.stack_size()) == (limit, stack)


@pytest.mark.parametrize("first", ["x = {\n", "y = 1; x = {\n", "# \u2028 don't ?\nx = {\n"])
def test_a_long_literal_is_tokenised_at_most_once(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """radon alone tokenises it once per line; counting lines says so without a clock."""
    lines = 0
    original = tokenize.generate_tokens

    def generate(readline):  # type: ignore[no-untyped-def]
        def counted() -> str:
            nonlocal lines
            lines += 1
            return readline()

        return original(counted)

    monkeypatch.setattr(tokenize, "generate_tokens", generate)
    source = first + "".join(f"    'key{i}': {i},\n" for i in range(4000)) + "}\n"
    assert measure(source.encode()).rank == "A"
    assert lines <= 2 * source.count("\n")


def test_warnings_of_the_measured_code_stay_there() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            assert measure(b"x = '\\d' is 'y'\ny = 1if x else 2\n").functions == ()
        with pytest.raises(UserWarning):  # all others are as before
            warnings.warn("of somebody else", stacklevel=1)


def test_the_measured_code_says_nothing_in_a_fresh_process() -> None:
    code = "from selfimprove.codebase.measure.measure import measure\nmeasure(b\"x = '\\\\d'\\n\")"
    done = subprocess.run([sys.executable, "-Wall", "-c", code], capture_output=True, text=True, check=True)
    assert "invalid escape" not in done.stderr


def test_the_collector_is_as_it_was() -> None:
    assert gc.isenabled()
    measure(SHAPES)
    assert gc.isenabled()
    gc.disable()
    try:
        measure(SHAPES)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_no_tree_is_left_for_the_collector() -> None:
    measure(SHAPES)
    gc.collect()
    gc.disable()
    try:
        measure(SHAPES)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_many_threads_measure_at_once() -> None:
    deep = b"x = " + b"1 + " * 1500 + b"1\n"
    expected = [measure(source) for source in (SHAPES, deep)]
    found: list[list[FileMetrics]] = []

    def work() -> None:
        found.append([measure(source) for source in (SHAPES, deep)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_a_forked_worker_gives_the_same_answer() -> None:
    assert pickle.loads(pickle.dumps(module.measure)) is measure
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert pool.submit(measure, SHAPES).result() == measure(SHAPES)


def test_a_notebook_is_measured_by_its_code() -> None:
    notebook = Path(__file__).parent / "test_notebook.py"  # any file that is none
    with pytest.raises(MeasureError):
        measure(notebook.read_bytes(), notebook=True)
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cell["source"] = ["def f():\n", "    if 1: pass"]
    source = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    metrics = measure(source.encode(), notebook=True)
    assert [(f.symbol, f.complexity) for f in metrics.functions] == [("f", 2)]
    assert metrics.cells == ((1, 1),)


def test_extra_is_given_when_asked_for() -> None:
    plain, extra = measure(SHAPES), measure(SHAPES, extra=True)
    assert plain.extra is None
    assert plain.functions[0].cognitive is None
    assert extra.extra is not None
    assert extra.functions[0].cognitive is not None
    assert extra.maintainability == plain.maintainability


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "plain.py").write_bytes(SHAPES)
    assert read_source(tmp_path / "plain.py") == SHAPES
    with pytest.raises(MeasureError, match="it is not a regular file"):
        read_source(tmp_path / "pipe.py")
    with pytest.raises(IsADirectoryError):
        read_source(tmp_path / "folder.py")
    with pytest.raises(FileNotFoundError):
        read_source(tmp_path / "vanished.py")
    with pytest.raises(OSError, match="symbolic links"):
        read_source(tmp_path / "loop.py")


def test_a_file_that_is_data_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "data.py").open("ab") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(MeasureError, match="10,000,001 bytes"):
        read_source(tmp_path / "data.py")
