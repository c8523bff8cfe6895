"""The verdict: which red tests are the change's fault, told apart from known failures and from flaky tests.

One red test proves nothing where tests are flaky. A red test is run again, alone, on the change and on the base,
and is blamed on the change when its two failure rates differ by Fisher's exact test (R. A. Fisher, Statistical
Methods for Research Workers, 1925, section 21.02).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from math import comb
from typing import TYPE_CHECKING, Literal, Protocol

from selfimprove.model.testrun import GREEN, RED, WHOLE, Tally, TestRun, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Side = Literal["base", "change"]

RERUNS = 3
"""How often a doubtful test is run again in one round, on either side."""

_ROUNDS = 8
_LOOKS = 2  # further runs of the whole of a flaky suite: what is broken may have passed by luck
_NOISY = 0.02  # share of flaky tests from which on every test of the suite is held to be doubtful
_NEVER = Tally(0, 0)
_VARYING = re.compile(
    r"0x[0-9a-fA-F]+|\b\d+(\.\d+)? ?(s|ms|us|ns|seconds?)\b|/tmp/\S+|\b\d{4}-\d\d-\d\d[T ][\d:.]+\S*"
)


class Again(Protocol):
    """Runs tests again on one side and counts: each alone, or with the whole suite around them."""

    def __call__(self, side: Side, tests: Sequence[str], *, alone: bool = True) -> Mapping[str, Tally]:
        """Return how often each of ``tests`` failed; alone means several runs, the whole suite one."""
        ...


def compare(
    base: TestRun,
    now: TestRun,
    again: Again,
    *,
    reruns: int = RERUNS,
    known: Mapping[str, Tally] | None = None,
    may_miss: bool = False,
) -> Verdict:
    """Return what the change did, where ``base`` is the run without it and ``now`` the one with it.

    ``again`` is asked only for tests that are red now and not known to fail always. ``known`` are tests that
    were seen flaky earlier; ``may_miss`` allows tests to go, as a task may that is about tests.
    """
    known = known or {}
    doubtful, failing = _sorted_out(base, now, reruns, known)
    missing = () if may_miss else _missing(base, now)
    said = _said(base, now, failing)
    if problem := _problem(base, now):
        return replace(said, ok=False, broken=tuple(doubtful), problem=problem)
    broken, flaky = _Case(base, now, again, reruns, known).decide(doubtful)
    lost = {_file(test) for test in broken if "::" not in test}
    # Where the command came to no test at all, that is what is wrong.
    missing = () if WHOLE in broken else tuple(test for test in missing if _file(test) not in lost)
    return replace(said, ok=not broken and not missing, broken=broken, missing=missing, flaky=flaky)


def _said(base: TestRun, now: TestRun, failing: Sequence[str]) -> Verdict:
    """Return what needs no further run to be known."""
    return Verdict(
        True,
        still_failing=tuple(failing),
        differently=tuple(test for test in failing if _differs(_reason(base, test), _reason(now, test))),
        fixed=tuple(test for test in base.red if now.outcomes.get(test) in GREEN and _always(base, test)),
        added=tuple(test for test in now.outcomes if test not in base.outcomes),
    )


def essence(text: str) -> str:
    """Return ``text`` without what differs between two runs that fail in the same way."""
    return _VARYING.sub("~", text)


def chance(base: Tally, now: Tally) -> float:
    """Return how probable it is that ``now`` fails so often by chance: Fisher's exact test, one-sided."""
    runs, failed = base.runs + now.runs, base.failed + now.failed
    most = min(failed, now.runs)
    ways = sum(comb(now.runs, k) * comb(base.runs, failed - k) for k in range(now.failed, most + 1))
    return ways / comb(runs, failed) if runs else 1.0


def _sorted_out(
    base: TestRun, now: TestRun, reruns: int, known: Mapping[str, Tally]
) -> tuple[list[str], list[str]]:
    """Return the red tests that may be the change's fault, and those that failed before as they do now."""
    failing = [test for test in now.red if test not in known and _always(base, _namesake(base, test), reruns)]
    out = frozenset(failing)
    return [test for test in now.red if test not in out], failing


def _always(base: TestRun, test: str, reruns: int = 0) -> bool:
    tally = base.tally(test)
    return tally.failed == tally.runs > reruns


def _namesake(base: TestRun, test: str) -> str:
    """Return a failing test of the same function where an id with parameters is new: such ids may vary."""
    if test in base.outcomes or "[" not in test:
        return test
    family = [one for one in base.outcomes if _function(one) == _function(test)]
    red = all(base.outcomes[one] in RED for one in family)
    return family[0] if family and red else test


def _problem(base: TestRun, now: TestRun) -> str:
    if now.tampered:
        return now.tampered
    if not now.complete:
        return now.problem or "the tests did not come to their end"
    if WHOLE in now.red and WHOLE in base.red and not base.tally(WHOLE).mixed:
        return "it fails without the change too, and does not tell which tests fail"
    if now.red and not any(outcome in GREEN for run in (base, now) for outcome in run.outcomes.values()):
        return "no test passes, with the change or without it: they prove nothing"
    if now.exit_code and not now.red and now.exit_code != base.exit_code:
        return f"exit code {now.exit_code}, although no test failed" + (f": {now.words}" if now.words else "")
    return ""


def _missing(base: TestRun, now: TestRun) -> tuple[str, ...]:
    """Return tests that passed before and are not run any more; other parameters of one test make up for it."""
    ran = GREEN | RED
    lost = [
        test
        for test, outcome in base.outcomes.items()
        if outcome in GREEN and now.outcomes.get(test) not in ran
    ]
    here, before = (
        _sizes(test for test, outcome in run.outcomes.items() if outcome in kinds)
        for run, kinds in ((now, ran), (base, GREEN))
    )
    return tuple(
        test for test in lost if "[" not in test or here.get(_function(test), 0) < before[_function(test)]
    )


def _sizes(tests: Iterable[str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for test in tests:
        sizes[_function(test)] = sizes.get(_function(test), 0) + 1
    return sizes


def _function(test: str) -> str:
    return test.partition("[")[0]


def _file(test: str) -> str:
    return test.partition("::")[0]


def _put(place: list[str], tests: Iterable[str], which: Callable[[str], bool]) -> list[str]:
    """Put those of ``tests`` that ``which`` is true of into ``place``, and return the others."""
    rest: list[str] = []
    for test in tests:
        (place if which(test) else rest).append(test)
    return rest


def _differs(before: str, now: str) -> bool:
    return bool(before and now) and before != now


def _reason(run: TestRun, test: str) -> str:
    return essence(run.failure(test).text)


@dataclass(slots=True)
class _Case:
    """The counts of the doubtful tests while they grow."""

    base: TestRun
    now: TestRun
    again: Again
    reruns: int
    known: Mapping[str, Tally]
    before: dict[str, Tally] = field(default_factory=dict)
    after: dict[str, Tally] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)

    def decide(self, doubtful: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return which are broken and which flaky, in the order of their ids in the run."""
        self.after = {test: Tally(1, 1) for test in doubtful}
        self._look_again()
        self.before = {test: self.base.tally(test) for test in self.after}
        undecided = list(self.after)
        if not self.reruns:
            self.broken, undecided = undecided, []
        for _ in range(_ROUNDS):
            if undecided:
                undecided = self._round(undecided)
        self.flaky += undecided
        self._with_all_others()
        order = [*self.after]
        return (
            tuple(test for test in order if test in self.broken),
            tuple(test for test in order if test in self.flaky),
        )

    def _look_again(self) -> None:
        """Where the suite is flaky, run all of it again: what is red then is doubtful too."""
        if not self.reruns or len(self._suspects()) <= _NOISY * len(self.now.outcomes):
            return
        green = [test for test, outcome in self.now.outcomes.items() if outcome in GREEN]
        for look in range(_LOOKS if green else 0):
            seen = self.again("change", green, alone=False)
            for test in green:
                if test in self.after:
                    self._count(self.after, {test: seen.get(test, _NEVER)})
                elif seen.get(test, _NEVER).failed:
                    self.after[test] = Tally(1, look + 2)

    def _suspects(self) -> set[str]:
        return {*self.base.flaky, *self.known, *self.flaky}

    def _round(self, tests: list[str]) -> list[str]:
        """Run ``tests`` again, decide what can be decided, and return the rest."""
        more = self.again("change", tests)
        self._count(self.after, more)
        self.broken += [test for test in tests if test not in more]  # it cannot even be run any more
        rest = _put(self.flaky, [test for test in tests if test in more], self._mostly_passes)
        # What earlier changes have shown of the base may do.
        unsure = [test for test in rest if not self.before[test].runs or not self._is_broken(test)]
        if there := self._in_base(unsure):
            self._count(self.before, self.again("base", there))
        rest = _put(self.broken, rest, self._is_broken)
        return _put(self.flaky, rest, self._mostly_fails)

    def _mostly_passes(self, test: str) -> bool:
        """True for a test that is not broken, whatever it does without the change."""
        return self.after[test].failed * 3 <= self.after[test].runs

    def _mostly_fails(self, test: str) -> bool:
        """True for a test of which no number of further runs would show a difference."""
        before = self.before[test]
        return before.runs > 4 * RERUNS and before.failed * 10 >= before.runs * 8

    def _in_base(self, tests: Sequence[str]) -> list[str]:
        return [test for test in tests if test in self.base.outcomes or not self.base.complete]

    @staticmethod
    def _count(side: dict[str, Tally], more: Mapping[str, Tally]) -> None:
        for test, tally in more.items():
            side[test] = side.get(test, _NEVER).plus(tally)

    def _is_broken(self, test: str) -> bool:
        before, after = self.before[test], self.after[test]
        if not before.runs:  # a new test, or one that was not run: nothing speaks for the base
            return after.failed == after.runs
        runs = self.reruns + 1
        if not self._is_steady(test):
            # It was chosen because it failed, and in a flaky suite some test always does: that one does not count.
            runs, after = 2 * self.reruns + 1, Tally(after.failed - 1, after.runs - 1)
        return chance(before, after) <= 1.000001 / comb(2 * runs, runs)

    def _is_steady(self, test: str) -> bool:
        """True where nothing says that this test, or a good part of the suite, is flaky."""
        seen = self._suspects()
        return test not in seen and len(seen) < max(1, _NOISY * len(self.base.outcomes))

    def _with_all_others(self) -> None:
        """Blame also what passes alone but fails with every run of the whole suite, and did not before.

        And the other way round: where a test never passes alone, what counts is how it ends among the others.
        """
        steady = [test for test in self.flaky if self._needs_others(test)]
        for _ in range(self.reruns):
            if steady:
                seen = self.again("change", steady, alone=False)
                steady = [test for test in steady if seen.get(test, _NEVER).failed]
        for _ in range(self.reruns):
            if there := self._in_base(steady):
                seen = self.again("base", there, alone=False)
                steady = [test for test in steady if not seen.get(test, _NEVER).failed]
        self.broken += steady
        self.flaky = [test for test in self.flaky if test not in steady]

    def _needs_others(self, test: str) -> bool:
        """True when runs of the test alone said nothing: it always passes so, or never, on either side."""
        if test in self.known or test in self.base.flaky or self.base.outcomes.get(test, "passed") in RED:
            return False
        before, after = self.before[test], self.after[test]
        never = after.failed == after.runs and before.failed >= before.runs - 1
        return never or after.failed == 1
