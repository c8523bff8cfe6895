"""What an embedding is worth: how high it ranks the function that a description was taken from."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selfimprove.codebase.words import WHOLE, Bags, bags, words
from selfimprove.model.chunk import Chunk, FileChunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sources import Pair

    from selfimprove.codebase.embedding import Embedding

QUESTIONS = 300
"""Queries of each project, spread evenly over it; with fewer than LEAST functions a project is not asked."""
LEAST = 100


class Worth(NamedTuple):
    """Means over the projects, each counted alike: MRR@10, recall@1, recall@10."""

    mrr: float
    first: float
    ten: float

    def __str__(self) -> str:
        return f"MRR@10 {self.mrr:.3f}  recall@1 {self.first:.3f}  recall@10 {self.ten:.3f}"


def counted(texts: Iterable[tuple[str, str, str]]) -> Bags:
    """Count the terms of (path, qualified name, text) as the index does, each as one chunk."""
    return bags(
        (path, FileChunks("", (Chunk(1, text.count("\n") + 1, "function", qualified=name),)), text)
        for path, name, text in texts
    )


def weighed(text: str) -> dict[str, float]:
    """Return a description's terms as the embedding's query wants them."""
    return dict.fromkeys((term for term in words(text) if not term.startswith(WHOLE)), 1.0)


def measured(
    functions: Callable[[Sequence[Pair]], np.ndarray],
    queries: Callable[[Sequence[str]], np.ndarray],
    held: Sequence[Pair],
) -> Worth:
    """Rank all documented functions of a project for its descriptions, by the cosine of their vectors."""
    projects: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in held:
        projects[pair.project].append(pair)
    results = []
    for found in projects.values():
        if len(found) < LEAST:
            continue
        asked = np.unique(np.linspace(0, len(found) - 1, QUESTIONS).astype(int))
        known = functions(found).astype(np.float32)
        known /= np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-9)
        likeness = queries([found[one].words for one in asked]) @ known.T
        right = likeness[np.arange(len(asked)), asked]
        rank = (likeness > right[:, None]).sum(1) + (likeness == right[:, None]).sum(1)
        results.append([np.where(rank <= 10, 1 / rank, 0).mean(), (rank == 1).mean(), (rank <= 10).mean()])
    return Worth(*np.mean(results, axis=0))


def of_embedding(embedding: Embedding, held: Sequence[Pair]) -> Worth:
    """Measure the static embedding."""

    def functions(found: Sequence[Pair]) -> np.ndarray:
        return embedding.vectors(counted((one.path, one.name, one.text) for one in found), len(found))

    def queries(asked: Sequence[str]) -> np.ndarray:
        return np.stack([embedding.query(weighed(one)) for one in asked])

    return measured(functions, queries, held)
