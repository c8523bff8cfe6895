"""Run and Step: what happened, when, how long, with what result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfimprove.model.task import Status


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done for one task in one run. ``attempt`` counts from 1 and grows with each repair.

    Times are seconds since the epoch (UTC); ``result`` is small JSON.
    """

    run: int
    task_id: str
    attempt: int
    name: str
    status: Status
    started_at: float
    ended_at: float | None = None
    summary: str = ""
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One turn of the loop over tasks.yml.

    ``state`` is ``running``, ``finished``, ``interrupted`` (a signal) or ``died`` (found without its
    process). ``base`` is the commit it started from, ``""`` in a repository without one; ``branch`` is where
    its commits land. ``owner`` names host and process.
    """

    id: int
    state: str
    started_at: float
    base: str
    branch: str
    owner: str
    ended_at: float | None = None
    exit_code: int | None = None
    summary: dict[str, Any] = field(default_factory=dict)
