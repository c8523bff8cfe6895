"""Comprehensions, tables and match: what they make of loops and chains, and where they keep off."""

from __future__ import annotations

from textwrap import dedent

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.executor.refactor.limit import line_length
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.small.comprehension import comprehend
from selfimprove.executor.refactor.small.dispatch import dispatch
from selfimprove.executor.refactor.source import Source

OLD, NEW = Project({}, {}, (3, 9)), Project({}, {}, (3, 10))


def made(rewrite, text, project=OLD):
    source = Source.read("a.py", dedent(text).encode(), line_length(project.files))
    after = source.but(rewrite(source, project, None))
    assert rewrite(after, project, None) == []
    return after.text


def inside(lines):
    return "def f(self, it, other=()):\n" + "".join(f"    {line}\n" for line in lines.split("\n"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("xs = []\nfor x in it:\n    xs.append(x.a)\nuse(xs)", "xs = [x.a for x in it]\nuse(xs)"),
        ("xs = []\n\nfor x in it:\n    xs.append(x.a)\n\nreturn xs", "return [x.a for x in it]"),
        (
            "xs: list[int] = list()\nfor x in it:\n    xs.append((x, 1))",
            "xs: list[int] = [(x, 1) for x in it]",
        ),
        ("xs = set()\nfor x in it:\n    if x:\n        xs.add(x)", "xs = {x for x in it if x}"),
        ("xs = {}\nfor k, v in it:\n    xs[k.a] = v", "xs = {k.a: v for k, v in it}"),
        ("xs = {}\nfor k in it:\n    xs[k, 1] = 2", "xs = {(k, 1): 2 for k in it}"),
        ("xs = []\nfor x in it, other:\n    xs.append(f(x))", "xs = [f(x) for x in (it, other)]"),
        ("xs = []\nfor x in (1), (2):\n    xs.append(f(x))", "xs = [f(x) for x in ((1), (2))]"),
        (
            "xs = []\nfor x in it if it else other:\n    xs.append(-x)",
            "xs = [-x for x in (it if it else other)]",
        ),
        ("xs = []\nfor x in it:\n    xs.append(1 if x else 2)", "xs = [1 if x else 2 for x in it]"),
        (
            "xs = []\nfor x in it:\n    for y in x:\n        if y:\n            xs.append(y)",
            "xs = [y for x in it for y in x if y]",
        ),
        ("for x in it:\n    if x.a:\n        return True\nreturn False", "return any(x.a for x in it)"),
        ("for x in it:\n    if not x.a:\n        return False\nreturn True", "return all(x.a for x in it)"),
        (
            "for x in it:\n    if x.a == 1:\n        return False\nreturn True",
            "return all(x.a != 1 for x in it)",
        ),
        ("for x in it:\n    if x.a:\n        return False\nreturn True", "return not any(x.a for x in it)"),
        (
            "for x in it:\n    if x in it and x:\n        return True\nreturn False",
            "return any(x in it and x for x in it)",
        ),
    ],
)
def test_loops_that_a_comprehension_says(before, after):
    assert made(comprehend, inside(before)) == inside(after)


@pytest.mark.parametrize(
    "text",
    [
        "xs = []\nfor x in it:\n    xs.append(x)",  # list() would ask for the length
        "xs = []\nfor x in it:\n    xs.append(x.a)  # why",
        "xs = []  # why\nfor x in it:\n    xs.append(x.a)",
        "xs = []\n# Why.\nfor x in it:\n    xs.append(x.a)",
        "xs = []\nfor x in it:\n    xs.append(x.a)\nreturn x",
        "xs = []\nfor x in it:\n    xs.append(lambda: x)",
        "xs = []\nfor x in it:\n    xs.append(y for y in x)",
        "xs = []\nfor x in it:\n    xs.append((yield x))",
        "xs = []\nfor x in it:\n    xs.append(y := x)",
        "xs = []\nfor x in it:\n    xs.append(len(xs))",
        "xs = []\nfor x in it:\n    if x not in xs:\n        xs.append(x)",
        "xs = []\nfor x in it:\n    xs.append(super().a(x))",
        "xs = []\nfor x in it:\n    xs.append(x.a)\nelse:\n    pass",
        "xs = []\nfor self.x in it:\n    xs.append(self.x)",
        "xs = []\nother()\nfor x in it:\n    xs.append(x.a)",
        "ys = xs = []\nfor x in it:\n    xs.append(x.a)",
        "xs = {}\nfor x in it:\n    xs[x.a] = x.b",  # the key would be evaluated before the value
        "xs = []\nfor x in it:\n    xs.append(x.a)\nuse(locals())",
        "def g():\n    return xs\nxs = []\nfor x in it:\n    xs.append(g())",
        "global xs\nxs = []\nfor x in it:\n    xs.append(x.a)",
        "try:\n    xs = []\n    for x in it:\n        xs.append(x.a)\nexcept OSError:\n    pass\nuse(xs)",
        "for x in it:\n    if x or x.a:\n        return True\nreturn False",  # x would be asked twice
        "for x in it:\n    if next(x):\n        return True\nreturn False",  # StopIteration would be a RuntimeError
        "for x in it:\n    if x:\n        return True\nreturn True",
        "for x in it:\n    if x:\n        return 1\nreturn 0",
        "any = other\nfor x in it:\n    if x:\n        return True\nreturn False",
    ],
)
def test_loops_that_stay(text):
    assert made(comprehend, inside(text)) == inside(text)


def test_no_comprehension_outside_of_functions():
    loop = "xs = []\nfor x in y:\n    xs.append(x.a)\n"
    text = f"{loop}\n\nclass A:\n" + "".join(f"    {line}\n" for line in loop.splitlines())
    assert made(comprehend, text) == text


def test_a_long_comprehension_is_wrapped_as_black_does():
    one = "a" * 20
    text = "def f(it):\n    {0} = []\n    for x in it:\n        if x.{0}:\n            {0}.append(x.{1})\n    a({0})\n"
    assert made(comprehend, text.format(one, "b" * 25)) == (
        f"def f(it):\n    {one} = [\n        x.{'b' * 25} for x in it if x.{one}\n    ]\n    a({one})\n"
    )
    assert made(comprehend, text.format(one, "b" * 45)) == (
        f"def f(it):\n    {one} = [\n        x.{'b' * 45}\n        for x in it\n"
        f"        if x.{one}\n    ]\n    a({one})\n"
    )
    too_long = text.format(one, "b" * 75)
    assert (
        made(comprehend, too_long, Project({"pyproject.toml": b"[tool.ruff]\nline-length = 79\n"}))
        == too_long
    )


CHAIN = """\
LIMIT = int("7")


# About it.
@cached
def get_limit_for(kind: str):
    if kind == "a":
        return 1
    elif kind in ("b", "c"):
        return LIMIT
    elif kind == 'd':
        return -1
{}"""


@pytest.mark.parametrize(
    ("last", "use"),
    [
        ("    return None\n", "    return _LIMIT_BY_KIND.get(kind)\n"),
        ("", "    return _LIMIT_BY_KIND.get(kind)\n"),
        ("    else:\n        return 'x'\n", "    return _LIMIT_BY_KIND.get(kind, 'x')\n"),
        ("    return kind\n", "    return _LIMIT_BY_KIND.get(kind, kind)\n"),
        (
            "    raise ValueError(kind)\n",
            "    if kind not in _LIMIT_BY_KIND:\n        raise ValueError(kind)\n    return _LIMIT_BY_KIND[kind]\n",
        ),
    ],
)
def test_a_chain_of_constants_becomes_a_table(last, use):
    text = CHAIN.format(last)
    table = '_LIMIT_BY_KIND = {\n    "a": 1,\n    "b": LIMIT,\n    "c": LIMIT,\n    \'d\': -1,\n}\n\n\n'
    head = "# About it.\n@cached\ndef get_limit_for(kind: str):\n"
    after = made(dispatch, text)
    assert after == 'LIMIT = int("7")\n\n\n' + table + head + use
    before, now = (measure(one.encode(), extra=True).functions[0] for one in (text, after))
    assert now.complexity < before.complexity
    assert now.cognitive < before.cognitive


def test_assignments_take_the_default_from_before():
    text = """\
        import os


        class A:
            def f(self, name):
                word = name.lower()
                size = 0
                if word == "a":
                    size = 1
                elif word == "b":
                    size = 2
                elif word == "c":
                    size = None
                return size
        """
    after = made(dispatch, text)
    assert '_SIZE_BY_WORD = {\n    "a": 1,\n    "b": 2,\n    "c": None,\n}\n\n\nclass A:' in after
    assert after.endswith(
        "word = name.lower()\n        size = _SIZE_BY_WORD.get(word, 0)\n        return size\n"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: str", "kind"),  # may be a list, which has no hash
        ("kind: str", "kind: object"),
        ("kind: str", "kind: int"),
        ('== "a"', '== "b"'),  # twice
        ('== "a"', "== 1"),
        ('== "a"', "is None"),
        ("return 1", "return []"),
        ("return 1", "return later"),
        ("return 1", "return kind"),
        ("return 1", "return 1  # why"),
        ('kind == "a"', 'other == "a"'),
        ("LIMIT = int", "_LIMIT_BY_KIND = LIMIT = int"),
        ('LIMIT = int("7")', 'LIMIT = int("7")\nLIMIT += 1'),
        ("    if kind", '    kind = kind or "a"\n    if kind'),
    ],
)
def test_chains_that_are_no_table(old, new):
    text = CHAIN.format("    return None\n").replace(old, new, 1)
    assert made(dispatch, text) == text


def test_a_name_that_tests_replace_is_looked_up_each_time():
    text = CHAIN.format("")
    files = {"tests/test_a.py": b'def test(monkeypatch):\n    monkeypatch.setattr(a, "LIMIT", 3)\n'}
    assert made(dispatch, text, Project(files)) == text


MATCHED = """\
    def f(x):
        # First.
        if x == 1:  # one
            use('''
        kept''')
        # Second.
        elif x is None:
            return 2

        elif x in ("a", -7):
            if x == 3:
                return 3
        else:
            pass
            # End.
        # Out.
    """


def test_other_chains_become_match_where_python_has_it():
    text = dedent(MATCHED)
    assert made(dispatch, text) == text
    after = made(dispatch, text, NEW)
    assert after == dedent("""\
        def f(x):
            # First.
            match x:
                case 1:  # one
                    use('''
            kept''')
                # Second.
                case None:
                    return 2

                case "a" | -7:
                    if x == 3:
                        return 3
                case _:
                    pass
                    # End.
            # Out.
        """)
    before, now = (measure(one.encode(), extra=True).functions[0] for one in (text, after))
    assert now.complexity == before.complexity
    assert now.cognitive < before.cognitive


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x == 1:", "x == 1.5:"),
        ("x == 1:", "x == True:"),
        ("x == 1:", "x.a == 1:"),
        ("x == 1:", "isinstance(x, int):"),
        ("x == 1:", "x == 1 and x:"),
        ('x in ("a", -7)', 'x in {"a", -7}'),  # a set needs a hash
        ("return 2", f"return {'a' * 64}"),
    ],
)
def test_chains_that_are_no_match(old, new):
    text = dedent(MATCHED).replace(old, new, 1)
    project = Project({"pyproject.toml": b"[tool.black]\nline-length = 79\n"}, {}, (3, 10))
    assert made(dispatch, text, project) == text
