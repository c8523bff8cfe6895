"""Benchmark of search: how often the function that a query asks for is found, beside other ways to look for it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import corpora
import queries
from baselines import MOST, Pool, Ripgrep, Semble, Textbook, whole_words

from selfimprove.codebase.index import open_index
from selfimprove.codebase.query import understand
from selfimprove.codebase.search import search
from selfimprove.codebase.words import words
from selfimprove.errors import SelfimproveError
from selfimprove.tools.git.activity import activity
from selfimprove.tools.git.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from baselines import Found
    from numpy.typing import NDArray

    from selfimprove.codebase.index import Index, Row

BUDGET = 4_000
DEEP = 200
WANTED = {"docstring": (3.3, 1.7), "commit": (3.0, 1.55)}  # MRR@10 against ripgrep's and plain BM25F's
PLAIN = "plain BM25F"  # of our terms, by the book: name 6, path 2, text 1
FULL = "re-ranked"


class Score(NamedTuple):
    """How one query fared: whether the first and one of the first ten is right, and so on."""

    first: float
    ten: float
    reciprocal: float
    budget: float


def score(found: Sequence[Found], gold: Iterable[tuple[str, int, int]]) -> Score:
    """Compare answers, the best first, with the places that are right.

    Of the answers that fit in the token budget one after the other, one must be right.
    """
    gold = tuple(gold)
    spent, rank, fits = 0.0, 0, False
    for place, one in enumerate(found, 1):
        spent += one.tokens
        if any(same(one, path, start, end) for path, start, end in gold):
            rank, fits = place, spent <= BUDGET
            break
    return Score(float(rank == 1), float(0 < rank <= 10), 1 / rank if 0 < rank <= 10 else 0.0, float(fits))


def same(one: Found | Row, path: str, start: int, end: int) -> bool:
    """Tell whether an answer shares at least half of the lines of the shorter of itself and a place."""
    shared = min(one.end, end) - max(one.start, start) + 1
    return one.path == path and 2 * shared >= min(one.end - one.start, end - start) + 1


@contextlib.contextmanager
def opened(folder: Path, state: Path) -> Iterator[Index]:
    """Give the index of a folder, up to date, with what git says of its past where it has one."""
    past: dict[str, Any] = {}
    if (folder / ".git").is_dir():
        repo = open_repo(folder, os.environ)
        past = {"head": lambda: repo.head() or "", "activity": lambda: activity(repo)}
    with open_index(state, folder, lambda: listed(folder), **past) as index:
        index.update()
        yield index


def listed(folder: Path) -> list[str]:
    """Return the files of a folder that has no git, as git would list them."""
    found = []
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in {".git", "node_modules", "__pycache__"}]
        found += [(Path(top) / name).relative_to(folder).as_posix() for name in names]
    return sorted(found)


def ours(index: Index, pool: Pool) -> dict[str, Callable[[str], list[Found]]]:
    """Return our own search, whole and in parts."""
    import numpy as np

    alive = np.flatnonzero(index.alive)

    def places(ids: NDArray[np.int64]) -> list[Found]:
        return [pool.found(row.path, row.start, row.end) for row in index.rows(ids[:MOST])]

    def lexical(text: str) -> NDArray[np.int64]:
        return index.lexical.top(understand(text).terms, DEEP, index.alive)[0]

    def dense(text: str) -> NDArray[np.int64]:
        cosines = index.cosines(understand(text).terms, alive)
        if cosines is None:
            return alive[:0]
        return alive[np.argsort(-cosines, kind="stable")[:DEEP]]

    def fused(text: str) -> NDArray[np.int64]:
        sums: dict[int, float] = defaultdict(float)
        for ids in (lexical(text), dense(text)):
            for place, one in enumerate(ids.tolist()):
                sums[one] += 1 / (60 + place)
        return np.array(sorted(sums, key=lambda one: (-sums[one], one)), np.int64)

    def whole(text: str, use_tests: bool) -> list[Found]:
        hits = search(index, text, MOST, use_tests=use_tests)
        return [pool.found(hit.path, hit.start, hit.end) for hit in hits]

    return {
        "our words alone": lambda text: places(lexical(text)),
        "our vectors alone": lambda text: places(dense(text)),
        "both by reciprocal ranks": lambda text: places(fused(text)),
        f"{FULL}, without tests' features": lambda text: whole(text, False),
        FULL: lambda text: whole(text, True),
    }


class Table:
    """The scores of every query by kind and system."""

    def __init__(self) -> None:
        self.scores: dict[tuple[str, str], list[tuple[str, Score]]] = defaultdict(list)

    def measure(self, corpus: queries.Corpus, state: Path, use_semble: bool) -> str:
        """Ask the queries of a corpus of every system; return why semble could not be asked, or ``""``."""
        with opened(corpus.folder, state) as index:
            return self._measure(corpus, index, use_semble)

    def _measure(self, corpus: queries.Corpus, index: Index, use_semble: bool) -> str:
        pool = Pool(corpus, [path for path, _ in index.files.values()])
        systems = {
            "ripgrep": Ripgrep(pool).search,
            "BM25 of whole words": Textbook(pool, (1, 0, 0), whole_words).search,
            PLAIN: Textbook(pool, (1, 6, 2), words).search,
            **ours(index, pool),
        }
        trouble, semble = "", None
        if use_semble:
            try:
                semble = Semble(pool)
                systems["semble"] = semble.search
            except (RuntimeError, SelfimproveError) as error:
                trouble = str(error)
        for query in corpus.queries:
            for name, ask in systems.items():
                self.scores[corpus.kind, name].append(
                    (corpus.project, score(ask(query.text)[:MOST], query.gold))
                )
        if semble:
            semble.close()
        return trouble

    def mean(self, kind: str, system: str, project: str = "") -> Score:
        """Return the mean over the queries of a kind, of all projects or one."""
        rows = [one for name, one in self.scores[kind, system] if project in ("", name)]
        return (
            Score(*(sum(column) / len(rows) for column in zip(*rows, strict=True)))
            if rows
            else Score(0, 0, 0, 0)
        )

    def lines(self) -> list[str]:
        """Return the table for printing."""
        shown = []
        for kind in dict.fromkeys(kind for kind, _ in self.scores):
            names = [system for of, system in self.scores if of == kind]
            rows = self.scores[kind, names[0]]
            shown.append(f"{kind}: {len(rows)} queries, {len({project for project, _ in rows})} projects")
            shown.append(f"  {'':34} {'recall@1':>9} {'recall@10':>9} {'MRR@10':>9} {'in 4,000 tokens':>16}")
            for name in names:
                first, ten, reciprocal, budget = self.mean(kind, name)
                shown.append(f"  {name:34} {first:9.3f} {ten:9.3f} {reciprocal:9.3f} {budget:16.3f}")
            projects = dict.fromkeys(project for project, _ in rows)
            each = ", ".join(f"{one} {self.mean(kind, FULL, one).reciprocal:.2f}" for one in projects)
            shown.append(f"  MRR@10 {FULL}, by project: {each}")
        return shown

    def verdicts(self) -> tuple[list[str], int]:
        """Return lines that say whether the targets are reached, and how many are not."""
        shown, missed = [], 0
        for kind, aims in WANTED.items():
            best = self.mean(kind, FULL).reciprocal
            for against, aim in zip(("ripgrep", PLAIN), aims, strict=True):
                ratio = best / max(self.mean(kind, against).reciprocal, 1e-9)
                missed += ratio < aim
                verdict = "pass" if ratio >= aim else "MISS"
                shown.append(f"  MRR@10 {kind}: {ratio:5.2f} x {against:24} wanted {aim:4.2f} x  {verdict}")
        return shown, missed


def measured(
    chosen: Sequence[corpora.Project], mirrors: Path | None, use_semble: bool
) -> tuple[Table, list[str]]:
    """Ask every system the queries of these projects; return the scores, and what could not be had."""
    table, notes = Table(), []
    with tempfile.TemporaryDirectory(prefix="selfimprove-quality-") as name:
        for number, corpus in enumerate(queries.all_of(chosen, Path(name), mirrors)):
            if isinstance(corpus, corpora.Unavailable):
                notes.append(f"left out: {corpus}")
                continue
            trouble = table.measure(corpus, Path(name) / f"state-{number}", use_semble)
            if trouble:
                notes.append(f"semble cannot be asked here: {trouble}")
                use_semble = False
            told = f"  {corpus.project} {corpus.kind}: {len(corpus.queries)} queries"
            print(told, file=sys.stderr, flush=True)
    return table, notes


def main() -> None:
    """Measure every system on the test projects and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirrors", type=Path, help="folder with owner+name/repo git directories")
    parser.add_argument("--only", action="append", help="a project's name")
    parser.add_argument("--learn", action="store_true", help="measure on the projects that weights come from")
    parser.add_argument("--no-semble", action="store_true")
    parser.add_argument("--json", type=Path, help="write every query's scores to this file")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    args = parser.parse_args()
    mirrors = args.mirrors or (Path(os.environ["MIRRORS"]) if "MIRRORS" in os.environ else None)
    chosen = [
        one
        for one in (corpora.LEARN if args.learn else corpora.TEST)
        if one.name in (args.only or [one.name])
    ]
    table, notes = measured(chosen, mirrors, not args.no_semble)
    lines, missed = table.verdicts()
    print(
        "search: is the function found that a sentence of its documentation, or a commit's subject, asks for"
    )
    print("\n".join([*table.lines(), *lines, *(f"  {note}" for note in notes)]))
    if args.json:
        rows = [[*key, project, *one] for key, some in table.scores.items() for project, one in some]
        args.json.write_text(json.dumps(rows), encoding="utf-8")
    sys.exit(1 if args.check and missed else 0)


if __name__ == "__main__":
    main()
