"""JSON: the envelope around every answer, and each answer as plain data. The schemas lie beside it."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfimprove.model.audit import Audit, FileFacts, Trend
    from selfimprove.model.budget import Budget
    from selfimprove.model.finding import Finding
    from selfimprove.model.outcome import Outcome
    from selfimprove.model.plan import Plan, Waiting
    from selfimprove.model.run import Run, Step
    from selfimprove.model.task import Task

SCHEMA_VERSION = 1
MOST_HOTSPOTS = 50
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def envelope(
    command: str, data: Any = None, error: Mapping[str, str] | None = None, exit_code: int = 0
) -> dict[str, Any]:
    """Wrap the answer of ``command``. ``ok`` is true if and only if ``exit_code`` is 0.

    ``error`` needs ``code`` and ``message``; ``hint`` and ``where`` may be missing. An answer of "no" (exit
    code 1) has ``data`` and no ``error``.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "ok": exit_code == 0,
        "exit_code": exit_code,
        "error": error and {key: error.get(key, "") for key in ("code", "message", "hint", "where")},
        "data": data,
    }


def dumps(document: Any, *, indent: int | None = 2) -> str:
    """Return one valid JSON document that UTF-8 can hold; ``indent`` None puts it on one line.

    A byte of a file name that is not UTF-8 (a lone surrogate in Python) becomes a ``\\udcXX`` escape, from
    which Python reads the same name again. NaN and infinities, which JSON does not have, become null.
    """
    try:
        text = _pretty(document, "\n") if indent == 2 else _encoder().encode(document)
    except ValueError:  # a number that JSON does not have
        text = json.dumps(_finite(document), indent=indent, ensure_ascii=False, allow_nan=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@functools.cache
def _encoder(gap: str = "") -> json.JSONEncoder:
    """Return an encoder that puts ``gap`` between the members of a flat list or mapping."""
    return json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, separators=(f",{gap}", ": ") if gap else None
    )


def _pretty(value: Any, line: str) -> str:
    """Return what ``json.dumps(value, indent=2)`` returns, whose encoder in Python takes five times as long.

    Everything flat is encoded by the encoder in C. ``line`` is a line end with the present indentation.
    """
    if not isinstance(value, dict | list | tuple) or not value:
        return _encoder().encode(value)
    inner, ends = line + "  ", "{}" if isinstance(value, dict) else "[]"
    members = value.values() if isinstance(value, dict) else value
    if not any(isinstance(one, dict | list | tuple) for one in members):
        return f"{ends[0]}{inner}{_encoder(inner).encode(value)[1:-1]}{line}{ends[1]}"
    if isinstance(value, dict):
        # A key of another kind than text goes the encoder's own way to text.
        parts = [f"{_encoder().encode({key: 0})[1:-4]}: {_pretty(one, inner)}" for key, one in value.items()]
    else:
        parts = [_pretty(one, inner) for one in value]
    return f"{ends[0]}{inner}{f',{inner}'.join(parts)}{line}{ends[1]}"


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a whole document: by the name of its command, or ``envelope``."""
    from importlib.resources import files

    text = (files("selfimprove.report") / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def audit_data(
    audit: Audit, *, most: int | None = MOST_HOTSPOTS, metrics: Iterable[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the ``data`` of ``audit``, with the ``most`` hottest files (None: all of them).

    ``metrics``, if given, is what was measured file by file as plain data.
    """
    data = {
        "findings": [finding_data(finding) for finding in audit.findings],
        "files": audit.files,
        "not_analysed": [file._asdict() for file in audit.not_analysed],
        "hotspots": [_hotspot(file) for file in audit.file_facts[:most]],
        "trend": audit.trend and _trend(audit.trend),
        "suppressed": audit.suppressed,
        "accepted": audit.accepted,
        "notes": list(audit.notes),
        "engine": audit.engine,
        "python": audit.python,
    }
    return data if metrics is None else data | {"metrics": [dict(one) for one in metrics]}


def finding_data(finding: Finding) -> dict[str, Any]:
    """Return one finding, with the severity as a word and without what only helps to know it again."""
    data = finding._asdict() | {"severity": finding.severity.word, "fingerprint": finding.fingerprint}
    for name in ("ordinal", "origin", "aliases", "body"):
        del data[name]
    idea = data.pop("idea")
    return data | {"idea": idea._asdict()} if idea else data


def _hotspot(file: FileFacts) -> dict[str, Any]:
    return file._asdict() | {"last_changed": _iso(file.last_changed)}


def _trend(trend: Trend) -> dict[str, Any]:
    revisions = [revision._asdict() | {"time": _iso(revision.time)} for revision in trend.revisions]
    return trend._asdict() | {"revisions": revisions, "lines": [line._asdict() for line in trend.lines]}


def plan_data(plan: Plan, budget: Budget, new: Collection[str] = ()) -> dict[str, Any]:
    """Return the ``data`` of ``plan``; ``new`` are the ids of the tasks that are not yet in tasks.yml."""

    def entry(task: Task) -> dict[str, Any]:
        return task_data(task) | {"new": task.id in new}

    return {
        "next": [entry(task) | {"why": plan.why.get(task.id, "")} for task in plan.next],
        "waiting": [
            entry(waiting.task) | {"code": waiting.code, "reason": waiting.reason} for waiting in plan.waiting
        ],
        "budget": _budget(budget) | {"units_planned": plan.cost},
    }


def run_data(run: Run | None, outcomes: Iterable[Outcome], waiting: Iterable[Waiting] = ()) -> dict[str, Any]:
    """Return the ``data`` of ``run``; ``run`` is None when there was nothing to do and none was opened."""
    return {
        "run": run and run_entry(run),
        "outcomes": [outcome.to_dict() for outcome in outcomes],
        "waiting": [{"id": one.task.id, "code": one.code, "reason": one.reason} for one in waiting],
    }


def run_entry(run: Run) -> dict[str, Any]:
    """Return one run; its times become ISO 8601 in UTC."""
    return _asdict(run) | {"started_at": _iso(run.started_at), "ended_at": _iso(run.ended_at)}


def tasks_data(tasks: Iterable[Task]) -> dict[str, Any]:
    """Return the ``data`` of ``tasks list``."""
    return {"tasks": [task_data(task) for task in tasks]}


def history_data(runs: Iterable[Run]) -> dict[str, Any]:
    """Return the ``data`` of ``history``."""
    return {"runs": [run_entry(run) for run in runs]}


def run_record(run: Run, outcomes: Iterable[Mapping[str, Any]], steps: Iterable[Step]) -> dict[str, Any]:
    """Return the ``data`` of ``history RUN``: a run with its outcomes and steps."""
    times = [
        _asdict(step) | {"started_at": _iso(step.started_at), "ended_at": _iso(step.ended_at)}
        for step in steps
    ]
    ends = [{**outcome, "at": _iso(outcome["at"])} for outcome in outcomes]
    return {"run": run_entry(run), "outcomes": ends, "steps": times}


def status_data(
    counts: Mapping[str, int], runs: Sequence[Run], dead: Collection[int], doing: Sequence[Step]
) -> dict[str, Any]:
    """Return the ``data`` of ``status``."""
    return {
        "tasks": dict(counts),
        "running": [run_entry(run) for run in runs if run.state == "running" and run.id not in dead],
        "dead": sorted(dead),
        "doing": [{"run": step.run, "task_id": step.task_id, "step": step.name} for step in doing],
        "last": run_entry(runs[0]) if runs else None,
    }


def task_data(task: Task) -> dict[str, Any]:
    """Return one task with every field, also those that tasks.yml leaves out."""
    return _asdict(task) | {"needs_model": task.needs_model, "rewritable": task.rewritable}


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _finite(value: Any) -> Any:
    """Return ``value`` with None in the place of floats that JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value


def _budget(budget: Budget) -> dict[str, Any]:
    """Return the limits and what is spent, without what only keeps threads apart."""
    from dataclasses import fields

    return {one.name: getattr(budget, one.name) for one in fields(budget) if not one.name.startswith("_")}


def _asdict(record: Any) -> dict[str, Any]:
    from dataclasses import asdict  # slow to load, and an audit needs none

    return asdict(record)
