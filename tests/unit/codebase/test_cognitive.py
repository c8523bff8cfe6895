"""Cognitive complexity: by hand on small functions, and against complexipy on real and on random code."""

from __future__ import annotations

import ast
import random
import sysconfig
from pathlib import Path

import complexipy
import pytest

from selfimprove.codebase.measure.cognitive import cognitive_complexity
from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.measure.shape import FunctionNode


def number(source: str) -> int:
    """The number of the first function in ``source``."""
    return next(cognitive_complexity(n) for n in ast.walk(ast.parse(source)) if isinstance(n, FunctionNode))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass", 0),
        ("if a: pass", 1),
        ("if a: pass\n elif b: pass\n else: pass", 3),
        ("if a: pass\n else:\n  if b: pass", 1 + 1 + 2),  # nested, and so not an elif
        ("for x in a:\n  if x: break\n else: pass", 1 + 2),  # the else of a loop is free
        ("while a:\n  for x in a:\n   if x: continue", 1 + 2 + 3),
        ("try: pass\n except A: pass\n except B:\n  if a: pass\n else: pass\n finally: pass", 1 + 1 + 2),
        ("with a:\n  if b: pass", 1),  # with is free and does not nest
        ("match a:\n  case 1: pass\n  case _:\n   if b: pass", 1 + 2),
        ("return a and b and c", 1),
        ("return a and b or c and d", 3),
        ("return not (a and b)", 1),
        ("return a and not (b and c)", 2),  # `not` ends a run
        ("return a if b else c", 1),
        ("return [x for x in a if x]", 2),
        ("return {k: v for k in a for v in k}", 2),
        ("return lambda: a and b", 1),
        ("g(a or b, key=a or b)", 1),  # keyword arguments are not looked into
        ("x = 1 + (a or b)", 0),  # neither is arithmetic
        ("return f(a)", 1),  # a call of itself
        ("return self.f(a)", 0),
        ("return lambda: f(a)", 0),
        ("def g():\n  if a: pass", 2),  # nested functions count one level deeper
        ("def g():\n  if a: pass\n return g", 1),  # except in a decorator
        ("class C:\n  def g(self):\n   if a: pass\n  if b: pass", 1),
        ("async for x in a:\n  async with x: pass", 1),
    ],
)
def test_numbers_that_can_be_checked_by_hand(body: str, expected: int) -> None:
    source = f"def f(a, b, c, d):\n {body}\n"
    assert number(source) == expected
    assert number(f"async {source}") == expected
    assert [one.complexity for one in complexipy.code_complexity(source).functions] == [expected]


def test_every_function_has_a_number_and_closures_the_one_they_have_alone() -> None:
    source = b"class A:\n def f(self):\n  def g(x):\n   if x: return g(x)\n  return [g]\n"
    found = {one.symbol: one.cognitive for one in measure(source, extra=True).functions}
    assert found == {"A.f": 1, "A.f.g": 2}


def test_a_name_in_another_alphabet_may_be_called_by_its_other_spelling() -> None:
    source = "def \N{LATIN SMALL LIGATURE FI}le():\n return file()\n".encode()
    assert [one.cognitive for one in measure(source, extra=True).functions] == [1]


def test_depth_does_not_matter() -> None:
    chain = "def f(x):\n if x: pass\n" + " elif x: pass\n" * 1500
    sums = "def g(x):\n return " + " + ".join(["x"] * 5000) + "\n"
    ors = "def h(x):\n return " + "(x or " * 80 + "x" + ")" * 80 + "\n"
    metrics = measure((chain + sums + ors).encode(), extra=True)
    assert [one.cognitive for one in metrics.functions] == [1501, 0, 1]
    assert metrics.functions[0].nesting == 1
    assert metrics.functions[0].branches == 1501


def test_the_standard_library_has_the_numbers_of_complexipy() -> None:
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    compared = 0
    for path in random.Random(20).sample(files, 40):
        source = path.read_bytes().replace(b"\r\n", b"\n")
        ours = {
            (o.first_line, o.symbol.rpartition(".")[2]): o.cognitive
            for o in measure(source, extra=True).functions
        }
        for one in complexipy.code_complexity(source.decode(), no_ignore=True).functions:
            name = one.name.rpartition("::")[2]
            assert (path.name, name, ours[one.line_start, name]) == (path.name, name, one.complexity)
            compared += 1
    assert compared > 300


TESTS = (
    "a",
    "a and b",
    "a or b and not c",
    "not (a or b or c)",
    "[x for x in a if x or b]",
    "a if b else f(c)",
)
HEADS = (
    "if {0}:",
    "while {0}:",
    "for x in ({0}):",
    "with g({0}):",
    "def f(a=b):",
    "try:",
    "class K:",
    "match a:",
)


def block(chance: random.Random, depth: int) -> list[str]:
    """Random statements, each line indented by ``depth``."""
    lines: list[str] = []
    for _ in range(chance.randint(1, 3)):
        test = chance.choice(TESTS)
        if depth > 5 or chance.random() < 0.4:
            lines.append(" " * depth + chance.choice(("return {0}", "x = {0}", "assert {0}, a")).format(test))
            continue
        head = chance.choice(HEADS)
        lines.append(" " * depth + head.format(test))
        if head == "match a:":
            lines.append(" " * (depth + 1) + f"case _ if {test}:")
        lines += block(chance, depth + 2)
        tails = {
            "t": ("except E:", "finally:"),
            "i": (f"elif {test}:", "else:"),
            "w": ("else:",),
            "f": ("else:",),
        }
        if head != HEADS[3]:
            for tail in tails.get(head[0], ()):
                lines += [" " * depth + tail, *block(chance, depth + 2)]
    return lines


def test_random_code_has_the_numbers_of_complexipy() -> None:
    for seed in range(200):
        source = "\n".join(("def f(a, b, c):", *block(random.Random(seed), 1), ""))
        theirs = complexipy.code_complexity(source, no_ignore=True).functions
        assert [one.complexity for one in theirs] == [number(source)], f"seed {seed}\n{source}"
