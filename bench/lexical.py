"""Benchmark of the lexical index: own postings in the SQLite file against tantivy, on the same terms.

The corpus is five pinned releases (3,009 Python files) in one index, without what documents their functions; the
queries are the first sentences of that documentation, and the answer to each is its function. tantivy gets the
better of the two forms of query and of a grid of boosts, chosen on every second query; what is shown is the
other half. CPU time is the process's own, with all of its threads.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import projects
from functions import functions, sentence, stripped
from lexical_stores import STORES, Boosts, Ours, Tantivy

from selfimprove.codebase.chunks import cut
from selfimprove.codebase.words import Bags, bags, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Store = Ours | Tantivy
DEEP, SHOWN = 200, 10
KILLS = 40
_LEAST_WORDS = 4
# What a fresh process loads before the first answer. The index needs SQLite and numpy for the vectors anyhow.
_FRESH = {
    "nothing of either": "import sqlite3, numpy",
    "ours": """
import sqlite3, sys, numpy
from selfimprove.codebase.lexical import Lexical
Lexical(sqlite3.connect(sys.argv[1] + "/ours/index.db")).top({"read": 1.0, "file": 1.0})
""",
    "tantivy": """
import sqlite3, sys, numpy, tantivy
index = tantivy.Index.open(sys.argv[1] + "/tantivy/tantivy")
searcher = index.searcher()
terms = [(tantivy.Occur.Should, tantivy.Query.term_query(index.schema, "body", term)) for term in ("read", "file")]
searcher.search(tantivy.Query.boolean_query(terms), limit=200)
""",
}


class Query(NamedTuple):
    """The terms of a question, and the id of the chunk that is the answer."""

    terms: Mapping[str, float]
    gold: int


def corpus(names: Sequence[str], most: int) -> tuple[dict[str, Bags], list[Query]]:
    """Return the terms of every file of the releases, and up to ``most`` queries. Ids count through them."""
    files: dict[str, Bags] = {}
    asked: dict[str, list[int]] = {}
    first = 0
    for name in names:
        root = projects.source(name)
        for place in sorted(root.rglob("*.py")):
            path = f"{name}/{place.relative_to(root).as_posix()}"
            text = place.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
            plain = stripped(path, text)
            chunks = cut(path, plain.encode())
            for one in functions(path, text):
                said = sentence(one.doc, one.name)
                at = [
                    number
                    for number, chunk in enumerate(chunks.chunks)
                    if chunk.start <= one.start <= chunk.end
                ]
                if len(said.split()) >= _LEAST_WORDS and at:
                    asked.setdefault(said, []).append(first + at[0])
            files[path] = bags([(path, chunks, plain)])
            first += len(chunks.chunks)
    single = [said for said, gold in asked.items() if len(gold) == 1]
    single.sort(key=lambda said: hashlib.sha256(said.encode()).digest())  # the same ones each time
    return files, [Query(Counter(words(said)), asked[said][0]) for said in single[:most]]


def quality(store: Store, queries: Sequence[Query]) -> tuple[float, float]:
    """Return recall at DEEP and the mean reciprocal rank within SHOWN."""
    found = [store.search(one.terms, DEEP) for one in queries]
    ranks = [
        ids.index(one.gold) + 1 if one.gold in ids else 0 for ids, one in zip(found, queries, strict=True)
    ]
    recall = sum(rank > 0 for rank in ranks) / len(ranks)
    return recall, sum(1 / rank for rank in ranks if 0 < rank <= SHOWN) / len(ranks)


def tuned(store: Tantivy, queries: Sequence[Query]) -> Boosts:
    """Return how tantivy is asked best."""
    best, chosen = -1.0, Boosts()
    for name, path, best_field in product((0.5, 1.0, 2.0, 4.0, 6.0), (0.0, 0.5, 1.0, 2.0), (False, True)):
        store.boosts = Boosts(1.0, name, path, best_field)
        rank = quality(store, queries)[1]
        if rank > best:
            best, chosen = rank, store.boosts
    return chosen


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU and the wall seconds of ``work``."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def latencies(store: Store, queries: Sequence[Query]) -> tuple[float, float]:
    """Return the 50th and the 95th percentile of the CPU milliseconds of a search, the second time it is made."""
    taken = []
    for one in queries:
        store.search(one.terms, DEEP)
        taken.append(1000 * spent(lambda one=one: store.search(one.terms, DEEP))[0])  # type: ignore[misc]
    cuts = statistics.quantiles(taken, n=20)
    return cuts[9], cuts[18]


def fresh(folder: Path) -> dict[str, float]:
    """Return the CPU milliseconds of a new process that opens an index and asks once; the median of nine."""
    taken: dict[str, list[float]] = {name: [] for name in _FRESH}
    for _, (name, code) in product(range(9), _FRESH.items()):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken[name].append(1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return {name: statistics.median(values) for name, values in taken.items()}


def disk(folder: Path) -> float:
    """Return the megabytes of the files in ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def killed(kind: str, store: type[Store], folder: Path, kills: int) -> tuple[int, int]:
    """Kill a process that changes files, ``kills`` times; return after how many the stores did not agree, and
    how many files were wrong at the end."""
    dice = random.Random(1)
    torn = 0
    wrong: list[str] = []
    for _ in range(kills):
        here = Path(__file__).parent / "lexical_stores.py"
        command = [sys.executable, str(here), kind, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout
            child.stdout.readline()  # it is at work now
            time.sleep(dice.random() / 5)
            child.send_signal(signal.SIGKILL)
        before = set(wrong)
        wrong = store(folder).wrong()
        torn += not set(wrong) <= before
    return torn, len(wrong)


def build(store: Any, files: Mapping[str, Bags], folder: Path) -> None:
    """Build the index in commits of 2,000 files and say what it took; tantivy's texts are made beforehand."""
    names = list(files)
    groups = [{name: files[name] for name in names[at : at + 2000]} for at in range(0, len(names), 2000)]
    feed = [store.feed(group) for group in groups]
    cpu, wall = spent(lambda: [store.replace(one) for one in feed])
    store.db.execute("pragma wal_checkpoint(truncate)")
    store.renew()
    print(f"{store.name:<24} build {cpu:6.2f} CPU s, {wall:6.2f} s   {disk(folder):6.1f} MB", flush=True)


def change(store: Any, files: Mapping[str, Bags]) -> None:
    """Replace every hundredth file and say what it took."""
    feed = store.feed({path: files[path] for path in list(files)[::100]})
    cpu, wall = spent(lambda: store.replace(feed))
    print(f"{store.name:<24} {len(feed)} files changed in {1000 * cpu:.0f} CPU ms, {1000 * wall:.0f} ms")


def show(label: str, store: Store, queries: Sequence[Query]) -> None:
    """Say how good and how quick the answers are."""
    recall, rank = quality(store, queries)
    half, most = latencies(store, queries)
    print(f"{label:<30} recall@{DEEP} {recall:.3f}   MRR@{SHOWN} {rank:.3f}   ", end="")
    print(f"search p50 {half:5.2f}, p95 {most:5.2f} CPU ms", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", nargs="*", default=list(projects.PINNED)[:5], choices=projects.PINNED)
    parser.add_argument("--queries", type=int, default=1200)
    parser.add_argument("--kills", type=int, default=KILLS)
    args = parser.parse_args()
    files, queries = corpus(args.releases, args.queries)
    chunks = sum(len(some.size) for some in files.values())
    length = statistics.mean(len(one.terms) for one in queries)
    print(f"{len(files):,} files, {chunks:,} chunks, {len(queries)} queries of {length:.1f} terms on average")
    practice, judged = queries[::2], queries[1::2]
    with tempfile.TemporaryDirectory(prefix="selfimprove-lexical-") as name:
        folder = Path(name)
        ours, other = Ours(folder / "ours"), Tantivy(folder / "tantivy")
        build(ours, files, folder / "ours")
        build(other, files, folder / "tantivy")
        show("own postings", ours, judged)
        show("tantivy, 1/6/2", other, judged)
        other.boosts = tuned(other, practice)
        form = ", best field" if other.boosts.best_field else ""
        show(f"tantivy, {'/'.join(f'{one:g}' for one in other.boosts[:3])}{form}", other, judged)
        opened = ", ".join(f"{what} {taken:.0f}" for what, taken in fresh(folder).items())
        print(f"a fresh process and its first search, CPU ms: {opened}")
        for store in (ours, other):
            change(store, files)
        for kind, make in STORES.items():
            torn, wrong = killed(kind, make, folder / f"killed-{kind}", args.kills)
            print(
                f"{make.name:<24} kill -9 at {args.kills} moments: the tables did not agree after {torn} of",
                end="",
            )
            print(f" them, {wrong} files wrong at the end")


if __name__ == "__main__":
    main()
