"""Cases: a name from the case that statements are for: ``_handle_empty_row``, ``_parse_for_bytes``."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import Words, noun_of, walk
from selfimprove.executor.refactor.naming.function_names import object_of
from selfimprove.executor.refactor.naming.predicates import case_of
from selfimprove.executor.refactor.naming.view import HOSTS, View
from selfimprove.executor.refactor.naming.words_of import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LONGEST = 30
_ALSO = listed("handle process open compare call")


def on_case(view: View, case: Words) -> Iterator[Words]:
    """Yield the function's verb with the case that the statements are for: what they do it to, or when."""
    if not view.verb:
        yield "handle", *case
    elif view.verb in HOSTS | _ALSO or set(case) & set(view.noun) or not object_of(view.place.node.name):
        yield view.verb, *case
    else:
        if len("_".join((view.verb, *view.noun[-1:], "for", *case))) < _LONGEST:
            yield view.verb, *view.noun[-1:], "for", *case
        yield view.verb, "for", *case


def on_each_case(view: View) -> Iterator[Words]:
    """Yield the function's verb with each case that the statements test for."""
    for node in walk(view.statements):
        if isinstance(node, ast.If) and (words := case_of(node.test)):
            yield from on_case(view, words)


def common_case(view: View) -> Words:
    """Return the case that several tests of the statements have a part in."""
    tests = [node.test for node in walk(view.statements) if isinstance(node, ast.If)]
    parts = [part for test in tests for part in (test.values if isinstance(test, ast.BoolOp) else [test])]
    parts = [part for part in parts if not _is_about_nothing(part)]
    cases = Counter(words for part in parts if isinstance(part, ast.Compare) and (words := case_of(part)))
    best = commonest(cases)
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
    best = commonest(found)
    return best if found[best] > 1 else ()


def commonest(found: Counter[Words]) -> Words:
    """Return the words that were found most often, of several the first; () when there are none."""
    return max(found, key=lambda words: found[words], default=())
