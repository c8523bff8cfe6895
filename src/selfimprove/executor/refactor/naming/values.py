"""Values: the type of an expression, by the types of the variables in it and what the files say of the rest."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.naming.annotations import (
    ANY,
    base_of,
    element,
    inside,
    members,
    parts_of,
    text_of,
    union,
    without_none,
)
from selfimprove.executor.refactor.naming.builtin_types import ABOVE, of_operator, of_value
from selfimprove.executor.refactor.naming.calls import called

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.executor.refactor.naming.known import Known

_DEEPEST = 24  # expressions inside of one another
DISPLAYS: dict[type[ast.expr], str] = {
    ast.List: "list", ast.ListComp: "list", ast.Set: "set", ast.SetComp: "set", ast.Dict: "dict", ast.DictComp: "dict",
}  # fmt: skip
"""The types of what is written with brackets."""

Env = dict[str, str | None]
"""The types of variables, and of attributes of them by their text, at one point; None for what is not known."""


@dataclass(frozen=True, eq=False)
class Values:
    """What is the same in all of a function: ``around`` are functions defined in it or around it."""

    known: Known
    around: Mapping[str, FunctionNode]
    owner: str = ""
    receiver: str = ""

    def of(self, value: ast.expr, env: Env, depth: int = 0) -> str | None:
        """Return the type of an expression, ``None`` when it is not known."""
        if depth > _DEEPEST:
            return None
        match value:
            case ast.Name(id=name):
                return self._named(name, env)
            case ast.Attribute():
                return self._attribute(value, env, depth)
            case ast.Call():
                return called(self, value, env, depth)
            case ast.Subscript():
                return self._item(value, env, depth)
            case ast.BoolOp() | ast.IfExp() | ast.Compare() | ast.BinOp() | ast.UnaryOp():
                return self._computed(value, env, depth)
            case ast.NamedExpr(value=inner) | ast.Starred(value=inner):
                return self.of(inner, env, depth + 1)
            case ast.Tuple(elts=parts):
                kinds = [self.of(one, env, depth + 1) for one in parts]
                starred = any(isinstance(one, ast.Starred) for one in parts)
                return (
                    None if starred or None in kinds or not kinds else f"tuple[{', '.join(map(str, kinds))}]"
                )
            case ast.List() | ast.Set() | ast.Dict() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                return self._display(value, env, depth)
            case _:
                return of_value(value)

    def _named(self, name: str, env: Env) -> str | None:
        if name in env:
            return env[name]
        if name in self.around:
            return _callable(self.around[name])
        if self.known.class_of(name):
            return f"type[{name}]"
        return self.known.variable(name)

    def _attribute(self, value: ast.Attribute, env: Env, depth: int) -> str | None:
        text = ast.unparse(value)
        if text in env:
            return env[text]
        held = self.of(value.value, env, depth + 1)
        if held is None or held == ANY:
            return held
        return union(*(self.known.attribute(one, value.attr) for one in members(held)))

    def _computed(self, value: ast.expr, env: Env, depth: int) -> str | None:
        match value:
            case ast.Compare(left=left, ops=ops):
                if all(isinstance(one, ast.Is | ast.IsNot | ast.In | ast.NotIn) for one in ops):
                    return "bool"
                kind = self.of(left, env, depth + 1)
                return "bool" if kind and all(self._compares(one) for one in members(kind)) else None
            case ast.UnaryOp(op=op, operand=operand):
                kind = self.of(operand, env, depth + 1)
                return "bool" if isinstance(op, ast.Not) else kind if kind in ("int", "float") else None
            case ast.BinOp(left=left, op=op, right=right):
                return self._operated(left, op, right, env, depth)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                then, other = self.narrowed(test, env, True), self.narrowed(test, env, False)
                return union(self.of(body, then, depth + 1), self.of(orelse, other, depth + 1))
            case ast.BoolOp(op=op, values=values):
                return self._joined(op, values, env, depth)
            case _:
                return None

    def _compares(self, text: str) -> bool:
        """True for a type whose values compare to a bool."""
        base = base_of(text).rpartition(".")[2]
        if base in ABOVE or base in ("timedelta", "datetime", "date", "Path", "Decimal"):
            return True
        special = [f"__{one}__" for one in ("eq", "lt", "le", "gt", "ge")]
        return self.known.class_of(text) is not None and not any(
            isinstance(node, FunctionNode) and node.name in special and text_of(node.returns) != "bool"
            for _, owner in self.known.family(text)
            for node in owner.body
        )

    def _operated(
        self, left: ast.expr, op: ast.operator, right: ast.expr, env: Env, depth: int
    ) -> str | None:
        one, two = self.of(left, env, depth + 1), self.of(right, env, depth + 1)
        if one in ("str", "bytes") and isinstance(op, ast.Mod | ast.Add):
            return one
        if one is None or two is None:
            return None
        if ANY in (one, two):
            return ANY
        return union(*(of_operator(a, op, b) for a in members(one) for b in members(two)))

    def _joined(self, op: ast.boolop, values: Sequence[ast.expr], env: Env, depth: int) -> str | None:
        found: list[str | None] = []
        for at, one in enumerate(values):
            kind = self.of(one, env, depth + 1)
            last = at == len(values) - 1
            found.append(kind if last or kind is None or isinstance(op, ast.And) else without_none(kind))
            env = self.narrowed(one, env, isinstance(op, ast.And))
        return union(*found)

    def narrowed(self, test: ast.expr, env: Env, holds: bool) -> Env:
        """Return the types where ``test`` is true, or false."""
        from selfimprove.executor.refactor.naming.narrowed import narrowed

        return narrowed(self, test, env, holds=holds)

    def _display(self, value: ast.expr, env: Env, depth: int) -> str | None:
        match value:
            case ast.List(elts=parts) | ast.Set(elts=parts):
                kinds = [self._same(parts, env, depth)]
            case ast.Dict(keys=keys, values=values) if all(keys):
                kinds = [self._same([one for one in keys if one], env, depth), self._same(values, env, depth)]
            case ast.ListComp(elt=inner, generators=loops) | ast.SetComp(elt=inner, generators=loops):
                kinds = [self.of(inner, self._looped(loops, env, depth), depth + 1)]
            case ast.DictComp(key=name, value=inner, generators=loops):
                within = self._looped(loops, env, depth)
                kinds = [self.of(name, within, depth + 1), self.of(inner, within, depth + 1)]
            case _:
                return None
        return f"{DISPLAYS[type(value)]}[{', '.join(map(str, kinds))}]" if all(kinds) else None

    def _same(self, parts: Iterable[ast.expr], env: Env, depth: int) -> str | None:
        """Return the type of ``parts`` when it is the same for all."""
        found = {self.of(one, env, depth + 1) for one in parts}
        return found.pop() if len(found) == 1 else None

    def _looped(self, loops: Sequence[ast.comprehension], env: Env, depth: int) -> Env:
        for one in loops:
            env = self.bound(one.target, element(self.of(one.iter, env, depth + 1)), env)
            if (
                isinstance(one.iter, ast.Name | ast.Call)
                and element(self.of(one.iter, env, depth + 1)) is None
            ):
                env = self.bound(one.target, self.item_of(one.iter, env), env)
            for test in one.ifs:
                env = self.narrowed(test, env, True)
        return env

    def item_of(self, value: ast.expr, env: Env) -> str | None:
        """Return the type of what a loop over ``value`` gives."""
        kind = self.of(value, env)
        if kind and base_of(kind) == "type" and self.known.is_enum(inside(kind)):
            return inside(kind)
        if kind and self.known.class_of(kind):
            return element(self.known.method(kind, "__iter__"))
        return element(kind)

    def bound(self, target: ast.expr, kind: str | None, env: Env) -> Env:
        """Return ``env`` after ``target`` is given a value of type ``kind``."""
        match target:
            case ast.Name(id=name):
                return {**env, name: kind}
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                kinds = unpacked(kind, len(elts))
                for one, each in zip(elts, kinds, strict=True):
                    env = self.bound(one, None if isinstance(one, ast.Starred) else each, env)
                return env
            case ast.Starred(value=inner):
                return self.bound(inner, kind, env)
            case _:
                return env

    def _item(self, value: ast.Subscript, env: Env, depth: int) -> str | None:
        held = self.of(value.value, env, depth + 1)
        if held is None or held == ANY:
            return held
        return union(*(self._item_of(one, value.slice) for one in members(held)))

    def _item_of(self, held: str, index: ast.expr) -> str | None:
        base, parts = base_of(held).rpartition(".")[2], parts_of(held)
        if isinstance(index, ast.Slice):
            plain = base in ("str", "bytes", "list", "List", "Sequence") or held.endswith(", ...]")
            return held if plain else None
        if base in ("tuple", "Tuple") and parts[-1:] != ("...",):
            number = index.value if isinstance(index, ast.Constant) else None
            inner = -len(parts) <= number < len(parts) if isinstance(number, int) else False
            return parts[number] if inner and isinstance(number, int) else None
        if base in ("dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"):
            return parts[1] if len(parts) == 2 else None
        if base == "type":
            return inside(held) if self.known.is_enum(inside(held)) else None
        if self.known.class_of(held):
            return self.known.method(held, "__getitem__")
        return element(held)


def _callable(node: FunctionNode) -> str | None:
    """Return the type of a function by what it gives; what it takes is left open, as literals narrow that further."""
    given = text_of(node.returns) if isinstance(node, ast.FunctionDef) and not node.decorator_list else None
    return f"Callable[..., {given}]" if given else None


def unpacked(kind: str | None, count: int) -> list[str | None]:
    """Return the types of the parts when a value of type ``kind`` is put into ``count`` names."""
    parts = parts_of(kind) if kind and base_of(kind) in ("tuple", "Tuple") else ()
    if len(parts) == count and "..." not in parts:
        return list(parts)
    return [ANY if kind == ANY else element(kind)] * count
