"""Proves a change by tests: those that matter first, then all of them, then all of them as they were at the base."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.codebase.protected import is_protected
from selfimprove.executor.proving.related import related_tests
from selfimprove.executor.proving.reports import counted
from selfimprove.executor.proving.running import can_narrow, run_again, run_files, run_suite
from selfimprove.executor.proving.standing import keep, known_flaky, standing
from selfimprove.executor.proving.telling import cause, counts_of, summary, told
from selfimprove.executor.proving.verdict import compare
from selfimprove.executor.vetoes.files import is_test
from selfimprove.model.outcome import CheckResult
from selfimprove.model.testrun import Tally, TestRun, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.executor.commands import Suite
    from selfimprove.executor.proving.running import Ground
    from selfimprove.executor.proving.tracing import Ranges
    from selfimprove.executor.proving.verdict import Side

SLOW = 5.0
"""Seconds from which on a suite is slow enough that the tests which matter are run before it."""

_MOST_RELATED = 0.6  # share of the tests from which on they are no shortcut any more
_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(slots=True)
class Proof:
    """One change under test: from the tree ``base`` to the tree ``tree``, by ``suite``, on ``ground``.

    ``paths`` are the changed files, ``may_change`` says that the task may change tests, ``named`` are the
    files that it names. ``trace`` has the ranges of lines (of ``tree``) that the run of the whole suite watches.
    """

    suite: Suite
    base: str
    tree: str
    paths: Sequence[str]
    may_change: bool
    ground: Ground
    named: Sequence[str] = ()
    trace: Ranges | None = None
    before: TestRun = field(default_factory=TestRun)
    as_before: bool = False
    counts: dict[Side, dict[str, Tally]] = field(default_factory=lambda: {"base": {}, "change": {}})

    def result(self) -> tuple[CheckResult, str]:
        """Return the fact, and what makes a failure the same as another one (``""`` when there is none)."""
        # The tree may have been tested already, as the base of a task that came to the same.
        self.before = standing(self.suite, self.base, self.ground)
        if failed := self._related():
            return self._told(*failed)
        run, verdict = self._whole()
        if not self.may_change:
            verdict = self._excused(verdict)
        tests = [path for path in self.paths if is_test(path) or is_protected(path)]
        # Where nothing else changed, the tests as they were are the base itself, which is known.
        if verdict.ok and tests and len(tests) < len(self.paths) and not self.may_change:
            self.as_before = True
            again, other = self._compared(self._run_whole(), may_miss=False)
            if not other.ok:
                return self._told(again, other)
        return self._told(run, verdict)

    def _excused(self, verdict: Verdict) -> Verdict:
        """Let tests be missing that stood in a test file which the task names and the change rewrites.

        They are run as they were before the change anyway, and whether they may go or be renamed is the guard's
        to judge.
        """
        files = [path for path in self.paths if path in self.named and is_test(path)]
        missing = tuple(test for test in verdict.missing if not any(_stands_in(test, file) for file in files))
        return replace(
            verdict, missing=missing, ok=not missing and not verdict.broken and not verdict.problem
        )

    def _related(self) -> tuple[TestRun, Verdict] | None:
        """Run the tests that matter; return what they showed when that is a failure."""
        if self.before.seconds < SLOW or not can_narrow(self.suite) or self.suite.kind != "pytest":
            return None
        files, ids = self._mattering()
        if not ids or len(ids) > _MOST_RELATED * len(self.before.outcomes):
            return None
        self._stand("change")
        run, verdict = self._compared(run_files(self.suite, self.ground, files, ids), may_miss=True)
        return (run, verdict) if verdict.broken or verdict.problem else None

    def _mattering(self) -> tuple[list[str], list[str]]:
        """Return the test files that lead to a changed file, as the runner names them, and their tests."""
        self._stand("change")
        copy = self.ground.copy.path
        names = self.ground.bench.repo.tree_names(self.tree)
        names = [name for name in names if (copy / name).is_file()]  # a link may lead nowhere
        found = related_tests(names, self.paths, lambda name: (copy / name).read_bytes())
        inside = f"{self.suite.folder}/" if self.suite.folder != "." else ""
        files = {name.removeprefix(inside) for name in found if name.startswith(inside)}
        ids = [test for test in self.before.outcomes if test.partition("::")[0] in files]
        return sorted({test.partition("::")[0] for test in ids}), ids

    def _whole(self) -> tuple[TestRun, Verdict]:
        run, verdict = self._compared(self._run_whole(), may_miss=self.may_change)
        if run.complete and not run.tampered:
            # What always failed and fails on in the same way need not be found out anew on each tree.
            same = [test for test in verdict.still_failing if test not in verdict.differently]
            known = {test: self.before.tally(test) for test in same if test in self.before.outcomes}
            told = run.with_tallies(self.counts["change"]).with_tallies(known)
            keep(told, self.suite, self.tree, self.ground.bench)
        return run, verdict

    def _run_whole(self) -> TestRun:
        self._stand("change")
        run = run_suite(self.suite, self.ground, self.trace)
        if run.complete or run.tampered or not self.before.complete or "no end after" in run.problem:
            return run
        # It broke off, which it did not without the change: once more, since that can be an accident too.
        self._stand("change")
        return run_suite(self.suite, self.ground, self.trace)

    def _compared(self, run: TestRun, *, may_miss: bool) -> tuple[TestRun, Verdict]:
        bench = self.ground.bench
        self.counts = {"base": {}, "change": {}}
        verdict = compare(
            self.before,
            run,
            self._again,
            reruns=self._reruns(),
            known=known_flaky(self.suite, bench),
            may_miss=may_miss,
        )
        if self.counts["base"]:
            self.before = self.before.with_tallies(self.counts["base"])
            keep(self.before, self.suite, self.base, bench)
        return run, verdict

    def _again(self, side: Side, tests: Sequence[str], *, alone: bool = True) -> Mapping[str, Tally]:
        runs = []
        times = self._reruns() if alone else 1
        if alone and can_narrow(self.suite):
            self._stand(side)
            runs = run_again(self.suite, self.ground, tests, times)
        else:
            for _ in range(times):
                self._stand(side)
                runs.append(run_suite(self.suite, self.ground))
        wanted = frozenset(tests)
        found = {test: tally for test, tally in counted(runs).items() if test in wanted and tally.runs}
        known = self.counts[side]
        known.update({test: known.get(test, Tally(0, 0)).plus(tally) for test, tally in found.items()})
        return found

    def _reruns(self) -> int:
        """Return how often a doubtful test is run again; once, where that takes the whole of a slow suite."""
        most = self.ground.bench.limits.reruns
        return most if can_narrow(self.suite) or self.before.seconds < SLOW else min(most, 1)

    def _stand(self, side: Side) -> None:
        """Put the tree of that side into the copy; with ``as_before``, tests and their set-up are the base's."""
        copy = self.ground.copy
        copy.restore(self.base if side == "base" else self.tree)
        if side == "change" and self.as_before:
            tests = [path for path in self.paths if is_test(path) or is_protected(path)]
            copy.take_from(self.base, tests)

    def _told(self, run: TestRun, verdict: Verdict) -> tuple[CheckResult, str]:
        words = summary(run, verdict)
        if self.as_before and not verdict.ok:
            words += ", with the tests as they were before the change"
        if self.suite.note and not verdict.ok:
            words += f" ({self.suite.note})"
        self._stand("change")
        detail = "" if verdict.ok else told(run, verdict, self._changed_lines(), self._line)
        result = CheckResult(
            "tests", verdict.ok, words, run.seconds, detail, self.suite.command, counts_of(run)
        )
        return result, "" if verdict.ok else cause(run, verdict)

    def _changed_lines(self) -> dict[str, list[tuple[int, int]]]:
        """Return the runs of lines that the change made or touched, by file."""
        repo = self.ground.bench.repo
        found = {}
        for path in self.paths[:50]:
            diff = repo.git("diff-tree", "-p", "-U0", "--no-renames", self.base, self.tree, "--", path)
            spans = [(int(row[1]), int(row[1]) + int(row[2] or b"1") - 1) for row in _HUNK.finditer(diff)]
            found[path] = [(first, last) for first, last in spans if last >= first]
        return found

    def _line(self, path: str, line: int) -> str:
        file = self.ground.copy.path / path
        if path.startswith("/") or not file.is_file() or file.is_symlink():
            return ""
        rows = file.read_bytes().decode("utf-8", "replace").splitlines()
        return rows[line - 1] if 0 < line <= len(rows) else ""


def _stands_in(test: str, path: str) -> bool:
    """True when ``test`` is one of the file ``path``: its id is a path and a name, or for unittest a dotted name."""
    file, colons, _ = test.partition("::")
    if colons:
        return path == file or path.endswith(f"/{file}")
    module = ".".join(PurePosixPath(path).with_suffix("").parts)
    return any(f".{module}".endswith(f".{test.rsplit('.', parts)[0]}") for parts in (1, 2))
