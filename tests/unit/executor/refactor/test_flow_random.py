"""The small rewrites of control flow on random programs: executed before and after, with a log of all evaluations."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import random
import textwrap

import pytest

from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.small.comprehension import comprehend
from selfimprove.executor.refactor.small.dispatch import dispatch
from selfimprove.executor.refactor.small.else_return import unnest_else
from selfimprove.executor.refactor.small.guards import invert_guards
from selfimprove.executor.refactor.small.nesting import merge_ifs
from selfimprove.executor.refactor.source import Source

PROJECT = Project({"pyproject.toml": b"[tool.black]\nline-length = 100\n"}, {}, (3, 10))
ENDS = ("\n", "\r\n")
SCALE = int(os.environ.get("FLOW_SCALE", "1"))  # more of everything, by hand


class Oops(Exception):
    """What a program raises by itself, or by what it calls."""


class Value:
    """An object that tells of being asked; its value is a number, not a number, or None."""

    def __init__(self, world, value):
        self.world, self.value = world, value

    def __bool__(self):
        self.world.log.append(("bool", repr(self.value)))
        return bool(self.value)

    def __eq__(self, other):
        self.world.log.append(("eq", repr(self.value)))
        return self.value == getattr(other, "value", other)

    def __lt__(self, other):
        self.world.log.append(("lt", repr(self.value)))
        return self.value < getattr(other, "value", other)

    def __hash__(self):
        self.world.log.append(("hash", repr(self.value)))
        return hash(self.value)

    def __contains__(self, other):
        self.world.log.append(("in", repr(self.value)))
        return bool(self.value)

    def __repr__(self):
        return f"V({self.value!r})"


class World:
    """What a program is run in. Its outcomes come from a seed alone, in the order of the calls."""

    def __init__(self, seed):
        self.rng, self.log = random.Random(seed), []

    def t(self, *what):
        """Log and give a value, None, or an exception."""
        if len(self.log) > 300:
            raise Oops("too long")
        self.log.append(("t", *map(repr, what)))
        outcome = self.rng.random()
        if outcome < 0.04:
            raise Oops(str(what))
        return None if outcome < 0.2 else Value(self, self.rng.choice([0, 1, 1, 2, float("nan")]))

    def r(self, number):
        """Iterate over a few numbers, and now and then fail in the midst."""
        for one in range(self.rng.randrange(number + 1)):
            self.log.append(("next", one))
            if self.rng.random() < 0.03:
                raise Oops("iterable")
            yield one

    @contextlib.contextmanager
    def cm(self):
        """Enter and leave; every other one swallows Oops."""
        self.log.append("enter")
        try:
            yield
        except Oops:
            self.log.append("swallow")
            if self.rng.random() < 0.5:
                raise
        finally:
            self.log.append("leave")


@functools.lru_cache(maxsize=8)
def compiled(text):
    return compile(text, "<program>", "exec")


def outcome(text, seed, *args):
    """Return what ``f`` returns or raises, and all that was evaluated on the way."""
    world = World(seed)
    names = {"t": world.t, "r": world.r, "cm": world.cm, "Oops": Oops, "log": world.log}
    exec(compiled(text), names)
    try:
        found = names["f"](*args)
        if hasattr(found, "__next__"):
            found = ["generated", *itertools.islice(found, 30)]
        result = repr(found)
    except (Oops, NameError, TypeError, AttributeError) as error:
        result = (type(error).__name__, str(error) if isinstance(error, Oops) else "")
    return result, world.log


def rewritten(rewrite, text, end="\n"):
    """Return the text after ``rewrite``; it must be stable, keep all comments, and the ends of lines."""
    source = Source.read("a.py", text.replace("\n", end).encode())
    splices = rewrite(source, PROJECT, None)
    after = source.but(splices)
    assert rewrite(after, PROJECT, None) == []
    if end == "\r\n":
        assert after.text.count("\r\n") == after.text.count("\n") == after.text.count("\r")
    assert sorted(comments(after.text)) == sorted(comments(source.text))
    return after.text.replace(end, "\n")


def comments(text):
    return [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]


class Programs:
    """Writes random functions with many ``if``, and now and then what makes a rewrite hard."""

    def __init__(self, rng):
        self.rng, self.count, self.loops, self.unit = rng, 0, 0, rng.choice(["    ", "    ", "\t", "  "])

    def number(self):
        self.count += 1
        return self.count

    def atom(self):
        choice = self.rng.randrange(9)
        a, b = self.number(), self.number()
        return (
            f"t({a})",
            f"not t({a})",
            f"t({a}) == t({b})",
            f"t({a}) is not None",
            f"t({a}) in (t({b}), 1)",
            f"len(str(t({a}))) > {self.rng.randrange(6)}",
            f"t({a}) < 1",
            f"(t({a}) != t({b}))",
            f"not (t({a}) or t({b}))",
        )[choice]

    def test(self):
        choice = self.rng.randrange(10)
        if choice < 5:
            return self.atom()
        if choice == 9:
            return self.rng.choice(
                [
                    f"{self.atom()} if {self.atom()} else {self.atom()}",
                    f"(w := {self.atom()})",
                    "(\n t(0)\n and t(1))",
                ]
            )
        joint = self.rng.choice((" and ", " or "))
        return joint.join(self.atom() for _ in range(self.rng.choice((2, 2, 3))))

    def jump(self):
        choices = ["return", f"return t({self.number()})", f"raise Oops({self.number()})", "return None"]
        return self.rng.choice(choices + ["continue", "break", "continue"] * (self.loops > 0))

    def simple(self):
        number = self.number()
        return self.rng.choice(
            [
                [f"t({number})"],
                [f"t({number})  # note {number}"],
                [f"# above {number}", f"t({number})"],
                ['t("""', f"  held {number}", f'    """, {number})'],
                [f"t({number},", f"  {number})", ""],
                [f"x = t({number})", "t(x)"],
            ]
        )

    def block(self, depth, *, leave=False):
        lines = []
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            lines += self.statement(depth) if depth and self.rng.random() < 0.75 else self.simple()
        if leave or self.rng.random() < 0.3:
            lines += [self.jump()]
        if self.rng.random() < 0.1:
            lines += [f"# end {self.number()}"]
        return lines

    def inner(self, lines):
        """Indent, but not what a string holds."""
        found, held = [], False
        for line in lines:
            found.append(line if held or not line else self.unit + line)
            held ^= line.count('"""') % 2 == 1
        return found

    def branch(self, depth, word="if"):
        lines = [f"{word} {self.test()}:", *self.inner(self.block(depth - 1))]
        if self.rng.random() < 0.05:
            lines[0] += "  # head"
        return lines

    def statement(self, depth):
        choice = self.rng.randrange(12)
        if choice < 7:
            lines = self.branch(depth)
            if self.rng.random() < 0.25:
                lines += self.branch(depth, "elif")
            if self.rng.random() < 0.4:
                lines += ["else:", *self.inner(self.block(depth - 1, leave=self.rng.random() < 0.5))]
            return lines
        if choice < 9:
            self.loops += 1
            lines = [f"for i in r({self.rng.randrange(4)}):", *self.inner(self.block(depth))]
            self.loops -= 1
            return lines + (["else:", *self.inner(self.simple())] if self.rng.random() < 0.2 else [])
        if choice == 9:
            return ["with cm():", *self.inner(self.block(depth - 1))]
        if choice == 10:
            loops, self.loops = self.loops, 0
            last = self.inner(self.block(depth - 1))
            self.loops = loops
            word = self.rng.choice(["finally:", "except Oops:"])
            return ["try:", *self.inner(self.block(depth - 1)), word, *last]
        loops, self.loops = self.loops, 0
        lines = ["def g():", *self.inner(self.block(depth - 1)), "t(g())"]
        self.loops = loops
        return lines

    def function(self):
        body = self.block(4)
        if self.rng.random() < 0.15:
            body = ["yield t(0)", *body]
        return "\n".join(["def f():", *self.inner(body), ""])


@pytest.mark.parametrize("rewrite", [invert_guards, merge_ifs, unnest_else])
def test_random_functions_evaluate_the_same_after_the_rewrite(rewrite):
    rng = random.Random(f"{rewrite.__name__} 6")
    changed = 0
    for index in range(60 * SCALE):
        text = Programs(rng).function()
        try:
            compile(text, "<program>", "exec")
        except SyntaxError:
            continue
        after = rewritten(rewrite, text, ENDS[index % 2])
        changed += after != text
        if after != text:
            for seed in range(8):
                assert outcome(text, seed) == outcome(after, seed), f"{text}\n=>\n{after}"
    assert changed > 10 * SCALE


ELEMENTS = (
    "t(x)",
    "x",
    "(x, t(1))",
    "x + 1",
    "[x, y]",
    "t(x, y)",
    "[z for z in r(x)]",
    "(lambda: x)()",
    "str(x)",
)
TESTS = ("", "t(x)", "x > 1", "not t(x)", "t(x) and x", "x != 1 and t(x)", "x in (1, 2)")
SHAPES = (
    ("xs = []", "xs.append({})"),
    ("xs = []", "xs.append({})"),
    ("xs: list = list()", "xs.append({})"),
    ("xs = set()", "xs.add(repr({}))"),
    ("xs = {{}}", "xs[{}] = x"),
    ("xs = {{}}", "xs[t(x)] = {}"),
    ("xs = {{}}", "xs[x, 1] = {}"),
)
BEFORE = (
    "",
    "x = 5",
    "xs = 7",
    "y = t(2)",
    "def g(): return x",
    "h = lambda: xs",
    "def g(x): return xs",
    "x = xs = 1",
)
AFTER = (
    "",
    "t(x)",
    "t(xs)",
    "x = 3; t(x)",
    "for x in r(2): t(x)",
    "t([x for x in r(2)])",
    "x += 1",
    "return xs",
    "del x",
)
AROUND = (
    "{}",
    "{}",
    "{}",
    "try:\n{}\nexcept Oops: t('e', xs)",
    "try:\n{}\nfinally: t('f', xs)",
    "try:\n{}\nexcept Oops: pass",
    "with cm():\n{}",
    "for k in r(3):\n{}",
    "while t(8):\n{}",
)


def _loop(rng):
    """Return a function with a loop that a comprehension might say, and what might spoil it."""
    element, test = rng.choice(ELEMENTS), rng.choice(TESTS)
    if rng.random() < 0.35:
        value = rng.random() < 0.5
        add, first, last = f"return {value}", "", f"return {not value if rng.random() < 0.9 else value}"
        test = test or "t(x)"
    else:
        first, add = (one.format(element) for one in rng.choice(SHAPES))
        last = ""
    heads = rng.choice((["for x in r(4):"], ["for x in r(4):"], ["for y, x in enumerate(r(4)):"]))
    heads = [*heads, "for x in r(x):"] if rng.random() < 0.15 else heads
    heads += [f"if {test}:"] if test else []
    lines = [first] if first else []
    for depth, line in enumerate([*heads, add]):
        lines.append("    " * depth + line)
    if rng.random() < 0.06:
        lines[-1] += "  # why"
    lines += [last] if last else []
    if rng.random() < 0.8:
        lines.append(rng.choice(AFTER))
    around = rng.choice(AROUND)
    if around != "{}":
        lines = around.format("\n".join("    " + one for one in lines)).split("\n")
    lines = [*rng.choice(BEFORE).split("\n"), *lines, rng.choice(AFTER)]
    if not last or rng.random() < 0.3:
        lines.append(rng.choice(("return xs", "return x", "return 0", "return xs")))
    return "def f(y=None):\n" + textwrap.indent("\n".join(one for one in lines if one.strip()), "    ") + "\n"


def test_random_loops_evaluate_the_same_as_their_comprehensions():
    rng = random.Random("loops 6")
    changed = 0
    for index in range(400 * SCALE):
        text = _loop(rng)
        try:
            compile(text, "<program>", "exec")
        except SyntaxError:
            continue
        after = rewritten(comprehend, text, ENDS[index % 2])
        changed += after != text
        if after != text:
            for seed in range(8):
                assert outcome(text, seed) == outcome(after, seed), f"{text}\n=>\n{after}"
    assert changed > 20 * SCALE


KEYS = ('"a"', '"b"', '"c"', '"d"', '"e"', "1", "0", "2", "-1", "True", "None", "1.0")
RESULTS = ("1", '"one"', "None", "NAMED", "t(3)", "[]", "-2", "kind", "other", "Oops")
INPUTS = ("a", "b", "c", "d", "e", "", "zz", 0, 1, 2, -1, True, None, 1.0, 7)


def _chain(rng):
    """Return a module with a function that has a chain of comparisons."""
    keys = list(rng.choice((KEYS[:5], KEYS[5:9], KEYS, KEYS)))
    rng.shuffle(keys)
    hint = rng.choice((": str", ": int", ": 'str | None'", "", ": str"))
    form = rng.choice(("return {}", "size = {}", "size = {}", "return {}", "t({})", "raise Oops({})"))
    results = RESULTS[:4] if rng.random() < 0.7 else RESULTS
    lines = ["kind = str(kind)"] * (rng.random() < 0.15) + ["size = 5"] * (rng.random() < 0.5)
    chained = rng.random() < 0.75 or not form.startswith("return")
    word = "if"
    for _ in range(min(len(keys), rng.randrange(3, 6))):
        key = keys.pop()
        test = f"kind is {key}" if key in ("None", "True") else f"kind == {key}"
        test = f"kind in ({key}, {keys.pop()})" if rng.random() < 0.15 and len(keys) > 5 else test
        body = [form.format(rng.choice(results))] + ["t(9)  # so"] * (rng.random() < 0.05)
        lines += [f"{word} {test}:", *("    " + one for one in body)]
        word = "elif" if chained else "if"
    if rng.random() < 0.6 and chained:
        last = form.format(rng.choice(results)) if rng.random() < 0.7 else "raise Oops(4)"
        lines += ["else:", "    " + last]
    lines += [rng.choice(("return 5", "return size", "return t(8)", "t(7)"))] if rng.random() < 0.6 else []
    inside = textwrap.indent("\n".join(lines), "    ")
    return f"NAMED = object\nother = 4\n\n\n# About f.\ndef f(kind{hint}):\n{inside}\n"


def test_random_chains_evaluate_the_same_as_their_tables_and_matches():
    rng = random.Random("chains 6")
    tables = matches = 0
    for index in range(150 * SCALE):
        text = _chain(rng)
        after = rewritten(dispatch, text, ENDS[index % 2])
        tables += "_BY_KIND" in after
        matches += "match kind" in after
        if after != text:
            for given in INPUTS:
                assert outcome(text, 1, given) == outcome(after, 1, given), f"{given}\n{text}\n=>\n{after}"
    assert tables > 6 * SCALE
    assert matches > 20 * SCALE
