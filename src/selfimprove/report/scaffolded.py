"""Scaffolded: what became of each file of good practice, as JSON and as lines for a person."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from selfimprove.model.scaffolded import Fate
from selfimprove.report.json import run_entry
from selfimprove.report.refactored import visible_diff
from selfimprove.report.wording import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.model.run import Run
    from selfimprove.model.scaffolded import Scaffolded

_MARK = {
    Fate.DONE: "✓",
    Fate.PROPOSED: "+",
    Fate.PRESENT: "·",
    Fate.UNDECIDED: "?",
    Fate.UNSUITED: "-",
    Fate.LEFT: "·",
    Fate.FAILED: "✗",
}
_WORDS = {
    Fate.DONE: "made",
    Fate.PROPOSED: "to make",
    Fate.PRESENT: "present",
    Fate.UNDECIDED: "to be decided by you",
    Fate.UNSUITED: "not applicable",
    Fate.LEFT: "not finished",
    Fate.FAILED: "failed",
}


def scaffolded_data(rows: Sequence[Scaffolded], run: Run | None, *, dry_run: bool) -> dict[str, Any]:
    """Return the ``data`` of ``scaffold``; ``run`` is None when none was opened."""
    return {"dry_run": dry_run, "run": run and run_entry(run), "files": [row.to_dict() for row in rows]}


def scaffolded_text(rows: Sequence[Scaffolded], *, every: bool, hints: Sequence[str] = ()) -> str:
    """Return diffs of what would be made, a line or two for each file, the sum and what to type next.

    Without ``every`` those that are there or make no sense are only counted.
    """
    diffs = [visible_diff(row.diff) for row in rows if row.fate is Fate.PROPOSED and row.diff]
    shown = [row for row in rows if every or row.fate not in (Fate.PRESENT, Fate.UNSUITED)]
    width = max((len(_label(row)) for row in shown), default=0)
    lines = [line for row in shown for line in _lines(row, width)]
    if not shown:
        lines = ["Nothing is missing."]
    return "".join(diffs) + ("\n" if diffs else "") + "\n".join([*lines, _total(rows), *hints]) + "\n"


def _total(rows: Sequence[Scaffolded]) -> str:
    fates = Counter(row.fate for row in rows)
    return ", ".join(f"{fates[fate]} {word}" for fate, word in _WORDS.items() if fates[fate]) + "."


def _label(row: Scaffolded) -> str:
    return visible(row.gap.path or row.gap.name)


def _lines(row: Scaffolded, width: int) -> list[str]:
    head = f"{_MARK[row.fate]} {_label(row):<{width}}  {_WORDS[row.fate]}"
    lines = [f"{head}  {row.commit[:7]}" if row.commit else head]
    if text := row.reason or row.gap.reason:
        lines.append(f"    {visible(text)}")
    if row.fate is Fate.UNDECIDED and row.gap.hint:
        lines.append(f"    {visible(row.gap.hint)}")
    return lines
