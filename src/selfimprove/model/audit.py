"""Audit: what one look at the code found, and which files it could not look into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfimprove.model.finding import Finding


@dataclass(frozen=True, slots=True)
class NotAnalysed:
    """A file that was meant to be measured and was not. ``reason`` completes "not analysed: ..."."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Audit:
    """``findings`` with the worst first; ``files`` is how many were measured, without ``not_analysed``."""

    findings: tuple[Finding, ...] = ()
    files: int = 0
    not_analysed: tuple[NotAnalysed, ...] = ()
