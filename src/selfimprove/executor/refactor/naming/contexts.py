"""Contexts: what hangs on a condition, from which a predicate has its name (`_should_skip_line`)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import Words, acts, called, is_pale, noun_of, verb_of
from selfimprove.executor.refactor.naming.making import question_in
from selfimprove.executor.refactor.naming.predicates import question
from selfimprove.executor.refactor.naming.words_of import split, strong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def asked(test: ast.expr, holder: ast.stmt | None, noun: Words, item: Words) -> Iterator[Words]:
    """Yield names for the condition ``test``, the best first.

    ``holder`` is the statement that hangs on it, ``noun`` what the function is about and ``item`` what its
    innermost loop goes over.
    """
    if words := question(test):
        yield words
    if holder is not None:
        yield from _decides(test, _innermost(holder, test), noun, item)
    subjects = [words for node in _parts(test) if (words := noun_of(node))]
    kinds = any(
        isinstance(node, ast.Call) and called(node) in ("isinstance", "len", "all") for node in ast.walk(test)
    )
    for words in subjects:
        yield "is", "valid" if kinds else "special", *words
    yield "is", "special", *noun


def _innermost(holder: ast.stmt, test: ast.expr) -> ast.stmt:
    """Return the statement that has the condition: an ``elif`` is in the ``else`` of the statement before it."""
    inside = [
        node for node in ast.walk(holder) if isinstance(node, ast.If | ast.While) and _holds(node.test, test)
    ]
    return inside[-1] if inside else holder


def _parts(test: ast.expr) -> Sequence[ast.expr]:
    return test.values if isinstance(test, ast.BoolOp) else (test,)


def _decides(test: ast.expr, holder: ast.stmt, noun: Words, item: Words) -> Iterator[Words]:
    match holder:
        case ast.If(body=body) if _holds(holder.test, test):
            yield from _leads_to(body, noun, item)
        case ast.While():
            yield "has", "more", *(item or noun)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            if words := question_in(name) or strong(split(name)):
                yield words if question_in(name) else ("is", *words)
        case ast.Return():
            words = noun
            if words:
                yield "is", *words


def _holds(whole: ast.expr, part: ast.expr) -> bool:
    return any(node is part or ast.dump(node) == ast.dump(part) for node in ast.walk(whole))


def _leads_to(body: Sequence[ast.stmt], noun: Words, item: Words) -> Iterator[Words]:
    match body[0]:
        case ast.Continue():
            yield "should", "skip", *(item or noun)
        case ast.Break():
            yield "should", "stop", *noun
        case ast.Raise():
            yield "is", "invalid", *noun
        case ast.Assign(targets=[target], value=ast.Call() as call) if is_pale(noun_of(target)) and verb_of(
            called(call)
        ):
            yield "should", verb_of(called(call)), *(split(called(call))[1:] or noun_of(call))
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            if words := noun_of(target):
                yield "needs", *words
    for act in acts(body):
        if act.noun and act.verb not in ("iter", "run"):
            yield "should", act.verb, *act.noun
