"""Acts: what statements do and to what, as a verb and the words of its object."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.naming.function_names import object_of, own_noun, verb_of
from selfimprove.executor.refactor.naming.words_of import PALE, WEAK, listed, plural, singular, split, strong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Words = tuple[str, ...]
Done = tuple[str, Words] | tuple[str, Words, Words]

_LOOPS = ast.For | ast.AsyncFor | ast.While
_THROUGH = listed(
    "list tuple set frozenset sorted dict iter enumerate reversed str repr bytes len int float bool abs next zip range "
    "min max sum any all map filter isinstance issubclass hasattr callable type id hash print round deepcopy copy cast"
)
"""Functions that give back their argument in another form: the noun is the argument's."""

_METHODS = listed(
    "items keys values copy strip lstrip rstrip lower upper title casefold encode decode split rsplit splitlines "
    "partition rpartition format replace startswith endswith find rfind index count join read readline readlines "
    "close flush group groups get pop append extend add insert update setdefault remove discard sort reverse "
    "clear write writelines send recv match search fullmatch findall finditer sub capitalize isdigit iteritems "
    "popleft appendleft end start span groupdict"
)
"""Methods of the builtin types: the noun is the receiver's."""

_ADDING = listed("append add insert extend appendleft push put setdefault")
_QUIET = listed("debug info error exception log sleep close flush seek tell __init__")
_SAYING = {"warn": "warn", "warning": "warn", "print": "print", "echo": "print", "secho": "print"}
_PLACES = listed("i j k n idx index pos position key name")
_MARKS: dict[object, Words] = {
    '"': ("quote",),
    "'": ("quote",),
    "\n": ("newline",),
    ",": ("comma",),
    " ": ("space",),
}
GIVES = {"recv": "chunk", "read": "text", "readline": "line", "readlines": "lines"}
"""What is read from something is not that."""


class Act(NamedTuple):
    """Something done: ``verb`` to ``noun`` (words), whether in a loop of the statements, ``on`` what it is set."""

    verb: str
    noun: Words
    looped: bool
    on: Words = ()


def noun_of(node: ast.AST | None) -> Words:
    """Return the words that name the value of an expression, () when it has none that mean anything."""
    match node:
        case ast.Name(id=name):
            return strong(split(name))
        case ast.Attribute(attr=name, value=value):
            return strong(split(name)) or noun_of(value)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))) if key.isidentifier():
            return strong(split(key)) or noun_of(value)
        case ast.Subscript(value=value, slice=index):
            return noun_of(value) if isinstance(index, ast.Slice) else one_of(noun_of(value))
        case ast.Call():
            return _called_noun(node)
        case ast.ListComp(elt=elt) | ast.SetComp(elt=elt) | ast.GeneratorExp(elt=elt):
            return many_of(noun_of(elt)) or noun_of(node.generators[0].iter)
        case _:
            return next((words for one in _parts(node) if (words := noun_of(one))), ())


def _parts(node: ast.AST | None) -> Sequence[ast.expr]:
    """Return the parts of an expression that it can be named after, the best first."""
    match node:
        case ast.Await(value=value) | ast.Starred(value=value) | ast.UnaryOp(operand=value):
            return [value]
        case ast.NamedExpr(target=value) | ast.IfExp(body=value) | ast.Compare(left=value):
            return [value]
        case ast.BinOp(op=ast.Mod(), right=right) if is_text(node):
            return [right]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.BoolOp(values=[value, *_]) | ast.Tuple(elts=[*_, value]):
            return [value]
        case _:
            return []


_TEXT_CALLS = listed("gettext ngettext pgettext npgettext str repr join format")


def is_text(node: ast.AST | None) -> bool:
    """True for an expression that is a str for certain, or a translated one."""
    match node:
        case ast.JoinedStr() | ast.Constant(value=str()):
            return True
        case ast.BinOp(op=ast.Mod() | ast.Add(), left=left, right=right):
            return is_text(left) or (isinstance(node.op, ast.Add) and is_text(right))
        case ast.Call(args=[first, *_]) as call:
            name = called(call)
            return name.lstrip("_") in _TEXT_CALLS or (
                name.startswith("_") and is_text(first) and len(name) < 2
            )
        case _:
            return False


def walk(statements: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes in the order of the text, without what is in functions and classes of their own."""
    for node in statements:
        yield node
        if not isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            yield from walk(ast.iter_child_nodes(node))


def acts(statements: Iterable[ast.stmt], *, looped: bool = False) -> Iterator[Act]:
    """Yield what the statements do to things that outlive them, in the order of the text."""
    for statement in statements:
        for verb, noun, *on in _done(statement, looped):
            yield Act(verb, noun, looped, *on)
        inside = looped or isinstance(statement, _LOOPS)
        for suite in suites(statement):
            yield from acts(suite, looped=inside)


def suites(statement: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    """Yield the suites of a statement in the order of the text; a function or class keeps its own to itself."""
    if isinstance(statement, FunctionNode | ast.ClassDef):
        return
    yield getattr(statement, "body", ())
    for inner in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield inner.body
    yield getattr(statement, "orelse", ())
    yield getattr(statement, "finalbody", ())


def _done(statement: ast.stmt, looped: bool) -> Iterator[Done]:
    match statement:
        case ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.Await(value=ast.Call() as call)):
            yield from _by_call(call)
        case ast.Expr(value=ast.Yield(value=value)):
            yield "iter", _yielded(value, looped)
        case ast.Expr(value=ast.YieldFrom(value=value)):
            yield "iter", noun_of(value)
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _by_store(target, looped)
        case (
            ast.AugAssign(target=ast.Attribute() as target) | ast.AnnAssign(target=ast.Attribute() as target)
        ):
            verb = "update" if isinstance(statement, ast.AugAssign) else "set"
            yield verb, noun_of(target), _holder(target.value)
        case ast.Delete(targets=[target, *_]):
            yield "remove", noun_of(target)


def _yielded(value: ast.expr | None, looped: bool) -> Words:
    """Return the words for what is yielded: several things; one variable outside of a loop keeps its whole name."""
    if not looped and isinstance(value, ast.Name) and len(words := split(value.id)) > len(strong(words)) > 0:
        return words
    popped = isinstance(value, ast.Call) and called(value) in ("pop", "popleft")
    return noun_of(value) if popped else many_of(noun_of(value))


def _holder(value: ast.expr) -> Words:
    """Return the words of what something is set on, also those that say little: it is that, and not another."""
    return noun_of(value) or (split(value.id) if isinstance(value, ast.Name) else ())


def _by_store(target: ast.expr, looped: bool) -> Iterator[Done]:
    match target:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _by_store(part, looped)
        case ast.Attribute(value=value):
            yield "set", noun_of(target), _holder(value)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))) if key.replace(
            "-", "_"
        ).isidentifier():
            yield "set", strong(split(key)) or noun_of(value), _holder(value)
        case ast.Subscript(value=value, slice=key):
            noun = noun_of(value)
            if (
                isinstance(key, ast.Name)
                and key.id not in _PLACES
                and noun
                and singular(noun[-1]) != noun[-1]
            ):
                yield ("fill", noun) if looped else ("add", one_of(noun))
            else:
                yield "update", noun


def _by_call(call: ast.Call) -> Iterator[Done]:
    name, receiver = called(call), _receiver(call)
    argument = noun_of(call.args[-1]) if call.args else ()
    if _is_quiet(name, argument):
        return
    if _is_said(name, receiver):
        yield _SAYING.get(name, "print"), ()
    elif receiver is not None and name in _ADDING:
        yield _adding(call, noun_of(receiver), argument)
    elif receiver is not None and name in _METHODS:
        yield verb_of(name) or "get", noun_of(receiver) or argument
    elif verb := verb_of(name):
        yield verb, _treated(call, name) or noun_of(receiver)
    elif words := strong(split(name)):
        yield "call", words


def _receiver(call: ast.Call) -> ast.expr | None:
    """Return the object of which a method is called, ``None`` for a function."""
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _is_quiet(name: str, argument: Words) -> bool:
    """True for a call that does nothing worth telling."""
    return not name or name in _QUIET or (name == "next" and not argument)


def _is_said(name: str, receiver: ast.expr | None) -> bool:
    return name in _SAYING or (name == "write" and noun_of(receiver)[-1:] in (("stdout",), ("stderr",)))


def _treated(call: ast.Call, name: str) -> Words:
    """Return what a function does something to: the object in its name, or its first argument if that says more."""
    first = next((words for one in call.args if (words := noun_of(one))), ())
    named = object_of(name)
    return named if named and (not is_pale(named) or is_pale(first)) else first


def _adding(call: ast.Call, container: Words, argument: Words) -> tuple[str, Words]:
    """Return what putting something into a container is: adding to many things, or extending one."""
    if _is_thing(call):
        return "add", one_of(argument)
    if not argument and len(call.args) == 1 and isinstance(call.args[0], ast.Constant):
        argument = _MARKS.get(call.args[0].value, ())
        container = container if not argument else ()
    if container[-1:] and container[-1].endswith("stack"):
        single = bool(call.args) and not isinstance(call.args[-1], ast.Tuple) and argument
        return "push", one_of(argument) if single else ("to", *container)
    if not container or is_pale(container):
        return "add", container or one_of(argument)
    return ("add", container) if many_of(container) == container else ("extend", container)


def is_pale(words: Words) -> bool:
    """True for words that say little, and for none."""
    return all(word in PALE or word in WEAK for word in words)


def _is_thing(call: ast.Call) -> bool:
    """True when what is added is named better by itself than by what it is added to: a new object of a class."""
    first = call.args[-1] if call.args else None
    return isinstance(first, ast.Call) and called(first)[:1].isupper()


def called(call: ast.Call) -> str:
    """Return the last part of a called function's name, "" when it has none."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _called_noun(call: ast.Call) -> Words:
    name, receiver = called(call), _receiver(call)
    first = call.args[0] if call.args else None
    if key := _key(call, name):
        return key
    if receiver is None and name in _THROUGH:
        return noun_of(call.args[1] if name in ("map", "filter") and call.args[1:] else first)
    if receiver is not None and name in _METHODS:
        return _method_noun(name, receiver, first)
    own = own_noun(name)
    if own is None:  # a question, a maker
        return noun_of(receiver)
    return own or noun_of(first) or noun_of(receiver)


def _method_noun(name: str, receiver: ast.expr, first: ast.expr | None) -> Words:
    """Return the words of what a method of a builtin type gives: what is read, or the receiver in another form."""
    if name in GIVES:
        return (GIVES[name],)
    return noun_of(first if name == "join" or isinstance(receiver, ast.Constant) else receiver)


def _key(call: ast.Call, name: str) -> Words:
    """Return the words of the constant that a value is looked up by: ``getattr(x, "name")``, ``x.get("name")``."""
    at = {"getattr": 1, "get": 0, "pop": 0}.get(name)
    key = call.args[at] if at is not None and len(call.args) > at else None
    if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
        return strong(split(key.value))
    return ()


def one_of(words: Words) -> Words:
    """Return the words for one of the things."""
    return (*words[:-1], singular(words[-1])) if words else ()


def many_of(words: Words) -> Words:
    """Return the words for several of the things."""
    return (*words[:-1], plural(words[-1])) if words else ()
