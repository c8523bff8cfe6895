"""A condition becomes a function that says the same, wherever it stands and however it is laid out."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from selfimprove.executor.refactor.extract.conditions import Condition, as_return, conditions, write_condition
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source


def _found(
    text: str, symbol: str = "f", executed: frozenset[int] | None = None
) -> tuple[Source, list[Condition]]:
    source = Source.read("m.py", textwrap.dedent(text).encode())
    covered = {} if executed is None else {"m.py": executed}
    return source, list(conditions(source, source.place(symbol), Project({"m.py": source.content}, covered)))


def _texts(text: str, executed: frozenset[int] | None = None) -> list[str]:
    source, found = _found(text, "f", executed)
    return [" ".join(source.segment(one.expression).split()) for one in found]


def _made(source: Source, one: Condition, symbol: str = "f") -> str:
    written = write_condition(one, source.place(symbol), "_g")
    return source.but([written.call, written.helper]).text


CHAIN = """
    def f(a, b, c):
        if (a and b):
            return 1
        elif(a or
             b) and c:  # both
            return 2
        while not (a and c) and [x for x in (a, b) if x]:
            a, c = 1, 1
        return any(x > 1 for x in (a, b, c)) if b is None else a or 5
"""


def test_every_condition_gives_the_same_value_in_a_function():
    source, found = _found(CHAIN)
    assert len(found) >= 6
    values = (None, 0, 1, 2)
    calls = [f"f({a}, {b}, {c})" for a in values for b in values for c in (0, 1)]
    before = _values(source.text, calls)
    for one in found:
        assert _values(_made(source, one), calls) == before


def _values(text: str, calls: list[str]) -> list[Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "m.py", "exec"), names)
    found: list[Any] = []
    for call in calls:
        try:
            found.append(eval(call, names))
        except TypeError as error:
            found.append(repr(error))
    return found


def test_parentheses_that_only_group_go_and_a_call_keeps_its_own():
    source, found = _found(CHAIN)
    assert "    if _g(a, b):\n        return 1" in _made(source, found[0])
    source, found = _found("def f(a, b):\n    return len((a and b and a))\n")
    assert "    return len(_g(a, b))" in _made(source, found[0])
    source, found = _found("def f(a, b):\n    if(a and b):return 1\n    return(a or b)\n")
    assert "    if _g(a, b):return 1" in _made(source, found[0])
    assert "    return _g(a, b)\n" in _made(source, found[1])


def test_long_conditions_are_written_one_operand_in_a_line():
    names = [f"a_rather_long_condition_{n}" for n in range(4)]
    text = f"def f({', '.join(names[:2])},\n      {', '.join(names[2:])}):\n    if (\n"
    text += " and\n".join(f"        {name}" for name in names) + "\n    ):\n        return 1\n    return 2\n"
    source, found = _found(text)
    rows = [f"        {names[0]}", *(f"        and {name}" for name in names[1:])]
    assert "    return (\n" + "\n".join(rows) + "\n    )\n" in _made(source, found[0])


def test_a_call_that_makes_its_line_too_long_is_wrapped():
    names = [f"a_rather_long_condition_{n}" for n in range(3)]
    text = f"def f({names[0]},\n      {', '.join(names[1:])}):\n    found = (\n"
    text += " and\n".join(f"        {name}" for name in names) + "\n    )  # all\n    return found\n"
    source, found = _found(text)
    made = _made(source, found[0])
    rows = "".join(f"        {name},\n" for name in names)
    assert f"    found = _g(\n{rows}    )  # all\n    return found\n" in made


def test_comments_inside_stay():
    source, found = _found("""
        def f(a, b):
            if (a  # first
                    and b):
                return 1
            return 2
    """)
    text = _made(source, found[0])
    assert "a  # first" in text
    assert _values(text, ["f(1, 1)", "f(1, 0)"]) == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        "if (b := a) and c: return b",
        "x = yield a and c",
        "return lambda: a and c",
        "if a: d = 1\n    if a and d: return 2",
        "return [a and x for x in c]",
    ],
)
def test_what_cannot_be_evaluated_elsewhere_stays(body: str):
    found = _texts(f"def f(a, c):\n    {body}\n")
    assert (
        not any(text in ("(b := a) and c", "a and c", "a and d", "a and x") for text in found)
        or "yield" in body
    )


def test_a_condition_that_no_test_evaluates_stays():
    text = "def f(a, b):\n    if a and b:\n        return a or b\n    return b and a\n"
    assert _texts(text) == ["a and b", "a or b", "b and a"]
    assert _texts(text, frozenset({1, 2, 4})) == ["a and b", "b and a"]


def test_the_text_for_names_returns_the_condition_before_its_statement():
    source, found = _found(CHAIN)
    chain = next(one for one in found if source.segment(one.expression).endswith("and c"))
    virtual, cut = as_return(chain)
    line = virtual.line(cut.statements[0].lineno)
    assert line.startswith("    return ((a or")
    assert len(virtual.text) > len(source.text)
    assert set(cut.parameters) == {"a", "b", "c"}


def test_a_method_condition_that_needs_self():
    source, found = _found(
        """
        class A:
            x = 1

            def f(self, a):
                if self.x and a and self.x > a:
                    return 1
                return 0
        """,
        "A.f",
    )
    text = _made(source, found[0], "A.f")
    assert "if self._g(a):" in text
    assert "    def _g(self, a):\n        return self.x and a and self.x > a\n" in text


def test_backslashes_at_the_ends_of_lines_go_but_those_in_strings_stay():
    source, found = _found("""
        def f(a, b, c):
            if a and \\
               b in ('x\\ty', "z") and \\
               c:
                return 1
    """)
    text = _made(source, found[0])
    assert "    return a and b in ('x\\ty', \"z\") and c\n" in text
    assert "    if _g(a, b, c):\n" in text


def test_an_operand_that_fits_no_line_keeps_its_own():
    source, found = _found("""
        def f(numbers, other):
            if (
                isinstance(numbers, (tuple, list))
                and all(
                    isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= 255
                    for one in numbers
                )
            ):
                return 1
    """)
    text = _made(source, found[0])
    assert text.startswith(
        "\ndef _g(numbers):\n    return (\n        isinstance(numbers, (tuple, list))\n        and all(\n"
        "            isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= 255\n"
        "            for one in numbers\n        )\n    )\n"
    )
