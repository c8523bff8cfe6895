"""Phrasing: what a run of statements could be called, the best name first."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.naming.acts import (
    Words,
    called,
    is_pale,
    many_of,
    noun_of,
    object_of,
    one_of,
    walk,
)
from selfimprove.executor.refactor.naming.checks import checking
from selfimprove.executor.refactor.naming.deeds import by_acts
from selfimprove.executor.refactor.naming.headings import case_in, heading, noun_phrase, opening, verb_phrase
from selfimprove.executor.refactor.naming.making import bindings, is_truth, making_verb, question_in
from selfimprove.executor.refactor.naming.outcomes import by_result, by_results, hosted
from selfimprove.executor.refactor.naming.predicates import case_of, question
from selfimprove.executor.refactor.naming.view import HOSTS, ROLES, View, returned, thing_of
from selfimprove.executor.refactor.naming.words_of import listed, split, strong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut

_LOOKING = listed("find get lookup search locate select choose pick detect guess resolve match")
_LONGEST = 30
_MANY = 2  # things that a name can list


def candidates(view: View, cut: Cut) -> Iterator[Words]:
    """Yield what the function that ``cut`` becomes could be called, the best first; at last always something.

    Trusted in this order: a result that asks a question, the comment over the cut, what kind of thing the cut is
    (generator, guard, check), its result and how that is made, and what it does to what.
    """
    if len(cut.results) == 1 and (words := question_in(cut.results[0])):
        yield words
    yield from _from_heading(view, cut)
    if cut.is_generator:
        yield from _iterating(view)
    if cut.leaves is Leaves.GUARD:
        yield from _guarding(view, cut)
    if cut.leaves is Leaves.MAYBE:
        yield from _maybe(view)
    yield from checking(view, cut)
    yield from by_results(view, cut)
    if cut.leaves is Leaves.RETURN:
        yield from _returning(view, cut)
    yield from by_acts(view, cut)
    yield from _at_last(view, cut)


def _from_heading(view: View, cut: Cut) -> Iterator[Words]:
    found = heading(view.source, cut)
    if found is None:
        whole = opening(view.source, cut)
        if whole is not None and (words := verb_phrase(whole.text)):
            yield words
        return
    if words := verb_phrase(found.text):
        yield words
    elif words := case_in(found.text):
        yield view.verb or "handle", *words
    elif (words := noun_phrase(found.text)) and view.verbs:
        yield view.verbs[0], *words


def _iterating(view: View) -> Iterator[Words]:
    nouns = [act.noun for act in view.acts if act.verb == "iter"]
    named = [words for words in nouns if words and len(one_of(words)[-1]) > 3]
    name = view.place.node.name
    if (one := _agreed(nouns)) is not None:
        yield "iter", *one
    if named and view.noun[-1].endswith("ed"):
        yield "iter", *named[0]
    if not object_of(name):
        yield from (("iter", *words) for words in nouns if words)
    if view.verb or name not in ROLES:
        yield "iter", *many_of(view.noun)
    yield from (("iter", *words) for words in named)


def _agreed(nouns: Sequence[Words]) -> Words | None:
    """Return the words that all yields have, when they say something."""
    one = nouns[0] if nouns and len(set(nouns)) == 1 else ()
    return one if one and not is_pale(one) and len(one_of(one)[-1]) > 3 else None


def _guarding(view: View, cut: Cut) -> Iterator[Words]:
    if view.verbs and view.case and view.verb in _DEALING:
        yield view.verb, *view.case
    if view.verbs:
        yield from (("try", *words) for words in by_acts(view, cut))
    yield from _by_jump(view, cut)
    if isinstance(cut.jump, ast.Return) and cut.jump.value is None and not view.verbs:
        yield "should", "skip", *view.noun
    yield "is", *view.noun, "done"


def _by_jump(view: View, cut: Cut) -> Iterator[Words]:
    only = cut.statements[0] if len(cut.statements) == 1 else None
    match cut.jump:
        case ast.Continue():
            yield "should", "skip", *(view.item or view.noun)
        case ast.Break():
            yield "should", "stop", *view.noun
        case ast.Return(value=ast.Constant(value=True)):
            yield "matches", *_matched(view, cut)
        case _ if isinstance(only, ast.If) and (words := question(only.test)):
            yield words
        case _ if view.verb == "compare":
            yield "differs", "in", *(view.looped or view.case or ("value",))


def _maybe(view: View) -> Iterator[Words]:
    if view.verb == "compare":
        yield "compare", *(view.case or view.looped or view.noun)
    nouns = Counter(words for value in returned(view) if (words := noun_of(value)) and not is_pale(words))
    if view.case and view.verb not in _LOOKING:
        yield from _on_case(view, view.case)
    if nouns and (not view.verb or view.verb in _LOOKING):
        yield "find", *max(nouns, key=lambda one: nouns[one])
    if case := _common_case(view):
        yield from _on_case(view, case)
    for case in _cases_inside(view):
        yield from _on_case(view, case)
    yield view.verb or "find", *view.noun


def _common_case(view: View) -> Words:
    """Return the case that several tests of the statements have a part in."""
    tests = [node.test for node in walk(view.statements) if isinstance(node, ast.If)]
    parts = [part for test in tests for part in (test.values if isinstance(test, ast.BoolOp) else [test])]
    parts = [part for part in parts if not _is_about_nothing(part)]
    cases = Counter(words for part in parts if isinstance(part, ast.Compare) and (words := case_of(part)))
    best = max(cases, key=lambda words: cases[words], default=())
    if len(view.statements) == 1 or len(cases) <= 1:
        return ()
    return best if cases[best] > 1 else _common_subject(parts)


def _is_about_nothing(part: ast.expr) -> bool:
    return (
        isinstance(part, ast.Compare)
        and isinstance(part.comparators[0], ast.Constant)
        and (part.comparators[0].value is None)
    )


def _common_subject(parts: Sequence[ast.expr]) -> Words:
    """Return the words of the variable that several tests compare with something."""
    found = Counter(
        words
        for part in parts
        if isinstance(part, ast.Compare) and isinstance(part.left, ast.Name) and (words := noun_of(part.left))
    )
    best = max(found, key=lambda words: found[words], default=())
    return best if found[best] > 1 else ()


def _cases_inside(view: View) -> Iterator[Words]:
    for node in walk(view.statements):
        if isinstance(node, ast.If) and (words := case_of(node.test)):
            yield words


def _subject(view: View) -> Words:
    """Return the words of what most tests of the statements are about."""
    found = Counter(
        words for node in walk(view.statements) if isinstance(node, ast.If) and (words := _inner(node.test))
    )
    return max(found, key=lambda words: found[words], default=())


def _matched(view: View, cut: Cut) -> Words:
    """Return the words of what tests ask about: what they compare, the case, or else what is passed in."""
    subject = _subject(view)
    if subject and subject[-1] != "match":
        return subject
    given = (thing_of(name) for name in cut.parameters)
    return (
        view.case
        or view.looped
        or next((words for words in given if words and not is_pale(words)), view.noun)
    )


def _inner(test: ast.expr) -> Words:
    """Return the words of the attribute that a test compares."""
    nodes = [node for node in ast.walk(test) if isinstance(node, ast.Attribute)]
    return noun_of(nodes[0]) if nodes else ()


def _returning(view: View, cut: Cut) -> Iterator[Words]:
    values = returned(view)
    if view.verb == "compare":
        yield "compare", *(view.case or view.looped or view.noun)
    if view.case:
        yield from _on_case(view, view.case)
    yield from _by_returned(view, cut, values)
    if view.verb in _GENERAL:
        yield from by_acts(view, cut)
    if not view.verb:
        yield from _assigned(view)
    if values:
        yield _telling(view.verb), *view.noun
    nouns = {words for value in values if isinstance(value, ast.Attribute) and (words := noun_of(value))}
    if len(nouns) == 1:
        yield "resolve", *nouns.pop()
    for case in _cases_inside(view) if view.verb else ():
        yield from _on_case(view, case)


def _assigned(view: View) -> Iterator[Words]:
    """Name a part by the two variables to which it gives values in the same way."""
    names = dict.fromkeys(
        node.targets[0].id
        for node in walk(view.statements)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    )
    words = [strong(split(name)) for name in names]
    if len(words) == _MANY and all(words):
        verbs = {making_verb(name, view.statements, goes_in=False) for name in names}
        if len(verbs) == 1 and not verbs & {"resolve", "get", "choose"}:
            yield verbs.pop(), *words[0], "and", *words[1]


def _telling(verb: str) -> str:
    return verb if verb and verb not in _THIN else "build"


def _by_returned(view: View, cut: Cut, values: Sequence[ast.expr]) -> Iterator[Words]:
    """Name a part by what it returns: a variable that it makes, a truth, a new object."""
    for name in dict.fromkeys(node.id for node in values if isinstance(node, ast.Name)):
        if bindings(name, view.statements) and not is_pale(strong(split(name))):
            yield from by_result(view, name, goes_in=name in cut.parameters)
    if values and all(map(is_truth, values)) and not view.verbs:
        yield "matches", *_matched(view, cut)
    last = values[-1] if values else None
    if isinstance(last, ast.Call) and called(last)[:1].isupper() and (words := noun_of(last)):
        yield hosted(view, "build"), *words


_GENERAL = listed("process handle run main execute perform do apply")
_THIN = listed("get init do make on")
_DEALING = listed("handle process visit dispatch convert format parse")


def _on_case(view: View, case: Words) -> Iterator[Words]:
    """Yield the function's verb with the case that the statements are for: what they do it to, or when."""
    if not view.verb:
        yield "handle", *case
    elif view.verb in HOSTS or view.verb in ("handle", "process", "open", "compare", "call"):
        yield view.verb, *case
    else:
        if len("_".join((view.verb, *view.noun[-1:], "for", *case))) < _LONGEST:
            yield view.verb, *view.noun[-1:], "for", *case
        yield view.verb, "for", *case


def _at_last(view: View, cut: Cut) -> Iterator[Words]:
    verb = view.verb or (view.verbs[0] if view.verbs else "handle")
    if view.case:
        yield verb, *view.case
    if view.looped:
        yield verb, *view.looped
    for name in chain(cut.results, cut.parameters):
        if (words := thing_of(name)) and not is_pale(words):
            yield verb, *words
    yield verb, *view.noun
    yield "process", *view.noun
