"""Spelling: how a file writes its annotations, and which of them can stand at its top level."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.annotations import allows_none, bound, names_in

if TYPE_CHECKING:
    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Source

_BUILT = frozenset(["list", "tuple", "dict", "set", "frozenset", "type"])


@dataclass(frozen=True)
class Spelling:
    """The words for types that a file has, seen from the function that ``cut`` is taken out of."""

    source: Source
    cut: Cut

    @cached_property
    def postponed(self) -> bool:
        """True when annotations are never evaluated (``from __future__ import annotations``)."""
        return any(
            isinstance(node, ast.ImportFrom)
            and node.module == "__future__"
            and any(one.name == "annotations" for one in node.names)
            for node in self.source.tree.body
        )

    @cached_property
    def top(self) -> dict[str, int]:
        """The names of the module and the line from which each is there; 0 for what only a type checker sees."""
        return dict(bound(self.source.tree.body))

    @cached_property
    def own_line(self) -> int:
        """The line of the top-level statement that the function is in."""
        line = self.cut.place.node.lineno
        return max((node.lineno for node in self.source.tree.body if node.lineno <= line), default=1)

    @cached_property
    def anything(self) -> str | None:
        """How the file writes Any, ``None`` when it does not have it."""
        for node in self.source.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module in ("typing", "typing_extensions"):
                for one in node.names:
                    if one.name == "Any":
                        return one.asname or "Any"
        for node in self.source.tree.body:
            if isinstance(node, ast.Import):
                for one in node.names:
                    if one.name == "typing":
                        return f"{one.asname or 'typing'}.Any"
        return None

    @cached_property
    def _typing(self) -> frozenset[str]:
        """What the file imports from typing under its own name."""
        return frozenset(
            one.name
            for node in self.source.tree.body
            if isinstance(node, ast.ImportFrom) and node.module == "typing"
            for one in node.names
            if one.asname is None
        )

    @cached_property
    def annotations(self) -> tuple[ast.expr, ...]:
        """All annotations of the file."""
        found: list[ast.expr] = []
        for node in ast.walk(self.source.tree):
            for one in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                if isinstance(one, ast.expr):
                    found.append(one)
        return tuple(found)

    def generic(self, plain: str, old: str) -> str | None:
        """Return how the file writes a builtin generic: ``list`` or ``List``, ``None`` when neither is sure to work."""
        if old in self._typing:
            return old
        used = any(
            isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in _BUILT
            for one in self.annotations
            for node in ast.walk(one)
        )
        return plain if used or self.postponed else None

    def or_none(self, text: str | None) -> str | None:
        """Return ``text`` with None as a further value, in the form that the file has."""
        if text is None or text.replace(" ", "") == "None" or "Any" in text.split("."):
            return text
        if allows_none(text):
            return text
        if "Optional" in self._typing:
            return f"Optional[{text}]"
        piped = any(isinstance(node, ast.BinOp) for one in self.annotations for node in ast.walk(one))
        return f"{text} | None" if piped or self.postponed else None

    def usable(self, text: str | None) -> str | None:
        """Return an annotation in a form that is safe at the top level of the file, ``None`` when there is none."""
        if text is None:
            return None
        try:
            names = names_in(text)
        except (SyntaxError, ValueError, RecursionError):
            return None
        if "Self" in names and not self.cut.receiver:
            return None
        if not all(name in self.top or hasattr(builtins, name) for name in names) or names & self._shadowing:
            return None
        late = any(self.top.get(name, 1) == 0 or self.top.get(name, 0) >= self.own_line for name in names)
        if late and not self.postponed and not text.startswith(("'", '"')):
            return None if '"' in text else f'"{text}"'
        return text

    @cached_property
    def _shadowing(self) -> frozenset[str]:
        """Names of the scopes around that mean something else at the top level."""
        found: set[str] = set()
        for scope in self.cut.place.around:
            found.update(name for name, _ in bound(scope.body))
        return frozenset(found)
