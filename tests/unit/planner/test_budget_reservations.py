"""Reservations: the worst case is set aside before a call, exactly, whoever else is calling."""

from __future__ import annotations

import random
import threading

import pytest

from selfimprove.model.budget import Budget, DoesNotFit


def test_tenths_of_a_cent_add_up_exactly() -> None:
    budget = Budget(dollars=0.3)
    for dollars in (0.1, 0.2):
        budget.settle(budget.reserve(1, dollars), 1, dollars)
    assert budget.dollars_spent == 0.3
    with pytest.raises(DoesNotFit) as caught:
        budget.reserve(1, 1e-12)
    assert (caught.value.name, caught.value.left) == ("dollars", 0)
    many = Budget(dollars=1.0)
    for _ in range(10_000):
        many.settle(many.reserve(0, 0.0001), 0, 0.0001)
    assert many.dollars_spent == 1.0


def test_what_is_set_aside_does_not_fit_twice_and_comes_back() -> None:
    budget = Budget(tokens=100, calls=2)
    held = budget.reserve(60, None)
    budget.release(held)
    held = budget.reserve(60, None)
    assert budget.settle(held, 10, None)
    assert (budget.tokens_spent, budget.calls_spent) == (10, 1)
    assert not budget.settle(budget.reserve(60, None), 61, None)
    with pytest.raises(DoesNotFit, match="tokens"):
        budget.reserve(60, None)
    with pytest.raises(DoesNotFit, match="calls"):
        budget.reserve(1, None)


def test_what_costs_nothing_fits_a_limit_of_nothing() -> None:
    budget = Budget(dollars=0.0)
    budget.settle(budget.reserve(100, 0.0), 100, 0.0)
    with pytest.raises(DoesNotFit, match="price"):
        budget.reserve(1, None)


def test_no_time_is_left_for_a_call_that_begins_too_late() -> None:
    budget = Budget(seconds=1000)
    held = budget.reserve(1, None)
    assert held.seconds is not None
    assert 0 < held.seconds <= 1000
    budget.release(held)
    budget.seconds_spent = 1000
    with pytest.raises(DoesNotFit, match="seconds"):
        budget.reserve(1, None)


def test_a_call_waits_for_what_others_have_set_aside() -> None:
    budget = Budget(tokens=100)
    first = budget.reserve(90, None)
    came: list[object] = []
    other = threading.Thread(target=lambda: came.append(budget.reserve(50, None)))
    other.start()
    other.join(0.05)
    assert came == []
    budget.settle(first, 20, None)
    other.join(10)
    assert len(came) == 1


def test_a_call_that_can_never_fit_does_not_wait() -> None:
    budget = Budget(tokens=100)
    budget.reserve(90, None)
    with pytest.raises(DoesNotFit):
        budget.reserve(101, None)


def test_distrust_ends_a_limited_budget_only() -> None:
    for budget, ends in ((Budget(dollars=9), True), (Budget(tokens=9), True), (Budget(), False)):
        budget.distrust("it bills too much")
        if ends:
            with pytest.raises(DoesNotFit) as caught:
                budget.reserve(1, 0.1)
            assert caught.value.words == "it bills too much"
        else:
            budget.reserve(1, 0.1)


def test_threads_never_pass_the_limit_together() -> None:
    budget = Budget(dollars=1.0, tokens=50_000)
    over: list[bool] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while True:
            dollars, tokens = chance.randrange(1, 90) / 1000, chance.randrange(1, 2000)
            try:
                held = budget.reserve(tokens, dollars)
            except DoesNotFit:
                return
            share = chance.choice([0, 0.5, 1])
            budget.settle(held, int(tokens * share), dollars * share)
            over.append(budget.dollars_spent > 1.0 or budget.tokens_spent > 50_000)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert over
    assert not any(over)
