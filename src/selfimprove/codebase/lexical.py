"""Lexical: postings of the terms of chunks in the index file, and the chunks that fit a query best (BM25F)."""

from __future__ import annotations

from itertools import pairwise
from math import log1p
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.words import Bags

SCHEMA = """
create table lexical (segment integer primary key, first integer not null, chunks integer not null);
create table postings (
    segment integer not null, term text not null, data blob not null, primary key (segment, term)
) without rowid;
"""
"""The tables of this module. ``first`` is the id of a segment's first chunk; the next ones follow it."""

NARROW = 65536
"""Chunks of the largest segment whose places fit in two bytes. Segments up to this size are the quickest."""

# BM25F (Robertson, Zaragoza, Taylor 2004): the counts of a term in the fields, each divided by how long the
# field is against REFERENCE, are weighed and added up, and the sum is saturated. A fixed reference instead
# of the corpus's mean makes the impact of a posting independent of every other chunk.
WEIGHT = {"body": 1.0, "name": 6.0, "path": 2.0}
_REFERENCE = {"body": 20.0, "name": 3.0, "path": 6.0}
_LENGTH = {"body": 0.7, "name": 0.75, "path": 0.5}  # 0: the length does not matter, 1: fully
_SATURATION = 1.5
_LEVELS = 255
_VARIABLES = 500  # SQLite before 3.32 takes 999 in one statement
_END = "\U0010ffff"  # no letter, so it comes after every term
_AT_ONCE = 20_000  # terms that a merge holds in memory, with all their postings


class _Segment(NamedTuple):
    number: int
    first: int
    chunks: int


def write_segment(db: sqlite3.Connection, segment: int, first: int, bags: Bags) -> None:
    """Write the postings of new chunks, whose ids are ``first`` + their number in ``bags``.

    The caller has the transaction. Raises sqlite3.IntegrityError when the segment is there already.
    """
    db.execute("insert into lexical values (?, ?, ?)", (segment, first, len(bags.size)))
    _insert(db, segment, len(bags.size), bags.terms, bags.term, bags.chunk, impacts(bags))


def impacts(bags: Bags) -> NDArray[np.uint8]:
    """Return what each entry of ``bags`` is worth for a query with its term, from 1 to 255."""
    import numpy as np

    chunks = len(bags.size)
    total = np.zeros(len(bags.chunk), dtype=np.float32)
    for field, weight in WEIGHT.items():
        count = getattr(bags, field)
        length = bags.size if field == "body" else np.bincount(bags.chunk, weights=count, minlength=chunks)
        share = _LENGTH[field]
        norm = (weight / (1 - share + share * length / _REFERENCE[field])).astype(np.float32)
        total += count * norm[bags.chunk]
    return np.maximum(np.rint(_LEVELS * total / (total + _SATURATION)), 1).astype(np.uint8)


def drop_segment(db: sqlite3.Connection, segment: int) -> None:
    """Delete a segment and its postings. The caller has the transaction."""
    db.execute("delete from postings where segment = ?", (segment,))
    db.execute("delete from lexical where segment = ?", (segment,))


def merge_segments(
    db: sqlite3.Connection, segments: Sequence[int], into: int, first: int, moved: NDArray[np.int64]
) -> None:
    """Write one segment ``into`` in place of ``segments``, without the chunks that are dead.

    ``moved[old id]`` is the new id of a chunk, from ``first`` on and without gaps, or -1 for a dead one. The
    caller has the transaction.
    """
    import numpy as np

    old = [one for one in _segments(db) if one.number in set(segments)]
    places = [moved[one.first : one.first + one.chunks] - first for one in old]  # below 0: dead
    chunks = sum(int(np.count_nonzero(part >= 0)) for part in places)
    db.execute("insert into lexical values (?, ?, ?)", (into, first, chunks))
    for low, high in _ranges(db, old):
        numbers: dict[str, int] = {}
        found = []
        for one, part in zip(old, places, strict=True):
            rows = db.execute(
                "select term, data from postings where segment = ? and term >= ? and term < ?",
                (one.number, low, high),
            ).fetchall()
            number = np.array([numbers.setdefault(term, len(numbers)) for term, _ in rows], dtype=np.int64)
            row, place, impact = _decoded(_width(one.chunks), [_listed(one.chunks, data) for _, data in rows])
            live = part[place] >= 0
            found.append((number[row[live]], part[place[live]], impact[live]))
        columns = [np.concatenate(column) for column in zip(*found, strict=True)]
        _insert(db, into, chunks, list(numbers), *columns)
    for one in old:
        drop_segment(db, one.number)


def _ranges(db: sqlite3.Connection, segments: Sequence[_Segment]) -> list[tuple[str, str]]:
    """Divide all terms into ranges, from one up to but without another, of about _AT_ONCE terms each."""
    largest = max(segments, key=lambda one: one.chunks)
    query = "select term from postings where segment = ? order by term"
    terms = [term for (term,) in db.execute(query, (largest.number,))]
    step = max(1, _AT_ONCE // len(segments))
    bounds = ["", *terms[step::step]]
    return list(zip(bounds, [*bounds[1:], _END], strict=True))


class Lexical:
    """The postings of an index file, as it is now. ``count`` is how many chunks it has, dead ones included."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._segments = _segments(db)
        self._rows: dict[str, list[bytes]] = {}  # the data of the last terms, for each segment; b"" for none
        self.count = sum(one.chunks for one in self._segments)

    def idf(self, terms: Iterable[str]) -> dict[str, float]:
        """Return how much each term tells, by BM25's formula; 0 < idf; a term that no chunk has is left out.

        Dead chunks count as well until their segment is written anew, so that no posting need be read for it.
        """
        return {
            term: log1p((self.count - df + 0.5) / (df + 0.5))
            for term, rows in self._fetch(terms).items()
            if (df := sum(map(_frequency, (one.chunks for one in self._segments), rows)))
        }

    def top(
        self, terms: Mapping[str, float], k: int = 200, alive: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the ids and scores of the ``k`` best chunks, the best first; ties by id.

        ``terms`` are weights of terms as `words` gives them; ``alive[id]`` is False for chunks that cannot be
        an answer. A score is the sum over the terms of weight x idf x impact (from 0 to 1). Chunks that score
        nothing are none of the answers.
        """
        import numpy as np

        weights = [
            (term, np.float32(terms[term] * idf / _LEVELS)) for term, idf in sorted(self.idf(terms).items())
        ]
        ids, scores, least = np.zeros(0, np.int64), np.zeros(0, np.float32), np.float32(0)
        if k < 1:
            return ids, scores
        for at, one in enumerate(self._segments):
            score = _scored(one.chunks, [(self._rows[term][at], weight) for term, weight in weights])
            if alive is not None:
                score *= alive[one.first : one.first + one.chunks]
            best = np.flatnonzero(score > least)  # what is only as good has the larger id
            ids = np.concatenate([ids, best + one.first])
            scores = np.concatenate([scores, score[best]])
            if len(ids) > k:
                kept = _best(scores, k)
                ids, scores = ids[kept], scores[kept]
                least = scores.min()
        order = np.lexsort((ids, -scores))
        return ids[order], scores[order]

    def _fetch(self, terms: Iterable[str]) -> dict[str, list[bytes]]:
        """Return the data of terms; those of the last call are still at hand, and never change."""
        names = list(dict.fromkeys(terms))
        if any(name not in self._rows for name in names):
            self._rows = {name: [b""] * len(self._segments) for name in names}
            for at, one in enumerate(self._segments):
                for some in (names[start : start + _VARIABLES] for start in range(0, len(names), _VARIABLES)):
                    marks = ",".join("?" * len(some))
                    query = f"select term, data from postings where segment = ? and term in ({marks})"  # noqa: S608
                    for term, data in self._db.execute(query, (one.number, *some)):
                        self._rows[term][at] = data
        return {name: self._rows[name] for name in names}


def _segments(db: sqlite3.Connection) -> list[_Segment]:
    return [_Segment(*row) for row in db.execute("select segment, first, chunks from lexical order by first")]


# The data of a term in a segment: the places (little-endian, ascending, _width bytes each) of the chunks that
# have it and then their impacts; or, where that is no shorter, one byte for each chunk of the segment, 0 for
# those without it. The length tells which.
def _width(chunks: int) -> int:
    return 2 if chunks <= NARROW else 4


def _frequency(chunks: int, data: bytes) -> int:
    """Return how many chunks have the term."""
    import numpy as np

    if len(data) == chunks:
        return int(np.count_nonzero(np.frombuffer(data, np.uint8)))
    return len(data) // (_width(chunks) + 1)


def _scored(chunks: int, rows: Iterable[tuple[bytes, np.float32]]) -> NDArray[np.float32]:
    """Return the scores of a segment's chunks; ``rows`` are the data of terms and their weights."""
    import numpy as np

    width = _width(chunks)
    score = np.zeros(chunks, dtype=np.float32)
    for data, weight in rows:
        if len(data) == chunks:
            score += np.frombuffer(data, np.uint8) * weight
        elif data:
            many = len(data) // (width + 1)
            place = np.frombuffer(data, f"<u{width}", many)
            worth = np.frombuffer(data, np.uint8, many, many * width)
            np.add.at(score, place.astype(np.intp), worth * weight)  # thrice as quick as +=
    return score


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the places of the ``k`` best scores, of equal ones the first, in ascending order."""
    import numpy as np

    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = np.flatnonzero(scores > least)
    equal = np.flatnonzero(scores == least)[: k - len(above)]
    return np.sort(np.concatenate([above, equal]))


def _insert(
    db: sqlite3.Connection,
    segment: int,
    chunks: int,
    terms: Sequence[str],
    which: NDArray[np.integer],
    place: NDArray[np.integer],
    impact: NDArray[np.uint8],
) -> None:
    """Write postings: ``terms[which]`` is in the chunk at ``place`` with ``impact``."""
    import numpy as np

    width = _width(chunks)
    order = sorted(range(len(terms)), key=terms.__getitem__)
    rank = np.empty(len(terms), dtype=np.int64)
    rank[np.array(order, dtype=np.int64)] = np.arange(len(terms))
    key = ((rank[which] * chunks + place) << 8) | impact
    key.sort()  # one number is sorted more quickly than three
    row, place = np.divmod(key >> 8, max(chunks, 1))
    many = np.bincount(row, minlength=len(terms))
    at, worth = _layout(many, width)
    data = np.empty(len(key) * (width + 1), dtype=np.uint8)
    for byte in range(width):
        data[at + byte] = (place >> (8 * byte)).astype(np.uint8)
    data[worth] = key.astype(np.uint8)
    ends = np.concatenate([[0], np.cumsum(many * (width + 1))]).tolist()
    rows = (
        (segment, terms[order[at]], _shorter(chunks, data.data[low:high]))
        for at, (low, high) in enumerate(pairwise(ends))
        if low < high
    )
    db.executemany("insert into postings values (?, ?, ?)", rows)


def _layout(many: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return at which byte each posting's place and its impact are when rows of so ``many`` are joined."""
    import numpy as np

    count = np.repeat(many, many)
    ends = np.cumsum(many)
    inside = np.arange(len(count)) - np.repeat(ends - many, many)
    begin = (np.arange(len(count)) - inside) * (width + 1)
    return begin + inside * width, begin + count * width + inside


def _shorter(chunks: int, data: memoryview) -> memoryview | bytes:
    """Return a term's list of places and impacts in the form that is shorter."""
    import numpy as np

    if len(data) < chunks:
        return data
    _, place, impact = _decoded(_width(chunks), [data])
    dense = np.zeros(chunks, dtype=np.uint8)
    dense[place] = impact
    return dense.tobytes()


def _listed(chunks: int, data: bytes) -> bytes:
    """Return a term's data as a list of places and impacts, whichever form it has."""
    import numpy as np

    if len(data) < chunks:
        return data
    dense = np.frombuffer(data, np.uint8)
    place = np.flatnonzero(dense)
    return place.astype(f"<u{_width(chunks)}").tobytes() + dense[place].tobytes()


def _decoded(
    width: int, rows: Sequence[bytes | memoryview]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Return of all postings in lists of places and impacts the row, the place and the impact."""
    import numpy as np

    many = np.array([len(data) // (width + 1) for data in rows], dtype=np.int64)
    data = np.frombuffer(b"".join(rows), np.uint8)
    at, worth = _layout(many, width)
    place = np.zeros(len(at), dtype=np.int64)
    for byte in range(width):
        place |= data[at + byte].astype(np.int64) << (8 * byte)
    return np.repeat(np.arange(len(rows)), many), place, data[worth]
