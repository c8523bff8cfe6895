"""Predicates: a condition in words: what it asks ("is_dict") and which case it singles out ("dict")."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.acts import Words, called, noun_of
from selfimprove.executor.refactor.naming.words_of import QUESTIONS, VERBS, listed, plural, split, strong

if TYPE_CHECKING:
    from collections.abc import Sequence

FLAGS = listed("verbose quiet debug silent trace dry")
"""Words of switches that say how much is told, not what a branch is about."""

_PAIR = 2
_NUMBERS = frozenset(["int", "float", "complex", "Number", "Decimal", "bool"])
_TEXTS = frozenset(["str", "bytes", "bytearray", "unicode", "basestring"])
_GROUPS = frozenset(["list", "tuple", "set", "frozenset", "Sequence", "Iterable", "deque"])
_FAMILIES = ((_NUMBERS, "number"), (_TEXTS, "text"), (_GROUPS, "collection"))


def question(test: ast.expr) -> Words:
    """Return what a condition asks, as the words of a predicate's name; () when it cannot be said in a few."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _denied(inner)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return () if _is_itself(left, op, right) else _compared(left, op, right)
        case ast.Compare(left=_, ops=[_, _], comparators=[middle, _]):
            return (*_asked("is", noun_of(middle)), "within", "bounds") if noun_of(middle) else ()
        case ast.Call() as call:
            return _called(call)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _flag(split(name))
        case ast.BoolOp(op=op, values=values):
            return _joined(op, values)
        case _:
            return ()


def case_of(test: ast.expr) -> Words:
    """Return the words of the case that a branch is for: ``isinstance(x, dict)`` is the case ``dict``.

    () for a condition that singles nothing out.
    """
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _case_compared(left, op, right)
        case ast.Call(args=[_, kind]) as call if called(call) in ("isinstance", "issubclass"):
            return kind_of(kind)
        case ast.Call(args=[_, ast.Constant(value=str(name))]) as call if called(call) == "hasattr":
            return strong(split(name))
        case ast.Call(func=ast.Attribute(), args=[argument]) as call if called(call) in _LOOKING_UP:
            return marked(argument)
        case ast.Call(args=arguments) if split(called(test))[:1] in _ASKING and (
            one := _only_word(arguments)
        ):
            return one
        case ast.Name() | ast.Attribute():
            words = tuple(word for word in noun_of(test) if word not in FLAGS)
            return words[1:] if len(words) > 1 and words[0] in _SWITCHES else words
        case ast.BoolOp(op=ast.And(), values=values):
            order = sorted(values, key=lambda one: (not told(one), isinstance(one, ast.Name | ast.Attribute)))
            return next((words for value in order if (words := case_of(value))), ())
        case _:
            return ()


_PATTERNS = ("re", "rx", "regex", "pattern")
_LOOKING_UP = ("startswith", "get", "group")
_ASKING = (("is",), ("has",), ("matches",))


def _only_word(arguments: Sequence[ast.expr]) -> Words:
    """Return the words of the one constant among arguments: ``is_typing(node, "cast")`` is the case ``cast``."""
    found = [marked(one) for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return found[0] if len(found) == 1 else ()


def told(test: ast.expr) -> Words:
    """Return the words of the constant that a condition compares with: the plainest name of a case; else ()."""
    match test:
        case ast.Compare(ops=[ast.Eq()], comparators=[ast.Constant(value=str())]):
            return case_of(test)
        case ast.Call(func=ast.Attribute(attr="startswith"), args=[ast.Constant()]):
            return case_of(test)
        case ast.BoolOp(op=ast.And(), values=values):
            return next((words for value in values if (words := told(value))), ())
        case _:
            return ()


def _case_compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> Words:
    match op, right:
        case ast.Eq(), ast.Constant(value=int()):
            return ()
        case ast.Eq() | ast.Is(), _:
            return marked(right) or noun_of(right) or marked(left)
        case ast.IsNot(), ast.Constant(value=None):
            return noun_of(left)
        case ast.In(), _:
            return marked(left) or _alternatives(right)
        case _:
            return ()


_LIMITS = listed("max maximum limit most largest")
_JUDGING = listed("valid known empty safe matching missing allowed")
_SWITCHES = QUESTIONS | listed("with use show include enable allow do")


def kind_of(kind: ast.expr) -> Words:
    """Return the words of the second argument of isinstance: one class, or what several have in common."""
    if isinstance(kind, ast.Tuple):
        names = [one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in kind.elts]
        for family, word in _FAMILIES:
            if names and family.issuperset(names):
                return (word,)
        words = [split(name) for name in names]
        if len(words) == 2 and all(len(one) == 1 for one in words):
            return (*words[0], "or", *words[1])
        return ()
    name = kind.id if isinstance(kind, ast.Name) else getattr(kind, "attr", "")
    return split(name)[-2:]


def _called(call: ast.Call) -> Words:
    name = called(call)
    words = split(name)
    if call.args and (asked := _asked_of(name, call)) is not None:
        return asked
    if name in ("match", "search", "fullmatch"):
        return _matching(call)
    if words and words[0] in QUESTIONS:
        return words if len(words) > 1 else ()
    if len(words) > 1 and words[0] in _JUDGING:
        return ("has", *words)
    if name.startswith("is") and name.islower() and len(name) > 3:
        return ("is", name[2:])
    return (*noun_of(call.func), "exists") if name == "exists" else ()


def _matching(call: ast.Call) -> Words:
    """Return what a method of a pattern asks: ``number_re.match(text)`` is "matches number"."""
    words = noun_of(call.func.value) if isinstance(call.func, ast.Attribute) else ()
    return _asked("matches", words[:-1] if len(words) > 1 and words[-1] in _PATTERNS else words)


def _asked_of(name: str, call: ast.Call) -> Words | None:
    """Return what a well-known function asks of its arguments, ``None`` for another function."""
    first, last = call.args[0], call.args[-1]
    match name:
        case "isinstance" | "issubclass":
            return _asked("is", kind_of(last))
        case "callable":
            return _asked("is", (*noun_of(first), "callable"))
        case "hasattr":
            return _asked("has", case_of(call))
        case "any" | "all" if isinstance(first, ast.GeneratorExp):
            return _asked("has" if name == "any" else "are", noun_of(first))
        case "startswith" | "endswith":
            return _asked(name.replace("with", ""), ("with", *(marked(first) or noun_of(first))))
        case "exists":
            return (*noun_of(first), "exists")
        case _:
            return None


def _flag(words: Words) -> Words:
    if not strong(words):
        return ()
    if words[0] in QUESTIONS:
        return words if len(words) > 1 else ()
    if words[0] in VERBS and len(words) > 1 and not words[0].endswith("ed"):
        return ("should", *words)
    if words[-1].endswith(("ed", "able", "ible")) and len(words) <= 2:
        return ("is", *words)
    return ("has", *words)


def _denied(inner: ast.expr) -> Words:
    words = question(inner)
    if not words:
        return ()
    if words[0] == "has":
        return ("lacks", *words[1:])
    if words[0] in ("is", "are", "should", "can"):
        return (words[0], "not", *words[1:])
    return ()


def _is_itself(left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool:
    """True when two sides of one thing are compared, so that naming it says nothing."""
    return bool(noun_of(right)) and noun_of(left) == noun_of(right) and not isinstance(op, ast.Is | ast.IsNot)


def _limited(words: Words) -> Words:
    return words[1:] if len(words) > 1 and words[0] in _LIMITS else words


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> Words:
    nothing = isinstance(right, ast.Constant) and right.value is None
    other = noun_of(right)
    match op:
        case ast.Is() | ast.Eq():
            return _asked("lacks", noun_of(left)) if nothing else _asked("is", marked(right) or other)
        case ast.IsNot() | ast.NotEq():
            return _asked("has", noun_of(left)) if nothing else _asked("is", marked(right) or other, "not")
        case ast.In():
            return _asked("is", _alternatives(right)) or _asked("is", other, "in")
        case ast.NotIn():
            return _asked("is", other, "not", "in")
        case ast.Gt() | ast.GtE():
            return _asked("exceeds", _limited(other))
        case _:
            return _asked("is", other, "below")


def _joined(op: ast.boolop, values: Sequence[ast.expr]) -> Words:
    """Return two questions as one: "is a or b", or the first of two where the other only guards it."""
    if (
        len(values) == 2
        and isinstance(values[0], ast.Name | ast.Attribute)
        and isinstance(values[1], ast.Compare)
    ):
        return question(values[1])
    values = _unguarded(values) if isinstance(op, ast.And) else values
    asked = [words for value in values if (words := question(value))]
    if len(asked) != len(values):
        return ()
    if len(set(asked)) == 1:
        return _all_alike(asked[0], values) if len(asked) > 1 else asked[0]
    return _both(op, *asked) if len(asked) == 2 else ()


def _all_alike(words: Words, values: Sequence[ast.expr]) -> Words:
    """Return a question that is asked of several things; of one thing with several values it is another."""
    if words[0] != "is" or words[1] == "not":
        return words
    if words[1] == "in":  # "(" in text or "[" in text
        marks = all(isinstance(one, ast.Compare) and isinstance(one.left, ast.Constant) for one in values)
        return ("has", "special", "chars") if marks else ("are", *words[1:])
    given = _texts_given(values)
    if len(given) == len(values) and all(given):
        return ("is", *given[0], "or", *given[1]) if len(given) == _PAIR else ()
    adjective = words[-1].endswith(("ed", "ing", "able", "ible"))
    return ("are", *words[1:-1], words[-1] if adjective else plural(words[-1]))


def _texts_given(values: Sequence[ast.expr]) -> list[Words]:
    """Return the last word of each text that calls are given; [] unless all values are calls with arguments."""
    calls = [one for one in values if isinstance(one, ast.Call) and one.args]
    if len(calls) != len(values):
        return []
    constants = [arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)]
    return [split(text)[-1:] for text in constants if isinstance(text, str)]


def _both(op: ast.boolop, one: Words, two: Words) -> Words:
    same = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
    if not same or len(one) + len(two) > 2 + 2 * same:
        return ()
    return (*one, "or" if isinstance(op, ast.Or) else "and", *two[same:])


def _unguarded(values: Sequence[ast.expr]) -> Sequence[ast.expr]:
    """Return the parts of a condition without those that only make the others possible: ``x is not None and ...``."""
    kept = list(values)
    while len(kept) > 1 and (subject := _guarded(kept[0])) is not None:
        wanted = ast.dump(subject)
        if not any(ast.dump(node) == wanted for one in kept[1:] for node in ast.walk(one)):
            break
        del kept[0]
    return kept


def _guarded(value: ast.expr) -> ast.expr | None:
    match value:
        case ast.Name() | ast.Attribute():
            return value
        case ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return left
        case ast.Compare(left=ast.Name() as left, ops=[_], comparators=[ast.Constant(value=int())]):
            return left
        case _:
            return None


def _alternatives(node: ast.expr) -> Words:
    """Return the words of a display of one or two constants."""
    if not isinstance(node, ast.Tuple | ast.List | ast.Set) or not 1 <= len(node.elts) <= 2:
        return ()
    words = [marked(one) or noun_of(one) for one in node.elts]
    if not all(words):
        return ()
    return words[0] if len(words) == 1 else (*words[0][-1:], "or", *words[1][-1:])


def marked(node: ast.expr) -> Words:
    """Return the words of a constant: of a text that could be a name, or of a mark; () for another expression."""
    match node:
        case ast.Constant(value=str(text)) | ast.Constant(value=bytes(text)):
            plain = text.decode("latin-1") if isinstance(text, bytes) else text
            bare = plain.strip("-_ ")
            found = (
                split(bare)
                if bare.replace("-", "_").replace(" ", "_").isidentifier() and bare.isascii()
                else ()
            )
            return found if len(found) <= 2 and strong(found) else _MARKS.get(plain, ())
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return {0: ("zero",), 1: ("one",)}.get(number, ())
        case _:
            return ()


_MARKS: dict[str, Words] = {
    "": ("empty",), " ": ("space",), "\n": ("newline",), "#": ("hash",), "*": ("star",), "**": ("double", "star"),
    "/": ("slash",), "\\": ("backslash",), ",": ("comma",), ".": ("dot",), ":": ("colon",), ";": ("semicolon",),
    "=": ("equals",), "-": ("dash",), "--": ("double", "dash"), "_": ("underscore",), "'": ("quote",),
    '"': ("quote",), "(": ("paren",), "[": ("bracket",), "{": ("brace",), "<": ("less",), ">": ("greater",),
    "%": ("percent",), "@": ("at", "sign"), "+": ("plus",), "$": ("dollar",), "..": ("parent",), "\t": ("tab",),
}  # fmt: skip


def _asked(verb: str, words: Sequence[str], *between: str) -> Words:
    named = strong(words)
    return (verb, *between, *named) if named else ()
