"""SelfAuditor: measures files against the thresholds and says what is over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.codebase.scan import Scan, python_files, walk
from selfimprove.errors import ConfigError
from selfimprove.model.audit import Audit, NotAnalysed
from selfimprove.model.finding import Finding, Severity
from selfimprove.reflector.metrics import FileMetrics, FunctionMetrics, measure_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from selfimprove.model.task import Task

COMPLEXITY = "SI101"
MAINTAINABILITY = "SI102"
RANKS = ("A", "B", "C")


class SelfAuditor:
    """Finds functions with a complexity over a threshold and files with a worse maintainability rank.

    ``complexity_threshold`` is the highest complexity (1 upwards) that is allowed; over twice of it is an
    error. ``maintainability_threshold`` is the worst rank that is allowed. ``scan`` says which files below
    ``root`` there are, afresh at each call.
    """

    def __init__(
        self,
        complexity_threshold: int = 15,
        maintainability_threshold: str = "B",
        *,
        root: Path | None = None,
        scan: Callable[[], Scan] | None = None,
    ) -> None:
        if maintainability_threshold not in RANKS:
            raise ConfigError(
                f"maintainability_threshold is {maintainability_threshold!r}",
                hint=f"it is one of {', '.join(RANKS)}",
            )
        self.complexity_threshold = complexity_threshold
        self.maintainability_threshold = maintainability_threshold
        self.root = root or Path()
        self.scan = scan or (lambda: python_files(self.root, walk(self.root)))
        self.last = Audit()

    def survey(self) -> Audit:
        """Measure every file that ``scan`` names; the answer stays in ``last``. Nothing is written."""
        scan = self.scan()
        audit = self.analyze(scan.files)
        not_analysed = sorted((*scan.left_out, *audit.not_analysed), key=lambda file: file.path)
        self.last = replace(audit, not_analysed=tuple(not_analysed))
        return self.last

    def analyze(self, files: Iterable[str], *, root: Path | None = None) -> Audit:
        """Measure ``files`` (relative to ``root``, by default the auditor's own), the worst finding first."""
        measured = [(path, measure_file(root or self.root, path)) for path in files]
        findings = [
            fact
            for path, metrics in measured
            if isinstance(metrics, FileMetrics)
            for fact in self._facts(path, metrics)
            if self._is_over(fact)
        ]
        not_analysed = tuple(metrics for _, metrics in measured if isinstance(metrics, NotAnalysed))
        return Audit(
            tuple(sorted(findings, key=_worst_first)), len(measured) - len(not_analysed), not_analysed
        )

    def audit(self, tasks: Sequence[Task]) -> list[Finding]:
        """Survey, and return what no task stands for yet, be it open, done, failed or rejected."""
        return unknown(self.survey().findings, tasks)

    def values(self, path: str, *, root: Path | None = None) -> dict[str, float | str]:
        """Return the value by fingerprint of every function of ``path`` and of the file, also within limits.

        Empty when the file is gone or cannot be measured; ``analyze`` tells why.
        """
        metrics = measure_file(root or self.root, path)
        if isinstance(metrics, NotAnalysed):
            return {}
        return {fact.fingerprint: fact.value for fact in self._facts(path, metrics)}

    def _facts(self, path: str, metrics: FileMetrics) -> Iterator[Finding]:
        """Yield what is measured in a file as findings, over the limit or not."""
        for function in metrics.functions:
            yield self._complexity(path, function)
        yield self._maintainability(path, metrics)

    def _complexity(self, path: str, function: FunctionMetrics) -> Finding:
        limit = self.complexity_threshold
        severe = function.complexity > 2 * limit
        return Finding(
            rule=COMPLEXITY,
            path=path,
            line=function.line,
            end_line=function.end_line,
            symbol=function.symbol,
            ordinal=function.ordinal,
            severity=Severity.ERROR if severe else Severity.WARNING,
            value=function.complexity,
            limit=limit,
            message=f"{function.symbol} has cyclomatic complexity {function.complexity}, limit {limit}",
            suggestion=(
                f"Bring {function.symbol} ({path}, lines {function.line} to {function.end_line}) to a "
                f"cyclomatic complexity of at most {limit}, and every function that you add too: move each "
                "separate decision into a function named by what it decides, replace chains of comparisons "
                "by a table, and leave early instead of nesting. Keep its name, parameters, results and "
                "errors as they are."
            ),
        )

    def _maintainability(self, path: str, metrics: FileMetrics) -> Finding:
        limit = self.maintainability_threshold
        rank, index = metrics.rank, f"{metrics.maintainability:.2f}"
        return Finding(
            rule=MAINTAINABILITY,
            path=path,
            line=1,
            end_line=metrics.lines,
            symbol="",
            severity=Severity.WARNING,
            value=rank,
            limit=limit,
            message=f"{path} has maintainability {rank} (index {index}), limit {limit}",
            suggestion=(
                f"Raise the maintainability index of {path} to rank {limit} or better (A is over 19, B over "
                "9). It falls with the number of statements, their decisions and the volume of expressions: "
                "delete what nothing uses, join what is repeated, simplify the largest functions, and say in "
                "docstrings what the parts are for. Keep every name that other files import."
            ),
        )

    def _is_over(self, fact: Finding) -> bool:
        if isinstance(fact.value, str):
            return fact.value > self.maintainability_threshold
        return fact.value > self.complexity_threshold


def unknown(findings: Iterable[Finding], tasks: Iterable[Task]) -> list[Finding]:
    """Return the findings whose fingerprint no task carries, whatever became of that task."""
    known = {task.fingerprint for task in tasks}
    return [finding for finding in findings if finding.fingerprint not in known]


def _worst_first(finding: Finding) -> tuple[float, float, str, int]:
    """Order by severity, then by how far over the limit; one rank over counts as twice the limit."""
    if isinstance(finding.value, str):
        over = 1.0 + RANKS.index(finding.value) - RANKS.index(str(finding.limit))
    else:
        over = finding.value / (float(finding.limit) or 1.0)
    return -finding.severity, -over, finding.path, finding.line
