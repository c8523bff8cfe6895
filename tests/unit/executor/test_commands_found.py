"""Which commands prove a change, found from what a repository holds, and the line that sums their output up."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from selfimprove.executor.commands import Finds, configured, find_suite, last_words, wants_pytest
from selfimprove.executor.proving.linters import CACHE, lint_commands, new_lines, with_cache
from selfimprove.tools.shell.mounts import View

if TYPE_CHECKING:
    from pathlib import Path


def found(
    root: Path, files: dict[str, str], modules: tuple[str, ...], near: tuple[str, ...] = ()
) -> tuple[str, str, str] | None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    finds = Finds(
        lambda module: "/py thon" if module in modules else None,
        lambda name: f"/bin/{name}" if name in modules else None,
    )
    suite = find_suite(root, list(files), near, finds)
    return (suite.command, suite.kind, suite.folder) if suite else None


PACKAGE = '{"scripts": {"test": "x"}}'


BY_TOX = """\
[testenv]
changedir = .tox
commands = pytest --doctest-modules {env_site_packages_dir}/shop {tox_root}/tests -n auto {posargs}
"""


def _script(test: str) -> str:
    return json.dumps({"scripts": {"test": test}})


@pytest.mark.parametrize(
    ("files", "modules", "wanted"),
    [
        ({"test_a.py": ""}, ("pytest", "unittest"), ("'/py thon' -m pytest -q", "pytest")),
        ({"a_test.py": "", "tox.ini": ""}, ("pytest", "tox"), ("'/py thon' -m pytest -q", "pytest")),
        (
            {"tests/test_a.py": "", "shop/a.py": "", "tox.ini": BY_TOX.replace("-n auto", "")},
            ("pytest",),
            ("'/py thon' -m pytest -q --doctest-modules shop tests", "pytest"),
        ),
        ({"tests/test_a.py": "", "tox.ini": BY_TOX}, ("pytest",), ("'/py thon' -m pytest -q", "pytest")),
        ({"test_a.py": "", "tox.ini": "[testenv\n"}, ("pytest",), ("'/py thon' -m pytest -q", "pytest")),
        ({"test_a.py": ""}, ("unittest",), ("'/py thon' -m unittest discover", "unittest")),
        (
            {"tests/test_a.py": "", "tests/__init__.py": ""},
            ("unittest",),
            ("'/py thon' -m unittest discover -s tests -t .", "unittest"),
        ),
        ({"tests/test_a.py": ""}, ("unittest",), ("'/py thon' -m unittest discover -s tests", "unittest")),
        ({"tests/test_a.py": "", "conftest.py": ""}, ("unittest",), ("python -m pytest", "pytest")),
        ({"tests/test_a.py": "", "conftest.py": "", "tox.ini": ""}, ("tox",), ("/bin/tox run", "pytest")),
        ({"test_a.py": "", "noxfile.py": ""}, ("nox",), ("/bin/nox -R", "pytest")),
        (
            {"tests/test_a.py": "", "pyproject.toml": "[tool.pytest.ini_options]"},
            ("unittest",),
            ("python -m pytest", "pytest"),
        ),
        (
            {"package.json": _script("tsc && jest --ci")},
            ("npm",),
            ("npm test --silent -- --verbose", "script"),
        ),
        (
            {"package.json": _script("vitest run"), "yarn.lock": ""},
            ("yarn",),
            ("yarn test --reporter=verbose", "script"),
        ),
        ({"package.json": _script("jest | tee x")}, ("npm",), ("npm test --silent", "script")),
        ({"package.json": PACKAGE, "Makefile": "test:\n\t./run\n"}, ("make",), ("make test", "script")),
        ({"a.py": ""}, ("pytest",), None),
        ({"package.json": PACKAGE}, (), ("npm test --silent", "script")),
        ({"package.json": PACKAGE, "yarn.lock": ""}, ("yarn",), ("yarn test", "script")),
        ({"package.json": PACKAGE, "pnpm-lock.yaml": ""}, ("pnpm",), ("pnpm test --silent", "script")),
        ({"package.json": PACKAGE, "pnpm-lock.yaml": ""}, (), ("npm test --silent", "script")),
        ({"package.json": "{}"}, (), None),
        (
            {"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'},
            (),
            None,
        ),
        ({"package.json": "[broken"}, (), None),
        ({"Cargo.toml": ""}, (), ("cargo test --offline --no-fail-fast", "cargo")),
        ({"go.mod": ""}, (), ("go test -json ./...", "go")),
        ({"gradlew": "", "build.gradle": ""}, (), ("./gradlew --offline test --continue", "junit")),
        ({"pom.xml": ""}, (), ("mvn -o -q test -fae", "junit")),
        ({"mix.exs": "", "test/a_test.exs": ""}, (), ("mix test", "other")),
        ({"mix.exs": ""}, (), None),
        ({"Makefile": "all:\n\ntest: all\n\t./run\n"}, (), ("make test", "script")),
        ({"Makefile": "test := x\n"}, (), None),
        ({"justfile": "test arg='x':\n  run\n"}, (), ("just test", "script")),
        ({"pyproject.toml": "not toml ["}, (), None),
    ],
)
def test_of_the_tests(
    tmp_path: Path, files: dict[str, str], modules: tuple[str, ...], wanted: tuple[str, str] | None
) -> None:
    suite = found(tmp_path, files, modules)
    assert (suite and suite[:2]) == wanted


def test_the_nearest_project_where_the_top_folder_has_none(tmp_path: Path) -> None:
    files = {"svc/a/go.mod": "", "svc/a/x/y.go": "", "svc/b/package.json": PACKAGE, "README.md": ""}
    assert found(tmp_path, files, (), ("svc/a/x/y.go",)) == ("go test -json ./...", "go", "svc/a")
    assert found(tmp_path, files, (), ("svc/b/z.js",)) == ("npm test --silent", "script", "svc/b")
    assert found(tmp_path, files, (), ("README.md",)) is None


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("pytest -x tests/unit", "pytest"),
        ("cd sub && python3 -m pytest", "pytest"),
        (".venv/bin/pytest", "pytest"),
        ("python3 -m unittest -q", "unittest"),
        ("go test -json ./... ", "go"),
        ("cargo test --workspace", "cargo"),
        ("make test", "script"),
        ("./pytest.sh", "script"),
    ],
)
def test_what_a_person_wrote_down(command: str, kind: str) -> None:
    assert configured(command).kind == kind


@pytest.mark.parametrize("package", [True, False])
def test_unittest_finds_them_with_what_we_type(tmp_path: Path, package: bool) -> None:
    (tmp_path / "m.py").write_text("X = 1\n")
    files = {"tests/test_a.py": "import unittest, m\nclass T(unittest.TestCase):\n    def test(self): pass\n"}
    files |= {"tests/__init__.py": ""} if package else {}
    suite = found(tmp_path, files, ("unittest",))
    assert suite
    command = suite[0].replace("'/py thon'", sys.executable)
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Ran 1 test" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize(
    ("files", "lacks"),
    [
        ({"test_a.py": "", "pytest.ini": ""}, "a Python with pytest"),
        ({"test_a.py": ""}, "a Python"),
        ({"package.json": PACKAGE}, "npm"),
        ({"Cargo.toml": ""}, "cargo"),
        ({"pom.xml": ""}, "mvn"),
        ({"Makefile": "test:\n\t./run\n"}, "make"),
        ({"mvnw": ""}, ""),
    ],
)
def test_what_is_not_installed_is_named(tmp_path: Path, files: dict[str, str], lacks: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    suite = find_suite(tmp_path, list(files), (), Finds(lambda _: None, lambda _: None))
    assert suite
    assert suite.lacks == lacks


def test_a_repository_that_wants_pytest(tmp_path: Path) -> None:
    assert wants_pytest(tmp_path, ["pytest.ini"])
    assert not wants_pytest(tmp_path, ["test_a.py"])


def test_of_lint(tmp_path: Path) -> None:
    def lint(names: list[str], changed: list[str], *programs: str) -> list[str]:
        return lint_commands(tmp_path, names, changed, {name: f"/bin/{name}" for name in programs}.get)

    ruff = "/bin/ruff check --no-cache --force-exclude --output-format concise -- 'a b.py'"
    assert lint(["ruff.toml"], ["a b.py", "c.txt"], "ruff") == [ruff]
    assert lint(["ruff.toml"], ["c.txt"], "ruff") == []
    assert lint([], ["a.py"], "ruff", "flake8", "pylint") == []
    assert lint([".ruff.toml"], ["a.py"]) == []
    assert lint([".flake8"], ["a.py"], "flake8") == ["/bin/flake8 -- a.py"]
    assert lint([".pylintrc"], ["a.py"], "pylint") == ["/bin/pylint --score=n --output-format=text -- a.py"]
    assert lint(["eslint.config.mjs"], ["a.ts", "b.py"], "eslint") == ["/bin/eslint -- a.ts"]
    assert lint(["go.mod"], ["a.go"], "go") == ["/bin/go vet ./..."]
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n[tool.pylint.main]\n")
    assert len(lint([], ["a.py"], "ruff", "pylint")) == 2
    (tmp_path / "setup.cfg").write_text("[flake8]\nmax-line-length = 9\n")
    assert lint(["setup.cfg"], ["a.py"], "flake8") == ["/bin/flake8 -- a.py"]


def test_new_messages_of_a_linter() -> None:
    before = "a.py:1:1: F401 unused\na.py:9:1: E501 long\nFound 2 errors.\n"
    now = "a.py:3:1: F401 unused\na.py:4:1: F401 unused\na.py:12:1: E501 long\nFound 3 errors.\n"
    assert new_lines(now, before) == ["a.py:4:1: F401 unused"]
    assert new_lines(before, now) == []


def test_types_are_checked_where_the_project_sets_mypy_up_beside_its_tests(tmp_path: Path) -> None:
    def lint(*changed: str, there: tuple[str, ...] = ("mypy", "python")) -> list[list[str]]:
        programs = {name: f"/env/bin/{name}" for name in there} | {"python3": "/usr/bin/python3"}
        return [
            command.partition(CACHE)[2].split()
            for command in lint_commands(tmp_path, ["mypy.ini", "a.py"], changed, programs.get)
        ]

    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\nexclude = ^build/\n")
    assert lint("a.py", "tests/test_a.py", "build/b.py", "c.txt") == [["--", "a.py"]]
    assert lint("tests/conftest.py") == []
    assert lint("a.py", there=("mypy",)) == []  # another environment's mypy does not know what is installed
    assert lint("a.py", there=("python",)) == []
    (tmp_path / "mypy.ini").write_text("[mypy]\nfiles = src, tests\n")
    assert lint("src/a.py") == [[]]
    assert lint("tests/test_a.py") == [[]]
    assert lint("docs/a.py") == []
    (tmp_path / "mypy.ini").unlink()
    (tmp_path / "pyproject.toml").write_text('[tool.mypy]\npackages = ["a"]\n')
    assert lint("anywhere.py") == [[]]


def test_a_type_checker_keeps_its_cache_with_the_copy_and_not_in_the_tree(tmp_path: Path) -> None:
    view = View(tmp_path / "copy", tmp_path / "repo", git_dir=tmp_path)
    command, shown = with_cache(f"mypy --cache-dir {CACHE}", view, shut_in=True)
    assert command.endswith(CACHE)
    assert shown.binds == ((tmp_path / "selfimprove-types", CACHE, True),)
    command, shown = with_cache(f"mypy --cache-dir {CACHE}", view, shut_in=False)
    assert command == f"mypy --cache-dir {tmp_path / 'selfimprove-types'}"
    assert not shown.binds
    assert with_cache("ruff check", view, shut_in=True) == ("ruff check", view)


def test_messages_of_a_type_checker_are_the_same_on_other_lines_and_its_notes_are_none() -> None:
    before = 'a.py:1: error: Name "x" already defined on line 7  [no-redef]\na.py:1: note: See that\n'
    now = 'a.py:2: error: Name "x" already defined on line 9  [no-redef]\na.py:8: note: Or this\n'
    assert new_lines(now, before) == []
    more = f"{now}a.py:5: error: Function is missing a type annotation  [no-untyped-def]\n"
    assert len(new_lines(more, before)) == 1


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
