"""Notebooks become Python text whose lines can be counted back to their cells."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from selfimprove.codebase.measure import notebook
from selfimprove.codebase.measure.notebook import code_of
from selfimprove.codebase.measure.record import MeasureError


def code(source: object, **more: object) -> dict[str, object]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "source": source, **more}


def book(*cells: object, **metadata: object) -> bytes:
    return json.dumps({"nbformat": 4, "metadata": metadata, "cells": cells}).encode()


def text_of(*cells: str) -> str:
    return code_of(book(*map(code, cells)))[0]


def test_code_cells_are_joined_and_counted_over_all_cells() -> None:
    data = book(
        {"cell_type": "markdown", "source": ["# Title\n", "x"]},
        code(["import os\n", "x = 1"]),
        {"cell_type": "raw", "source": "raw"},
        code(""),
        code("def f():\r\n    return x\r\n"),
    )
    assert code_of(data) == ("import os\nx = 1\n\ndef f():\n    return x\n", ((1, 2), (3, 4), (4, 5)))


def test_the_third_format_of_notebooks() -> None:
    cells = [
        {"cell_type": "code", "input": ["a = 1\n", "b = 2"], "language": "python"},
        {"cell_type": "code", "input": "select 1", "language": "sql"},
    ]
    data = {"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": cells}, {"cells": cells[:1]}]}
    assert code_of(json.dumps(data).encode()) == ("a = 1\nb = 2\n\na = 1\nb = 2", ((1, 1), (3, 2), (4, 3)))


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%matplotlib inline\nx = 1", "\nx = 1"),
        ("if x:\n    !rm -r build\nelse:\n    %cd ..", "if x:\n    pass\nelse:\n    pass"),
        ("x = !ls\ny, z = %who_ls\nd['k'] = !pwd", "x = None\ny, z = None\nd['k'] = None"),
        ("?help\nhelp?\nos.path??\nf.<tab>", "\n\n\nf.<tab>"),
        ("!make \\\n  all \\\n  test\nx = 1", "\n\n\nx = 1"),
        ("pip install numpy\npip = 1", "\npip = 1"),
        (",print a b\n/print 1\n;print a", "\n\n"),
        ("%%bash\nif [ 1 ]; then\nfi", "\n\n"),
        ("\n%%html\n<p>", "\n\n"),
        ("%%time\nx = 1\n%who\ny = 2", "\nx = 1\n\ny = 2"),
        ("%%timeit -n 3\nx = 1", "\nx = 1"),
        ('x = """\n%d?\n!no\n"""\n%magic', 'x = """\n%d?\n!no\n"""\n'),
        ("x = (7\n% 2\n)\ny = 7 \\\n% 2\n%magic", "x = (7\n% 2\n)\ny = 7 \\\n% 2\n"),
        ("x = 1  # really?\ny = '#' != 2\nz = a != b", "x = 1  # really?\ny = '#' != 2\nz = a != b"),
        ("s = 'it\\'s ('\n%magic", "s = 'it\\'s ('\n"),
        ("s = '''a''' + \"'''\"\n%magic", "s = '''a''' + \"'''\"\n"),
        ("x = 1\nx?  # what is it", "x = 1\n"),
    ],
)
def test_what_only_ipython_understands(cell: str, python: str) -> None:
    assert text_of(cell) == python
    assert cell.count("\n") == python.count("\n")
    if "<tab>" not in cell:
        ast.parse(python)


def test_cells_of_other_languages_leave_the_others_in_place() -> None:
    other = code("SELECT *\nFROM t", metadata={"vscode": {"languageId": "sql"}})
    assert code_of(book(code("x = 1"), other, code("y = 2"))) == (
        "x = 1\n\n\ny = 2",
        ((1, 1), (2, 2), (4, 3)),
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "line 1: not valid JSON: Expecting value"),
        (b'{"cells": [\n<<<<<<< HEAD', "line 2: not valid JSON: Expecting value"),
        (b'{"cells": "\xff"}', "not valid JSON: 'utf-8' codec can't decode byte 0xff in position 11"),
        (b"[" * 200_000, "its JSON is nested too deeply"),
        (b"[]", "it is JSON, but no notebook"),
        (b"{}", "it has no cells"),
        (b'{"cells": 5}', "its cells are not a list of objects"),
        (b'{"cells": [5]}', "its cells are not a list of objects"),
        (b'{"cells": [{"cell_type": "code", "source": [1]}]}', "the source of cell 1 is no text"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a pointer of Git LFS, not the notebook"),
        (book(language_info={"name": "julia"}), "its kernel runs julia, not Python"),
        (book(kernelspec={"language": "R", "name": "ir"}), "its kernel runs R, not Python"),
    ],
)
def test_what_cannot_be_measured_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(MeasureError) as error:
        code_of(data)
    assert str(error.value).startswith(reason)


@pytest.mark.parametrize(
    "metadata",
    [{}, {"kernelspec": {"language": "python"}}, {"language_info": {"name": "ipython"}}, {"kernelspec": 5}],
)
def test_python_kernels(metadata: dict[str, Any]) -> None:
    assert code_of(book(code("x = 1"), **metadata)) == ("x = 1", ((1, 1),))


def test_a_notebook_of_text_only_has_no_code() -> None:
    assert code_of(book({"cell_type": "markdown", "source": "only text"})) == ("", ())


def test_the_limit_is_on_the_code_and_not_on_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = [{"output_type": "display_data", "data": {"image/png": "A" * 20_000_000}}]
    assert code_of(book(code("x = 1", outputs=picture)))[0] == "x = 1"
    with pytest.raises(MeasureError, match="its code has over 10,000,000 characters"):
        code_of(book(code("x = 1\n" * 1_700_000)))
    monkeypatch.setattr(notebook, "LARGEST_FILE", 10)
    with pytest.raises(MeasureError, match="notebooks over 10 are not read"):
        code_of(book(code("x = 1")))


def test_half_a_surrogate_pair_and_a_byte_order_mark() -> None:
    assert code_of(b"\xef\xbb\xbf" + book(code("x = '\ud83d'  # é")))[0] == "x = '?'  # é"
