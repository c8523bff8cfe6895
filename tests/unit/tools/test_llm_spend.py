"""Spend never goes over its limit: prices, worst cases and a server that bills all it may."""

from __future__ import annotations

import itertools

import pytest

from llm_rig import ASK, Rig, complete
from openai_server import Answer, OpenAIServer, half_json, rate_limited, server_error
from selfimprove.errors import LimitReached
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.client import Ask, Message
from selfimprove.tools.llm.litellm_backend import LitellmBackend
from selfimprove.tools.llm.prices import stated_price


def test_dollars_are_those_of_the_stated_price():
    answer = Answer("mended", prompt_tokens=1_000_000, completion_tokens=100_000)
    reply, rig, _ = complete([answer], price=stated_price(3.0, 15.0))
    assert reply.dollars == rig.budget.dollars_spent == pytest.approx(4.5)


def test_dollars_are_those_of_the_table_on_the_disk():
    reply, rig, _ = complete([Answer("x", prompt_tokens=1000, completion_tokens=1000)], model="openai/gpt-4o")
    assert reply.dollars == pytest.approx(0.0025 + 0.01)
    tokens, dollars = rig.backend.worst_case(ASK)
    assert dollars == pytest.approx((tokens - 50) * 2.5e-6 + 50 * 1e-5)


def test_a_limit_in_dollars_with_no_known_price_stops_before_the_first_call():
    error, _, server = complete(["never asked"], budget=Budget(dollars=5.0))
    assert isinstance(error, LimitReached)
    assert error.exit_code == 5
    assert "llm.price_input" in error.hint
    assert server.requests == []


def test_a_limit_that_the_worst_case_does_not_fit_stops_before_the_call():
    price = {"price": stated_price(3.0, 15.0)}
    worst = LitellmBackend("openai/m", max_tokens=50, **price).worst_case(ASK)
    for budget in (Budget(dollars=worst[1] * 0.999), Budget(tokens=worst[0] - 1), Budget(dollars=0.0)):
        error, _, server = complete(["never asked"], budget=budget, **price)
        assert isinstance(error, LimitReached)
        assert server.requests == []
        assert "left" in error.message
        assert error.hint
    for budget in (Budget(dollars=worst[1]), Budget(tokens=worst[0])):
        assert complete(["fits"], budget=budget, **price)[0].text == "fits"


def test_max_tokens_of_the_question_bounds_the_reply_and_the_price():
    short = Ask(ASK.messages, "edit", "fix-tax", max_tokens=10)
    _, rig, server = complete(["ok"], short)
    assert server.requests[0].body["max_tokens"] == 10
    assert rig.backend.worst_case(ASK)[0] - rig.backend.worst_case(short)[0] == 40


@pytest.mark.parametrize("limit", [{"dollars": 0.05}, {"tokens": 3000}])
def test_spend_never_goes_over_the_limit_whatever_the_server_does(limit):
    """A server that bills all it may for every question, also for those that it answers with a fault."""
    billed = {"tokens": 0, "dollars": 0.0}
    faults = itertools.cycle(["good", "half", "drop", "no usage", "empty", "429", "500"])

    def bill(body):
        fault = next(faults)
        if fault in ("429", "500"):
            return rate_limited() if fault == "429" else server_error()
        prompt = sum(len(message["content"].encode()) for message in body["messages"])
        billed["tokens"] += prompt + body["max_tokens"]
        billed["dollars"] += (prompt * 20 + body["max_tokens"] * 60) / 1e6
        usage = {"prompt_tokens": prompt, "completion_tokens": body["max_tokens"]}
        answers = {
            "half": half_json(),
            "drop": Answer(drop=True),
            "no usage": Answer("x", usage=False),
            "empty": Answer("", **usage),
        }
        return answers.get(fault, Answer("x", **usage))

    with OpenAIServer(bill) as server:
        rig = Rig(server.url, Budget(**limit), price=stated_price(20.0, 60.0))
        replies = 0
        with pytest.raises(LimitReached):
            for turn in range(100):
                rig.llm.complete(Ask((Message("user", "x" * (40 + turn)),), "edit", "t", turn + 1))
                replies += 1
    assert replies > 2
    for name, most in limit.items():
        assert billed[name] <= getattr(rig.budget, f"{name}_spent") <= most
