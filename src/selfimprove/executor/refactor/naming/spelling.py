"""Spelling: how a file writes its annotations, and which of them can stand at its top level."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.annotations import ANY, bound, imports, members, names_in

if TYPE_CHECKING:
    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Source

_BUILT = frozenset(["list", "tuple", "dict", "set", "frozenset", "type"])
_GENERIC = re.compile(r"(?<![\w.])(list|dict|set|tuple|frozenset)\[")
_CALLABLE = re.compile(r"(?<![\w.])Callable\b")
_ANY = re.compile(r"(?<![\w.])Any\b")


@dataclass(frozen=True)
class Spelling:
    """The words for types that a file has, seen from the function that ``cut`` is taken out of."""

    source: Source
    cut: Cut
    minimum: tuple[int, int] = (3, 8)

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
        whole = list(imports(self.source.tree.body))
        for node in whole:
            if isinstance(node, ast.ImportFrom) and node.module in ("typing", "typing_extensions"):
                for one in node.names:
                    if one.name == "Any":
                        return self.usable(one.asname or "Any")
        for node in whole:
            if isinstance(node, ast.Import):
                for one in node.names:
                    if one.name == "typing":
                        return self.usable(f"{one.asname or 'typing'}.Any")
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
        return plain if used or self.postponed or self.minimum >= (3, 9) else None

    def spelled(self, text: str) -> str | None:
        """Return a type as the file would write it at its top level, ``None`` when it has no words for it."""
        parts = members(text)
        if ANY in parts:
            return self.anything
        text = self._built(_GENERIC.sub(self._word, text))
        if len(parts) > 1 and not text.startswith(("Optional[", "Union[", "t.", "typing.")):
            pieces = [self._built(_GENERIC.sub(self._word, one)) for one in parts]
            united = self._united(pieces)
            if united is None:
                return None
            text = united
        if _CALLABLE.search(text) and "Callable" not in self.top:
            written = self._callable
            if written is None:
                return None
            text = _CALLABLE.sub(written, text)
        if _ANY.search(text):
            if self.anything is None:
                return None
            text = _ANY.sub(self.anything.strip("\"'"), text)
        return self.usable(text)

    @cached_property
    def _callable(self) -> str | None:
        """How the file writes Callable when it does not import it by its name."""
        found = {
            ast.unparse(node)
            for one in self.annotations
            for node in ast.walk(one)
            if isinstance(node, ast.Attribute) and node.attr == "Callable"
        }
        return min(found, default=None)

    def _built(self, text: str) -> str:
        """Return a type with the names that the file has for classes of the standard library."""
        for full in ("re.Match", "re.Pattern"):
            name = full.partition(".")[2]
            if full in text and "re" not in self.top and name in self.top:
                text = text.replace(full, name)
        return text

    def _word(self, match: re.Match[str]) -> str:
        plain = match[1]
        return f"{self.generic(plain, plain.capitalize()) or '?'}["

    def _united(self, parts: list[str]) -> str | None:
        if self.postponed or self._pipes or self.minimum >= (3, 10):
            return " | ".join(parts)
        rest = [one for one in parts if one != "None"]
        inner = (
            rest[0] if len(rest) == 1 else f"Union[{', '.join(rest)}]" if "Union" in self._typing else None
        )
        if inner is None or len(rest) == len(parts):
            return inner
        return f"Optional[{inner}]" if "Optional" in self._typing else None

    @cached_property
    def _pipes(self) -> bool:
        return any(
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
            for one in self.annotations
            for node in ast.walk(one)
        )

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
