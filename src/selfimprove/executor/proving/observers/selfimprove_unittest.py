"""`python -m unittest`, which also reports each test as it ends, and at the end whether assertions still fail.

It runs in the interpreter of the tested project, Python 3.8 or later, and takes unittest's own arguments.
"""

from __future__ import annotations

import os
import sys
import time
import unittest
from typing import Any

import selfimprove_canary
from selfimprove_lines import watching
from selfimprove_sealed import Writer, described, ordered, output_of, python

_ORDER = ordered()
_ROOT = os.getcwd()  # noqa: PTH109
_WRITER = Writer(_ORDER["report"], _ORDER["key"]) if _ORDER else None
_LINES = watching()
_now = time.perf_counter


def _say(kind: str, **data: Any) -> None:
    if _WRITER:
        _WRITER.write(kind, **data)


class _Result(unittest.TextTestResult):
    """The runner's own result, which also reports."""

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        self._began = _now()
        if _LINES is not None:
            _LINES.resume()
        _say("start", id=test.id())
        super().startTest(test)

    def _tell(self, test: Any, outcome: str, error: Any = None) -> None:
        more: dict[str, Any] = {}
        if error is not None:
            more = described(error[0], error[1], error[2], _ROOT)
            out, err = (getattr(self, name, None) for name in ("_stdout_buffer", "_stderr_buffer"))
            more["output"] = output_of(*(one.getvalue() for one in (out, err) if one))
        seconds = round(_now() - getattr(self, "_began", _now()), 4)
        # A subtest counts as its test; what fails in setUpClass has a holder with an id of its own.
        name = getattr(test, "test_case", test).id()
        _say("test", id=name, when="call", outcome=outcome, seconds=seconds, **more)

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        self._tell(test, "passed")
        super().addSuccess(test)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        self._tell(test, "failed", err)
        super().addFailure(test, err)

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        self._tell(test, "error", err)
        super().addError(test, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        self._tell(test, "skipped")
        super().addSkip(test, reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        self._tell(test, "xfailed")
        super().addExpectedFailure(test, err)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        self._tell(test, "failed", (AssertionError, AssertionError("it was expected to fail"), None))
        super().addUnexpectedSuccess(test)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self._tell(subtest, "failed" if failed else "error", err)
        super().addSubTest(test, subtest, err)


class _Runner(unittest.TextTestRunner):
    """The runner, which knows what was collected and asks the canaries last."""

    resultclass: Any = _Result

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **dict(options, failfast=False))

    def run(self, test: Any) -> Any:
        chosen = _ORDER.get("ids")
        if chosen is not None:
            test = unittest.TestSuite(one for one in _cases(test) if one.id() in set(chosen))
        _say("collected", ids=[one.id() for one in _cases(test)])
        result = super().run(test)
        _say("canary", wrong=_canary())
        if _LINES is not None:
            _say("lines", **_LINES.found())
        _say("finished", status=int(not result.wasSuccessful()))
        return result


def _cases(suite: Any) -> list[Any]:
    """Return the tests of a suite and of the suites in it."""
    found, waiting = [], [suite]
    while waiting:
        one = waiting.pop()
        if isinstance(one, unittest.TestSuite):
            waiting.extend(reversed([inner for inner in one if inner is not None]))
        else:
            found.append(one)
    return found


def _canary() -> list[str]:
    wrong: list[str] = selfimprove_canary.direct()
    for name in selfimprove_canary.MUST_PASS + selfimprove_canary.MUST_FAIL:
        result = unittest.TestResult()
        unittest.FunctionTestCase(getattr(selfimprove_canary, name)).run(result)
        if result.wasSuccessful() != (name in selfimprove_canary.MUST_PASS) and name not in wrong:
            wrong.append(name)
    return wrong


if __name__ == "__main__":
    _say("begin", runner="unittest", version=python(), python=python(), root=_ROOT)
    sys.argv[0] = "python -m unittest"
    unittest.main(module=None, testRunner=_Runner)
