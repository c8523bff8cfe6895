"""Testing: which files are tests, by the names that people give to them, and which queries are about tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS = {
    "test",
    "tests",
    "testing",
    "spec",
    "specs",
    "conftest",
    "fixture",
    "fixtures",
    "e2e",
    "mock",
    "mocks",
}
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MARKS = {"test", "tests", "spec", "specs", "conftest"}  # the first or the last part of a file's name
_FOLDERS = {
    "test",
    "tests",
    "testing",
    "spec",
    "specs",
    "__tests__",
    "__mocks__",
    "testdata",
    "fixtures",
    "e2e",
}


def is_test(path: str) -> bool:
    """Tell whether a file is a test, or made for one: by its folders and by its own name's first and last part.

    ``tests/x.py``, ``test_x.py``, ``x_test.go``, ``XTest.java`` and ``x.spec.ts`` are; ``latest.py`` is not.
    """
    *folders, name = path.split("/")
    if any(folder.lower() in _FOLDERS for folder in folders):
        return True
    parts = _PARTS.findall(name.rpartition(".")[0] or name)
    return bool(parts) and (parts[0].lower() in _MARKS or parts[-1].lower() in _MARKS)


def asks_for_tests(terms: Iterable[str]) -> bool:
    """Tell whether a query with these terms (stems) is about tests."""
    return any(term in _WORDS for term in terms)
