"""Typing: the annotations of a new function, taken from those of the function that it comes out of."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.naming.acts import walk
from selfimprove.executor.refactor.naming.annotations import (
    ANY,
    base_of,
    generated,
    members,
    parts_of,
    text_of,
    union,
)
from selfimprove.executor.refactor.naming.checked import checks_types, with_any
from selfimprove.executor.refactor.naming.flows import flow_of
from selfimprove.executor.refactor.naming.known import known_of
from selfimprove.executor.refactor.naming.spelling import Spelling
from selfimprove.executor.refactor.naming.spots import env_at, is_asked
from selfimprove.executor.refactor.naming.unions import collapsed
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.naming.flows import Flow
    from selfimprove.executor.refactor.naming.values import Env
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source


class Signature(NamedTuple):
    """Annotations as text: those of the cut's parameters by name, and that of the result of the call.

    There are all of them or none. ``asks`` tells that the result is only asked whether it is true, and may be
    something else than a bool. ``more`` is what else must be written into the file: an import of Any, the type of a
    variable that is empty where it is given its first value.
    """

    parameters: Mapping[str, str]
    returns: str
    asks: bool = False
    more: tuple[Splice, ...] = ()


_NONE = Signature({}, "")


class Part(NamedTuple):
    """An expression, the statement of which it is a part, and the cut's function in the same text."""

    place: Place
    statement: ast.stmt
    expression: ast.expr


def is_annotated(place: Place) -> bool:
    """True for a function that has an annotation."""
    arguments = (node for node in ast.walk(place.node.args) if isinstance(node, ast.arg))
    return place.node.returns is not None or any(one.annotation is not None for one in arguments)


def annotate(source: Source, cut: Cut, project: Project | None = None, part: Part | None = None) -> Signature:
    """Return the annotations of the function that ``cut`` becomes; none at all in a function that has none.

    Each is the type that the variable has where the cut begins (ends, for a result), as far as it can be told from
    annotations, literals, calls and tests in the files of ``project``. What is unknown is Any where the file has
    that name, or may import it since the project has its types checked; else there are no annotations. Every
    annotation can be evaluated at the top level of the file, or is quoted. ``part`` is the expression that the
    helper is to return, when it is not statements that move.
    """
    place = cut.place if part is None else part.place
    if not is_annotated(place):
        return _NONE
    types = _Types(source, replace(cut, place=place), part, project)
    known = {name: types.spelled(types.before(name), name) or types.unknown for name in cut.parameters}
    returns = types.returned() or (types.unknown if types.can_return else None)
    if returns is None or None in known.values():
        return _NONE
    parameters = {name: text for name, text in known.items() if text}
    more: list[Splice] = []
    if types.words.anything is None and ANY in (returns, *parameters.values()):
        splice = with_any(source)
        if splice is None:
            return _NONE
        more.append(splice)
    return Signature(parameters, returns, types.asks, (*more, *types.declared(parameters)))


def type_known(source: Source, cut: Cut, project: Project) -> bool:
    """True when what the cut gives has a type that can be written."""
    types = _Types(source, cut, None, project)
    return types.returned() is not None


@dataclass(frozen=True)
class _Types:
    """What is known of the types of a function's variables where a cut is."""

    source: Source
    cut: Cut
    part: Part | None
    project: Project | None

    @cached_property
    def words(self) -> Spelling:
        minimum = self.project.minimum if self.project is not None else (3, 8)
        return Spelling(self.source, self.cut, minimum)

    @cached_property
    def flow(self) -> Flow:
        files = self.project.files if self.project is not None else {}
        return flow_of(known_of(self.source, files), self.cut.place)

    @cached_property
    def start(self) -> Env:
        if self.part is not None:
            return env_at(self.flow, self.part.statement, self.part.expression)
        return self.flow.at(self.cut.statements[0])

    @cached_property
    def asks(self) -> bool:
        """True for an expression that is only asked whether it is true, and is not certainly a bool."""
        return self._asked and self._value != "bool"

    @cached_property
    def _asked(self) -> bool:
        return self.part is not None and is_asked(self.part.statement, self.part.expression)

    @cached_property
    def _value(self) -> str | None:
        return self.flow.values.of(self.part.expression, self.start) if self.part is not None else None

    @cached_property
    def unknown(self) -> str | None:
        """What is written for a type that cannot be told, ``None`` where the file has no Any and may not import it."""
        if self.words.anything is not None or self.project is None:
            return self.words.anything
        return ANY if checks_types(self.project, self.source.path) else None

    @property
    def can_return(self) -> bool:
        """False for what no annotation can be written for: a part of a generator that is none of its own."""
        return not self.cut.is_generator

    def spelled(self, text: str | None, name: str = "") -> str | None:
        """Return a type as the file would write it, ``None`` when it cannot."""
        if text is None:
            return None
        written = self.flow.written.get(name)
        if written and members(written) == members(text):
            text = written
        return self.words.spelled(text)

    def before(self, name: str) -> str | None:
        """Return the type of a variable where the cut begins, with those that the cut gives it."""
        kind = self.start.get(name)
        if kind in (None, "None") and name in self.flow.partial:
            kind = self._kept_in(name, self.flow.partial[name])
        if self.part is not None or name not in _stored(self.cut):
            return kind
        inside = [one for one in walk(self.cut.statements) if isinstance(one, ast.stmt)]
        behind = [self.flow.behind[id(one)].get(name) for one in inside if id(one) in self.flow.behind]
        whole = union(kind, *behind)
        return collapsed(whole, self.flow.values.known) if whole else self.flow.declared.get(name)

    def after(self, name: str) -> str | None:
        """Return the type of a variable where the cut ends."""
        kind = self.flow.after(self.cut.statements[-1]).get(name)
        annotated = any(
            isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name
            for node in walk(self.cut.statements)
        )
        if annotated:
            return self.flow.written.get(name) or kind
        return kind or self.flow.declared.get(name) or self._handed_on(name)

    def _handed_on(self, name: str) -> str | None:
        """Return the type of a variable that the function returns, alone or in a tuple, by what that says it gives."""
        own = text_of(self.cut.place.node.returns)
        if own is None:
            return None
        for node in walk(self.cut.place.node.body):
            match node:
                case ast.Return(value=ast.Name(id=found)) if found == name:
                    return own
                case ast.Return(value=ast.Tuple(elts=elts)) if base_of(own) in ("tuple", "Tuple"):
                    parts = parts_of(own)
                    if len(parts) == len(elts) and "..." not in parts:
                        for one, text in zip(elts, parts, strict=True):
                            if isinstance(one, ast.Name) and one.id == name:
                                return text
        return None

    def returned(self) -> str | None:
        """Return what a call of the helper gives."""
        if self.part is not None:
            return "bool" if self._asked else self.spelled(self._value)
        if self.cut.is_generator:
            return self.words.spelled(generated(self.cut) or "") or None
        own = text_of(self.cut.place.node.returns)
        match self.cut.leaves:
            case Leaves.GUARD:
                return "bool"
            case Leaves.MAYBE:
                return self.words.spelled(union(own, "None") or "") if own else None
            case Leaves.RETURN:
                return self.words.spelled(own) if own else None
            case _:
                return self._resulting()

    def _resulting(self) -> str | None:
        """Return the annotation of one result or of several in a tuple."""
        results = self.cut.results
        if not results or self.cut.leaves is not Leaves.END:
            return "None"
        known = [self.spelled(self.after(name), name) for name in results]
        if len(known) == 1:
            return known[0]
        word = self.words.generic("tuple", "Tuple")
        parts = [one or self.words.anything or "" for one in known]
        return self.words.usable(f"{word}[{', '.join(parts)}]") if word and all(parts) else None

    def declared(self, parameters: Mapping[str, str]) -> list[Splice]:
        """Return what gives variables a type that had it from what moves: they are empty, or None, before."""
        found = []
        for name in parameters:
            node = self.flow.partial.get(name)
            if node is None or self.part is not None or len(node.targets) > 1 or name in self.flow.written:
                continue
            if node.lineno >= self.cut.statements[0].lineno or _is_filled(self.flow, name, node, self.cut):
                continue
            kind = self._kept_in(name, node)
            if text := self.spelled(kind) or self.words.anything:
                end = self.source.span(node.targets[0])[1]
                found.append(Splice(end, end, f": {text}"))
        return found

    def _kept_in(self, name: str, node: ast.Assign) -> str | None:
        kind = self.flow.declared.get(name) or self._handed_on(name)
        if isinstance(node.value, ast.Constant):
            return union(kind, "None")
        return kind or {"List": "list[Any]", "Dict": "dict[Any, Any]"}.get(type(node.value).__name__)


def _is_filled(flow: Flow, name: str, node: ast.Assign, cut: Cut) -> bool:
    """True when what stands before the cut tells the type of what is empty at first, or None."""
    for one in walk(cut.place.node.body):
        if isinstance(one, ast.stmt) and node.lineno < one.lineno < cut.statements[0].lineno:
            kind = flow.after(one).get(name) if id(one) in flow.behind else None
            if kind not in (None, "None") and isinstance(one, ast.Expr | ast.Assign) and _touches(one, name):
                return True
    return False


def _touches(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=found)))):
            return found == name
        case ast.Assign(targets=targets):
            return any(
                isinstance(one, ast.Name) and one.id == name for target in targets for one in ast.walk(target)
            )
        case _:
            return False


def _stored(cut: Cut) -> frozenset[str]:
    return frozenset(
        node.id
        for node in walk(cut.statements)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    )


def is_condition(cut: Cut) -> bool:
    """True for a ``return`` that was put before the statement of which it has a part: the cut is an expression."""
    only = cut.statements[0] if len(cut.statements) == 1 else None
    return isinstance(only, ast.Return) and only.value is not None and cut.last + 1 < len(cut.block)
