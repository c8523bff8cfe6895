"""Wishes for changes in other words are found out, and different wishes for the same code are not taken for one."""

from __future__ import annotations

from selfimprove.codebase.alike import ELSEWHERE, SAME_PLACE, nearness
from wishes import OTHER, SAME


def test_the_thresholds_tell_paraphrases_from_other_wishes():
    same = [row[0] for row in (nearness([one], [two]) for one, two in SAME) for row in row]
    other = [row[0] for row in (nearness([one], [two]) for one, two in OTHER) for row in row]
    assert (len(same), len(other)) == (24, 35)
    assert sum(near >= SAME_PLACE for near in same) >= 18
    assert sum(near >= SAME_PLACE for near in other) <= 2
    assert sum(near >= ELSEWHERE for near in same) >= 4
    assert not any(near >= ELSEWHERE for near in other)


def test_things_that_have_nothing_to_do_with_each_other_are_far_apart():
    first = [one for one, _ in SAME]
    table = nearness(first, first)
    assert all(table[at][at] > 0.99 for at in range(len(first)))
    assert max(near for at, row in enumerate(table) for to, near in enumerate(row) if at != to) < SAME_PLACE
