"""Refactored: what became of one function, or file, that was to be rewritten without a model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class End(StrEnum):
    """How it ended.

    ``DONE``: there is a commit. ``PROPOSED``: a dry run shows what would be tried. ``NOTHING``: there was nothing to
    do. ``LEFT``: it was not started, or not brought to an end. ``REFUSED``: no rewrite can do it. ``UNPROVED``: one
    could, and no test shows that it is right. ``FAILED``: what was made did not pass.
    """

    DONE = "done"
    PROPOSED = "proposed"
    NOTHING = "nothing"
    LEFT = "left"
    REFUSED = "refused"
    UNPROVED = "unproved"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refactored:
    """One row of the answer of ``selfimprove refactor``.

    ``symbol`` is the function's qualified name, ``""`` for a file. ``metrics`` maps ``complexity`` and ``cognitive``
    to ``before`` and ``after``. ``added`` are the new functions: path, symbol, line, end_line and the same numbers.
    ``covered`` counts the lines of the new functions that tests execute (``executed``, ``total``, ``missing``);
    ``None`` where no test was run.
    """

    path: str
    symbol: str
    status: End
    reason: str = ""
    line: int = 0
    task: str = ""
    subject: str = ""
    rewrites: tuple[str, ...] = ()
    metrics: dict[str, dict[str, int | None]] = field(default_factory=dict)
    added: tuple[dict[str, Any], ...] = ()
    covered: dict[str, Any] | None = None
    commit: str | None = None
    diff: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return asdict(self) | {"status": self.status.value}
