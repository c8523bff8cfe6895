"""Kinds: what is accepted, what it becomes, and what is said of the rest."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import jsonschema
import pytest

from selfimprove.kind import (
    FLAG,
    NULL,
    TEXT,
    Kind,
    WrongValue,
    checked,
    in_words,
    listing,
    mapping,
    number,
    one_of,
    whole,
)

LIMIT = whole(at_least=0) | one_of("A", "B") | NULL
SHARE = number(over=0, at_most=1)
NAN, INFINITY = float("nan"), float("inf")


class Word(StrEnum):
    A = "A"


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (whole(at_least=1), 1, 1),
        (whole(at_least=0), 2**70, 2**70),
        (SHARE, 1, 1.0),
        (SHARE, 0.5, 0.5),
        (FLAG, False, False),
        (TEXT, " ", " "),
        (TEXT | NULL, None, None),
        (LIMIT, "B", "B"),
        (LIMIT, Word.A, "A"),
        (LIMIT, 0, 0),
        (listing(TEXT), ["a", "b"], ("a", "b")),
        (listing(TEXT), ("a",), ("a",)),
        (listing(TEXT), [], ()),
        (mapping(LIMIT), {"x": 3, "y": False, "z": None}, {"x": 3, "y": None, "z": None}),
        (mapping(FLAG), {"x": False}, {"x": False}),
        (mapping(mapping(LIMIT)), {"a": {"x": False}, "b": {}}, {"a": {"x": None}, "b": {}}),
    ],
)
@pytest.mark.parametrize("text", [False, True])
def test_what_is_right_is_kept(kind: Kind[Any], value: object, kept: object, text: bool) -> None:
    found = checked(kind.variants, value, text=text)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (whole(at_least=1), " 77 ", 77),
        (whole(at_least=1), "1_000", 1000),
        (whole(at_least=1), "77.0", 77),
        (SHARE, "5e-1", 0.5),
        (FLAG, "Yes", True),
        (FLAG, "off", False),
        (FLAG, "0", False),
        (TEXT, "77", "77"),
        (LIMIT, "A", "A"),
        (LIMIT, "7", 7),
    ],
)
def test_text_is_read_only_where_text_is_all_there_is(kind: Kind[Any], value: str, kept: object) -> None:
    found = checked(kind.variants, value, text=True)
    assert (found, type(found)) == (kept, type(kept))
    if kept != value:
        with pytest.raises(WrongValue):
            checked(kind.variants, value)


WRONG: list[tuple[Kind[Any], list[object]]] = [
    (whole(at_least=1, at_most=9), [0, 10, True, 1.0, None, "", "x", []]),
    (SHARE, [0, 1.1, NAN, INFINITY, -INFINITY, 10**400, True, "nan", "1e400"]),
    (number(at_least=0), [-0.1, NAN, INFINITY, 10**400, "inf"]),
    (FLAG, [0, 1, None, "maybe", ""]),
    (TEXT, ["", 5, None, b"x", ["a"], "\udcff"]),
    (LIMIT, [-1, "C", 1.5, False, "a"]),
    (listing(TEXT), ["a", [5], [""], {"a": 1}, None, {1}]),
    (mapping(LIMIT), [[], "a", None]),
]


@pytest.mark.parametrize(
    ("kind", "value", "path", "name"),
    [
        *[(kind, value, (), False) for kind, values in WRONG for value in values],
        (mapping(LIMIT), {"ok": 1, "x": True}, ("x",), False),
        (mapping(LIMIT), {"x": "7"}, ("x",), False),
        (mapping(LIMIT), {"": 7}, ("",), True),
        (mapping(LIMIT), {5: 7}, (5,), True),
        (mapping(mapping(LIMIT)), {"a": False}, ("a",), False),
        (mapping(mapping(LIMIT)), {"a": {"x": 1, "y": -1}}, ("a", "y"), False),
        (mapping(mapping(LIMIT)), {"a": {None: 1}}, ("a", None), True),
        (mapping(LIMIT) | NULL, {"x": -1}, ("x",), False),
    ],
)
@pytest.mark.parametrize("text", [False, True])
def test_what_is_wrong_is_refused_with_its_place(
    kind: Kind[Any], value: object, path: tuple[object, ...], name: bool, text: bool
) -> None:
    with pytest.raises(WrongValue) as caught:
        checked(kind.variants, value, text=text)
    assert (caught.value.path, caught.value.name) == (path, name)


NUMBERS: list[object] = [0, 1, -1, 3, 0.5, 1.0, 2.5]
TEXTS: list[object] = [None, True, "", "A", "C", [], ["a"], [""], ["a", 5]]
INNER: list[object] = [1, -1, "A", None, [], {"y": 1}, {"y": "Z"}, {"": 1}]
PLAIN = [*NUMBERS, *TEXTS, *({"x": value} for value in INNER), {}, {"": 1}]


@pytest.mark.parametrize(
    "kind",
    [
        *(
            whole(at_least=0),
            whole(at_least=1, at_most=2),
            SHARE,
            number(at_least=0),
            FLAG,
            TEXT,
            NULL,
            LIMIT,
        ),
        *(TEXT | NULL, listing(TEXT), listing(one_of("a", "b")), mapping(LIMIT), mapping(mapping(LIMIT))),
    ],
)
def test_the_check_agrees_with_the_schema_that_is_given_out(kind: Kind[Any]) -> None:
    validator = jsonschema.Draft202012Validator(kind.schema)
    for value in PLAIN:
        if isinstance(value, float) and value.is_integer():
            continue  # JSON Schema takes 1.0 for a whole number; a file of ours has to say 1
        try:
            checked(kind.variants, value)
        except WrongValue:
            assert not validator.is_valid(value), value
        else:
            assert validator.is_valid(value), value


def test_in_words() -> None:
    assert in_words(LIMIT.variants) == "a whole number at least 0, or one of A, B, or null"
    assert in_words(SHARE.variants) == "a number over 0 and at most 1"
    assert in_words(listing(one_of("a", "b")).variants) == "a list of a, b"
    assert in_words((listing(TEXT) | NULL).variants) == "a list of texts, or null"
    both = mapping(mapping(FLAG | NULL)).variants
    assert in_words(both, 2) == "true or false, or null"
    assert in_words(both, 1) == "a mapping whose values are true or false or null"
