"""Making: with which verb a variable gets its value in a run of statements (collect, parse, count, join, ...)."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import called, is_text, noun_of, walk
from selfimprove.executor.refactor.naming.words_of import BOTH, QUESTIONS, VERBS, listed, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BY_CALL = {
    "open": "open", "fdopen": "open", "read": "read", "readline": "read", "readlines": "read", "recv": "receive",
    "loads": "load", "load": "load", "safe_load": "load", "import_module": "import", "match": "match",
    "search": "find", "fullmatch": "match", "find": "find", "rfind": "find", "index": "find", "rindex": "find",
    "findall": "find", "finditer": "find", "split": "split", "rsplit": "split", "splitlines": "split",
    "partition": "split", "rpartition": "split", "int": "parse", "float": "parse", "Decimal": "parse",
    "Fraction": "parse", "strptime": "parse", "fromisoformat": "parse", "literal_eval": "parse", "sorted": "sort",
    "reversed": "reverse", "sum": "sum", "len": "count", "count": "count", "Counter": "count", "join": "join",
    "format": "format", "strftime": "format", "isoformat": "format", "repr": "format", "dumps": "format",
    "get": "get", "getattr": "get", "pop": "pop", "getitem": "get", "setdefault": "get", "max": "find", "min": "find",
    "strip": "clean", "lstrip": "clean", "rstrip": "clean", "replace": "clean", "lower": "normalize",
    "upper": "normalize", "casefold": "normalize", "encode": "encode", "decode": "decode", "b64decode": "decode",
    "b64encode": "encode", "quote": "quote", "unquote": "unquote", "compile": "compile", "copy": "copy",
    "deepcopy": "copy", "list": "collect", "tuple": "collect", "set": "collect", "dict": "build", "zip": "build",
    "round": "round", "ceil": "round", "floor": "round", "abspath": "resolve", "realpath": "resolve",
    "expanduser": "expand", "expandvars": "expand", "next": "find", "sub": "clean", "type": "create",
    "group": "get", "groups": "get", "groupdict": "get", "end": "find", "start": "find", "span": "find",
    "popleft": "pop", "str": "format", "hex": "format", "chain": "collect", "filter": "filter", "map": "collect",
}  # fmt: skip
"""The verb for a value that one of these functions or methods gives."""

_ADDS = listed("append add extend insert appendleft update push setdefault")
_OF_TEXT = listed("join format clean compute build")
_PLAIN = ("get", "build", "compute", "create")
"""Verbs that fit every value: one that the function's own name gives is better."""


def bindings(name: str, statements: Iterable[ast.stmt]) -> list[ast.AST]:
    """Return the nodes that give the variable a value or put something into it, in the order of the text."""
    return [node for node in walk(statements) if _binds(node, name)]


def making_verb(name: str, statements: Sequence[ast.stmt], *, goes_in: bool) -> str:
    """Return the verb for how the variable comes by its value; ``goes_in`` says that it had one before.

    The verb that most of its assignments ask for wins; of two, the one that comes first in the text.
    """
    made = bindings(name, statements)
    if goes_in and _is_one_test(name, statements):
        return "normalize"
    if verb := _by_shape(name, made, statements):
        return verb
    if made and all(isinstance(node, ast.AugAssign) for node in made):
        return grows_by(made) or ("update" if goes_in else "compute")
    values = list(filter(None, map(_value, made)))
    verb = _elected(values)
    if goes_in and verb in ("", "collect", "resolve", "choose", *_PLAIN):
        return _changing(name, statements, values)
    return verb or ("choose" if len(values) > 1 else "get")


def _by_shape(name: str, made: Sequence[ast.AST], statements: Sequence[ast.stmt]) -> str:
    """Return the verb for a default, a function, something found in a loop or something that grows; else ""."""
    if _is_default(name, statements):
        return "resolve"
    if any(isinstance(node, ast.FunctionDef) for node in made):
        return "make" if len(made) == 1 else "choose"
    if _is_found(made, name, statements):
        return "find"
    return _growing(made, statements) if _grows(made, name) else ""


def grows_by(made: Sequence[ast.AST]) -> str:
    """Return the verb of the function that gives all that is added to a variable: ``text += render_row(row)``."""
    verbs = {
        "" if called(node.value) in _BY_CALL else verb_in(called(node.value))
        for node in made
        if isinstance(node, ast.AugAssign) and isinstance(node.value, ast.Call)
    }
    return verbs.pop() if len(verbs) == 1 else ""


def _elected(values: Sequence[ast.expr]) -> str:
    """Return the verb that most values ask for, "resolve" where none has more than half."""
    plain = [value for value in values if not _is_start(value)] or values
    votes = Counter(verb for value in plain if (verb := _verb_for(value)))
    best = max(votes.values(), default=0)
    if len(values) > 1 and best * 2 <= sum(votes.values()):
        return "build" if votes.keys() <= _OF_TEXT else "resolve"
    return max(votes, key=lambda verb: votes[verb], default="")


def _changing(name: str, statements: Sequence[ast.stmt], values: Sequence[ast.expr]) -> str:
    """Return the verb for a variable that has a value before."""
    if _is_tested(name, statements):
        return "normalize"
    if any(_is_wrapped(value, name) for value in values):
        return "wrap"
    using = sum(_uses(value, name) for value in values)
    return "update" if using and using * 2 >= len(values) else "resolve"


def _is_found(made: Sequence[ast.AST], name: str, statements: Sequence[ast.stmt]) -> bool:
    """True when the variable is given what a loop comes across."""
    items = {
        one.id
        for node in walk(statements)
        if isinstance(node, ast.For | ast.AsyncFor)
        for one in ast.walk(node.target)
        if isinstance(one, ast.Name)
    }
    last = made[-1] if made else None
    if not any(isinstance(node, ast.Break) for node in walk(statements)):
        return False
    return (
        isinstance(last, ast.Assign) and isinstance(last.value, ast.Name) and last.value.id in items - {name}
    )


def _is_tested(name: str, statements: Sequence[ast.stmt]) -> bool:
    """True when the way a variable is changed depends on its type."""
    return any(
        isinstance(node, ast.Call)
        and called(node) in ("isinstance", "type")
        and isinstance(node.args[0] if node.args else None, ast.Name)
        and noun_of(node.args[0]) == noun_of(ast.Name(id=name))
        for node in walk(statements)
    )


def _is_one_test(name: str, statements: Sequence[ast.stmt]) -> bool:
    """True for one ``if`` without an ``else`` and nothing beside it, where the type of the variable is asked for."""
    only = statements[0] if len(statements) == 1 else None
    return isinstance(only, ast.If) and not only.orelse and _is_tested(name, [only])


def _is_wrapped(value: ast.expr, name: str) -> bool:
    """True for a thing of a class, or of a function without a verb, made around what the variable was."""
    return (
        isinstance(value, ast.Call)
        and bool(value.args)
        and isinstance(value.args[0], ast.Name)
        and value.args[0].id == name
        and not _verb_for_call(value).replace("create", "")
    )


def is_plain(verb: str) -> bool:
    """True for a verb that says nothing about how."""
    return verb in _PLAIN


def is_truth(value: ast.AST) -> bool:
    """True for an expression that can only be True or False."""
    match value:
        case ast.Constant(value=bool()) | ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.BoolOp(values=values):
            return all(map(is_truth, values))
        case ast.Call() as call:
            name = called(call)
            return name in ("isinstance", "issubclass", "callable", "hasattr", "any", "all", "bool") or (
                split(name)[:1] == ("is",) or name.startswith(("startswith", "endswith"))
            )
        case ast.Attribute(attr=name):
            return split(name)[:1] in (("is",), ("has",))
        case _:
            return False


def question_in(name: str) -> tuple[str, ...]:
    """Return the words of a variable whose name asks (``is_open``, ``needquote``), () for another."""
    words = split(name)
    if len(words) > 1 and words[0] == "no":
        return "has", *words
    if len(words) > 1 and words[0] in QUESTIONS:
        return ("needs", *words[1:]) if words[0] == "need" else words
    if len(words) == 1 and words[0].startswith("need") and len(words[0]) > 7 and words[0] != "needles":
        return "needs", words[0][4:]
    return ()


def _binds(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Assign(targets=targets):
            return any(_is_target(target, name) for target in targets)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
            return _is_target(target, name)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            return _is_target(target, name)
        case ast.FunctionDef(name=found):
            return found == name
        case ast.withitem(optional_vars=target):
            return target is not None and _is_target(target, name)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr=attr))):
            return found == name and attr in _ADDS
        case _:
            return False


def _is_target(target: ast.expr, name: str) -> bool:
    match target:
        case ast.Name(id=found) | ast.Subscript(value=ast.Name(id=found)):
            return found == name
        case ast.Starred(value=value):
            return _is_target(value, name)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return any(isinstance(part, ast.Name) and part.id == name for part in parts)
        case _:
            return False


def _value(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Assign(value=value) | ast.AugAssign(value=value) | ast.NamedExpr(value=value):
            return value
        case ast.AnnAssign(value=value):
            return value
        case ast.withitem(context_expr=value):
            return value
        case _:
            return None


def _is_start(value: ast.expr) -> bool:
    """True for what a variable has before its real value comes: None, "", 0, [], a truth."""
    match value:
        case ast.Constant():
            return True
        case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Call(args=[], keywords=[]) as call:
            return called(call) in ("list", "dict", "set", "deque", "OrderedDict", "tuple")
        case _:
            return False


def _grows(made: Sequence[ast.AST], name: str) -> bool:
    """True when things are put into it one after the other."""
    for node in made:
        match node:
            case ast.Expr():
                return True
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=found)), *_]) if found == name:
                return True
            case ast.AugAssign(value=ast.List() | ast.ListComp()):
                return True
    return False


def _growing(made: Sequence[ast.AST], statements: Sequence[ast.stmt]) -> str:
    """Return "collect" for things that are gathered in a loop as they are, else "build"."""
    loops = [node for node in walk(statements) if isinstance(node, ast.For | ast.AsyncFor)]
    gathered = any(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _plainly(node.value)
        for node in made
    )
    mapped = any(isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) for node in made)
    return "collect" if loops and gathered and not mapped else "build"


def _plainly(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[-1], ast.Name | ast.Attribute | ast.Tuple | ast.Subscript)


def _is_default(name: str, statements: Sequence[ast.stmt]) -> bool:
    """True for ``if x is None: x = ...`` (or ``if not x``) with nothing else."""
    statements = [one for one in statements if not isinstance(one, ast.Assert)]
    if len(statements) != 1 or not isinstance(statements[0], ast.If) or statements[0].orelse:
        return False
    match statements[0].test:
        case ast.Compare(left=ast.Name(id=found), ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            return found == name
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=found)):
            return found == name
        case _:
            return False


def _verb_for(value: ast.expr) -> str:
    match value:
        case ast.Await(value=inner) | ast.Starred(value=inner):
            return _verb_for(inner)
        case ast.Call() as call:
            return _verb_for_call(call)
        case ast.BinOp() if is_text(value):
            return "format"
        case ast.BinOp(op=ast.Add(), left=left, right=right) if _is_text(left) or _is_text(right):
            return "format"
        case ast.ListComp(elt=elt, generators=[one]) if one.ifs and ast.dump(elt) == _loaded(one.target):
            return "filter"
        case _:
            return _BY_KIND.get(type(value), "")


_BY_KIND: dict[type[ast.expr], str] = {
    ast.JoinedStr: "format", ast.BinOp: "compute", ast.ListComp: "collect", ast.SetComp: "collect",
    ast.GeneratorExp: "collect", ast.DictComp: "build", ast.Dict: "build", ast.List: "build", ast.Tuple: "build",
    ast.Set: "build", ast.Subscript: "get", ast.IfExp: "choose", ast.Constant: "choose", ast.Lambda: "choose",
    ast.BoolOp: "resolve", ast.Name: "resolve", ast.Attribute: "resolve",
}  # fmt: skip


def _verb_for_call(call: ast.Call) -> str:
    name = called(call)
    if name in _BY_CALL:
        return _BY_CALL[name]
    words = split(name)
    if words[:1] in (("from",), ("as",)) or "".join(words)[:1] != name.lstrip("_")[:1]:
        return "create"
    if words[:1] == ("to",):
        return "format"
    return verb_in(name)


def verb_in(name: str) -> str:
    """Return the verb that a function's name begins with; a word alone that is a noun as well (``end()``) is none."""
    words = split(name)
    return words[0] if words and words[0] in VERBS and (len(words) > 1 or words[0] not in BOTH) else ""


def _loaded(target: ast.expr) -> str:
    return ast.dump(target).replace("Store()", "Load()")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _uses(value: ast.expr, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(value))
