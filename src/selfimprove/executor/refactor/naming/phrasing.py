"""Phrasing: what a run of statements could be called, the best name first."""

from __future__ import annotations

import ast
from itertools import chain
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.naming.acts import Words, is_pale, many_of, noun_of, one_of, walk
from selfimprove.executor.refactor.naming.cases import common_case, commonest, on_case, on_each_case
from selfimprove.executor.refactor.naming.checks import checking
from selfimprove.executor.refactor.naming.deeds import by_acts
from selfimprove.executor.refactor.naming.function_names import object_of
from selfimprove.executor.refactor.naming.guards import guarding
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
from selfimprove.executor.refactor.naming.making import bindings, question_in
from selfimprove.executor.refactor.naming.outcomes import by_results
from selfimprove.executor.refactor.naming.returns import returning, told_by
from selfimprove.executor.refactor.naming.view import HOSTS, ROLES, View, returned, thing_of
from selfimprove.executor.refactor.naming.words_of import listed, split, strong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut

_LOOKING = listed("find get lookup search locate select choose pick detect guess resolve match")


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
        yield from returning(view, cut)
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
    nouns = told_by(returned(view))
    if view.case and view.verb not in _LOOKING:
        yield from on_case(view, view.case)
    if nouns and (not view.verb or view.verb in _LOOKING):
        yield "find", *commonest(nouns)
    if case := common_case(view):
        yield from on_case(view, case)
    yield from on_each_case(view)
    yield view.verb or "find", *view.noun


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
