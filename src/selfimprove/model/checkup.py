"""Part: one thing that a run needs or can use, whether it is there, and the line that mends it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """``required`` parts stop work when they are missing; ``detail`` says what was found, ``mend`` what to type."""

    name: str
    ok: bool
    required: bool
    detail: str
    mend: str = ""
