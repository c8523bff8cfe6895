"""Replies that come as a stream: seen while they come, billed as the server says, and never taken for whole."""

from __future__ import annotations

import pytest

from llm_rig import ASK, KEY, Rig, complete
from openai_server import Answer, OpenAIServer
from selfimprove.tools.llm.client import LLM, MAX_REPLY, Ask, Message
from selfimprove.tools.llm.litellm_backend import LitellmBackend
from selfimprove.tools.llm.prices import Price, Usage, stated_price

GOOD = Answer("mended: ä\n" * 9, prompt_tokens=11, completion_tokens=7)


@pytest.mark.parametrize("model", ["openai/test-model", "openrouter/some/model"])
@pytest.mark.parametrize(("stream", "streams"), [(True, True), (True, False), (False, True)])
def test_a_reply_is_the_same_however_it_comes(model, stream, streams):
    answer = Answer(GOOD.text, prompt_tokens=11, completion_tokens=7, streams=streams)
    reply, rig, server = complete([answer], model=model, stream=stream)
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == (GOOD.text, 11, 7)
    assert (reply.finish_reason, rig.budget.tokens_spent, rig.lines) == ("stop", 18, [])
    assert bool(server.requests[0].body.get("stream")) == stream


@pytest.mark.parametrize("model", ["openai/test-model", "openrouter/some/model"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Answer("x" * 400, cut=900), "connection"),
        (Answer("x" * 400, stall=True), "silent for longer than 0.4 s"),
        (Answer(hang=True), "silent for longer than 0.4 s"),
        (Answer("x" * 40, finish_reason=""), "stopped in the middle"),
    ],
    ids=["cut", "stall", "hang", "no end"],
)
def test_a_stream_that_breaks_off_is_charged_and_tried_again(model, fault, said):
    reply, rig, server = complete([fault, GOOD], model=model, stall=0.4)
    assert reply.text == GOOD.text
    assert len(server.requests) == 2
    assert said in rig.lines[0]
    assert rig.budget.tokens_spent == 18 + rig.backend.worst_case(ASK)[0]


def test_a_stream_that_never_ends_is_over_at_the_time_limit():
    error, rig, _ = complete([Answer("x" * 400, drip=0.02)] * 3, retries=0, timeout=0.5)
    assert "longer than 0.5 s" in error.message
    assert "llm.timeout" in error.hint
    assert rig.budget.tokens_spent == rig.backend.worst_case(ASK)[0]


def test_a_stream_without_usage_is_charged_at_the_worst_case():
    reply, rig, _ = complete([Answer("mended", usage=False)], price=stated_price(3.0, 15.0))
    assert (reply.tokens, reply.dollars) == rig.backend.worst_case(ASK)
    assert rig.budget.tokens_spent == reply.tokens


def test_a_stream_that_is_too_large_is_refused():
    error, _, _ = complete([Answer("x" * (MAX_REPLY + 4))])
    assert "larger than 10 MB" in error.message


def test_a_hundred_equal_pieces_are_a_reply():
    text = "    0,\n" * 3000
    reply, _, _ = complete([Answer(text)])
    assert reply.text == text


def test_the_tokens_are_heard_while_they_come():
    heard = []
    with OpenAIServer([Answer("x" * 300, drip=0.0003)]) as server:
        rig = Rig(server.url, timeout=60.0)
        llm = LLM(rig.backend, rig.budget, heard=lambda task, tokens: heard.append((task, tokens)))
        llm.complete(ASK)
    assert heard
    assert {task for task, _ in heard} == {"fix-tax"}
    counts = [tokens for _, tokens in heard]
    assert counts == sorted(counts)
    assert counts[-1] <= 75


def test_tokens_from_a_cache_cost_what_the_list_says():
    details = {"prompt_tokens_details": {"cached_tokens": 600}}
    answer = Answer("x", prompt_tokens=1000, completion_tokens=100, details=details)
    reply, rig, _ = complete([answer], model="openai/gpt-4o")
    assert reply.dollars == pytest.approx(400 * 2.5e-6 + 600 * 1.25e-6 + 100 * 1e-5)
    assert rig.budget.dollars_spent == reply.dollars


def test_a_bill_counts_each_kind_of_token_at_its_own_rate():
    price = Price(3.75e-6, 1.5e-5, plain=3e-6, cached=3e-7, written=3.75e-6)
    assert price.bill(Usage(1000, 10, cached=500, written=300)) == pytest.approx(
        200 * 3e-6 + 500 * 3e-7 + 300 * 3.75e-6 + 10 * 1.5e-5
    )
    assert price.bill(Usage(1000, 10, cached=10**9, written=10**9)) <= price.of(1000, 10)


def test_what_is_asked_again_is_marked_for_the_cache_of_a_provider_that_wants_marks():
    from selfimprove.tools.llm.litellm_backend import _litellm

    long, short = "be careful " * 800, "hello"
    ask = Ask((Message("system", long), Message("user", long)), "edit", "t", schema={"type": "object"})
    backend = LitellmBackend("anthropic/claude-sonnet-4-5", api_key=KEY)
    system, user = backend._arguments(ask, _litellm(), 5.0)["messages"]
    assert system["content"][0] == {"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}
    assert user["content"] == long
    for other in (
        LitellmBackend("openai/gpt-4o", api_key=KEY),
        LitellmBackend("anthropic/claude-sonnet-4-5", api_key=KEY, price=stated_price(3.0, 15.0)),
    ):
        assert other._arguments(ask, _litellm(), 5.0)["messages"][0]["content"] == long
    brief = Ask((Message("system", short), Message("user", long)), "edit", "t")
    assert backend._arguments(brief, _litellm(), 5.0)["messages"][0]["content"] == short


def test_the_models_own_tokenizer_bounds_what_its_provider_bills():
    from selfimprove.codebase.tokens import counter_for

    counter = counter_for("openai/gpt-4o")
    ask = Ask((Message("user", "def tax(amount):\n    return amount * 2\n" * 200),), "edit", "t")
    exact = LitellmBackend("openai/gpt-4o", count=counter.count).worst_case(ask)
    anywhere = LitellmBackend("openai/gpt-4o", "http://127.0.0.1:1", count=counter.count).worst_case(ask)
    assert counter.count(ask.messages[0].content) < exact[0] - 8192 < (anywhere[0] - 8192) / 2
    assert anywhere[0] - 8192 > len(ask.messages[0].content)
