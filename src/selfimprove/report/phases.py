"""Phases: the ten steps of a pipeline as lines for people, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selfimprove.report.wording import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selfimprove.model.phase import Phase

_MARKS = {"done": "✓", "failed": "✗", "skipped": "-", "in_progress": "…"}


def phases_data(phases: Iterable[Phase]) -> list[dict[str, Any]]:
    """Return the phases as plain data."""
    return [phase.to_dict() for phase in phases]


def phases_text(phases: Sequence[Phase]) -> str:
    """Return one line for each phase: its number, whether it did what it should, what came of it, how long it took."""
    width = max((len(phase.name) for phase in phases), default=0)
    lines = []
    for phase in phases:
        took = f"   {phase.seconds:.1f}s" if phase.seconds >= 0.05 else ""
        mark = _MARKS.get(phase.status.value, " ")
        summary = visible(" ".join(phase.summary.split()))
        lines.append(f"{phase.number:>2} {mark} {phase.name:<{width}}  {summary}{took}".rstrip())
    return "\n".join(lines) + "\n"
