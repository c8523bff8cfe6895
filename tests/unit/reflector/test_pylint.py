"""The real pylint, run on real files: what it says becomes findings, and what goes wrong a note."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from selfimprove.errors import MissingTool
from selfimprove.model.finding import Severity
from selfimprove.reflector.pylint import Linted, run_pylint
from selfimprove.tools.shell.sandbox import Sandbox, find_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EVERY = ("convention", "refactor", "warning", "error", "fatal")
CODE = '''"""Doc."""
import os


class K:
    """Doc."""

    def m(self):
        """Doc."""
        x = 1
        y = 2
        return undefined
'''


@pytest.fixture
def sandbox(clean_env: dict[str, str]) -> Sandbox:
    try:
        return find_sandbox("auto", clean_env)
    except MissingTool as error:
        pytest.skip(error.message)


@pytest.fixture
def lint(tmp_path: Path, clean_env: dict[str, str]) -> Callable[..., Linted]:
    root = tmp_path / "repo"

    def run(files: Mapping[str, str], categories: tuple[str, ...] = EVERY, **more: object) -> Linted:
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        asked = more.pop("asked", [name for name in files if name.endswith(".py")])
        given = {"environ": clean_env, "python": sys.executable} | more
        return run_pylint(root, asked, categories, **given)  # type: ignore[arg-type]

    return run


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")
    }


def brief(linted: Linted) -> list[tuple[object, ...]]:
    return [(one.rule, one.value, one.symbol, one.line, one.severity) for one in linted.findings]


def test_messages_become_findings_by_category(lint: Callable[..., Linted]) -> None:
    found = lint({"pkg/mod.py": CODE, "pkg/__init__.py": ""})
    assert brief(found) == [
        ("SI303", "W0611", "", 2, Severity.WARNING),
        ("SI302", "R0903", "K", 5, Severity.NOTE),
        ("SI303", "W0612", "K.m", 10, Severity.WARNING),
        ("SI303", "W0612", "K.m", 11, Severity.WARNING),
        ("SI304", "E0602", "K.m", 12, Severity.ERROR),
    ]
    assert found.findings[2].message == "Unused variable 'x' (unused-variable, W0612)"
    assert len({one.fingerprint for one in found.findings}) == 5
    assert found.looked_at == {"pkg/mod.py", "pkg/__init__.py"}
    assert brief(lint({"pkg/mod.py": CODE}, ("error",))) == [("SI304", "E0602", "K.m", 12, Severity.ERROR)]
    assert lint({"pkg/mod.py": CODE}, ()) == Linted([], [])


def test_fingerprints_stay_when_lines_move_and_other_messages_go(lint: Callable[..., Linted]) -> None:
    before = {one.message: one.fingerprint for one in lint({"a.py": CODE}).findings}
    now = CODE.replace('"""Doc."""\nimport os', '"""Doc."""\n\n\n').replace("        x = 1\n", "")
    after = {one.message: one.fingerprint for one in lint({"a.py": now}).findings}
    assert len(after) == 3
    assert after.items() <= before.items()


def test_what_cannot_be_parsed_and_odd_names(lint: Callable[..., Linted]) -> None:
    names = ["two words.py", "two\nlines.py", "-x.py", "ünï.py", "bad.py"]
    found = lint(
        dict.fromkeys(names[:4], '"""Doc."""\nimport os\n') | {"bad.py": "def f(:\n"}, ("warning", "error")
    )
    assert {(one.path, one.value) for one in found.findings} == {
        *((name, "W0611") for name in names[:4]),
        ("ünï.py", "W2402"),
        ("bad.py", "E0001"),
    }


def test_files_that_are_gone_are_no_findings(lint: Callable[..., Linted]) -> None:
    found = lint({"a.py": '"""Doc."""\n'}, asked=["a.py", "gone.py", "folder.py/", "text.txt"])
    assert found.findings == []
    assert found.looked_at == {"a.py"}


HOSTILE = """[MAIN]
init-hook=open("init-hook-ran", "w").close()
load-plugins=evil
"""
EVIL = 'open("plugin-ran", "w").close()\n\n\ndef register(_linter):\n    """Doc."""\n'


def test_without_a_sandbox_code_in_the_configuration_does_not_run(
    lint: Callable[..., Linted], tmp_path: Path
) -> None:
    files = {"pylintrc": HOSTILE, "evil.py": EVIL, "pylint.py": "raise SystemExit('mine')\n", "a.py": CODE}
    found = lint(files, ("error",), asked=["a.py"])
    assert [one.value for one in found.findings] == ["E0602"]
    assert found.notes == [
        "pylint ran without the project's configuration, which may hold code: there is no sandbox"
    ]
    assert set(tree(tmp_path / "repo")) == set(files)


def test_in_the_sandbox_the_configuration_counts_and_the_tree_is_read_only(
    lint: Callable[..., Linted], sandbox: Sandbox, tmp_path: Path
) -> None:
    files = {
        "pylintrc": "[MAIN]\ninit-hook=import sys\n[MESSAGES CONTROL]\ndisable=unused-variable\n",
        "a.py": CODE,
    }
    found = lint(files, ("warning",), sandbox=sandbox, jobs=2)
    assert brief(found) == [("SI303", "W0611", "", 2, Severity.WARNING)]
    assert found.notes == []
    assert set(tree(tmp_path / "repo")) == set(files)

    (tmp_path / "repo/pylintrc").write_text(HOSTILE)
    found = lint({"evil.py": EVIL, "b.py": CODE}, ("error",), sandbox=sandbox, asked=["b.py"])
    assert set(tree(tmp_path / "repo")) == {*files, "evil.py", "b.py"}
    assert found.looked_at == frozenset()
    assert "Read-only file system" in found.notes[0]


def test_a_wrong_configuration_is_told(lint: Callable[..., Linted], sandbox: Sandbox) -> None:
    wrong = "[MAIN]\nno-such-option=1\nload-plugins=no_such_plugin\n"
    found = lint({"pylintrc": wrong, "a.py": CODE}, ("error",), sandbox=sandbox)
    assert [one.value for one in found.findings] == ["E0602"]
    assert any("no-such-option" in note for note in found.notes)
    assert any("no_such_plugin" in note for note in found.notes)

    found = lint({"pylintrc": "[MAIN]\njobs=many\n", "a.py": CODE}, ("error",), sandbox=sandbox)
    assert found.findings == []
    assert found.looked_at == frozenset()
    assert found.notes[0].startswith("pylint could not start: ")


def test_nothing_is_written_into_the_home(
    lint: Callable[..., Linted], clean_env: dict[str, str], tmp_path: Path
) -> None:
    lint({"a.py": CODE})
    assert tree(Path(clean_env["HOME"])) == {}
    assert set(tree(tmp_path / "repo")) == {"a.py"}


def test_a_time_limit(lint: Callable[..., Linted]) -> None:
    found = lint({"a.py": CODE}, seconds=0.01)
    assert found.findings == []
    assert found.notes[0] == "pylint took too long and was stopped"
    assert found.notes[-1] == "pylint did not look at 1 of 1 files"


def test_one_file_that_breaks_pylint_spoils_no_other(lint: Callable[..., Linted], tmp_path: Path) -> None:
    """A real interpreter runs the real pylint, and dies of a signal when it is given one of the files."""
    broken = tmp_path / "python"
    words = 'case "$*" in *bad.py*) kill -SEGV $$;; esac'
    broken.write_text(f'#!/bin/sh\n{words}\nexec {sys.executable} "$@"\n')
    broken.chmod(0o755)
    files = dict.fromkeys(("a.py", "b.py", "bad.py", "c.py"), CODE)
    found = lint(files, ("error",), python=str(broken))
    assert [one.path for one in found.findings] == ["a.py", "b.py", "c.py"]
    assert found.notes[0].startswith("pylint broke at bad.py: ")


def test_a_configuration_that_breaks_pylint_is_not_tried_on_every_file(
    lint: Callable[..., Linted], sandbox: Sandbox
) -> None:
    files = {f"m{number}.py": CODE for number in range(64)}
    found = lint({"pylintrc": "[MAIN]\ninit-hook=1 +\n"} | files, ("error",), sandbox=sandbox)
    assert [note.partition(": ")[2] for note in found.notes[:3]] == ["SyntaxError: invalid syntax"] * 3
    assert found.notes[3:] == ["pylint did not look at 64 of 64 files"]


def test_imports_are_checked_only_in_the_project_s_own_environment(
    lint: Callable[..., Linted], clean_env: dict[str, str]
) -> None:
    files = {"a.py": '"""Doc."""\nimport no_such_thing_anywhere as _\n'}
    foreign = clean_env | {"PATH": str(Path(sys.executable).parent)}
    found = lint(files, ("error",), python=None, environ=foreign)
    assert found.findings == []
    assert any(note.startswith("pylint did not check imports") for note in found.notes)
    found = lint(files, ("error",), python=None, environ=foreign | {"VIRTUAL_ENV": sys.prefix})
    assert [one.value for one in found.findings] == ["E0401"]


def test_pylint_that_is_missing(
    lint: Callable[..., Linted], clean_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    monkeypatch.setitem(sys.modules, "pylint", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    environ = clean_env | {"PATH": os.devnull}
    found = lint({"a.py": CODE}, environ=environ, python=None)
    assert found.notes == [
        'pylint is not installed, so SI301 to SI305 were not looked for: pip install "selfimprove[pylint]"'
    ]
    with pytest.raises(MissingTool, match="pylint is not installed"):
        lint({"a.py": CODE}, environ=environ, python=None, required=True)
