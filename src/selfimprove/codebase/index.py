"""Index: what is known of every chunk of a repository, kept in one file and brought up to date before a search."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.indexfile import PLACES, IndexFile, is_damage
from selfimprove.codebase.update import Origin, Stale, Update, Updated, look, stale
from selfimprove.model.chunk import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.dense import Dense
    from selfimprove.codebase.embedding import Embedding
    from selfimprove.codebase.lexical import Lexical
    from selfimprove.codebase.meaning import Meaning
    from selfimprove.codebase.segments import Segment
    from selfimprove.codebase.update import Progress

# What a search reads:
#   index.count                  chunks are numbered from 0 to count - 1; some of them are dead
#   index.alive, index.live      bool[count], and the ids of those that are
#   index.meta.file .start .lines .kind .test .rank .churn .recency     arrays[count]
#   index.lexical.top(...), .idf(...)   the best chunks by words, and how much a word tells
#   index.cosines(terms, ids)    float32[len(ids)], or None without vectors
#   index.rows(ids)              [Row(id, file, path, start, end, kind, symbol, qualified, signature, language)]
#   index.files                  {file id: (path, language)} of what is indexed
#   index.asks_for_tests(terms)  whether a query is about tests
#   index.among(keep)            bool[count]: live chunks of files for which keep(path, language) is true
#   index.of_file(path)          ids of a file's chunks;  index.at(path, line) the id of that around a line
#   index.db                     the SQLite connection, in a transaction that goes on seeing one state
# All of it is of one state of the index until `update` or `refresh`.


_AT_ONCE = 500  # SQLite before 3.32 takes 999 variables in one statement


class Row(NamedTuple):
    """A chunk. ``file`` is the id of its file; lines are counted from 1, ``end`` is the last one."""

    id: int
    file: int
    path: str
    start: int
    end: int
    kind: str
    symbol: str
    qualified: str
    signature: str
    language: str


class Meta:
    """What is known of each chunk as numbers, by its id: arrays as long as the index has chunks."""

    def __init__(self, db: sqlite3.Connection, segments: Sequence[Segment]) -> None:
        self._db = db
        self._segments = segments

    @cached_property
    def packed(self) -> NDArray[np.void]:
        """All that `packing.META` names."""
        import numpy as np

        from selfimprove.codebase.packing import META
        from selfimprove.codebase.segments import load

        parts = (load(self._db, one.number, "meta").tobytes() for one in self._segments)
        return np.frombuffer(b"".join(parts), META)  # joining arrays with fields takes far longer

    @property
    def file(self) -> NDArray[np.uint32]:
        """The id of the chunk's file."""
        return self.packed["file"]

    @property
    def start(self) -> NDArray[np.uint32]:
        """The first line, counted from 1."""
        return self.packed["start"]

    @property
    def lines(self) -> NDArray[np.uint16]:
        """How many lines."""
        return self.packed["lines"]

    @property
    def kind(self) -> NDArray[np.uint8]:
        """The place of the chunk's kind in KINDS."""
        return self.packed["kind"]

    @property
    def test(self) -> NDArray[np.bool_]:
        """Whether the file is a test, or made for one."""
        from selfimprove.codebase.packing import TEST

        marked: NDArray[np.bool_] = (self.packed["flags"] & TEST) != 0
        return marked

    @cached_property
    def rank(self) -> NDArray[np.float32]:
        """PageRank over who uses whose names: 1 on average."""
        import numpy as np

        from selfimprove.codebase.segments import rank_of

        return np.concatenate([np.zeros(0, np.float32), *(rank_of(self._db, one) for one in self._segments)])

    @cached_property
    def churn(self) -> NDArray[np.float32]:
        """How often the file was changed of late (`tools.git.activity`); 0 where that is not known."""
        return self._past["churn"]

    @cached_property
    def recency(self) -> NDArray[np.float32]:
        """How lately the file was changed: from 1 for today to 0 for never or not known."""
        return self._past["recency"]

    @cached_property
    def _past(self) -> NDArray[np.void]:
        import numpy as np

        from selfimprove.codebase.segments import ACTIVITY, load

        known = load(self._db, 0, "activity")
        most = int(self.file.max(initial=0)) + 1
        table = np.zeros(max(most, len(known)), ACTIVITY)
        table[: len(known)] = known
        return table[self.file]


class Index:
    """The index of the files that ``origin`` lists, in ``file``. Close it, or use it in a ``with``.

    A new one has no chunks before `update`. It belongs to one thread at a time. ``dense`` (FAISS) and ``meaning``
    (MiniLM) are what it may have beside it.
    """

    def __init__(
        self, file: IndexFile, origin: Origin, dense: Dense | None = None, meaning: Meaning | None = None
    ) -> None:
        self.origin = origin
        self.dense = dense
        self.meaning = meaning
        self._file = file
        self._db: sqlite3.Connection | None = None
        self.refresh()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The file on disk."""
        return self._file.path

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know: that the index was made anew, or is a temporary one, and why."""
        return tuple(self._file.notes)

    def refresh(self) -> None:
        """See the index as it is now."""
        if self._db:
            self._db.close()
        self._db = self._file.reader()
        for name in ("segments", "alive", "meta", "lexical", "files", "_embedding"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Give the file back; a temporary one is removed."""
        if self._db:
            self._db.close()
            self._db = None
        self._file.close()

    def update(self, progress: Progress = lambda *_: None, jobs: int = 0) -> Updated:
        """Make the index right for the files as they are now, with up to ``jobs`` processes (0: one each processor).

        ``progress`` is told how many files are done, of how many, and the phase. A damaged index is made anew.
        Raises StateError when it cannot be written (a full disk): what could be written is there.
        """
        return self._followed(self._run(progress, jobs, ""))

    def rebuild(self, why: str, progress: Progress = lambda *_: None, jobs: int = 0) -> Updated:
        """Make all of the index anew."""
        return self._followed(self._run(progress, jobs, why))

    def stale(self) -> Stale:
        """Return how many files differ from what the index has of them; nothing is written."""
        from selfimprove.codebase.sources import choose

        sources = choose(self.origin.root, self.origin.list_names())
        return stale(look(self._db, sources), self.origin.root)

    @property
    def db(self) -> sqlite3.Connection:
        """The connection. Raises LookupError before the first update."""
        if self._db is None:
            raise LookupError("there is no index yet")
        return self._db

    @cached_property
    def segments(self) -> list[Segment]:
        """The parts of the index."""
        from selfimprove.codebase.segments import all_segments

        return all_segments(self._db) if self._db else []

    @property
    def count(self) -> int:
        """How many chunks have an id, dead ones included."""
        return sum(one.chunks for one in self.segments)

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """Whether a chunk is one of a file as it is now."""
        import numpy as np

        from selfimprove.codebase.segments import alive

        return np.concatenate([np.zeros(0, np.bool_), *(alive(self.db, one) for one in self.segments)])

    @property
    def live(self) -> list[int]:
        """The ids of all chunks that are alive."""
        ids: list[int] = self.alive.nonzero()[0].tolist()
        return ids

    @cached_property
    def meta(self) -> Meta:
        """What is known of each chunk as numbers."""
        return Meta(self.db, self.segments)

    @cached_property
    def lexical(self) -> Lexical:
        """The postings."""
        from selfimprove.codebase.lexical import Lexical

        return Lexical(self.db)

    @cached_property
    def files(self) -> dict[int, tuple[str, str]]:
        """The path and the language of each file that has chunks, by its id."""
        rows = self.db.execute("select id, path, language from files where chunks > 0 order by path")
        return {number: (path, language) for number, path, language in rows}

    def among(self, keep: Callable[[str, str], bool]) -> NDArray[np.bool_]:
        """Return for each chunk whether it is alive and ``keep(path, language)`` is true of its file."""
        import numpy as np

        kept = np.zeros(int(self.meta.file.max(initial=0)) + 1, np.bool_)
        kept[[number for number, about in self.files.items() if keep(*about)]] = True
        return kept[self.meta.file] & self.alive

    def rows(self, ids: Iterable[int]) -> list[Row]:
        """Return the live chunks with these ids, in their order."""
        wanted = [int(one) for one in ids]
        if not wanted:
            return []
        from selfimprove.codebase.packing import UNIT

        meta = self.meta.packed[wanted].tolist()
        names = self._names(wanted)
        files = {
            number: about
            for number, *about in self._few(
                "id, path, language from files where id", {one[0] for one in meta}
            )
        }
        rows = []
        for number, name, (file, start, lines, kind, _) in zip(wanted, names, meta, strict=True):
            path, language = files[file]
            symbol, qualified, signature = name.split(UNIT)
            place = number, file, path, start, start + lines - 1
            rows.append(Row(*place, KINDS[kind], symbol, qualified, signature, language))
        return rows

    def of_file(self, path: str) -> list[int]:
        """Return the ids of a file's chunks, from its top to its end; none when it is not indexed."""
        row = self.db.execute("select segment, at, chunks from files where path = ?", (path,)).fetchone()
        if not row or not row[2]:
            return []
        first = next(one.first for one in self.segments if one.number == row[0]) + row[1]
        return list(range(first, first + row[2]))

    def at(self, path: str, line: int) -> int | None:
        """Return the id of the chunk that has a line of a file, ``None`` when none has it."""
        return next((row.id for row in self.rows(self.of_file(path)) if row.start <= line <= row.end), None)

    def asks_for_tests(self, terms: Iterable[str]) -> bool:
        """Tell whether a query with these terms is about tests."""
        from selfimprove.codebase.testing import asks_for_tests

        return asks_for_tests(terms)

    def cosines(
        self, terms: Mapping[str, float], ids: Iterable[int], text: str = ""
    ) -> NDArray[np.float32] | None:
        """Return how near the meaning of each chunk is to that of the terms, ``None`` without vectors.

        They are terms of ``text``, which MiniLM reads where the index has it.
        """
        if self._embedding is None:
            return None
        from selfimprove.codebase.vectors import cosines

        found = cosines(self.db, ids, self._embedding.query(terms))
        return self.meaning.mixed(self, text, list(ids), found) if text and self.meaning else found

    @cached_property
    def _embedding(self) -> Embedding | None:
        """The embedding that the vectors are of."""
        from selfimprove.codebase.packing import embedding_or_none
        from selfimprove.codebase.segments import fact

        embedding = embedding_or_none()
        return embedding if embedding and fact(self.db, "embedding") == embedding.version else None

    def _followed(self, updated: Updated) -> Updated:
        """Bring up to date what the index has beside it."""
        if not self._db or not (self.dense or self.meaning):
            return updated
        notes = [note for one in (self.dense, self.meaning) if one for note in one.follow(self)]
        return updated._replace(notes=(*updated.notes, *notes))

    def _run(self, progress: Progress, jobs: int, anew: str) -> Updated:
        from selfimprove.tools.spread import processors

        work = Update(self._file, self.origin, progress, jobs or processors())
        if self._db:
            self._db.close()
            self._db = None
        try:
            try:
                return work.run(anew)
            except (sqlite3.DatabaseError, ValueError, IndexError) as error:
                if not is_damage(error):
                    raise
                return work.run(str(error) or "it is damaged")
        finally:
            self.refresh()

    def _names(self, ids: Sequence[int]) -> list[str]:
        """Return the names of chunks, as `packing.FileFacts` has them."""
        firsts = [one.first for one in self.segments]
        within = [self.segments[bisect_right(firsts, number) - 1] for number in ids]
        places = [one.number * PLACES + number - one.first for one, number in zip(within, ids, strict=True)]
        found = dict(self._few("place, data from names where place", places))
        return [found[place] for place in places]

    def _few(self, what: str, keys: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        """Yield what is selected for some keys."""
        wanted = list(keys)
        for begin in range(0, len(wanted), _AT_ONCE):
            some = wanted[begin : begin + _AT_ONCE]
            yield from self.db.execute(f"select {what} in ({','.join('?' * len(some))})", some)


def open_index(
    state: Path,
    root: Path,
    list_names: Callable[[], Iterable[str]],
    *,
    head: Callable[[], str] | None = None,
    activity: Callable[[], Mapping[str, tuple[float, float]]] | None = None,
    wait: Callable[[str], object] = lambda _: None,
    dense: Dense | None = None,
    meaning: Meaning | None = None,
) -> Index:
    """Return the index in the folder ``state`` of the files that ``list_names`` gives, relative to ``root``.

    Nothing is read but what is there, and nothing is written before `Index.update`. ``head`` and ``activity``
    are those of Origin, ``dense`` and ``meaning`` of Index. ``wait`` is told when an update has to wait for that of
    another process.
    """
    return Index(IndexFile(state, wait), Origin(root, list_names, head, activity), dense, meaning)
