"""The real path to a model: LLM and litellm against a real server that speaks OpenAI's protocol."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
import threading
from email.utils import formatdate
from time import time

import pytest

from llm_rig import ASK, KEY, Rig, complete
from openai_server import (
    Answer,
    OpenAIServer,
    failure,
    half_json,
    malformed,
    no_choices,
    rate_limited,
    server_error,
    truncated,
)
from selfimprove.errors import Interrupted, LLMError, NeedsKey
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.client import LLM, MAX_REPLY
from selfimprove.tools.llm.litellm_backend import LitellmBackend
from selfimprove.tools.llm.prices import stated_price


def test_a_reply_comes_with_its_usage_and_the_question_is_sent_as_it_is():
    reply, rig, server = complete([Answer("mended", prompt_tokens=11, completion_tokens=7)])
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("mended", 11, 7)
    assert (reply.finish_reason, reply.model, reply.dollars) == ("stop", "test-model", None)
    assert rig.budget.tokens_spent == 18
    assert rig.waits == rig.lines == []
    request = server.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["messages"] == [
        {"role": "system", "content": "You mend code."},
        {"role": "user", "content": "Mend this: ä"},
    ]
    assert (request.body["model"], request.body["temperature"], request.body["max_tokens"]) == (
        "test-model",
        0.0,
        50,
    )


@pytest.mark.parametrize(
    ("fault", "said", "billed"),
    [
        (rate_limited(), "429", False),
        (server_error(500), "500", True),
        (server_error(502), "502", True),
        (server_error(503), "503", False),
        (server_error(529), "529", False),
        (failure(408, "slow"), "408", True),
        (Answer(drop=True), "connection", True),
        (truncated(), "connection", True),
        (half_json(), "cannot be read", True),
        (malformed(), "cannot be read", True),
        (Answer(raw=b"[]"), "cannot be read", True),
        (Answer(raw=b'{"choices": null}'), "cannot be read", True),
        (Answer(status=204, raw=b""), "cannot be read", True),
        (Answer(error={"message": "upstream", "code": 502}), "cannot be read", True),
        (no_choices(), "no answer", True),
        (Answer(hang=True), "longer than 0.3 s", True),
        (Answer(delay=20.0), "longer than 0.3 s", True),
        (Answer("x" * 400, drip=0.05), "longer than 0.3 s", True),
    ],
)
def test_a_fault_that_passes_is_tried_again_and_charged_when_it_may_be_billed(fault, said, billed):
    good = Answer("mended", prompt_tokens=11, completion_tokens=7)
    reply, rig, server = complete([fault, good], timeout=0.3 if "longer" in said else 5.0)
    assert getattr(reply, "text", reply) == "mended"
    assert len(server.requests) == 2, "litellm's own retries must stay off"
    assert len(rig.lines) == len(rig.waits) == 1
    assert said in rig.lines[0]
    assert "try 2 of 5" in rig.lines[0]
    assert "\n" not in rig.lines[0]
    worst = rig.backend.worst_case(ASK)[0]
    assert rig.budget.tokens_spent == 18 + (worst if billed else 0)


def test_retries_wait_longer_each_time_and_end_in_an_error():
    error, rig, server = complete([server_error()] * 9)
    assert isinstance(error, LLMError)
    assert len(server.requests) == 5
    assert len(rig.waits) == 4
    assert all(top / 2 <= wait <= top for wait, top in zip(rig.waits, (1, 2, 4, 8), strict=True))
    assert "500" in error.message
    assert "5 times" in error.message
    assert "openai/test-model" in error.where
    assert "fix-tax" in error.where
    assert error.hint


def test_retry_after_is_honoured_in_seconds_and_as_a_date():
    reply, rig, _ = complete(
        [rate_limited("17"), rate_limited(formatdate(time() + 60, usegmt=True)), "mended"]
    )
    assert reply.text == "mended"
    assert rig.waits[0] == 17
    assert 40 < rig.waits[1] <= 61


@pytest.mark.parametrize("after", ["nonsense", "-3", "nan", "Mon, 99 Foo 2020 00:00:00 GMT"])
def test_a_retry_after_that_makes_no_sense_is_not_followed(after):
    reply, rig, _ = complete([rate_limited(after), "mended"])
    assert reply.text == "mended"
    assert 0 < rig.waits[0] <= 1


def test_a_server_that_asks_for_an_hour_is_not_waited_for():
    error, rig, server = complete([rate_limited("3600"), "mended"])
    assert isinstance(error, LLMError)
    assert "3600 s" in error.message
    assert (rig.waits, len(server.requests)) == ([], 1)


@pytest.mark.parametrize(
    ("fault", "kind", "said", "hint"),
    [
        (failure(400, "bad parameter"), LLMError, "bad parameter", "llm.model"),
        (failure(401, f"Incorrect API key provided: {KEY}"), NeedsKey, "refused the key", "OPENAI_API_KEY"),
        (failure(403, "not for you"), LLMError, "not for you", "key"),
        (failure(404, "no such model", "model_not_found"), LLMError, "no such model", "llm.model"),
        (failure(413, "too big"), LLMError, "too big", "fewer files"),
        (failure(422, "odd"), LLMError, "odd", "llm"),
        (failure(429, "You exceeded your quota", "insufficient_quota"), LLMError, "quota", "credit"),
        (
            failure(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
            LLMError,
            "too long",
            "fewer files",
        ),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:9/v1"}), LLMError, "302", "base_url"),
        (Answer(raw=b" " * (MAX_REPLY + 1)), LLMError, "larger than 10 MB", "base_url"),
    ],
)
def test_a_fault_that_stays_is_not_tried_again(fault, kind, said, hint):
    error, rig, server = complete([fault, "never asked"])
    assert type(error) is kind
    assert said in error.message
    assert "test-model" in error.where
    assert hint in error.hint
    assert rig.waits == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (rate_limited("7"), None, "answered 429: Rate limit reached; try 2"),
        (server_error(), None, "answered 500: The server had an error; try 2"),
        (Answer(drop=True), None, "connection"),
        (truncated(), None, "connection"),
        (half_json(), None, "cannot be read"),
        (no_choices(), None, "no answer"),
        (Answer(hang=True), None, "longer than 0.5 s"),
        (Answer("x" * 400, drip=0.05), None, "longer than 0.5 s"),
        (failure(400, "bad parameter"), LLMError, "answered 400: bad parameter"),
        (failure(401, f"bad key {KEY}"), NeedsKey, "refused the key: bad key"),
        (Answer(status=307, headers={"Location": "http://127.0.0.1:9/v1"}), LLMError, "307"),
        (Answer(raw=b" " * (MAX_REPLY + 1)), LLMError, "larger than 10 MB"),
    ],
)
def test_providers_that_litellm_speaks_to_in_another_way_behave_the_same(fault, kind, said):
    """OpenAI's own library sends only for some providers; litellm's HTTP client does for all others."""
    options = {"model": "openrouter/some/model", "timeout": 0.5 if "longer" in said else 5.0}
    result, rig, server = complete([fault, "mended"], **options)
    assert server.requests[0].body["model"] == "some/model"
    if kind:
        assert type(result) is kind
        assert said in result.message
        assert KEY not in result.message
        assert len(server.requests) == 1
    else:
        assert result.text == "mended"
        assert said in rig.lines[0]
        assert rig.waits[0] == 7 if "429" in said else 0 < rig.waits[0] <= 1


def test_a_reply_too_large_is_charged():
    _, rig, _ = complete([Answer("x" * (MAX_REPLY + 1))])
    assert rig.budget.tokens_spent == rig.backend.worst_case(ASK)[0]


def test_the_key_is_in_no_error_and_no_line():
    other = "sk-or-v1-0123456789abcdef"
    leaky = f"key {KEY} and {other}, Bearer {KEY}"
    for fault in (failure(401, leaky), failure(400, leaky), server_error(), failure(503, leaky)):
        error, rig, _ = complete([fault] * 5)
        text = f"{error!r} {error.message} {error.where} {error.hint} {rig.lines}"
        assert KEY not in text
        assert other not in text
        assert error.__suppress_context__, "a traceback would show litellm's message"


def test_a_reply_cut_off_at_the_limit_is_returned_as_it_is():
    reply, _, _ = complete([Answer("half a rep", finish_reason="length")])
    assert (reply.text, reply.finish_reason) == ("half a rep", "length")
    reply, _, server = complete([Answer("", finish_reason="length")])
    assert (reply.text, len(server.requests)) == ("", 1)


@pytest.mark.parametrize("nothing", [None, "", " \n"])
def test_an_empty_reply_is_asked_for_once_more(nothing):
    empty = Answer(nothing, prompt_tokens=5, completion_tokens=1)
    reply, rig, _ = complete([empty, Answer("mended", prompt_tokens=5, completion_tokens=2)])
    assert reply.text == "mended"
    assert rig.budget.tokens_spent == 13
    error, _, server = complete([empty] * 5)
    assert isinstance(error, LLMError)
    assert "said nothing" in error.message
    assert len(server.requests) == 2


def test_a_failed_call_is_charged_as_the_server_says_when_it_says():
    billed = no_choices(prompt_tokens=30, completion_tokens=9, total_tokens=39)
    _, rig, _ = complete([billed, Answer("mended", prompt_tokens=11, completion_tokens=7)])
    assert rig.budget.tokens_spent == 39 + 18


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": False},
        {"prompt_tokens": 9, "completion_tokens": 0},
        {"prompt_tokens": -5, "completion_tokens": -7},
    ],
)
def test_a_reply_without_usage_is_charged_at_the_worst_case(fields):
    reply, rig, _ = complete([Answer("mended", **fields)], price=stated_price(3.0, 15.0))
    tokens, dollars = rig.backend.worst_case(ASK)
    assert reply.text == "mended"
    assert (rig.budget.tokens_spent, rig.budget.dollars_spent) == (tokens, dollars)


def test_no_server_is_a_fault_that_costs_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        rig = Rig(f"http://me:letmein@127.0.0.1:{free.getsockname()[1]}/v1", retries=1)
        with pytest.raises(LLMError, match="cannot connect") as caught:
            rig.llm.complete(ASK)
    assert "http://me:***@127.0.0.1:" in caught.value.hint
    assert "llm.base_url" in caught.value.hint
    assert rig.budget.tokens_spent == 0
    assert len(rig.waits) == 1


# Which server, which model


def test_a_server_of_ones_own_needs_no_key_and_gets_none_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-meant-for-somebody-else")
    _, _, server = complete(["ok"], api_key=None)
    assert server.requests[0].headers["authorization"] == "Bearer no-key"


@pytest.mark.parametrize("model", ["llama", "qwen/qwen3-coder", "claude-like"])
def test_a_server_of_ones_own_may_call_its_models_what_it_likes(model):
    reply, _, server = complete(["ok"], model=model)
    assert reply.text == "ok"
    assert server.requests[0].body["model"] == model


def test_without_a_key_the_variable_is_named_and_nobody_asked(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-handed-to-the-backend")
    for model, variable in (("openai/gpt-4o", "OPENAI_API_KEY"), ("anthropic/claude-x", "ANTHROPIC_API_KEY")):
        with pytest.raises(NeedsKey) as caught:
            LLM(LitellmBackend(model), Budget()).complete(ASK)
        assert variable in caught.value.message
        assert variable in caught.value.hint
        assert caught.value.exit_code == 4


def test_a_model_of_no_provider_is_refused_with_a_hint():
    with pytest.raises(LLMError) as caught:
        LLM(LitellmBackend("no-such-model", api_key=KEY), Budget(), wait=lambda _: None).complete(ASK)
    assert "no-such-model" in caught.value.where
    assert "llm.model" in caught.value.hint


def test_temperature_none_is_not_sent():
    _, _, server = complete(["ok"], temperature=None)
    assert "temperature" not in server.requests[0].body


def test_a_signal_during_a_call_ends_it_at_once_and_is_charged():
    def raise_it(signum, frame):
        raise Interrupted(signum=signum)

    before = signal.signal(signal.SIGTERM, raise_it)
    try:
        with OpenAIServer([Answer(hang=True)] * 5) as server:
            rig = Rig(server.url, timeout=30.0)
            rig.backend.worst_case(ASK)  # the import of litellm is over before the signal
            me = threading.main_thread().ident
            threading.Timer(0.7, signal.pthread_kill, (me, signal.SIGTERM)).start()
            with pytest.raises(Interrupted) as caught:
                rig.llm.complete(ASK)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught.value.exit_code == 143
    assert len(server.requests) == 1
    assert rig.budget.tokens_spent == rig.backend.worst_case(ASK)[0]


def _python(code, folder, **environment):
    code = textwrap.dedent(code)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_litellm_says_nothing_reads_no_dotenv_and_calls_nobody_else(tmp_path):
    (tmp_path / ".env").write_text("LEAKED=yes\n")
    faults = [malformed(), no_choices(), server_error(), Answer(raw=b'{"choices": [], "usage": 3}'), "mended"]
    with OpenAIServer(faults) as server:
        done = _python(
            f"""
            import os, socket, sys
            calls = []
            real = socket.socket.connect
            def connect(self, address):
                calls.append(address[:2])
                return real(self, address)
            socket.socket.connect = connect
            from selfimprove.model.budget import Budget
            from selfimprove.tools.llm.client import LLM, Ask, Message
            from selfimprove.tools.llm.litellm_backend import LitellmBackend
            assert "litellm" not in sys.modules and "httpx" not in sys.modules and "yaml" not in sys.modules
            backend = LitellmBackend("gpt-4o", base_url={server.url!r}, timeout=5.0)
            reply = LLM(backend, Budget(dollars=9), wait=lambda s: None).complete(
                Ask((Message("user", "x"),), "edit", "t"))
            assert reply.text == "mended"
            assert "LEAKED" not in os.environ
            assert set(calls) == {{("127.0.0.1", {server.port})}}, calls
            """,
            tmp_path,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_missing_litellm_is_one_line_that_mends_it(tmp_path):
    done = _python(
        """
        import sys
        sys.modules["litellm"] = None
        from selfimprove.errors import MissingTool
        from selfimprove.tools.llm.client import Ask, Message
        from selfimprove.tools.llm.litellm_backend import LitellmBackend
        try:
            LitellmBackend("openai/m", api_key="x").ask(Ask((Message("user", "x"),), "edit", "t"))
        except MissingTool as error:
            assert error.hint == "pip install 'selfimprove[llm]'", error.hint
            assert "litellm" in error.message
        else:
            raise SystemExit("no error")
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
