"""Finds the target's own test and lint commands, and reads their last line for people."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_SUMS_UP = re.compile(
    r"\b\d+ (passed|failed|errors?|skipped)\b|^Ran \d+ tests?|^(OK|FAILED)\b|^All checks passed|^Found \d+ error"
)
_PYTEST_SIGNS = ("pytest.ini", "conftest.py", "tests/conftest.py")


def test_command(root: Path, names: Sequence[str], python: Callable[[str], str | None]) -> str | None:
    """Return the command that runs all tests of the repository at ``root``, ``None`` when it has none.

    ``names`` are its files; ``python`` returns an interpreter of the target's that can import a module, or
    ``None``. pytest is taken where it is installed, else unittest for tests that it can find.
    """
    tests = [name for name in names if re.search(r"(^|/)(test_[^/]*|[^/]*_test)\.py$", name)]
    if tests:
        if interpreter := python("pytest"):
            return f"{shlex.quote(interpreter)} -m pytest -q"
        if not _says_pytest(root, names) and (interpreter := python("unittest")):
            return f"{shlex.quote(interpreter)} -m unittest discover{_start_folder(tests, names)}"
        return None
    if "package.json" in names and _has_script(root):
        return "npm test --silent"
    table = {"Cargo.toml": "cargo test --offline --quiet", "go.mod": "go test ./..."}
    return next((command for sign, command in table.items() if sign in names), None)


def wants_pytest(root: Path, names: Sequence[str]) -> bool:
    """True when the repository has tests for pytest, so that a missing pytest is worth a word."""
    return _says_pytest(root, names)


def lint_command(
    root: Path, names: Sequence[str], changed: Sequence[str], program: Callable[[str], str | None]
) -> str | None:
    """Return the command that lints the changed Python files as the repository itself is set up, or ``None``."""
    files = [name for name in changed if name.endswith((".py", ".pyi"))]
    if not files or not _uses_ruff(root, names):
        return None
    ruff = program("ruff")
    return f"{shlex.quote(ruff)} check --no-cache --force-exclude -- {shlex.join(files)}" if ruff else None


def last_words(output: str) -> str:
    """Return the line of a runner's output that sums it up, cut to 100 characters."""
    lines = [line.strip(" =") for line in output.splitlines() if line.strip(" =")]
    for line in reversed(lines[-40:]):
        if _SUMS_UP.search(line):
            return line[:100]
    return lines[-1][:100] if lines else ""


def _start_folder(tests: Sequence[str], names: Sequence[str]) -> str:
    """Return the options that lead unittest to tests that all lie below one folder of the top level."""
    folders = {name.partition("/")[0] for name in tests}
    if len(folders) != 1 or not all("/" in name for name in tests):
        return ""
    folder = folders.pop()
    # With -t the folder must be a package, without it its modules are imported by their bare names.
    return f" -s {shlex.quote(folder)}" + (" -t ." if f"{folder}/__init__.py" in names else "")


def _says_pytest(root: Path, names: Sequence[str]) -> bool:
    pyproject = _toml(root / "pyproject.toml")
    return any(sign in names for sign in _PYTEST_SIGNS) or "pytest" in pyproject.get("tool", {})


def _uses_ruff(root: Path, names: Sequence[str]) -> bool:
    return (
        "ruff.toml" in names
        or ".ruff.toml" in names
        or "ruff" in _toml(root / "pyproject.toml").get("tool", {})
    )


def _has_script(root: Path) -> bool:
    try:
        return '"test"' in (root / "package.json").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _toml(path: Path) -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
