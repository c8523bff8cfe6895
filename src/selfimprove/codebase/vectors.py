"""Vectors: the embedded chunks of an index file, read by chunk or searched whole with numpy or FAISS."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from numpy import bool_, float32, int8, int64
    from numpy.typing import NDArray

from selfimprove.codebase.embedding import SCALE, WIDTH

SCHEMA = """
create table embedded (segment integer primary key, first integer not null, chunks integer not null);
create table vectors (place integer primary key, data blob not null);
"""
"""A row of ``vectors`` has ROW chunks, the last of a segment fewer: it fills a page of SQLite, so that what is
asked for is read and nothing else. ``place`` is the segment's number times ROWS plus the row's number."""

ROW = 15
ROWS = 1 << 32

IVF_FROM = 10_000
"""Chunks from which FAISS looks only at the lists nearest to a query."""
SQ8_FROM = 2_000_000
"""Chunks from which FAISS keeps a byte for each number instead of four."""

_ASKED = 500  # places in one statement: SQLite before 3.32 takes 999
_SCANNED = 65_536  # vectors that a scan multiplies at once: 64 MB


class _Segment(NamedTuple):
    number: int
    first: int
    chunks: int


def write_segment(db: sqlite3.Connection, segment: int, first: int, parts: Sequence[NDArray[int8]]) -> None:
    """Write the vectors (int8[n, WIDTH]) of new chunks, in their order; the first has the id ``first``.

    The caller has the transaction. Raises sqlite3.IntegrityError when the segment is there already.
    """
    chunks = sum(len(part) for part in parts)
    db.execute("insert into embedded values (?, ?, ?)", (segment, first, chunks))
    data = b"".join(part.tobytes() for part in parts)
    size = ROW * WIDTH
    rows = ((segment * ROWS + at // size, data[at : at + size]) for at in range(0, len(data), size))
    db.executemany("insert into vectors values (?, ?)", rows)


def merge_segments(
    db: sqlite3.Connection, segments: Iterable[int], into: int, first: int, moved: NDArray[int64]
) -> None:
    """Write one segment ``into`` of the chunks of ``segments`` that live; ``moved`` has their new ids, -1 for dead.

    The caller has the transaction, and drops the old ones.
    """
    import numpy as np

    parts = [(one.first, _read(db, one)) for one in _segments(db) if one.number in set(segments)]
    places = [moved[begin : begin + len(part)] for begin, part in parts]
    merged = np.zeros((sum(int((place >= 0).sum()) for place in places), WIDTH), dtype=np.int8)
    for place, (_, part) in zip(places, parts, strict=True):
        merged[place[place >= 0] - first] = part[place >= 0]
    write_segment(db, into, first, [merged])


def drop_segment(db: sqlite3.Connection, segment: int) -> None:
    """Delete a segment's vectors. The caller has the transaction."""
    db.execute("delete from vectors where place between ? and ?", (segment * ROWS, (segment + 1) * ROWS - 1))
    db.execute("delete from embedded where segment = ?", (segment,))


def cosines(db: sqlite3.Connection, ids: Iterable[int], query: NDArray[float32]) -> NDArray[float32]:
    """Return the cosine of each chunk with ``query`` (a unit vector); 0 where a chunk has no vector."""
    import numpy as np

    wanted = ids.astype(np.int64) if isinstance(ids, np.ndarray) else np.array(list(ids), dtype=np.int64)
    result = np.zeros(len(wanted), dtype=np.float32)
    segments = _segments(db)
    if not segments or not len(wanted):
        return result
    number, first, chunks = np.array(segments, dtype=np.int64).T
    which = np.maximum(np.searchsorted(first, wanted, side="right") - 1, 0)
    at = wanted - first[which]
    there = np.flatnonzero((at >= 0) & (at < chunks[which]))
    row, within = np.divmod(at[there], ROW)
    rows, back = np.unique(number[which[there]] * ROWS + row, return_inverse=True)
    found = _rows(db, rows.tolist())
    table = np.frombuffer(b"".join(found), dtype=np.int8).reshape(-1, ROW, WIDTH)
    # einsum keeps to one thread: see `likeness`
    result[there] = np.einsum("ij,j->i", table[back, within].astype(np.float32), query) / SCALE
    return result


class Scan:
    """All vectors of an index file in memory, compared with a query one by one: exact, and the default."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Read them."""
        self.ids, self._table = everything(db)

    def top(
        self, query: NDArray[float32], k: int = 200, alive: NDArray[bool_] | None = None
    ) -> tuple[NDArray[int64], NDArray[float32]]:
        """Return the ids and the cosines of the ``k`` nearest chunks, best first, of equals the lowest id."""
        import numpy as np

        scores = np.empty(len(self.ids), dtype=np.float32)
        for begin in range(0, len(scores), _SCANNED):
            part = slice(begin, begin + _SCANNED)
            scores[part] = self._table[part].astype(np.float32) @ query
        scores /= SCALE
        return _best(self.ids, scores, k, alive)


class Faiss:
    """All vectors in an index of FAISS: flat, from IVF_FROM chunks by lists, from SQ8_FROM in single bytes too.

    Building it takes seconds for each 100,000 chunks, so ``to_bytes`` may be kept and given back as ``kept``
    as long as the chunks are the same. Raises ImportError without the package faiss-cpu.
    """

    def __init__(
        self, db: sqlite3.Connection, kept: bytes | None = None, ids: NDArray[int64] | None = None
    ) -> None:
        """Build the index, or take the one that was ``kept``.

        ``ids`` are those that its chunks have by now, -1 for one that is no longer there; those of all chunks
        when None. Raises ValueError when they are not as many as it has.
        """
        import faiss
        import numpy as np

        self._index: Any
        if kept is not None:
            self.ids = _ids(_segments(db)) if ids is None else ids
            self._index = faiss.deserialize_index(np.frombuffer(kept, dtype=np.uint8))
        else:
            self.ids, table = everything(db)
            self._index = _built(faiss, table)
        if self._index.ntotal != len(self.ids):
            raise ValueError(f"the kept index has {self._index.ntotal} vectors, not {len(self.ids)}")

    def to_bytes(self) -> bytes:
        """Return the index without the ids of the chunks."""
        import faiss

        return bytes(faiss.serialize_index(self._index))

    def top(
        self, query: NDArray[float32], k: int = 200, alive: NDArray[bool_] | None = None
    ) -> tuple[NDArray[int64], NDArray[float32]]:
        """Return ids and cosines as Scan does; with lists, some of the nearest may be missed."""
        import numpy as np

        dead = 0 if alive is None else int((~alive).sum())
        many = min(k + dead, 4 * k, len(self.ids))
        if not many:
            return self.ids[:0], np.zeros(0, dtype=np.float32)
        scores, places = self._index.search(query[None].astype(np.float32), many)
        ids = np.where(places[0] >= 0, self.ids[places[0]], -1)
        return _best(ids[ids >= 0], scores[0][ids >= 0], k, alive)


def everything(db: sqlite3.Connection) -> tuple[NDArray[int64], NDArray[int8]]:
    """Return the ids of all chunks that have a vector, ascending, and their vectors, dead ones included."""
    import numpy as np

    segments = _segments(db)
    if not segments:
        return np.zeros(0, dtype=np.int64), np.zeros((0, WIDTH), dtype=np.int8)
    return _ids(segments), np.concatenate([_read(db, one) for one in segments])


def _ids(segments: Sequence[_Segment]) -> NDArray[int64]:
    import numpy as np

    spans = [np.arange(one.first, one.first + one.chunks, dtype=np.int64) for one in segments]
    return np.concatenate([np.zeros(0, np.int64), *spans])


def _built(faiss: Any, table: NDArray[int8]) -> Any:
    """Return a new index of the rows of ``table``, the same whenever it is built."""
    import numpy as np

    def floats(part: NDArray[int8]) -> NDArray[float32]:
        return part.astype(np.float32) / np.float32(SCALE)

    kind = faiss.METRIC_INNER_PRODUCT
    if len(table) < IVF_FROM:
        index = faiss.IndexFlatIP(WIDTH)
    else:
        lists = int(4 * np.sqrt(len(table)))
        name = f"IVF{lists},{'SQ8' if len(table) >= SQ8_FROM else 'Flat'}"
        index = faiss.index_factory(WIDTH, name, kind)
        index.nprobe = max(8, lists // 16)
        index.cp.seed, index.cp.niter, index.cp.min_points_per_centroid = (
            1,
            10,
            1,
        )  # the last: without a warning
        index.train(floats(table[:: max(1, len(table) // (40 * lists))]))
    for begin in range(0, len(table), _SCANNED):
        index.add(floats(table[begin : begin + _SCANNED]))
    return index


def _best(
    ids: NDArray[int64], scores: NDArray[float32], k: int, alive: NDArray[bool_] | None
) -> tuple[NDArray[int64], NDArray[float32]]:
    import numpy as np

    if alive is not None:
        lives = alive[ids]
        ids, scores = ids[lives], scores[lives]
    if len(ids) > k:  # all that are as good as the k-th, so that equals are decided by their id
        near = scores >= np.partition(scores, len(scores) - k)[len(scores) - k]
        ids, scores = ids[near], scores[near]
    order = np.lexsort((ids, -scores))[:k]
    return ids[order], scores[order]


def _segments(db: sqlite3.Connection) -> list[_Segment]:
    return [
        _Segment(*row) for row in db.execute("select segment, first, chunks from embedded order by first")
    ]


def _read(db: sqlite3.Connection, segment: _Segment) -> NDArray[int8]:
    import numpy as np

    span = (segment.number * ROWS, (segment.number + 1) * ROWS - 1)
    found = db.execute("select data from vectors where place between ? and ? order by place", span)
    return np.frombuffer(b"".join(row[0] for row in found), dtype=np.int8).reshape(segment.chunks, WIDTH)


def _rows(db: sqlite3.Connection, places: list[int]) -> Iterator[bytes]:
    """Yield whole rows of ascending places, filled up with zeros; the place is known to be there."""
    for begin in range(0, len(places), _ASKED):
        some = places[begin : begin + _ASKED]
        marks = ",".join("?" * len(some))
        query = f"select data from vectors where place in ({marks}) order by place"  # noqa: S608
        for (data,) in db.execute(query, some):
            yield data.ljust(ROW * WIDTH, b"\0")
