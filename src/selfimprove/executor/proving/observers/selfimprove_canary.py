"""Tests of the tests: all but the first must fail, else assertions do not fail any more in this process."""

from __future__ import annotations

import unittest

MUST_PASS = ("test_that_holds",)
MUST_FAIL = ("test_that_differs", "test_that_raises", "test_that_compares")


def test_that_holds() -> None:
    """Must pass."""
    one = 1
    assert one + one == 2  # noqa: S101


def test_that_differs() -> None:
    """Must fail, by an assertion."""
    one, two = 1, 2
    assert one == two  # noqa: S101


def test_that_raises() -> None:
    """Must fail, by an error."""
    raise LookupError("meant to be")


def test_that_compares() -> None:
    """Must fail, by the assertion of the standard library."""
    unittest.TestCase().assertEqual(1, 2)


def direct() -> list[str]:
    """Call them without a runner; return the names of those that did not end as they must."""
    wrong = []
    for name in MUST_PASS + MUST_FAIL:
        try:
            globals()[name]()
            passed = True
        except Exception:
            passed = False
        if passed != (name in MUST_PASS):
            wrong.append(name)
    return wrong
