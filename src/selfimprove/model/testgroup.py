"""Test groups: the four kinds of tests that are written for changes, and what the tests of one group showed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

GROUPS = ("features", "security", "compliance", "integration")
"""The groups, in the order in which they are shown; they are also the categories of suggestions."""


@dataclass(frozen=True, slots=True)
class GroupResult:
    """What the tests of one group showed: counts of tests, and the end of what the run said.

    ``total`` is passed + failed + errors + skipped.
    """

    total: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    output: str = ""
    paths: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TestTerms:
    """When tests are written, and what they must stand.

    ``write`` asks for them for each change that a model makes, in ``groups`` (none: the task's own). ``folder`` holds
    a folder for each group (``None``: where the tests are). They run ``runs`` times, and up to ``mutations`` changed
    lines are spoilt to see whether one of them notices.
    """

    __test__: ClassVar[bool] = False  # pytest must not take it for a class of tests

    write: bool = False
    groups: tuple[str, ...] = ()
    folder: str | None = None
    runs: int = 3
    mutations: int = 8


def group_of(category: str | None) -> str:
    """Return the group of a task's category: the one of that name, else ``features``."""
    return category if category in GROUPS else GROUPS[0]
