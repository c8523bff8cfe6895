"""Edits: what became of each edit of a reply, as rows of JSON and as lines for a person."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from selfimprove.report.wording import count, visible

if TYPE_CHECKING:
    from selfimprove.model.patch import ApplyResult, EditReport


def edits_data(result: ApplyResult) -> dict[str, Any]:
    """Return an answer's data: the edits in the reply's order, the files that change and those that go."""
    return {
        "edits": [_row(report) for report in result.edits],
        "files": sorted(result.files),
        "removed": list(result.removed),
        "reason": result.reason,
        "subject": result.subject,
    }


def edits_text(result: ApplyResult) -> str:
    """Return a line for each edit: its place, what became of it, and how or why; and one for the whole reply."""
    lines = [line for report in result.edits for line in _lines(report)]
    if result.reason:
        lines.append(visible(result.reason))
    return "".join(f"{line}\n" for line in lines)


def edits_total(result: ApplyResult, *, dry_run: bool) -> str:
    """Return one line that says what the reply did, or would do."""
    if not result.ok:
        return "nothing was changed"
    done = "would be changed" if dry_run else "changed"
    parts = [f"{count(len(result.files), 'file')} {done}"] if result.files else []
    if result.removed:
        parts.append(f"{len(result.removed)} {'would go' if dry_run else 'gone'}")
    return ", ".join(parts)


def _row(report: EditReport) -> dict[str, Any]:
    return {**asdict(report), "status": report.status.value, "candidates": list(report.candidates)}


def _lines(report: EditReport) -> list[str]:
    place = f"{report.path or '(no file)'}{f':{report.line}' if report.line else ''}"
    why = report.reason or report.how
    if not report.path and report.at:
        place = f"line {report.at} of the reply"
    found = [f"{visible(place)}  {report.status.value}{f'  {visible(why)}' if why else ''}"]
    if report.candidates:
        found.append(f"    could be: {visible(', '.join(report.candidates))}")
    return found
