"""Flows: which types the variables of a function have before and after each of its statements, as checkers see it.

The type that a variable is declared with (by an annotation, or by the first value that it is given) is narrowed by
assignments and tests, and is the union of what it was where ways come together; the rules are those of PEP 484 and
of mypy ("Type narrowing" in its documentation).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode, Scope
from selfimprove.executor.refactor.naming.annotations import ANY, element, members, text_of, union
from selfimprove.executor.refactor.naming.parameters import declared_by, receiver_of, written_in
from selfimprove.executor.refactor.naming.unions import is_part, merged
from selfimprove.executor.refactor.naming.values import DISPLAYS, Values, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selfimprove.executor.refactor.naming.known import Known
    from selfimprove.executor.refactor.naming.values import Env
    from selfimprove.executor.refactor.source import Place

_EMPTY = (ast.List, ast.Dict, ast.Set)


@dataclass(eq=False)
class _Loop:
    """Where the ways out of a loop come together."""

    out: list[Env] = field(default_factory=list)
    again: list[Env] = field(default_factory=list)


@dataclass(eq=False)
class Flow:
    """The types in one function. ``before`` and ``behind`` are by the id of a statement.

    ``declared`` are the types of which all others of a variable are parts, ``written`` those of them that stand in
    an annotation. ``partial`` are assignments of something empty, or None, that tell a type only with a later one.
    """

    values: Values
    declared: dict[str, str | None] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    partial: dict[str, ast.Assign] = field(default_factory=dict)
    before: dict[int, Env] = field(default_factory=dict)
    behind: dict[int, Env] = field(default_factory=dict)
    loops: list[_Loop] = field(default_factory=list)

    def at(self, statement: ast.stmt) -> Env:
        """Return the types before a statement, what is declared where it is never reached."""
        return self.before.get(id(statement), self.declared)

    def after(self, statement: ast.stmt) -> Env:
        """Return the types after a statement, what is declared where nothing comes behind it."""
        return self.behind.get(id(statement), self.declared)

    def run(self, body: Sequence[ast.stmt], env: Env | None) -> Env | None:
        """Return the types after ``body``, ``None`` when its end is never reached."""
        for node in body:
            if env is None:
                return None
            self.before[id(node)] = env
            step = getattr(self, f"_{type(node).__name__.lower()}", None)
            env = step(node, env) if step else self._plain(node, env)
            if env is not None:
                self.behind[id(node)] = env
        return env

    def _plain(self, node: ast.stmt, env: Env) -> Env | None:
        if isinstance(node, ast.Return | ast.Raise):
            return None
        if isinstance(node, ast.Global | ast.Nonlocal):
            self.declared.update(dict.fromkeys(node.names))
            return {**env, **dict.fromkeys(node.names)}
        if isinstance(node, Scope):
            return {**env, node.name: self.values.of(ast.Name(node.name), {})}
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [(one.asname or one.name).partition(".")[0] for one in node.names]
            return {name: kind for name, kind in env.items() if name not in names}
        return env

    def _expr(self, node: ast.Expr, env: Env) -> Env | None:
        if isinstance(node.value, ast.Call) and self.values.of(node.value, env) in _NEVER:
            return None
        return self._filled(node.value, env)

    def _filled(self, value: ast.expr, env: Env) -> Env:
        """Return the types after something is put into a list or set that was empty."""
        match value:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="append" | "add" as attr), args=[item]
            ):
                if name in self.partial and self.declared.get(name) is None:
                    kind = self.values.of(item, env)
                    word = "list" if attr == "append" else "set"
                    self.declared[name] = f"{word}[{kind}]" if kind else None
                    return {**env, name: self.declared[name]}
        return env

    def _assign(self, node: ast.Assign, env: Env) -> Env:
        kind = self.values.of(node.value, env)
        for target in node.targets:
            if isinstance(target, ast.Name) and _is_partial(node.value) and target.id not in self.declared:
                self.partial[target.id] = node
            env = self.assigned(target, kind or self._fitting(target, node.value), env)
        return env

    def _fitting(self, target: ast.expr, value: ast.expr) -> str | None:
        """Return which of the types of a variable a display is of whose own type is not known."""
        word = DISPLAYS.get(type(value))
        if not word or not isinstance(target, ast.Name) or target.id not in self.written:
            return None
        declared = members(self.declared.get(target.id) or "")
        return " | ".join(one for one in declared if self.values.known.is_below(word, one)) or None

    def _annassign(self, node: ast.AnnAssign, env: Env) -> Env:
        text = text_of(node.annotation)
        if not isinstance(node.target, ast.Name) or text is None:
            return env
        name = node.target.id
        self.written[name] = text
        self.declared[name] = " | ".join(members(text))
        kind = self.values.of(node.value, env) if node.value is not None else None
        return self.assigned(node.target, kind, env)

    def _augassign(self, node: ast.AugAssign, env: Env) -> Env:
        if not isinstance(node.target, ast.Name):
            return env
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return self.assigned(node.target, self.values.of(value, env), env)

    def assigned(self, target: ast.expr, kind: str | None, env: Env) -> Env:
        """Return the types after ``target`` is given a value of type ``kind``."""
        match target:
            case ast.Name(id=name):
                env = {key: text for key, text in env.items() if not key.startswith(f"{name}.")}
                return {**env, name: self._narrowed(name, kind)}
            case ast.Attribute():
                return self._set(target, kind, env)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                starred = any(isinstance(one, ast.Starred) for one in elts)
                kinds = [element(kind)] * len(elts) if starred else unpacked(kind, len(elts))
                for one, each in zip(elts, kinds, strict=True):
                    env = self.assigned(one, each, env)
                return env
            case ast.Starred(value=ast.Name(id=name)):
                return self.assigned(ast.Name(name), f"list[{kind}]" if kind else None, env)
            case _:
                return env

    def _set(self, target: ast.Attribute, kind: str | None, env: Env) -> Env:
        """Return the types after an attribute is given a value, which is known where it narrows a declared type."""
        text = ast.unparse(target)
        env = {key: one for key, one in env.items() if key != text and not key.startswith(f"{text}.")}
        whole = self.values.of(target, env)
        return {**env, text: kind} if kind and whole and is_part(kind, whole, self.values.known) else env

    def _narrowed(self, name: str, kind: str | None) -> str | None:
        """Return what a variable is after it is given a value; the first value declares it."""
        declared = self.declared.get(name)
        if name in self.written:
            return self._within(declared, kind)
        if name not in self.declared or (declared in (None, "None") and name in self.partial):
            return self._first(name, kind)
        if kind is None or declared is None or kind in (declared, ANY):
            return declared
        if not is_part(kind, declared, self.values.known):
            self.declared[name] = union(declared, kind)
        known = self.declared[name]
        return kind if known and len(members(known)) > 1 else known

    def _within(self, declared: str | None, kind: str | None) -> str | None:
        """Return what a variable with an annotation is after it is given a value: one of several types, or all."""
        if kind is None or declared is None or ANY in (kind, declared):
            return declared
        fits = len(members(declared)) > 1 and is_part(kind, declared, self.values.known)
        return kind if fits else declared

    def _first(self, name: str, kind: str | None) -> str | None:
        """Return what a variable is after the first value that tells its type, and declare it with that."""
        if name in self.partial and kind == "None":
            return "None"
        optional = self.declared.get(name) == "None" or _is_none(self.partial.get(name))
        self.declared[name] = union(kind, "None") if optional else kind
        return kind

    def _if(self, node: ast.If, env: Env) -> Env | None:
        then = self.run(node.body, self.values.narrowed(node.test, env, True))
        other = self.run(node.orelse, self.values.narrowed(node.test, env, False))
        return self._met([then, other])

    def _met(self, ways: Iterable[Env | None]) -> Env | None:
        there = [one for one in ways if one is not None]
        return merged(there, self.values, self.declared) if there else None

    def _while(self, node: ast.While, env: Env) -> Env | None:
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        loop = _Loop()
        self.loops.append(loop)
        start = env
        for _ in range(2):
            loop.out.clear()
            loop.again.clear()
            end = self.run(node.body, self.values.narrowed(node.test, start, True))
            start = self._met([env, end, *loop.again]) or env
        self.loops.pop()
        done = None if endless else self.values.narrowed(node.test, start, False)
        return self._met([self.run(node.orelse, done), *loop.out])

    def _for(self, node: ast.For | ast.AsyncFor, env: Env) -> Env | None:
        loop = _Loop()
        self.loops.append(loop)
        start = env
        for _ in range(2):
            loop.out.clear()
            loop.again.clear()
            kind = self.values.item_of(node.iter, start)
            end = self.run(node.body, self.assigned(node.target, kind, start))
            start = self._met([env, end, *loop.again]) or env
        self.loops.pop()
        return self._met([self.run(node.orelse, start), *loop.out])

    def _asyncfor(self, node: ast.AsyncFor, env: Env) -> Env | None:
        return self._for(node, env)

    def _break(self, _node: ast.Break, env: Env) -> None:
        if self.loops:
            self.loops[-1].out.append(env)

    def _continue(self, _node: ast.Continue, env: Env) -> None:
        if self.loops:
            self.loops[-1].again.append(env)

    def _try(self, node: ast.Try, env: Env) -> Env | None:
        end = self.run(node.body, env)
        inside = [
            self.behind[id(one)]
            for one in ast.walk(node)
            if isinstance(one, ast.stmt) and id(one) in self.behind
        ]
        mixed = self._met([env, *inside]) or env
        ways = [self.run(node.orelse, end)]
        for handler in node.handlers:
            start = mixed
            if handler.name:
                kind = (
                    ast.unparse(handler.type) if isinstance(handler.type, ast.Name | ast.Attribute) else None
                )
                start = {**mixed, handler.name: kind}
            ways.append(self.run(handler.body, start))
        met = self._met(ways)
        if not node.finalbody:
            return met
        done = self.run(node.finalbody, met if met is not None else mixed)
        return done if met is not None else None

    def _trystar(self, node: ast.Try, env: Env) -> Env | None:
        return self._try(node, env)

    def _with(self, node: ast.With | ast.AsyncWith, env: Env) -> Env | None:
        for item in node.items:
            if item.optional_vars is not None:
                env = self.assigned(item.optional_vars, None, env)
        return self.run(node.body, env)

    def _asyncwith(self, node: ast.AsyncWith, env: Env) -> Env | None:
        return self._with(node, env)

    def _assert(self, node: ast.Assert, env: Env) -> Env | None:
        if isinstance(node.test, ast.Constant) and not node.test.value:
            return None
        return self.values.narrowed(node.test, env, True)

    def _match(self, node: ast.Match, env: Env) -> Env | None:
        ways: list[Env | None] = []
        left = env
        for case in node.cases:
            start = left
            for one in ast.walk(case.pattern):
                name = getattr(one, "name", None) or getattr(one, "rest", None)
                if isinstance(name, str):
                    start = self.assigned(ast.Name(name), None, start)
            kinds = _kinds(case.pattern)
            if kinds and isinstance(node.subject, ast.Name):
                tests = ast.Call(ast.Name("isinstance"), [node.subject, ast.Tuple(kinds)], [])
                start = self.values.narrowed(tests, start, True)
                left = left if case.guard else self.values.narrowed(tests, left, False)
            ways.append(self.run(case.body, start))
        last = node.cases[-1]
        whole = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
        return self._met(ways if whole else [*ways, left])


_NEVER = ("NoReturn", "Never", "t.NoReturn", "t.Never", "typing.NoReturn")


def flow_of(known: Known, place: Place) -> Flow:
    """Return the types in the function at ``place``, of whose file ``known`` tells."""
    return _flow(known, place)


@lru_cache(maxsize=8)
def _flow(known: Known, place: Place) -> Flow:
    around = {one.name: one for scope in (*place.around, place.node) for one in _inner(scope)}
    owner = place.owner.name if place.owner is not None else ""
    values = Values(known, around, owner, receiver_of(place))
    flow = Flow(values, declared=declared_by(place), written=written_in(place.node))
    flow.run(place.node.body, dict(flow.declared))
    return flow


def _inner(scope: Scope) -> Iterable[FunctionNode]:
    if isinstance(scope, ast.ClassDef):
        return []
    return [one for one in ast.walk(scope) if isinstance(one, FunctionNode) and one is not scope]


def _is_partial(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=None) | ast.List(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Call(func=ast.Name(id="list" | "dict" | "set"), args=[], keywords=[]):
            return True
        case _:
            return False


def _is_none(node: ast.Assign | None) -> bool:
    return node is not None and isinstance(node.value, ast.Constant)


def _kinds(pattern: ast.pattern) -> list[ast.expr]:
    match pattern:
        case ast.MatchClass(cls=kind, patterns=[], kwd_patterns=[]):
            return [kind]
        case ast.MatchOr(patterns=parts):
            found = [_kinds(one) for one in parts]
            return [one for each in found for one in each] if all(found) else []
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return _kinds(inner)
        case _:
            return []
