"""What people and models are told of a test run: a few words, and the shortest text that helps."""

from __future__ import annotations

from selfimprove.executor.proving.telling import MOST, cause, summary, told
from selfimprove.model.testrun import WHOLE, Failure, Tally, TestRun, Verdict

FRAMES = (
    ("test_m.py", 5, "test_f", "assert f() == 2"),
    ("m.py", 9, "f", "return g(x)"),
    ("m.py", 20, "g", ""),
)


def text(run: TestRun, verdict: Verdict) -> str:
    return told(run, verdict, {"m.py": [(8, 10)]}, lambda path, line: f"{path} line {line}")


def test_one_failure() -> None:
    failure = Failure(
        "test_m.py::test_f", "AssertionError: assert 1 == 2\n +  where 1 = f()", FRAMES, "printed it"
    )
    run = TestRun({"test_m.py::test_f": "failed"}, failures=(failure,))
    assert text(run, Verdict(False, broken=("test_m.py::test_f",))) == (
        "test_m.py::test_f\n"
        "  AssertionError: assert 1 == 2\n"
        "   +  where 1 = f()\n"
        "  test_m.py:5 in test_f: assert f() == 2\n"
        "  m.py:9 in f (changed): return g(x)\n"
        "  m.py:20 in g: m.py line 20\n"
        "  printed:\n"
        "    printed it"
    )


def test_failures_of_one_cause_are_told_once() -> None:
    names = tuple(f"t.py::test[{n}]" for n in range(9))
    failures = tuple(Failure(name, f"KeyError: {n}", FRAMES) for n, name in enumerate(names))
    said = text(TestRun(dict.fromkeys(names, "failed"), failures=failures), Verdict(False, broken=names))
    assert said.count("KeyError") == 1
    assert "the same in t.py::test[1], t.py::test[2], t.py::test[3] and 5 more" in said


def test_many_and_long_failures_are_cut_to_size() -> None:
    names = tuple(f"t.py::test_{n}" for n in range(40))
    failures = tuple(
        Failure(name, "x" * 9000, ((f"{name}.py", 1, "f", "y" * 200),), "z" * 5000) for name in names
    )
    said = text(TestRun(dict.fromkeys(names, "failed"), failures=failures), Verdict(False, broken=names))
    assert len(said) <= MOST + 200
    assert said.startswith("t.py::test_0\n")
    assert "and 35 more: t.py::test_5, " in said


def test_missing_tests_and_problems() -> None:
    run = TestRun({"a": "passed"}, failures=(Failure(WHOLE, "Segmentation fault"),))
    assert text(run, Verdict(False, missing=("t.py::b", "t.py::c"))) == (
        "2 tests that passed before are not run any more:\n  t.py::b\n  t.py::c"
    )
    assert text(run, Verdict(False, problem="no end after 9 s")) == "no end after 9 s\n\nSegmentation fault"


def test_a_few_words() -> None:
    run = TestRun(
        {"a": "passed", "b": "failed", "c": "skipped", "d": "xpassed"},
        exit_code=1,
        tallies={"b": Tally(1, 4)},
    )
    assert summary(run) == "2 passed, 1 skipped, 1 flaky"
    assert summary(run, Verdict(False, broken=("b",), missing=("x",))) == (
        "1 failed, 1 not run any more, 2 passed, 1 skipped"
    )
    assert summary(TestRun()) == "none collected"
    assert summary(TestRun({WHOLE: "failed"}, words="make: *** [test] Error 1")) == "make: *** [test] Error 1"


def test_the_same_failure_is_known_again() -> None:
    def of(text: str, frames: tuple[tuple[str, int, str, str], ...] = ()) -> str:
        run = TestRun({"t": "failed"}, failures=(Failure("t", text, frames),))
        return cause(run, Verdict(False, broken=("t",)))

    assert of("assert 1 == 2 at 0x7f12 after 0.31 s", FRAMES) == of("assert 1 == 2 at 0x7abc after 0.5 s")
    assert of("assert 1 == 2") != of("assert 1 == 3")
