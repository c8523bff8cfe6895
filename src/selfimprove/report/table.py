"""Tables: every answer as text for a person, in colour and fitted to the width where there is a terminal."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from selfimprove.model.finding import Severity
from selfimprove.model.task import Status, Task
from selfimprove.report.overview import HOTSPOTS_HEAD, hotspot_rows, trend_rows, trend_title
from selfimprove.report.wording import (
    audit_totals,
    count,
    duration,
    moment,
    number,
    place,
    plan_totals,
    run_totals,
    symbol,
    visible,
    what,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from rich.console import Console

    from selfimprove.model.audit import Audit, Trend
    from selfimprove.model.budget import Budget
    from selfimprove.model.checkup import Part
    from selfimprove.model.outcome import Outcome
    from selfimprove.model.plan import Plan
    from selfimprove.model.run import Run, Step

_GAP = "   "
_NARROWEST = 12
_SEVERITY = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}
_STATUS = {
    Status.PENDING: "",
    Status.IN_PROGRESS: "bold cyan",
    Status.DONE: "green",
    Status.FAILED: "red",
    Status.SKIPPED: "dim",
}
_STATE = {"finished": "green", "running": "bold cyan", "interrupted": "yellow", "died": "red"}


def audit_page(console: Console, audit: Audit, known: int = 0) -> None:
    """Show the findings in their order, then what history adds; ``known`` of them are tasks already."""
    findings = audit.findings
    rows = [(place(f), symbol(f), what(f), f.severity.word, f.rule) for f in findings]
    styles = [("", "bold", "", _SEVERITY[f.severity], "dim") for f in findings]
    _grid(console, rows, styles, shrink=(0, 1, 2))
    if findings:
        _say(console)
    if hot := hotspot_rows(audit.file_facts):
        hot_styles = [("dim",) * 5] + [("", "bold", "", "", "")] * len(hot)
        _grid(console, [HOTSPOTS_HEAD, *hot], hot_styles, shrink=(0, 3), right=(1, 2, 4))
        _say(console)
    if audit.trend:
        _trend(console, audit.trend)
    for file in audit.not_analysed:
        _say(console, f"not analysed: {visible(file.path)}: {visible(file.reason)}", "yellow")
    for note in audit.notes:
        _say(console, f"note: {visible(note)}", "yellow")
    if audit.not_analysed or audit.notes:
        _say(console)
    _say(console, audit_totals(audit, known))
    if len(findings) > known:
        _say(console, "next: selfimprove plan --dry-run")


def _trend(console: Console, trend: Trend) -> None:
    _say(console, trend_title(trend), "dim")
    rows, left = trend_rows(trend)
    styles = [("bold", "cyan", "", "bold")] + [("", "cyan", "", "")] * (len(rows) - 1)
    _grid(console, rows, styles, shrink=(0,), right=(3,))
    if left:
        _say(console, f"and {left:,} more", "dim")
    _say(console)


def plan_table(
    console: Console,
    plan: Plan,
    *,
    budget: Budget,
    tasks: int,
    new: Collection[str] = (),
    dry_run: bool = False,
) -> None:
    """Show what comes next and what waits. ``tasks`` counts those in tasks.yml; ``new`` are ids to add."""
    would = "this audit would add" if dry_run else "this audit adds"
    _say(console, f"tasks.yml has {count(tasks, 'task')}; {would} {len(new) or 'none'}.")
    _say(console)
    ahead, waiting = _ahead(plan, new), _waiting(plan, new)
    rows = [*ahead, *waiting]
    styles: list[Sequence[str]] = [
        ("dim",) * 5 if index == 0 else ("dim", "bold", "green", "", "") for index in range(len(ahead))
    ]
    styles += [("dim", "", "green", "dim", "dim")] * len(waiting)
    if ahead or waiting:
        _grid(console, rows, styles, shrink=(3, 1), right=(0, 4), indent="  ", apart=len(ahead))
        _say(console)
    _say(console, plan_totals(plan, budget))
    if dry_run:
        _say(console, "Dry run: no file written, no model called.")
    if plan.next:
        asking = next((str(i) for i, task in enumerate(plan.next, 1) if task.needs_model), "")
        prompt = f"      (the exact prompt: selfimprove plan --show-prompt {asking})" if asking else ""
        _say(console, f"next: selfimprove run{prompt}")


def _ahead(plan: Plan, new: Collection[str]) -> list[tuple[str, ...]]:
    """Return the rows of what comes next, under a head; none when nothing does."""
    rows = [
        (str(i), visible(task.id), _new(task, new), visible(plan.why.get(task.id, "")), number(task.cost))
        for i, task in enumerate(plan.next, 1)
    ]
    return [("#", "task", "", "why now", "cost"), *rows] if rows else []


def _waiting(plan: Plan, new: Collection[str]) -> list[tuple[str, ...]]:
    """Return the rows of what waits, under a head; none when nothing does."""
    rows = [("", visible(w.task.id), _new(w.task, new), visible(w.reason), "") for w in plan.waiting]
    return [("", "waiting", "", "", ""), *rows] if rows else []


def tasks_table(console: Console, tasks: Sequence[Task]) -> None:
    """Show the tasks in file order."""
    rows = [("task", "status", "priority", "cost", "title")]
    styles: list[Sequence[str]] = [("dim",) * 5]
    for task in tasks:
        title = task.title if task.rejected is None else f"{task.title} (rejected: {task.rejected})"
        rows.append(
            (visible(task.id), task.status.value, number(task.priority), number(task.cost), visible(title))
        )
        styles.append(("bold", _STATUS[task.status], "", "", ""))
    if not tasks:
        _say(console, "tasks.yml has no tasks.")
        return
    _grid(console, rows, styles, shrink=(4, 0), right=(2, 3))


def history_table(console: Console, runs: Sequence[Run]) -> None:
    """Show the runs in the order that is given."""
    if not runs:
        _say(console, "No runs yet.")
        return
    rows = [("run", "state", "started", "took", "result", "branch")]
    styles: list[Sequence[str]] = [("dim",) * 6]
    for run in runs:
        took = "" if run.ended_at is None else duration(run.ended_at - run.started_at)
        rows.append((str(run.id), run.state, moment(run.started_at), took, _result(run), visible(run.branch)))
        styles.append(("bold", _STATE.get(run.state, ""), "", "", "", "dim"))
    _grid(console, rows, styles, shrink=(5, 4), right=(0, 3))


def run_summary(
    console: Console,
    run: Run,
    outcomes: Sequence[Outcome],
    *,
    budget: Budget,
    seconds: float,
    base: str = "",
    not_started: int = 0,
    measured: Iterable[str] = (),
    landed: str = "",
) -> None:
    """Show how a run ended and what to type next.

    ``base`` names where the run's branch began (a branch, else a commit); ``measured`` are lines about what
    the measurement says afterwards ("parse_invoice: complexity 31 -> 9"); ``landed`` is the branch that the
    commits were merged into.
    """
    lead = "" if run.state == "finished" else f"run {run.id} {run.state}: "
    _say(console, lead + run_totals(outcomes, budget, seconds, not_started))
    rows = [("measured", visible(line)) for line in measured]
    if any(outcome.commit for outcome in outcomes):
        branch = shlex.quote(run.branch)
        rows.append(("look", f"git log -p {shlex.quote(base)}..{branch}" if base else f"git log -p {branch}"))
        rows.append(
            ("landed", f"merged into {visible(landed)}") if landed else ("take", f"git merge {branch}")
        )
    rows += [("retry", _retry(outcome)) for outcome in outcomes if outcome.status is Status.FAILED]
    _grid(console, rows, [("dim", "")] * len(rows), indent="  ")
    if run.state == "interrupted":
        _say(console, "next: selfimprove run")


def record_table(
    console: Console, run: Run, outcomes: Sequence[Mapping[str, Any]], steps: Sequence[Step]
) -> None:
    """Show one run: its state, and for each task its steps and its end."""
    history_table(console, [run])
    ends = {outcome["task_id"]: outcome for outcome in outcomes}
    for name in dict.fromkeys([step.task_id for step in steps] + list(ends)):
        _say(console)
        _say(console, visible(name), "bold")
        rows = [
            (
                f"{step.name} {step.attempt}" if step.attempt > 1 else step.name,
                _took(step),
                visible(step.summary),
            )
            for step in steps
            if step.task_id == name
        ]
        _grid(console, rows, [("", "dim", "")] * len(rows), shrink=(2,), indent="  ")
        if end := ends.get(name):
            commit = f" {end['commit'][:7]}" if end["commit"] else ""
            _say(
                console,
                f"  {end['status']}{commit} {visible(end['reason'] or end['title'])}",
                _STATUS[Status(end["status"])],
            )


def status_table(
    console: Console,
    counts: Mapping[str, int],
    runs: Sequence[Run],
    dead: Collection[int],
    doing: Sequence[Step],
) -> None:
    """Show how many tasks stand where, what is being done, and the last run."""
    tasks = ", ".join(
        f"{counts[status.value]} {status.value}" for status in Status if counts.get(status.value)
    )
    _say(console, f"tasks   {tasks or 'none'}")
    for run in runs:
        if run.state == "running" and run.id not in dead:
            at = ", ".join(f"{visible(step.task_id)} ({step.name})" for step in doing if step.run == run.id)
            _say(
                console,
                f"run {run.id}   running since {moment(run.started_at)}{': ' + at if at else ''}",
                "cyan",
            )
    for run_id in sorted(dead):
        _say(console, f"run {run_id}   ended without a word; selfimprove run goes on with it", "yellow")
    if runs and runs[0].state != "running":
        _say(console, f"run {runs[0].id}   {runs[0].state}: {_result(runs[0]) or 'nothing done'}")


def task_page(console: Console, task: Task, past: Sequence[Mapping[str, Any]]) -> None:
    """Show every field of a task that is set, and how it ended so far."""
    values = {name: value for name, value in asdict(task).items() if value not in (None, (), "")}
    rows = [
        (name, visible(", ".join(value) if isinstance(value, tuple) else str(value)).replace("\\n", "\n"))
        for name, value in values.items()
    ]
    for name, value in rows:
        first, *rest = value.split("\n")
        _say(console, f"{name:<13} {first}")
        for line in rest:
            _say(console, f"{'':<13} {line}")
    for end in past:
        _say(
            console,
            f"run {end['run']:<9} {end['status']} {visible(end['reason'])}",
            _STATUS[Status(end["status"])],
        )


def checkup_table(console: Console, parts: Sequence[Part]) -> None:
    """Show what is there and what is missing, each with the line that mends it."""
    for part in parts:
        mark, style = ("✓", "green") if part.ok else ("✗", "red") if part.required else ("!", "yellow")
        _say(console, f"{mark} {part.name:<20} {visible(part.detail)}", style)
        if part.mend and not part.ok:
            _say(console, f"  {'':<20} {part.mend}")


def rows_table(console: Console, rows: Sequence[Sequence[str]]) -> None:
    """Show rows of words in columns."""
    shown = [tuple(visible(word) for word in row) for row in rows]
    _grid(console, shown, [("bold", *[""] * (len(row) - 1)) for row in shown], shrink=(1,))


def _took(step: Step) -> str:
    return "not ended" if step.ended_at is None else duration(step.ended_at - step.started_at)


def _retry(outcome: Outcome) -> str:
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


def _result(run: Run) -> str:
    """Return "2 done, 1 failed" from the counts that the run's summary holds."""
    words = ("done", "failed", "skipped", "returned")
    return ", ".join(f"{run.summary[word]} {word}" for word in words if run.summary.get(word))


def _new(task: Task, new: Collection[str]) -> str:
    return "new" if task.id in new else ""


def _say(console: Console, line: str = "", style: str = "") -> None:
    """Print one line as it is: neither markup nor highlighting, and never broken in two."""
    console.print(Text(line, style=style), soft_wrap=True)


def _grid(
    console: Console,
    rows: Sequence[Sequence[str]],
    styles: Sequence[Sequence[str]],
    *,
    shrink: Sequence[int] = (),
    right: Collection[int] = (),
    indent: str = "",
    apart: int = 0,
) -> None:
    """Print ``rows`` in columns, one a line. In a terminal the columns ``shrink`` give way, the first most.

    Columns in ``right`` are aligned to the right; an empty line stands before row number ``apart``.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    columns = [index for index, width in enumerate(widths) if width]
    if console.file.isatty():  # not is_terminal: colour can be forced into a log, which has no width
        gaps = len(indent) + len(_GAP) * (len(columns) - 1)
        _narrow(widths, sum(widths) + gaps - console.width, shrink)
    for index, (row, style) in enumerate(zip(rows, styles, strict=True)):
        if apart and index == apart:
            _say(console)
        line = Text(indent)
        for column in columns:
            cell = _fit(row[column], widths[column], keep_end=column == 0)
            pad = " " * (widths[column] - cell_len(cell))
            line.append(_GAP if column != columns[0] else "")
            line.append(pad + cell if column in right else cell + pad, style=style[column])
        line.rstrip()
        console.print(line, soft_wrap=True)


def _narrow(widths: list[int], excess: int, shrink: Sequence[int]) -> None:
    """Take ``excess`` cells from the columns ``shrink``, leaving each something to read."""
    for column in shrink:
        cut = max(0, min(excess, widths[column] - _NARROWEST))
        widths[column] -= cut
        excess -= cut


def _fit(text: str, width: int, *, keep_end: bool) -> str:
    """Return ``text`` in at most ``width`` cells, with an ellipsis for what is cut off one end."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:] if keep_end else text[:-1]
    return f"…{text}" if keep_end else f"{text}…"
