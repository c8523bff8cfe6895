"""The last resort for our own bugs, the names in early errors, and signs of life without a terminal."""

from __future__ import annotations

import io
import json
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from selfimprove.cli import app as cli
from selfimprove.cli.console import Progress
from selfimprove.cli.door import Door
from selfimprove.cli.interrupts import Interrupts
from selfimprove.errors import Interrupted
from selfimprove.model.events import Notice, StepEnded, StepStarted
from selfimprove.tools.git import repo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECRET = "sk-verysecret1234567890"


def _break(_folder: Path, _environ: Mapping[str, str]) -> None:
    raise RuntimeError(f"it broke with {SECRET}\nand a second line")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Door:
    """A door to a program whose repository plug is broken."""
    monkeypatch.setattr(repo, "open_repo", _break)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["selfimprove", "audit"])
    door = Door(environ={"OPENAI_API_KEY": SECRET})
    monkeypatch.setattr("selfimprove.cli.door._door", door)
    return door


def test_our_own_bug_is_3_with_a_report(
    broken: Door, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli._guarded(broken, ["audit"]) == 3
    err = capsys.readouterr().err
    (report,) = tmp_path.glob("selfimprove-bug-*.md")
    lines = err.strip().split("\n")
    assert len(lines) == 3 and lines[0].startswith("error: this is a fault of selfimprove: RuntimeError")
    assert lines[1] == f"  in {report}"
    text = report.read_text()
    assert "command: `audit`" in text and "Traceback" in text and "def _break" not in text
    assert SECRET not in err + text
    assert report.stat().st_mode & 0o077 == 0


def test_our_own_bug_in_json(broken: Door, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli._guarded(broken, ["audit", "--format=json"]) == 3
    document = json.loads(capfdbinary.readouterr().out)
    assert (document["exit_code"], document["error"]["code"], document["data"]) == (3, "internal", None)
    assert SECRET not in json.dumps(document)


@pytest.mark.parametrize(
    ("line", "command", "form"),
    [
        ("audit --format json", "audit", "json"),
        ("-C x tasks list -fjson", "tasks list", "json"),
        ("tasks -q --color never show a -f json", "tasks show", "json"),
        ("run --format=jsonl a", "run", "jsonl"),
        ("nope -f table", "selfimprove", "table"),
        ("tasks add a -c --format\tjson", "tasks add", "table"),
        ("", "selfimprove", "table"),
        ("config", "config", "table"),
    ],
)
def test_early_errors_know_command_and_format(line: str, command: str, form: str) -> None:
    words = line.split(" ") if line else []
    assert (cli._asked_command(cli.program(), words), cli._asked_format(words)) == (command, form)


def test_signs_of_life_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    progress = Progress(Door(environ={}), every=0.05)
    progress(StepStarted("a", "edit"))
    end = time.monotonic() + 20
    while err.getvalue().count("\n") < 3 and time.monotonic() < end:
        time.sleep(0.01)
    progress(StepEnded("a", "edit", True, "x.py +1 -0", 1.25, 0.021))
    progress.close()
    lines = err.getvalue().splitlines()
    assert lines[0].startswith("      edit       still at it after ")
    assert lines[-1] == "      edit       x.py +1 -0   1.2s   $0.0210"
    assert "\x1b" not in err.getvalue() and "\r" not in err.getvalue()


def test_quiet_keeps_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    progress = Progress(Door(environ={}, quiet=1))
    progress(Notice("just so"))
    progress(Notice("look out\x1b[2J", "warning"))
    progress.close()
    assert err.getvalue() == "warning: look out\\x1b[2J\n"


def test_an_interruption_waits_for_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupts, seen = Interrupts(), []
    interrupts.told = lambda: seen.append("told")
    with pytest.raises(Interrupted) as caught, interrupts.hold():
        interrupts._handle(signal.SIGTERM, None)
        with interrupts.hold():
            seen.append("inner")
        seen.append("saved")
    assert seen == ["told", "inner", "saved"] and caught.value.exit_code == 143
