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
    is_text,
    many_of,
    noun_of,
    object_of,
    one_of,
    verb_of,
    walk,
)
from selfimprove.executor.refactor.naming.checks import checking
from selfimprove.executor.refactor.naming.deeds import by_acts
from selfimprove.executor.refactor.naming.guards import guarding, matched
from selfimprove.executor.refactor.naming.headings import (
    Heading,
    case_in,
    comment_over,
    heading,
    inner,
    noun_phrase,
    opening,
    verb_phrase,
)
from selfimprove.executor.refactor.naming.making import bindings, is_truth, making_verb, question_in
from selfimprove.executor.refactor.naming.outcomes import added, by_result, by_results, hosted
from selfimprove.executor.refactor.naming.predicates import case_of
from selfimprove.executor.refactor.naming.view import HOSTS, ROLES, View, returned, thing_of
from selfimprove.executor.refactor.naming.words_of import listed, split, strong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut

_LOOKING = listed("find get lookup search locate select choose pick detect guess resolve match")
_LONGEST = 30
_MANY = 2  # things that a name can list


def candidates(view: View, cut: Cut) -> Iterator[Words]:
    """Yield what the function that ``cut`` becomes could be called, the best first.

    Trusted in this order: a result that asks a question, the comment over the cut, what kind of thing the cut is
    (generator, guard, check), its result and how that is made, and what it does to what.
    """
    asks = question_in(cut.results[0]) if len(cut.results) == 1 else ()
    if asks and not view.verbs:
        yield asks
    yield from _from_heading(view, cut)
    if (item := _whole_body(view, cut)) and view.verb in HOSTS | _DEALING:
        yield view.verb, *item
    if cut.is_generator:
        yield from _iterating(view)
    if cut.leaves is Leaves.GUARD:
        yield from guarding(view, cut)
    if cut.leaves is Leaves.MAYBE:
        yield from _maybe(view)
    yield from checking(view, cut)
    if asks:  # and does more than that
        yield from by_acts(view, cut)
    yield from by_results(view, cut)
    if cut.leaves is Leaves.RETURN:
        yield from _returning(view, cut)
    if not cut.is_generator:
        yield from by_acts(view, cut)


_DEALING = listed("process handle visit dispatch")


def _whole_body(view: View, cut: Cut) -> Words:
    """Return the words of what a loop goes over when the cut is all of its body, and that is what it is all about."""
    if not view.path or (cut.first, cut.last) != (0, len(cut.block) - 1):
        return ()
    around, _ = view.path[-1]
    if isinstance(around, ast.If) and len(view.path) > 1 and not is_pale(view.item):
        around, _ = view.path[-2]
    about = isinstance(around, ast.For | ast.AsyncFor) and view.noun and view.item
    return view.item if about and one_of(view.noun)[-1] == view.item[-1] else ()


def _from_heading(view: View, cut: Cut) -> Iterator[Words]:
    found = heading(view.source, cut)
    if found is None:
        whole = opening(view.source, cut) or inner(view.source, cut) or _last_heading(view, cut)
        words = verb_phrase(whole.text) or verb_phrase(whole.more) if whole is not None else ()
        if words and _is_done(words[0], view, cut):
            yield words
        return
    if words := verb_phrase(found.text):
        if _is_done(words[0], view, cut):
            yield words
    elif words := case_in(found.text):
        yield view.verb or "handle", *words
    elif found.whole and (words := noun_phrase(found.text)) and view.verbs:
        yield view.verbs[0], *words


_SEEKING = listed("find get locate look search loop iterate walk traverse")
_GATHERING = listed("collect build gather create make find get generate return")


def _is_done(verb: str, view: View, cut: Cut) -> bool:
    """False for a verb that is not what the whole is for: what is found must be given back, what is built as well.

    A comment "find all parents" over a loop is about the loop's head only, and a generator collects nothing.
    """
    if cut.is_generator:
        return verb not in _GATHERING
    if verb not in _SEEKING:
        return True
    given = {node.id for node in returned(view) if isinstance(node, ast.Name)}
    if cut.leaves is Leaves.RETURN:
        return not given or not given <= set(cut.parameters)
    return cut.leaves is not Leaves.END or bool(set(cut.results) - set(cut.parameters))


def _last_heading(view: View, cut: Cut) -> Heading | None:
    """Return the comment over the last paragraph, when all that is given back is made there."""
    last = cut.statements[-1]
    if len(cut.statements) == 1 or len(cut.results) != 1 or strong(split(cut.results[0])):
        return None
    return comment_over(view.source, last) if bindings(cut.results[0], [last]) else None


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


def _returning(view: View, cut: Cut) -> Iterator[Words]:
    values = returned(view)
    if view.verb == "compare":
        yield "compare", *(view.case or view.looped or view.noun)
    if view.case:
        yield from _on_case(view, view.case)
    if view.verbs and values and all(map(_is_fixed, values)):
        yield from by_acts(view, cut)
    yield from _by_returned(view, cut, values)
    if view.verb in _GENERAL:
        yield from by_acts(view, cut)
    if not view.verb:
        yield from _assigned(view)
    if view.by_type and view.verb and not object_of(view.place.node.name):
        for case in _cases_inside(view):
            yield from _on_case(view, case)
    if values and view.looped and not object_of(view.place.node.name):
        yield _telling(view.verb), *view.looped
    if values:
        yield _telling(view.verb), *view.noun
    nouns = {words for value in values if isinstance(value, ast.Attribute) and (words := noun_of(value))}
    if len(nouns) == 1:
        yield "resolve", *nouns.pop()
    for case in _cases_inside(view) if view.verb else ():
        yield from _on_case(view, case)


def _is_fixed(value: ast.expr) -> bool:
    """True for a value that says nothing about what was done: a constant, an empty list."""
    return isinstance(value, ast.Constant) or (isinstance(value, ast.List | ast.Tuple) and not value.elts)


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
    """Name a part by what it returns: a variable that it makes, a truth, a text, a new object."""
    if any(isinstance(value, ast.Call) and called(value) == view.place.node.name for value in values):
        whole = comment_over(view.source, cut.statements[0])
        if whole is not None and (words := verb_phrase(whole.text)):
            yield words
        yield view.verb or "handle", *matched(view, cut)
    for name in dict.fromkeys(node.id for node in values if isinstance(node, ast.Name)):
        telling = not is_pale(strong(split(name))) or (name not in cut.parameters and added(view, name))
        if telling and bindings(name, view.statements):
            yield from by_result(view, name, goes_in=name in cut.parameters)
    yield from _by_several(view, values)
    last = values[-1] if values else None
    if values and all(map(is_truth, values)) and not view.verbs:
        compared = (
            last.args[0] if isinstance(last, ast.Call) and called(last) == "bool" and last.args else last
        )
        if isinstance(compared, ast.Compare) and isinstance(compared.ops[0], ast.Eq):
            yield "are", "equal"
        yield "matches", *matched(view, cut)
    if isinstance(last, ast.Call) and called(last)[:1].isupper() and (words := noun_of(last)):
        yield hosted(view, "build"), *words


def _by_several(view: View, values: Sequence[ast.expr]) -> Iterator[Words]:
    """Name by two variables that are returned together, or by what all texts or things that are returned say."""
    if all(map(is_truth, values)):
        return
    last = values[-1]
    if isinstance(last, ast.Tuple) and len(last.elts) == _MANY:
        one, two = map(noun_of, last.elts)
        if one and two and one != two:
            yield _telling(view.verb), one[-1], "and", two[-1]
    nouns = Counter(words for value in values if (words := noun_of(value)) and not is_pale(words))
    best = max(nouns, key=lambda words: nouns[words], default=())
    if best and any(isinstance(value, ast.BinOp) for value in values) and all(map(is_text, values)):
        yield "format", *best
    calls = {called(value) for value in values if isinstance(value, ast.Call)}
    if best and len(calls) == 1 and len(nouns) == 1 and not verb_of(calls.pop()):
        yield hosted(view, "build"), *best


_GENERAL = listed("process handle run main execute perform do apply")
_ALSO = listed("handle process open compare call")
_THIN = listed("get init do make on")


def _on_case(view: View, case: Words) -> Iterator[Words]:
    """Yield the function's verb with the case that the statements are for: what they do it to, or when."""
    if not view.verb:
        yield "handle", *case
    elif view.verb in HOSTS | _ALSO or set(case) & set(view.noun) or not object_of(view.place.node.name):
        yield view.verb, *case
    else:
        if len("_".join((view.verb, *view.noun[-1:], "for", *case))) < _LONGEST:
            yield view.verb, *view.noun[-1:], "for", *case
        yield view.verb, "for", *case


def at_last(view: View, cut: Cut) -> Iterator[Words]:
    """Yield names for what nothing better was found for."""
    done = next((verb for verb in view.verbs if verb != "call"), "handle")
    verb = "iter" if cut.is_generator else view.verb or done
    if view.case:
        yield verb, *view.case
    if view.looped:
        yield verb, *view.looped
    for name in chain(cut.results, cut.parameters):
        if (words := thing_of(name)) and not is_pale(words):
            yield verb, *words
    yield verb, *view.noun
    yield "process", *view.noun


def mentioned(view: View) -> Iterator[Words]:
    """Yield names from any word of the statements: what is left when there is nothing else."""
    for node in walk(view.statements):
        if isinstance(node, ast.Name | ast.Attribute) and (words := noun_of(node)):
            yield view.verb or "handle", *words
