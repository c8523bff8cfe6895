"""The budget: charging, limits that are reached or would be passed, and the one warning."""

from __future__ import annotations

import pytest

from selfimprove.model.budget import Budget


def test_no_limit_is_never_reached() -> None:
    budget = Budget()
    budget.charge(units=1e9, dollars=1e9, tokens=10**9, seconds=1e9)
    assert not budget.is_budget_exhausted()
    assert not budget.will_exceed_budget(1e9)
    assert budget.warning_due() is None


@pytest.mark.parametrize("name", ["units", "dollars", "tokens", "seconds"])
def test_each_limit_is_reached_by_its_own_spending(name: str) -> None:
    budget = Budget(units=10, dollars=10, tokens=10, seconds=10)
    budget.charge(**{name: 9})
    assert not budget.is_budget_exhausted()
    budget.charge(**{name: 1})
    assert budget.is_budget_exhausted()
    assert list(budget.used_up()) == [name]


def test_a_cost_that_fits_exactly_fits() -> None:
    budget = Budget(units=1)
    for _ in range(9):
        budget.charge(units=0.1)
    assert not budget.will_exceed_budget(0.1)
    assert budget.will_exceed_budget(0.11)
    budget.charge(units=0.1)
    assert budget.is_budget_exhausted()
    assert budget.will_exceed_budget(0.1)
    assert not budget.will_exceed_budget(0)


@pytest.mark.parametrize(
    ("budget", "spent", "words"),
    [
        (Budget(units=10), {"units": 8}, "8 of 10 units are used"),
        (Budget(dollars=2), {"dollars": 1.6}, "$1.60 of $2.00 are used"),
        (Budget(tokens=1_500_000), {"tokens": 1_250_000}, "1,250,000 of 1,500,000 tokens are used"),
        (Budget(units=3, warning=0.1), {"units": 0.3}, "0.3 of 3 units are used"),
    ],
)
def test_the_warning_comes_at_the_threshold_and_once(
    budget: Budget, spent: dict[str, float], words: str
) -> None:
    assert budget.warning_due() is None
    budget.charge(**spent)  # type: ignore[arg-type]
    assert budget.warning_due() == words
    budget.charge(**spent)  # type: ignore[arg-type]
    assert budget.warning_due() is None
