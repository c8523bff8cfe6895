"""Merging: writes small segments as one, and leaves out dead chunks, so that the index stays small and quick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.codebase.indexfile import PLACES
from selfimprove.codebase.segments import Segment, add, alive, all_segments, load, ordered, rank_of, save

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

FULL = 16_384
"""Chunks from which on a segment is merged only to get rid of its dead ones."""

_MOST = 65_536  # chunks of the largest segment that a merge makes
_SMALL_ONES = 6  # segments that are not full before some are merged
_DEAD = 0.3  # share of dead chunks from which on a segment is written anew
_FEW = 200  # dead chunks that are nobody's trouble


def merge(db: sqlite3.Connection) -> bool:
    """Write some segments as one, or one without its dead chunks, when it is time; False when it is not.

    The caller has the transaction.
    """
    import numpy as np

    from selfimprove.codebase import lexical, vectors

    old = all_segments(db)
    some = due(old)
    if not some:
        return False
    number = 1 + max(one.number for one in old)
    moved = np.full(sum(one.chunks for one in old), -1, np.int64)
    first, places = old[-1].first + old[-1].chunks, {}
    chunks = 0
    for one in some:
        live = alive(db, one)
        place = np.where(live, np.cumsum(live) - 1 + chunks, -1)
        places[one.number] = place
        moved[one.first : one.first + one.chunks] = np.where(live, place + first, -1)
        chunks += one.live
    if chunks:
        _merge_arrays(db, some, number, places)
        _merge_files(db, some, number, places)
        _merge_names(db, some, number, places)
        add(db, number, first, chunks)
        lexical.merge_segments(db, [one.number for one in some], number, first, moved)
        vectors.merge_segments(db, [one.number for one in some], number, first, moved)
    for one in some:
        lexical.drop_segment(db, one.number)
        vectors.drop_segment(db, one.number)
        db.execute("delete from segments where id = ?", (one.number,))
        db.execute("delete from arrays where segment = ?", (one.number,))
        db.execute("delete from names where place >= ? and place < ?", _span(one))
    _number_anew(db)
    return True


def due(segments: Sequence[Segment]) -> list[Segment]:
    """Return which segments to write as one: a single one with many dead chunks, or several small ones.

    Of the small ones, each next larger one is taken while it is at most twice those before it together, so that
    a chunk is written again only a few times, however often files change.
    """
    for one in segments:
        if one.dead > max(_FEW, _DEAD * one.chunks) or (one.chunks and not one.live):
            return [one]
    small = sorted((one for one in segments if one.live < FULL), key=lambda one: (one.live, one.first))
    if len(small) <= _SMALL_ONES:
        return []
    taken = small[:2]
    for one in small[2:]:
        whole = sum(other.live for other in taken)
        if one.live > 2 * whole or whole + one.live > _MOST:
            break
        taken.append(one)
    return sorted(taken, key=lambda one: one.first)


def _merge_arrays(
    db: sqlite3.Connection, some: Sequence[Segment], into: int, places: Mapping[int, NDArray[np.int64]]
) -> None:
    import numpy as np

    for name in ("symbols", "uses"):
        parts = []
        for one in some:
            part = load(db, one.number, name).copy()
            place = places[one.number][part["chunk"]]
            part = part[place >= 0]
            part["chunk"] = place[place >= 0]
            parts.append(part)
        save(db, into, name, ordered(np.concatenate(parts)))
    live = {one.number: places[one.number] >= 0 for one in some}
    save(db, into, "meta", np.concatenate([load(db, one.number, "meta")[live[one.number]] for one in some]))
    ranks = [rank_of(db, one)[live[one.number]] for one in some]
    save(db, into, "rank", np.concatenate(ranks))


def _merge_files(
    db: sqlite3.Connection, some: Sequence[Segment], into: int, places: Mapping[int, NDArray[np.int64]]
) -> None:
    rows = [
        (into, int(places[one.number][at]), number)
        for one in some
        for number, at in db.execute(
            "select id, at from files where segment = ? and chunks > 0", (one.number,)
        ).fetchall()
    ]
    db.executemany("update files set segment = ?, at = ? where id = ?", rows)


def _merge_names(
    db: sqlite3.Connection, some: Sequence[Segment], into: int, places: Mapping[int, NDArray[np.int64]]
) -> None:
    for one in some:
        moved = places[one.number].tolist()
        query = "select place, data from names where place >= ? and place < ?"
        rows = [
            (into * PLACES + to, data)
            for place, data in db.execute(query, _span(one))
            if (to := moved[place % PLACES]) >= 0
        ]
        db.executemany("insert into names values (?, ?)", rows)


def _span(segment: Segment) -> tuple[int, int]:
    """Return the first place of a segment's names, and that after the last."""
    return segment.number * PLACES, (segment.number + 1) * PLACES


def _number_anew(db: sqlite3.Connection) -> None:
    """Let the ids of all segments' chunks follow each other again."""
    first = 0
    for one in all_segments(db):
        if one.first != first:
            for table, key in (("segments", "id"), ("lexical", "segment"), ("embedded", "segment")):
                db.execute(f"update {table} set first = ? where {key} = ?", (first, one.number))  # noqa: S608
        first += one.chunks
