"""Change: one file of a proposal as it was and as it would be, and the Case that all of them make together."""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

from selfimprove.model.outcome import Objection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selfimprove.model.task import Task

LARGE = 2_000_000  # characters of a text beyond which only its size is looked at
AUTO = 1_000  # lines from which on frequent ones are not compared, which else takes minutes
_PROSE = re.compile(r"\.(md|markdown|rst|txt|adoc|org)$|(^|/)[A-Z]+$", re.IGNORECASE)


@dataclass(frozen=True)
class Change:
    """One changed file: its text before and after (``None``: not there) and its git modes before and after."""

    path: str
    old: str | None
    new: str | None
    mode: str = "100644"
    was: str = "000000"

    @cached_property
    def added(self) -> tuple[tuple[int, str], ...]:
        """The lines that the change adds, each with its number in the new text."""
        return _difference(self.old or "", self.new or "")

    @cached_property
    def removed(self) -> tuple[str, ...]:
        """The lines that the change takes away."""
        return tuple(text for _, text in _difference(self.new or "", self.old or ""))

    @property
    def is_python(self) -> bool:
        """True for a Python file."""
        return self.path.endswith((".py", ".pyi"))

    @property
    def is_prose(self) -> bool:
        """True for a text that is written to be read, not run."""
        return _PROSE.search(self.path) is not None

    def trees(self) -> tuple[ast.Module | None, ast.Module | None]:
        """Return the syntax trees before and after; ``None`` where there is no text or it does not parse."""
        before, after = (None if text is None else parsed(text) for text in (self.old, self.new))
        return before, after

    def objection(self, code: str, text: str, line: int = 0, allow: str | None = None) -> Objection:
        """Return the objection that ``text`` (which follows the place) says; ``allow`` is else its code."""
        place = f"{self.path}:{line}" if line else self.path
        return Objection(code, f"{place} {text}", self.path, code if allow is None else allow)


@dataclass(frozen=True)
class Case:
    """A task and all that is proposed for it. ``names`` are the files of the base, ``read`` returns their texts.

    ``written`` are files that steps besides the edit wrote, which the task need not name.
    """

    task: Task
    changes: tuple[Change, ...] = ()
    names: frozenset[str] = frozenset()
    read: Callable[[str], str | None] = field(default=lambda _path: None)
    written: frozenset[str] = frozenset()

    @cached_property
    def arrived(self) -> dict[str, frozenset[str]]:
        """The stripped lines that each file gains, by which a move is told from a loss."""
        return {
            change.path: frozenset(text.strip() for _, text in change.added if text.strip())
            for change in self.changes
        }

    def moved_from(self, change: Change) -> float:
        """Return which part of the lines that ``change`` takes away arrives in other files, from 0 to 1."""
        gone = [text.strip() for text in change.removed if text.strip()]
        others = [lines for path, lines in self.arrived.items() if path != change.path]
        if not gone:
            return 1.0
        return sum(any(text in lines for lines in others) for text in gone) / len(gone)


@cache
def _difference(before: str, after: str) -> tuple[tuple[int, str], ...]:
    """Return the numbered lines of ``after`` that ``before`` does not have at their place."""
    one, two = before.splitlines(), after.splitlines()
    if len(before) + len(after) > LARGE:
        known = set(one)
        return tuple((number, text) for number, text in enumerate(two, 1) if text not in known)
    start = next(
        (at for at, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(two)),
    )
    end = 0
    while end < min(len(one), len(two)) - start and one[-1 - end] == two[-1 - end]:
        end += 1
    one, two = one[start : len(one) - end], two[start : len(two) - end]
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=len(one) > AUTO)
    return tuple(
        (start + number + 1, two[number])
        for tag, _, _, first, last in matcher.get_opcodes()
        if tag in ("insert", "replace")
        for number in range(first, last)
    )


@cache
def parsed(text: str) -> ast.Module | None:
    """Return the syntax tree of Python code, ``None`` for what is too large or none."""
    if len(text) > LARGE:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def dotted(node: ast.AST, names: dict[str, str] | None = None) -> str:
    """Return ``a.b.c`` for a chain of attributes, its first name replaced by what it was imported as."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    first = (names or {}).get(node.id, node.id)
    return ".".join([first, *reversed(parts)])


def imports(tree: ast.AST) -> dict[str, str]:
    """Return what the names that a module imports stand for, as dotted paths."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {
                alias.asname or alias.name.split(".")[0]: alias.name
                if alias.asname
                else alias.name.split(".")[0]
                for alias in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield every call in ``tree``."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))
