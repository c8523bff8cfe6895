"""Lesson: what one finished task teaches: what was changed, what failed first, what mended it, and whom it helped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from selfimprove.model.task import Status

FACTS = (
    *("title", "about", "category", "fingerprint", "rule", "kinds", "shape", "checks", "failures", "review"),
    *("attempts", "dollars", "tokens", "model", "code"),
)
"""The fields that a store keeps together; the others are what it searches, orders and counts by."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a task of one turn of a run teaches. Facts only: no line of a file, no secret.

    ``about`` are the task's own words, by which similar tasks are found; ``note`` is the one line that a model is
    told. ``fingerprint`` is that of the task's finding and ``rule`` what the finding measures, ``kinds`` what the
    changed files are (languages, ``tests``). ``shape`` is that of the patch: ``files`` ([path, added, removed] in
    lines, -1 for binary ones), ``added``, ``removed``, ``changes`` in words.
    ``checks`` are the facts of the end, each with name, ok and summary; ``failures`` say in a few words what was
    wrong with each attempt but the last (and with that one, when the task failed). ``review`` is the mean of the
    last review. ``told`` counts the tasks that the lesson was told, ``helped`` those of them that it helped.
    ``id`` is 0 as long as it is not stored.
    """

    run: int
    task_id: str
    turn: int
    at: float
    status: Status
    title: str
    about: str
    note: str
    category: str = ""
    fingerprint: str = ""
    rule: str = ""
    kinds: tuple[str, ...] = ()
    shape: dict[str, Any] = field(default_factory=dict)
    checks: tuple[dict[str, Any], ...] = ()
    failures: tuple[str, ...] = ()
    review: float | None = None
    attempts: int = 1
    dollars: float = 0.0
    tokens: int = 0
    model: str = ""
    code: str = ""
    told: int = 0
    helped: int = 0
    id: int = 0

    @property
    def weight(self) -> float:
        """How likely the lesson is to help the next task that it is told, from 0 to 1.

        The mean of the posterior Beta(1 + helped, 1 + told - helped): a binomial share under a uniform prior, which
        is Laplace's rule of succession (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.4). So a lesson
        that was never told has 0.5, and each telling moves it by less than the one before.
        """
        return (1 + self.helped) / (2 + self.told)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping, with the weight."""
        return {**asdict(self), "weight": round(self.weight, 4)}


def helps(lesson: Lesson, status: Status, attempts: int) -> bool:
    """True when a task that was told ``lesson`` counts as helped by it, having ended so.

    It was done at its first attempt, or at least with fewer attempts than the task that the lesson comes from.
    """
    return status is Status.DONE and (attempts <= 1 or attempts < lesson.attempts)
