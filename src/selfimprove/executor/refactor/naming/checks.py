"""Checks: names for statements that only raise, or go on: ``check_limits``, ``validate_port``."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.naming.acts import Words, called, noun_of, walk
from selfimprove.executor.refactor.naming.making import making_verb
from selfimprove.executor.refactor.naming.words_of import (
    QUESTIONS,
    head,
    listed,
    plural,
    split,
    strong,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.naming.view import View

_MANY = 2  # things that a name can list


def checking(view: View, cut: Cut) -> Iterator[Words]:
    """Name what only raises (or goes on)."""
    if not view.fails or cut.leaves not in (Leaves.END, Leaves.PASS):
        return
    acting = any(verb not in ("fail", "abort", "assert", "print") for verb in view.verbs)
    if cut.results:
        yield from () if acting else _validating(view, cut)
        return
    raises = [node for node in walk(view.statements) if isinstance(node, ast.Raise)]
    if len(raises) == 1 and (words := _expected(raises[0])):
        yield "check", *words
    yield from _complained(view, acting=acting)
    if view.verb == "validate":
        yield "validate", *view.noun
        yield from (("validate", *words[-2:], *view.noun[-1:]) for words in _stored(view))
    if not acting:
        yield from _rejecting(view, cut)


def _complained(view: View, *, acting: bool) -> Iterator[Words]:
    """Name checks by what their messages complain about: one thing, two, or many that end in the same word."""
    subjects = list(dict.fromkeys(filter(None, map(_subject, _messages(view)))))
    verb = "validate" if view.verb == "validate" else "check"
    if len(subjects) == 1 and (not acting or verb == "validate"):
        yield verb, *subjects[0]
    elif len(subjects) == _MANY and subjects[0][-1] != subjects[1][-1]:
        yield verb, subjects[0][-1], "and", subjects[1][-1]
        yield "check", subjects[0][-1], "and", subjects[1][-1]
    ends = Counter(words[-1] for words in subjects)
    if subjects and (many := ends.most_common(1)[0])[1] > 1 and verb == "validate":
        yield verb, plural(many[0])


def _messages(view: View) -> Iterator[str]:
    """Yield the texts of the errors that are raised, in their order."""
    for node in walk(view.statements):
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and called(node) in ("fail", "abort")):
            text = "".join(
                one.value
                for one in ast.walk(node)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            yield text.strip()


_SUBJECTS = (
    re.compile(
        r"(?i)^(?:the )?([a-z_]+(?: [a-z_]+)?) (?:must|cannot|can't|requires?|should|has to|does not|too)\b"
    ),
    re.compile(r"(?i)^'?([a-z_]+(?: [a-z_]+)?)'? (?:is|are) not (?:valid|allowed|supported|permitted)\b"),
    re.compile(r"(?i)^invalid value for (?:the )?([a-z_]+)"),
    re.compile(
        r"(?i)^(?:invalid|unknown|unsupported|bad|wrong) ([a-z_]+(?: [a-z_]+)?)(?=$|[:,.;]| for\b| in\b)"
    ),
    re.compile(r"(?i)\bnot in the (range)\b"),
    re.compile(r"(?i)^([a-z]+ limit) (?:reached|exceeded)"),
)
_NOBODY = listed("it this that you there function method argument value arguments values")


def _subject(message: str) -> Words:
    """Return what an error's message complains about: "width must be positive"."""
    for pattern in _SUBJECTS:
        if found := pattern.search(message):
            words = strong(head([word for part in found[1].split() for word in split(part)]))
            if words and not _NOBODY.issuperset(words):
                return words
    return ()


def _rejecting(view: View, cut: Cut) -> Iterator[Words]:
    """Name checks by what they are about."""
    subjects = Counter(
        words
        for node in walk(view.statements)
        if isinstance(node, ast.If) and (words := _compared(node.test))
    )
    given = strong(split(cut.parameters[0])) if len(cut.parameters) == 1 else ()
    if len(subjects) > _MANY and not given and not view.place.node.name.startswith("_"):
        yield "validate", *view.noun
    if len(subjects) == 1 or (subjects and not given):
        yield "check", *max(subjects, key=lambda one: subjects[one])
    if given:
        yield "check", *given
    yield "validate", *view.noun


def _stored(view: View) -> Iterator[Words]:
    """Yield the words of the local variables, in the order in which they get a value."""
    for node in walk(view.statements):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and (words := noun_of(node.targets[0]))
        ):
            yield words


def _expected(node: ast.Raise) -> Words:
    """Return what an error's message says to be expected: "expected unique values, got ..."."""
    text = next(
        (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)),
        "",
    )
    found = re.match(r"(?i)expected (?:an? )?([a-z]+ [a-z]+)(?:,|;|$| but| got| not)", text)
    return split(found[1].replace(" ", "_")) if found else ()


def _compared(test: ast.expr) -> Words:
    """Return the words of what a test is about: of two that are compared, those of the one with more of them."""
    left = noun_of(test)
    if isinstance(test, ast.Compare) and len(left) < len(right := noun_of(test.comparators[0])):
        left = right
    return left[1:] if len(left) > 1 and left[0] in QUESTIONS else left


def _validating(view: View, cut: Cut) -> Iterator[Words]:
    """Name what raises, or gives back the one thing that it was given, perhaps in another form."""
    name = cut.results[0]
    if len(cut.results) == 1 and name in cut.parameters and strong(split(name)):
        verb = making_verb(name, view.statements, goes_in=True)
        if verb != "resolve" and verb != "find":
            yield "validate" if verb in ("parse", "update", "clean") else verb, *split(name)
