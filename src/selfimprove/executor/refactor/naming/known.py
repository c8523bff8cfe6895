"""Known: what a file, and those files of the project that it imports from, say of types: functions, classes, names."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.naming.annotations import base_of, inside, text_of
from selfimprove.executor.refactor.naming.builtin_types import ABOVE, OF_ATTRIBUTE, of_value
from selfimprove.executor.refactor.naming.stated import (
    attributes_of,
    defined,
    result_of,
    statements,
    unwrapped,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.executor.refactor.source import Source

_DEEPEST = 8  # classes above a class, files behind an import
_ENUMS = frozenset(["Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"])
_SELVES = frozenset(["Self", "t.Self", "typing.Self", "te.Self"])


@dataclass(frozen=True, eq=False)
class Known:
    """What one file says; ``files`` are those of the project, by path, ``deep`` how many imports led here."""

    tree: ast.Module
    path: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    deep: int = 0

    @cached_property
    def _named(self) -> dict[str, list[ast.stmt]]:
        """The top-level statements that define a function, class or variable, by its name."""
        found: dict[str, list[ast.stmt]] = {}
        for node in statements(self.tree.body):
            for name in defined(node):
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def _imported(self) -> dict[str, tuple[str, str]]:
        """The module, as a path in the project, and the name there, of what is imported from the project."""
        found: dict[str, tuple[str, str]] = {}
        for node in statements(self.tree.body):
            if isinstance(node, ast.ImportFrom):
                for one in node.names:
                    path = self._path_of(node.module or "", node.level)
                    if path:
                        found[one.asname or one.name] = (path, one.name)
        return found

    def _path_of(self, module: str, level: int) -> str:
        parts = module.split(".") if module else []
        if level:
            folder = PurePosixPath(self.path).parent
            for _ in range(level - 1):
                folder = folder.parent
            stems = [str(folder.joinpath(*parts))]
        else:
            first = PurePosixPath(self.path).parts
            ends = ["/".join((*first[:at], *parts)) for at in range(len(first))]
            stems = list(dict.fromkeys(ends))
        for stem in stems:
            for path in (f"{stem}.py", f"{stem}/__init__.py", f"{stem}.pyi"):
                if path in self.files:
                    return path
        return ""

    def _elsewhere(self, name: str) -> tuple[Known, str] | None:
        path, original = self._imported.get(name, ("", ""))
        if not path or path == self.path or self.deep > _DEEPEST:
            return None
        tree = _tree(self.files[path])
        return (Known(tree, path, self.files, self.deep + 1), original) if tree else None

    def is_variable(self, text: str) -> bool:
        """True for a type variable."""
        match (found := self.definition(text)) and found[1]:
            case ast.Assign(value=ast.Call(func=func)):
                return ast.unparse(func).rpartition(".")[2] == "TypeVar"
            case _:
                return text.rpartition(".")[2] == "AnyStr"

    def definition(self, name: str) -> tuple[Known, ast.stmt] | None:
        """Return the one statement that defines ``name``, and what is known where it stands."""
        nodes = self._named.get(name, [])
        if len(nodes) == 1:
            return self, nodes[0]
        if nodes:
            return None
        other = self._elsewhere(name)
        return other[0].definition(other[1]) if other else None

    def class_of(self, text: str) -> tuple[Known, ast.ClassDef] | None:
        """Return the class that a type names, in this file or one that this imports it from."""
        found = self.definition(base_of(text))
        if found is None and (nested := self._foreign.get(base_of(text))):
            found = nested
        return (found[0], found[1]) if found and isinstance(found[1], ast.ClassDef) else None

    @cached_property
    def _foreign(self) -> dict[str, tuple[Known, ast.stmt]]:
        """Classes that this file does not import itself, but one of those that it imports from has."""
        found: dict[str, tuple[Known, ast.stmt]] = {}
        if self.deep > 1:
            return found
        for name in self._imported:
            if other := self._elsewhere(name):
                for one in (*other[0]._named, *other[0]._imported):
                    if one not in found and (there := other[0].definition(one)):
                        found[one] = there
        return found

    def result(self, name: str) -> str | None:
        """Return what a call of a function or class gives."""
        found = self.definition(name)
        return result_of(found[1]) if found else None

    def variable(self, name: str) -> str | None:
        """Return the type of a variable of the module, of which there is one assignment."""
        found = self.definition(name)
        return found[0].assigned(found[1]) if found else None

    def assigned(self, node: ast.stmt) -> str | None:
        """Return the type that an assignment of a module or class gives its name."""
        match node:
            case ast.AnnAssign(annotation=annotation):
                return unwrapped(text_of(annotation))
            case ast.Assign(value=ast.Call(func=ast.Name(id=name))) if self.class_of(name):
                return self.result(name)
            case ast.Assign(value=value):
                return of_value(value)
            case _:
                return None

    def attribute(self, text: str, name: str) -> str | None:
        """Return the type of an attribute of a value of type ``text``; ``type[X]`` is the class X itself."""
        if base_of(text) == "type":
            return self._of_class(inside(text), name)
        if found := OF_ATTRIBUTE.get((base_of(text).rpartition(".")[2], name)):
            return found
        for known, owner in self.family(text):
            table = attributes_of(known, owner)
            if name in table:
                found = table[name]
                return text if found in _SELVES else found
        return None

    def _of_class(self, text: str, name: str) -> str | None:
        found = self.class_of(text)
        if found and self.is_enum(text) and not name.startswith("_"):
            names = {one for node in found[1].body for one in defined(node)}
            return text if name in names else None
        return self.attribute(text, name) if text and base_of(text) != "type" else None

    def is_enum(self, text: str) -> bool:
        """True for a class of an enumeration."""
        return any(base_of(one) in _ENUMS for one in self._bases(text))

    def method(self, text: str, name: str) -> str | None:
        """Return what a call of a method of a value of type ``text`` gives."""
        text = inside(text) if base_of(text) == "type" else text
        for _, owner in self.family(text):
            nodes = [node for node in owner.body if isinstance(node, FunctionNode) and node.name == name]
            if nodes:
                found = result_of(nodes[0]) if len(nodes) == 1 else None
                return text if found in _SELVES else found
        return None

    def family(self, text: str) -> Iterator[tuple[Known, ast.ClassDef]]:
        """Yield the class that a type names, and those above it, each with what is known where it stands."""
        todo = [(self, text)]
        seen: set[ast.ClassDef] = set()
        while todo:
            known, one = todo.pop(0)
            found = known.class_of(one)
            if found and found[1] not in seen and len(seen) < 4 * _DEEPEST:
                seen.add(found[1])
                yield found
                todo += [(found[0], ast.unparse(base)) for base in found[1].bases]

    def _bases(self, text: str) -> Iterator[str]:
        yield text
        for _, owner in self.family(text):
            yield from (ast.unparse(base) for base in owner.bases)

    def is_below(self, text: str, other: str) -> bool:
        """True when values of type ``text`` are certainly also of type ``other``."""
        base, above = _plain(base_of(text)), _plain(base_of(other))
        if base == above or above == "object" or above in ABOVE.get(base, ()):
            return True
        bases = [_plain(base_of(one)) for one in self._bases(text)]
        return above in bases or any(above in ABOVE.get(one, ()) for one in bases)

    def is_apart(self, text: str, other: str) -> bool:
        """True when no value can be of both types, as far as the classes tell."""
        known = all(_plain(base_of(one)) in ABOVE or self.class_of(one) for one in (text, other))
        return known and not self.is_below(text, other) and not self.is_below(other, text)


def known_of(source: Source, files: Mapping[str, bytes]) -> Known:
    """Return what is known of a file of the project ``files``; the same object for the same tree."""
    for tree, found in _RECENT:
        if tree is source.tree:
            return found
    found = Known(source.tree, source.path, files)
    _RECENT.append((source.tree, found))
    del _RECENT[:-8]
    return found


_RECENT: list[tuple[ast.Module, Known]] = []


@lru_cache(maxsize=64)
def _tree(content: bytes) -> ast.Module | None:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _plain(base: str) -> str:
    """Return the name of a builtin or abstract class without its module, another name as it is."""
    name = base.rpartition(".")[2]
    name = {"List": "list", "Dict": "dict", "Set": "set", "Tuple": "tuple", "FrozenSet": "frozenset"}.get(
        name, name
    )
    return name if name in ABOVE or name in _ABSTRACT else base


_ABSTRACT = frozenset(name for above in ABOVE.values() for name in above)
