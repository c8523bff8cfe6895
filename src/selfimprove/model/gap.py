"""Gap: a file of good practice that a repository has, lacks, or cannot have before a person decides something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from selfimprove.model.finding import Finding, Idea, Severity

SOURCE = "scaffold"
"""What the tasks of gaps have as their ``source`` and ``category``."""


class Standing(StrEnum):
    """How a repository stands to one rule.

    ``UNDECIDED``: the file would be right, and what has to be in it only a person can say. ``UNSUITED``: it makes no
    sense here.
    """

    PRESENT = "present"
    MISSING = "missing"
    UNDECIDED = "undecided"
    UNSUITED = "not_applicable"


@dataclass(frozen=True, slots=True)
class Gap:
    """One rule's answer. ``path`` is the file that is there, or that would be made, ``more`` those made with it.

    ``reason`` is why, in words for a person; ``evidence`` the facts that the contents follow from; ``hint`` what a
    person can type where they have to decide. ``allow`` are the vetoes that making it would meet by its nature.
    """

    rule: str
    name: str
    title: str
    standing: Standing
    path: str = ""
    reason: str = ""
    evidence: tuple[str, ...] = ()
    hint: str = ""
    more: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files that making it writes."""
        return (self.path, *self.more)

    def to_finding(self) -> Finding:
        """Return the finding of a gap that is MISSING; its task names the files and nothing else."""
        idea = Idea(
            f"{'Complete' if self.rule == 'SI710' and self.reason.startswith('lacks') else 'Add'} {self.path}",
            SOURCE,
            SOURCE,
            files=self.files,
            evidence=self.evidence,
            criteria=(f"{self.path} says only what follows from the repository",),
            allow=self.allow,
        )
        words = f"{self.title}: {self.reason}"
        return Finding(
            self.rule,
            self.path,
            0,
            0,
            "",
            Severity.NOTE,
            "missing",
            "present",
            words,
            f"Add {self.path}.",
            idea=idea,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            "rule": self.rule,
            "name": self.name,
            "title": self.title,
            "status": self.standing.value,
            "path": self.path,
            "files": list(self.files) if self.path else [],
            "reason": self.reason,
            "evidence": list(self.evidence),
            "hint": self.hint,
        }
