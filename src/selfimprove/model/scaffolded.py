"""Scaffolded: what became of one file of good practice that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfimprove.model.gap import Gap


class Fate(StrEnum):
    """How it ended.

    ``DONE``: there is a commit. ``PROPOSED``: it would be made. ``PRESENT``: it was there. ``UNDECIDED``: a person
    has to say something first. ``UNSUITED``: it makes no sense here. ``LEFT``: it was not brought to an end.
    ``FAILED``: it could not be made, or what was made did not pass.
    """

    DONE = "done"
    PROPOSED = "proposed"
    PRESENT = "present"
    UNDECIDED = "undecided"
    UNSUITED = "not_applicable"
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """One row of the answer of ``selfimprove scaffold``; ``reason`` is why it did not end well, ``""`` when it did."""

    gap: Gap
    fate: Fate
    reason: str = ""
    task: str = ""
    commit: str | None = None
    diff: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        row = self.gap.to_dict()
        if self.reason:
            row["reason"] = self.reason
        return row | {
            "why": self.gap.reason,
            "status": self.fate.value,
            "task": self.task,
            "commit": self.commit,
            "diff": self.diff,
        }
