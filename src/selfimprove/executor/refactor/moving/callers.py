"""Callers: every way in which a project reaches a method, by its syntax trees, and what cannot be told from them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.analysis.scopes import parameters_of
from selfimprove.executor.refactor.moving.families import Families, defining, families, mentioning, read
from selfimprove.executor.refactor.moving.shadows import Around, bound_in, first_parameter, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source

_REPLACERS = frozenset({"setattr", "delattr", "patch", "object", "multiple", "replace"})
_PROSE = (".md", ".rst", ".txt", ".ipynb")
_BOUND_TO_A_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


class Via(StrEnum):
    """How a place of the project reaches a method; the value is how it is said of it."""

    SELF = "is called through self"
    CLASS = "is called through its class"
    TYPE = "is looked up on the type of an object"
    BASE = "is called by a base class"
    SUPER = "is called through super()"
    OBJECT = "is called through another object"
    ASSIGNED = "is assigned to"
    REPLACED = "is replaced"
    NAMED = "is named in a string"
    MADE_UP = "may be looked up by a name that is put together"
    TEXT = "is named in a file that is not Python"


@dataclass(frozen=True, slots=True)
class Use:
    """A place that reaches a method, or may. ``node`` is the attribute, for those through one.

    ``call`` is the call when the attribute is what is called. ``owner`` is the class that the place stands in
    and ``around`` the scopes, the innermost last; ``receiver`` the name of what the attribute is taken from.
    """

    via: Via
    path: str
    line: int
    node: ast.Attribute | None = None
    call: ast.Call | None = None
    owner: ast.ClassDef | None = None
    around: tuple[Around, ...] = ()
    receiver: str = ""

    @property
    def where(self) -> str:
        """The place, for a person."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Method:
    """A method of a project and what is around it, as far as reading tells."""

    source: Source
    project: Project
    place: Place
    owner: ast.ClassDef

    @property
    def name(self) -> str:
        """Its name."""
        return self.place.node.name

    @property
    def mangled(self) -> str:
        """What Python makes of a private name in the class (``_Class__name``), ``""`` for all others."""
        if not self.name.startswith("__") or self.name.endswith("__"):
            return ""
        return f"_{self.owner.name.lstrip('_')}{self.name}"

    @cached_property
    def families(self) -> Families:
        """The classes of the project."""
        return families(self.project)

    @cached_property
    def definers(self) -> Mapping[str, tuple[str, int]]:
        """Other classes that bind the name, by their names, with the place; a private name is not shared."""
        found: dict[str, tuple[str, int]] = {}
        if not self.mangled:
            for path, owner, statement in defining(self.project, self.name):
                ours = path == self.source.path and owner.lineno == self.owner.lineno
                twin = owner.name == self.owner.name and owner.name not in {_last(one) for one in owner.bases}
                if not ours and not twin:
                    found.setdefault(owner.name, (path, getattr(statement, "lineno", owner.lineno)))
        return found

    @cached_property
    def overriders(self) -> frozenset[str]:
        """Classes that can put a method of their own in its place: below it, or beside it in a third class."""
        wider = self.families.related(self.owner.name) - self.families.above(self.owner.name)
        wider |= self.families.below(self.owner.name) | {self.owner.name}
        return frozenset(self.definers) & wider

    def overridden_in(self, name: str) -> str:
        """Return a class whose method an object of class ``name`` may have instead, ``""`` when there is none."""
        for one in sorted({name} | self.families.below(name)):
            found = sorted(({one} | self.families.above(one)) & self.overriders)
            if found:
                return found[0]
        return ""

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """All uses, those of Python files by path and line, then those elsewhere."""
        found: list[Use] = []
        for source in mentioning(self.project, self.name):
            found += self._in(source)
        found.sort(key=lambda one: (one.path, one.line))
        return (*found, *self._made_up(), *self._texts())

    def _in(self, source: Source) -> Iterator[Use]:
        names = {self.name, self.mangled} - {""}
        for node, above, around in walk(source.tree):
            if isinstance(node, ast.Attribute) and node.attr in names:
                yield from self._attribute(source, node, above, around)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from self._string(source, node, node.value, above)
            elif isinstance(node, ast.keyword) and node.arg in names and _is_replacer(above[-1], "multiple"):
                yield Use(Via.REPLACED, source.path, node.value.lineno)

    def _attribute(
        self, source: Source, node: ast.Attribute, above: tuple[ast.AST, ...], around: tuple[Around, ...]
    ) -> Iterator[Use]:
        owner = next((one for one in reversed(around) if isinstance(one, ast.ClassDef)), None)
        via = self._via(source, node, owner, around)
        if via is None:
            return
        if not isinstance(node.ctx, ast.Load):
            via = Via.ASSIGNED
        call = above[-1] if isinstance(above[-1], ast.Call) and above[-1].func is node else None
        receiver = node.value.id if isinstance(node.value, ast.Name) else ""
        yield Use(via, source.path, node.lineno, node, call, owner, around, receiver)

    def _via(
        self, source: Source, node: ast.Attribute, owner: ast.ClassDef | None, around: tuple[Around, ...]
    ) -> Via | None:
        match node.value:
            case ast.Name(id=name):
                bound = method_of(name, around)
                if bound is not None:
                    return self._through_parameter(source, bound)
                if any(name in bound_in(one) for one in around if not isinstance(one, ast.ClassDef)):
                    return self._other(node)
                return self._through_name(name, node)
            case ast.Attribute(attr=name) if name in self._kin:
                return (
                    None if self.mangled and not node.attr.startswith("_" + name.lstrip("_")) else Via.CLASS
                )
            case ast.Call(func=ast.Name(id="super")):
                near = owner is not None and owner.name in self.families.below(self.owner.name)
                return Via.SUPER if near and not self.mangled else None
            case ast.Call(func=ast.Name(id="type")) | ast.Attribute(attr="__class__"):
                return Via.TYPE if self._other(node) else None
            case _:
                return self._other(node)

    def _other(self, node: ast.Attribute) -> Via | None:
        """A private name is reached from outside of its class by what Python makes of it only."""
        return None if self.mangled and node.attr != self.mangled else Via.OBJECT

    @cached_property
    def _kin(self) -> frozenset[str]:
        return self.families.below(self.owner.name) | {self.owner.name}

    def _through_parameter(self, source: Source, bound: tuple[FunctionNode, ast.ClassDef]) -> Via | None:
        method, owner = bound
        through = Via.CLASS if _takes_a_class(method) else Via.SELF
        if source.path == self.source.path and owner.lineno == self.owner.lineno:
            return through
        if self.mangled:
            return None
        if owner.name in self.families.below(self.owner.name):
            return through
        if owner.name in self.families.related(self.owner.name):
            return Via.BASE
        theirs = {owner.name} | self.families.above(owner.name)
        return None if theirs & set(self.definers) or owner.name == self.owner.name else Via.OBJECT

    def _through_name(self, name: str, node: ast.Attribute) -> Via | None:
        if name in self._kin:
            if self.mangled:  # in the class as it is written, elsewhere as Python makes it
                return Via.CLASS if name == self.owner.name else None
            return Via.CLASS
        known = name in self.families.parents
        return None if known and name not in self.families.related(self.owner.name) else self._other(node)

    def _string(
        self, source: Source, node: ast.Constant, text: str, above: tuple[ast.AST, ...]
    ) -> Iterator[Use]:
        names = {self.name, self.mangled} - {""}
        if text not in names and not (
            text.rpartition(".")[2] in names and re.fullmatch(r"[\w.:]+", text) and self.owner.name in text
        ):
            doctest = ">>>" in text and re.search(rf"^\s*(>>>|\.\.\.).*\b{self.name}\b", text, re.MULTILINE)
            if doctest:
                yield Use(Via.NAMED, source.path, node.lineno)
            return
        call = next((one for one in reversed(above[-2:]) if isinstance(one, ast.Call)), None)
        if call is not None and _is_replacer(call):
            if "." not in text and call.args and self._is_other_class(call.args[0]):
                return
            yield Use(Via.REPLACED, source.path, node.lineno)
        elif not isinstance(above[-1], ast.Expr):
            yield Use(Via.NAMED, source.path, node.lineno)

    def _is_other_class(self, node: ast.expr) -> bool:
        name = _last(node)
        return (
            name in self.families.parents and name not in self.families.related(self.owner.name) | self._kin
        )

    def _made_up(self) -> Iterator[Use]:
        """``getattr(x, "do_" + word)``: names that are put together, in files that look names up."""
        for path in self.project.python:
            for pattern, line in _put_together(path, self.project.files[path]):
                if re.fullmatch(pattern, self.name):
                    yield Use(Via.MADE_UP, path, line)

    def _texts(self) -> Iterator[Use]:
        word = re.compile(rf"\b{self.mangled or self.name}\b".encode())
        for path in sorted(self.project.files):
            if path.endswith(".py"):
                continue
            for match in word.finditer(self.project.files[path]):
                start = self.project.files[path].rfind(b"\n", 0, match.start()) + 1
                told = self.project.files[path][start : match.start()]
                if not _is_prose(path) or b">>>" in told:
                    yield Use(Via.TEXT, path, self.project.files[path].count(b"\n", 0, start) + 1)
                    break


def _is_prose(path: str) -> bool:
    return path.endswith(_PROSE) or "." not in path.rpartition("/")[2]


def method_of(receiver: str, around: tuple[Around, ...]) -> tuple[FunctionNode, ast.ClassDef] | None:
    """Return the method whose first parameter ``receiver`` is at a place, and its class; ``None`` if it is not one.

    A name that is bound anew on the way, or in the method, is no receiver.
    """
    for at in range(len(around) - 1, 0, -1):
        scope, outer = around[at], around[at - 1]
        if isinstance(scope, ast.ClassDef) or receiver not in bound_in(scope):
            continue
        if isinstance(scope, ast.Lambda) or not isinstance(outer, ast.ClassDef):
            return None
        static = any(_last(one) == "staticmethod" for one in scope.decorator_list)
        again = rebinds(scope, receiver) or parameters_of(scope).count(receiver) > 1
        return None if static or again or first_parameter(scope) != receiver else (scope, outer)
    return None


def rebinds(scope: FunctionNode, name: str) -> bool:
    """True when a function assigns to one of its parameters."""
    return any(
        isinstance(one, ast.Name) and one.id == name and not isinstance(one.ctx, ast.Load)
        for statement in scope.body
        for one in ast.walk(statement)
    )


def _takes_a_class(method: FunctionNode) -> bool:
    return method.name in _BOUND_TO_A_CLASS or any(
        _last(one) == "classmethod" for one in method.decorator_list
    )


def _is_replacer(node: ast.AST, only: str = "") -> bool:
    name = _last(node.func) if isinstance(node, ast.Call) else ""
    return name == only if only else name in _REPLACERS


@lru_cache(maxsize=512)
def _put_together(path: str, content: bytes) -> tuple[tuple[str, int], ...]:
    """Return patterns of the names that a file puts together, with the lines, when it looks names up at all.

    What ``getattr`` is given counts whatever it is; elsewhere a text with two letters that are fixed does.
    """
    source = read(path, content) if re.search(rb"attr\b|methodcaller", content) else None
    found = []
    for node in ast.walk(source.tree) if source else ():
        if isinstance(node, ast.Call) and _last(node.func).endswith("attr") and len(node.args) > 1:
            found.append((_pattern(node.args[1]), node.lineno))
        elif isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call):
            pattern = _pattern(node)
            if len(pattern.replace(".*", "")) > 1:
                found.append((pattern, node.lineno))
    return tuple((pattern, line) for pattern, line in found if pattern)


def _pattern(node: ast.expr) -> str:
    """Return a pattern of what a string put together can be, ``""`` when it is no such string or says nothing."""
    match node:
        case ast.JoinedStr(values=values):
            parts = [re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".*" for one in values]
            return "".join(parts) if any(one != ".*" for one in parts) else ""
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return ".*".join(re.escape(one) for one in re.split(r"%(?:\(\w+\))?[sdr]", text))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, two = _piece(left), _piece(right)
            return one + two if (one, two) != (".*", ".*") else ""
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return ".*".join(re.escape(one) for one in re.split(r"\{[^}]*\}", text))
        case _:
            return ""


def _piece(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    return _pattern(node) or ".*"


def _last(node: ast.expr) -> str:
    """Return the last name of ``a.b.c``, of what is called in ``a.b.c()`` or indexed in ``a.b.c[d]``."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _last(inner)
        case _:
            return ""
