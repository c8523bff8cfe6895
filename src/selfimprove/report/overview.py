"""Overview: findings, hot spots, trends and plans as rows of words, before anything is known of a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from selfimprove.report.wording import count, number, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from selfimprove.model.audit import FileFacts, Trend
    from selfimprove.model.plan import Plan
    from selfimprove.model.task import Task

HOTSPOTS_HEAD = ("hot spots", "complexity", "churn", "owner", "coverage")
_MOST_HOTSPOTS = 5
_MOST_LINES = 20
_MOST_BARS = 40
_BARS = "▁▂▃▄▅▆▇█"
# How findings get into a narrow terminal; the first that fits is taken.
_LAYOUTS = (
    (20, 12, True, True, False),
    (20, 12, True, False, False),
    (20, 12, False, False, False),
    (12, 12, False, False, False),
    (12, 12, False, False, True),
    (12, 6, False, False, True),
    (12, 0, False, False, True),
)
_METRICS = {"maintainability": "maintainability index"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of findings and how far they may still shrink: the least cells of place, symbol and ``words``.

    Words are what a rule says that has no numbers. ``short``: of the others only value and limit must stay.
    """

    rows: Sequence[Sequence[str]]
    place: int
    symbol: int
    short: bool
    words: int


def narrower(rows: Iterable[Sequence[str]]) -> Iterator[Layout]:
    """Yield ``rows`` of place, symbol, what, severity and rule, ever narrower.

    They lose the rule first, then all but the initial of the severity, at last the symbol; an empty word
    stands for what is lost.
    """
    rows = list(rows)
    for least, symbols, word, rule, short in _LAYOUTS:
        kept = [
            (at, name if symbols else "", said, kind if word else kind[:1], id_ if rule else "")
            for at, name, said, kind, id_ in rows
        ]
        yield Layout(kept, least, symbols, short, 24 if short else 32)


def hotspot_rows(facts: Iterable[FileFacts]) -> list[tuple[str, ...]]:
    """Return up to five rows under ``HOTSPOTS_HEAD``: files that are complex and changed again and again.

    There are none without history: a file that was written once and left alone is no hot spot.
    """
    hot = [file for file in facts if file.heat > 0 and file.commits > 1]
    return [
        (
            visible(file.path),
            _with_change(file),
            number(round(file.churn, 1)),
            f"{visible(file.owner)} {file.share:.0%}" if file.owner else "",
            "" if file.coverage is None else f"{file.coverage:.0f}%",
        )
        for file in hot[:_MOST_HOTSPOTS]
    ]


def _with_change(file: FileFacts) -> str:
    return f"{file.complexity} ({file.change:+d})" if file.change else str(file.complexity)


def trend_title(trend: Trend) -> str:
    """Return "complexity over 20 revisions, 2026-01-05 to 2026-11-21"."""
    title = (
        f"{_METRICS.get(trend.metric, visible(trend.metric))} over {count(len(trend.revisions), 'revision')}"
    )
    if trend.revisions:
        title += f", {_day(trend.revisions[0].time)} to {_day(trend.revisions[-1].time)}"
    return title if trend.complete else f"{title}; the clone is shallow, there is no more"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d")


def trend_rows(trend: Trend) -> tuple[list[tuple[str, ...]], int]:
    """Return rows of name, bars, "first -> last" and change; and how many lines are left out.

    The total comes first, then at most twenty files or functions, what moved most before the others.
    """
    lines = sorted(trend.lines, key=lambda line: (-abs(_moved(line.values)), line.path, line.symbol))
    shown = [("total", trend.total)] + [
        (visible(f"{line.path}:{line.symbol}" if line.symbol else line.path), line.values)
        for line in lines[:_MOST_LINES]
    ]
    rows: list[tuple[str, ...]] = [
        (name, sparkline(values), _ends(values), _change(values)) for name, values in shown
    ]
    return rows, max(0, len(lines) - _MOST_LINES)


def sparkline(values: Sequence[float | None]) -> str:
    """Return one bar for each value, a space where there is none; of many values, forty spread evenly."""
    if len(values) > _MOST_BARS:
        step = (len(values) - 1) / (_MOST_BARS - 1)
        values = [values[round(position * step)] for position in range(_MOST_BARS)]
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if value is None else _BARS[round((value - low) * scale)] for value in values)


def _moved(values: Sequence[float | None]) -> float:
    """Return last minus first; what came or went has moved by all that it had."""
    return ((values[-1] or 0.0) - (values[0] or 0.0)) if values else 0.0


def _ends(values: Sequence[float | None]) -> str:
    ends = ((values[0], "new"), (values[-1], "gone")) if values else ()
    return " -> ".join(without if end is None else number(round(end, 2)) for end, without in ends)


def _change(values: Sequence[float | None]) -> str:
    moved = round(_moved(values), 2)
    return f"{'+' if moved > 0 else ''}{number(moved)}" if moved else "="


def ahead_rows(plan: Plan, new: Collection[str]) -> list[tuple[str, ...]]:
    """Return the rows of what comes next, under a head; none when nothing does."""
    rows = [
        (str(i), visible(task.id), _new(task, new), visible(plan.why.get(task.id, "")), number(task.cost))
        for i, task in enumerate(plan.next, 1)
    ]
    return [("#", "task", "", "why now", "cost"), *rows] if rows else []


def waiting_rows(plan: Plan, new: Collection[str]) -> list[tuple[str, ...]]:
    """Return the rows of what waits, under a head; none when nothing does."""
    rows = [("", visible(w.task.id), _new(w.task, new), visible(w.reason), "") for w in plan.waiting]
    return [("", "waiting", "", "", ""), *rows] if rows else []


def _new(task: Task, new: Collection[str]) -> str:
    return "new" if task.id in new else ""
