"""Runners other than pytest, as they are installed here: found, run without a network, and read test by test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from conftest import Project
from executor_rig import block, do, prompt

Make = Callable[..., Project]

NODE = {
    "m.js": "exports.one = () => 1\nexports.five = () => 5\n",
    "m.test.js": (
        "const { test } = require('node:test'); const assert = require('assert')\n"
        "const { one, five } = require('./m')\n"
        "test('one is not three', () => assert.notStrictEqual(one(), 3))\n"
        "test('five', () => assert.strictEqual(five(), 5))\n"
        "test('known', () => assert.strictEqual(five(), 6))\n"
    ),
    "package.json": '{"name": "m", "version": "1.0.0", "scripts": {"test": "node --test"}}\n',
}
UNITTEST = {
    "m.py": "def one():\n    return 1\n",
    "test_m.py": (
        "import unittest\nimport m\n\n\nclass Sums(unittest.TestCase):\n    def test_one(self):\n"
        "        self.assertNotEqual(m.one(), 3)\n\n    def test_known(self):\n        self.fail('known')\n\n"
        "    def test_fine(self):\n        pass\n"
    ),
}
CARGO = {
    "Cargo.toml": '[package]\nname = "m"\nversion = "0.1.0"\nedition = "2021"\n',
    ".gitignore": "target\nCargo.lock\n",
    "src/lib.rs": (
        "pub fn one() -> i32 {\n    1\n}\n\n#[test]\nfn one_is_not_three() {\n    assert_ne!(one(), 3);\n}\n\n"
        "#[test]\nfn fine() {}\n\n#[test]\nfn known() {\n    assert_eq!(5, 6);\n}\n"
    ),
}


def change(path: str, form: str, old: int, new: int) -> str:
    """The reply that puts another number into ``form``."""
    return f"COMMIT: Say {new}\n" + block(path, form.format(old), form.format(new))


def proved(made: Project, path: str, form: str, *, said: tuple[str, ...], **fields: str) -> None:
    """A change to 3 is red, with a useful text; one to 2 is green although one test failed before."""
    replies = {"one": change(path, form, 1, 3), "two": change(path, form, 1, 2)}
    tasks = [prompt("one", files=[path], max_retries=0, **fields), prompt("two", files=[path], **fields)]
    done = do(made, tasks, replies)
    red = done.outcomes["one"]["checks"][0]
    assert red["summary"] == "1 failed, 1 passed, 1 failed before too", (red, done.err)
    for words in said:
        assert words in red["detail"]
    assert len(red["detail"]) < 900
    green = done.outcomes["two"]["checks"][0]
    assert green["summary"] == "2 passed, 1 failed before too"
    assert done.outcomes["two"]["status"] == "done"


def test_node_by_npm(project: Make) -> None:
    said = ("one is not three", "m.test.js:3", "unequal to: 3")
    proved(project(NODE), "m.js", "exports.one = () => {}\n", said=said)


def test_cargo_also_where_the_person_has_built_before(project: Make) -> None:
    made = project(CARGO)
    made.write("target/debug/old", "built")
    home = Path.home()  # the person's own toolchain is not in the home folder that tests get
    made.more.update(RUSTUP_HOME=str(home / ".rustup"), CARGO_HOME=str(home / ".cargo"))
    said = ("one_is_not_three", "src/lib.rs:7", "right: 3")
    proved(made, "src/lib.rs", "    {}\n", said=said)


def test_unittest_where_a_person_wrote_it_down(project: Make) -> None:
    said = ("test_m.Sums.test_one", "3 == 3", "test_m.py:7")
    command = "python3 -m unittest"
    proved(project(UNITTEST), "m.py", "    return {}\n", said=said, test_command=command)


def test_make_that_runs_pytest(project: Make) -> None:
    tests = "import m\n\n\ndef test_one():\n    assert m.one() != 3\n\n\ndef test_fine():\n    pass\n\n\n"
    tests += "def test_known():\n    assert 5 == 6\n"
    # The tests' names do not tell what they are, so that it is the Makefile that is found.
    makefile = "test:\n\tpython3 -m pytest -q checks.py\n"
    made = project({"m.py": UNITTEST["m.py"], "checks.py": tests, "Makefile": makefile})
    proved(made, "m.py", "    return {}\n", said=("checks.py::test_one", "assert 3 != 3"))


def test_what_cannot_be_run_stops_before_a_model_is_asked(project: Make, tmp_path: Path) -> None:
    made = project({"Gemfile": "", ".rspec": "--color\n", "m.py": "def one():\n    return 1\n"})
    # A PATH on which there is surely no bundle.
    (tmp_path / "few").mkdir()
    for name in ("git", "bwrap", "prlimit", "sh"):
        (tmp_path / "few" / name).symlink_to(str(shutil.which(name)))
    env = {"PATH": str(tmp_path / "few")}
    done = do(made, [prompt("one")], {"one": change("m.py", "    return {}\n", 1, 2)}, env=env)
    assert done.reason("one") == (
        "this repository is tested by `bundle exec rspec`, and bundle was not found: "
        "install it for the project, or set check.test_command"
    )
    assert done.outcomes["one"]["attempts"] <= 1
