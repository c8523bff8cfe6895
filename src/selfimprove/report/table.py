"""Tables: every answer as text for a person, in colour and fitted to the width where there is a terminal."""

from __future__ import annotations

from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from selfimprove.model.finding import Severity
from selfimprove.model.task import Status, Task
from selfimprove.report.overview import (
    HOTSPOTS_HEAD,
    ahead_rows,
    hotspot_rows,
    narrower,
    trend_rows,
    trend_title,
    waiting_rows,
)
from selfimprove.report.wording import (
    audit_totals,
    count,
    duration,
    evidence,
    group_lines,
    hand_over,
    moment,
    number,
    place,
    plan_totals,
    retry,
    run_result,
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
    from selfimprove.model.finding import Finding
    from selfimprove.model.outcome import Outcome
    from selfimprove.model.plan import Plan
    from selfimprove.model.run import Run, Step

_GAP = "   "
_NARROWEST = 12
_WIDEST = 60  # outside of a terminal, what is longer pushes its own row and no other
_FIRST_FINDINGS, _FIRST_FILES = 40, 20  # a terminal shows no more: what matters most must not scroll away
_REST = "selfimprove audit --format html -o audit.html, or | less"
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
    _findings(console, findings)
    if hot := hotspot_rows(audit.file_facts):
        hot_styles = [("dim",) * 5] + [("", "bold", "", "", "")] * len(hot)
        _grid(console, [HOTSPOTS_HEAD, *hot], hot_styles, shrink=(0, 3), right=(1, 2, 4))
        _say(console)
    if audit.trend:
        _trend(console, audit.trend)
    files = audit.not_analysed[:_FIRST_FILES] if console.file.isatty() else audit.not_analysed
    for file in files:
        _say(console, f"not analysed: {visible(file.path)}: {visible(file.reason)}", "yellow")
    if left := len(audit.not_analysed) - len(files):
        _say(console, f"and {left:,} more not analysed: {_REST}", "dim")
    for note in audit.notes:
        _say(console, f"note: {visible(note)}", "yellow")
    if audit.not_analysed or audit.notes:
        _say(console)
    _say(console, audit_totals(audit, known))
    if len(findings) > known:
        _say(console, "next: selfimprove plan --dry-run")


def _findings(console: Console, findings: Sequence[Finding]) -> None:
    """Show the findings: in a terminal the first of them in lines that fit, elsewhere all, whole."""
    terminal = console.file.isatty()
    shown = findings[:_FIRST_FINDINGS] if terminal else findings
    rows: Sequence[Sequence[str]] = [(place(f), symbol(f), what(f), f.severity.word, f.rule) for f in shown]
    if terminal and shown:
        rows = _laid_out(rows, [evidence(f) for f in shown], console.width)
    styles = [("", "bold", "", _SEVERITY[f.severity], "dim") for f in shown]
    _grid(console, rows, styles, widest={1: 40})
    if left := len(findings) - len(shown):
        _say(console, f"and {left:,} more: {_REST}", "dim")
    if findings:
        _say(console)


def _laid_out(rows: Sequence[Sequence[str]], numbers: Sequence[str], room: int) -> Sequence[Sequence[str]]:
    """Return ``rows`` of findings in at most ``room`` cells, never without their value and limit.

    ``numbers`` has them for each row, nothing for one that tells in words.
    """
    tried, widths = rows, _widths(rows)
    for layout in narrower(rows):
        tried, widths = layout.rows, _widths(layout.rows)
        told = max(
            cell_len(known if layout.short else row[2]) if known else min(cell_len(row[2]), layout.words)
            for row, known in zip(rows, numbers, strict=True)
        )
        steps = ((2, max(32, told)), (0, 24), (1, 20), (0, layout.place), (1, layout.symbol), (2, told))
        if _narrow(widths, _wide(widths) - room, steps) <= 0:
            break
    return [
        (
            _fit(at, widths[0], keep_end=True),
            _fit(name, widths[1], keep_end=True),
            known if known and cell_len(said) > widths[2] else _fit(said, widths[2], keep_end=False),
            *rest,
        )
        for (at, name, said, *rest), known in zip(tried, numbers, strict=True)
    ]


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
    ahead, waiting = ahead_rows(plan, new), waiting_rows(plan, new)
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
        rows.append(
            (str(run.id), run.state, moment(run.started_at), took, run_result(run), visible(run.branch))
        )
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
    the measurement says afterwards ("parse_invoice: complexity 31 -> 9"); ``landed`` says where the
    commits are now, when not on their branch alone ("merged into main").
    """
    lead = "" if run.state == "finished" else f"run {run.id} {run.state}: "
    totals = run_totals(outcomes, budget, seconds, not_started)
    _say(console, lead + (totals.replace("Nothing to do", "nothing done") if lead else totals))
    rows = [("measured", visible(line)) for line in measured]
    rows += [("tests", line) for line in group_lines(outcomes)]
    rows += hand_over(run, outcomes, base, landed)
    rows += [("retry", retry(outcome)) for outcome in outcomes if outcome.status is Status.FAILED]
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
        _say(console, visible(name) or "the run itself", "bold")
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
        _say(console, f"run {runs[0].id}   {runs[0].state}: {run_result(runs[0]) or 'nothing done'}")


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
    widest: Mapping[int, int] = MappingProxyType({}),
) -> None:
    """Print ``rows`` in columns, one a line. In a terminal the columns ``shrink`` give way, the first most.

    Columns in ``right`` are aligned to the right; an empty line stands before row number ``apart``. Outside of
    a terminal nothing is cut, and nothing is aligned to cells wider than ``widest`` says.
    """
    widths = _widths(rows)
    columns = [index for index, width in enumerate(widths) if width]
    terminal = console.file.isatty()  # not is_terminal: colour can be forced into a log, which has no width
    if terminal:
        excess = len(indent) + _wide(widths) - console.width
        _narrow(widths, excess, [(column, _NARROWEST) for column in shrink])
    else:
        widths = [min(width, widest.get(index, _WIDEST)) for index, width in enumerate(widths)]
    for index, (row, style) in enumerate(zip(rows, styles, strict=True)):
        if apart and index == apart:
            _say(console)
        line = Text(indent)
        for column in columns:
            cell = _fit(row[column], widths[column], keep_end=column == 0) if terminal else row[column]
            pad = " " * (widths[column] - cell_len(cell))
            line.append(_GAP if column != columns[0] else "")
            line.append(pad + cell if column in right else cell + pad, style=style[column])
        line.rstrip()
        console.print(line, soft_wrap=True)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*rows, strict=True)]


def _wide(widths: Sequence[int]) -> int:
    """Return the cells of a line with columns of ``widths``, of which empty ones take no gap."""
    return sum(widths) + len(_GAP) * (sum(map(bool, widths)) - 1)


def _narrow(widths: list[int], excess: int, steps: Iterable[tuple[int, int]]) -> int:
    """Take ``excess`` cells from columns in ``steps`` of (column, least width); return what is left of it."""
    for column, least in steps:
        cut = max(0, min(excess, widths[column] - least))
        widths[column] -= cut
        excess -= cut
    return excess


def _fit(text: str, width: int, *, keep_end: bool) -> str:
    """Return ``text`` in at most ``width`` cells, with an ellipsis for what is cut off one end."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:] if keep_end else text[:-1]
    return f"…{text}" if keep_end else f"{text}…"
