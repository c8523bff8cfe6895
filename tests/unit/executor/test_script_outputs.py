"""What jest, vitest, mocha and node's own runner print, recorded: each test, and why it failed."""

from __future__ import annotations

import pytest

from selfimprove.executor.proving.textual import read_output

# Recorded with jest 30, vitest 4, mocha 11 and node 20.
JEST = """\
FAIL ./m.test.js
  sums
    ✕ adds two (11 ms)
    ✓ multiplies (1 ms)
    ○ skipped later

  ● sums › adds two

    expect(received).toBe(expected) // Object.is equality

    Expected: 3
    Received: -1

      1 | const { add, mul } = require('./m')
      2 | describe('sums', () => {
    > 3 |   test('adds two', () => { expect(add(1, 2)).toBe(3) })
        |                                              ^
      4 |   test('multiplies', () => { expect(mul(2, 3)).toBe(6) })
      5 |   test.skip('later', () => {})
      6 | })

      at Object.toBe (m.test.js:3:46)

FAIL ./n.test.js
  sums
    ✕ adds two (14 ms)
    ✕ multiplies (1 ms)
    ○ skipped later

  ● sums › adds two

    expect(received).toBe(expected) // Object.is equality

    Expected: 3
    Received: -1

      1 | const { add, mul } = require('./m')
      2 | describe('sums', () => {
    > 3 |   test('adds two', () => { expect(add(1, 2)).toBe(3) })
        |                                              ^
      4 |   test('multiplies', () => { expect(mul(2,3)).toBe(7) })
      5 |   test.skip('later', () => {})
      6 | })

      at Object.toBe (n.test.js:3:46)

  ● sums › multiplies

    expect(received).toBe(expected) // Object.is equality

    Expected: 7
    Received: 6

      2 | describe('sums', () => {
      3 |   test('adds two', () => { expect(add(1, 2)).toBe(3) })
    > 4 |   test('multiplies', () => { expect(mul(2,3)).toBe(7) })
        |                                               ^
      5 |   test.skip('later', () => {})
      6 | })
      7 |

      at Object.toBe (n.test.js:4:47)

Test Suites: 2 failed, 2 total
Tests:       3 failed, 2 skipped, 1 passed, 6 total
Snapshots:   0 total
Time:        1.34 s, estimated 2 s
Ran all test suites.
"""
VITEST = """\
 RUN  v4.1.12 /home/person/vitest

 × m.test.js > sums > adds two 6ms
   → expected -1 to be 3 // Object.is equality
 ✓ m.test.js > sums > multiplies 1ms
 ↓ m.test.js > sums > later

⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  m.test.js > sums > adds two
AssertionError: expected -1 to be 3 // Object.is equality

- Expected
+ Received

- 3
+ -1

 ❯ m.test.js:4:46
      2| import { add, mul } from './m.js'
      3| describe('sums', () => {
      4|   test('adds two', () => { expect(add(1, 2)).toBe(3) })
       |                                              ^
      5|   test('multiplies', () => { expect(mul(2, 3)).toBe(6) })
      6|   test.skip('later', () => {})

⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/1]⎯


 Test Files  1 failed (1)
      Tests  1 failed | 1 passed | 1 skipped (3)
   Start at  21:48:39
   Duration  360ms (transform 20ms, setup 0ms, import 33ms, tests 9ms, environment 0ms)
"""
MOCHA = """\


  sums
    1) adds two
    ✔ multiplies
    - later


  1 passing (32ms)
  1 pending
  1 failing

  1) sums
       adds two:

      AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

-1 !== 3

      + expected - actual

      --1
      +3

      at Context.<anonymous> (m.test.js:3:33)
      at process.processImmediate (node:internal/timers:483:21)
"""
TAP = """\
TAP version 13
# Subtest: sums
    # Subtest: adds two
    not ok 1 - adds two
      ---
      duration_ms: 5.892295
      location: '/home/person/node/m.test.js:3:3'
      failureType: 'testCodeFailure'
      error: |-
        Expected values to be strictly equal:

        -1 !== 3

      code: 'ERR_ASSERTION'
      name: 'AssertionError'
      expected: 3
      actual: -1
      operator: 'strictEqual'
      stack: |-
        TestContext.<anonymous> (/home/person/node/m.test.js:3:35)
        Test.runInAsyncScope (node:async_hooks:206:9)
        Test.run (node:internal/test_runner/test:796:25)
        Test.start (node:internal/test_runner/test:702:17)
        node:internal/test_runner/test:1133:71
        node:internal/per_context/primordials:482:82
        new Promise (<anonymous>)
        new SafePromise (node:internal/per_context/primordials:450:29)
        node:internal/per_context/primordials:482:9
        Array.map (<anonymous>)
      ...
    # Subtest: multiplies
    ok 2 - multiplies
      ---
      duration_ms: 0.226946
      ...
    # Subtest: later
    ok 3 - later # SKIP
      ---
      duration_ms: 0.121941
      ...
    1..3
not ok 1 - sums
  ---
  duration_ms: 7.610792
  type: 'suite'
  location: '/home/person/node/m.test.js:2:1'
  failureType: 'subtestsFailed'
  error: '1 subtest failed'
  code: 'ERR_TEST_FAILURE'
  ...
# Subtest: top
ok 2 - top
  ---
  duration_ms: 0.123944
  ...
1..2
# tests 4
# suites 1
# pass 2
# fail 1
# cancelled 0
# skipped 1
# todo 0
# duration_ms 498.989658
"""
SPEC = """\
▶ sums
  ✖ adds two (1.617377ms)
    AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

    -1 !== 3

        at TestContext.<anonymous> (/home/person/node/m.test.js:3:35)
        at Test.runInAsyncScope (node:async_hooks:206:9)
        at Test.run (node:internal/test_runner/test:796:25)
        at Test.start (node:internal/test_runner/test:702:17)
        at node:internal/test_runner/test:1133:71
        at node:internal/per_context/primordials:482:82
        at new Promise (<anonymous>)
        at new SafePromise (node:internal/per_context/primordials:450:29)
        at node:internal/per_context/primordials:482:9
        at Array.map (<anonymous>) {
      generatedMessage: true,
      code: 'ERR_ASSERTION',
      actual: -1,
      expected: 3,
      operator: 'strictEqual'
    }

  ✔ multiplies (0.129362ms)
  ﹣ later (0.100329ms) # SKIP
✖ sums (3.008629ms)
✔ top (0.105296ms)
ℹ tests 4
ℹ suites 1
ℹ pass 2
ℹ fail 1
ℹ cancelled 0
ℹ skipped 1
ℹ todo 0
ℹ duration_ms 231.342887

✖ failing tests:

test at m.test.js:3:3
✖ adds two (1.617377ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

  -1 !== 3

      at TestContext.<anonymous> (/home/person/node/m.test.js:3:35)
      at Test.runInAsyncScope (node:async_hooks:206:9)
      at Test.run (node:internal/test_runner/test:796:25)
      at Test.start (node:internal/test_runner/test:702:17)
      at node:internal/test_runner/test:1133:71
      at node:internal/per_context/primordials:482:82
      at new Promise (<anonymous>)
      at new SafePromise (node:internal/per_context/primordials:450:29)
      at node:internal/per_context/primordials:482:9
      at Array.map (<anonymous>) {
    generatedMessage: true,
    code: 'ERR_ASSERTION',
    actual: -1,
    expected: 3,
    operator: 'strictEqual'
  }
"""


def ends(text: str) -> dict[str, str]:
    """Outcomes by id."""
    return {test: outcome for test, outcome, _ in read_output("script", text)}


def why(text: str) -> dict[str, str]:
    """What is said of the red ones, by id."""
    return {test: said for test, outcome, said in read_output("script", text) if outcome == "failed"}


SUMS = {"sums > adds two": "failed", "sums > multiplies": "passed", "sums > later": "skipped"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (VITEST, {f"m.test.js > {name}": end for name, end in SUMS.items()}),
        (MOCHA, SUMS),
        (TAP, SUMS | {"top": "passed"}),
        (SPEC, SUMS | {"top": "passed"}),
    ],
)
def test_one_failing_test(text: str, wanted: dict[str, str]) -> None:
    assert ends(text) == wanted
    (said,) = why(text).values()
    assert len(said) < 600
    assert "1 !== 3" in said or "expected -1 to be 3" in said
    assert "node:internal" not in said
    assert "m.test.js:" in said


def test_jest_tells_of_failures_between_its_files() -> None:
    again = {"sums > multiplies": "failed"}
    wanted = {f"./m.test.js > {name}": end for name, end in SUMS.items()}
    assert ends(JEST) == wanted | {f"./n.test.js > {name}": end for name, end in (SUMS | again).items()}
    said = why(JEST)
    assert "Expected: 3\nReceived: -1" in said["./m.test.js > sums > adds two"]
    assert "n.test.js:3:46" in said["./n.test.js > sums > adds two"]
    assert "Expected: 7\nReceived: 6" in said["./n.test.js > sums > multiplies"]


def test_a_test_keeps_its_name_when_its_file_goes_from_red_to_green() -> None:
    green = "PASS ./m.test.js (5.2 s)\n  sums\n    ✓ adds two (1 ms)\n"
    assert ends(green) == {"./m.test.js > sums > adds two": "passed"}


def test_lists_that_only_name_files_name_no_tests() -> None:
    assert ends(" ✓ a.test.js (3 tests) 5ms\n ❯ b.test.js (2 tests | 1 failed) 9ms\n     × adds 3ms\n") == {}
