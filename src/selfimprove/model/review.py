"""Review: an opinion on a final patch, as six scores and the lines that they are about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

DIMENSIONS = {
    "correctness": "it does what the task asks, in every case, and breaks nothing else",
    "safety": "no way in for an attacker, no secret, no data or resource lost",
    "tests": "what changed is tested as far as it can break; 10 when there is nothing to test",
    "readability": "a newcomer understands it at first reading",
    "scope": "the task and nothing else, in as few changed lines as it takes",
    "maintainability": "names, structure and style fit the code around it and are easy to change",
}
"""The six dimensions, each with what its 10 means."""

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Issue:
    """What a reviewer has to say about one line of the patch; ``severity`` is one of :data:`SEVERITIES`."""

    path: str
    line: int
    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class ReviewTerms:
    """When a change is reviewed, and with which scores it passes.

    ``threshold`` is the least mean of the six scores, ``lowest`` the least that each of them may be: a mean
    can hide that one thing is bad.
    """

    enabled: bool = False
    threshold: float = 7.0
    lowest: int = 4


@dataclass(frozen=True, slots=True)
class Review:
    """An opinion on the patch that leads to ``tree`` (a git tree id); ``scores`` are from 1 to 10.

    ``dropped`` counts issues that pointed at no line of the patch. ``number`` counts the task's reviews from 1.
    """

    tree: str
    scores: dict[str, int]
    issues: tuple[Issue, ...] = ()
    summary: str = ""
    model: str = ""
    dropped: int = 0
    number: int = 1
    dollars: float = 0.0
    tokens: int = 0

    @property
    def mean(self) -> float:
        """The mean of the scores, to two decimals."""
        return round(sum(self.scores.values()) / len(self.scores), 2)

    def objection(self, terms: ReviewTerms) -> str:
        """Return in a few words why the change does not pass, ``""`` when it does."""
        if self.mean < terms.threshold:
            return f"{self.mean:g} of 10, and {terms.threshold:g} is needed"
        low = [f"{name} {score}" for name, score in self.scores.items() if score < terms.lowest]
        return f"{self.mean:g} of 10, but {', '.join(low)}: at least {terms.lowest} is needed" if low else ""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping, with the mean."""
        return {**asdict(self), "mean": self.mean}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Review:
        """Return the review that :meth:`to_dict` described."""
        rest = {name: value for name, value in data.items() if name != "mean"}
        return cls(**{**rest, "issues": tuple(Issue(**one) for one in data["issues"])})
