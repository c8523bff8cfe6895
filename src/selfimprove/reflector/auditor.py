"""SelfAuditor: measures files against the limits and says what is over them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.record import FileMetrics
from selfimprove.codebase.scan import Scan, python_files, walk
from selfimprove.codebase.tree import FolderTree
from selfimprove.errors import ConfigError
from selfimprove.model.audit import Audit, NotAnalysed
from selfimprove.model.history import History
from selfimprove.reflector import rules, suppress
from selfimprove.reflector.coverage import read_coverage
from selfimprove.reflector.engine import Engine, Source, flavour, python_minor
from selfimprove.reflector.matters import Background, enrich, what_matters_first
from selfimprove.reflector.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from selfimprove.codebase.tree import Tree
    from selfimprove.model.finding import Finding
    from selfimprove.model.history import Change
    from selfimprove.model.task import Task
    from selfimprove.reflector.baseline import Baseline
    from selfimprove.reflector.engine import Measured

_SHALLOW = (
    "the clone is shallow: what came before its first commit (renames, owners, churn) is not known; "
    "`git fetch --unshallow` brings it"
)


class SelfAuditor:
    """Finds functions with a complexity over a threshold and files with a worse maintainability rank.

    ``complexity_threshold`` is the highest complexity (1 upwards) that is allowed; over twice of it is an
    error. ``maintainability_threshold`` is the worst rank that is allowed. ``use_wily`` has trends told by
    wily instead of by git's objects. ``tree`` says which files there are and what git knows of their past.
    ``policy`` holds limits for every rule and path, and then also for these two. What ``baseline`` accepts
    is not found again.
    """

    def __init__(
        self,
        complexity_threshold: int = 15,
        maintainability_threshold: str = "B",
        use_wily: bool = False,
        *,
        tree: Tree | None = None,
        engine: Engine | None = None,
        policy: Policy | None = None,
        baseline: Baseline | None = None,
    ) -> None:
        if maintainability_threshold not in rules.RANKS:
            raise ConfigError(
                f"maintainability_threshold is {maintainability_threshold!r}",
                hint=f"it is one of {', '.join(rules.RANKS)}",
            )
        self.use_wily = use_wily
        self.tree = tree or FolderTree(Path())
        self.engine = engine or Engine()
        self.policy = policy or Policy({"SI101": complexity_threshold, "SI102": maintainability_threshold})
        self.baseline = baseline
        self.last = Audit()
        self.last_scan = Scan(())
        self.measured: dict[str, FileMetrics] = {}
        self.linted: frozenset[str] = frozenset()
        self.accepted: tuple[Finding, ...] = ()
        self.history = History()
        self.uncommitted: list[Change] = []

    def survey(self) -> Audit:
        """Measure every file of the tree; the answer stays in ``last``. Nothing is written."""
        scan = self.last_scan = self.tree.scan()
        self.last = self._ranked(self._judge(self._sources(), scan.left_out, self._read_past))
        return self.last

    def measure(self, *, extra: bool) -> dict[str, Measured]:
        """Return what the files of the last survey are measured to be, with the ``extra`` metrics or without."""
        return self.engine.measure(self._sources(), extra=extra)

    def _sources(self) -> list[Source]:
        scan = self.last_scan
        return [
            Source(path, scan.blobs.get(path, ""), self.tree.root / path if scan.on_disk else None)
            for path in scan.files
        ]

    def _read_past(self) -> None:
        """Read what git knows of the past; this goes on while other processes measure."""
        self.history, self.uncommitted = self.tree.past(self.last_scan)

    def _ranked(self, audit: Audit) -> Audit:
        """Return the audit with what history says, without what the baseline accepts, first things first."""
        files = [path for path in self.measured if self.last_scan.on_disk]
        shares, notes = read_coverage(self.tree.root, files) if files else ({}, [])
        past = Background(self.history, time.time(), self.uncommitted, shares)
        findings, file_facts = enrich(audit.findings, self.measured, past, self.engine, self.policy)
        self.accepted = ()
        if self.baseline is not None:
            split = self.baseline.split(findings)
            findings, self.accepted = list(split.new), split.accepted
            notes += split.notes
        if self.history.shallow:
            notes.append(_SHALLOW)
        return audit._replace(
            findings=tuple(findings),
            file_facts=tuple(file_facts),
            accepted=len(self.accepted),
            notes=(*audit.notes, *notes),
        )

    def analyze(self, paths: Iterable[str] = (".",), *, root: Path | None = None) -> Audit:
        """Measure the files and folders ``paths`` (relative to ``root``), the worst finding first."""
        top = root or self.tree.root
        names = list(paths)
        if any((top / name).is_dir() for name in names):
            scan = python_files(top, walk(top), names)
            return self._judge([Source(path, "", top / path) for path in scan.files], scan.left_out)
        return self._judge([Source(path, "", top / path) for path in names])

    def audit(self, tasks: Sequence[Task]) -> list[Finding]:
        """Survey, and return what no task stands for yet, be it open, done, failed or rejected."""
        return unknown(self.survey().findings, tasks)

    def values(self, path: str, *, root: Path | None = None) -> dict[str, float | str]:
        """Return the value by fingerprint of what :meth:`facts` returns."""
        return {fact.fingerprint: fact.value for fact in self.facts(path, root=root)}

    def facts(self, path: str, *, root: Path | None = None) -> list[Finding]:
        """Return every function of ``path``, and the file, with its values, also those within limits.

        Empty when the file is gone or cannot be measured; ``analyze`` tells why.
        """
        found = self.engine.measure(
            [Source(path, "", (root or self.tree.root) / path)], extra=self.policy.needs_extra
        )
        metrics = found[path]
        if isinstance(metrics, NotAnalysed):
            return []
        return list(rules.facts(path, metrics, self.policy))

    def _judge(
        self,
        sources: Sequence[Source],
        left_out: Sequence[NotAnalysed] = (),
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Audit:
        found = self.engine.measure(sources, extra=self.policy.needs_extra, meanwhile=meanwhile)
        self.measured = {path: one for path, one in found.items() if isinstance(one, FileMetrics)}
        findings = [*self._over(), *self._across()]
        notes = [self.engine.cache.problem] if self.engine.cache.problem else []
        if self.engine.lint:
            linted = self.engine.lint(self.measured)
            findings += linted.findings
            notes += linted.notes
            self.linted = linted.looked_at
        kept, silenced, unused = suppress.apply(
            findings, self.measured, self.policy, whole=self.last_scan.whole, linted=self.linted
        )
        return Audit(
            findings=tuple(sorted([*kept, *unused], key=what_matters_first)),
            files=len(self.measured),
            not_analysed=_not_analysed(found, left_out),
            suppressed=len(silenced),
            notes=tuple(notes),
            engine=flavour(),
            python=python_minor(),
        )

    def _over(self) -> list[Finding]:
        return [
            finding
            for path, metrics in self.measured.items()
            for finding in rules.findings(path, metrics, self.policy)
        ]

    def _across(self) -> list[Finding]:
        """Return what only a look at several files together finds."""
        found: list[Finding] = []
        if self.policy.wants("SI201"):
            from selfimprove.reflector.duplicates import find_duplicates

            found += find_duplicates(self.measured, self.policy)
        if self.policy.wants("SI202"):
            from selfimprove.reflector.cycles import find_cycles

            found += find_cycles(self.measured, self.policy)
        return found


def _not_analysed(found: dict[str, Measured], left_out: Sequence[NotAnalysed]) -> tuple[NotAnalysed, ...]:
    failed = [one for one in found.values() if isinstance(one, NotAnalysed)]
    return tuple(sorted((*left_out, *failed), key=lambda file: file.path))


def unknown(findings: Iterable[Finding], tasks: Iterable[Task]) -> list[Finding]:
    """Return the findings whose fingerprints no task carries, whatever became of that task."""
    known = {task.fingerprint for task in tasks}
    return [finding for finding in findings if known.isdisjoint(finding.fingerprints)]
