"""GitHub: the audit as workflow commands, which Actions shows beside the lines of a pull request."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.model.finding import Severity
from selfimprove.report.wording import audit_totals, spot, symbol, visible, was

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selfimprove.model.audit import Audit
    from selfimprove.model.finding import Finding

# How many commands of each kind Actions shows for one step; the others stay in its log.
SHOWN = 10
_COMMANDS = {Severity.NOTE: "notice", Severity.WARNING: "warning", Severity.ERROR: "error"}


def github(audit: Audit, known: int = 0) -> str:
    """Return one command a line, errors first and what matters most first among them, then the summary.

    Files that were not analysed are warnings after those about the code. When there are more than Actions
    shows, the last line says how many. ``known`` is how many of the findings are tasks already.
    """
    findings = sorted(audit.findings, key=lambda finding: -finding.severity)
    lines = [_finding(finding) for finding in findings]
    lines += [
        _command("warning", {"file": file.path, "title": "not analysed"}, visible(file.reason))
        for file in audit.not_analysed
    ]
    lines += [_command("notice", {"title": "note"}, visible(note)) for note in audit.notes]
    shown = Counter(line[2:].partition(" ")[0] for line in lines)
    hidden = sum(max(0, amount - SHOWN) for amount in shown.values())
    lines.append(audit_totals(audit, known))
    if hidden:
        lines.append(
            f"GitHub shows {SHOWN} errors, {SHOWN} warnings and {SHOWN} notices of a step; {hidden:,} more "
            f"{'is' if hidden == 1 else 'are'} in this log."
        )
    return "\n".join(lines) + "\n"


def _finding(finding: Finding) -> str:
    # Lines in a notebook's cell are not lines of the file.
    lines: dict[str, str | int] = {"line": finding.line, "endLine": max(finding.line, finding.end_line)}
    cell = "" if finding.cell is None else f" ({spot(finding)})"
    properties = {"file": finding.path, **({} if cell else lines)}
    title = f"{finding.rule} {symbol(finding)}"
    message = f"{visible(finding.message)}{was(finding)}{cell}"
    return _command(_COMMANDS[finding.severity], properties | {"title": title}, message)


def _command(name: str, properties: Mapping[str, str | int], message: str) -> str:
    """Return ``::name key=value,...::message`` escaped as the runner's own toolkit does it."""
    told = ",".join(f"{key}={_escaped(str(value), property=True)}" for key, value in properties.items())
    return f"::{name} {told}::{_escaped(message)}"


def _escaped(text: str, *, property: bool = False) -> str:  # noqa: A002
    return _replaced(text, "%\r\n:," if property else "%\r\n")


def _replaced(text: str, special: Iterable[str]) -> str:
    for char in special:  # the percent sign first
        text = text.replace(char, f"%{ord(char):02X}")
    return text
