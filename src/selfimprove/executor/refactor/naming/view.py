"""View: what a name is taken from: some statements, the function around them, and what these say."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import (
    Act,
    Words,
    acts,
    called,
    is_pale,
    many_of,
    noun_of,
    one_of,
    walk,
)
from selfimprove.executor.refactor.naming.function_names import object_of, verb_of
from selfimprove.executor.refactor.naming.predicates import case_of, told
from selfimprove.executor.refactor.naming.words_of import QUESTIONS, TYPES, listed, split, strong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Place, Source


HOSTS = listed(
    "parse format render convert decode encode serialize deserialize load read write validate print resolve normalize "
    "compile draw generate tokenize escape expand merge collect build visit transform dump scan export import migrate"
)
"""Verbs of a function that its parts do as well: what ``parse_url`` calls is ``_parse_port``."""

ROLES = listed(
    "decorator wrapper wrapped inner main run invoke process callback call handle execute apply func"
)
_PLACES = ("idx", "index", "pos", "position", "offset")
_COMPARING = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")


@dataclass(frozen=True)
class View:
    """What a name is taken from: the statements, the function around them, and what that is called."""

    source: Source
    place: Place
    statements: tuple[ast.stmt, ...]
    cut: Cut | None

    @cached_property
    def verb(self) -> str:
        """The verb in the function's name, "" when it has none; that of __init__ is "init"."""
        name = self.place.node.name
        if name in _COMPARING:
            return "compare"
        return {"__init__": "init", "__repr__": "format", "__str__": "format"}.get(name) or verb_of(name)

    @cached_property
    def noun(self) -> Words:
        """What the function is about: the object in its name, else its class."""
        name = self.place.node.name
        special = name.startswith(("__", "from_")) or name in ROLES
        words = () if special and self.place.around else object_of(name)
        while len(words) > 1 and words[-1] in ("iter", "func", "fn", "impl", "cb", "helper", "inner"):
            words = words[:-1]
        own = () if special else self._argument
        return words or own or self.owner or strong(split(name)) or split(name)

    @cached_property
    def _argument(self) -> Words:
        """The words of the first parameter that says something: the function's that goes into the cut, or the cut's."""
        if not verb_of(self.place.node.name):
            return ()
        arguments = self.place.node.args
        every = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        given = self.cut.parameters if self.cut is not None else every
        order = [name for name in every if name in given] + [name for name in given if name not in every]
        nouns = (strong(split(name)) for name in order if not name.endswith(_PLACES))
        first = next((words for words in nouns if words), ())
        return () if is_pale(first) else first

    @cached_property
    def owner(self) -> Words:
        """The words of the class, or of the function around."""
        for scope in reversed(self.place.around):
            words = tuple(word for word in split(scope.name) if word not in ("base", "abstract", "mixin"))
            if words:
                return words[-2:]
        return ()

    @cached_property
    def path(self) -> tuple[tuple[ast.stmt, str], ...]:
        """The statements around the cut, outermost first, each with the suite of it that the cut is in."""
        first = self.statements[0] if self.statements else None
        return path_to(self.place.node, first)[1:] if first is not None else ()

    @cached_property
    def item(self) -> Words:
        """The words of the variable of the innermost loop around."""
        for node, _ in reversed(self.path):
            if isinstance(node, ast.For | ast.AsyncFor):
                return noun_of(node.target) or one_of(noun_of(node.iter))
        return ()

    @cached_property
    def acts(self) -> tuple[Act, ...]:
        """What the statements do."""
        return tuple(acts(self.statements))

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """The verbs of what the statements do, the most frequent first, of two the first in the text."""
        counted = Counter(act.verb for act in self.acts if act.verb != "iter")
        order = list(counted)
        return tuple(
            sorted(counted, key=lambda verb: (verb in ("call", "print"), -counted[verb], order.index(verb)))
        )

    @cached_property
    def case(self) -> Words:
        """The words of the one case that all statements are for: that of the branch, or of the only ``if``."""
        branch = self._branch
        if branch is not None and (words := told(branch)):
            return words
        only = self.statements[0] if len(self.statements) == 1 else None
        if isinstance(only, ast.If) and (words := _shared(list(_chain(only)))):
            return words
        return case_of(branch) if branch is not None else ()

    @cached_property
    def around(self) -> Words:
        """The words of the case of the innermost branch that the statements are a part of."""
        tests = (
            node.test for node, suite in reversed(self.path) if isinstance(node, ast.If) and suite == "body"
        )
        return next((words for test in tests if (words := case_of(test))), ())

    @cached_property
    def _branch(self) -> ast.expr | None:
        """The condition that leads to the statements, when they are the whole of what it leads to."""
        cut = self.cut
        if cut is None or not self.path or (cut.first, cut.last) != (0, len(cut.block) - 1):
            return None
        node, suite = self.path[-1]
        return node.test if isinstance(node, ast.If) and suite == "body" else None

    @cached_property
    def by_type(self) -> bool:
        """True when the case is one of a type: ``isinstance(x, dict)``."""
        tests = [node.test for node, _ in self.path[-1:] if isinstance(node, ast.If)]
        tests += [node.test for node in self.statements[:1] if isinstance(node, ast.If)]
        return any(isinstance(test, ast.Call) and called(test) == "isinstance" for test in tests)

    @cached_property
    def fails(self) -> bool:
        """True when the statements raise, or call what does (``fail``), other than to pass on what went wrong."""
        handled = {
            inner
            for node in walk(self.statements)
            if isinstance(node, ast.ExceptHandler)
            for inner in ast.walk(node)
        }
        return any(
            (isinstance(node, ast.Raise) and node not in handled)
            or (isinstance(node, ast.Call) and called(node) in ("fail", "abort"))
            for node in walk(self.statements)
        )

    @cached_property
    def looped(self) -> Words:
        """The words of what the main loop of the statements goes over."""
        for node in self.statements:
            for one in (node, *getattr(node, "body", ())) if isinstance(node, ast.If | ast.With) else (node,):
                if isinstance(one, ast.For | ast.AsyncFor):
                    words, each = noun_of(one.iter), many_of(noun_of(one.target))
                    single = isinstance(one.iter, ast.Name) and many_of(words) != words
                    return (single and each) or words or each
        return ()


def _chain(node: ast.If) -> Iterator[Words]:
    """Yield the cases of an ``if`` and its ``elif``; one that has an ``else`` is for no case alone."""
    yield case_of(node.test)
    if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        yield from _chain(node.orelse[0])
    elif node.orelse:
        yield ()


def _shared(cases: Sequence[Words]) -> Words:
    """Return the words that all cases begin with."""
    if len(cases) == 1 or not all(cases):
        return cases[0] if len(cases) == 1 else ()
    return cases[0][:1] if len({words[0] for words in cases}) == 1 else ()


def returned(view: View) -> list[ast.expr]:
    """Return the values that the statements return."""
    return [
        node.value
        for node in walk(view.statements)
        if isinstance(node, ast.Return) and node.value is not None
    ]


def path_to(node: ast.AST, wanted: ast.stmt) -> tuple[tuple[ast.stmt, str], ...]:
    """Return the statements around ``wanted``, ``node`` first, each with the name of the suite that leads to it."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        children = getattr(node, field, ())
        for child in children if isinstance(children, list) else ():
            here = ((node, field),) if isinstance(node, ast.stmt) else ()
            if child is wanted:
                return here
            if not isinstance(child, ast.expr) and (found := path_to(child, wanted)):
                return (*here, *found)
    return ()


def thing_of(name: str) -> Words:
    """Return the words of a variable without its type: ``port_str`` is a port."""
    words = split(name)
    if len(words) > 1 and words[-1] in TYPES:
        words = words[:-1]
    return strong(words[1:] if len(words) > 1 and words[0] in QUESTIONS else words)
