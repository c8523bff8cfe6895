"""Broken tasks.yml, config and .env files: exit 2, three lines that name the place, and nothing is changed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OK = "- id: fine\n  command: 'true'\n"

# name: (what tasks.yml holds, the line that the error must name or None, words that it must hold)
TASKS: dict[str, tuple[str | bytes, int | None, str]] = {
    "text": ("just some words\n", 1, "not a list of tasks"),
    "number": ("42\n", 1, "hint"),
    "mapping without tasks": ("a: 1\nb: 2\n", 1, "tasks"),
    "tasks is text": ("tasks: yes please\n", 1, "list"),
    "task is text": (OK + "- fine too\n", 3, "mapping"),
    "task is a list": (OK + "- [a, b]\n", 3, "mapping"),
    "no id": (OK + "- command: 'true'\n", 3, "id"),
    "id is a list": ("- id: [a]\n  command: 'true'\n", 1, "id"),
    "id is empty": ("- id: ''\n  command: 'true'\n", 1, "id"),
    "neither command nor prompt": ("- id: a\n", 1, "prompt"),
    "command and prompt": ("- id: a\n  command: b\n  prompt: c\n", None, "prompt"),
    "unknown key": ("- id: a\n  comand: 'true'\n", 2, "command"),
    "unknown status": ("- id: a\n  command: b\n  status: doing\n", 3, "status"),
    "status nearest": ("- id: a\n  command: b\n  status: pendign\n", 3, "pending"),
    "cost is text": ("- id: a\n  command: b\n  cost: a lot\n", 3, "cost"),
    "cost is negative": ("- id: a\n  command: b\n  cost: -1\n", 3, "cost"),
    "cost is not a number": ("- id: a\n  command: b\n  cost: .nan\n", None, "cost"),
    "priority is text": ("- id: a\n  command: b\n  priority: high\n", 3, "priority"),
    "dependencies is a mapping": ("- id: a\n  command: b\n  dependencies: {c: d}\n", 3, "dependencies"),
    "max_retries": ("- id: a\n  prompt: b\n  max_retries: -3\n", 3, "max_retries"),
    "tab": ("- id: a\n\tcommand: b\n", 2, "tab"),
    "duplicate key": ("- id: a\n  command: b\n  command: c\n", 3, "twice"),
    "duplicate id": (OK + OK, 3, "fine"),
    "needs itself": ("- id: a\n  command: b\n  dependencies: [a]\n", 1, "a -> a"),
    "circle": (
        OK + "".join(f"- id: {a}\n  command: b\n  dependencies: [{b}]\n" for a, b in ("xy", "yz", "zx")),
        3,
        "x -> y -> z -> x",
    ),
    "unknown dependency": (OK + "- id: b\n  command: c\n  dependencies: [fien]\n", 3, 'did you mean "fine"?'),
    "half written": ("- id: a\n  command: 'tru", 2, "hint"),
    "half a list": ("- id: a\n  dependencies: [b, c", 2, "hint"),
    "open mapping": ("tasks: {", 1, "hint"),
    "nul": (b"- id: a\0b\n  command: c\n", 1, "hint"),
    "utf-16": (("- id: a\n  command: b\n").encode("utf-16"), None, "UTF-8"),
    "latin-1": (b"- id: a\n  command: echo gr\xfc\xdfe\n", 2, "UTF-8"),
    "control character": (b"- id: a\n  command: b\x1b[31mc\n", 2, "hint"),
    "custom tag": ("- !!python/object/apply:os.system ['echo pwned > pwned']\n", 1, "hint"),
    "own tag": ("- id: !secret a\n  command: b\n", 1, "hint"),
    "unknown alias": ("- id: *nobody\n  command: b\n", 1, "hint"),
    "two documents": (OK + "---\n" + OK, None, "hint"),
    "deep": ("[" * 100_000, None, "hint"),
    "bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "tasks: *i\n",
        None,
        "hint",
    ),
    "garbage of 10 MB": (os.urandom(10_000_000), None, "hint"),
    "10 MB of text": ("lorem ipsum\n" * 900_000, None, "hint"),
    "json": ('[{"id": "a", "command": }]', 1, "hint"),
}

# name: (what .selfimprove/config.yaml holds, the line, words)
CONFIGS: dict[str, tuple[str | bytes, int | None, str]] = {
    "unknown section": ("selfimprove:\n  budgte: {units: 1}\n", 2, "budget"),
    "unknown key": ("selfimprove:\n  budget:\n    unit: 3\n", 3, "units"),
    "wrong type": ("selfimprove:\n  budget:\n    units: many\n", 3, "units"),
    "list for a section": ("selfimprove:\n  budget: [1]\n", 2, "budget"),
    "a list": ("- a\n", None, "hint"),
    "tab": ("selfimprove:\n\tbudget: {}\n", 2, "hint"),
    "duplicate key": ("selfimprove:\n  budget:\n    units: 3\n    units: 4\n", 4, "units"),
    "half written": ("selfimprove:\n  budget: {units: 3", 2, "hint"),
    "nul": (b"selfimprove:\n  bud\0get: {}\n", None, "hint"),
    "utf-16": ("selfimprove:\n  budget: {}\n".encode("utf-16"), None, "hint"),
    "custom tag": ("selfimprove: !!python/object/apply:os.getcwd []\n", 1, "hint"),
    "deep": ("selfimprove: " + "[" * 100_000, None, "hint"),
    "secret": ("selfimprove:\n  llm:\n    api_key: sk-1234567890abcdef\n", 3, "hint"),
}

ENVIRONMENTS: dict[str, tuple[dict[str, str], str]] = {
    "unknown variable": ({"SELFIMPROVE_BUDGET__UNIT": "3"}, "SELFIMPROVE_BUDGET__UNITS"),
    "unknown section": ({"SELFIMPROVE_LMM__MODEL": "x"}, "SELFIMPROVE_LLM__MODEL"),
    "wrong type": ({"SELFIMPROVE_BUDGET__UNITS": "many"}, "SELFIMPROVE_BUDGET__UNITS"),
}

# A .env is shared with other programs: what is not for us is a warning at most, what is must be right.
DOTENVS: dict[str, tuple[str | bytes, int, str]] = {
    "no equals sign": ("FINE=1\nwhat is this\n", 0, ".env:2"),
    "unknown setting": ("SELFIMPROVE_BUDGET__UNIT=3\n", 2, "SELFIMPROVE_BUDGET__UNITS"),
    "wrong type": ("A=1\nSELFIMPROVE_BUDGET__UNITS=many\n", 2, ".env:2"),
    "open quote": ('A="half\n', 0, ".env:1"),
    "not utf-8": (b"A=\xff\xfe\n", 0, ""),
}

UNPLANNABLE = ("needs itself", "circle", "unknown dependency", "cost is not a number")
PLANNERS = (("plan",), ("plan", "--dry-run"), ("run",))
COMMANDS = (("audit",), ("plan",), ("plan", "--dry-run"), ("run",), ("tasks", "list"), ("status",))


def _refused(result: Any, name: str, line: int | None, words: str) -> None:
    """Check for exit 2 and three lines: what, where with file and line, what next."""
    assert result.code == 2, (result.code, result.out[:500], result.err[:500])
    assert result.out == ""
    lines = result.err.rstrip("\n").split("\n")
    assert len(lines) == 3, result.err[:1000]
    assert (
        re.match(r"error: \S", lines[0]) and lines[1].startswith("  in ") and re.match(r"hint: \S", lines[2])
    )
    assert all(len(one) < 500 for one in lines), result.err[:1500]
    assert name in lines[1], lines
    if line is not None:
        assert re.search(rf":{line}(:\d+)?\b", lines[1]), lines
    assert words in result.err, lines


def _tree(root: Path) -> dict[str, bytes]:
    """Return every file under ``root``, with that of .git and .selfimprove."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", TASKS)
def test_broken_tasks(project: Callable[..., Any], name: str) -> None:
    data, line, words = TASKS[name]
    here = project({"a.py": "x = 1\n"})
    here.write("tasks.yml", data)
    before = _tree(here.root)
    command = (
        PLANNERS[len(name) % 3] if name in UNPLANNABLE else COMMANDS[list(TASKS).index(name) % len(COMMANDS)]
    )
    _refused(here.run(*command), "tasks.yml", line, words)
    assert _tree(here.root) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["unknown dependency", "half written"])
def test_every_command_refuses(project: Callable[..., Any], name: str, command: tuple[str, ...]) -> None:
    data, line, words = TASKS[name]
    here = project({"a.py": "x = 1\n"})
    here.write("tasks.yml", data)
    if name == "unknown dependency" and command[0] in ("audit", "tasks", "status"):
        assert here.run(*command).code == 0  # they read the list; only planning needs it to go together
    else:
        _refused(here.run(*command), "tasks.yml", line, words)


@pytest.mark.parametrize("name", CONFIGS)
def test_broken_config(project: Callable[..., Any], name: str) -> None:
    data, line, words = CONFIGS[name]
    here = project({"a.py": "x = 1\n"})
    here.write(".selfimprove/config.yaml", data)
    before = _tree(here.root)
    command = COMMANDS[list(CONFIGS).index(name) % len(COMMANDS)]
    result = here.run(*command)
    _refused(result, "config.yaml", line, words)
    assert "sk-1234567890abcdef" not in result.err
    assert _tree(here.root) == before


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_broken_environment(project: Callable[..., Any], name: str) -> None:
    env, words = ENVIRONMENTS[name]
    _refused(project().run("status", env=env), "", None, words)


@pytest.mark.parametrize("name", DOTENVS)
def test_broken_dotenv(project: Callable[..., Any], name: str) -> None:
    data, code, words = DOTENVS[name]
    here = project()
    here.write(".env", data)
    before = _tree(here.root)
    result = here.run("plan", "--dry-run", check=code)
    assert words in result.err
    if code:
        _refused(result, ".env", None, words)
    assert _tree(here.root) == before


@pytest.mark.parametrize("name", ["tasks.yml", ".selfimprove/config.yaml"])
def test_folder_in_its_place(project: Callable[..., Any], name: str) -> None:
    here = project()
    (here.root / name).mkdir(parents=True)
    _refused(here.run("plan"), name, None, "hint")


@pytest.mark.parametrize("name", ["tasks.yml", ".selfimprove/config.yaml", ".env"])
def test_no_permission(project: Callable[..., Any], name: str, tmp_path: Path) -> None:
    here = project({"a.py": "x = 1\n"})
    file = here.write(name, OK if name == "tasks.yml" else "")
    file.chmod(0)
    argv = [sys.executable, "-m", "selfimprove", "plan"]
    if os.geteuid() == 0:
        for folder in [*tmp_path.parents][:-2]:
            if folder.stat().st_mode & 0o5 != 0o5:
                folder.chmod(folder.stat().st_mode | 0o5)
        subprocess.run(["chown", "-R", "65534:65534", str(tmp_path)], check=True)
        tmp_path.chmod(0o755)
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
    done = subprocess.run(
        argv, cwd=here.root, env=here.env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    done.code, done.out, done.err = done.returncode, done.stdout, done.stderr  # type: ignore[attr-defined]
    _refused(done, name, None, "ermission")
    assert not (here.root / ".selfimprove/state.db").exists()


def test_json_of_a_broken_file(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": "- id: a\n  comand: x\n"})
    for command in COMMANDS:
        result = here.run(*command, "--format", "json", check=2)
        document = json.loads(result.out)
        assert document["data"] is None and not document["ok"]
        assert document["error"]["code"] == "tasks_invalid"
        assert document["error"]["where"].endswith("tasks.yml:2")


def test_not_a_repository(project: Callable[..., Any], tmp_path: Path) -> None:
    here = project()
    for folder, words in ((tmp_path, "git init"), (tmp_path / "nowhere", "folder")):
        _refused(here.run("audit", "-C", str(folder)), str(folder), None, words)
    (tmp_path / "file").write_text("x")
    _refused(here.run("audit", "-C", str(tmp_path / "file")), "file", None, "folder")


def test_a_state_database_that_is_not_ours(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": OK})
    here.write(".selfimprove/state.db", b"this is no database, but somebody's notes\n" * 40)
    before = _tree(here.root)
    for command in ("plan", "run", "status", "history"):
        _refused(here.run(command), "state.db", None, "hint")
    assert {name: data for name, data in _tree(here.root).items() if name in before} == before
