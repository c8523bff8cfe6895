"""Suggested: what was asked of a model for ideas, and which of them were not taken and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from selfimprove.model.finding import Finding


class Asked(NamedTuple):
    """One question: its ``purpose``, its length in ``tokens`` of ``budget``, and the ``files`` whose code it shows."""

    purpose: str
    category: str
    tokens: int
    budget: int
    files: tuple[str, ...] = ()


class Dropped(NamedTuple):
    """An idea that is not taken; ``reason`` completes "not taken: ..."."""

    title: str
    category: str
    reason: str


class Problem(NamedTuple):
    """Why a question was not answered, in the words of its error."""

    category: str
    code: str
    message: str
    hint: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Suggested:
    """The ``findings`` that are new and hold, what was ``dropped``, and what came in the way of questions."""

    findings: tuple[Finding, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    asked: tuple[Asked, ...] = ()
    problems: tuple[Problem, ...] = ()
    dollars: float = 0.0
    tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return all but the findings, ready for JSON."""
        rows = {name: [one._asdict() for one in getattr(self, name)] for name in ("dropped", "problems")}
        return {"asked": [one._asdict() | {"files": list(one.files)} for one in self.asked], **rows}

    @property
    def summary(self) -> str:
        """Return "5 ideas, 2 not taken" in a few words."""
        amount = len(self.findings)
        said = f"{amount or 'no new'} idea{'' if amount == 1 else 's'}"
        said += f", {len(self.dropped)} not taken" if self.dropped else ""
        failed = [one.category for one in self.problems]
        return said + (f", no answer for {', '.join(failed)}" if failed else "")
