"""Request: title and text of a pull request, from what its commits were proved with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selfimprove.model.phase import DOCUMENTS
from selfimprove.report.markdown import _join, _list, _plain, _table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST = 60_000
"""Characters; GitHub refuses a text of more than 65,536."""

_ROWS = 50


def request_text(
    commits: Sequence[tuple[str, str, Mapping[str, Any]]], words: Sequence[str]
) -> tuple[str, str]:
    """Return title and body for ``commits``, each as (id, message, record), oldest first.

    ``words`` are those by which the request is found again; they stand in the body as they are.
    """
    # The documents are not what the request is about, unless there is nothing else.
    ordered = sorted(commits, key=lambda one: one[2].get("task", {}).get("id", "").startswith(DOCUMENTS))
    subjects = [message.split("\n")[0] for _, message, _ in ordered]
    title = subjects[0] if len(subjects) == 1 else f"{subjects[0]}, and {len(subjects) - 1} more"
    parts = [part for commit, message, record in commits for part in _commit(commit, message, record)]
    end = _join(
        [
            "### Verify",
            "Every fact above can be found again, in any clone that has the commits:",
            "```\n" + "\n".join(f"selfimprove verify {commit}" for commit, _, _ in commits) + "\n```",
            "<sub>" + " ".join(f"`{word}`" for word in words) + "</sub>",
        ]
    )
    body = _join(parts)
    if len(body) + len(end) > LONGEST:
        body = body[: LONGEST - len(end) - 100].rpartition("\n")[0] + "\n\nThe rest is in the commits.\n\n"
    return title[:250], body + "\n" + end


def _commit(commit: str, message: str, record: Mapping[str, Any]) -> list[str]:
    subject, _, rest = message.partition("\n")
    paragraphs = rest.strip().split("\n\n")
    about = "\n\n".join(_plain(" ".join(part.split())) for part in paragraphs[:-1])
    checks = [
        (one["name"], "passed" if one["ok"] else "failed", one["summary"]) for one in record.get("checks", ())
    ]
    return [
        f"## {_plain(subject)}",
        about,
        _table(("Proof", "Result", "In its own words"), checks),
        _functions(record.get("functions", ())),
        _groups(record.get("groups") or {}),
        _review(record.get("review")),
        _facts(commit, record),
    ]


def _groups(groups: Mapping[str, Any]) -> str:
    rows = [
        (name, *(str(one[key]) for key in ("total", "passed", "failed", "errors")), ", ".join(one["paths"]))
        for name, one in groups.items()
    ]
    return _table(("New tests", "Total", "Passed", "Failed", "Errors", "Files"), rows)


def _functions(rows: Sequence[Mapping[str, Any]]) -> str:
    shown = [
        (f"{one['path']} {one['symbol']}".strip(), one["rule"], _value(one["before"]), _value(one["after"]))
        for one in rows[:_ROWS]
        if one["before"] != one["after"]
    ]
    return _table(("Function", "Rule", "Before", "After"), shown)


def _value(value: Any) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _review(review: Mapping[str, Any] | None) -> str:
    if not review:
        return ""
    scores = [(name, str(score)) for name, score in review["scores"].items()]
    said = [f"{one['path']}:{one['line']} {one['severity']}: {one['text']}" for one in review["issues"]]
    head = f"Review by {_plain(review['model'])}: **{review['mean']:g} of 10**. {_plain(review['summary'])}"
    return "\n\n".join(
        part for part in (head, _table(("Dimension", "Score"), scores), _list("Issues", said)) if part
    )


def _facts(commit: str, record: Mapping[str, Any]) -> str:
    spend, task = record.get("spend", {}), record.get("task", {})
    rows = [
        ("Task", str(task.get("id", ""))),
        ("Commit", commit),
        ("Base", str(record.get("base", ""))),
        ("Model", str(record.get("model", ""))),
        ("Spend", f"${spend.get('dollars', 0):.4f}, {spend.get('tokens', 0):,} tokens"),
        ("Environment", ", ".join(f"{key} {value}" for key, value in record.get("environment", {}).items())),
        ("Vetoes looked for", f"{len(record.get('vetoes', {}).get('looked_for', ()))}, none found"),
    ]
    return _table(("Fact", "Value"), [row for row in rows if row[1]])
