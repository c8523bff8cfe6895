"""Contexts: what hangs on a condition, from which a predicate has its name (`_should_skip_line`)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import Words, acts, called, is_pale, noun_of
from selfimprove.executor.refactor.naming.function_names import verb_of
from selfimprove.executor.refactor.naming.making import is_truth, making_verb, question_in
from selfimprove.executor.refactor.naming.predicates import case_of, marked, question
from selfimprove.executor.refactor.naming.words_of import BOTH, head, split, strong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def asked(
    test: ast.expr, holder: ast.stmt | None, noun: Words, item: Words, said: Words = ()
) -> Iterator[Words]:
    """Yield names for the condition ``test``, the best first.

    ``holder`` is the statement that hangs on it, ``noun`` what the function is about, ``item`` what its innermost
    loop goes over, and ``said`` what a comment says is done when it holds.
    """
    if _is_value(test) and (words := _made(test, holder)):
        yield words
        return
    if holder is not None and not any(map(is_truth, _parts(test))) and not _is_tested(test, holder):
        yield from _chosen(test, noun)
        return
    if words := question(test):
        yield words
    if said:
        yield "should", *said
    if holder is not None:
        yield from _decides(test, _innermost(holder, test), noun, item)
    subjects = [words for node in _parts(test) if (words := noun_of(node))]
    kinds = any(
        isinstance(node, ast.Call) and called(node) in ("isinstance", "len", "all") for node in ast.walk(test)
    )
    for words in subjects:
        yield "is", "valid" if kinds else "special", *words
    yield "is", "special", *noun


def _is_tested(value: ast.expr, holder: ast.stmt) -> bool:
    """True when an expression, or one like it, stands where only its truth counts."""
    wanted = ast.dump(value)
    tests: list[ast.expr] = []
    for node in ast.walk(holder):
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            tests.append(node.test)
        elif isinstance(node, ast.comprehension):
            tests += node.ifs
    while tests:
        one = tests.pop()
        if ast.dump(one) == wanted:
            return True
        if isinstance(one, ast.BoolOp):
            tests += one.values
        elif isinstance(one, ast.UnaryOp):
            tests.append(one.operand)
    return False


def _chosen(value: ast.expr, noun: Words) -> Iterator[Words]:
    """Yield names for an expression that is one of several values: of the first that says what they are."""
    todo, found = [value], []
    while todo:
        match todo.pop(0):
            case ast.IfExp(body=body, orelse=orelse):
                todo += [body, orelse]
            case ast.BoolOp(values=values):
                todo += values
            case one:
                found.append(one)
    for one in found:
        if (words := noun_of(one)) and not is_pale(words):
            yield "choose", *words
    yield "choose", *noun


def _kind(test: ast.expr) -> Words:
    """Return the kind of thing that a condition asks for first, before it asks for more."""
    first = test.values[0] if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else test
    asked = isinstance(first, ast.Call) and called(first) == "isinstance"
    return case_of(first) if asked else ()


def _is_value(node: ast.expr) -> bool:
    """True for an expression that is no truth for certain: ``x.copy() if x else {}``, ``x or ""``."""
    match node:
        case ast.BoolOp(values=values):
            return any(map(_is_value, values))
        case ast.IfExp(body=body, orelse=orelse):
            return _is_value(body) or _is_value(orelse)
        case ast.Call():
            return called(node) in _VALUES
        case ast.Constant(value=value):
            return not isinstance(value, bool | None)
        case _:
            return isinstance(node, _DISPLAYS)


_VALUES = frozenset(
    ["list", "dict", "tuple", "set", "sorted", "sum", "max", "min", "len", "join", "str", "int"]
)
_DISPLAYS = (
    ast.Dict, ast.List, ast.Tuple, ast.Set, ast.JoinedStr, ast.BinOp, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp,
)  # fmt: skip


def _made(value: ast.expr, holder: ast.stmt | None) -> Words:
    """Return the words for a value that is no truth, of the variable that it is for."""
    match holder:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            words = strong(head(split(name)))
            verb = making_verb(name, [holder], goes_in=False)
            return (verb, *words) if words and _holds(holder.value or value, value) else ()
        case _:
            return ()


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
            yield from _leads_to(test, body, noun, item)
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


def _leads_to(test: ast.expr, body: Sequence[ast.stmt], noun: Words, item: Words) -> Iterator[Words]:
    match body[0]:
        case ast.Continue():
            yield "should", "skip", *(item or noun)
        case ast.Break():
            if kind := _kind(test):
                yield "is", *kind
            yield "should", "stop", *(item or noun)
        case ast.Raise():
            yield "is", "invalid", *noun
        case statement:
            yield from _leads_to_value(test, statement)
    for act in acts(body):
        if act.noun and act.verb not in ("iter", "run"):
            yield "should", act.verb, *act.noun


_GETTING = ("", "get", "choose", "resolve", "compute")


def _deed(name: str) -> Words:
    """Return the verb in the name of a function that gives something, and what follows it; () for a plain one."""
    verb, words = verb_of(name), split(name)
    if verb in _GETTING or (len(words) == 1 and verb in BOTH):
        return ()
    return words if words[0] == verb else (verb,)


def _leads_to_value(test: ast.expr, statement: ast.stmt) -> Iterator[Words]:
    match statement:
        case ast.Assign(value=ast.Constant(value=str()) as text) if words := marked(text):
            yield "is", *words
        case ast.AugAssign(value=ast.Constant(value=str()) as text) if words := marked(text):
            yield "needs", *words
        case ast.Assign(targets=[target], value=ast.Call() as call) if deed := _deed(called(call)):
            verb, *rest = deed
            noun = noun_of(target)
            yield "should", verb, *(rest or (() if is_pale(noun) else noun))
        case ast.Assign(targets=[ast.Name() as target]) | ast.AnnAssign(target=ast.Name() as target):
            if (words := noun_of(target)) and _asks_about(test, target.id):
                yield "should", "update", *words
        case ast.Return(value=ast.Name(id=name) | ast.Attribute(attr=name)):
            if words := strong(split(name)):
                yield "should", "return", *words


def _asks_about(test: ast.expr, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(test))
