"""Which commands prove a change, found from what a repository holds, and the line that sums their output up."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from selfimprove.executor import commands
from selfimprove.executor.commands import last_words, lint_command, wants_pytest

if TYPE_CHECKING:
    from pathlib import Path


def found(root: Path, files: dict[str, str], modules: tuple[str, ...]) -> str | None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return commands.test_command(root, list(files), lambda module: "/py thon" if module in modules else None)


@pytest.mark.parametrize(
    ("files", "modules", "wanted"),
    [
        ({"test_a.py": ""}, ("pytest", "unittest"), "'/py thon' -m pytest -q"),
        ({"a_test.py": ""}, ("pytest",), "'/py thon' -m pytest -q"),
        ({"test_a.py": ""}, ("unittest",), "'/py thon' -m unittest discover"),
        (
            {"tests/test_a.py": "", "tests/__init__.py": ""},
            ("unittest",),
            "'/py thon' -m unittest discover -s tests -t .",
        ),
        ({"tests/test_a.py": ""}, ("unittest",), "'/py thon' -m unittest discover -s tests"),
        ({"tests/test_a.py": "", "conftest.py": ""}, ("unittest",), None),
        ({"tests/test_a.py": "", "pyproject.toml": "[tool.pytest.ini_options]"}, ("unittest",), None),
        ({"a.py": ""}, ("pytest",), None),
        ({"package.json": '{"scripts": {"test": "x"}}'}, (), "npm test --silent"),
        ({"package.json": "{}"}, (), None),
        ({"Cargo.toml": ""}, (), "cargo test --offline --quiet"),
        ({"go.mod": ""}, (), "go test ./..."),
        ({"pyproject.toml": "not toml ["}, (), None),
    ],
)
def test_of_the_tests(
    tmp_path: Path, files: dict[str, str], modules: tuple[str, ...], wanted: str | None
) -> None:
    assert found(tmp_path, files, modules) == wanted


@pytest.mark.parametrize("package", [True, False])
def test_unittest_finds_them_with_what_we_type(tmp_path: Path, package: bool) -> None:
    (tmp_path / "m.py").write_text("X = 1\n")
    files = {"tests/test_a.py": "import unittest, m\nclass T(unittest.TestCase):\n    def test(self): pass\n"}
    files |= {"tests/__init__.py": ""} if package else {}
    command = (found(tmp_path, files, ("unittest",)) or "").replace("'/py thon'", sys.executable)
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Ran 1 test" in done.stderr) == (0, True), done.stderr


def test_a_repository_that_wants_pytest(tmp_path: Path) -> None:
    assert wants_pytest(tmp_path, ["pytest.ini"])
    assert not wants_pytest(tmp_path, ["test_a.py"])


def test_of_lint(tmp_path: Path) -> None:
    ruff = {"ruff": "/bin/ruff"}.get
    assert lint_command(tmp_path, ["ruff.toml"], ["a b.py", "c.txt"], ruff) == (
        "/bin/ruff check --no-cache --force-exclude -- 'a b.py'"
    )
    assert lint_command(tmp_path, ["ruff.toml"], ["c.txt"], ruff) is None
    assert lint_command(tmp_path, [], ["a.py"], ruff) is None
    assert lint_command(tmp_path, [".ruff.toml"], ["a.py"], lambda _: None) is None
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    assert lint_command(tmp_path, [], ["a.py"], ruff)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("x\n==== 1 failed, 3 passed in 0.10s ====\n", "1 failed, 3 passed in 0.10s"),
        ("Ran 3 tests in 0.1s\n\nOK\n", "OK"),
        ("boom\n3 passed\nwarning: late words\n", "3 passed"),
        ("just\nwords\n\n", "words"),
        ("", ""),
        ("y" * 500, "y" * 100),
    ],
)
def test_last_words(output: str, words: str) -> None:
    assert last_words(output) == words
