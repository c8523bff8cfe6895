"""HTML: the audit as one page that needs neither a network nor a server, with a map, trends and tables."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from selfimprove.model.audit import FileFacts
from selfimprove.report.json import dumps
from selfimprove.report.wording import audit_totals, place, symbol, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.model.audit import Audit, Trend
    from selfimprove.model.finding import Finding

_PLACEHOLDER = re.compile(r"\{\{ (\w+) \}\}")
# What could end the element that holds the data, or a line of a script, written as JSON escapes.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def html_page(
    audit: Audit,
    rules: Sequence[Mapping[str, Any]],
    *,
    title: str,
    version: str,
    known: int = 0,
    made_at: float | None = None,
) -> str:
    """Return the whole page; ``title`` names the repository, ``made_at`` is in seconds since the epoch.

    Nothing that comes from the repository is ever markup: it lies in the page as JSON, which the script
    shows as text, and the page's own policy lets nothing run or load but the page's own script and style.
    """
    style, script = _part("style.css"), _part("page.js")
    data = _data(audit, rules, known) | {"title": visible(title), "version": version, "made_at": made_at}
    parts = {
        "policy": escape(_policy(style, script)),
        "title": escape(visible(title)),
        "summary": escape(audit_totals(audit, known)),
        "style": style,
        "script": script,
        "data": dumps(data, indent=None).translate(_ESCAPES),
    }
    # In one pass, so that nothing in a part is taken for a placeholder.
    return _PLACEHOLDER.sub(lambda found: parts[found[1]], _part("page.html"))


def _part(name: str) -> str:
    return (files("selfimprove.report") / "html_page" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy under which only this style and this script work."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data(audit: Audit, rules: Sequence[Mapping[str, Any]], known: int) -> dict[str, Any]:
    """Return what the page shows; files are rows without keys, since there may be very many."""
    columns = FileFacts._fields
    found = {finding.rule for finding in audit.findings}
    return {
        "columns": columns,
        "rows": [[_shown(getattr(file, name)) for name in columns] for file in audit.file_facts],
        "findings": [_finding(finding) for finding in audit.findings],
        "files": audit.files,
        "known": known,
        "suppressed": audit.suppressed,
        "accepted": audit.accepted,
        "not_analysed": [_all_shown(file._asdict()) for file in audit.not_analysed],
        "notes": [visible(note) for note in audit.notes],
        "rules": [
            {key: str(rule.get(key) or "") for key in ("id", "name", "summary", "help")}
            for rule in rules
            if rule["id"] in found
        ],
        "trend": audit.trend and _trend(audit.trend),
        "engine": visible(audit.engine),
        "python": visible(audit.python),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    names = ("rule", "path", "line", "value", "limit", "before", "message", "suggestion", "fingerprint")
    told = {name: _shown(getattr(finding, name)) for name in names}
    return told | {
        "severity": finding.severity.word,
        "rank": int(finding.severity),
        "place": place(finding),
        "symbol": symbol(finding),
    }


def _trend(trend: Trend) -> dict[str, Any]:
    parts = {name: [one._asdict() for one in getattr(trend, name)] for name in ("revisions", "lines")}
    return _all_shown(json.loads(dumps(trend._asdict() | parts, indent=None)))


def _all_shown(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _shown(part) for key, part in value.items()}


def _shown(value: Any) -> Any:
    """Return ``value`` with every text in it safe to show on one line."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return _all_shown(value)
    return [_shown(part) for part in value] if isinstance(value, list | tuple) else value
