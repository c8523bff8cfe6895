"""Markdown: the audit, the plan and a run as text for a pull request, an issue or a job summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.report.overview import HOTSPOTS_HEAD, hotspot_rows, trend_rows, trend_title
from selfimprove.report.wording import (
    audit_totals,
    group_rows,
    number,
    place,
    plan_totals,
    run_totals,
    symbol,
    visible,
    what,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from selfimprove.model.audit import Audit, FileFacts, Trend
    from selfimprove.model.budget import Budget
    from selfimprove.model.outcome import Outcome
    from selfimprove.model.plan import Plan

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&@])")


def audit_markdown(audit: Audit, known: int = 0) -> str:
    """Return the findings, hot spots and trend as tables, then what was not analysed, then the summary."""
    rows = [(place(f), symbol(f), what(f), f.severity.word, f.rule) for f in audit.findings]
    parts = [
        "## Audit",
        _table(("Place", "Symbol", "What", "Severity", "Rule"), rows),
        _hotspots(audit.file_facts),
        _trend(audit.trend) if audit.trend else "",
        _list("Not analysed", [f"{file.path}: {file.reason}" for file in audit.not_analysed]),
        _list("Notes", audit.notes),
        audit_totals(audit, known),
    ]
    return _join(parts)


def plan_markdown(plan: Plan, budget: Budget, new: Collection[str] = ()) -> str:
    """Return what comes next as a table and what waits as a list; ``new`` are ids not yet in tasks.yml."""
    rows = [
        (str(i), task.id + (" (new)" if task.id in new else ""), plan.why.get(task.id, ""), number(task.cost))
        for i, task in enumerate(plan.next, 1)
    ]
    parts = [
        "## Plan",
        _table(("#", "Task", "Why now", "Cost"), rows),
        _list("Waiting", [f"{waiting.task.id}: {waiting.reason}" for waiting in plan.waiting]),
        plan_totals(plan, budget),
    ]
    return _join(parts)


def run_markdown(outcomes: Sequence[Outcome], budget: Budget, seconds: float) -> str:
    """Return one row per task with its result, then the totals."""
    rows = [
        (o.task_id, o.status.value, o.title if o.commit else o.reason, (o.commit or "")[:7]) for o in outcomes
    ]
    table = _table(("Task", "Status", "Result", "Commit"), rows)
    return _join(["## Run", table, _groups(outcomes), run_totals(outcomes, budget, seconds)])


def _groups(outcomes: Sequence[Outcome]) -> str:
    table = _table(("Group", "Tests", "Passed", "Failed", "Errors", "Files"), group_rows(outcomes))
    return f"### Tests that were written\n\n{table}" if table else ""


def _hotspots(facts: Iterable[FileFacts]) -> str:
    table = _table(("File", *map(str.capitalize, HOTSPOTS_HEAD[1:])), hotspot_rows(facts))
    return f"### Hot spots\n\n{table}" if table else ""


def _trend(trend: Trend) -> str:
    rows, left = trend_rows(trend)
    table = _table(("Of", "Over time", "From -> to", "Change"), rows)
    more = f"\n\nand {left:,} more" if left else ""
    return f"### Trend\n\n{_plain(trend_title(trend))}\n\n{table}{more}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(map(_plain, row)) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *lines])


def _list(title: str, items: Sequence[str]) -> str:
    return "\n".join([f"{title}:", "", *(f"- {_plain(item)}" for item in items)]) if items else ""


def _plain(text: str) -> str:
    """Return ``text`` such that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\1", visible(text))


def _join(parts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, parts)) + "\n"
