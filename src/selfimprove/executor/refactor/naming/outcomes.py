"""Outcomes: a name from what statements result in and how that is made: ``parse_port``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import GIVES, Words, called, is_pale, many_of, noun_of, walk
from selfimprove.executor.refactor.naming.deeds import by_acts
from selfimprove.executor.refactor.naming.function_names import object_of, verb_of
from selfimprove.executor.refactor.naming.making import bindings, grows_by, is_plain, is_truth, making_verb
from selfimprove.executor.refactor.naming.view import HOSTS, View, thing_of
from selfimprove.executor.refactor.naming.words_of import head, listed, plural, split, strong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut


_MANY = 2  # things that a name can list
_PLACES = ("idx", "index", "pos", "position", "offset")
_WHERE = listed("end start tell span")
_DEALING = listed("process handle group visit strip")
_TAKING = listed("update load build init create copy extend merge fill populate import")


def by_results(view: View, cut: Cut) -> Iterator[Words]:
    """Yield names after the variables that a cut gives back, the best first."""
    if len(cut.results) == 1 and cut.results[0].endswith(_PLACES) and view.verb in _DEALING:
        yield from _at_place(view, cut)
    elif len(cut.results) == 1 and cut.results[0].endswith(_PLACES):
        yield from by_acts(view, cut)
    if _prefers_acts(view, cut):
        yield from by_acts(view, cut)
    if view.by_type and view.case and view.verb in _TAKING and len(view.verbs) > 1:
        yield view.verb, "from", *view.case
    if len(cut.results) == 1:
        yield from by_result(view, cut.results[0], goes_in=cut.results[0] in cut.parameters)
    elif len(cut.results) == _MANY:
        yield from _by_two(view, cut)
    elif cut.results:
        yield from _by_many(view, cut)


def _at_place(view: View, cut: Cut) -> Iterator[Words]:
    """Name by what it deals with what only gives back where it came to."""
    arguments = {one.arg for one in ast.walk(cut.place.node.args) if isinstance(one, ast.arg)}
    order = sorted(cut.parameters, key=lambda name: (name in arguments, name.startswith("_")))
    things = (thing_of(name) for name in order if not name.endswith(_PLACES))
    yield from ((view.verb, *words) for words in things if words)


def _by_two(view: View, cut: Cut) -> Iterator[Words]:
    one, two = map(thing_of, cut.results)
    verb = _common_verb(view, cut)
    if one and one == two:  # sep and sep_func
        yield verb, *max(map(split, cut.results), key=len)
    if verb == "resolve" and view.case and len(cut.statements) == 1:
        yield "handle", *view.case
    one, two = head(one), head(two)
    if one and two and one[-1] == two[-1] and one[-1].endswith("ed"):
        yield verb, one[-1], "flags"
    elif not one or not two:
        yield from ((verb, *words) for words in (one, two) if words)
    elif one[-1] == two[-1]:
        yield verb, *many_of((one[-1],))
    else:
        yield verb, one[-1], "and", two[-1]


def _by_many(view: View, cut: Cut) -> Iterator[Words]:
    """Name three results and more by what their names share, or by the case that they are for."""
    words = [split(name) for name in cut.results]
    flags = all(map(is_truth, (value for name in cut.results for value in assigned(name, view.statements))))
    if len({one[0] for one in words}) == 1 and len(words[0]) > 1:
        yield "resolve", words[0][0], "flags" if flags else "values"
    if len({one[-1] for one in words}) == 1 and len(words[0]) > 1:
        yield "resolve", plural(words[0][-1])
    if view.case:
        yield "handle", *view.case
    for name in cut.results:
        if thing := thing_of(name):
            yield hosted(view, "resolve"), *thing


def assigned(name: str, statements: Sequence[ast.stmt]) -> Iterator[ast.expr]:
    """Yield the values that a variable is assigned, also those in a tuple."""
    for node in bindings(name, statements):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                yield from (
                    value
                    for one, value in zip(names, values, strict=False)
                    if isinstance(one, ast.Name) and one.id == name
                )
            case ast.Assign(value=value):
                yield value
            case ast.AnnAssign(value=value) if value is not None:
                yield value


def _prefers_acts(view: View, cut: Cut) -> bool:
    """True when the result is a by-product: it has no name to speak of, or much more is set than given back."""
    sets = sum(act.verb == "set" for act in view.acts)
    nameless = all(not strong(split(name)) for name in cut.results)
    values = [value for name in cut.results for value in assigned(name, view.statements)]
    constant = all(
        isinstance(value, ast.Constant) or (isinstance(value, ast.Call) and called(value) in _WHERE)
        for value in values
    )
    if view.verb == "init" and sets >= _MANY:
        return True
    return bool(cut.results) and (
        sets > _MANY * len(cut.results) or (bool(view.verbs) and nameless and constant)
    )


def _common_verb(view: View, cut: Cut) -> str:
    verbs = {making_verb(name, view.statements, goes_in=name in cut.parameters) for name in cut.results}
    if verbs <= {"build", "collect"}:
        return "build"
    verb = verbs.pop() if len(verbs) == 1 else "resolve"
    return view.verb if (is_plain(verb) or verb == "resolve") and view.verb in HOSTS - {"validate"} else verb


def by_result(view: View, name: str, *, goes_in: bool) -> Iterator[Words]:
    """Yield names from one variable and how it is made; ``goes_in`` says that it had a value before."""
    words = strong(split(name))
    verb = making_verb(name, view.statements, goes_in=goes_in)
    if verb == "get" and len(view.statements) > _MANY:
        verb = "build"
    one = bool(words) and many_of(words) != words
    if verb == "collect" and one and is_pale(words):
        verb = "resolve"
    if goes_in and is_pale(words) and (applied := _applied(view, name)):
        yield applied
    if verb in ("count", "sum", "compute") and words[:1] in (("count",), ("num",), ("total",)):
        verb, words = "count", words[1:]
    noun = _noun_for(view, name, words, verb)
    yield hosted(view, verb), *noun
    if goes_in and grows_by(bindings(name, view.statements)):
        yield "append", *noun


def _noun_for(view: View, name: str, words: Words, verb: str) -> Words:
    """Return the words of a variable, or those of what it is made of where its own say little."""
    telling = words and (not is_pale(words) or many_of(words) == words)
    return (words if telling else added(view, name)) or _made_noun(view, name, verb) or words or view.noun


def added(view: View, name: str) -> Words:
    """Return the words of what is put into a variable whose name says nothing."""
    for node in bindings(name, view.statements):
        match node:
            case ast.Expr(value=ast.Call(args=[argument])) if (words := noun_of(argument)) and not is_pale(
                words
            ):
                return many_of(words)
    return ()


def _applied(view: View, name: str) -> Words:
    """Return the words of the one function that gives a variable with a name that says nothing its new value."""
    calls = [
        value
        for node in bindings(name, view.statements)
        if isinstance(value := getattr(node, "value", None), ast.Call)
    ]
    if len(calls) != 1 or called(calls[0])[:1].isupper():
        return ()
    words = split(called(calls[0]))
    verb = verb_of(called(calls[0]))
    if verb and len(words) > 1:
        return verb, *object_of(called(calls[0]))
    return () if verb or not strong(words) or hasattr(str, called(calls[0])) else ("apply", *words)


def _made_noun(view: View, name: str, verb: str) -> Words:
    values = [getattr(node, "value", None) for node in bindings(name, view.statements)]
    if len(values) == 1 and isinstance(values[0], ast.Call) and called(values[0]) in GIVES:
        return noun_of(values[0])
    nouns = {
        words
        for value in values
        if not _is_constant(value) and (words := noun_of(value)) and not is_pale(words)
    }
    if len(nouns) != 1:
        return ()
    words = nouns.pop()
    return many_of(words) if verb == "collect" or _adds_up(view.statements) else words


def _adds_up(statements: Sequence[ast.stmt]) -> bool:
    """True when a loop adds what a function gives: ``total += size_of(part)``."""
    return any(
        isinstance(node, ast.AugAssign) and isinstance(node.value, ast.Call)
        for loop in statements
        if isinstance(loop, ast.For | ast.While)
        for node in walk(loop.body)
    )


def _is_constant(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Name) and value.id.isupper()


def hosted(view: View, verb: str) -> str:
    """Return the function's own verb in place of one that says nothing."""
    fits = is_plain(verb) or (verb == "resolve" and view.verb == "parse")
    return view.verb if fits and view.verb in HOSTS else verb
