"""Project: what a rewrite may know of the repository: its files and names, its oldest Python, what tests run."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD = re.compile(rb"[^\W\d]\w*")


@dataclass(frozen=True)
class Project:
    """The tree that is rewritten, without a disk.

    ``files`` has every tracked file by its path. ``covered`` has, for each file that was traced, the lines that
    tests execute (numbers as in ``files``); a file that is not in it was not traced: nothing is known. ``minimum``
    is the oldest Python that the project supports, as (major, minor). ``ruff`` is the project's own ruff, where it has
    one.
    """

    files: Mapping[str, bytes]
    covered: Mapping[str, frozenset[int]] = field(default_factory=dict)
    minimum: tuple[int, int] = (3, 8)
    ruff: str = ""

    @cached_property
    def python(self) -> tuple[str, ...]:
        """The paths of Python files, sorted."""
        return tuple(sorted(path for path in self.files if path.endswith((".py", ".pyi"))))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every identifier-like word in any Python file, also in strings and comments: a new name is none of these.

        A name that stands nowhere cannot be overridden, monkeypatched, imported or looked up by ``getattr``.
        """
        found: set[bytes] = set()
        for path in self.python:
            found.update(_WORD.findall(self.files[path]))
        return frozenset(word.decode(errors="replace") for word in found) | frozenset(keyword.kwlist)

    def knowing(self, covered: Mapping[str, frozenset[int]]) -> Project:
        """Return the same project of which it is known that tests execute ``covered``."""
        known = replace(self, covered=covered)
        known.__dict__["words"] = self.words  # the files are the same: no need to read them again
        return known
