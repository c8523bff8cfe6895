"""Suppress: lets comments in the code silence findings, and says which comments silence nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.model.finding import Finding
from selfimprove.reflector.policy import covered_by, nearest
from selfimprove.reflector.rules import BY_ID, PYLINT, UNREASONED, UNUSED, place, severity

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from selfimprove.codebase.measure.record import FileMetrics, Suppression
    from selfimprove.reflector.policy import Policy

# What the comments themselves are judged by cannot be silenced by one.
_OWN = frozenset({UNUSED, UNREASONED})
_HINTS = 100  # different unknown rules of a file that are compared with every name; that takes time
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
        self.lines = [comment.line for comment in self.comments]  # they come from top to bottom
        alone = {comment.line for comment in self.comments if comment.own_line}
        self.below, self.above = _runs(alone)
        self.hints: dict[str, str] = {}
        self.used: set[tuple[int, str]] = set()  # comment (by its position), rule that it silenced
        self.first_lines = {function.line: function.first_line for function in metrics.functions}
        blocks = [(one.line, one.end_line) for one in metrics.functions]
        blocks += [(one.line, one.end_line) for one in metrics.classes]
        outside = _innermost(blocks, self.lines)
        self.of_file = [
            number
            for number, comment in enumerate(self.comments)
            if comment.rules and (comment.line == 1 or (comment.own_line and outside[number] is None))
        ]

    def silences(self, finding: Finding) -> bool:
        """True when a comment silences ``finding``; every one that does counts as used."""
        rule = finding.rule
        if rule in BY_ID and BY_ID[rule].scope == "file":
            hits = [number for number in self.of_file if rule in self.comments[number].rules]
        else:
            first, last = self._reach(finding)
            near = range(bisect_left(self.lines, first), bisect_right(self.lines, last))
            hits = [number for number in near if _names(self.comments[number], rule)]
        self.used |= {(number, rule) for number in hits}
        return bool(hits)

    def complaints(self, looked_for: set[str], policy: Policy) -> list[Finding]:
        """Return what is wrong with the comments, as far as ``policy`` asks for it."""
        limits = policy.limits(self.path)
        counter: Counter[tuple[str, str]] = Counter()
        found = []
        for number, (comment, symbol) in enumerate(zip(self.comments, self._symbols(), strict=True)):
            said = {UNUSED: self._idle(number, comment, looked_for), UNREASONED: ""}
            if not comment.reason:
                said[UNREASONED] = "the comment that silences findings gives no reason"
            for rule, message in said.items():
                if message and rule in limits:
                    counter[rule, symbol] += 1
                    found.append(self._complaint(rule, comment, message, symbol, counter[rule, symbol]))
        return found

    def _reach(self, finding: Finding) -> tuple[int, int]:
        """Return the first and last line in which a comment speaks of ``finding``."""
        last = _text_line(self.metrics, finding)
        first = self.first_lines.get(last, 0) or last
        return self.above.get(first - 1, first), last

    def _idle(self, number: int, comment: Suppression, looked_for: set[str]) -> str:
        """Return what is wrong with a comment: a rule that is unknown, or that it finds nothing to silence."""
        for code in comment.rules:
            if not covered_by(code):
                if code not in self.hints and len(self.hints) < _HINTS:
                    self.hints[code] = nearest(code).removesuffix("?") if code else ""
                hint = self.hints.get(code, "")
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

    def _symbols(self) -> list[str]:
        """Return, for each comment, the function that it stands in or directly above, "" without one."""
        functions = self.metrics.functions
        blocks = [(one.first_line or one.line, one.end_line) for one in functions]
        found = _innermost(blocks, [self.below.get(line, line) for line in self.lines])
        return ["" if at is None else functions[at].symbol for at in found]

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


def _runs(alone: set[int]) -> tuple[dict[int, int], dict[int, int]]:
    """Return, for each of these lines, the first line below that is none of them, and the first of its run."""
    below: dict[int, int] = {}
    above: dict[int, int] = {}
    for line in sorted(alone, reverse=True):
        below[line] = below.get(line + 1, line + 1)
    for line in sorted(alone):
        above[line] = above.get(line - 1, line)
    return below, above


def _innermost(blocks: Sequence[tuple[int, int]], lines: Sequence[int]) -> list[int | None]:
    """Return, for each of ``lines`` (ascending), the position of the innermost block (first, last) around it."""
    waiting = sorted(range(len(blocks)), key=lambda at: (blocks[at][0], -blocks[at][1]), reverse=True)
    open_ones: list[int] = []
    found: list[int | None] = []
    for line in lines:
        while waiting and blocks[waiting[-1]][0] <= line:
            open_ones.append(waiting.pop())
        # Blocks lie inside of each other, so that the last one that has begun is the first one to end.
        while open_ones and blocks[open_ones[-1]][1] < line:
            open_ones.pop()
        found.append(open_ones[-1] if open_ones else None)
    return found


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
