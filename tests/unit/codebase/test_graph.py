"""The graph: arrows by name, and PageRank over them against a plain reading of its definition."""

from __future__ import annotations

import numpy as np
import pytest

from selfimprove.codebase.graph import MOST_DEFINITIONS, Edges, edges, pagerank


def arrows(*pairs: tuple[int, int]) -> Edges:
    """Return arrows of weight 1."""
    source, target = np.array(pairs, np.int64).reshape(-1, 2).T
    return Edges(source, target, np.ones(len(pairs), np.float32))


def join(uses: list[tuple[int, int]], definitions: list[tuple[int, int]]) -> list[tuple[int, int, float]]:
    """Return the arrows between (chunk, name) pairs as plain tuples, in order."""
    user, used = np.array(uses, np.int64).reshape(-1, 2).T
    definer, defined = np.array(definitions, np.int64).reshape(-1, 2).T
    found = edges(user, used, definer, defined)
    return sorted(zip(*(column.tolist() for column in found), strict=True))


def test_a_use_leads_to_each_definition_in_equal_parts() -> None:
    assert join([(0, 70), (3, 80)], [(1, 70), (2, 70), (0, 80)]) == [(0, 1, 0.5), (0, 2, 0.5), (3, 0, 1.0)]


def test_what_many_define_or_none_makes_no_arrow() -> None:
    many = [(chunk, 7) for chunk in range(MOST_DEFINITIONS + 1)]
    assert join([(9, 7), (9, 8), (9, 1)], many) == []
    assert len(join([(9, 7)], many[1:])) == MOST_DEFINITIONS
    assert join([(9, 7)], []) == join([], many) == join([], []) == []


def test_a_chunk_does_not_lean_on_itself() -> None:
    assert join([(1, 7), (2, 7)], [(1, 7)]) == [(2, 1, 1.0)]


def test_pagerank_by_its_definition() -> None:
    links = {0: [1, 2], 1: [2], 2: [0], 3: [2], 4: []}
    found = pagerank(5, arrows(*((a, b) for a, to in links.items() for b in to)))
    rank = [1.0] * 5
    for _ in range(200):
        silent = sum(rank[a] for a, to in links.items() if not to) / 5
        rank = [
            0.15 + 0.85 * (silent + sum(rank[a] / len(to) for a, to in links.items() if b in to))
            for b in range(5)
        ]
    assert found == pytest.approx(rank, rel=2e-3)
    assert found.sum() == pytest.approx(5, rel=1e-3)


def test_without_arrows_or_chunks() -> None:
    assert pagerank(0, arrows()).tolist() == []
    assert pagerank(3, arrows()).tolist() == [1, 1, 1]
