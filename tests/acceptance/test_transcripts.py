"""Transcripts: each file in tests/transcripts is a repository and a session in it, repeated here word for word.

A file begins with lines `# file PATH`, each followed by that file's content, indented by four spaces. Then comes
the session, as a terminal shows it: `$ COMMAND` and its output; `$ echo $?` shows the exit code
of the command before. What differs from run to run is normalised on both sides: times, dates and commits; see RULES.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = sorted((Path(__file__).parents[1] / "transcripts").glob("*.txt"))
RULES = [
    (re.compile(r"\b\d+m \d\ds\b|\b\d+\.\ds\b"), "0.1s"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b"), "2026-01-31 12:00:00"),
    (re.compile(r"\b\d{8}T\d{6}\b"), "20260131T120000"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b"), "0123456"),
    (re.compile(r" +$", re.MULTILINE), ""),
]


def _normal(text: str, root: Path) -> str:
    text = text.replace(str(root), "/home/me/project")
    for pattern, word in RULES:
        text = pattern.sub(word, text)
    return text.rstrip("\n")


def _parse(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the files of the repository, and the commands with what they said."""
    head, _, session = text.partition("\n$ ")
    files: dict[str, str] = {}
    for block in re.split(r"^# file ", head, flags=re.MULTILINE)[1:]:
        name, _, body = block.partition("\n")
        files[name] = re.sub(r"^ {4}", "", body, flags=re.MULTILINE).rstrip("\n") + "\n"
    turns = [turn.partition("\n") for turn in session.split("\n$ ")]
    return files, [(command, said) for command, _, said in turns]


def _said(here: Any, turns: list[tuple[str, str]]) -> Iterator[str]:
    code = 0
    for command, _ in turns:
        if command == "echo $?":
            yield str(code)
            continue
        line = re.sub(r"(?:^|(?<= ))selfimprove(?= )", f"{sys.executable} -m selfimprove", command)
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=here.root,
            env=here.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        code = done.returncode
        yield done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_transcript(project: Callable[..., Any], file: Path, request: pytest.FixtureRequest) -> None:
    files, turns = _parse(file.read_text(encoding="utf-8"))
    here = project(files)
    for (command, expected), said in zip(turns, _said(here, turns), strict=True):
        assert _normal(said, here.root) == _normal(expected, here.root), f"$ {command}"


def test_there_are_transcripts() -> None:
    assert len(FILES) >= 3
