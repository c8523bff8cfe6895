"""Two lexical stores of the same terms for bench/lexical.py: postings in SQLite, and tantivy beside SQLite."""

from __future__ import annotations

import itertools
import os
import random
import sqlite3
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tantivy

from selfimprove.codebase import lexical
from selfimprove.codebase.words import WHOLE, Bags, bags, join
from selfimprove.model.chunk import Chunk, FileChunks

if TYPE_CHECKING:
    from collections.abc import Mapping

Texts = list[tuple[str, str, str]]
"""The terms of each chunk's body, name and path, with blanks between them and as often as they are there."""

_SCHEMA = (
    "create table if not exists files (path text primary key, first integer, chunks integer, round text)"
)


class Boosts(NamedTuple):
    """How tantivy is asked: the weights of the fields, and whether the best field of a term counts alone."""

    body: float = 1.0
    name: float = 6.0
    path: float = 2.0
    best_field: bool = False


def texts(some: Bags) -> Texts:
    """Return what tantivy is fed: the same terms, to be split at blanks."""
    begin = np.searchsorted(some.chunk, np.arange(len(some.size) + 1))
    made = []
    for low, high in pairwise(begin):
        words = [some.terms[number] for number in some.term[low:high]]
        fields = (some.body[low:high].tolist(), some.name[low:high].tolist(), some.path[low:high].tolist())
        body, name, path = (
            " ".join(" ".join([word] * count) for word, count in zip(words, counts, strict=True) if count)
            for counts in fields
        )
        made.append((body, name, path))
    return made


def _database(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(folder / "index.db", isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    db.execute(_SCHEMA)
    return db


class Ours:
    """Postings and files in one SQLite file: a change of both is one transaction."""

    name = "own postings in SQLite"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.db = _database(folder)
        if not self.db.execute("select count(*) from sqlite_master where name = 'postings'").fetchone()[0]:
            self.db.executescript(lexical.SCHEMA)
        self.renew()

    def renew(self) -> None:
        """See what was written last."""
        self.index = lexical.Lexical(self.db)
        self.alive = np.zeros(self.index.count, dtype=bool)
        for first, chunks in self.db.execute("select first, chunks from files"):
            self.alive[first : first + chunks] = True

    def feed(self, files: Mapping[str, Bags]) -> Mapping[str, Bags]:
        """Return what `replace` wants."""
        return files

    def replace(self, files: Mapping[str, Bags], round_: str = "") -> None:
        """Add files, each in place of what it was before. Their chunks get new ids."""
        query = "select max(segment), sum(chunks) from lexical"
        segment, first = (int(value or 0) for value in self.db.execute(query).fetchone())
        self.db.execute("begin immediate")
        lexical.write_segment(self.db, segment + 1, first, join(list(files.values())))
        _note(self.db, files, first, round_)
        self.db.execute("commit")

    def search(self, terms: Mapping[str, float], k: int) -> list[int]:
        """Return the ids of the ``k`` best chunks."""
        return [int(one) for one in self.index.top(terms, k, self.alive)[0]]

    def wrong(self) -> list[str]:
        """Return the files whose chunks the two tables do not agree on."""
        self.renew()
        if self.db.execute("pragma integrity_check").fetchone()[0] != "ok":
            return ["all"]
        wrong = []
        for path, first, round_ in self.db.execute("select path, first, round from files").fetchall():
            found = self.search({f"{WHOLE}round_{round_}": 1.0, path.partition(".")[0]: 1.0}, 1)
            if found != [first]:
                wrong.append(path)
        return wrong


class Tantivy:
    """The terms in tantivy and the files in SQLite: a change of both is a commit of each, tantivy's first."""

    name = "tantivy beside SQLite"

    def __init__(self, folder: Path, boosts: Boosts | None = None) -> None:
        (folder / "tantivy").mkdir(parents=True, exist_ok=True)
        self.db = _database(folder)
        builder = tantivy.SchemaBuilder()
        for field in ("body", "name", "path"):
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field("file", tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field("id", fast=True)
        self.schema = builder.build()
        self.index = tantivy.Index(self.schema, path=str(folder / "tantivy"))
        self.boosts = boosts or Boosts()
        self.writer: tantivy.IndexWriter | None = None
        self.renew()

    def renew(self) -> None:
        """See what was written last."""
        self.index.reload()
        self.searcher = self.index.searcher()

    def feed(self, files: Mapping[str, Bags]) -> Mapping[str, Texts]:
        """Return what `replace` wants."""
        return {path: texts(some) for path, some in files.items()}

    def replace(self, files: Mapping[str, Texts], round_: str = "") -> None:
        """Add files, each in place of what it was before. Their chunks get new ids."""
        self.writer = self.writer or self.index.writer(heap_size=64_000_000, num_threads=1)
        first = int(self.db.execute("select max(first + chunks) from files").fetchone()[0] or 0)
        at = first
        for path, chunks in files.items():
            self.writer.delete_documents_by_term("file", path)
            for body, name, place in chunks:
                document = tantivy.Document(body=body, name=name, path=place, file=path)
                document.add_unsigned("id", at)
                self.writer.add_document(document)
                at += 1
        self.writer.commit()
        self.db.execute("begin immediate")
        _note(self.db, files, first, round_)
        self.db.execute("commit")

    def search(self, terms: Mapping[str, float], k: int) -> list[int]:
        """Return the ids of the ``k`` best chunks."""
        found = self.searcher.search(self._query(terms), limit=k, count=False).hits
        return [int(one or 0) for one in self.searcher.fast_field_values("id", [place for _, place in found])]

    def _query(self, terms: Mapping[str, float]) -> tantivy.Query:
        by_term = []
        for term, weight in terms.items():
            fields = [
                tantivy.Query.boost_query(
                    tantivy.Query.term_query(self.schema, field, term, index_option="freq"), weight * boost
                )
                for field, boost in zip(("body", "name", "path"), self.boosts[:3], strict=True)
                if boost
            ]
            by_term += (
                [tantivy.Query.disjunction_max_query(fields, 0.2)] if self.boosts.best_field else fields
            )
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, one) for one in by_term])

    def wrong(self) -> list[str]:
        """Return the files whose chunks the two stores do not agree on."""
        self.renew()
        wrong = []
        for path, first, round_ in self.db.execute("select path, first, round from files").fetchall():
            both = [tantivy.Query.term_query(self.schema, "file", path)]
            both += [tantivy.Query.term_query(self.schema, "body", f"{WHOLE}round_{round_}")]
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, one) for one in both])
            hits = self.searcher.search(query, limit=1).hits
            if self.searcher.fast_field_values("id", [place for _, place in hits]) != [first]:
                wrong.append(path)
        return wrong


STORES: dict[str, type[Ours | Tantivy]] = {"ours": Ours, "tantivy": Tantivy}


def _note(
    db: sqlite3.Connection, files: Mapping[str, Bags] | Mapping[str, Texts], first: int, round_: str
) -> None:
    rows = []
    for path, some in files.items():
        chunks = len(some.size) if isinstance(some, Bags) else len(some)
        rows.append((path, first, chunks, round_))
        first += chunks
    db.executemany("insert or replace into files values (?, ?, ?, ?)", rows)


def change_for_ever(store: Any) -> None:
    """Change one of twenty small files after another, until somebody ends the process."""
    for round_ in itertools.count(store.db.execute("select count(*) from files").fetchone()[0]):
        path = f"file{chr(97 + random.randrange(20))}.py"  # a letter, so that its name is one word
        text = f"def answer():\n    return round_{os.getpid()}_{round_}\n"
        chunks = FileChunks("python", (Chunk(1, 2, "function", "answer", "answer"),))
        store.replace(store.feed({path: bags([(path, chunks, text)])}), f"{os.getpid()}_{round_}")
        if not round_ % 5:
            print(round_, flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:  # what bench/lexical.py starts and kills
        random.seed(os.getpid())
        change_for_ever(STORES[sys.argv[1]](Path(sys.argv[2])))
