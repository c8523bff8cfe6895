"""The list of models: who is asked when one does not answer, and who is not."""

from __future__ import annotations

import pytest

from llm_rig import ASK, KEY, Rig
from openai_server import Answer, OpenAIServer, failure, server_error
from selfimprove.errors import LimitReached, LLMError, NeedsKey
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.client import LLM
from selfimprove.tools.llm.litellm_backend import LitellmBackend
from selfimprove.tools.llm.prices import stated_price


def ask_both(first, second=("second answers",), budget=None, keyless=False, price=None, **options):
    """Ask a first model on a server with the answers ``first``, and a fallback on one with ``second``."""
    with OpenAIServer(first) as one, OpenAIServer(second) as two:
        rig = Rig(one.url, budget, price=price, **options)
        backend = LitellmBackend("anthropic/claude-x") if keyless else rig.backend
        other = LitellmBackend("openai/second", two.url, KEY, max_tokens=50, price=stated_price(1.0, 1.0))
        llm = LLM(backend, rig.budget, 2, rig.waits.append, rig.lines.append, [other])
        try:
            return llm.complete(ASK), rig, one.requests, two.requests
        except (LLMError, NeedsKey, LimitReached) as error:
            return error, rig, one.requests, two.requests


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (server_error(503), 3),
        (Answer(""), 2),
        (failure(404, "no such model", "model_not_found"), 1),
        (failure(401, "bad key"), 1),
        (failure(403, "not for you"), 1),
        (failure(429, "quota", "insufficient_quota"), 1),
        (failure(400, "maximum context length is 9", "context_length_exceeded"), 1),
        (failure(429, "later", Retry_After="9999"), 1),
        (failure(400, "no such parameter"), 1),
    ],
)
def test_the_next_model_is_asked_when_one_cannot(fault, tries):
    reply, rig, one, two = ask_both([fault] * 5)
    assert (reply.text, reply.model) == ("second answers", "second")
    assert (len(one), len(two)) == (tries, 1)
    assert rig.lines[-1].endswith("asking openai/second in place of openai/test-model")


def test_a_model_without_a_key_is_passed_over():
    reply, rig, one, _ = ask_both([], keyless=True)
    assert reply.text == "second answers"
    assert one == []
    assert "ANTHROPIC_API_KEY is not set" in rig.lines[0]


def test_a_model_without_a_price_is_passed_over_when_dollars_are_limited():
    reply, _, one, _ = ask_both(["never asked"], budget=Budget(dollars=1))
    assert reply.text == "second answers"
    assert one == []


def test_a_bad_request_is_not_asked_of_everybody():
    bad = failure(400, "no such parameter")
    with OpenAIServer(lambda body: bad) as server:
        rig = Rig(server.url)
        others = [LitellmBackend(f"openai/m{number}", server.url, KEY) for number in range(4)]
        with pytest.raises(LLMError, match="no such parameter"):
            LLM(rig.backend, rig.budget, 2, fallbacks=others).complete(ASK)
        assert len(server.requests) == 2


def test_when_all_fail_each_is_named():
    error, _, one, two = ask_both([server_error(503)] * 9, [failure(404, "gone")] * 9)
    assert isinstance(error, LLMError)
    assert "openai/test-model: " in error.message
    assert "openai/second: " in error.message
    assert (len(one), len(two)) == (3, 1)
    error, _, _, _ = ask_both([failure(401, "bad")], [failure(401, "bad too")])
    assert isinstance(error, NeedsKey)


def test_no_fallback_goes_over_the_limit():
    error, _, one, two = ask_both(["x"], budget=Budget(tokens=10))
    assert isinstance(error, LimitReached)
    assert one == two == []
