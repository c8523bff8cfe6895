"""Single tests, read out of what runners without an observer say."""

from __future__ import annotations

import json

import pytest

from selfimprove.executor.proving.textual import failures_of, read_junit, read_output

GO = [
    {"Action": "run", "Package": "x/a", "Test": "TestOne"},
    {"Action": "output", "Package": "x/a", "Test": "TestOne", "Output": "a_test.go:9: got 1\n"},
    {"Action": "fail", "Package": "x/a", "Test": "TestOne", "Elapsed": 0.1},
    {"Action": "pass", "Package": "x/a", "Test": "TestTwo/sub_case"},
    {"Action": "skip", "Package": "x/a", "Test": "TestThree"},
    {"Action": "fail", "Package": "x/a"},
    {"Action": "output", "Package": "x/b", "Output": "b.go:3: undefined: y\n"},
    {"Action": "fail", "Package": "x/b"},
]
RUST = """\
     Running unittests src/lib.rs (target/debug/deps/x-1)

running 3 tests
test tests::adds ... ok
test tests::slow ... ignored
test tests::wrong ... FAILED

failures:

---- tests::wrong stdout ----
thread 'tests::wrong' panicked at src/lib.rs:9:5:
assertion `left == right` failed

failures:
    tests::wrong

test result: FAILED. 1 passed; 1 failed; 1 ignored
   Doc-tests x

running 1 test
test src/lib.rs - add (line 3) ... ok
"""
TAP = "TAP version 13\nok 1 - adds\nnot ok 2 - takes away\nok 3 - later # SKIP not now\n1..3\n"
JEST = """\
PASS ./a.test.js
  sums
    ✓ adds (2 ms)
    ✕ takes away (1 ms)
"""


def outcomes(kind: str, text: str) -> dict[str, str]:
    return {test: outcome for test, outcome, _ in read_output(kind, text)}


def test_go() -> None:
    rows = read_output("go", "\n".join(["# noise", *map(json.dumps, GO), "{half"]))
    assert {test: outcome for test, outcome, _ in rows} == {
        "x/a::TestOne": "failed",
        "x/a::TestTwo/sub_case": "passed",
        "x/a::TestThree": "skipped",
        "x/b": "error",
    }
    assert [one.text for one in failures_of(rows)] == ["a_test.go:9: got 1\n", "b.go:3: undefined: y\n"]


def test_rust() -> None:
    rows = read_output("cargo", RUST)
    assert {test: outcome for test, outcome, _ in rows} == {
        "src/lib.rs::tests::adds": "passed",
        "src/lib.rs::tests::slow": "skipped",
        "src/lib.rs::tests::wrong": "failed",
        "doc x::src/lib.rs - add (line 3)": "passed",
    }
    assert "left == right" in failures_of(rows)[0].text


def test_scripts() -> None:
    assert outcomes("script", TAP) == {"adds": "passed", "takes away": "failed", "later": "skipped"}
    assert outcomes("script", f"\x1b[1m{JEST}\x1b[0m") == {
        "./a.test.js > sums > adds": "passed",
        "./a.test.js > sums > takes away": "failed",
    }
    assert outcomes("script", "make: nothing to be done\nlooks fine\n") == {}
    assert outcomes("other", TAP) == {}


def test_two_tests_of_one_name_are_two() -> None:
    assert outcomes("script", "ok 1 - a\nnot ok 2 - a\n") == {"a": "passed", "a #2": "failed"}


JUNIT = b"""<?xml version="1.0"?><testsuites><testsuite name="s">
<testcase classname="x.A" name="one"/>
<testcase classname="x.A" name="two"><failure message="no">at 9</failure></testcase>
<testcase name="three"><skipped/></testcase><testcase classname="x.A" name="four"><error/></testcase>
</testsuite></testsuites>"""


def test_junit() -> None:
    rows = read_junit([JUNIT, b"not xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"])
    assert rows == [
        ("x.A::one", "passed", ""),
        ("x.A::two", "failed", "no\nat 9"),
        ("three", "skipped", ""),
        ("x.A::four", "error", ""),
    ]


@pytest.mark.parametrize("kind", ["go", "cargo", "script", "other"])
def test_noise_makes_no_tests(kind: str) -> None:
    assert read_output(kind, "\x00\x1b[31m{}[]\n" * 50) == []
