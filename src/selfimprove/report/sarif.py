"""SARIF: the audit as a log that code scanning services and editors read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from selfimprove.report.wording import spot, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.model.audit import Audit, FileFacts, NotAnalysed
    from selfimprove.model.finding import Finding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
# GitHub refuses a log with more results in one run; what matters most comes first.
MOST_RESULTS = 25_000
_NOT_ANALYSED, _NOTE = "not-analysed", "note"
_NOTIFICATIONS = {
    _NOT_ANALYSED: "A file that was meant to be measured and was not.",
    _NOTE: "What a reader of the results must know.",
}


def sarif(
    audit: Audit, rules: Sequence[Mapping[str, Any]], *, version: str, root_uri: str | None = None
) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log with one run; the same audit gives the same log.

    ``rules`` have ``id``, ``name``, ``summary``, ``help`` and, if they like, ``level`` (note, warning or
    error); a finding of a rule that is not among them gets a bare one. ``root_uri`` (ending with a slash)
    says where the repository root is; without it the reader has to know. At most 25,000 findings are in the
    log, as many as GitHub takes; a notification tells of the others.
    """
    described = _rules(audit.findings, rules)
    index = {rule["id"]: position for position, rule in enumerate(described)}
    facts = {file.path: file for file in audit.file_facts}
    driver = {
        "name": "selfimprove",
        "informationUri": "https://github.com/selfimprove/selfimprove",
        "version": version,
        "semanticVersion": version,
        "rules": described,
        "notifications": [
            {"id": name, "shortDescription": {"text": text}} for name, text in _NOTIFICATIONS.items()
        ],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(audit)}],
        "originalUriBaseIds": {ROOT: _base(root_uri)},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, index[finding.rule], facts.get(finding.path))
            for finding in audit.findings[:MOST_RESULTS]
        ],
        "properties": {
            "files": audit.files,
            "suppressed": audit.suppressed,
            "accepted": audit.accepted,
            "engine": audit.engine,
            "python": audit.python,
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _base(root_uri: str | None) -> dict[str, Any]:
    told = {"description": {"text": "The root of the repository."}}
    return told if root_uri is None else {"uri": root_uri} | told


def _rules(findings: Iterable[Finding], rules: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules by id; those of findings that nobody described are there with their id alone."""
    known = {str(rule["id"]): rule for rule in rules}
    bare = {finding.rule: {"id": finding.rule} for finding in findings if finding.rule not in known}
    return [_rule(rule) for _, rule in sorted((known | bare).items())]


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule with all that GitHub asks for: both descriptions and the help, as text and as Markdown."""
    name = str(rule.get("name") or rule["id"])
    summary = str(rule.get("summary") or name)
    text = str(rule.get("help") or summary)
    return {
        "id": rule["id"],
        "name": name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": text},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": rule.get("level") or "warning"},
        "properties": {"tags": ["maintainability"], "precision": "very-high"},
    }


def _result(finding: Finding, index: int, facts: FileFacts | None) -> dict[str, Any]:
    where = "" if finding.cell is None else f" ({visible(spot(finding))})"
    properties = {
        "value": finding.value,
        "limit": finding.limit,
        "before": finding.before,
        "urgency": finding.urgency,
        "suggestion": visible(finding.suggestion),
        "heat": facts.heat if facts else None,
        "cell": finding.cell,
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity.word,
        "message": {"text": visible(finding.message) + where},
        "locations": [_location(finding)],
        # The name is ours: GitHub's upload action computes its own, primaryLocationLineHash, beside it.
        "partialFingerprints": {"selfimprove/v1": finding.fingerprint},
        "properties": {name: value for name, value in properties.items() if value is not None},
    }


def _location(finding: Finding) -> dict[str, Any]:
    """Return the place; in a notebook the first line, since lines in a cell are not lines of the file."""
    first, last = (finding.line, finding.end_line) if finding.cell is None else (1, 1)
    region = {"startLine": first, "startColumn": 1, "endLine": max(first, last)}
    place: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(finding.path), "region": region}
    }
    if finding.symbol:
        place["logicalLocations"] = [{"fullyQualifiedName": visible(finding.symbol), "kind": "function"}]
    return place


def _artifact(path: str) -> dict[str, str]:
    """Return a path as a relative URI; bytes that are not UTF-8 are percent-encoded like all others."""
    return {"uri": quote(path.encode("utf-8", "surrogateescape"), safe="/"), "uriBaseId": ROOT}


def _notifications(audit: Audit) -> list[dict[str, Any]]:
    told = [_notification(_NOT_ANALYSED, "warning", _why(file), file.path) for file in audit.not_analysed]
    notes = list(audit.notes)
    if (left := len(audit.findings) - MOST_RESULTS) > 0:
        notes.append(f"{left:,} findings that matter less are left out")
    return told + [_notification(_NOTE, "note", visible(note)) for note in notes]


def _why(file: NotAnalysed) -> str:
    return f"not analysed: {visible(file.path)}: {visible(file.reason)}"


def _notification(kind: str, level: str, text: str, path: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "descriptor": {"id": kind, "index": list(_NOTIFICATIONS).index(kind)},
        "level": level,
        "message": {"text": text},
    }
    if path is not None:
        told["locations"] = [{"physicalLocation": {"artifactLocation": _artifact(path)}}]
    return told
