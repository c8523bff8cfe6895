"""Guards, merged conditions and branches without else: what they make of code, and where they keep off."""

from __future__ import annotations

from textwrap import dedent

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.small.else_return import unnest_else
from selfimprove.executor.refactor.small.guards import invert_guards
from selfimprove.executor.refactor.small.nesting import merge_ifs
from selfimprove.executor.refactor.source import Source

PROJECT = Project({}, {}, (3, 8))


def made(rewrite, text, project=PROJECT, place=None):
    source = Source.read("a.py", text.encode())
    after = source.but(rewrite(source, project, source.place(place) if place else None))
    assert rewrite(after, project, after.place(place) if place else None) == []
    return after.text


def check(rewrite, before, after):
    assert made(rewrite, dedent(before)) == dedent(after)


def keeps(rewrite, text):
    text = dedent(text)
    assert made(rewrite, text) == text


def test_the_rest_of_a_loop_need_not_be_in_an_if():
    before = """\
        def visit(rows):
            for row in rows:
                if row is not None and row.kind == "a":
                    # One by one.
                    for cell in row:
                        text = '''
                    kept
                    '''
                        use(cell, text)
                # The row is done.
            return rows
        """
    check(
        invert_guards,
        before,
        """\
        def visit(rows):
            for row in rows:
                if row is None or row.kind != "a":
                    continue
                # One by one.
                for cell in row:
                    text = '''
                    kept
                    '''
                    use(cell, text)
                # The row is done.
            return rows
        """,
    )
    numbers = [
        measure(dedent(text).encode(), extra=True).functions[0]
        for text in (before, made(invert_guards, dedent(before)))
    ]
    assert numbers[1].cognitive < numbers[0].cognitive
    assert numbers[1].complexity == numbers[0].complexity


@pytest.mark.parametrize(
    ("condition", "guard"),
    [
        ("not ready", "ready"),
        ("not (a or b)", "a or b"),
        ("a == b", "a != b"),
        ("a not in b", "a in b"),
        ("(a is b)", "(a is not b)"),
        ("len(a) > 0", "len(a) == 0"),
        ("len(a) >= 2", "len(a) < 2"),
        ("a and not b", "not a or b"),
        ("a(1) or b[2] is None", "not a(1) and b[2] is not None"),
        ("a and b and c", "not (a and b and c)"),
        ("a and (b or c)", "not (a and (b or c))"),
        ("a and b < c", "not (a and b < c)"),
        ("a if b else c", "not (a if b else c)"),
        ("(a := b)", "not (a := b)"),
        ("(a or\n            b) is None", None),
        ("a < b", None),
        ("a < b < c", None),
        ("True", None),
        ("__debug__", None),
        ("TYPE_CHECKING", None),
    ],
)
def test_a_condition_is_negated_as_a_person_would(condition, guard):
    body = "        for x in a:\n            if x:\n                use(x)\n        done()\n"
    before = f"def f(a, b, c):\n    if {condition}:\n{body}"
    flat = "".join(line[4:] for line in body.splitlines(keepends=True))
    after = f"def f(a, b, c):\n    if {guard}:\n        return\n{flat}" if guard else before
    assert made(invert_guards, before) == after


def test_a_short_else_or_a_jump_behind_comes_first():
    check(
        invert_guards,
        """\
        def f(a):
            if a:
                for x in a:
                    if x:

                        use(x)
                return 1
            else:
                # Nothing there.
                raise ValueError(a)

        def g(a):
            if a:
                for x in a:
                    if x:
                        use(x)
                return 1
            return None

        def h(a):
            for x in a:
                if x:
                    for y in x:
                        if y:
                            return y
                    a += 1
        """,
        """\
        def f(a):
            if not a:
                # Nothing there.
                raise ValueError(a)

            for x in a:
                if x:

                    use(x)
            return 1

        def g(a):
            if not a:
                return None
            for x in a:
                if x:
                    use(x)
            return 1

        def h(a):
            for x in a:
                if not x:
                    continue
                for y in x:
                    if y:
                        return y
                a += 1
        """,
    )


def test_the_end_of_a_function_that_gives_values_returns_none():
    check(
        invert_guards,
        """\
        def f(a):
            if a:
                b = a.b
                for x in b:
                    if x:
                        return x
        """,
        """\
        def f(a):
            if not a:
                return None
            b = a.b
            for x in b:
                if x:
                    return x
        """,
    )


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    # If so.\n    if a:\n        for x in a:\n            if x:\n                use(x)\n",
        "def f(a):\n    if a:  # there\n        for x in a:\n            if x:\n                use(x)\n        b()\n",
        "def f(a):\n    if a:\n        one()\n        two()\n        three()\n        four()\n",  # nothing is nested
        "def f(a):\n    try:\n        if a:\n            for x in a:\n                if x:\n                    b()\n"
        "            c()\n    finally:\n        d()\n",  # the end of try is not the end of the function
        "def f(a):\n    if a:\n        def g():\n            '''One.\n\n            Two.\n            '''\n"
        "        for x in a:\n            if x:\n                g()\n",  # a docstring would stand askew
        "def f(a):\n    one(a)\n    two(a)\n    three(a)\n    four(a)\n    if a:\n        for x in a:\n"
        "            if x:\n                use(x)\n        b()\n",  # one step among several
        "if a:\n    for x in a:\n        if x:\n            use(x)\n    b()\n",
        "def f(a):\n    if a:\n        b()\n        c()\n        d()\n        e()\n    if b:\n        for x in a:\n"
        "            if x:\n                use(x)\n        b()\n        b()\n        b()\n        b()\n",  # two alike
    ],
)
def test_guards_keep_off(text):
    assert made(invert_guards, text) == text


def test_only_the_function_that_is_named_is_changed():
    one = "def {}(a):\n    for x in a:\n        if x:\n            if a:\n                use(x)\n"
    after = made(merge_ifs, one.format("f") + one.format("g"), place="g")
    assert after.count("if x and a:") == 1
    assert after.startswith(one.format("f"))


def test_nested_ifs_become_one_condition():
    check(
        merge_ifs,
        """\
        if a:
            # Both are needed.
            if b or c:
                # Use it.
                use(b,
                    c)
            # Not here.
        if a:
            # Both are needed.
            if b or c:
                # Use it.
                use(b,
                    c)
                # The end.
            d()
        elif (a and b):
            if (c):
                if x if y else z:
                    pass
        """,
        """\
        if a:
            # Both are needed.
            if b or c:
                # Use it.
                use(b,
                    c)
            # Not here.
        if a:
            # Both are needed.
            if b or c:
                # Use it.
                use(b,
                    c)
                # The end.
            d()
        elif a and b and (c) and (x if y else z):
            pass
        """,
    )
    check(
        merge_ifs,
        "if a:\n    # Why.\n    if (w := b):\n        pass\n",
        "# Why.\nif a and (w := b):\n    pass\n",
    )


def test_an_if_alone_in_else_is_an_elif():
    check(
        merge_ifs,
        """\
        if a:
            b()
        else:

            if c:
                d()  # so
            else:
                '''
            kept'''
                # end
        """,
        """\
        if a:
            b()
        elif c:
            d()  # so
        else:
            '''
            kept'''
            # end
        """,
    )


@pytest.mark.parametrize(
    "text",
    [
        "if a:  # first\n    if b:\n        c()\n",
        "if a:\n    if b:  # second\n        c()\n",
        "if a:\n    if b:\n        c()\n    else:\n        d()\n",
        "if a:\n    if b:\n        c()\nelse:\n    d()\n",
        "if a:\n    if b:\n        c()\n    d()\n",
        "if a: b()\nelse:\n    # Why.\n    if c:\n        d()\n",
        "if a:\n    b()\nelse:  # why\n    if c:\n        d()\n",
        "if a:\n    if b:\n        c()\n    else:\n        d()\nelse:\n    if b:\n        e()\n",  # the two are alike
        "if a and b and c:\n    if d and e and f:\n        g()\n",
        f"if a{'a' * 60}:\n    if b{'b' * 60}:\n        c()\n",
        "if TYPE_CHECKING:\n    if a:\n        b()\n",
    ],
)
def test_merging_keeps_off(text):
    assert made(merge_ifs, text) == text


def test_else_behind_a_jump_goes_away():
    check(
        unnest_else,
        """\
        def f(a):
            if a == 1:
                return 1
            elif a == 2:
                raise ValueError
            # Else it is three.
            else:
                # Three.
                b = '''
                three'''
            for x in a:
                if x:
                    continue
                else:
                    use(x)
                    # End.
            return b
        """,
        """\
        def f(a):
            if a == 1:
                return 1
            if a == 2:
                raise ValueError
            # Else it is three.
            # Three.
            b = '''
                three'''
            for x in a:
                if x:
                    continue
                use(x)
                # End.
            return b
        """,
    )


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    if a:\n        return 1\n    else:  # why\n        return 2\n",
        "def f(a):\n    if a:\n        b()\n    elif c:\n        return 1\n    else:\n        return 2\n",
        "def f(a):\n    for x in a:\n        if x == 1:\n            return 1\n        elif x == 2:\n            b()\n"
        "        else:\n            c()\n",  # the second branch would count twice as much
        "def f(a):\n    if a: return 1\n    else: return 2\n",
    ],
)
def test_else_stays(text):
    assert made(unnest_else, text) == text


@pytest.mark.parametrize("rewrite", [invert_guards, merge_ifs, unnest_else])
def test_the_last_line_needs_no_end_and_bytes_around_stay(rewrite):
    text = (
        "# \N{SNOWMAN}\r\ndef f(a):\r\n\tif a:\r\n\t\tif not '\N{SNOWMAN}' in a:\r\n\t\t\tfor b in a:\r\n"
        "\t\t\t\tif b:\r\n\t\t\t\t\treturn b\r\n\t\t\treturn 1\r\n\t\telse:\r\n\t\t\treturn 2"
    )
    after = made(rewrite, text)
    assert after.startswith("# \N{SNOWMAN}\r\ndef f(a):\r\n\tif ")
    assert "\n" not in after.replace("\r\n", "")
    assert not after.endswith("\n")
    assert "    " not in after
