"""Naming: the name that a careful person would give to statements or an expression that become a function."""

from __future__ import annotations

import ast
import builtins
import keyword
from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.naming.acts import called, noun_of, walk
from selfimprove.executor.refactor.naming.contexts import asked
from selfimprove.executor.refactor.naming.headings import comment_over, verb_phrase
from selfimprove.executor.refactor.naming.phrasing import at_last, candidates, mentioned
from selfimprove.executor.refactor.naming.predicates import case_of
from selfimprove.executor.refactor.naming.view import View
from selfimprove.executor.refactor.naming.words_of import (
    VERBS,
    head,
    imperative,
    joined,
    meaningful,
    plural,
    split,
    strong,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.naming.acts import Words
    from selfimprove.executor.refactor.source import Place, Source

_LONGEST = 30
"""Characters of the longest name, with its underscore."""

_MOST_WORDS = 4
_LINKS = ("and", "or")
_JOINTS = frozenset([*_LINKS, "of", "for", "in", "with", "to", "from", "by"])
_ASKING = ("should", "needs", "has", "is", "can")
_DOING = ("process", "handle", "do", "run")
_FILLING = frozenset([*_DOING, "build", "make", "get", "resolve", "create"])


def name_for(source: Source, cut: Cut, taken: Container[str]) -> str:
    """Return a private name for the function that ``cut`` becomes: 2 to 4 words, at most 30 characters.

    It comes from a comment over the cut, what the cut results in and how that is made, the condition of the branch
    that it is, and what it does to what. A name that is ``taken`` is told apart by a further word of the code, never by
    a number. A cut that is one ``return`` of a condition, put before the statement that tests it, is named as that
    condition. Raises RefactorError when every name is taken.
    """
    view = View(source, cut.place, cut.statements, cut)
    return _first_free(view, _all(view, cut), at_last(view, cut), taken)


def _all(view: View, cut: Cut) -> Iterator[Words]:
    only = cut.statements[0] if len(cut.statements) == 1 else None
    if isinstance(only, ast.Return) and only.value is not None:
        after = cut.block[cut.last + 1] if cut.last + 1 < len(cut.block) else None
        yield from asked(only.value, after, view.noun, view.item, _said(view, only, only.value, after))
    yield from candidates(view, cut)


def _said(view: View, only: ast.stmt, test: ast.expr, after: ast.stmt | None) -> Words:
    """Return what a comment says is done when a condition holds: over its ``if``, or at the top of the branch."""
    wanted = ast.dump(test)
    for node in ast.walk(after) if after is not None else ():
        if isinstance(node, ast.If) and ast.dump(node.test) == wanted:
            found = comment_over(view.source, only) if node is after else None
            found = found or comment_over(view.source, node.body[0])
            return verb_phrase(found.text) if found is not None else ()
    return ()


def name_for_test(source: Source, place: Place, expression: ast.expr, taken: Container[str]) -> str:
    """Return a private name for the function that ``expression`` becomes: for a condition, a question.

    Raises RefactorError when every name is taken.
    """
    holder = _holder_of(place.node, expression)
    view = View(source, place, (holder,) if holder is not None else (), None)
    return _first_free(view, asked(expression, holder, view.noun, view.item), (), taken)


def _holder_of(function: ast.AST, expression: ast.expr) -> ast.stmt | None:
    """Return the innermost statement that has the expression in it."""
    found = None
    for node in ast.walk(function):
        if (
            isinstance(node, ast.stmt)
            and node is not function
            and any(one is expression for one in ast.walk(node))
        ):
            found = node
    return found


def _first_free(view: View, offered: Iterable[Words], last: Iterable[Words], taken: Container[str]) -> str:
    """Return the first name that is free, of those that are ``offered`` and, after these, of those of ``last``."""
    name = ""
    for name in _names(view, offered, last, mentioned(view)):
        if _is_free(name, view, taken):
            return name
    if name:
        raise RefactorError(f"every name for a part of {view.place.symbol} is taken", where=view.source.path)
    raise RefactorError(f"nothing in a part of {view.place.symbol} gives it a name", where=view.source.path)


def _names(view: View, *groups: Iterable[Words]) -> Iterator[str]:
    """Yield the names of each group, as they are, then told apart by a further word.

    What only repeats the function's own name comes behind all others.
    """
    camel = _is_camel(view.source)
    tried: list[Words] = []
    repeating: list[Words] = []
    for group in groups:
        for fitted in filter(None, (_fit(words, view) for words in group)):
            if fitted in tried or fitted in repeating:
                continue
            repeats = _repeats(fitted, view)
            if not repeats or (repeats == "own" and _recurs(view)):
                tried.append(fitted)
            if repeats:
                repeating.append(fitted)
            else:
                yield joined(fitted, camel=camel)
        yield from _qualified(view, tried, camel)
    yield from (joined(words, camel=camel) for words in repeating)
    yield from _qualified(view, repeating, camel)


def _repeats(words: Words, view: View) -> str:
    """Tell whether a name is the function's "own" but for a number, or that "filled" up with a verb; else ""."""
    own = tuple(word for one in split(view.place.node.name) if (word := one.rstrip("0123456789")))
    if sorted(words) == sorted(own):
        return "own"
    if len(own) > 1 and own[0] in VERBS:
        return "filled" if words[0] in _DOING and words[1:] == own[1:] else ""
    return "filled" if words[0] in _FILLING and len(own) > 1 and words[1:] == own else ""


def _qualified(view: View, tried: Sequence[Words], camel: bool) -> Iterator[str]:
    """Yield names with a further word of the code, the nearest first."""
    if not tried:
        return
    further = list(dict.fromkeys(_further(view)))
    for words in tried[:8]:
        for more in further:
            if set(more) & set(words):
                continue
            for mixed in ((words[0], *more[-1:], *words[1:]), (*words, "for", *more[-1:])):
                fitted = _fit(mixed, view)
                if fitted is not None and more[-1] in fitted:
                    yield joined(fitted, camel=camel)


def _further(view: View) -> Iterator[Words]:
    if _recurs(view):
        yield ("nested",)
    cases = (
        case_of(node.test)
        for node, suite in reversed(view.path)
        if isinstance(node, ast.If) and suite == "body"
    )
    yield from filter(None, (view.case, *cases, view.noun, view.item, view.owner, view.looped))
    if view.cut is not None:
        for name in (*view.cut.results, *view.cut.parameters):
            if words := strong(split(name)):
                yield words
    for node in walk(view.statements):
        if isinstance(node, ast.Assign) and (words := noun_of(node.targets[0])):
            yield words


def _recurs(view: View) -> bool:
    """True when the statements call the function that they are in, by its name or on ``self``."""
    name = view.place.node.name
    return any(
        isinstance(node, ast.Call)
        and called(node) == name
        and (isinstance(node.func, ast.Name) or isinstance(getattr(node.func, "value", None), ast.Name))
        for node in walk(view.statements)
    )


def _fit(words: Sequence[str], view: View) -> Words | None:
    """Return ``words`` as the words of a name, cut down to its length; ``None`` when nothing is left of them."""
    verb, *noun = (_unnumbered(word.lower(), view) for word in words if word)
    kept = _sifted(verb, noun)
    if not any(map(meaningful, kept)):
        kept = [word for word in view.noun if word != verb]
    kept = _shortened(verb, kept)
    return (verb, *kept) if _is_sayable(verb, kept) else None


def _shortened(verb: str, kept: list[str]) -> list[str]:
    """Return the words of an object cut down to what a name can hold, [] when half of it would say something else."""
    if _is_short(verb, kept):
        return kept
    if "for" in kept[1:]:  # a case: its last word, and that of what is done in it
        at = kept.index("for", 1)
        ways = ([*kept[: at + 1], kept[-1]], [kept[at - 1], "for", kept[-1]])
        return next((way for way in ways if _is_short(verb, way)), [])
    if not set(kept).isdisjoint(_LINKS):
        return []
    kept = list(head(kept))
    first = int(verb in _ASKING and len(kept) > 1 and kept[0] in VERBS)
    while len(kept) > first and not _is_short(verb, kept):
        del kept[first]
    return kept[:0] if len(kept) == first else kept


def _is_short(verb: str, kept: Sequence[str]) -> bool:
    words = sum(word not in _LINKS for word in kept)
    return words < _MOST_WORDS and len(joined((verb, *kept))) <= _LONGEST


def _is_sayable(verb: str, kept: Sequence[str]) -> bool:
    name = "".join((verb, *kept))
    return bool(kept) and kept[-1] not in _JOINTS and name.isascii() and name.isalnum()


def _unnumbered(word: str, view: View) -> str:
    """Return ``value`` for ``value2``, when that stands beside it."""
    plain = word.rstrip("0123456789")
    if plain == word:
        return word
    names = {node.arg for node in ast.walk(view.place.node.args) if isinstance(node, ast.arg)}
    if {f"{plain}1", f"{plain}2"} <= names:
        return plural(plain)
    return (
        plain if any(isinstance(n, ast.Name) and n.id == plain for n in ast.walk(view.place.node)) else word
    )


def _sifted(verb: str, noun: list[str]) -> list[str]:
    """Return the words of an object without what the verb says already, nor any word twice."""
    if verb == "wait" and noun[:1] != ["for"]:
        noun = ["for", *noun]
    same = imperative(verb) or verb
    kept = [word for at, word in enumerate(noun) if word not in (verb, same, *noun[:at])]
    if len(kept) > 1 and kept[0].endswith("ed") and kept[0][:4] == verb[:4]:
        del kept[0]  # visit visited_item
    return kept


def _is_free(name: str, view: View, taken: Container[str]) -> bool:
    bare = name.lstrip("_")
    return (
        name not in taken
        and len(name) <= _LONGEST
        and not keyword.iskeyword(bare)
        and not hasattr(builtins, name)
        and name not in _attributes(view.place)
        and bare not in _others(view)
    )


def _others(view: View) -> frozenset[str]:
    """The names of the file's functions: two that differ in an underscore only are mistaken for each other."""
    return frozenset(place.node.name for place in view.source.places)


def _attributes(place: Place) -> frozenset[str]:
    owner = place.owner
    if owner is None:
        return frozenset()
    return frozenset(
        node.attr if isinstance(node, ast.Attribute) else node.name
        for node in ast.walk(owner)
        if isinstance(node, ast.Attribute | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )


def _is_camel(source: Source) -> bool:
    """True for a file most of whose functions of several words are named likeThis."""
    names = [place.node.name.strip("_") for place in source.places]
    camel = sum("_" not in name and name[:1].islower() and not name.islower() for name in names)
    return camel > sum("_" in name for name in names)
