"""A cut becomes a function and a call; the text moves as it is, and both do what was done before."""

from __future__ import annotations

import ast
import asyncio
import textwrap
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pytest

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.cut import Cut, Leaves
from selfimprove.executor.refactor.extract.extract import write
from selfimprove.executor.refactor.source import Source


class Extraction(NamedTuple):
    """The file with the helper, its qualified name, and the lines from its ``def`` to its last."""

    source: Source
    symbol: str
    line: int
    end_line: int


def extract(source: Source, cut: Cut, name: str, *more: Any) -> Extraction:
    """Put helper and call in place."""
    written = write(source, cut, name, *more)
    after = source.but((written.call, written.helper, *written.more))
    node = after.place(written.symbol).node
    return Extraction(after, written.symbol, node.lineno, node.end_lineno or 0)


def _source(text: str) -> Source:
    return Source.read("m.py", textwrap.dedent(text).encode())


def _cut(source: Source, symbol: str, first: int, last: int, block: Any = None, **more: Any) -> Cut:
    place = source.place(symbol)
    return Cut(place, tuple(block(place.node) if block else place.node.body), first, last, **more)


def _run(source: Source, call: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(source.text, "m.py", "exec"), names)
    try:
        return eval(call, names)
    except ValueError as error:
        return repr(error)


def _same(before: Source, after: Source, *calls: str) -> None:
    for call in calls:
        assert _run(before, call) == _run(after, call), call


LOOP = '''
    """A module."""

    LIMIT = 3


    # Sums.
    def total(rows, start=0):
        """Return the sum."""
        result = start

        # add them up
        for row in rows:
            if row > LIMIT:  # too much
                continue
            result += row
            # done with this one

        # twice
        result *= 2
        return result


    def after():
        return 1
'''


def test_a_loop_becomes_a_function_before_the_function_that_calls_it():
    before = _source(LOOP)
    made = extract(
        before, _cut(before, "total", 2, 2, parameters=("result", "rows"), results=("result",)), "_add"
    )
    assert made.source.text == textwrap.dedent('''
        """A module."""

        LIMIT = 3


        def _add(rows, result):
            # add them up
            for row in rows:
                if row > LIMIT:  # too much
                    continue
                result += row
                # done with this one
            return result


        # Sums.
        def total(rows, start=0):
            """Return the sum."""
            result = start

            result = _add(rows, result)

            # twice
            result *= 2
            return result


        def after():
            return 1
    ''')
    assert (made.symbol, made.line, made.end_line) == ("_add", 7, 14)
    _same(before, made.source, "total([1, 2, 9])", "total([], 4)")


def test_a_value_that_is_returned_at_once_is_not_named_first():
    before = _source(LOOP)
    made = extract(
        before, _cut(before, "total", 2, 3, parameters=("result", "rows"), results=("result",)), "_add"
    )
    assert "    return _add(rows, result)\n\n\ndef after" in made.source.text
    _same(before, made.source, "total([1, 2, 9])")


def test_a_last_assignment_of_the_result_is_returned():
    before = _source("""
        def f(a, b):
            c = a + 1
            d = max(
                b, c,
            )
            return c, d
    """)
    made = extract(before, _cut(before, "f", 1, 1, parameters=("b", "c"), results=("d",)), "_d")
    assert made.source.text.startswith(
        "\ndef _d(b, c):\n    return max(\n        b, c,\n    )\n\n\ndef f(a, b):\n"
    )
    _same(before, made.source, "f(1, 5)", "f(9, 5)")


def test_a_result_that_a_lambda_sees_keeps_its_name():
    before = _source("""
        def f(a):
            g = a and (lambda n: g(n - 1) if n else "end")
            return [g, g(2)][1]
    """)
    made = extract(before, _cut(before, "f", 0, 0, parameters=("a",), results=("g",)), "_g")
    assert "return g\n" in made.source.text
    _same(before, made.source, "f(1)")


GUARD = """
    def f(rows):
        seen = []
        for row in rows:
            if row < 0:
                seen.append("negative")
                continue
            if row == 7:
                continue
            seen.append(row)
        return seen
"""


def test_jumps_that_are_the_same_become_a_test():
    before = _source(GUARD)
    loop: Any = before.place("f").node.body[1]
    cut = _cut(
        before, "f", 0, 1, lambda node: node.body[1].body, parameters=("row", "seen"), leaves=Leaves.GUARD,
        jump=loop.body[0].body[1],
    )  # fmt: skip
    made = extract(before, cut, "_skip")
    assert "        if _skip(row, seen):\n            continue\n        seen.append(row)" in made.source.text
    assert "        return True\n    return row == 7\n\n\ndef f" in made.source.text
    _same(before, made.source, "f([1, -1, 7, 3])", "f([])")


def test_a_continue_at_the_end_of_a_body_is_a_return():
    before = _source(GUARD)
    cut = _cut(before, "f", 0, 2, lambda node: node.body[1].body, parameters=("row", "seen"), loop=True)
    made = extract(before, cut, "_look")
    assert "    for row in rows:\n        _look(row, seen)\n    return seen" in made.source.text
    assert "continue" not in made.source.text
    _same(before, made.source, "f([1, -1, 7, 3])")


def test_a_jump_to_the_end_where_the_end_is_anyway_is_left_out():
    before = _source("""
        def f(a, out):
            if a:
                out.append(a)
                if a > 1:
                    return
                out.append(0)
                return
            out.append(2)
            return  # done

        def g(a):
            out = []
            f(a, out)
            return out
    """)
    inner = _cut(
        before, "f", 0, 2, lambda node: node.body[0].body, parameters=("a", "out"), leaves=Leaves.PASS
    )
    with pytest.raises(RefactorError, match=r"jumps out"):
        extract(before, replace(inner, leaves=Leaves.END), "_h")
    made = extract(before, _cut(before, "f", 0, 2, parameters=("a", "out"), leaves=Leaves.PASS), "_h")
    assert made.source.text.count("return") == 4
    assert "return  # done" in made.source.text
    _same(before, made.source, "g(0)", "g(1)", "g(2)")


def test_a_value_that_may_be_returned_is_looked_at():
    before = _source("""
        def f(key, found):
            for one in range(key):
                if one * one > found:
                    return one
            return -1
    """)
    made = extract(before, _cut(before, "f", 0, 0, parameters=("key", "found"), leaves=Leaves.MAYBE), "_root")
    text = made.source.text
    assert (
        "result = _root(key, found)\n    if result is not None:\n        return result\n    return -1" in text
    )
    assert "    return None\n" in text
    _same(before, made.source, "f(9, 30)", "f(2, 30)")


def test_the_rest_of_a_chain_becomes_an_else():
    before = _source("""
        def f(x):
            y = 0
            if x == 1:
                y = 10
            # others
            elif x == 2:
                y = 20
            elif x == 3:
                y = 30
            else:
                y = x
            return y + 1
    """)
    cut = _cut(before, "f", 0, 0, lambda node: node.body[1].orelse, parameters=("x",), results=("y",))
    made = extract(before, cut, "_other")
    assert "    else:\n        y = _other(x)\n    return y + 1" in made.source.text
    assert "def _other(x):\n    if x == 2:" in made.source.text
    _same(before, made.source, "f(1)", "f(2)", "f(3)", "f(4)")


METHOD = """
    class A:
        @property
        def size(self):
            n = 0
            for one in self.rows:
                n += one
            return n

        @size.setter
        def size(self, value):
            self.rows = [value]

        @classmethod
        def make(cls, rows):
            made = cls()
            made.rows = list(rows)
            return made
    """


def test_a_method_follows_its_caller_but_divides_no_property():
    before = _source(METHOD)
    cut = _cut(before, "A.size", 1, 1, parameters=("n",), results=("n",), receiver="self")
    made = extract(before, cut, "_count")
    assert "        n = self._count(n)\n" in made.source.text or "return self._count(n)" in made.source.text
    assert (
        "self.rows = [value]\n\n    def _count(self, n):\n        for one in self.rows:\n            n += one\n"
        "        return n\n\n    @classmethod\n    def make" in made.source.text
    )
    _same(before, made.source, "A.make([1, 2]).size")


def test_a_helper_of_a_classmethod_at_the_end_of_a_file_without_a_last_newline():
    before = Source.read("m.py", textwrap.dedent(METHOD).strip().encode())
    made = extract(
        before, _cut(before, "A.make", 0, 2, parameters=("rows",), leaves=Leaves.RETURN, receiver="cls"), "_x"
    )
    assert made.source.text.endswith(
        "        return cls._x(rows)\n\n    @classmethod\n    def _x(cls, rows):\n        made = cls()\n"
        "        made.rows = list(rows)\n        return made"
    )
    _same(before, made.source, "A.make([1, 2]).size")


def test_strings_of_several_lines_keep_every_space():
    before = _source("""
        def f(a):
            if a:
                if a > 1:
                    text = '''one
            two
        three'''
                    text += "four\\
            five"
                    return text
            return f'''
                {a}
            '''
    """)
    inner = _cut(before, "f", 0, 1, lambda node: node.body[0].body[0].body, results=("text",))
    made = extract(before, inner, "_text")
    _same(before, made.source, "f(2)", "f(0)")
    made = extract(before, _cut(before, "f", 1, 1, parameters=("a",), leaves=Leaves.RETURN), "_text")
    _same(before, made.source, "f(2)", "f(0)")


def test_tabs_and_carriage_returns_stay():
    text = "def f(a):\r\n\tfor b in a:\r\n\t\tif b:\r\n\t\t\tprint(b)\r\n\treturn 1\r\n"
    before = Source.read("m.py", text.encode())
    made = extract(
        before, _cut(before, "f", 0, 0, lambda node: node.body[0].body, parameters=("b",)), "_show"
    )
    assert made.source.content == (
        b"def _show(b):\r\n\tif b:\r\n\t\tprint(b)\r\n\r\n\r\n"
        b"def f(a):\r\n\tfor b in a:\r\n\t\t_show(b)\r\n\treturn 1\r\n"
    )


def test_generators_and_coroutines():
    before = _source("""
        import asyncio

        def numbers(n):
            for one in range(n):
                got = yield one
            yield got

        async def wait(n):
            total = 0
            for one in range(n):
                await asyncio.sleep(0)
                total += one
            return total
    """)
    cut = _cut(before, "numbers", 0, 0, parameters=("n",), results=("got",), is_generator=True)
    made = extract(before, cut, "_each")
    assert "    got = yield from _each(n)\n" in made.source.text
    _same(before, made.source, "list(numbers(3))")
    cut = _cut(before, "wait", 1, 1, parameters=("n", "total"), results=("total",), is_async=True)
    made = extract(before, cut, "_sum")
    assert "return await _sum(n, total)" in made.source.text
    names: dict[str, Any] = {}
    exec(made.source.text, names)
    assert asyncio.run(names["wait"](4)) == 6


@dataclass
class _Types:
    parameters: dict[str, str]
    returns: str
    asks: bool = False
    more: tuple[()] = ()


@dataclass
class _Doc:
    text: str
    comment: tuple[int, int] | None = None


def test_types_docstring_and_global_statement_and_the_comment_that_the_docstring_says():
    before = _source("""
        count = 0

        def f(a: int):
            global count
            # Count it up.
            for one in range(a):
                count += one
            return count
    """)
    cut = _cut(before, "f", 1, 1, parameters=("a",), global_names=("count",))
    made = extract(before, cut, "_count", _Types({"a": "int"}, "None"), _Doc("Count it up.", (6, 6)))
    assert made.source.text.startswith(
        '\ncount = 0\n\ndef _count(a: int) -> None:\n    """Count it up."""\n    global count\n'
        "    for one in range(a):\n        count += one\n\ndef f(a: int):\n    global count\n    _count(a)\n"
    )
    _same(before, made.source, "f(4)")


def test_long_heads_and_calls_are_wrapped():
    names = [f"a_rather_long_name_{n}" for n in range(5)]
    before = _source(f"def f({names[0]}, {names[1]}):\n    pass\n    pass\n")
    made = extract(before, _cut(before, "f", 0, 0, parameters=tuple(names)), "_do_something")
    head = ["def _do_something(", *(f"    {name}," for name in names), "):", "    pass"]
    assert made.source.text.split("\n")[: len(head)] == head
    two = extract(before, _cut(before, "f", 0, 0, parameters=tuple(names[:3])), "_do_something")
    assert f"    _do_something(\n        {', '.join(names[:3])}\n    )\n" in two.source.text


def test_overloads_stay_together():
    before = _source("""
        from typing import overload

        @overload
        def f(a: int) -> int: ...
        @overload
        def f(a: str) -> str: ...
        def f(a):
            if a:
                return a
            return a
    """)
    place = before.places[2]
    made = extract(before, Cut(place, tuple(place.node.body), 0, 1, ("a",), leaves=Leaves.RETURN), "_g")
    assert "import overload\n\ndef _g(a):" in made.source.text


@pytest.mark.parametrize(
    "text", ["def f(a):\n    if a: print(a)\n", "def f(a):\n    b = a; print(b)\n    return\n"]
)
def test_part_of_a_line_is_refused(text: str):
    before = _source(text)
    block = (lambda node: node.body[0].body) if "if" in text else None
    with pytest.raises(RefactorError, match="holds more"):
        extract(before, _cut(before, "f", 0, 0, block, parameters=("a",)), "_g")


def test_a_jump_that_no_helper_can_make_is_refused():
    before = _source(GUARD)
    with pytest.raises(RefactorError, match="jumps out"):
        extract(
            before, _cut(before, "f", 0, 1, lambda node: node.body[1].body, parameters=("row", "seen")), "_g"
        )


def test_the_rest_of_the_file_is_the_same_tree():
    before = _source(LOOP)
    made = extract(
        before, _cut(before, "total", 2, 2, parameters=("result", "rows"), results=("result",)), "_a"
    )
    kept = [node for node in made.source.tree.body if getattr(node, "name", "") not in ("_a", "total")]
    old = [node for node in before.tree.body if getattr(node, "name", "") != "total"]
    assert [ast.dump(node) for node in kept] == [ast.dump(node) for node in old]


TAIL = """
    def f(kind, stack):
        if kind == 1:
            stack.append(1)
        elif kind == 2:
            if stack:
                stack.pop()
                return -1
        elif kind == 3:
            return -1
        return 0
"""


def test_a_test_for_the_rest_of_a_chain_is_an_elif():
    source = _source(TAIL)
    rest = _cut(
        source,
        "f",
        0,
        0,
        lambda node: node.body[0].orelse,
        parameters=("kind", "stack"),
        leaves=Leaves.GUARD,
        jump=source.place("f").node.body[0].orelse[0].orelse[0].body[0],
    )
    after = extract(source, rest, "_rest").source
    assert "    elif _rest(kind, stack):\n        return -1\n    return 0\n" in after.text
    assert "else:" not in after.text.split("def f")[1]
    _same(source, after, *(f"f({kind}, {stack})" for kind in range(5) for stack in ([], [1, 2])))


IMPORTS = """
    def f(rows, how):
        from os.path import basename
        import random as chance{more}
        found = []
        for row in rows:
            if row:
                found.append(basename(row))
        return basename(how), found, chance is not None
"""


def test_what_the_function_imports_and_still_uses_is_imported_again():
    source = _source(IMPORTS.format(more=""))
    cut = _cut(source, "f", 3, 3, parameters=("rows", "basename", "found"))
    after = extract(source, cut, "_names").source
    assert (
        "def _names(rows, found):\n    from os.path import basename\n\n    for row in rows:\n" in after.text
    )
    _same(source, after, "f(['a/b', ''], 'c/d')")


def test_an_import_that_has_another_value_too_is_passed():
    source = _source(IMPORTS.format(more="\n        basename = rows and basename"))
    cut = _cut(source, "f", 4, 4, parameters=("rows", "basename", "found"))
    after = extract(source, cut, "_names").source
    assert "def _names(rows, basename, found):\n    for row in rows:\n" in after.text
    _same(source, after, "f(['a/b', ''], 'c/d')")


ASKS = {
    "plain": ("if a > 3:\n        return None", "return a > 3"),
    "aligned": (
        "if (a > 3\n            and b in rows):\n        return None",
        "return (a > 3\n                and b in rows)",
    ),
    "apart": (
        "if (\n        a > 3\n        and not b\n    ):\n        return None",
        "return (\n        a > 3\n        and not b\n    )",
    ),
    "call": ("if isinstance(a, int):\n        return None", "return isinstance(a, int)"),
}
KEEPS = {
    "a comment": "if a > 3:  # too much\n        return None",
    "a comment below": "if a > 3:\n        return None\n        # too much",
    "one line": "if a > 3: return None",
    "no bool": "if a:\n        return None",
    "two things": "if a > 3:\n        rows.append(b)\n        return None",
    "a way out": "if a > 3:\n        return None\n    elif b > 3:\n        return None",
}


def _asking(test: str, types: str = "") -> str:
    before = _source(f"def f(a, b, rows){types}:\n    b = b + len(rows)\n    {test}\n    return b or rows\n")
    cut = _cut(before, "f", 1, 1, parameters=("a", "b", "rows"), leaves=Leaves.GUARD)
    jump = next(one for one in ast.walk(cut.block[1]) if isinstance(one, ast.Return))
    after = extract(before, replace(cut, jump=jump), "_is_over").source
    calls = [f"f({a}, {b}, [9])" for a in (0, 1, 5) for b in (-1, 7, 8)]
    _same(before, after, *calls)
    return after.text


@pytest.mark.parametrize("case", ASKS)
def test_a_helper_that_asks_returns_its_last_test(case):
    test, wanted = ASKS[case]
    assert _asking(test).startswith(f"def _is_over(a, b, rows):\n    {wanted}\n\n\ndef f")


@pytest.mark.parametrize("case", KEEPS)
def test_a_test_that_is_more_than_a_question_stays_as_it_is(case):
    kept = KEEPS[case].replace("return None", "return True")
    assert _asking(KEEPS[case]).startswith(f"def _is_over(a, b, rows):\n    {kept}\n    return False\n")


def test_what_an_annotated_helper_returns_is_surely_a_bool():
    assert "    return a > 3\n" not in _asking(ASKS["plain"][0], " -> object")
    assert "    return isinstance(a, int)\n" in _asking(ASKS["call"][0], " -> object")
