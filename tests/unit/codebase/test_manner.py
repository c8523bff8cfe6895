"""How a text asks: the form of its first line and what it found, not its words, tell a task from a description."""

from __future__ import annotations

import numpy as np
import pytest

from selfimprove.codebase.manner import asks_for_change, traits
from selfimprove.codebase.ranking import MANNER, WEIGHTS

NAMES = tuple(WEIGHTS)


def found(nearness: float) -> np.ndarray:
    """Return features of ten chunks, the first of which is as near as told."""
    table = np.zeros((10, len(NAMES)), np.float32)
    table[:, NAMES.index("meaning")] = np.linspace(nearness, 0, 10)
    return table


def test_a_description_and_a_task_are_told_apart() -> None:
    said = asks_for_change(
        "Returns the sum of all lines, rounded to cents, without discounts", NAMES, found(0.8)
    )
    asked = asks_for_change("parser: accept empty files (#12)", NAMES, found(0.3))
    assert said < 0.4 < 0.6 < asked


def test_only_the_first_line_counts() -> None:
    text = "\n\n  Round totals \nparser: x"
    assert traits(text, NAMES, found(0.5)) == traits("Round totals", NAMES, found(0.5))


@pytest.mark.parametrize("text", ["", "\n", "§", "x" * 100_000, "a: b"])
def test_any_text_has_a_manner(text: str) -> None:
    for table in (
        found(0.5),
        np.zeros((0, len(NAMES)), np.float32),
        np.full((3, len(NAMES)), np.nan, np.float32),
    ):
        assert 0 <= asks_for_change(text, NAMES, table) <= 1


def test_each_trait_has_a_weight() -> None:
    assert set(MANNER) == {*traits("x", NAMES, found(0.5)), ""}
