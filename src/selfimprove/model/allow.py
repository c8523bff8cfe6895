"""The words by which a person lets a change through that a veto would hold back."""

from __future__ import annotations

WORDS = {
    "outside_files": "files that the task does not name",
    "protected_file": "files that decide how changes are checked: conftest.py, pyproject.toml, CI",
    "tests_changed": "existing tests, fixtures and snapshots that are changed",
    "tests_weakened": "tests that are deleted, or that check less",
    "tests_skipped": "tests that are skipped or expected to fail",
    "test_detection": "code that asks whether it is being tested, or knows the tests' own values",
    "test_tampering": "code that changes the test runner, its modules or the built-in functions",
    "early_exit": "code that ends the process at import or without clean-up",
    "always_equal": "objects that are equal to everything",
    "shadowing": "new files that take the place of a module of Python or of pytest",
    "silenced": "comments that silence a linter, a type checker or coverage",
    "swallowed": "code put under an except that hides every error",
    "dependencies": "new dependencies, and lock files",
    "licence": "licence texts and copyright notices",
    "binary": "binary files",
    "executable": "files that become executable",
    "placeholder": "text such as 'rest of the code unchanged'",
    "gutted": "files that lose most of their text",
    "secret": "what looks like a key or a password",
    "obfuscated": "code that cannot be read: decoded and executed, or in very long lines",
    "network": "tests that reach for the network",
}
"""The words that a task's ``allow`` may hold, and what each lets through."""
