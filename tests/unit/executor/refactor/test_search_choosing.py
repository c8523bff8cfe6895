"""The chooser finds what trying all sets of cuts would find."""

from __future__ import annotations

import ast
import random
from itertools import combinations, pairwise
from typing import Any

import pytest

from selfimprove.executor.refactor.extract.choosing import UNKNOWN, Choice, Chooser, Item, blocks_of

TEXT = """
def f():
    a
    if b:
        c
        for d in e:
            g
            h
        i
    elif j:
        k
    else:
        l
        m
    try:
        n
        o
    except P:
        q
    finally:
        r
    s
"""


def _blocks(node: Any) -> list[list[ast.stmt]]:
    return [
        block for own in blocks_of(node) for block in (own, *(one for child in own for one in _blocks(child)))
    ]


def _spans(item: Item) -> tuple[int, int]:
    first, last = item.key.split(":")[:2]
    return int(first), int(last)


def _apart(items: tuple[Item, ...]) -> bool:
    spans = sorted(_spans(item) for item in items)
    return all(one[1] < other[0] for one, other in pairwise(spans))


def _items(body: Any, rng: random.Random, count: int) -> list[Item]:
    blocks = _blocks(body)
    found = {}
    for number in range(count):
        block = rng.choice(blocks)
        first = rng.randrange(len(block))
        last = rng.randrange(first, len(block))
        start, end = block[first], block[last]
        key = f"{start.lineno * 100 + start.col_offset:09}:{end.end_lineno * 100 + end.end_col_offset:09}:"
        found[key] = Item(start, end, rng.randrange(1, 5), rng.randrange(1, 30) * 1.0, 0, key, number)
    return list(found.values())


@pytest.mark.parametrize("seed", range(25))
def test_the_best_of_all_sets_is_found(seed: int):
    body = ast.parse(TEXT).body[0]
    rng = random.Random(seed)
    items = _items(body, rng, 9)
    need = rng.randrange(2, 9)
    front = Chooser(items, need).best(body.body)
    sets = [some for size in range(len(items) + 1) for some in combinations(items, size) if _apart(some)]
    for want in range(need + 1):
        costs = [sum(i.cost for i in some) for some in sets if sum(i.gain for i in some) >= want]
        found = [one for one in front if one.gain >= want]
        assert bool(costs) == bool(found)
        if costs:
            assert min(one.cost for one in found) == min(costs)
    for one in front:
        assert _apart(one.items)
        assert one.cost == sum(item.cost for item in one.items)


def test_a_banned_item_is_not_taken_and_nothing_is_remembered_of_it():
    body = ast.parse(TEXT).body[0]
    items = _items(body, random.Random(3), 6)
    chooser = Chooser(items, 3)
    best = chooser.best(body.body)
    banned = frozenset(item.key for item in best[-1].items)
    assert banned.isdisjoint(item.key for one in chooser.best(body.body, banned) for item in one.items)
    assert chooser.best(body.body) == best


def test_a_helper_that_is_too_complex_costs_what_mends_it():
    loop = ast.parse(TEXT).body[0].body[1]
    inner = loop.body[1]
    small = Item(inner, inner, 3, 10.0, 0, "000000002:000000003:", 0)
    large = Item(loop, loop, 9, 5.0, 3, "000000001:000000009:", 1)
    assert Chooser([small, large], 9).best([loop])[-1] == Choice(9, 15.0, (large,))
    unknown = large._replace(excess=4)
    assert Chooser([small, unknown], 9).best([loop])[-1].cost == 5.0 + UNKNOWN + 8


def test_expressions_of_a_statement_do_not_overlap():
    line = ast.parse("if a and b or c and d: pass").body[0]
    whole = Item(line, line, 3, 9.0, 0, "000000003:000000021:e", 0, whole=False)
    left = Item(line, line, 1, 2.0, 0, "000000003:000000010:e", 1, whole=False)
    right = Item(line, line, 1, 3.0, 0, "000000014:000000021:e", 2, whole=False)
    front = Chooser([whole, left, right], 3).best([line])
    assert front == (
        Choice(),
        Choice(1, 2.0, (left,)),
        Choice(2, 5.0, (right, left)),
        Choice(3, 9.0, (whole,)),
    )
