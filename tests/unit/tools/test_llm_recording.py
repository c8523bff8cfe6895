"""Recordings: every reply comes back from the file as it was, whoever wrote there at the same time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfimprove.errors import ConfigError
from selfimprove.tools.llm.client import Ask, Message, Reply
from selfimprove.tools.llm.recording import Recorder
from selfimprove.tools.llm.scripted_backend import ScriptedBackend


def ask(task="t", purpose="edit", attempt=1):
    return Ask((Message("user", "x"),), purpose, task, attempt)


def reply(text):
    return Reply(text, "m", 1, 1, None, 0.0, "stop")


TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    " \t\n\r-|>#:'\"x\x85\u2028\ufeff\x00", max_size=12
)


@given(st.lists(TEXTS.filter(str.strip), min_size=1, max_size=5), st.text("ab*[]? é", min_size=1))
def test_what_is_recorded_is_replayed(tmp_path_factory, texts, task):
    path = tmp_path_factory.mktemp("r") / "replies.yml"
    recorder = Recorder(path)
    for attempt, text in enumerate(texts, 1):
        recorder.add(ask(task, "edit", attempt), reply(text))
        recorder.add(ask(task, "edit", attempt), reply(text))
    backend = ScriptedBackend(path)
    for attempt, text in enumerate(texts, 1):
        assert backend.ask(ask(task, "edit", attempt)).text == text
        assert backend.worst_case(ask(task, "other", attempt))[0] == 0


def test_a_reply_reads_as_its_own_lines(tmp_path):
    Recorder(tmp_path / "r.yml").add(ask(), reply("COMMIT: x\n\n\tif a:\n        b\n"))
    assert (
        "reply: |2+\n      COMMIT: x\n\n      \tif a:\n              b\n" in (tmp_path / "r.yml").read_text()
    )


def test_the_last_recording_of_an_attempt_counts_and_a_file_goes_on(tmp_path):
    for text in ("old", "new"):
        Recorder(tmp_path / "r.yml").add(ask(), reply(text))
    assert ScriptedBackend(tmp_path / "r.yml").ask(ask()).text == "new"


def test_threads_and_processes_share_a_file(tmp_path):
    recorders = [Recorder(tmp_path / "r.yml") for _ in range(4)]
    threads = [
        threading.Thread(
            target=lambda one, number: [
                one.add(ask(f"{number}-{n}"), reply(f"{number}\n{n}")) for n in range(40)
            ],
            args=(one, number),
        )
        for number, one in enumerate(recorders)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backend = ScriptedBackend(tmp_path / "r.yml")
    assert all(backend.ask(ask(f"{a}-{b}")).text == f"{a}\n{b}" for a in range(4) for b in range(40))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_file_that_cannot_be_written_is_said_at_once(tmp_path):
    os.symlink("/dev/full", tmp_path / "full.yml")
    for name in ("full.yml", "."):
        with pytest.raises(ConfigError, match="recording cannot be written"):
            Recorder(tmp_path / name)
