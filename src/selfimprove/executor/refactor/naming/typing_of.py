"""Typing: the annotations of a new function, taken from those of the function that it comes out of."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.naming.acts import walk
from selfimprove.executor.refactor.naming.annotations import (
    OF_CALL,
    OF_TEXT,
    element,
    generated,
    not_none,
    result_of,
    text_of,
    without_none,
)
from selfimprove.executor.refactor.naming.making import bindings, is_truth
from selfimprove.executor.refactor.naming.spelling import Spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Source

_DEEPEST = 12  # steps from one variable to the next, so that a circle ends


class Signature(NamedTuple):
    """Annotations as text: those of the cut's parameters by name, and that of the result of the call.

    A parameter without one is not in ``parameters``; ``returns`` is then "".
    """

    parameters: Mapping[str, str]
    returns: str


def annotate(source: Source, cut: Cut) -> Signature:
    """Return the annotations of the function that ``cut`` becomes; none at all in a function that has none.

    A parameter of the function keeps its annotation, a variable has its own or that of the values that it is given,
    where these are plain (literals, displays, comparisons, calls of the file's annotated functions). What is unknown
    is ``Any`` where the file has that name, else it is left out. Every annotation can be evaluated at the top level
    of the file, or is quoted. Narrowing is followed for None only.
    """
    types = _Types(source, cut)
    if not types.is_annotated:
        return Signature({}, "")
    words = types.spelling
    known = ((name, words.usable(types.before(name)) or words.anything) for name in cut.parameters)
    returns = _returned(types, cut) if cut.place.node.returns is not None else None
    return Signature({name: text for name, text in known if text}, returns or "")


def _returned(types: _Types, cut: Cut) -> str | None:
    words = types.spelling
    if cut.is_generator:
        return words.usable(generated(cut))
    if cut.leaves is Leaves.GUARD:
        return "bool"
    own = text_of(cut.place.node.returns)
    if is_condition(cut):
        value = cut.statements[0].value  # type: ignore[attr-defined]
        return "bool" if is_truth(value) or types.value(value, 0) == "bool" else words.anything
    if cut.leaves in (Leaves.MAYBE, Leaves.RETURN):
        return words.usable(words.or_none(own) if cut.leaves is Leaves.MAYBE else own) or words.anything
    return _resulting(types, cut) if cut.results and cut.leaves is Leaves.END else "None"


def _resulting(types: _Types, cut: Cut) -> str | None:
    """Return the annotation of one result or of several in a tuple."""
    words = types.spelling
    known = [types.after(name) for name in cut.results]
    if len(known) == 1:
        return words.usable(known[0]) or words.anything
    tuple_word = words.generic("tuple", "Tuple")
    parts = [one or words.anything for one in known]
    if tuple_word is None or None in parts:
        return words.anything
    return words.usable(f"{tuple_word}[{', '.join(map(str, parts))}]") or words.anything


def is_condition(cut: Cut) -> bool:
    """True for a ``return`` that was put before the statement of which it has a part: the cut is an expression."""
    only = cut.statements[0] if len(cut.statements) == 1 else None
    return isinstance(only, ast.Return) and only.value is not None and cut.last + 1 < len(cut.block)


@dataclass(frozen=True)
class _Types:
    """What is known of the types of a function's variables."""

    source: Source
    cut: Cut

    @cached_property
    def spelling(self) -> Spelling:
        return Spelling(self.source, self.cut)

    @cached_property
    def is_annotated(self) -> bool:
        node = self.cut.place.node
        return node.returns is not None or any(one.annotation is not None for one in self.arguments.values())

    @cached_property
    def arguments(self) -> dict[str, ast.arg]:
        return {
            node.arg: node
            for node in ast.iter_child_nodes(self.cut.place.node.args)
            if isinstance(node, ast.arg)
        }

    def before(self, name: str) -> str | None:
        """Return the type of a variable where the cut begins."""
        return self.of(name, self.cut.place.node.body, 0)

    def after(self, name: str) -> str | None:
        """Return the type of a variable where the cut ends: what it is given there, else what it had."""
        declared = self._declared(name)
        if declared is not None:
            return declared
        made = self._made(name, self.cut.statements, 0)
        if name in self.cut.parameters:
            return made if made == self.before(name) else None
        return made

    def of(self, name: str, statements: Iterable[ast.stmt], depth: int) -> str | None:
        if depth > _DEEPEST:
            return None
        return self._declared(name) or self._made(name, statements, depth)

    def _declared(self, name: str) -> str | None:
        argument = self.arguments.get(name)
        if argument is not None:
            return self._of_argument(argument)
        for node in walk(self.cut.place.node.body):
            if (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and node.target.id == name
            ):
                return text_of(node.annotation)
        return None

    def _of_argument(self, argument: ast.arg) -> str | None:
        text, arguments = text_of(argument.annotation), self.cut.place.node.args
        if text is None or "Unpack" in text or "P.args" in text or "P.kwargs" in text:
            return None
        if argument is arguments.vararg:
            word = self.spelling.generic("tuple", "Tuple")
            return f"{word}[{text}, ...]" if word else None
        if argument is arguments.kwarg:
            word = self.spelling.generic("dict", "Dict")
            return f"{word}[str, {text}]" if word else None
        return text if not self._is_narrowed(argument.arg) else without_none(text)

    def _is_narrowed(self, name: str) -> bool:
        """True when None is ruled out on the way to the cut."""
        return name in self.cut.parameters and name in set(not_none(self.cut.place.node.body, self.cut))

    def _made(self, name: str, statements: Iterable[ast.stmt], depth: int) -> str | None:
        """Return the one type of all values that the variable is given, ``None`` when one is unknown."""
        found: list[str] = []
        for node in bindings(name, statements):
            if isinstance(node, ast.Expr) or _is_item(node):
                continue
            text = self._of_binding(node, depth) or self._of_empty(node, name, depth)
            if text is None:
                return None
            if text not in found:
                found.append(text)
        if len(found) == 2 and "None" in found:
            return self.spelling.or_none(next(text for text in found if text != "None"))
        return found[0] if len(found) == 1 and found[0] != "None" else None

    def _of_empty(self, node: ast.AST, name: str, depth: int) -> str | None:
        """Return the type of a list that is empty at first, by what is appended to it."""
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.List) or node.value.elts:
            return None
        word = self.spelling.generic("list", "List")
        kinds = {
            self._appended(one, depth) for one in bindings(name, self.cut.place.node.body) if one is not node
        }
        inner = (kinds.pop() if len(kinds) == 1 else None) or self.spelling.anything
        return f"{word}[{inner}]" if word and inner else None

    def _appended(self, node: ast.AST, depth: int) -> str | None:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"), args=[value])):
                return self.value(value, depth + 1)
            case _:
                return None

    def _of_binding(self, node: ast.AST, depth: int) -> str | None:
        match node:
            case ast.Assign(targets=targets, value=value) if all(
                isinstance(one, ast.Name) for one in targets
            ):
                return self.value(value, depth + 1)
            case ast.NamedExpr(value=value):
                return self.value(value, depth + 1)
            case ast.AugAssign(value=value):
                return self.value(value, depth + 1)
            case ast.For(target=ast.Name(), iter=over):
                return element(self.value(over, depth + 1))
            case _:
                return None

    def value(self, value: ast.expr, depth: int) -> str | None:
        """Return the type of an expression, ``None`` when it cannot be told from the file."""
        match value:
            case ast.Constant(value=constant):
                return {"NoneType": "None", "ellipsis": None}.get(kind := type(constant).__name__, kind)
            case ast.JoinedStr() | ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
                return "str"
            case ast.Compare():
                return "bool" if _is_plain_comparison(value) else None
            case ast.UnaryOp(op=ast.Not()):
                return "bool"
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                one, two = self.value(left, depth), self.value(right, depth)
                return one if one == two or (two is None and one == "str") else None
            case ast.Name(id=name):
                return self.of(name, self.cut.place.node.body, depth + 1)
            case ast.Call():
                return self._called(value, depth)
            case ast.BoolOp(values=values):
                return self._common(values, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return self._common([body, orelse], depth)
            case _:
                return self._display(value, depth)

    def _common(self, values: Iterable[ast.expr], depth: int) -> str | None:
        kinds = {self.value(one, depth) for one in values}
        return kinds.pop() if len(kinds) == 1 else None

    def _display(self, value: ast.expr, depth: int) -> str | None:
        match value:
            case ast.List(elts=parts) | ast.Set(elts=parts) if parts:
                kinds = {self.value(one, depth) for one in parts}
                plain, old = ("list", "List") if isinstance(value, ast.List) else ("set", "Set")
            case (
                ast.ListComp(elt=inner, generators=[*_, last]) | ast.SetComp(elt=inner, generators=[*_, last])
            ):
                same = isinstance(inner, ast.Name) and ast.dump(inner) == ast.dump(last.target).replace(
                    "Store", "Load"
                )
                kinds = {element(self.value(last.iter, depth)) if same else self.value(inner, depth)}
                plain, old = ("list", "List") if isinstance(value, ast.ListComp) else ("set", "Set")
            case _:
                return None
        text, word = kinds.pop() if len(kinds) == 1 else None, self.spelling.generic(plain, old)
        text = text or self.spelling.anything
        return f"{word}[{text}]" if word and text and text != "None" else None

    def _called(self, call: ast.Call, depth: int) -> str | None:
        match call.func:
            case ast.Name(id=name):
                if name in self.spelling.top:
                    return result_of(self.source.tree.body, name)
                return OF_CALL.get(name)
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name == self._receiver:
                owner = self.cut.place.owner
                return result_of(owner.body, attr) if owner is not None else None
            case ast.Attribute(value=value, attr=attr) if attr in OF_TEXT:
                return OF_TEXT[attr] if self.value(value, depth + 1) == "str" else None
            case _:
                return None

    @cached_property
    def _receiver(self) -> str:
        arguments = self.cut.place.node.args
        first = (*arguments.posonlyargs, *arguments.args)[:1]
        return first[0].arg if first and self.cut.place.owner is not None else ""


def _is_item(node: ast.AST) -> bool:
    """True for ``name[key] = value``: it says nothing of the type of ``name``."""
    return isinstance(node, ast.Assign) and all(isinstance(one, ast.Subscript) for one in node.targets)


def _is_plain_comparison(node: ast.Compare) -> bool:
    """True for a comparison that cannot give anything but a bool: by identity or membership."""
    return all(isinstance(one, ast.Is | ast.IsNot | ast.In | ast.NotIn) for one in node.ops)
