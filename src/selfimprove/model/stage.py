"""Stage: something that a run does once besides its tasks, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.model.finding import Finding, Idea, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selfimprove.model.run import Run
    from selfimprove.model.task import Task


@dataclass(frozen=True, slots=True)
class Staged:
    """What a stage did: ``summary`` in a few words, ``data`` as JSON for the record.

    ``findings`` become tasks. ``dollars`` and ``tokens`` are what models cost. Not ``ok`` is an answer of "no": the
    stage was done, and what it looked at is not as it should be.
    """

    summary: str
    data: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    dollars: float = 0.0
    tokens: int = 0
    ok: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        findings = [one._asdict() | {"idea": one.idea and one.idea._asdict()} for one in self.findings]
        return {
            "summary": self.summary,
            "data": self.data,
            "findings": findings,
            "dollars": self.dollars,
            "tokens": self.tokens,
            "ok": self.ok,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Staged:
        """Return the Staged that :meth:`to_dict` described."""
        return cls(**{**data, "findings": tuple(_finding(one) for one in data["findings"])})


def _finding(data: dict[str, Any]) -> Finding:
    idea = data["idea"] and Idea(
        **{**data["idea"], **{name: tuple(data["idea"][name]) for name in ("files", "evidence", "criteria")}}
    )
    exact = {"severity": Severity(data["severity"]), "aliases": tuple(data["aliases"]), "idea": idea}
    return Finding(**{**data, **exact})


class Stage(NamedTuple):
    """``do`` gets the run and the tasks as they stand. It may raise SelfimproveError, which ends this stage only.

    A run that goes on does it ``again`` only where that is said: where it looks at what the run has done.
    """

    name: str
    do: Callable[[Run, Sequence[Task]], Staged]
    again: bool = False


class Stages(NamedTuple):
    """The stages of a run: ``before`` its tasks, ``idle`` when none is left, ``after`` them; in this order."""

    before: tuple[Stage, ...] = ()
    idle: tuple[Stage, ...] = ()
    after: tuple[Stage, ...] = ()
