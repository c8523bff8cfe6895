"""Undo: what is taken back of a run or a task, how, and where it is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Taken:
    """One commit that is taken back: ``how`` says by which means, ``kept`` is the ref that still leads to it."""

    commit: str
    subject: str
    task: str
    branch: str
    how: str
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did, or would do in a dry run.

    ``what`` names the run or the task, ``reverts`` the branch of the commits that revert merged ones and
    ``landed`` the person's branch that they are in; ``requests`` are the pull requests that were closed,
    ``tasks`` those that have the status ``status`` now, ``notes`` what a person should know.
    """

    what: str
    taken: tuple[Taken, ...] = ()
    reverts: str = ""
    landed: str = ""
    requests: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    status: str = "pending"
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return asdict(self)
