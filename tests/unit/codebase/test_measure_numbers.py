"""The measuring core's numbers are radon's own: on a sample of real files, on nasty ones, on made-up ones."""

from __future__ import annotations

import ast
import random
import sys
import sysconfig
import tokenize
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radon.metrics import h_visit_ast, mi_rank, mi_visit
from radon.raw import analyze
from radon.visitors import ComplexityVisitor

from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.measure.record import FileMetrics

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))


def library_files(most_bytes: int) -> list[Path]:
    folders = [
        "",
        "asyncio",
        "concurrent/futures",
        "email",
        "importlib",
        "json",
        "logging",
        "unittest",
        "xml/dom",
    ]
    found = (file for name in folders for file in sorted((STANDARD_LIBRARY / name).glob("*.py")))
    return [file for file in found if 0 < file.stat().st_size <= most_bytes]


def by_radon(text: str) -> dict[str, Any]:
    """Return radon's numbers; of blocks that it drops, those that it has for their node alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
        index = mi_visit(text, multi=True)
    functions, classes = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions[node.lineno] = ComplexityVisitor.from_ast(node, off=False).functions[0].complexity
        elif isinstance(node, ast.ClassDef):
            classes[node.lineno] = ComplexityVisitor.from_ast(node, off=False).classes[0].complexity
    visitor = ComplexityVisitor.from_ast(tree)
    blocks: list[Any] = [*visitor.functions, *visitor.classes]
    while blocks:
        block = blocks.pop()
        if hasattr(block, "closures"):
            functions[block.lineno] = block.complexity
            blocks += block.closures
        else:
            classes[block.lineno] = block.complexity
            blocks += [*block.methods, *block.inner_classes]
    total = h_visit_ast(tree).total
    return {
        "functions": functions,
        "classes": classes,
        "total": visitor.total_complexity,
        "raw": tuple(analyze(text)),
        "halstead": (total.h1, total.h2, total.N1, total.N2),
        "index": index.hex(),
        "rank": mi_rank(index),
    }


def by_ours(ours: FileMetrics) -> dict[str, Any]:
    return {
        "functions": {one.line: one.complexity for one in ours.functions},
        "classes": {one.line: one.complexity for one in ours.classes},
        "total": ours.total_complexity,
        "raw": tuple(ours.raw),
        "halstead": tuple(ours.halstead),
        "index": ours.maintainability.hex(),
        "rank": ours.rank,
    }


def assert_equal(text: str, note: object = "") -> FileMetrics:
    ours = measure(text.encode())
    assert by_ours(ours) == by_radon(text), note
    return ours


def test_a_sample_of_the_standard_library() -> None:
    files = library_files(most_bytes=30_000)
    for file in random.Random(20).sample(files, 100):
        with tokenize.open(file) as opened:
            text = opened.read()
        assert by_ours(measure(file.read_bytes())) == by_radon(text), file


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_the_standard_library() -> None:
    for file in library_files(most_bytes=300_000):
        with tokenize.open(file) as opened:
            text = opened.read()
        assert by_ours(measure(file.read_bytes())) == by_radon(text), file


STATEMENTS = '''\
import os, sys; from a import (b, c as d)
x: int = 3
y: int
x += 1; y = x if x and y or not d else {1: 2}[1]
del x, y
assert x and [i for i in x if i], "no" if x else y
for i in x:
    if i: continue
    elif i > 1 < 2: break
    else: pass
else:
    x[1:2, ::3] = 1
while (n := x.read(1)) not in (b"", None):
    global g; g = -n ** +2
else: pass
try:
    import a
except (A, B) as e: raise C from e
except: raise
else: ...
finally: pass
with a as b, (c): pass
print(f"{x}", f'{x!r:>10}', rf"""{x:{y}}
""", "a" "b")
lambda: (yield)
lambda a, *b, c=[i for i in x if i], **d: a or b
match x:
    case {"a": 1, **rest} if rest: pass
    case [1, *_] | None: pass
    case P(a, b=c): pass
    case y: pass
match = case = 1
match x:
    case _: pass
'''
DEFINITIONS = '''\
@decorator(a if b else c)
async def f(a: "x" = 1 if x else 2, *, b=[i for i in x]) -> int and str:
    """One line."""
    async for x in y: pass
    else: pass
    async with x as y:
        return [i async for i in x if i if not i async for j in i]
    await x


class A(B if c else D, metaclass=M or N):
    """More

    lines."""

    # comment
    @property
    def m(self): return a + b * a

    if x:
        def m(self): return a + b

        class I(x + 1):
            def m(self):
                def g(): return self if self else None
                class Local:
                    def dropped(self):
                        while 1: pass
                    class Deeper: x = 1 if 2 else 3
                return g
    x = [i for i in range(3) if i and 1]


def f():
    class A:
        def m(self):
            if x: pass
    def f(): return a + 1 - "a" + 1.0 + True
    return f
'''
LINES = [
    "",
    "\n",
    "\n\n \n",
    "# only\n",
    "x",
    "x = 1\n\n",
    "x = 1\n   ",
    '"""Doc."""\n',
    "'doc'",
    '"""Doc.\n\nMore.\n"""\n',
    '"""Doc."""  # comment\n',
    '"""Doc."""; x = 1\n',
    "'a' 'b'\n",
    "('a'\n 'b')\n",
    "'a\\\nb'\n",
    "'a\\\n\\\nb' # c\n",
    "x = 1 + \\\n  2\n",
    "x = 1 + \\\n  2 + \\\n '''a\n\n# b''' # c\n",
    "\\\nx = 1\n",
    "\\\n'''doc\n'''\n",
    "x = 1 \\\n\ny = 2\n",
    "x = 1 \\\n\n\ny = (2,\n3)\n",
    "if x: # c\n  pass\n",
    "if x:# c\n  pass\n",
    "if x:  \n  pass\n",
    "if x: \\\n  pass\n",
    "if x:\n\n # c:\n  'doc'\n",
    "if x: a; b\n",
    "if x: a = 1; b\n",
    "x[1:]; y\n",
    "x[1:2]; y;\n",
    "y = lambda: x; z: int; z: int = 1\n",
    "x = {\n  # c\n  'a': # d\n  1,\n\n  'b':\n 2}\n",
    "x = [a for a in b if a[1:]]\n",
    "x = (\n'''a\n''',\n'b'\n)\n",
    "x = (y := 1)\nz[(y := 1)]\n",
    "class A:\n\tx = '#'  # '\n\ty = '''\n#:\n''' # :\n",
    'x = """a"b\\"""" + "\\\\" + r"\\"a"\n',
    "print(rb'a', Rb'b', u'c', b'd', f'e', F'g')\n",
    "fr'a'\nf'''b\n'''\nrb'c'\nB'''d\n\n'''\n",
    "x = f'{a}' f'{b[1:2]}' f'{c:>{d}}' f'{{e:}}' f\"{g['h:']}\"\n",
    "x = f'{a!r}' f'{b=}' f'{(c:=1)}' f'{d:=5}' f'{(lambda: 1)()}'\n",
    "x = f'''{\na}'''\nif f'{a:b}':\n  pass\n",
    "if f'{a}':\n  pass\nif'a':\n pass\n",
    "if'{a:b}' and not'{a:b}' or rf'{a:b}':\n pass\nx = fR'{a:b}'\nelif_ = rF'{a}'\n",
    "\x0cx = 1\n\x0c\n\x0c\x0c\n  \x0c\ny = 1\n",
    "x = '''\n\x0c\n'''\n",
    "'doc'\x0c",
    "\\\n\n\n",
    "x = 1; y = 2 \\\n# c",
    "x = 1; y = 2 + \\\n 2 # c",
    "'a'\\\n\x0c\n",
    "x = 1 # a\x0cb\n",
    "x = 1\x0c\ny = 2\n",
    "# a\x85b = 1\nx = 1\n",
    "# a\u2028# b\nx = {1: 2}\n",
    "'''a\x1c\x1db\u2029\n'''\n",
    "x = '''a\x0bb\n'''\n",
    "名前 = 'ü' # “quoted”\n",
    "# \x1f\n'''\u3000\n\xa0\n'''\n",
    "x = 1if y else 2\n",
    "x = a if b else(c)\n",
    "# coding: utf-8\n'''x'''\n",
    "def f(\n    a: int,\n    b: str = ':',\n) -> None:  # c\n    pass\n",
    "x = yield_ = (\n\n)\n",
    "@a\n\n# c\n@b\ndef f(): pass\n",
    "x = not y; z = a < b <= c != d is e is not f in g not in h\n",
    "x = 'a' + \"a\" + b'a' + 1 + 1.0 + 1j + True + None + ... - a.a - a + (b + b)\n",
    "x.y += 1; x[0] -= 1; x @= y; x //= -1; ~x; +x\n",
    "try:\n  pass\nexcept* A:\n  pass\nelse:\n  pass\n",
]


@pytest.mark.parametrize("text", [STATEMENTS, DEFINITIONS, STATEMENTS + DEFINITIONS, *LINES])
def test_hand_written_files(text: str) -> None:
    assert_equal(text)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is of Python 3.12")
def test_type_parameters_and_nested_quotes() -> None:
    assert_equal(
        "type A[T: (int if 1 else 2)] = list[T]\nclass B[T: a + b](C): pass\ndef f[T: a or b](x: T): pass\n"
    )
    assert_equal("x = f\"{a[\"b\"]}\" f'{f'{x:y}'}' f\"{'\\n'.join(a)}\" f'{\nx:{y}}'\n")


PIECES = st.sampled_from(
    [
        *(
            "x = 1",
            "x: int",
            "if x: y",
            "if x:\n  y",
            "f(a, b=[1:2][0:1])".replace("[1:2]", "c"),
            "'s'",
            '"""d\n\ne"""',
        ),
        *(
            "# c",
            "",
            "   ",
            "x = {1: 2}",
            "x = (\n  1, # c\n\n)",
            "x = a; y = b[1:]",
            "x = 1 \\\n + 2",
            "\x0c",
            "x = ''",
        ),
        *(
            "def f(a): return a if a else 1",
            "class A:\n  x = y and z",
            "x = '''\n# no\n'''",
            "f'{x}: {y}'",
            "x = f'{y:z}'",
        ),
        *(
            "for i in x:\n  '''d'''\nelse: pass",
            "lambda: 1",
            "assert a or b",
            "x = 'ü' # ü",
            "@d\ndef g(): # c\n  pass",
        ),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=8), st.sampled_from(["", "\n", "\n\n", "  "]))
def test_any_lines_one_after_the_other(pieces: list[str], end: str) -> None:
    assert_equal("\n".join(pieces) + end)


def test_only_what_cannot_be_proved_goes_to_the_reference() -> None:
    assert not measure(DEFINITIONS.encode()).reference
    assert not measure("x = 1\n\x0c\ny = '“'\n".encode()).reference
    assert measure(b"x = 1; y = 2\n").reference
    assert measure("# a\u2028b = 1\n".encode()).reference
