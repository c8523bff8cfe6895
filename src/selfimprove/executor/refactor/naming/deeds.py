"""Deeds: a name from what statements do to what: ``add_header``, ``init_attributes``."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import (
    Words,
    is_pale,
    walk,
)
from selfimprove.executor.refactor.naming.predicates import FLAGS
from selfimprove.executor.refactor.naming.view import HOSTS, View, thing_of
from selfimprove.executor.refactor.naming.words_of import VERBS, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut


_MANY = 2  # things that a name can list


def by_acts(view: View, cut: Cut) -> Iterator[Words]:
    """Name what the statements do to what."""
    flag = view.case[0] if len(view.case) == 1 and view.case[0] in VERBS else ""
    for verb in view.verbs:
        nouns = _treated(view, verb)
        if verb == "set" and len(nouns) > 1 and not view.case:
            yield from _setting(view, list(nouns))
            return
        if verb == "call":
            if len(view.verbs) == 1:
                yield from _calling(view, cut)
            return
        if flag and flag != verb and nouns and verb in ("update", "fill", "set", "add"):
            yield flag, *next(iter(nouns))
        yield from _objects(view, cut, verb, nouns)


def _treated(view: View, verb: str) -> Counter[Words]:
    """Return what something is done to, and how often."""
    return Counter(act.noun for act in view.acts if act.verb == verb and act.noun)


def _calling(view: View, cut: Cut) -> Iterator[Words]:
    """Name what calls functions of which the name is no verb: it deals with the case, or with what it is given."""
    verb = view.verb if view.verb in HOSTS else "handle"
    if view.around and view.looped:
        yield verb, *view.around, view.looped[-1]
    yield from _each(verb, view.case, view.looped, view.item, *_given(cut), view.noun)


def _objects(view: View, cut: Cut, verb: str, nouns: Counter[Words]) -> Iterator[Words]:
    clear = [words for words in nouns if not is_pale(words)]
    best = max(clear, key=lambda words: nouns[words], default=())
    if not clear or len(nouns) > 1:
        yield from _each(verb, view.case)
    if len(nouns) == 1:
        yield from _each(verb, best)
    elif clear and len({words[-1] for words in nouns}) == 1:
        yield verb, plural(best[-1])
    if not any(act.looped for act in view.acts if act.verb == verb):
        yield from _each(verb, best)
    yield from _each(verb, () if is_pale(view.looped) else view.looped, best, view.case)
    yield from _each(verb, () if is_pale(view.item) else view.item)
    if not nouns:
        yield from _each(verb, *_given(cut))
    yield from _each(verb, *nouns)


def _given(cut: Cut) -> Iterator[Words]:
    """Yield the words of the parameters that name a thing, those that the statements ask about first."""
    tests = [node.test for node in walk(cut.statements) if isinstance(node, ast.If)]
    asked = {node.id for test in tests for node in ast.walk(test) if isinstance(node, ast.Name)}
    for words in map(thing_of, sorted(cut.parameters, key=lambda name: name not in asked)):
        if not is_pale(words) and not FLAGS.issuperset(words):
            yield words


def _each(verb: str, *nouns: Words) -> Iterator[Words]:
    return ((verb, *words) for words in nouns if words)


def _things(view: View, nouns: Sequence[Words]) -> Iterator[Words]:
    """Name what sets several attributes or items of one thing by that thing; of ``self``, it is the state."""
    things = Counter(act.on for act in view.acts if act.verb == "set")
    best = max(things, key=lambda words: things[words])
    if best != ("self",) and things[best] * 2 > things.total():
        shared = {words[0] for words in nouns}
        if len(shared) == 1 and nouns[0][0] != best[0]:
            yield "set", *shared, *best
        yield "update", *best
    elif set(things) == {("self",)}:
        yield "update", "state"


def _setting(view: View, nouns: Sequence[Words]) -> Iterator[Words]:
    verb = "init" if view.verb == "init" else "set"
    if len(nouns) == _MANY and all(len(words) == 1 for words in nouns):
        yield verb, *nouns[0], "and", *nouns[1]
    elif len({words[-1] for words in nouns}) == 1:
        yield verb, plural(nouns[0][-1])
    if verb == "init":
        yield "init", "attributes"
    else:
        yield from _things(view, nouns)
    yield verb, nouns[0][-1], "and", nouns[1][-1]
    yield from ((verb, *words) for words in nouns)
