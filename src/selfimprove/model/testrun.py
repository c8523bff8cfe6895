"""TestRun: what a run of the tests showed, test by test; Verdict: what a change did to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

GREEN = frozenset({"passed", "xpassed"})
RED = frozenset({"failed", "error"})
WHOLE = "the test command"
"""The id of the one test that a command is which tells of no single tests."""


class Tally(NamedTuple):
    """How often a test failed in how many runs of the same tree."""

    failed: int
    runs: int

    def plus(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(self.failed + other.failed, self.runs + other.runs)

    @property
    def mixed(self) -> bool:
        """True when the test showed both results."""
        return 0 < self.failed < self.runs


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one test is red: ``text`` is the assertion with its values, ``output`` the end of what was printed.

    ``frames`` are the project's own: (path as in the repository, line, function, source line), the outermost
    first. ``when`` is ``call``, ``setup``, ``teardown`` or ``collect``.
    """

    test: str
    text: str = ""
    frames: tuple[tuple[str, int, str, str], ...] = ()
    output: str = ""
    when: str = "call"


@dataclass(frozen=True, slots=True)
class TestRun:
    """One run of a test command.

    ``outcomes`` maps the id of a test to passed, failed, error, skipped, xfailed or xpassed. ``complete`` is
    True when the session said that it had finished, and every test that it had collected has an outcome;
    ``problem`` says in words why not, or what else was wrong with the run as a whole. ``tampered`` names
    what shows that assertions do not fail any more. ``seconds`` is wall time. ``tallies`` counts for tests
    that ran more than once on this tree, this run included. ``words`` is the runner's own last line.

    ``lines`` are the lines that the tests executed, by path as in the repository, of those that were asked for:
    ``traced`` has the ranges (first and last) that were watched, so that a line which is in a range and not
    among ``lines`` was not executed. ``displaced`` names what took the tracer's place for a time: then it is only not
    known.
    """

    __test__: ClassVar[bool] = False  # pytest must not take it for a class of tests

    outcomes: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    exit_code: int = 0
    seconds: float = 0.0
    runner: str = ""
    problem: str = ""
    tampered: str = ""
    words: str = ""
    failures: tuple[Failure, ...] = ()
    tallies: dict[str, Tally] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)
    traced: dict[str, list[list[int]]] = field(default_factory=dict)
    displaced: str = ""

    def but(self, **changes: Any) -> TestRun:
        """Return a copy with ``changes``."""
        return replace(self, **changes)

    @property
    def red(self) -> tuple[str, ...]:
        """The ids of the tests that failed, in the order in which they ran."""
        return tuple(test for test, outcome in self.outcomes.items() if outcome in RED)

    def tally(self, test: str) -> Tally:
        """Return how often ``test`` failed on this tree; no run at all where it is not known."""
        if test in self.tallies:
            return self.tallies[test]
        outcome = self.outcomes.get(test, "")
        return Tally(int(outcome in RED), int(outcome in RED or outcome in GREEN))

    def with_tallies(self, more: dict[str, Tally]) -> TestRun:
        """Return the run with the counts of further runs on the same tree added."""
        return self.but(
            tallies=self.tallies | {test: self.tally(test).plus(one) for test, one in more.items()}
        )

    @property
    def flaky(self) -> frozenset[str]:
        """The ids of the tests that showed both results on this tree."""
        return frozenset(test for test, tally in self.tallies.items() if tally.mixed)

    def failure(self, test: str) -> Failure:
        """Return why ``test`` failed, an empty reason where that is not known."""
        return next((one for one in self.failures if one.test == test), Failure(test))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TestRun:
        """Return the run that :meth:`to_dict` described. Raises TypeError or ValueError for anything else."""
        failures = tuple(
            Failure(**{**one, "frames": tuple((*frame,) for frame in one["frames"])})
            for one in data["failures"]
        )
        tallies = {test: Tally(*counts) for test, counts in data["tallies"].items()}
        return cls(**{**data, "failures": failures, "tallies": tallies})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a change did to the tests; all are ids of tests.

    ``broken`` fail now and are the change's fault. ``missing`` passed before and are not run any more, or
    only skipped. ``flaky`` failed now and show both results without the change. ``still_failing`` failed
    before; of them ``differently`` fail now with other words. ``fixed`` failed before and pass now,
    ``added`` are new. ``problem`` is what is wrong with the run as a whole. ``ok`` is True when nothing is
    broken, missing or wrong.
    """

    ok: bool
    broken: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    differently: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    problem: str = ""
