"""Outcome: how a task ended, with the facts, vetoes and costs that say why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfimprove.model.task import Status


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A fact about the changed code: ``name`` ran, ``ok`` or not, ``summary`` in a few words.

    ``detail`` is what helps to mend it (the failure, cut to size), ``seconds`` is wall time.
    ``command`` is what ran; ``counts`` how many tests there are of each outcome (passed, failed, skipped, ...).
    """

    name: str
    ok: bool
    summary: str
    seconds: float = 0.0
    detail: str = ""
    command: str = ""
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Objection:
    """A veto: the change is held back whatever else speaks for it.

    ``message`` begins with the place, as ``path:line``. ``allow`` is the word (of ``model/allow.py``) that would
    permit it, ``""`` when nothing does.
    """

    code: str
    message: str
    path: str = ""
    allow: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task in one run. ``reason`` is one line; ``commit`` is set when there is one, on ``branch``.

    ``review`` is the last review, as :meth:`selfimprove.model.review.Review.to_dict` describes it. ``rewrite`` is
    what was rewritten without a model, ``groups`` what tests that were written showed, ``lessons`` the ids of the
    lessons that were told, all as Work has them.
    """

    task_id: str
    status: Status
    reason: str = ""
    title: str = ""
    commit: str | None = None
    checks: tuple[CheckResult, ...] = ()
    objections: tuple[Objection, ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    dollars: float = 0.0
    tokens: int = 0
    log: str | None = None
    patch: str | None = None
    code: str = ""
    review: dict[str, Any] | None = None
    branch: str = ""
    rewrite: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)
    lessons: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return asdict(self)
