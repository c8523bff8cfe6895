"""Evidence: what a commit claims, claim by claim, and what was found when it was proved again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Stand(StrEnum):
    """How a claim stands: found again, not so, impossible to tell here, or not of a kind that can be run again."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"
    STATED = "stated"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: ``said`` is what the commit says, ``found`` what was found here, ``note`` why they may differ."""

    name: str
    said: str
    found: str
    stand: Stand
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of the claims of ``commit`` (its full id). ``base`` is ``""`` where it is not in this clone."""

    commit: str
    subject: str
    task: str
    run: str
    base: str
    claims: tuple[Claim, ...]
    record: dict[str, Any]
    log: str | None = None

    @property
    def ok(self) -> bool:
        """True when every claim that can be run again holds, and there is one."""
        told = [claim.stand for claim in self.claims if claim.stand is not Stand.STATED]
        return bool(told) and all(stand is Stand.HOLDS for stand in told)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {**asdict(self), "claims": [asdict(claim) for claim in self.claims], "holds": self.ok}
