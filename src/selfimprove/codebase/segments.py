"""Segments: the parts of the index that are written whole: how one is added, read, and loses files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.indexfile import PLACES
from selfimprove.codebase.packing import META, NAMED, RECORD

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.packing import FileFacts, Packed

HALF_LIFE = 90.0
"""Days after which a change counts half as recent."""

ACTIVITY = [("churn", "<f4"), ("recency", "<f4")]
"""What is known of each file's past, by its id."""

_EACH: dict[str, Any] = {"meta": META, "symbols": NAMED, "uses": NAMED, "rank": "<f4", "activity": ACTIVITY}


class Segment(NamedTuple):
    """``chunks`` chunks (``dead`` of them dead), whose ids begin with ``first``."""

    number: int
    first: int
    chunks: int
    dead: int

    @property
    def live(self) -> int:
        """Chunks that are not dead."""
        return self.chunks - self.dead


class FileRow(NamedTuple):
    """A file as the index has it."""

    id: int
    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    seen_ns: int
    digest: bytes
    segment: int
    at: int
    chunks: int
    language: str
    left_out: str


def all_segments(db: sqlite3.Connection) -> list[Segment]:
    """Return the segments in the order of their ids."""
    return [
        Segment(*row) for row in db.execute("select id, first, chunks, dead from segments order by first, id")
    ]


def load(db: sqlite3.Connection, segment: int, name: str) -> NDArray[Any]:
    """Return one of a segment's arrays, empty when it has none."""
    import numpy as np

    row = db.execute("select data from arrays where segment = ? and name = ?", (segment, name)).fetchone()
    found: NDArray[Any] = np.frombuffer(row[0] if row else b"", _EACH[name])
    return found


def save(db: sqlite3.Connection, segment: int, name: str, data: NDArray[np.generic]) -> None:
    """Keep one of a segment's arrays."""
    db.execute("insert or replace into arrays values (?, ?, ?)", (segment, name, data.tobytes()))


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Do all of what follows, or nothing."""
    db.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.execute("commit")


def fact(db: sqlite3.Connection, key: str) -> str:
    """Return something that is known of the whole index, ``""`` when it is not."""
    row = db.execute("select value from facts where key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


def set_fact(db: sqlite3.Connection, key: str, value: object) -> None:
    """Keep it."""
    db.execute("insert or replace into facts values (?, ?)", (key, str(value)))


def write(db: sqlite3.Connection, batches: list[Packed], known: Mapping[str, FileRow]) -> int:
    """Write ``batches`` as a new segment, in place of what is ``known`` of their files; return its chunks.

    The caller has the transaction. ``batches`` is emptied: its arrays are large, and joined they are so again.
    """
    import numpy as np

    from selfimprove.codebase import lexical, vectors
    from selfimprove.codebase.words import join

    old = all_segments(db)
    number = 1 + max((one.number for one in old), default=0)
    first = sum(one.chunks for one in old)
    files = [facts for batch in batches for facts in batch.files]
    bury(db, [known[one.path] for one in files if one.path in known and not one.is_same])
    ids = _file_rows(db, number, files, known)
    before = np.cumsum([0, *(len(batch.meta) for batch in batches)])
    chunks = int(before[-1])
    if not chunks:
        return 0
    add(db, number, first, chunks)
    _save_chunks(db, number, batches, ids, before)
    embedded = [batch.vectors for batch in batches if batch.vectors is not None]
    if len(embedded) == len(batches):
        vectors.write_segment(db, number, first, embedded)
    bags = [batch.bags for batch in batches]
    batches.clear()
    embedded.clear()
    joined = join(bags)
    bags.clear()
    lexical.write_segment(db, number, first, joined)
    return chunks


def add(db: sqlite3.Connection, number: int, first: int, chunks: int) -> None:
    """Add a segment of chunks that are all alive."""
    gone = bytes((chunks + 7) // 8)
    db.execute("insert into segments values (?, ?, ?, 0, ?)", (number, first, chunks, gone))


def bury(db: sqlite3.Connection, rows: Iterable[FileRow]) -> None:
    """Mark the chunks of these files as dead. Their rows stay as they are."""
    import numpy as np

    by_segment: dict[int, list[FileRow]] = {}
    for row in rows:
        if row.chunks:
            by_segment.setdefault(row.segment, []).append(row)
    for number, some in by_segment.items():
        chunks, gone = db.execute("select chunks, gone from segments where id = ?", (number,)).fetchone()
        dead = np.unpackbits(np.frombuffer(gone, np.uint8), count=chunks)
        for row in some:
            dead[row.at : row.at + row.chunks] = 1
        db.execute(
            "update segments set dead = ?, gone = ? where id = ?",
            (int(dead.sum()), np.packbits(dead).tobytes(), number),
        )


def forget(db: sqlite3.Connection, rows: Sequence[FileRow]) -> None:
    """Remove files that are gone. The caller has the transaction."""
    bury(db, rows)
    db.executemany("delete from files where id = ?", [(row.id,) for row in rows])


def alive(db: sqlite3.Connection, segment: Segment) -> NDArray[np.bool_]:
    """Return for each chunk of a segment whether it is not dead."""
    import numpy as np

    (gone,) = db.execute("select gone from segments where id = ?", (segment.number,)).fetchone()
    return ~np.unpackbits(np.frombuffer(gone, np.uint8), count=segment.chunks).view(np.bool_)


def _file_rows(
    db: sqlite3.Connection, segment: int, files: Sequence[FileFacts], known: Mapping[str, FileRow]
) -> NDArray[np.uint32]:
    """Write the rows of ``files``, whose chunks follow each other in ``segment``; return their ids."""
    import numpy as np

    (last,) = db.execute("select coalesce(max(id), 0) from files").fetchone()
    ids, rows, stamps, at = [], [], [], 0
    names: list[tuple[int, str]] = []
    for one in files:
        if one.path in known:
            number = known[one.path].id
        else:
            number = last = last + 1
        ids.append(number)
        if one.is_same:
            stamps.append((one.size, one.mtime_ns, one.ctime_ns, one.seen_ns, number))
            continue
        rows.append((number, *one[:6], segment, at, one.chunks, one.language, one.left_out))
        if one.chunks:
            names += enumerate(one.names.split(RECORD), segment * PLACES + at)
        at += one.chunks
    db.executemany("insert or replace into files values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.executemany("insert into names values (?, ?)", names)
    db.executemany("update files set size = ?, mtime_ns = ?, ctime_ns = ?, seen_ns = ? where id = ?", stamps)
    return np.array(ids, np.uint32)


def _save_chunks(
    db: sqlite3.Connection,
    segment: int,
    batches: Sequence[Packed],
    ids: NDArray[np.uint32],
    before: NDArray[np.int64],
) -> None:
    """Keep what is known of each chunk, its file by one of ``ids``, and the names that it defines and uses."""
    import numpy as np

    meta = np.concatenate([batch.meta for batch in batches])
    places = np.cumsum([0, *(len(batch.files) for batch in batches)])
    meta["file"] = ids[meta["file"] + np.repeat(places[:-1], np.diff(before))]
    save(db, segment, "meta", meta)
    for name in ("symbols", "uses"):
        _save_names(db, segment, name, [getattr(batch, name) for batch in batches], before)


def _save_names(
    db: sqlite3.Connection,
    segment: int,
    name: str,
    parts: Sequence[NDArray[np.void]],
    before: NDArray[np.int64],
) -> None:
    """Keep names of several batches, ordered by name and then by chunk."""
    import numpy as np

    both = np.concatenate(parts)
    both["chunk"] += np.repeat(before[:-1], [len(part) for part in parts]).astype(np.uint32)
    save(db, segment, name, ordered(both))


def ordered(names: NDArray[np.void]) -> NDArray[np.void]:
    """Return names (NAMED) by name and then by chunk."""
    import numpy as np

    key = names["name"].astype(np.uint64) << np.uint64(32) | names["chunk"]
    return names[np.argsort(key)]


def rank_of(db: sqlite3.Connection, segment: Segment) -> NDArray[np.float32]:
    """Return the PageRank of a segment's chunks, 1 (the average) where it was not worked out yet."""
    import numpy as np

    rank = load(db, segment.number, "rank")
    return rank if len(rank) == segment.chunks else np.ones(segment.chunks, np.float32)


def save_activity(db: sqlite3.Connection, activity: Mapping[str, tuple[float, float]]) -> None:
    """Keep churn and recency of each file: the latter is 1 for a change today, half of it after HALF_LIFE days."""
    import numpy as np

    (last,) = db.execute("select coalesce(max(id), 0) from files").fetchone()
    table = np.zeros(last + 1, ACTIVITY)
    for number, path in db.execute("select id, path from files").fetchall():
        if path in activity:
            churn, age = activity[path]
            table[number] = churn, 0.5 ** (age / HALF_LIFE)
    save(db, 0, "activity", table)


def save_ranks(db: sqlite3.Connection) -> None:
    """Work out the PageRank of all live chunks, and keep it."""
    import numpy as np

    from selfimprove.codebase.graph import edges, pagerank

    parts: dict[str, list[NDArray[np.int64]]] = {"symbols": [], "uses": []}
    segments = all_segments(db)
    for one in segments:
        live = alive(db, one)
        for name, found in parts.items():
            names = load(db, one.number, name)
            names = names[live[names["chunk"]]]
            found.append(
                np.stack([names["chunk"].astype(np.int64) + one.first, names["name"].astype(np.int64)])
            )
    if not segments:
        return
    definer, defined = np.concatenate(parts["symbols"], axis=1)
    user, used = np.concatenate(parts["uses"], axis=1)
    rank = pagerank(sum(one.chunks for one in segments), edges(user, used, definer, defined))
    for one in segments:
        save(db, one.number, "rank", rank[one.first : one.first + one.chunks])
