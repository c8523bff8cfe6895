"""Graph: which code the rest of the repository leans on, by PageRank over who names whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_DEFINITIONS = 5
"""A name that more chunks define (``get``, ``run``) does not tell which of them is meant: it is passed over."""

DAMPING = 0.85
_STEPS = 30
_CLOSE = 1e-4  # per chunk, on average: ranks are used by their logarithm


class Edges(NamedTuple):
    """Arrows from the chunk that uses a name to one that defines it.

    ``source`` and ``target`` are int64[e], ``weight`` float32[e]: 1 / the number of definitions of the name.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float32]


def edges(
    user: NDArray[np.integer],
    used: NDArray[np.integer],
    definer: NDArray[np.integer],
    defined: NDArray[np.integer],
    most: int = MOST_DEFINITIONS,
) -> Edges:
    """Join uses with definitions by name.

    ``user`` and ``used`` are int[r]: chunk ``user[i]`` names ``used[i]`` (an id or hash of a name);
    ``definer`` and ``defined`` are int[d]: chunk ``definer[i]`` defines the name ``defined[i]``. Names with
    more than ``most`` definitions make no arrow, nor does a chunk that names itself.
    """
    import numpy as np

    order = np.lexsort((definer, defined))
    names, first, count = np.unique(defined[order], return_index=True, return_counts=True)
    if not len(names):
        none = np.zeros(0, np.int64)
        return Edges(none, none, np.zeros(0, np.float32))
    at = np.searchsorted(names, used)
    at[at == len(names)] = 0
    known = (names[at] == used) & (count[at] <= most)
    at, source = at[known], user[known].astype(np.int64)
    times = count[at]
    # Each use once for each definition: its place in the run of definitions is counted from the run's start.
    inside = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    target = definer[order][np.repeat(first[at], times) + inside].astype(np.int64)
    source, weight = np.repeat(source, times), np.repeat(1 / times, times).astype(np.float32)
    other = source != target
    return Edges(source[other], target[other], weight[other])


def pagerank(chunks: int, arrows: Edges, damping: float = DAMPING) -> NDArray[np.float32]:
    """Return how much is leant on each of ``chunks`` chunks, float32[chunks], 1 on average.

    PageRank (Page, Brin, Motwani and Winograd, 1999) by power iteration: a chunk hands its rank to those that
    it names, in proportion to the arrows' weights; what names none hands it to all.
    """
    import numpy as np

    if not chunks:
        return np.zeros(0, np.float32)
    source, target, weight = arrows
    out = np.bincount(source, weight, minlength=chunks)
    silent = out == 0
    share = weight / out[source]
    rank = np.ones(chunks)
    for _ in range(_STEPS):
        given = np.bincount(target, share * rank[source], minlength=chunks)
        new = (1 - damping) + damping * (given + rank[silent].sum() / chunks)
        moved = float(np.abs(new - rank).sum())
        rank = new
        if moved < _CLOSE * chunks:
            break
    return rank.astype(np.float32)
