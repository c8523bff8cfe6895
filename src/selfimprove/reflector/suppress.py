"""Suppress: lets comments in the code silence findings, and says which comments silence nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.model.finding import Finding
from selfimprove.reflector.policy import covered_by, nearest
from selfimprove.reflector.rules import BY_ID, PYLINT, UNREASONED, UNUSED, place, severity

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from selfimprove.reflector.measure.record import FileMetrics, Suppression
    from selfimprove.reflector.policy import Policy

# What the comments themselves are judged by cannot be silenced by one.
_OWN = frozenset({UNUSED, UNREASONED})
_PYLINT = frozenset(PYLINT.values())


def apply(
    findings: Iterable[Finding],
    measured: Mapping[str, FileMetrics],
    policy: Policy,
    *,
    whole: bool = True,
    linted: Container[str] = (),
) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """Return the findings that stay, those that a comment silences, and what is wrong with the comments.

    A comment ``# selfimprove: ignore[SI101] why`` silences its rules, or every rule without brackets,

    * about a function, in any line of its decorators and its signature;
    * about any other line, in that line;
    * for both, alone in its line directly above, several of them one below the other;
    * about a whole file, where it names the rule by its full id at the end of the first line, or alone in its
      line outside of every function and class.

    The third list has SI001 for a comment that silences nothing or names an unknown rule, and SI002 for one
    without a reason, as far as the policy wants them. A comment is called unused only when every rule that it
    stands for was looked for in its file: rules across files only when the ``whole`` project was measured,
    pylint's only in the files that it has looked at (``linted``).
    """
    files = {path: _File(path, metrics) for path, metrics in measured.items() if metrics.suppressions}
    kept: list[Finding] = []
    silenced: list[Finding] = []
    for finding in findings:
        file = files.get(finding.path)
        hit = file is not None and finding.rule not in _OWN and file.silences(finding)
        (silenced if hit else kept).append(finding)
    wrong = [
        found
        for path in sorted(files)
        for found in files[path].complaints(
            _looked_for(path, measured[path], policy, linted, whole=whole), policy
        )
    ]
    return kept, silenced, wrong


class _File:
    """The comments of one file, and which of their rules have silenced something."""

    def __init__(self, path: str, metrics: FileMetrics) -> None:
        self.path = path
        self.metrics = metrics
        self.comments = metrics.suppressions
        self.alone = {comment.line for comment in self.comments if comment.own_line}
        self.used: set[tuple[int, str]] = set()  # comment (by its position), rule that it silenced
        self.first_lines = {function.line: function.first_line for function in metrics.functions}

    def silences(self, finding: Finding) -> bool:
        """True when a comment silences ``finding``; every one that does counts as used."""
        whole_file = BY_ID[finding.rule].scope == "file" if finding.rule in BY_ID else False
        first, last = self._reach(finding)
        hits = [
            number
            for number, comment in enumerate(self.comments)
            if _names(comment, finding.rule)
            and (self._speaks_of_file(comment, finding.rule) if whole_file else first <= comment.line <= last)
        ]
        self.used |= {(number, finding.rule) for number in hits}
        return bool(hits)

    def complaints(self, looked_for: set[str], policy: Policy) -> list[Finding]:
        """Return what is wrong with the comments, as far as ``policy`` asks for it."""
        limits = policy.limits(self.path)
        counter: Counter[tuple[str, str]] = Counter()
        found = []
        for number, comment in enumerate(self.comments):
            said = {UNUSED: self._idle(number, comment, looked_for), UNREASONED: ""}
            if not comment.reason:
                said[UNREASONED] = "the comment that silences findings gives no reason"
            for rule, message in said.items():
                if message and rule in limits:
                    symbol = self._symbol(comment)
                    counter[rule, symbol] += 1
                    found.append(self._complaint(rule, comment, message, symbol, counter[rule, symbol]))
        return found

    def _reach(self, finding: Finding) -> tuple[int, int]:
        """Return the first and last line in which a comment speaks of ``finding``."""
        last = _text_line(self.metrics, finding)
        first = self.first_lines.get(last, 0) or last
        while first - 1 in self.alone:
            first -= 1
        return first, last

    def _speaks_of_file(self, comment: Suppression, rule: str) -> bool:
        if rule not in comment.rules:
            return False
        metrics = self.metrics
        ranges = [(one.line, one.end_line) for one in metrics.functions]
        ranges += [(one.line, one.end_line) for one in metrics.classes]
        inside = any(first <= comment.line <= last for first, last in ranges)
        return comment.line == 1 or (comment.own_line and not inside)

    def _idle(self, number: int, comment: Suppression, looked_for: set[str]) -> str:
        """Return what is wrong with a comment: a rule that is unknown, or that it finds nothing to silence."""
        for code in comment.rules:
            if not covered_by(code):
                hint = nearest(code).removesuffix("?") if code else ""
                return f"{code or 'an empty bracket'} is not a rule{f': {hint}' if hint else ''}"
        idle = [code for code in comment.rules or ("ALL",) if self._found_nothing(number, code, looked_for)]
        if not idle:
            return ""
        named = [code for code in idle if comment.rules]
        return f"nothing is found here that {', '.join(named) or 'the comment'} would silence"

    def _found_nothing(self, number: int, code: str, looked_for: set[str]) -> bool:
        """True when it is certain that a code in a comment silences nothing."""
        rules = [rule for rule in covered_by(code) if rule not in _OWN] or list(covered_by(code))
        used = any((number, rule) in self.used for rule in rules)
        return not used and looked_for.issuperset(rules)

    def _symbol(self, comment: Suppression) -> str:
        """Return the function that a comment stands in or directly above, "" without one."""
        line = comment.line
        while line in self.alone:
            line += 1
        around = [
            one for one in self.metrics.functions if (one.first_line or one.line) <= line <= one.end_line
        ]
        return around[-1].symbol if around else ""

    def _complaint(self, rule: str, comment: Suppression, message: str, symbol: str, ordinal: int) -> Finding:
        cell, line = place(self.metrics, comment.line)
        where = f"{self.path}, {f'cell {cell}, ' if cell else ''}line {line}"
        mend = "Remove it, or correct its rules" if rule == UNUSED else "Write the reason behind the bracket"
        return Finding(
            rule=rule,
            path=self.path,
            line=line,
            end_line=line,
            symbol=symbol,
            severity=severity(rule, 1, 0),
            value=1,
            limit=0,
            message=message,
            suggestion=f"The comment `# selfimprove: ignore` is in {where}. {mend}; change nothing else.",
            ordinal=ordinal,
            cell=cell,
        )


def _looked_for(
    path: str, metrics: FileMetrics, policy: Policy, linted: Container[str], *, whole: bool
) -> set[str]:
    """Return the rules of which this audit would have found everything that there is in a file."""
    unseen = {rule.id for rule in BY_ID.values() if rule.scope == "project" and not whole}
    unseen |= {rule.id for rule in BY_ID.values() if rule.extra and metrics.extra is None}
    unseen |= set() if path in linted else _PYLINT
    return set(policy.limits(path)) - unseen


def _names(comment: Suppression, rule: str) -> bool:
    """True when a comment stands for ``rule``: it has no brackets, or a code in them covers it."""
    return not comment.rules or any(rule in covered_by(code) for code in comment.rules)


def _text_line(metrics: FileMetrics, finding: Finding) -> int:
    """Return the line of ``finding`` in the text that was measured, in which a notebook's cells follow."""
    if finding.cell is None:
        return finding.line
    numbers = [number for _, number in metrics.cells]
    at = bisect_right(numbers, finding.cell) - 1
    return metrics.cells[at][0] + finding.line - 1 if at >= 0 else finding.line
