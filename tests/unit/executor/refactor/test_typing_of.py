"""Annotations of extracted functions: true, and safe to evaluate at the top level of the file."""

from __future__ import annotations

import ast

import pytest

from naming_rig import cut_between
from selfimprove.executor.refactor.naming.annotations import element, names_in, without_none
from selfimprove.executor.refactor.naming.typing_of import annotate


def signature(code: str, symbol: str = "f") -> tuple[dict[str, str], str]:
    source, cut = cut_between(code, symbol)
    found = annotate(source, cut)
    return dict(found.parameters), found.returns


def test_function_without_annotations_gets_none():
    code = """
        def f(a, b):
            # <
            c = str(a) + b
            # >
            return c
        """
    assert signature(code) == ({}, "")


def test_parameters_keep_theirs_and_results_are_inferred():
    code = """
        def f(names: list[str], width: int) -> str:
            # <
            lines = []
            for name in names:
                lines.append(name.center(width).upper() if width else name)
            total = len(names)
            # >
            return "\\n".join(lines) * total
        """
    parameters, returns = signature(code)
    assert parameters == {"names": "list[str]", "width": "int"}
    assert returns == "tuple[list[str], int]"


def test_any_of_the_file_stands_for_what_is_unknown():
    code = """
        import typing as t
        def f(names: list[str]) -> str:
            found = magic(names)
            # <
            lines = [name for name in names]
            size = found.size
            # >
            return lines[size]
        """
    assert signature(code) == ({"names": "list[str]", "found": "t.Any"}, "tuple[list[str], t.Any]")


def test_appended_values_tell_the_type_of_a_list():
    code = """
        def f(flags: dict[str, bool]) -> list[str]:
            # <
            bits = []
            if flags:
                bits.append(f"{len(flags)}")
            bits.append("end")
            # >
            bits.reverse()
            return bits
        """
    assert signature(code) == ({"flags": "dict[str, bool]"}, "list[str]")


def test_none_is_ruled_out_by_a_guard():
    code = """
        from __future__ import annotations
        def f(name: str | None, other: str | None) -> int:
            if name is None:
                return 0
            # <
            size = len(name) + len(other or "")
            size += 1
            # >
            return size
        """
    assert signature(code) == ({"name": "str", "other": "str | None"}, "int")


def test_part_that_gives_nothing_gives_none_and_a_guard_a_bool():
    nothing = """
        def f(out: list[int]) -> int:
            # <
            out.append(1)
            out.append(2)
            # >
            return out[0]
        """
    assert signature(nothing) == ({"out": "list[int]"}, "None")
    guard = """
        def f(rows: list[str]) -> None:
            for row in rows:
                # <
                if not row:
                    continue
                if row[0] == "#":
                    continue
                # >
                print(row)
        """
    assert signature(guard) == ({"row": "str"}, "bool")


def test_name_that_comes_later_is_quoted():
    code = """
        def f(one: "Later", two: int) -> int:
            # <
            two += one.size
            two += 1
            # >
            return two
        class Later:
            size = 1
        """
    parameters, returns = signature(code)
    assert parameters == {"one": '"Later"', "two": "int"}
    assert returns == "int"


def test_name_of_the_class_body_is_not_used_where_it_cannot_be_seen():
    code = """
        class C:
            class Inner:
                pass
            @staticmethod
            def f(one: Inner, two: int) -> int:
                # <
                two += one.size
                two += 1
                # >
                return two
        """
    parameters, _ = signature(code, "C.f")
    assert "one" not in parameters


def test_own_class_called_tuple_is_no_generic():
    code = """
        class Tuple:
            pass
        def f(one: int) -> int:
            # <
            two = one + 1
            three = str(one)
            # >
            return two + len(three)
        """
    assert "Tuple" not in signature(code)[1]


def test_optional_is_written_as_the_file_does():
    code = """
        from typing import Optional
        class Found: pass
        def f(rows: Optional[str], size: int) -> Found:
            # <
            if size:
                if rows:
                    return Found()
            # >
            return Found()
        """
    source, cut = cut_between(code, "f")
    assert annotate(source, cut).returns in ("Optional[Found]", "Found")


def test_star_arguments():
    code = """
        def f(*rows: int, **options: str) -> int:
            # <
            total = sum(rows)
            total += len(options)
            # >
            return total + len(rows)
        def g(x: tuple[int]) -> None: pass
        """
    assert signature(code)[0] == {"rows": "tuple[int, ...]", "options": "dict[str, str]"}


def test_iterator_is_kept_for_a_part_of_a_generator():
    code = """
        from collections.abc import Iterator
        def f(rows: list[str]) -> Iterator[str]:
            # <
            for row in rows:
                if row:
                    yield row
            # >
            yield ""
        """
    assert signature(code) == ({"rows": "list[str]"}, "Iterator[str]")


@pytest.mark.parametrize("minimal", [True, False])
def test_annotations_can_be_evaluated(minimal):
    """Execute what would be written: every annotation stands on its own at the top level."""
    code = """
        import typing as t
        class Before: pass
        def f(a: Before, b: "After", c: t.Optional[int], d: list[int]) -> str:
            # <
            e = [a, b]
            g = "x".join(str(one) for one in d)
            if c:
                g += str(c)
            # >
            return g + str(e)
        class After: pass
        """
    source, cut = cut_between(code, "f")
    parameters, returns, *_ = annotate(source, cut)
    head = ", ".join(f"{name}: {text}" for name, text in parameters.items())
    line = f"def helper({head}) -> {returns or 'None'}: ...\n"
    at = source.starts[cut.place.node.lineno - 1]
    text = source.text[:at] + line + source.text[at:]
    space: dict[str, object] = {}
    exec(compile(text, "m", "exec"), space)
    assert set(space["helper"].__annotations__) == {*parameters, "return"}
    assert parameters["a"] == "Before"
    assert parameters["b"] == '"After"'
    assert ast.parse(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("list[str]", "str"),
        ("t.Iterable[int]", "int"),
        ("tuple[int, ...]", "int"),
        ("dict[str, int]", "str"),
        ("str", "str"),
        ("tuple[int, str]", "int | str"),
        ("Rows", None),
        (None, None),
    ],
)
def test_element_of_a_type(text, wanted):
    assert element(text) == wanted


def test_none_is_taken_out_of_a_type():
    assert without_none("str | None") == "str"
    assert without_none("Optional[str]") == "str"
    assert without_none("int | str | None") == "int | str"
    assert without_none("str") == "str"
    assert names_in("t.Optional['Later[int]']") == {"t", "Later", "int"}
