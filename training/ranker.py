"""Ranker: learns the weights of the re-ranker on projects that no benchmark tests, and writes them as a table."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))

import corpora  # noqa: E402
import queries  # noqa: E402
from quality import opened, same  # noqa: E402

from selfimprove.codebase.manner import traits  # noqa: E402
from selfimprove.codebase.rank import GIVEN, features, total  # noqa: E402
from selfimprove.codebase.ranking import WEIGHTS  # noqa: E402
from selfimprove.codebase.search import retrieve  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

TABLE = HERE.parent / "src" / "selfimprove" / "codebase" / "ranking.py"
RIDGE = 3e-3  # what a weight of 1 costs, as a share of a query's loss; chosen by the cross-validation
STEPS = 300
MANNER_RIDGE = 1e-2
DESCRIBED, CHANGED = "docstring", "commit"
HEAD = '''"""Ranking: the weights of the re-ranker. Made by training/ranker.py; edit that, not this."""

from __future__ import annotations

# name: (weight, weight when a change is asked for, mean, scale). What a feature of `rank` adds to the score is
# weight x (value - mean) / scale.
WEIGHTS: dict[str, tuple[float, float, float, float]] = {
'''
MIDDLE = """}

# name: (weight, mean, scale), of the traits by which `manner` tells whether a change is asked for.
MANNER: dict[str, tuple[float, float, float]] = {
"""


class Case(NamedTuple):
    """A query: what speaks for each of its candidates, float32[n, features], and which of them answer it."""

    project: str
    kind: str
    text: str
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
            yield Case(
                corpus.project,
                corpus.kind,
                query.text,
                names,
                table,
                np.array(right, np.bool_),
            )


def mrr(ordered: Iterable[NDArray[np.bool_]]) -> float:
    """Return the mean over queries of 1 / the place of the first right answer, 0 beyond the tenth."""
    values = []
    for right in ordered:
        places = np.flatnonzero(right[:10])
        values.append(1 / (1 + places[0]) if len(places) else 0.0)
    return float(np.mean(values)) if values else 0.0


def judged(some: Sequence[Case], score: Callable[[Case], NDArray[Any]]) -> float:
    """Return the MRR@10 of an order by ``score``, ties as the words have them."""
    return mrr(one.right[np.argsort(-score(one), kind="stable")] for one in some)


def standard(some: Sequence[Case]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the spread of each feature over the candidates; 0 and 1 where it never differs."""
    table = np.concatenate([one.table for one in some]).astype(np.float64)
    mean, spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    flat = ~(spread > 1e-6)
    return np.where(flat, 0.0, mean), np.where(flat, 1.0, spread)


class Learned(NamedTuple):
    """What is learned: the features' weights for either manner of asking, and the weights that tell them apart."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    described: NDArray[np.float64]
    changed: NDArray[np.float64]
    manner: dict[str, tuple[float, float, float]]

    def score(self, one: Case) -> NDArray[np.float64]:
        """Return the scores of a query's candidates, as `rank.total` has them."""
        known = traits(one.text, one.names, one.table)
        total = sum(
            weight * (known.get(name, 1.0) - mean) / scale
            for name, (weight, mean, scale) in self.manner.items()
        )
        change = 1 / (1 + np.exp(-total))
        weight = (1 - change) * self.described + change * self.changed
        return np.asarray(np.nan_to_num((one.table - self.mean) / self.spread) @ weight)


def learn(some: Sequence[Case], ridge: float = RIDGE) -> Learned:
    """Learn all weights from ``some`` queries: those for either manner from the queries of that kind alone."""
    mean, spread = standard(some)
    described, changed = (
        fit([one for one in some if one.kind == kind], mean, spread, ridge) for kind in (DESCRIBED, CHANGED)
    )
    return Learned(mean, spread, described, changed, fit_manner(some))


def fit_manner(some: Sequence[Case]) -> dict[str, tuple[float, float, float]]:
    """Return weight, mean and scale of each trait that tells the kinds of query apart, by logistic regression.

    Both kinds weigh the same in all. The trait "" is always 1.
    """
    rows = [traits(one.text, one.names, one.table) for one in some]
    names = [*rows[0], ""]
    table = np.array([[row.get(name, 1.0) for name in names] for row in rows])
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-6
    mean[-1], spread[-1] = 0, 1
    table = (table - mean) / spread
    right = np.array([one.kind == CHANGED for one in some], float)
    worth = np.where(right == 1, 0.5 / right.mean(), 0.5 / (1 - right.mean())) / len(some)
    weight = np.zeros(len(names))
    for _ in range(1000):
        told = 1 / (1 + np.exp(-table @ weight))
        weight -= 0.5 * (table.T @ ((told - right) * worth) + MANNER_RIDGE * weight)
    return {
        name: (float(w), float(m), float(s))
        for name, w, m, s in zip(names, weight, mean, spread, strict=True)
    }


def fit(
    some: Sequence[Case],
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
    ridge: float,
) -> NDArray[np.float64]:
    """Return the weights that make the right candidates most probable under a softmax over each query's.

    The loss is the mean over queries of minus the logarithm of the right candidates' share (ListNet with one
    relevant set; Cao and others 2007), plus ``ridge`` x the squared weights. It is minimised by Adam over
    all queries at once.
    """
    known = [one for one in some if one.right.any()]
    many, wide = max(len(one.right) for one in known), len(mean)
    data = np.zeros((len(known), many, wide), np.float32)
    mask = np.full((len(known), many), -1e9, np.float32)
    right = np.zeros((len(known), many), np.float32)
    for row, one in enumerate(known):
        data[row, : len(one.right)] = np.nan_to_num((one.table - mean) / spread)
        mask[row, : len(one.right)] = 0
        right[row, : len(one.right)] = one.right
    weight, first, second = np.zeros(wide), np.zeros(wide), np.zeros(wide)
    for step in range(1, STEPS + 1):
        shares = _softmax(data @ weight.astype(np.float32) + mask)
        good = shares * right
        wanted = good / np.maximum(good.sum(axis=1, keepdims=True), 1e-12)
        slope = np.einsum("qn,qnf->f", (shares - wanted) / len(known), data) + 2 * ridge * weight
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        pace = 0.05 * (1 - step / STEPS) + 1e-3
        weight -= pace * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-9)
    return weight


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def crossed(some: Sequence[Case], ridge: float = RIDGE, folds: int = 5) -> dict[str, float]:
    """Return the MRR@10 of each kind when a project's queries are ranked by weights of other projects."""
    projects = list(dict.fromkeys(one.project for one in some))
    kept: dict[str, list[NDArray[np.bool_]]] = {}
    for fold in range(folds):
        out = set(projects[fold::folds])
        score = learn([one for one in some if one.project not in out], ridge).score
        for one in some:
            if one.project in out:
                kept.setdefault(one.kind, []).append(one.right[np.argsort(-score(one), kind="stable")])
    return {kind: mrr(rows) for kind, rows in kept.items()}


def written(some: Sequence[Case]) -> str:
    """Return the text of the module with the learned tables."""
    found = learn(some)
    rows = zip(some[0].names, *found[2:4], *found[:2], strict=True)
    weights = [
        f'    "{name}": ({said:.4f}, {asked:.4f}, {mean:.5g}, {scale:.5g}),\n'
        for name, said, asked, mean, scale in rows
        if name not in GIVEN
    ]
    manner = [
        f'    "{name}": ({w:.4f}, {mean:.5g}, {scale:.5g}),\n'
        for name, (w, mean, scale) in found.manner.items()
    ]
    return HEAD + "".join(weights) + MIDDLE + "".join(manner) + "}\n"


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
            kind: judged(
                [one for one in some if one.kind == kind],
                lambda one: total(one.text, one.names, one.table),
            )
            for kind in kinds
        },
        "learned, on projects left out": crossed(some),
    }
    for name, values in results.items():
        print(f"  {name:32} " + ", ".join(f"{kind} {value:.3f}" for kind, value in values.items()))
    if not args.dry_run:
        TABLE.write_text(written(some), encoding="utf-8")
        print(f"written: {TABLE.name}, {len(WEIGHTS)} features before, {len(some[0].names)} now")


if __name__ == "__main__":
    main()
