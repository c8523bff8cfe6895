"""Many threads on one budget, against a server that bills worst cases: its meter never passes the limit."""

from __future__ import annotations

import random
import threading
from decimal import Decimal
from fractions import Fraction

import pytest

from llm_rig import Rig
from openai_server import OpenAIServer
from selfimprove.errors import LimitReached, LLMError
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.client import LLM, Ask, Message
from selfimprove.tools.llm.litellm_backend import LitellmBackend
from selfimprove.tools.llm.prices import stated_price
from spend_meter import Meter, at_random

SCHEMA = {"type": "object", "required": ["said"], "properties": {"said": {"type": "string"}}}


def spend(meter, budget, threads=8, rounds=30, prices=(20.0, 60.0), stall=5.0, **options):
    """Ask from many threads until the budget is used up; return (replies, the errors that ended threads)."""
    ended, replies = [], []

    def work(number):
        chance = random.Random(number)
        try:
            for turn in range(rounds):
                text = "ä" * chance.randrange(1, 60)
                ask = Ask((Message("user", text),), "edit", f"t{number}", turn + 1)
                try:
                    if chance.random() < 0.3:
                        llm.complete_json(ask, SCHEMA)
                    else:
                        llm.complete(ask)
                    replies.append(1)
                except LLMError:
                    pass
        except LimitReached as error:
            ended.append(error)

    with OpenAIServer(meter) as server:
        rig = Rig(server.url, budget, price=stated_price(*prices), stall=stall, **options)
        other = LitellmBackend(
            "openai/second", server.url, "k", 5.0, max_tokens=50, price=stated_price(*prices), stall=stall
        )
        llm = LLM(rig.backend, budget, 2, lambda _: None, fallbacks=[other])
        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)
        assert not any(worker.is_alive() for worker in workers)
    return len(replies), ended


def within(meter, budget):
    """The meter, the budget's own count and the limit, in exact arithmetic."""
    spent = Fraction(Decimal(repr(budget.dollars_spent)))
    if budget.dollars is not None:
        assert meter.dollars <= spent <= Fraction(Decimal(repr(budget.dollars)))
    if budget.tokens is not None:
        assert meter.tokens <= budget.tokens_spent <= budget.tokens
    if budget.calls is not None:
        assert meter.calls <= budget.calls_spent <= budget.calls


@pytest.mark.parametrize("limit", [{"dollars": 0.2}, {"tokens": 9000}, {"calls": 25}, {"dollars": 0.0}])
def test_parallel_tasks_never_pass_the_limit(limit):
    meter, budget = Meter(("20", "60"), at_random(7)), Budget(**limit)
    replies, ended = spend(meter, budget)
    within(meter, budget)
    assert len(ended) == 8
    assert (replies > 3) == (limit != {"dollars": 0.0})


def test_without_faults_the_limit_is_used_to_the_last_call_that_fits():
    meter, budget = Meter(("20", "60"), lambda number, body: "good"), Budget(dollars=0.1)
    spend(meter, budget)
    within(meter, budget)
    assert Fraction(1, 10) - meter.dollars < Fraction(1, 50)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(25))
def test_parallel_tasks_never_pass_random_limits(seed):
    chance = random.Random(seed)
    prices = tuple(round(chance.uniform(0.01, 80), chance.randrange(6)) for _ in range(2))
    limit = {
        "dollars": round(chance.uniform(0.0001, 0.3), chance.randrange(2, 9)),
        "tokens": chance.randrange(1, 30_000),
        "calls": chance.randrange(1, 60),
    }
    chosen = chance.sample(sorted(limit), chance.randrange(1, 4))
    budget = Budget(**{name: limit[name] for name in chosen})
    meter = Meter(tuple(map(repr, prices)), at_random(seed, chance.random()))
    spend(meter, budget, threads=chance.randrange(2, 17), prices=prices)
    within(meter, budget)


@pytest.mark.parametrize("act", ["hang", "stall"])
def test_a_call_that_times_out_stays_at_its_worst(act):
    meter = Meter(("20", "60"), lambda number, body: act if number < 4 else "good")
    budget = Budget(dollars=0.05)
    replies, _ = spend(meter, budget, threads=3, rounds=4, stall=0.4)
    within(meter, budget)
    assert replies >= 1


def test_a_server_that_bills_more_than_it_may_is_told_of_and_not_asked_again():
    from openai_server import Answer

    hostile = Answer("done", prompt_tokens=10**9, completion_tokens=5)
    with OpenAIServer([hostile, "never asked"]) as server:
        rig = Rig(server.url, Budget(tokens=5000))
        ask = Ask((Message("user", "x"),), "edit", "t")
        assert rig.llm.complete(ask).text == "done"
        assert "billed 1,000,000,005 tokens" in rig.lines[0]
        with pytest.raises(LimitReached, match="more than a call can cost"):
            rig.llm.complete(ask)
        assert len(server.requests) == 1
