"""Ranker: learns the weights of the re-ranker on projects that no benchmark tests, and writes them as a table."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))

import corpora  # noqa: E402
import queries  # noqa: E402
from quality import opened, same  # noqa: E402

from selfimprove.codebase.rank import GIVEN, features, total  # noqa: E402
from selfimprove.codebase.ranking import WEIGHTS  # noqa: E402
from selfimprove.codebase.search import retrieve  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

TABLE = HERE.parent / "src" / "selfimprove" / "codebase" / "ranking.py"
RIDGE = 3e-3  # what a weight of 1 costs, as a share of a query's loss; chosen by the cross-validation
STEPS = 250
HEAD = '''"""Ranking: the weight of each feature of `rank`. Made by training/ranker.py; edit that, not this."""

from __future__ import annotations

# name: (weight, mean, scale). What a feature adds to the score is weight x (value - mean) / scale.
WEIGHTS: dict[str, tuple[float, float, float]] = {
'''


class Case(NamedTuple):
    """A query: what speaks for each of its candidates, float32[n, features], and which of them answer it."""

    project: str
    kind: str
    names: tuple[str, ...]
    table: NDArray[np.float32]
    right: NDArray[np.bool_]


def cases(corpus: queries.Corpus, state: Path) -> Iterator[Case]:
    """Yield the queries of a corpus with their candidates; those that no candidate answers too."""
    with opened(corpus.folder, state) as index:
        for query in corpus.queries:
            asked, ids, scores = retrieve(index, query.text, index.alive)
            names, table = features(index, asked, ids, scores)
            rows = index.rows(ids)
            right = [any(same(row, *place) for place in query.gold) for row in rows]
            yield Case(corpus.project, corpus.kind, names, table, np.array(right, np.bool_))


def mrr(ordered: Iterable[NDArray[np.bool_]]) -> float:
    """Return the mean over queries of 1 / the place of the first right answer, 0 beyond the tenth."""
    values = []
    for right in ordered:
        places = np.flatnonzero(right[:10])
        values.append(1 / (1 + places[0]) if len(places) else 0.0)
    return float(np.mean(values)) if values else 0.0


def judged(some: Sequence[Case], score: Callable[[Case], NDArray[np.float32]]) -> float:
    """Return the MRR@10 of an order by ``score``, ties as the words have them."""
    return mrr(one.right[np.argsort(-score(one), kind="stable")] for one in some)


def standard(some: Sequence[Case]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the spread of each feature over the candidates; 0 and 1 where it never differs."""
    table = np.concatenate([one.table for one in some]).astype(np.float64)
    mean, spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    flat = ~(spread > 1e-6)
    return np.where(flat, 0.0, mean), np.where(flat, 1.0, spread)


def fit(some: Sequence[Case], ridge: float = RIDGE) -> NDArray[np.float64]:
    """Return the weights that make the right candidates most probable under a softmax over each query's.

    The loss is the mean over queries, each kind of query weighing the same in all, of minus the logarithm
    of the right candidates' share (ListNet with one relevant set; Cao and others 2007), plus ``ridge`` x the
    squared weights. It is minimised by Adam over all queries at once.
    """
    mean, spread = standard(some)
    known = [one for one in some if one.right.any()]
    many, wide = max(len(one.right) for one in known), len(mean)
    data = np.zeros((len(known), many, wide), np.float32)
    mask = np.full((len(known), many), -1e9, np.float32)
    right = np.zeros((len(known), many), np.float32)
    for row, one in enumerate(known):
        data[row, : len(one.right)] = np.nan_to_num((one.table - mean) / spread)
        mask[row, : len(one.right)] = 0
        right[row, : len(one.right)] = one.right
    kinds = [one.kind for one in known]
    worth = np.array([1 / kinds.count(kind) for kind in kinds], np.float32) / len(set(kinds))
    weight, first, second = np.zeros(wide), np.zeros(wide), np.zeros(wide)
    for step in range(1, STEPS + 1):
        shares = _softmax(data @ weight.astype(np.float32) + mask)
        good = shares * right
        wanted = good / np.maximum(good.sum(axis=1, keepdims=True), 1e-12)
        slope = np.einsum("qn,qnf->f", (shares - wanted) * worth[:, None], data) + 2 * ridge * weight
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        pace = 0.05 * (1 - step / STEPS) + 1e-3
        weight -= pace * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-9)
    return weight


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def scorer(some: Sequence[Case], ridge: float = RIDGE) -> Callable[[Case], NDArray[np.float32]]:
    """Return the score that is learned from ``some`` queries."""
    (mean, spread), weight = standard(some), fit(some, ridge)
    return lambda one: np.nan_to_num((one.table - mean) / spread) @ weight


def crossed(some: Sequence[Case], ridge: float = RIDGE, folds: int = 5) -> dict[str, float]:
    """Return the MRR@10 of each kind when a project's queries are ranked by weights of other projects."""
    projects = list(dict.fromkeys(one.project for one in some))
    kept: dict[str, list[NDArray[np.bool_]]] = {}
    for fold in range(folds):
        out = set(projects[fold::folds])
        score = scorer([one for one in some if one.project not in out], ridge)
        for one in some:
            if one.project in out:
                kept.setdefault(one.kind, []).append(one.right[np.argsort(-score(one), kind="stable")])
    return {kind: mrr(rows) for kind, rows in kept.items()}


def written(some: Sequence[Case]) -> str:
    """Return the text of the module with the learned table."""
    names, weight = some[0].names, fit(some)
    rows = zip(names, weight, *standard(some), strict=True)
    lines = [
        f'    "{name}": ({w:.4f}, {mean:.5g}, {spread:.5g}),\n'
        for name, w, mean, spread in rows
        if name not in GIVEN
    ]
    return HEAD + "".join(lines) + "}\n"


def gathered(mirrors: Path | None) -> list[Case]:
    """Return the queries of all projects that are learned from; those that cannot be had are named."""
    found: list[Case] = []
    with tempfile.TemporaryDirectory(prefix="selfimprove-ranker-") as name:
        for number, corpus in enumerate(queries.all_of(corpora.LEARN, Path(name), mirrors)):
            if isinstance(corpus, corpora.Unavailable):
                print(f"left out: {corpus}", file=sys.stderr)
                continue
            found += cases(corpus, Path(name) / f"state-{number}")
    return found


def main() -> None:
    """Learn the weights, say how good they are on projects left out, and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirrors", type=Path, help="folder with owner+name/repo git directories")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    args = parser.parse_args()
    mirrors = args.mirrors or (Path(os.environ["MIRRORS"]) if "MIRRORS" in os.environ else None)
    some = gathered(mirrors)
    kinds = dict.fromkeys(one.kind for one in some)
    print(f"{len(some)} queries of {len({one.project for one in some})} projects; MRR@10:")
    results = {
        "by words": {kind: mrr(one.right for one in some if one.kind == kind) for kind in kinds},
        "with the weights as they are": {
            kind: judged([one for one in some if one.kind == kind], lambda one: total(one.names, one.table))
            for kind in kinds
        },
        "learned, on projects left out": crossed(some),
    }
    for name, values in results.items():
        print(f"  {name:32} " + ", ".join(f"{kind} {value:.3f}" for kind, value in values.items()))
    if not args.dry_run:
        TABLE.write_text(written(some), encoding="utf-8")
        print(f"written: {TABLE.name}, {len(WEIGHTS)} weights before, {len(some[0].names)} now")


if __name__ == "__main__":
    main()
