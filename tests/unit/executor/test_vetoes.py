"""The vetoes, each on the smallest change that calls for it and on ones beside it that do not."""

from __future__ import annotations

import pytest

from selfimprove.codebase.protected import is_protected
from selfimprove.executor.vetoes.change import Case, Change
from selfimprove.executor.vetoes.files import is_named, is_test
from selfimprove.executor.vetoes.table import objections
from selfimprove.model.allow import WORDS
from selfimprove.model.task import Task

TEXT = "import pytest\n\n\ndef test_a():\n    assert x == 1\n    assert y\n"
WORDS_200 = " ".join(f"word{n}" for n in range(200))
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
NEVER = {"link", "git_folder", "hidden_characters"}


def codes(path: str, old: str | None, new: str | None, *files: str, mode="100644", was="100644") -> list[str]:
    """The codes of all objections to a change."""
    task = Task("t", "T", prompt="p", files=files)
    found = list(objections(Case(task, (Change(path, old, new, mode, was),))))
    assert all(one.allow in WORDS if one.code not in NEVER else one.allow == "" for one in found), found
    return [one.code for one in found]


def first(path: str, old: str | None, new: str | None, *files: str) -> str:
    """The first code, `` when there is none."""
    return next(iter(codes(path, old, new, *files)), "")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (("a.py", "x\n", "y\n"), []),
        (("a.py", "x\n", "y\n", "b.py"), ["outside_files"]),
        (("src/a.py", "x\n", "y\n", "src"), []),
        (("src/a.py", "x\n", "y\n", "./src/"), []),
        (("src/a.py", "x\n", "y\n", "."), []),
        (("src/a.py", "x\n", "y\n", "*.py"), []),
        (("srcs/a.py", "x\n", "y\n", "src"), ["outside_files"]),
        ((".github/workflows/a.yml", None, "x\n"), ["protected_file"]),
        ((".github/workflows/a.yml", None, "x\n", ".github"), []),
        ((".github/workflows/a.yml", None, "x\n", "."), ["protected_file"]),
        ((".github/PULL_REQUEST_TEMPLATE.md", None, "x\n"), []),
        (("deep/conftest.py", None, "x\n"), ["protected_file"]),
        (("deep/conftest.py", None, "def f():\n    return 1\n", "deep"), []),
        (("deep/conftest.py", None, "import m\nm.f = 1\n", "deep"), ["protected_file"]),
        (("src/sitecustomize.py", None, "x = 1\n", "src"), ["protected_file"]),
        (("app/package.json", "{}", '{"version": "2"}', "app"), []),
        (("package.json", "{}", "{ }"), ["protected_file"]),
        (("a/b.pth", None, "x"), ["protected_file"]),
        ((".git/hooks/x", None, "x\n", "."), ["git_folder", "protected_file"]),
        (("random.py", None, "x = 1\n"), ["shadowing"]),
        (("src/random.py", None, "x = 1\n"), ["shadowing"]),
        (("src/shop/random.py", None, "x = 1\n"), []),
        (("_pytest/python.py", None, "x = 1\n"), ["shadowing"]),
        (("test/x.py", None, "x = 1\n"), []),
        (("random.py", "x = 1\n", "x = 2\n"), []),
        (("a.png", None, "\x89PNG\0"), ["binary"]),
        (("LICENSE", "MIT\n", "GPL\n"), ["licence"]),
        (("LICENSE", "MIT\n", "GPL\n", "LICENSE"), []),
        (("a.py", "# Copyright 2020 A\nx = 1\n", "x = 1\n"), ["licence"]),
        (("a.py", "# Copyright 2020 A\nx = 1\n", "# Copyright 2021 A\nx = 1\n"), []),
        ((".gitignore", "a\n", "a\ntests/\n"), ["protected_file"]),
        ((".gitignore", "a\n", "a\n*.pyc\n.venv\n"), []),
        (("poetry.lock", "a\n", "b\n"), ["dependencies"]),
        (("requirements.txt", "a==1\n", "a==2\n"), []),
        (("requirements.txt", "a==1\n", "a==1\nb\n"), ["dependencies"]),
        (("setup.py", "setup(name='a')\n", "setup(name='a', install_requires=['b>1'])\n"), ["dependencies"]),
        (("setup.py", "setup(name='a')\n", "setup(name='a', version='2')\n"), []),
        (("go.mod", "module a\n", "module a\nrequire github.com/a/b v1.0.0\n"), ["dependencies"]),
    ],
)
def test_by_place(change: tuple[str, ...], wanted: list[str]) -> None:
    assert codes(*change) == wanted


@pytest.mark.parametrize(
    ("name", "old", "new", "wanted"),
    [
        (
            "pyproject.toml",
            '[project]\ndependencies = ["a"]\n',
            '[project]\ndependencies = ["a", "b"]\n',
            True,
        ),
        ("pyproject.toml", '[project]\nversion = "1"\n', '[project]\nversion = "2"\n', False),
        ("pyproject.toml", "", '[dependency-groups]\ntest = ["b"]\n', True),
        ("pyproject.toml", "", '[tool.poetry.dependencies]\npython = "3"\n', True),
        ("pyproject.toml", "", '[project]\nkeywords = ["b"]\n', False),
        ("Cargo.toml", "", '[dev-dependencies]\nserde = "1"\n', True),
        ("package.json", "{}", '{"devDependencies": {"b": "1"}}', True),
        ("package.json", "{}", '{"description": "b"}', False),
        ("package.json", "{}", "{", True),
        ("setup.cfg", "", "[options]\ninstall_requires =\n    b>1\n", True),
        ("setup.cfg", "", "[metadata]\nname = b\n", False),
    ],
)
def test_dependencies_by_manifest(name: str, old: str, new: str, wanted: bool) -> None:
    assert ("dependencies" in codes(name, old, new, name)) is wanted


def test_links_submodules_and_modes() -> None:
    assert codes("a", None, "/etc/passwd", mode="120000") == ["link"]
    assert codes("a", None, None, mode="160000") == ["link"]
    assert codes("a.py", "x\n", "x\n", mode="100755") == ["executable"]
    assert codes("a.sh", None, "#!/bin/sh\n", mode="100755", was="000000") == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        *((path, True) for path in ("tests/x.json", "a/test_x.py", "x_test.go", "x.spec.ts", "XTest.java")),
        *(
            (path, True)
            for path in ("conftest.py", "a/tests.py", "__tests__/a.js", "a.snap", "spec/a_spec.rb")
        ),
        *(
            (path, False)
            for path in ("contest.py", "latest.py", "a/testing.py", "openapi_spec.py", "spec/a.py")
        ),
        *((path, False) for path in ("protest_x.py", "Latest.java", "attest.go", "")),
    ],
)
def test_what_a_test_is(path: str, wanted: bool) -> None:
    assert is_test(path) is wanted


def test_what_is_protected_and_named() -> None:
    yes = (".github/workflows/a.yml", "a/conftest.py", "pyproject.toml", "a/.env.local", "jest.config.js")
    no = (
        "src/a.py",
        "docs/a.md",
        "environment.py",
        "a/config.yaml",
        ".github/CONTRIBUTING.md",
        "configure.py",
    )
    assert [is_protected(path) for path in (*yes, *no)] == [True] * len(yes) + [False] * len(no)
    assert not is_named(Task("t", "T", files=("a",)), "b")


CASES = "@pytest.mark.parametrize('n', [1, 2, 3])\ndef test_a(n):\n    assert f(n) == n\n"
UNIT = "class TestA(TestCase):\n    def setUp(self):\n        self.x = f()\n\n    def test_a(self):\n        {}\n"


def body(text: str) -> str:
    """A test with these statements."""
    return "def test_a():\n" + "".join(f"    {line}\n" for line in text.split("\n"))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (TEXT, TEXT + "\n", ""),
        (TEXT, None, "tests_weakened"),
        (TEXT, TEXT.replace("    assert y\n", ""), "tests_weakened"),
        (TEXT, TEXT.replace("def test_a", "@pytest.mark.skip\ndef test_a"), "tests_skipped"),
        (TEXT, TEXT.replace("def test_a", "def _test_a"), "tests_weakened"),
        (TEXT, TEXT.replace("def test_a", "def test_b"), ""),
        (TEXT, TEXT.replace("assert y", "assert True"), "tests_weakened"),
        (TEXT, TEXT.replace("x == 1", "x is not None"), "tests_weakened"),
        (TEXT, TEXT.replace("x == 1", "x in (1, 2)"), "tests_weakened"),
        (TEXT, TEXT.replace("x == 1", "x == 2"), "tests_changed"),
        (TEXT, TEXT.replace("x == 1", "1 == x"), ""),
        (TEXT, TEXT.replace("x == 1", "z == 1"), ""),
        (TEXT, TEXT.replace("    assert x", "    return\n    assert x"), "tests_weakened"),
        (TEXT, TEXT + "\n\ndef test_a():\n    pass\n", "tests_weakened"),
        (TEXT, TEXT + "\n\ndel test_a\n", "tests_weakened"),
        (TEXT, "if False:\n    " + TEXT.replace("\n", "\n    ").rstrip(" "), "tests_weakened"),
        (TEXT, "def (:\n", "tests_weakened"),
        (body("assert a and b"), body("assert a\nassert b"), ""),
        (body("assert a\nassert b"), body("assert a and b"), ""),
        (body("f()"), body("pass"), "tests_weakened"),
        (body("assert a == 1.0"), body("assert a == approx(1.0)"), "tests_weakened"),
        (body("assert a == approx(1.0)"), body("assert a == approx(1.0, rel=0.5)"), "tests_weakened"),
        (body("assert a == approx(1, rel=0.5)"), body("assert a == approx(1, rel=0.1)"), ""),
        (
            body("with raises(KeyError):\n    f()"),
            body("with raises(Exception):\n    f()"),
            "tests_weakened",
        ),
        (
            body("with suppress(KeyError):\n    assert a"),
            body("with suppress(Exception):\n    assert a"),
            "tests_weakened",
        ),
        (body("assert a"), body("@x\ndef g():\n    assert a\ng()"), ""),
        (body("assert a == 1"), "def check(a):\n    assert a == 1\n\n\n" + body("check(a)"), ""),
        (body("assert a"), body("with patch('m.f'):\n    assert a"), "tests_weakened"),
        (CASES, CASES.replace(", 3]", "]"), "tests_weakened"),
        (CASES, CASES.replace(", 3]", ", 4]"), "tests_changed"),
        (CASES, CASES.replace(", 3]", ", 3, 4]"), ""),
        (CASES, CASES.replace("[1, 2, 3]", "NUMBERS"), ""),
        (UNIT.format("self.assertEqual(f(), 1)"), UNIT.format("assert f() == 1"), ""),
        (UNIT.format("self.assertEqual(f(), 1)"), UNIT.format("self.assertTrue(f())"), "tests_weakened"),
        (UNIT.format("self.assertEqual(f(), 1)"), UNIT.format("self.assertEqual(f(), 2)"), "tests_changed"),
        (UNIT.format("self.a()"), UNIT.format("self.a()").replace("self.x = f()", "pass"), "tests_weakened"),
        (
            UNIT.format("self.a()"),
            UNIT.format("self.a()").replace("TestA", "A").replace("(TestCase)", ""),
            "tests_weakened",
        ),
        (
            "@pytest.fixture\ndef db():\n    return Db()\n",
            "@pytest.fixture\ndef db():\n    return 1\n",
            "tests_weakened",
        ),
    ],
)
def test_python_tests_that_the_task_names(old: str, new: str | None, wanted: str) -> None:
    assert first("tests/test_m.py", old, new, "tests") == wanted


@pytest.mark.parametrize(
    ("new", "wanted"),
    [
        (TEXT + "\n\ndef test_b():\n    assert z\n", ""),
        ("import os\n" + TEXT, ""),
        (TEXT + "\n\nclass TestMore:\n    def test_c(self):\n        assert z\n", ""),
        (TEXT + "\n\nMORE = 3\n", ""),
        (TEXT + "\n\nx = 1\n", "tests_changed"),
        (TEXT + "\n\n@pytest.fixture(autouse=True)\ndef f(): ...\n", "tests_changed"),
        (TEXT + "\n\nimport m\nm.f = None\n", "tests_changed"),
        (TEXT.replace("== 1", "== 1 "), ""),
        (TEXT.replace("assert y", "assert y == 2"), "tests_changed"),
    ],
)
def test_a_python_test_that_nobody_named_can_only_grow(new: str, wanted: str) -> None:
    assert first("tests/test_m.py", TEXT, new) == wanted


def test_a_test_may_move_to_another_file() -> None:
    task = Task("t", "T", prompt="p", files=("tests",))
    moved = (Change("tests/test_a.py", TEXT, None), Change("tests/test_b.py", None, TEXT))
    assert list(objections(Case(task, moved))) == []
    unnamed = Case(Task("t", "T", prompt="p"), moved)
    assert list(objections(unnamed)) == []
    half = (Change("tests/test_a.py", TEXT, None), Change("tests/test_b.py", None, body("assert x == 1")))
    assert [one.code for one in objections(Case(task, half))] == ["tests_weakened"]


@pytest.mark.parametrize(
    ("path", "old", "new", "wanted"),
    [
        ("a.test.js", "it('a', () => { expect(f()).toBe(1) })\n", "// it('a')\n", "tests_weakened"),
        (
            "a.test.js",
            "it('a', () => { expect(f()).toBe(1) })\n",
            "it.skip('a', () => { expect(f()).toBe(1) })\n",
            "tests_weakened",
        ),
        (
            "a.test.ts",
            "test('a', f)\nit('b', g)\n",
            "test('a', f)\nit('b', g)\ndescribe.only('c', h)\n",
            "tests_skipped",
        ),
        ("a.test.ts", "test('a', f)\n", "test('a', f)\ntest('b', g)\n", ""),
        (
            "a_test.go",
            "func TestA(t *testing.T) { t.Error() }\n",
            "func TestA(t *testing.T) { t.Skip(); t.Error() }\n",
            "tests_skipped",
        ),
        (
            "ATest.java",
            "@Test\nvoid a() { assertEquals(1, f()); }\n",
            "@Test\nvoid a() { }\n",
            "tests_weakened",
        ),
        ("src/a.rs", "#[test]\nfn a() { assert_eq!(1, f()); }\n", "fn a() {}\n", "tests_weakened"),
        ("src/a.rs", "fn a() { assert!(b); }\n", "fn a() { }\n", ""),
        (
            "spec/a_spec.rb",
            "it 'a' do\n  expect(f).to eq 1\nend\n",
            "xit 'a' do\n  expect(f).to eq 1\nend\n",
            "tests_weakened",
        ),
        ("tests/golden.txt", "1\n", "2\n", ""),
    ],
)
def test_tests_of_other_languages(path: str, old: str, new: str, wanted: str) -> None:
    assert first(path, old, new, path) == wanted


def test_data_of_tests_that_nobody_named() -> None:
    assert codes("tests/golden.txt", "1\n", "2\n") == ["tests_changed"]
    assert codes("a/__snapshots__/b.snap", "1\n", "2\n") == ["tests_changed"]
    assert codes("tests/new.txt", None, "2\n") == []
    assert codes("a.test.js", "it('a', f)\n", "it('a', f)\nit('b', g)\n") == []
    assert codes("a.test.js", "it('a', f)\n", "it('a', g)\n") == ["tests_changed"]


@pytest.mark.parametrize(
    ("path", "files", "code"),
    [
        ("tasks.yml", ["tasks.yml"], "protected_file"),
        (".github/workflows/a.yml", [".github/workflows/a.yml"], "protected_file"),
        (".github/workflows/a.yml", [".github"], "protected_file"),
        ("b/new.py", ["*"], "outside_files"),
        ("b/new.py", ["."], "outside_files"),
        ("b/new.py", ["b/new.py"], ""),
    ],
)
@pytest.mark.parametrize("source", ["suggest", "generate"])
def test_files_that_a_model_named_lift_no_protection(path, files, code, source) -> None:
    task = Task("t", "T", prompt="p", files=tuple(files), source=source)
    found = [one.code for one in objections(Case(task, (Change(path, "x = 1\n", "x = 2\n"),)))]
    assert (code in found) if code else not found, found
