"""Guards: names for statements after which a function may go on or not: ``_should_skip_row``, ``_is_invalid_port``."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import Words, is_pale, noun_of, walk
from selfimprove.executor.refactor.naming.deeds import by_acts
from selfimprove.executor.refactor.naming.predicates import question
from selfimprove.executor.refactor.naming.view import View, thing_of
from selfimprove.executor.refactor.naming.words_of import QUESTIONS, listed, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.cut import Cut

_DEALING = listed("handle process visit dispatch convert format parse")
_READING = listed("parse convert read decode load validate normalize")
_JUDGING = QUESTIONS | listed("matches match compare check equal verify supports test")


def guarding(view: View, cut: Cut) -> Iterator[Words]:
    """Name what says whether the function goes on; True is always "no further", so the name must say that."""
    if view.verbs and view.case and view.verb in _DEALING:
        yield view.verb, *view.case
    if view.verbs:
        yield from (("try", *words) for words in by_acts(view, cut))
    yield from _by_jump(view, cut)
    yield from _ending(view, cut)


def _by_jump(view: View, cut: Cut) -> Iterator[Words]:
    only = cut.statements[0] if len(cut.statements) == 1 else None
    match cut.jump:
        case ast.Continue():
            yield "should", "skip", *(view.item or view.noun)
        case ast.Break():
            yield "should", "stop", *(view.item or view.noun)
        case ast.Return(value=ast.Constant(value=True)):
            yield "matches", *matched(view, cut)
        case _ if isinstance(only, ast.If) and not only.orelse and (words := question(only.test)):
            yield words
        case _ if view.verb == "compare":
            yield "differs", "in", *(view.looped or view.case or ("value",))


def _ending(view: View, cut: Cut) -> Iterator[Words]:
    """Name by what it means that the function returns there, which depends on what it returns."""
    name = view.place.node.name
    value = cut.jump.value if isinstance(cut.jump, ast.Return) else None
    if isinstance(value, ast.Constant) and value.value is False:
        asks = split(name)[:1] and split(name)[0] in _JUDGING
        yield (
            ("is", "not", *split(name)[1:])
            if asks and split(name)[0] == "is"
            else ("rules", "out", *view.noun)
        )
    elif _is_nothing(value):
        yield ("is", "invalid", *view.noun) if view.verb in _READING else ("has", "no", *view.noun)
    elif value is None and isinstance(cut.jump, ast.Return):
        yield from _leaving(view, cut)
    yield "is", *view.noun, "done"


def _is_nothing(value: ast.expr | None) -> bool:
    match value:
        case ast.Constant(value=constant):
            return not constant
        case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]):
            return True
        case _:
            return False


def _leaving(view: View, cut: Cut) -> Iterator[Words]:
    """Name a plain ``return``: of a generator that has yielded nothing so far, or of a function that acts."""
    yields = [node for node in walk(view.place.node.body) if isinstance(node, ast.Yield | ast.YieldFrom)]
    if yields and all(node.lineno > cut.statements[-1].lineno for node in yields) and not view.item:
        yield "yields", "nothing"
        yield "has", "no", *view.noun
    elif not yields and view.verb:
        yield "has", "nothing", "to", view.verb


def subject(view: View) -> Words:
    """Return the words of what most tests of the statements are about."""
    found = Counter(
        words for node in walk(view.statements) if isinstance(node, ast.If) and (words := _inner(node.test))
    )
    return max(found, key=lambda words: found[words], default=())


def matched(view: View, cut: Cut) -> Words:
    """Return the words of what tests ask about: what they compare, the case, or else what is passed in."""
    about = subject(view)
    if about and about[-1] != "match":
        return about
    given = (thing_of(name) for name in cut.parameters)
    return (
        view.case
        or view.looped
        or next((words for words in given if words and not is_pale(words)), view.noun)
    )


def _inner(test: ast.expr) -> Words:
    """Return the words of the attribute that a test compares; the name of what is called is none."""
    functions = {id(node.func) for node in ast.walk(test) if isinstance(node, ast.Call)}
    nodes = [node for node in ast.walk(test) if isinstance(node, ast.Attribute) and id(node) not in functions]
    return noun_of(nodes[0]) if nodes else ()
