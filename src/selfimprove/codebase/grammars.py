"""Grammars: for each language the kinds of syntax nodes at which a file is cut, and how names and uses look."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

FUNCTION = "function"  # a definition; its inside is left alone unless it is too large
CLASS = "class"  # a definition with definitions in it
LONG = "long"  # a function if it has three lines with its comments, else part of what is around it
TYPE = "type"  # the same, and a class
VALUE = "value"  # a named value: of its own if it has many lines
SCOPE = "scope"  # no chunk, but the first part of the names in it (a namespace)
PREFIX = "prefix"  # the same for what stands after it (Perl's `package Foo;`)
INSIDE = "inside"  # its children are looked at
WRAP = "wrap"  # the same, and a definition in it begins and ends where it does (a decorated one)
PAIR = "pair"  # the same within a value: however long, it is a part of that one
TALL = "tall"  # the same if it has three lines
BIND = "bind"  # gives a name to a value, which may be a function or a class
TABLE = "table"  # the same if it has many lines: its values are no functions
ASK = "ask"  # the grammar's form says what it is (lists of Lisp, calls of Elixir)
ROLES = (FUNCTION, CLASS, LONG, TYPE, VALUE, SCOPE, PREFIX, INSIDE, WRAP, TALL, BIND, PAIR, TABLE, ASK)
"""What a kind of node is to the cutter."""


class Grammar(NamedTuple):
    """How a language is cut.

    ``binding`` names the parser; ``roles`` are those of the kinds of nodes. Nodes of the kinds ``leading``
    belong, as comments do, to the definition that follows. ``form`` is the name in forms.FORMS of what answers
    for the role ASK. With ``merge`` neighbours of one name are one (the clauses of Erlang); with ``bodied`` a
    class without a body is only named. ``uses`` is one of references.USES: how the use of a name looks.
    """

    binding: str
    roles: Mapping[str, str]
    leading: frozenset[str] = frozenset()
    tails: frozenset[str] = frozenset()
    form: str = ""
    merge: bool = False
    bodied: frozenset[str] = frozenset()
    uses: str = "calls"


@cache
def grammar_of(language: str) -> Grammar | None:
    """Return how ``language`` is cut, None when it is known by its name only."""
    if language not in KINDS:
        return None
    rows = [KINDS[language]]
    while like := rows[-1].get("like"):
        rows.append(KINDS[like])
    roles = {"ERROR": INSIDE}
    for row in reversed(rows):
        for role in ROLES:
            roles.update(dict.fromkeys(row.get(role, "").split(), role))
    first = {key: value for row in reversed(rows) for key, value in row.items()}
    flags = " ".join(row.get("flags", "") for row in rows).split()
    return Grammar(
        rows[0].get("grammar", language),
        roles,
        frozenset(" ".join(row.get("leading", "") for row in rows).split()),
        frozenset(first.get("tails", "").split()),
        first.get("form", ""),
        "merge" in flags,
        frozenset(first.get("bodied", "").split()),
        first.get("uses", "calls"),
    )


CUT = frozenset(KINDS)
"""The languages that are cut at definitions."""
