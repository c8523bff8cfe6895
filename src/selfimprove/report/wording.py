"""Wording: the phrases that every rendering shares, safe to show whatever the names in them hold."""

from __future__ import annotations

import shlex
import unicodedata
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from selfimprove.model.finding import Finding, Severity
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selfimprove.model.audit import Audit
    from selfimprove.model.budget import Budget
    from selfimprove.model.outcome import Outcome
    from selfimprove.model.plan import Plan
    from selfimprove.model.run import Run

_MEASURED = {
    "SI101": "complexity",
    "SI102": "maintainability",
    "SI103": "cognitive complexity",
    "SI104": "lines",
    "SI105": "nesting",
    "SI106": "parameters",
    "SI107": "branches",
    "SI108": "returns",
}
_JOINERS = "\u200c\u200d"  # emoji and several scripts need them
# A task that is pending after a run was given back by it.
_ENDS = {Status.DONE: "done", Status.FAILED: "failed", Status.SKIPPED: "skipped", Status.PENDING: "returned"}


def visible(text: str) -> str:
    """Return ``text`` on one line, with what a terminal would obey or hide written as an escape."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs":
        return char
    if "\udc80" <= char <= "\udcff":  # a byte that was not UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return repr(char)[1:-1]


def number(value: float) -> str:
    """Return 5.0 as "5", 2.5 as "2.5" and 14800 as "14,800"."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.10g}"


def count(amount: int, noun: str) -> str:
    """Return "1 task", "3 tasks"."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def duration(seconds: float) -> str:
    """Return "8.1s", "1m 12s" or "2h 03m"."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def moment(seconds: float) -> str:
    """Return seconds since the epoch as local date and time."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def place(finding: Finding) -> str:
    """Return ``path:line``, ``path:cell 3:line``, or the path alone for a finding about a whole file."""
    path = visible(finding.path)
    if finding.cell is not None:
        return f"{path}:cell {finding.cell}:{finding.line}"
    return f"{path}:{finding.line}" if finding.symbol or finding.line > 1 else path


def spot(finding: Finding) -> str:
    """Return where in its file a finding is: "line 88", "cell 3, line 2"."""
    line = f"line {finding.line}"
    return line if finding.cell is None else f"cell {finding.cell}, {line}"


def symbol(finding: Finding) -> str:
    """Return the symbol, or what stands in its place for a whole file."""
    return visible(finding.symbol) or "(module)"


def what(finding: Finding) -> str:
    """Return the evidence in a few words: "complexity 31, limit 15, was 19"."""
    numbers = evidence(finding)
    return f"{numbers}{was(finding)}" if numbers else visible(finding.message)


def evidence(finding: Finding) -> str:
    """Return "complexity 31, limit 15", or nothing for a rule that tells in words."""
    if finding.rule not in _MEASURED:
        return ""
    return f"{_MEASURED[finding.rule]} {_value(finding.value)}, limit {_value(finding.limit)}"


def was(finding: Finding) -> str:
    """Return ", was 19" when the last change of the file changed the value, else nothing."""
    return "" if finding.before in (None, finding.value) else f", was {_value(finding.before or 0)}"


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def audit_totals(audit: Audit, known: int = 0) -> str:
    """Return "4 findings in 41 files: 1 error, 3 warnings.  1 is already a task.  Nothing was changed.".

    ``known`` is how many of the findings are tasks already. With a baseline, whose file an audit writes, it
    says no more than that no code was changed.
    """
    findings, files = audit.findings, audit.files
    found = count(len(findings), "finding") if findings else "No findings"
    by_severity = Counter(finding.severity for finding in findings)
    kinds = [
        count(by_severity[kind], kind.word) for kind in sorted(Severity, reverse=True) if by_severity[kind]
    ]
    sentences = [f"{found} in {count(files, 'file')}" + (f": {', '.join(kinds)}" if kinds else "") + "."]
    if audit.not_analysed:
        sentences.append(f"{count(len(audit.not_analysed), 'file')} not analysed.")
    if audit.suppressed:
        sentences.append(f"{audit.suppressed:,} suppressed by comments.")
    if audit.accepted:
        sentences.append(f"{audit.accepted:,} accepted by the baseline.")
    if known:
        sentences.append("1 is already a task." if known == 1 else f"{known} are already tasks.")
    return "  ".join(
        [
            *sentences,
            "No code was changed." if audit.accepted or audit.wrote_baseline else "Nothing was changed.",
        ]
    )


def plan_totals(plan: Plan, budget: Budget) -> str:
    """Return "3 tasks, 5 of 10 units."."""
    return f"{count(len(plan.next), 'task')}, {_units(plan.cost, budget)}."


def money(dollars: float) -> str:
    """Return "$0.13", and "$0.0012" where cents would round to nothing that is true."""
    return f"${dollars:.2f}" if round(dollars, 2) == dollars or dollars >= 0.1 else f"${dollars:.4f}"


def run_totals(outcomes: Iterable[Outcome], budget: Budget, seconds: float, not_started: int = 0) -> str:
    """Return "2 done, 1 failed.  $0.13 of $2.00, 5 of 10 units, 1m 12s."."""
    outcomes = tuple(outcomes)
    # A run that goes on after a kill has spent more than its outcomes tell.
    spent = max(budget.dollars_spent, sum(outcome.dollars for outcome in outcomes))
    used = [_units(sum(outcome.cost for outcome in outcomes), budget), duration(seconds)]
    if spent or budget.dollars is not None:
        used.insert(0, money(spent) + ("" if budget.dollars is None else f" of {money(budget.dollars)}"))
    return f"{_ends(outcomes, not_started)}.  {', '.join(used)}."


def group_rows(outcomes: Iterable[Outcome]) -> list[tuple[str, str, str, str, str, str]]:
    """Return one row for each group of tests that were written in a run: its counts as words, and its files."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for outcome in outcomes:
        for name, group in outcome.groups.items():
            found.setdefault(name, []).append(group)
    rows = []
    for name, groups in found.items():
        counts = [str(sum(one[key] for one in groups)) for key in ("total", "passed", "failed", "errors")]
        paths = [visible(path) for one in groups for path in one["paths"]]
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        rows.append((name, counts[0], counts[1], counts[2], counts[3], ", ".join(paths[:3]) + more))
    return rows


def group_lines(outcomes: Iterable[Outcome]) -> list[str]:
    """Return those rows as sentences: ``features: 3 tests, 3 passed in tests/features/test_x.py``."""
    said = []
    for name, total, passed, failed, errors, paths in group_rows(outcomes):
        words = [f"{passed} passed", f"{failed} failed", f"{errors} error{'s' * (errors != '1')}"]
        ends = ", ".join(word for word in words if not word.startswith("0 "))
        said.append(f"{name}: {total} test{'s' * (total != '1')}, {ends or 'none ran'} in {paths}")
    return said


def hand_over(run: Run, outcomes: Iterable[Outcome], base: str, landed: str) -> list[tuple[str, str]]:
    """Return where the commits are and what to type to see and to take them."""
    made = [outcome.branch or run.branch for outcome in outcomes if outcome.commit]
    if made and landed.startswith("merged"):  # the branches hold nothing more than the person's own
        return [("look", f"git log -p --grep='^Selfimprove-Run: {run.id}$'"), ("landed", visible(landed))]
    rows: list[tuple[str, str]] = []
    for branch in map(shlex.quote, dict.fromkeys(made)):
        look = f"git log -p {shlex.quote(base)}..{branch}" if base else f"git log -p {branch}"
        rows += [("look", look)] if landed else [("look", look), ("take", f"git merge {branch}")]
    return [*rows, ("landed", visible(landed))] if made and landed else rows


def _ends(outcomes: Iterable[Outcome], not_started: int) -> str:
    by_status = Counter(outcome.status for outcome in outcomes)
    words = [f"{by_status[status]} {word}" for status, word in _ENDS.items() if by_status[status]]
    if not_started:
        words.append(f"{not_started} not started")
    return ", ".join(words) or "Nothing to do"


def _units(spent: float, budget: Budget) -> str:
    if budget.units is None:
        return f"{number(spent)} unit{'' if spent == 1 else 's'}"
    return f"{number(spent)} of {number(budget.units)} units"


def run_result(run: Run) -> str:
    """Return "2 done, 1 failed" from the counts that the run's summary holds."""
    words = ("done", "failed", "skipped", "returned")
    return ", ".join(f"{run.summary[word]} {word}" for word in words if run.summary.get(word))


def retry(outcome: Outcome) -> str:
    """Return the command that tries a failed task again, with the permissions that its vetoes ask for."""
    allow = dict.fromkeys(objection.allow for objection in outcome.objections if objection.allow)
    words = [
        "selfimprove",
        "tasks",
        "retry",
        outcome.task_id,
        *(w for word in allow for w in ("--allow", word)),
    ]
    return visible(shlex.join(words))
