"""A terminal and everything else: colour, width, live line, closed and narrow streams, readers that leave."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.cli.console import Progress
from selfimprove.cli.door import Door
from selfimprove.model.events import StepStarted

if TYPE_CHECKING:
    from collections.abc import Callable

TANGLED = "def tangled(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(1, 17))
LONG_NAME = "src/" + "a_very_long_module_name_" * 5 + ".py"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def _terminal(
    here: Any, *words: str, env: dict[str, str] | None = None, columns: int = 60, typed: str = ""
) -> str:
    """Run the command in a terminal of its own and return what the screen was sent."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "selfimprove", *words],
        cwd=here.root,
        env=here.env | (env or {}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        close_fds=True,
    )
    os.close(follower)
    os.write(leader, typed.encode())
    screen = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:  # how Linux says that the other side is gone
            break
        if not data:
            break
        screen += data
    process.wait()
    os.close(leader)
    return screen.decode()


def test_a_terminal_gets_colour_and_a_table_that_fits(project: Callable[..., Any]) -> None:
    here = project({LONG_NAME: TANGLED})
    screen = _terminal(here, "audit")
    assert "\x1b[33m" in screen and "…" in screen
    rows = re.sub(r"\x1b\[[0-9;]*m", "", screen).replace("\r", "").split("\n")
    assert len(rows[0]) <= 60 and "complexity 17, limit 15" in rows[0]
    plain = here.run("audit").out
    assert LONG_NAME in plain and not CONTROL.search(plain)


@pytest.mark.parametrize(
    ("env", "words", "colour"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": ""}, [], True),
        ({"TERM": "dumb"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({}, ["--color", "never"], False),
        ({"FORCE_COLOR": "1"}, ["--color=never"], False),
    ],
)
def test_colour_in_a_terminal(
    project: Callable[..., Any], env: dict[str, str], words: list[str], colour: bool
) -> None:
    screen = _terminal(project({"a.py": TANGLED}), "audit", *words, env=env)
    assert ("\x1b[" in screen) is colour


@pytest.mark.parametrize(
    ("env", "words", "colour"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "0"}, [], False),
        ({}, ["--color", "always"], True),
        ({"TERM": "dumb"}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
    ],
)
def test_colour_in_a_pipe(
    project: Callable[..., Any], env: dict[str, str], words: list[str], colour: bool
) -> None:
    here = project({LONG_NAME: TANGLED})
    result = here.run(*words, "audit", env=env)
    assert ("\x1b[" in result.out) is colour
    assert LONG_NAME in result.out
    wrong = here.run("audit", "nope", *words, env=env)
    assert ("\x1b[" in wrong.err) is colour


def test_a_live_line_in_a_terminal_and_lines_elsewhere(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": "- id: slow\n  command: sleep 1\n- id: bad\n  command: exit 3\n"})
    screen = _terminal(here, "run", "--no-audit")
    assert (
        "\r\x1b[2K      command" in screen
        and "\x1b[32m    ✓ done" in screen
        and "\x1b[31m    ✗ failed" in screen
    )
    dumb = project({"tasks.yml": "- id: slow\n  command: sleep 1\n"})
    assert "\x1b" not in _terminal(dumb, "run", "--no-audit", env={"TERM": "dumb"})
    here.run("tasks", "retry", "slow", "bad", check=0)
    result = here.run("run", "--no-audit", check=1)
    assert not CONTROL.search(result.err) and not CONTROL.search(result.out)
    assert result.err.count("[1/2] slow") == 1


def test_nothing_is_written_over_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    door = Door({"TERM": "xterm"})
    progress = Progress(door)
    progress(StepStarted("a-task", "review"))
    while "review" not in screen.getvalue():
        time.sleep(0.01)
    door.asking = True
    time.sleep(0.3)  # a beat that had begun may end
    asked = screen.getvalue()
    time.sleep(0.5)
    assert screen.getvalue() == asked
    progress.close()


def test_names_cannot_steer_the_terminal(project: Callable[..., Any]) -> None:
    here = project(
        {"a\x1b[31mb.py": TANGLED, "tasks.yml": '- id: x\n  title: "\\e]0;owned\\a"\n  command: "true"\n'}
    )
    for words in (["audit"], ["tasks", "list"], ["run"], ["plan"], ["tasks", "show", "\x1b[2Jnope"]):
        screen = _terminal(here, *words, env={"NO_COLOR": "1", "TERM": "dumb"})
        assert "\x1b" not in screen and "\a" not in screen, words


def test_init_asks_once_in_a_terminal(project: Callable[..., Any]) -> None:
    here = project()
    screen = _terminal(here, "init", typed="n\n")
    assert screen.count("[Y/n]") == 1 and not (here.root / "tasks.yml").exists()
    assert "error: interrupted" in screen
    assert "[Y/n]" not in _terminal(here, "init", "--no-input")
    assert (here.root / "tasks.yml").exists()


@pytest.mark.parametrize(
    "words", ["config show", "audit --format json", "--help", "run --help", "tasks list"]
)
def test_a_reader_that_leaves(project: Callable[..., Any], words: str) -> None:
    here = project(
        {"a.py": TANGLED, "tasks.yml": "".join(f"- id: t{n}\n  command: 'true'\n" for n in range(3000))}
    )
    line = f"{sys.executable} -m selfimprove {words} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=here.root, env=here.env, capture_output=True, text=True)
    assert done.stderr == "" and done.returncode in (0, 1) and done.stdout.count("\n") == 1


def test_nobody_reading_the_progress_does_not_stop_the_work(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": "".join(f"- id: t{n}\n  command: 'true'\n" for n in range(5))})
    line = f"{sys.executable} -m selfimprove run --no-audit 2>&1 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=here.root, env=here.env, capture_output=True, text=True)
    assert done.returncode == 0
    assert here.run("status").out.startswith("tasks   5 done")


def test_closed_streams(project: Callable[..., Any]) -> None:
    here = project({"a.py": TANGLED, "tasks.yml": "- id: t\n  command: echo hi\n"})
    for redirect, code in (
        ("audit >&-", 1),
        ("audit 2>&-", 1),
        ("audit nope 2>&-", 2),
        ("run --no-audit >&- 2>&- <&-", 0),
        ("status <&-", 0),
        ("--version >&-", 0),
        ("audit > /dev/full", 2),
    ):
        line = f"{sys.executable} -m selfimprove {redirect}"
        done = subprocess.run(
            ["bash", "-c", line], cwd=here.root, env=here.env, capture_output=True, text=True
        )
        assert done.returncode == code, (redirect, done)
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert here.run("status", check=0).out.startswith("tasks   1 done")
    assert "done" in here.run("history", check=0).out


@pytest.mark.parametrize(
    "env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_narrow_encoding(project: Callable[..., Any], env: dict[str, str]) -> None:
    title = "Größe ✓ 漢字"
    here = project({"tasks.yml": f"- id: größe\n  title: {title}\n  command: echo Größe; exit 1\n"})
    assert "Gr\\xf6\\xdfe" in here.run("tasks", "list", env=env, check=0).out
    assert (
        json.loads(here.run("tasks", "list", "-f", "json", env=env).out)["data"]["tasks"][0]["title"] == title
    )
    here.run("doctor", env=env, check=0)
    if "LC_ALL" not in env:  # else not even a program's arguments can hold it
        assert "Gr\\xf6\\xdfe" in here.run("run", env=env, check=1).err
    assert here.run("tasks", "list").out.count(title) == 1
