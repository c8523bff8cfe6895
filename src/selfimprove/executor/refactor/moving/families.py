"""Families: which classes of a project inherit from which, read off the text by name, erring towards kinship."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from selfimprove.executor.refactor.project import Project

_CLASS = re.compile(
    rb"^[ \t]*class[ \t]+(\w+)[^:(]*(?:\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\))?", re.MULTILINE
)
_RENAMED = re.compile(
    rb"\b(\w+)[ \t]+as[ \t]+(\w+)|^[ \t]*(\w+)[ \t]*=[ \t]*(?:\w+\.)*(\w+)[ \t]*$", re.MULTILINE
)
_WORD = re.compile(rb"\w+")


@dataclass(frozen=True)
class Families:
    """Classes by name. Two of one name are one here, so that a class has rather too many relatives than too few."""

    parents: Mapping[str, frozenset[str]]
    children: Mapping[str, frozenset[str]]

    def below(self, name: str) -> frozenset[str]:
        """Return the classes that inherit from ``name``, also by way of others."""
        return _closure(self.children, name)

    def above(self, name: str) -> frozenset[str]:
        """Return the classes that ``name`` inherits from, also those that are not of the project."""
        return _closure(self.parents, name)

    def related(self, name: str) -> frozenset[str]:
        """Return all that can share an object with ``name``: above it, below it, and above those below."""
        below = self.below(name)
        found = below | self.above(name)
        for one in sorted(below):
            found |= self.above(one)
        return found - {name}


def families(project: Project) -> Families:
    """Return the classes of the project, by a look at its text."""
    parents: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    for child, parent in _pairs(project):
        parents.setdefault(child, set())
        if parent and parent != child:
            parents[child].add(parent)
            children.setdefault(parent, set()).add(child)
    return Families(_frozen(parents), _frozen(children))


def defining(project: Project, name: str) -> Iterator[tuple[str, ast.ClassDef, ast.AST]]:
    """Yield each class that binds ``name`` in its body: path, class, and the statement that binds it.

    A file that does not parse is passed over: it cannot run either.
    """
    for source in mentioning(project, name):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                yield from ((source.path, node, one) for one in node.body if name in names_of(one))


def mentioning(project: Project, name: str) -> Iterator[Source]:
    """Yield the Python files that have ``name`` somewhere, in order of their paths."""
    word = name.encode()
    for path in project.python:
        if word in project.files[path]:
            source = read(path, project.files[path])
            if source is not None:
                yield source


@lru_cache(maxsize=64)
def read(path: str, content: bytes) -> Source | None:
    """Return a file, the same for the same content, ``None`` for one that does not parse."""
    try:
        return Source.read(path, content)
    except RefactorError:
        return None


def names_of(statement: ast.stmt) -> frozenset[str]:
    """Return the names that a statement of a class's body binds in it."""
    if isinstance(statement, FunctionNode | ast.ClassDef):
        return frozenset((statement.name,))
    return frozenset(
        one.id for one in ast.walk(statement) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    ) | frozenset(one.name for one in ast.walk(statement) if isinstance(one, FunctionNode | ast.ClassDef))


def _pairs(project: Project) -> Iterator[tuple[str, str]]:
    """Yield each class with each of its bases (and with ``""``), then other names of classes with those."""
    every = [_classes(project.files[path]) for path in project.python]
    known = {child for classes, _ in every for child, _ in classes}
    for classes, _ in every:
        yield from classes
    for _, renamed in every:
        yield from ((new, old) for new, old in renamed if old in known and old != new)


@lru_cache(maxsize=4096)
def _classes(content: bytes) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Return what a file says of classes: (class, base) and (new name, old name)."""
    found = []
    for match in _CLASS.finditer(content):
        name = match[1].decode(errors="replace")
        found += [(name, one) for one in ("", *_bases(match[2] or b""))]
    renamed = tuple(
        ((match[2] or match[3]).decode(errors="replace"), (match[1] or match[4]).decode(errors="replace"))
        for match in _RENAMED.finditer(content)
    )
    return tuple(found), renamed


def _bases(text: bytes) -> list[str]:
    """Return the names of base classes in the brackets of a class: of ``a.B[T]`` it is ``B``, of a call all names."""
    try:
        (call,) = ast.parse(b"f(" + text + b"\n)").body
    except (SyntaxError, ValueError):
        return [one.decode() for one in _WORD.findall(text)]
    found: list[str] = []
    for one in call.value.args if isinstance(call, ast.Expr) and isinstance(call.value, ast.Call) else ():
        match one.value if isinstance(one, ast.Subscript) else one:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.append(name)
            case other:
                found += [node.id for node in ast.walk(other) if isinstance(node, ast.Name)]
                found += [node.attr for node in ast.walk(other) if isinstance(node, ast.Attribute)]
    return found


def _closure(edges: Mapping[str, frozenset[str]], name: str) -> frozenset[str]:
    found: set[str] = set()
    todo = [name]
    while todo:
        for one in edges.get(todo.pop(), ()):
            if one not in found:
                found.add(one)
                todo.append(one)
    return frozenset(found)


def _frozen(edges: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(ends) for name, ends in edges.items()}
