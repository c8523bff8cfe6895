"""Returns: a name for statements that end in ``return``, from what they return: ``_build_index``, ``_are_equal``."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import Words, called, is_pale, is_text, noun_of, walk
from selfimprove.executor.refactor.naming.cases import commonest, on_case, on_each_case
from selfimprove.executor.refactor.naming.deeds import by_acts
from selfimprove.executor.refactor.naming.function_names import object_of, verb_of
from selfimprove.executor.refactor.naming.guards import matched
from selfimprove.executor.refactor.naming.headings import comment_over, verb_phrase
from selfimprove.executor.refactor.naming.making import bindings, is_truth, making_verb
from selfimprove.executor.refactor.naming.outcomes import added, by_result, hosted
from selfimprove.executor.refactor.naming.view import View, returned
from selfimprove.executor.refactor.naming.words_of import listed, split, strong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut

_MANY = 2  # things that a name can list
_GENERAL = listed("process handle run main execute perform do apply")
_THIN = listed("get init do make on")


def returning(view: View, cut: Cut) -> Iterator[Words]:
    """Yield names for what always returns: by its case, what it returns, and what the function around it is for."""
    values = returned(view)
    if view.verb == "compare":
        yield "compare", *(view.case or view.looped or view.noun)
    if view.case:
        yield from on_case(view, view.case)
    if view.verbs and values and all(map(_is_fixed, values)):
        yield from by_acts(view, cut)
    yield from _by_returned(view, cut, values)
    if view.verb in _GENERAL:
        yield from by_acts(view, cut)
    if not view.verb:
        yield from _assigned(view)
    yield from _by_function(view, values)


def _is_fixed(value: ast.expr) -> bool:
    """True for a value that says nothing about what was done: a constant, an empty list."""
    return isinstance(value, ast.Constant) or (isinstance(value, ast.List | ast.Tuple) and not value.elts)


def _by_function(view: View, values: Sequence[ast.expr]) -> Iterator[Words]:
    """Name a part by the verb of the function around it, and by what that is about."""
    bare = not object_of(view.place.node.name)
    if view.by_type and view.verb and bare:
        yield from on_each_case(view)
    if values and view.looped and bare:
        yield _telling(view.verb), *view.looped
    if values:
        yield _telling(view.verb), *view.noun
    nouns = {words for value in values if isinstance(value, ast.Attribute) and (words := noun_of(value))}
    if len(nouns) == 1:
        yield "resolve", *nouns.pop()
    if view.verb:
        yield from on_each_case(view)


def _telling(verb: str) -> str:
    return verb if verb and verb not in _THIN else "build"


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


def _by_returned(view: View, cut: Cut, values: Sequence[ast.expr]) -> Iterator[Words]:
    """Name a part by what it returns: a variable that it makes, a truth, a text, a new object."""
    if any(isinstance(value, ast.Call) and called(value) == view.place.node.name for value in values):
        yield from _recursing(view, cut)
    yield from _by_variables(view, cut, values)
    if all(map(is_truth, values)):
        if values and not view.verbs:
            yield from _by_truth(view, cut, values[-1])
    else:
        yield from _by_pair(view, values[-1])
        yield from _by_several(view, values)
    last = values[-1] if values else None
    if isinstance(last, ast.Call) and called(last)[:1].isupper() and (words := noun_of(last)):
        yield hosted(view, "build"), *words


def _recursing(view: View, cut: Cut) -> Iterator[Words]:
    """Name what ends in a call of the function itself by the comment over it, or by what it asks about."""
    whole = comment_over(view.source, cut.statements[0])
    if whole is not None and (words := verb_phrase(whole.text)):
        yield words
    yield view.verb or "handle", *matched(view, cut)


def _by_variables(view: View, cut: Cut, values: Sequence[ast.expr]) -> Iterator[Words]:
    """Name by each variable that is made here and returned, when its name, or what is put into it, says something."""
    for name in dict.fromkeys(node.id for node in values if isinstance(node, ast.Name)):
        goes_in = name in cut.parameters
        telling = not is_pale(strong(split(name))) or (not goes_in and added(view, name))
        if telling and bindings(name, view.statements):
            yield from by_result(view, name, goes_in=goes_in)


def _by_truth(view: View, cut: Cut, last: ast.expr) -> Iterator[Words]:
    """Name what returns only truths by what it asks."""
    asked = last.args[0] if isinstance(last, ast.Call) and called(last) == "bool" and last.args else last
    if isinstance(asked, ast.Compare) and isinstance(asked.ops[0], ast.Eq):
        yield "are", "equal"
    yield "matches", *matched(view, cut)


def _by_pair(view: View, last: ast.expr) -> Iterator[Words]:
    """Name by two things that are returned together."""
    if isinstance(last, ast.Tuple) and len(last.elts) == _MANY:
        one, two = map(noun_of, last.elts)
        if one and two and one != two:
            yield _telling(view.verb), one[-1], "and", two[-1]


def _by_several(view: View, values: Sequence[ast.expr]) -> Iterator[Words]:
    """Name by what all texts that are returned say, or by what one function makes of one thing."""
    nouns = told_by(values)
    best = commonest(nouns)
    if not best:
        return
    if any(isinstance(value, ast.BinOp) for value in values) and all(map(is_text, values)):
        yield "format", *best
    calls = {called(value) for value in values if isinstance(value, ast.Call)}
    if len(calls) == 1 and len(nouns) == 1 and not verb_of(calls.pop()):
        yield hosted(view, "build"), *best


def told_by(values: Iterable[ast.expr]) -> Counter[Words]:
    """Count the words of the values that say something."""
    return Counter(words for value in values if (words := noun_of(value)) and not is_pale(words))
