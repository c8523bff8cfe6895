"""Docs: the docstring of a new function, where its neighbours have one or a comment says what it does."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.naming.acts import called, walk
from selfimprove.executor.refactor.naming.headings import heading, verb_phrase
from selfimprove.executor.refactor.naming.words_of import PREPOSITIONS, imperative

if TYPE_CHECKING:
    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Source

_LONGEST = 72
"""Characters of a one-line docstring, without quotes and indentation."""

_SHORT = 24  # characters of a value that a docstring can show
_FEWEST = 2  # private functions with docstrings from which a file's habit can be told


class Doc(NamedTuple):
    """A docstring's text, without quotes, and the lines of the comment that it replaces.

    ``comment`` has the first and the last line of that comment, numbers as in the source; ``None`` for no comment.
    """

    text: str
    comment: tuple[int, int] | None = None


def docstring_for(source: Source, cut: Cut, name: str) -> Doc | None:
    """Return the docstring of the function ``name`` that ``cut`` becomes, ``None`` for none.

    There is one when the name was taken from the comment over the cut, which it then replaces, and when most private
    functions of the file have one and there is something to say that the name does not.
    """
    return _from_comment(source, cut, name) or _from_habit(source, cut, name)


def _from_comment(source: Source, cut: Cut, name: str) -> Doc | None:
    found = heading(source, cut)
    words = verb_phrase(found.text) if found is not None else ()
    if found is None or not words or words[0] not in name.lower() or words[-1] not in name.lower():
        return None
    text = _whole(source, found.first, found.last)
    if len(text) > _LONGEST or "\\" in text or '"""' in text or "'''" in text:
        return None
    sentence = _sentence(text, third_person=_says_returns(source))
    if sentence.count(". ") or _adds_nothing(sentence, name):
        return None
    return Doc(sentence, (found.first, found.last))


def _from_habit(source: Source, cut: Cut, name: str) -> Doc | None:
    """Say what the result of the function means to its caller, where the file's private functions have docstrings.

    Where there are hardly any private ones, those of all others tell the file's habit.
    """
    private = [place.node for place in source.places if _is_private(place.node.name)]
    others = [place.node for place in source.places if not place.node.name.startswith("__")]
    asked = private if len(private) >= _FEWEST else others
    having = sum(ast.get_docstring(node) is not None for node in asked)
    if having < _FEWEST or having * 2 <= len(asked):
        return None
    told = _told(cut, name)
    return Doc(_sentence(told, third_person=_says_returns(source))) if told else None


def _told(cut: Cut, name: str) -> str:
    function = cut.place.node.name
    if cut.leaves is Leaves.MAYBE:
        return f"Return what {function} returns, or None for it to go on"
    match cut.jump:
        case ast.Continue():
            return "Return True to skip the rest of the loop's body"
        case ast.Break():
            return "Return True to end the loop"
        case ast.Return(value=None):
            return f"Return True when {function} has nothing more to do"
        case ast.Return(value=value) if value is not None and len(ast.unparse(value)) < _SHORT:
            return f"Return True when {function} is to return {ast.unparse(value)}"
    told = _given_back(cut) or _raised(cut, name)
    return "" if _adds_nothing(told, name) else told


def _given_back(cut: Cut) -> str:
    """Say which values a tuple has, when there are several."""
    if cut.leaves is not Leaves.END or len(cut.results) < _FEWEST or cut.is_generator:
        return ""
    *first, last = cut.results
    return f"Return {', '.join(first)} and {last}"


def _raised(cut: Cut, called_as: str) -> str:
    """Say which error is raised by statements that give nothing back, when it is always the same."""
    nodes = [node for node in walk(cut.statements) if isinstance(node, ast.Raise)]
    names = {called(node.exc) if isinstance(node.exc, ast.Call) else "" for node in nodes}
    name = names.pop() if len(names) == 1 else ""
    if (
        not called_as.startswith(("_check", "_validate"))
        or cut.results
        or cut.leaves not in (Leaves.END, Leaves.PASS)
        or not name[:1].isupper()
    ):
        return ""
    return f"Raise {name} for what is not allowed"


def _whole(source: Source, first: int, last: int) -> str:
    return " ".join(source.line(number).strip().lstrip("#!:").strip() for number in range(first, last + 1))


def _sentence(text: str, *, third_person: bool) -> str:
    """Return ``text`` as a sentence: a capital letter, a verb in the form that the file uses, a full stop."""
    first, space, rest = text.strip().partition(" ")
    plain = imperative(first.strip(",.;:"))
    if plain is not None and first.isalpha():
        first = _third(plain) if third_person else plain
    text = (first[:1].upper() + first[1:] + space + rest).rstrip(" ,;:")
    return text if text.endswith((".", "!", "?")) else text + "."


def _third(verb: str) -> str:
    if verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")


def _adds_nothing(sentence: str, name: str) -> bool:
    """True when every word of the sentence stands in the name as well."""
    known = name.lower()
    words = re.findall(r"[a-z]+", sentence.lower())
    return all(word in known or word in PREPOSITIONS or word in ("a", "an", "the") for word in words)


def _says_returns(source: Source) -> bool:
    """True for a file whose docstrings begin "Returns the", not "Return the"."""
    third = plain = 0
    for place in source.places:
        words = (ast.get_docstring(place.node) or "").split(maxsplit=1)
        verb = imperative(words[0]) if words else None
        if verb is not None and words[0].lower() != verb:
            third += words[0].lower().endswith("s")
        elif verb is not None:
            plain += 1
    return third > plain


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")
