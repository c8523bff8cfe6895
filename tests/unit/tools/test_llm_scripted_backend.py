"""Recorded replies: which one is given, the same one in a second run, and what is said of a broken file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import openai_server
from selfimprove.errors import ConfigError, LLMError
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.client import LLM, Ask, Message
from selfimprove.tools.llm.litellm_backend import LitellmBackend
from selfimprove.tools.llm.scripted_backend import ScriptedBackend

REPLIES = """\
replies:
  - task: refactor-*
    purpose: edit
    reply: |
      first edit
  - task: refactor-*
    purpose: edit
    reply_file: second.txt
  - purpose: review
    contains: def tax
    reply: "9"
  - purpose: review
    reply: "3"
"""


def ask(task="refactor-tax", purpose="edit", attempt=1, text="please"):
    return Ask((Message("system", "s"), Message("user", text)), purpose, task, attempt)


@pytest.fixture
def replies(tmp_path):
    (tmp_path / "second.txt").write_text("second edit, ä\n", encoding="utf-8")
    path = tmp_path / "replies.yml"
    path.write_text(REPLIES, encoding="utf-8")
    return path


def test_the_attempt_chooses_among_the_entries_that_match_in_every_run(replies):
    for _ in range(2):  # a second backend is a run taken up again
        llm = LLM(ScriptedBackend(replies), Budget(dollars=0.0))
        for _ in range(2):
            assert llm.complete(ask()).text == "first edit\n"
            assert llm.complete(ask(attempt=2)).text == "second edit, ä\n"
        assert llm.complete(ask("any", "review")).text == "3"
        assert llm.complete(ask("any", "review", text="def tax(x):")).text == "9"
        assert llm.complete(ask("any", "review", 2, text="def tax(x):")).text == "3"


def test_tokens_are_counted_and_limited_but_cost_nothing(replies):
    budget = Budget(dollars=0.0, tokens=100)
    reply = LLM(ScriptedBackend(replies), budget).complete(ask(text="x" * 40))
    assert (reply.prompt_tokens, reply.completion_tokens, reply.dollars) == (10, 2, 0.0)
    assert (reply.model, reply.finish_reason) == ("scripted", "stop")
    assert (budget.tokens_spent, budget.dollars_spent) == (12, 0.0)


@pytest.mark.parametrize("question", [ask(attempt=3), ask("other"), ask("t", "write_tests"), ask(attempt=0)])
def test_no_reply_left_is_an_error_that_says_which(replies, question):
    with pytest.raises(LLMError) as caught:
        LLM(ScriptedBackend(replies), Budget()).complete(question)
    error = caught.value
    wanted = f"task {question.task_id}, purpose {question.purpose}, attempt {question.attempt}"
    assert wanted in error.message
    assert error.where == str(replies)
    assert question.task_id in error.hint


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("", 1, "mapping", "replies:"),
        ("[]", 1, "mapping", "replies:"),
        ("replies: {a: 1}\n", 1, "list", "- reply"),
        ("\nreply: []\n", 2, "unknown key reply", "replies"),
        ("replies:\n  - reply: a\n    porpoise: edit\n", 3, "unknown key porpoise", "did you mean purpose?"),
        ("replies:\n  - reply: a\n  - hello\n", 3, "mapping", "- reply"),
        ("replies:\n  - task: t\n    reply: 5\n", 3, "reply is text, not int", "quotes"),
        ("replies:\n  - task:\n    reply: x\n", 2, "task is text", "quotes"),
        ("replies:\n  - reply: x\n  - task: t\n", 3, "either", "reply_file"),
        ("replies:\n  - reply: x\n    reply_file: y\n", 2, "either", "reply_file"),
        ("replies:\n  - reply: a\n    reply: b\n", 3, "twice", ""),
        ("replies:\n  - reply: 'a\n", 2, "YAML", "quote"),
        ("replies:\n\t- reply: a\n", 2, "YAML", ""),
        ("replies:\n  - reply_file: gone.txt\n", 2, "gone.txt", ""),
        ("replies:\n  - reply_file: .\n", 2, "folder", ""),
        ("replies:\n  - reply_file: binary\n", 2, "UTF-8", ""),
        ("replies: " + "[" * 100_000, 1, "nested", ""),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, line, message, hint):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    path = tmp_path / "replies.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        ScriptedBackend(path)
    assert caught.value.where == f"{path}:{line}"
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_file_that_is_no_file_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.yml").open("wb") as stream:
        stream.truncate(10_000_001)
    for name, message in (("gone", "no file"), (".", "folder"), ("pipe", "regular"), ("huge.yml", "larger")):
        with pytest.raises(ConfigError, match=message) as caught:
            ScriptedBackend(tmp_path / name)
        assert str(tmp_path) in caught.value.where
        assert caught.value.hint


def test_the_test_server_serves_the_same_file_as_a_program(replies):
    program = Path(openai_server.__file__)
    with subprocess.Popen(
        [sys.executable, str(program), "--replies", str(replies)], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            url = server.stdout.readline().strip()
            llm = LLM(LitellmBackend("openai/m", base_url=url, timeout=10.0), Budget(), wait=lambda _: None)
            assert llm.complete(ask(text="def tax")).text == "first edit\n"
            assert llm.complete(ask(attempt=2, text="def tax")).text == "second edit, ä\n"
            assert llm.complete(ask(purpose="review", text="something")).text == "3"
            assert llm.complete(ask(purpose="review", text="def tax")).text == "9"
            with pytest.raises(LLMError, match="no reply left"):
                llm.complete(ask())
        finally:
            server.terminate()
