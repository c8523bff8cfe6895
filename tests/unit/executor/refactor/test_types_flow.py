"""Types of variables where a function is cut: narrowed by tests and assignments, told by classes and other files."""

from __future__ import annotations

import ast
from textwrap import dedent
from typing import Any

import pytest

from naming_rig import cut_between
from selfimprove.executor.refactor.analysis.cutting import cuts
from selfimprove.executor.refactor.extract.conditions import as_return, conditions, write_condition
from selfimprove.executor.refactor.extract.lines import wrapped
from selfimprove.executor.refactor.extract.narrowing import LOST, keeping, predicate_loss
from selfimprove.executor.refactor.naming.checked import with_any
from selfimprove.executor.refactor.naming.flows import flow_of
from selfimprove.executor.refactor.naming.known import known_of
from selfimprove.executor.refactor.naming.typing_of import Part, annotate
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source


def type_at(code: str, name: str, files: dict[str, bytes] | None = None) -> str | None:
    """Return the type of ``name`` where the code calls ``here``."""
    source = Source.read("pack/m.py", dedent(code).encode())
    place = next(one for one in source.places if one.symbol.endswith("f"))
    flow = flow_of(known_of(source, files or {}), place)
    spot = next(
        node
        for node in ast.walk(place.node)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value) == "here()"
    )
    return flow.at(spot).get(name)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("here()", "int | str | None"),
        ("if x is not None:\n    here()", "int | str"),
        ("if x is None:\n    return\nhere()", "int | str"),
        ("if not x:\n    raise ValueError\nhere()", "int | str"),
        ("if isinstance(x, str):\n    here()", "str"),
        ("if not isinstance(x, (int, str)):\n    here()", "None"),
        ("if isinstance(x, str) and y:\n    pass\nelse:\n    here()", "int | str | None"),
        ("if x is None or y:\n    return\nhere()", "int | str"),
        ("assert isinstance(x, int)\nhere()", "int"),
        ("if x is None:\n    x = 1\nhere()", "int | str"),
        ("x = 'text'\nhere()", "str"),
        ("x = what()\nhere()", "int | str | None"),
        ("for _ in y:\n    if x is None:\n        continue\n    here()", "int | str"),
        ("while x is None:\n    x = step()\nhere()", "int | str"),
        ("try:\n    x = int(y)\nexcept ValueError:\n    return\nhere()", "int"),
        ("try:\n    x = int(y)\nexcept ValueError:\n    pass\nhere()", "int | str | None"),
        ("match x:\n    case str():\n        here()", "str"),
        ("while True:\n    if x is not None:\n        break\nhere()", "int | str"),
    ],
)
def test_a_parameter_is_narrowed_as_type_checkers_do_it(body: str, wanted: str) -> None:
    lines = body.replace("\n", "\n    ")
    assert type_at(f"def f(x: int | str | None, y: str) -> None:\n    {lines}\n", "x") == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("v = 1", "int"),
        ("v = 1\nv += 0.5", "float"),
        ("v = ''\nv += what()", "str"),
        ("v = None\nif y:\n    v = 'a'", "str | None"),
        ("v = []\nfor one in rows:\n    v.append(one)", "list[str]"),
        ("v = {one: len(one) for one in rows}", "dict[str, int]"),
        ("v = [(at, one) for at, one in enumerate(rows)]", "list[tuple[int, str]]"),
        ("v = table.get(y)", "int | None"),
        ("v = table.get(y, 0)", "int"),
        ("for _, v in table.items():\n    pass", "int"),
        ("v = y.split(',')[0]", "str"),
        ("v = y[1:] or None", "str | None"),
        ("v = rows and rows[0] == y", "list[str] | bool"),
        ("v, _ = y.rsplit(',', 1)", "str"),
        ("v = max(len(y), 3)", "int"),
        ("v = len(rows) / 2", "float"),
        ("v = what()", None),
    ],
)
def test_a_variable_has_the_type_of_its_values(body: str, wanted: str | None) -> None:
    lines = body.replace("\n", "\n    ")
    code = f"def f(y: str, rows: list[str], table: dict[str, int]) -> None:\n    {lines}\n    here()\n"
    assert type_at(code, "v") == wanted


def test_classes_tell_their_attributes_and_methods_also_those_of_other_files() -> None:
    files = {
        "pack/items.py": b"class Item:\n    size: int = 0\nclass Table(Item):\n    def __init__(self, name: str):\n"
        b"        self.name = name\n    @property\n    def first(self) -> Item: ...\n"
        b"    def head(self) -> Item | None: ...\n",
    }
    code = """
        from .items import Table, Item
        class C:
            def __init__(self, table: Table):
                self.table = table
                self.count = 0
            def f(self, item: Item) -> None:
                a, b, c = self.table.name, self.table.head(), self.count
                d = self.table.first.size
                e = item
                if isinstance(e, Table):
                    g = e
                    here()
        """
    found = {name: type_at(code, name, files) for name in "abcdg"}
    assert found == {"a": "str", "b": "Item | None", "c": "int", "d": "int", "g": "Table"}


def test_a_helper_takes_the_narrowed_type_and_one_that_it_gives_anew() -> None:
    code = """
        def f(key: "str | None", width: int) -> str:
            if key is None:
                return ""
            # <
            if width:
                key = key.center(width)
            # >
            return key
        """
    source, cut = cut_between(code, "f")
    found = annotate(source, cut, Project({}, minimum=(3, 10)))
    assert (dict(found.parameters), found.returns) == ({"key": "str", "width": "int"}, "str")


PROJECT = {"pyproject.toml": b"[tool.mypy]\nstrict = true\n"}


def test_any_is_imported_where_the_project_checks_types_and_only_there() -> None:
    head = "from __future__ import annotations\n\nimport re\n\n"
    code = f"{head}def f(a: int) -> int:\n    # <\n    b = what(a)\n    b += 1\n    # >\n    return a + b.c\n"
    source, cut = cut_between(code, "f")
    found = annotate(source, cut, Project(PROJECT))
    assert (dict(found.parameters), found.returns) == ({"a": "int"}, "Any")
    assert source.but(found.more).text.startswith(
        "from __future__ import annotations\n\nimport re\nfrom typing import Any\n\ndef f"
    )
    assert annotate(source, cut, Project({})) == ({}, "", False, ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from typing import TYPE_CHECKING, cast\n", "from typing import TYPE_CHECKING, Any, cast\n"),
        ("from typing import IO\n", "from typing import IO, Any\n"),
        (
            "from typing import (\n    IO,\n    cast,\n)\n",
            "from typing import (\n    IO,\n    Any,\n    cast,\n)\n",
        ),
        ("import zlib\n", "import zlib\nfrom typing import Any\n"),
        ("import re\n\nfrom .a import b\n", "import re\nfrom typing import Any\n\nfrom .a import b\n"),
        ("from .a import b\n", "from typing import Any\n\nfrom .a import b\n"),
    ],
)
def test_where_any_is_imported(before: str, after: str) -> None:
    source = Source.read("m.py", before.encode())
    splice = with_any(source)
    assert splice is not None
    assert source.but([splice]).text == after


def test_a_predicate_that_is_only_asked_gives_a_bool() -> None:
    code = """
        def f(n: int, text: str, more: str) -> int:
            if text and (more or n) and text != more:
                return -1
            return 0
        """
    source = Source.read("m.py", dedent(code).encode())
    place, project = source.place("f"), Project({})
    one = max(conditions(source, place, project), key=lambda one: len(source.segment(one.expression)))
    part = Part(place, one.statement, one.expression)
    signature = annotate(source, as_return(one)[1], project, part)
    written = write_condition(one, place, "_is_new", signature)
    text = source.but((written.call, written.helper)).text
    assert "-> bool:\n    return bool(text and (more or n) and text != more)\n" in text
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    exec(source.text, before)
    exec(text, after)
    for given in ((1, "a", "b"), (10, "a", "b"), (10, "a", "a"), (10, "", "b"), (10, "a", ""), (0, "a", "")):
        assert before["f"](*given) == after["f"](*given)


def test_a_list_that_is_filled_by_a_helper_tells_its_type_where_it_is_empty() -> None:
    code = """
        def f(rows: list[str]) -> list[str]:
            out = []
            # <
            for row in rows:
                if row:
                    out.append(row)
            # >
            return out
        """
    source, cut = cut_between(code, "f")
    found = annotate(source, cut)
    assert (dict(found.parameters), found.returns) == ({"rows": "list[str]", "out": "list[str]"}, "None")
    assert "out: list[str] = []" in source.but(found.more).text


def test_a_test_that_narrows_stays_at_the_call_or_its_helper_gives_the_narrower_type_back() -> None:
    code = """
        class Item: ...
        class Table(Item):
            size: int = 1
        def f(item: "Item | None", key: str, deep: bool) -> int:
            if item is not None and key and deep and not key.isdigit():
                return g(item)
            if not isinstance(item, Table):
                if key:
                    raise KeyError(key)
                raise TypeError
            return item.size
        def g(item: Item) -> int: ...
        """
    source = Source.read("m.py", dedent(code).encode())
    place, project = source.place("f"), Project({"m.py": source.content}, minimum=(3, 10))
    found = list(conditions(source, place, project))
    loss = {
        source.segment(one.expression): predicate_loss(source, place, one.statement, one.expression, project)
        for one in found
    }
    assert loss == {
        "item is not None and key and deep and not key.isdigit()": LOST,
        "key and deep and not key.isdigit()": 0.0,
    }
    cut = next(one for one in cuts(source, place, project) if one.statements == (place.node.body[1],))
    kept, price = keeping(source, cut, project)
    assert kept.results == ("item",)
    assert price < LOST
    assert annotate(source, kept, project).returns == "Table"


def test_a_long_union_is_wrapped_at_its_bars() -> None:
    lines = wrapped(
        "def f", ["a: Sequence[dict[str, int | None]] | None"], ":", indent="", unit="    ", limit=40
    )
    assert lines == ["def f(", "    a: Sequence[dict[str, int | None]]", "    | None,", "):"]
