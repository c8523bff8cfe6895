"""Exact numbers: radon's own on the standard library, real line numbers, and a reason for every bad file."""

from __future__ import annotations

import ast
import os
import random
import sys
import sysconfig
import threading
import tokenize
import warnings
from pathlib import Path

import pytest
from radon.complexity import add_inner_blocks, cc_visit
from radon.metrics import mi_rank, mi_visit
from selfimprove.reflector.metrics import FileMetrics, MeasureError, measure, measure_file

from selfimprove.model.audit import NotAnalysed
from selfimprove.reflector import metrics

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))


def library_files(most_bytes: int) -> list[Path]:
    folders = [
        STANDARD_LIBRARY,
        *(STANDARD_LIBRARY / name for name in ("asyncio", "email", "json", "unittest")),
    ]
    found = (file for folder in folders for file in sorted(folder.glob("*.py")))
    return [file for file in found if file.stat().st_size <= most_bytes]


def assert_equal_to_radon(file: Path) -> None:
    with warnings.catch_warnings(), tokenize.open(file) as opened:
        warnings.simplefilter("ignore")
        text = opened.read()
        blocks, index = cc_visit(text), mi_visit(text, multi=True)
        ends = {
            (node.lineno, node.end_lineno)
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
    ours = measure(file.read_bytes())
    found = {(f.line, f.symbol, f.complexity) for f in ours.functions}
    plain = {(b.lineno, b.fullname, b.complexity) for b in blocks if b.letter != "C"}
    # radon names a method of an inner class by its class alone, so of the inner blocks only numbers compare.
    inner = {(b.lineno, b.complexity) for b in add_inner_blocks(blocks) if b.letter != "C"}
    assert plain <= found, file
    assert inner <= {(line, complexity) for line, _, complexity in found}, file
    assert {(f.line, f.end_line) for f in ours.functions} == ends, file
    assert (ours.maintainability, ours.rank) == (index, mi_rank(index)), file


def test_numbers_are_radons_on_a_sample_of_the_standard_library() -> None:
    files = library_files(most_bytes=40_000)
    for file in random.Random(20).sample(files, 60):
        assert_equal_to_radon(file)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_numbers_are_radons_on_the_standard_library() -> None:
    for file in library_files(most_bytes=300_000):
        assert_equal_to_radon(file)


SHAPES = """\
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


def test_symbols_ordinals_and_lines() -> None:
    found = [(f.symbol, f.ordinal, f.line, f.end_line, f.complexity) for f in measure(SHAPES).functions]
    assert found == [
        ("decorated", 1, 6, 11, 3),
        ("Outer.value", 1, 16, 17, 3),
        ("Outer.value", 2, 20, 21, 2),
        ("Outer.Inner.deep", 1, 24, 26, 2),
        ("maker", 1, 29, 37, 1),
        ("maker.closure", 1, 30, 31, 2),
        ("maker.Local.method", 1, 34, 36, 2),
    ]


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
    ids=["utf8", "bom", "bom_cookie", "latin1", "cp1252", "crlf", "cr", "no_end", "u2028", "form_feed"],
)
def test_every_way_to_write_it_down(source: bytes) -> None:
    (function,) = measure(source).functions
    assert (function.symbol, function.complexity) == ("f", 3)


def test_a_false_end_of_line_in_a_string_changes_no_number() -> None:
    plain = "x = ' '\n" + SHAPES
    assert measure(plain.replace("' '", "'\u2028'")).maintainability == measure(plain).maintainability


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
        (b"y = 'caf\xe9'\n", "encoding"),
        (b"# coding: klingon\n", "klingon"),
        (b"# coding: rot13\n", "encoding"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding"),
        ("x = '\udcff'\n", "radon cannot measure it"),
        ("(" * 300 + ")" * 300, "too many nested parentheses"),
        ("x = " + "not " * 20_000 + "1\n", "nested too deeply"),
        ("if a: pass\n" + "elif b: pass\n" * 20_000, "nested too deeply"),
    ],
)
def test_a_reason_for_what_cannot_be_measured(source: bytes | str, reason: str) -> None:
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
def test_deep_code_is_measured(source: str, complexity: int) -> None:
    limit, stack = sys.getrecursionlimit(), threading.stack_size()
    (function,) = measure(f"def f(a):\n    {source}\n").functions
    assert function.complexity == complexity
    assert (sys.getrecursionlimit(), threading.stack_size()) == (limit, stack)


def test_a_long_literal_is_read_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """radon alone tokenises it once per line; counting characters says so without a clock."""
    import radon.raw

    tokenised = 0
    original = radon.raw._generate

    def generate(code: str) -> list[tokenize.TokenInfo]:
        nonlocal tokenised
        tokenised += len(code)
        return original(code)

    monkeypatch.setattr(radon.raw, "_generate", generate)
    source = "x = {\n" + "".join(f"    'key{i}': {i},\n" for i in range(4000)) + "}\n"
    assert measure(source).rank == "A"
    assert tokenised <= len(source)


def test_warnings_of_the_measured_code_stay_there() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert measure("x = '\\d' is 'y'\n").functions == ()


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "caf\udce9.py").write_text("x = 1\n")

    def reason(path: str) -> str:
        answer = measure_file(tmp_path, path)
        assert isinstance(answer, NotAnalysed)
        assert answer.path == path
        return answer.reason

    assert reason("pipe.py") == "it is not a regular file"
    assert reason("folder.py") == "it cannot be read: Is a directory"
    assert reason("vanished.py") == "it is not in the working tree"
    assert reason("loop.py").startswith("it cannot be read: ")
    assert reason("caf\udce9.py") == "its name is not valid UTF-8"


def test_a_file_that_is_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.py").write_text("x = 1\n" * 100)
    assert isinstance(measure_file(tmp_path, "data.py"), FileMetrics)
    with (tmp_path / "data.py").open("ab") as file:
        file.truncate(metrics.LARGEST + 1)
    answer = measure_file(tmp_path, "data.py")
    assert isinstance(answer, NotAnalysed)
    assert "10,000,001 bytes" in answer.reason
