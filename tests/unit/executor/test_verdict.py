"""The verdict on a change: right where tests fail already, where they are flaky, and where they are gone."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from selfimprove.executor.proving.verdict import Side, chance, compare
from selfimprove.model.testrun import WHOLE, Failure, Tally, TestRun, Verdict

RERUNS = 3


def run(failed: str = "", passed: str = "", **fields: object) -> TestRun:
    """A run in which the named tests failed and passed."""
    outcomes = dict.fromkeys(failed.split(), "failed") | dict.fromkeys(passed.split(), "passed")
    return TestRun(outcomes, exit_code=int(bool(failed))).but(**fields)


@dataclass
class Script:
    """Runs tests again as it is written: by side and test, how often they fail alone, and in the whole suite."""

    alone: dict[tuple[str, str], int] = field(default_factory=dict)
    suite: dict[tuple[str, str], int] = field(default_factory=dict)
    asked: list[tuple[str, tuple[str, ...], bool]] = field(default_factory=list)

    def __call__(self, side: Side, tests: Sequence[str], *, alone: bool = True) -> Mapping[str, Tally]:
        self.asked.append((side, tuple(tests), alone))
        table, runs = (self.alone, RERUNS) if alone else (self.suite, 1)
        return {test: Tally(table.get((side, test), 0), runs) for test in tests}


def test_what_always_fails_now_and_always_passed_before_is_broken() -> None:
    again = Script({("change", "a"): 3})
    verdict = compare(run("", "a b"), run("a", "b"), again)
    assert verdict == Verdict(False, broken=("a",))
    assert again.asked == [("change", ("a",), True), ("base", ("a",), True)]


def test_what_passes_when_run_again_is_flaky_and_the_whole_suite_is_asked_once() -> None:
    again = Script()
    assert compare(run("", "a b"), run("a", "b"), again) == Verdict(True, flaky=("a",))
    assert again.asked == [("change", ("a",), True), ("change", ("a",), False)]


def test_what_fails_with_the_others_only_is_broken_all_the_same() -> None:
    again = Script(suite={("change", "a"): 1})
    assert compare(run("", "a b"), run("a", "b"), again).broken == ("a",)
    both = Script(suite={("change", "a"): 1, ("base", "a"): 1})
    assert compare(run("", "a b"), run("a", "b"), both).ok


def test_a_green_run_asks_for_nothing() -> None:
    again = Script()
    assert compare(run("", "a"), run("", "a b"), again) == Verdict(True, added=("b",))
    assert again.asked == []


def test_known_failures_are_neither_blamed_nor_hidden() -> None:
    tallies = {"a": Tally(4, 4), "b": Tally(4, 4)}
    base = run("a b", "c", tallies=tallies, failures=(Failure("a", "assert 1 == 2 in 0.3 s"),))
    now = run("a", "b c", failures=(Failure("a", "assert 1 == 2 in 0.5 s"),))
    again = Script()
    assert compare(base, now, again) == Verdict(True, still_failing=("a",), fixed=("b",))
    assert again.asked == []
    other = now.but(failures=(Failure("a", "KeyError: 'x'"),))
    verdict = compare(base, other, again)
    assert (verdict.ok, verdict.differently) == (True, ("a",))


def test_tests_that_are_not_run_any_more() -> None:
    base = TestRun({"a": "passed", "b": "passed", "c": "passed", "d": "failed", "e": "skipped"})
    now = TestRun({"a": "passed", "c": "skipped"})
    assert compare(base, now, Script()).missing == ("b", "c")
    assert compare(base, now, Script(), may_miss=True).ok


def test_other_parameters_make_up_for_those_that_are_gone() -> None:
    base = run("", "a[1] a[2] b")
    assert compare(base, run("", "a[3] a[4] b"), Script()).ok
    assert compare(base, run("", "a[3] b"), Script()).missing == ("a[1]", "a[2]")


def test_a_file_that_cannot_be_imported_is_told_instead_of_its_tests() -> None:
    base = run("", "t.py::a t.py::b u.py::c")
    now = TestRun({"t.py": "error", "u.py::c": "passed"}, exit_code=1)
    verdict = compare(base, now, Script({("change", "t.py"): 3}))
    assert (verdict.broken, verdict.missing) == (("t.py",), ())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"complete": False, "problem": "the test session broke off in x"},
            "the test session broke off in x",
        ),
        ({"tampered": "assertions do not fail any more"}, "assertions do not fail any more"),
        (
            {"exit_code": 2, "words": "coverage too low"},
            "exit code 2, although no test failed: coverage too low",
        ),
    ],
)
def test_a_run_with_which_something_is_wrong_is_never_green(fields: dict[str, object], words: str) -> None:
    verdict = compare(run("", "a"), run("", "a", **fields), Script())
    assert (verdict.ok, verdict.problem) == (False, words)


def test_the_same_exit_code_without_a_failing_test_is_no_news() -> None:
    assert compare(run("", "a", exit_code=2), run("", "a", exit_code=2), Script()).ok


def test_a_command_that_names_no_tests_and_fails_before_too_proves_nothing() -> None:
    assert (
        "does not tell which"
        in compare(
            run(failed="").but(outcomes={WHOLE: "failed"}), TestRun({WHOLE: "failed"}), Script()
        ).problem
    )


def test_without_reruns_every_new_failure_is_blamed() -> None:
    again = Script()
    assert compare(run("", "a"), run("a"), again, reruns=0).broken == ("a",)
    assert again.asked == []


def test_new_tests_have_to_pass() -> None:
    assert compare(run("", "a"), run("b", "a"), Script({("change", "b"): 3})).broken == ("b",)
    assert compare(run("", "a"), run("b", "a"), Script({("change", "b"): 1})).flaky == ("b",)


def test_fisher() -> None:
    # Fisher's own lady with the cups of tea: 1 in 70 to have all eight right.
    assert chance(Tally(0, 4), Tally(4, 4)) == pytest.approx(1 / 70)
    assert chance(Tally(1, 4), Tally(3, 4)) == pytest.approx(17 / 70)
    assert chance(Tally(0, 0), Tally(0, 0)) == 1.0


@dataclass
class World:
    """A suite in which some tests fail always, and ``share`` of them at times, with probability ``p``.

    ``flips`` lets luck turn a red result green too. ``anew`` measures the base before each change.
    """

    share: float
    p: float
    flips: bool = False
    anew: bool = False
    tests: int = 40
    failing: int = 4

    def right(self, changes: int, seed: int) -> tuple[int, int, int]:
        """Return right verdicts, changes blamed wrongly, and breaks missed, over so many changes."""
        dice = random.Random(seed)
        names = [f"t.py::t{number}" for number in range(self.tests)]
        flaky = {name for name in names if dice.random() < self.share}
        failing = set(dice.sample(names, self.failing))

        def red(name: str, broken: Sequence[str]) -> bool:
            bad, luck = name in failing or name in broken, name in flaky and dice.random() < self.p
            return bad != luck if self.flips else bad or luck

        def whole(broken: Sequence[str]) -> TestRun:
            bad = [name for name in names if red(name, broken)]
            return run(" ".join(bad), " ".join(name for name in names if name not in bad))

        def measured() -> TestRun:
            base = whole(())
            return base.with_tallies(
                {name: Tally(sum(red(name, ()) for _ in range(3)), 3) for name in base.red}
            )

        counts, known, base = [0, 0, 0], dict[str, Tally](), measured()
        for _ in range(changes):
            base = measured() if self.anew else base
            known |= {name: base.tallies[name] for name in base.flaky}
            broken = dice.sample([name for name in names if name not in failing], dice.choice((0, 1)))
            seen: dict[str, Tally] = {}

            def again(side: Side, tests: Sequence[str], *, alone: bool = True) -> dict[str, Tally]:
                times, bad = 3 if alone else 1, broken if side == "change" else ()  # noqa: B023
                found = {name: Tally(sum(red(name, bad) for _ in range(times)), times) for name in tests}
                if side == "base":
                    seen.update({name: seen.get(name, Tally(0, 0)).plus(found[name]) for name in tests})  # noqa: B023
                return found

            verdict = compare(base, whole(broken), again, known=known)
            base = base.with_tallies(seen)
            known |= {name: base.tallies[name] for name in base.flaky}
            counts[0 if verdict.ok != bool(broken) else 2 if broken else 1] += 1
        return counts[0], counts[1], counts[2]


WORLDS = {
    "nothing flaky": World(0, 0),
    "a tenth of the tests, each 1 in 10": World(0.1, 0.1),
    "a tenth of the tests, each 1 in 10, base anew": World(0.1, 0.1, anew=True),
    "all tests, each 1 in 10": World(1, 0.1),
    "all tests, each 1 in 10, base anew": World(1, 0.1, anew=True),
    "all tests, each result turned 1 in 10": World(1, 0.1, flips=True),
    "a tenth of the tests, each 1 in 2": World(0.1, 0.5),
}


@pytest.mark.parametrize("name", WORLDS)
def test_at_least_99_of_100_verdicts_are_right(name: str) -> None:
    right, blamed, missed = WORLDS[name].right(200, seed=5)
    assert right >= 198, f"{blamed} blamed wrongly, {missed} missed"


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", WORLDS)
def test_thousands_of_verdicts(name: str) -> None:
    found = [WORLDS[name].right(500, seed) for seed in range(8)]
    right, blamed, missed = (sum(column) for column in zip(*found, strict=True))
    print(f"{name}: {right / 40:.2f} % right of 4000; {blamed} blamed wrongly, {missed} missed")
    assert right >= 3960


def test_where_no_test_passes_nothing_is_proved() -> None:
    red = {f"test_{number}": "error" for number in range(3)}
    verdict = compare(TestRun(red, complete=True), TestRun(red, complete=True), lambda *_, **__: {})
    assert not verdict.ok
    assert "no test passes" in verdict.problem
