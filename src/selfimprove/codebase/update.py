"""Update: what has changed in the files since the index was made, and the work that brings it up to date."""

from __future__ import annotations

import contextlib
import itertools
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.merging import merge
from selfimprove.codebase.packing import FileFacts, Known, Packed, embedding_or_none, pack
from selfimprove.codebase.packing import left_out as left_out
from selfimprove.codebase.segments import (
    FileRow,
    all_segments,
    fact,
    forget,
    save_activity,
    save_ranks,
    set_fact,
    transaction,
    write,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from selfimprove.codebase.indexfile import IndexFile
    from selfimprove.codebase.sources import SourceFile, Sources
    from selfimprove.tools.spread import Workers

    Progress = Callable[[int, int, str], object]

COMMIT = 2_000
"""Files after which what was done is committed: a process that is killed loses no more."""

_RACY = (
    2_000_000_000  # ns: a file this young when it was read may have changed since at the same size and age
)
_BATCH_FILES, _BATCH_BYTES = 64, 500_000
_ONE_PROCESS = 128  # files that are read here, as other processes would take longer to start
_MOVED = 0.02  # share of chunks that came or went after which the ranks are worked out again


class Origin(NamedTuple):
    """What is indexed: the files that ``list_names`` gives, relative to the folder ``root``.

    ``head`` names the state of the history, and ``activity`` returns for each path its churn and the age in
    days of its newest change; it is asked when ``head`` has another value than at the last update.
    """

    root: Path
    list_names: Callable[[], Iterable[str]]
    head: Callable[[], str] | None = None
    activity: Callable[[], Mapping[str, tuple[float, float]]] | None = None


class Stale(NamedTuple):
    """How many files differ from what the index has of them, of how many that there are now."""

    added: int
    changed: int
    removed: int
    files: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class Updated(NamedTuple):
    """What an update did: files ``added``, ``changed``, ``removed``; how many there are, and live chunks.

    ``left_out`` are files that are not indexed, with the reason; ``notes`` is what else the person should know.
    """

    added: int
    changed: int
    removed: int
    files: int
    chunks: int
    seconds: float
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


class Look(NamedTuple):
    """``doubtful`` are files that may differ from what the index has of them, which is ``known`` by path; ``gone``
    are those that it has and should not have. ``left_out`` was decided without reading."""

    known: dict[str, FileRow]
    doubtful: list[SourceFile]
    gone: list[FileRow]
    files: int
    left_out: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.doubtful or self.gone)


def look(db: sqlite3.Connection | None, sources: Sources) -> Look:
    """Compare the files' sizes and times with those that the index has. Nothing is read."""
    rows = {row[1]: row for row in db.execute("select * from files")} if db else {}
    doubtful = [one for one in sources.files if _may_differ(one, rows.get(one.path))]
    known = {one.path: FileRow._make(rows[one.path]) for one in doubtful if one.path in rows}
    gone = [FileRow._make(rows[path]) for path in rows.keys() - {one.path for one in sources.files}]
    return Look(known, doubtful, gone, len(sources.files), tuple(sources.left_out))


_STAMPS = FileRow._fields.index("size")
_SEEN = FileRow._fields.index("seen_ns")


def _may_differ(file: SourceFile, row: tuple[Any, ...] | None) -> bool:
    """Tell by size and times whether a file may not be what the index has."""
    stamps = file[1:]
    return (
        row is None or stamps != row[_STAMPS : _STAMPS + len(stamps)] or max(stamps[1:]) > row[_SEEN] - _RACY
    )


def stale(look: Look, root: Path) -> Stale:
    """Count what differs, by reading the files that may."""
    from selfimprove.codebase.packing import digest_of

    added = sum(one.path not in look.known for one in look.doubtful)
    changed = sum(
        one.path in look.known and digest_of(root / one.path) != look.known[one.path].digest
        for one in look.doubtful
    )
    return Stale(added, changed, len(look.gone), look.files)


class Update:
    """One update of the index ``file`` from ``origin``, with up to ``jobs`` processes.

    ``progress`` is told (files done, of how many, phase) at least once for each batch.
    """

    def __init__(self, file: IndexFile, origin: Origin, progress: Progress, jobs: int) -> None:
        self.file = file
        self.origin = origin
        self.progress = progress
        self.jobs = jobs
        self._begun = time.perf_counter()
        self._head = origin.head() if origin.head else ""

    def run(self, anew: str = "") -> Updated:
        """Make the index right for the files as they are now; return what was done.

        ``anew`` is why all is done again. Raises StateError when the index cannot be written (a full disk), and
        then what was committed stays; sqlite3.DatabaseError when it proves to be damaged.
        """
        self.progress(0, 0, "looking")
        if not anew and not self.file.was_left_open and (same := self._unchanged()):
            return same
        with self.file.lock() as waited:
            if waited:
                self.__dict__.pop("_sources", None)
            self.file.prepare(anew or self._other_embedding())
            return self._write(self._look())

    def _unchanged(self) -> Updated | None:
        """Return what there is to tell when there is nothing to do."""
        with self._reading() as db:
            if db is None:
                return None
            seen = look(db, self._sources)
            if seen or fact(db, "head") != self._head or _is_other(db):
                return None
            return self._told(db, seen, [])

    def _look(self) -> Look:
        with self._reading() as db:
            return look(db, self._sources)

    @cached_property
    def _sources(self) -> Sources:
        from selfimprove.codebase.sources import choose

        return choose(self.origin.root, self.origin.list_names())

    def _other_embedding(self) -> str:
        with self._reading() as db:
            return "its vectors are of another version" if db and _is_other(db) else ""

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        db = self.file.reader()
        try:
            yield db
        finally:
            if db:
                db.close()

    def _write(self, seen: Look) -> Updated:
        from selfimprove.tools.spread import Workers

        workers = Workers(self.jobs if len(seen.doubtful) > _ONE_PROCESS else 1)
        packed = grouped(self._packed(workers, seen))
        facts: list[FileFacts] = []
        try:
            first = next(packed, [])  # other processes begin before the database is open: none inherits it
            with self.file.writer() as db:
                moved = self._write_files(db, seen, itertools.chain([first], packed), facts)
                self.progress(len(facts), len(seen.doubtful), "ranking")
                self._settle(db, moved)
                return self._told(db, seen, facts)
        finally:
            packed.close()
            workers.close()

    def _packed(self, workers: Workers, seen: Look) -> Iterator[Packed]:
        """Yield what becomes of the files in doubt, a batch at a time, in their order."""
        root = str(self.origin.root)
        digests = {path: row.digest for path, row in seen.known.items()}
        known = [Known(one.path, digests.get(one.path, b"")) for one in seen.doubtful]
        work = [[(root, batch)] for batch in batches(known, [one.size for one in seen.doubtful])]
        lost: list[Sequence[Known]] = []
        for batch, packed in self._in_order(workers, work, len(known)):
            if packed is None:
                lost.append(batch)
            else:
                yield packed
        yield from _one_by_one(workers, root, lost)

    def _in_order(
        self, workers: Workers, work: Sequence[list[tuple[str, list[Known]]]], files: int
    ) -> Iterator[tuple[Sequence[Known], Packed | None]]:
        """Yield each batch of ``work`` and what became of it, None where the process died, in their order."""
        order = {id(batch): number for number, [(_, batch)] in enumerate(work)}
        waiting: dict[int, Packed | None] = {}
        turn = done = 0
        for (_, batch), packed in workers.spread(pack, work):
            waiting[order[id(batch)]] = packed
            done += len(batch)
            self.progress(done, files, "reading")
            while turn in waiting:
                yield work[turn][0][1], waiting.pop(turn)
                turn += 1

    def _write_files(
        self, db: sqlite3.Connection, seen: Look, groups: Iterable[list[Packed]], facts: list[FileFacts]
    ) -> int:
        """Write each group as a segment and take out what is gone; return how many chunks came or went."""
        embedding = embedding_or_none()
        with transaction(db):
            set_fact(db, "embedding", embedding.version if embedding else "")
            forget(db, seen.gone)
        moved = sum(row.chunks for row in seen.gone)
        for group in groups:
            facts += [one for packed in group for one in packed.files]
            with transaction(db):
                moved += write(db, group, seen.known)
            self.file.checkpoint(db)
            self.progress(len(facts), len(seen.doubtful), "writing")
        there = {one.path for one in facts}
        with transaction(db):
            forget(
                db, [seen.known[one.path] for one in seen.doubtful if one.path in seen.known.keys() - there]
            )
        merging = True
        while merging:
            with transaction(db):
                merging = merge(db)
        return moved

    def _settle(self, db: sqlite3.Connection, moved: int) -> None:
        """Write what belongs to all files: their activity, and the chunks' ranks."""
        with transaction(db):
            if self.origin.activity and fact(db, "head") != self._head:
                save_activity(db, self.origin.activity())
            set_fact(db, "head", self._head)
            moved += int(fact(db, "moved") or 0)
            if moved > _MOVED * sum(one.live for one in all_segments(db)):
                save_ranks(db)
                moved = 0
            set_fact(db, "moved", moved)

    def _told(self, db: sqlite3.Connection, seen: Look, facts: Sequence[FileFacts]) -> Updated:
        left_out = db.execute(
            "select path, left_out from files where left_out != '' order by path"
        ).fetchall()
        changed = [one.path in seen.known for one in facts if not one.is_same]
        return Updated(
            len(changed) - sum(changed),
            sum(changed),
            len(seen.gone),
            seen.files,
            sum(one.live for one in all_segments(db)),
            time.perf_counter() - self._begun,
            (*seen.left_out, *left_out),
            tuple(self.file.notes),
        )


def _one_by_one(workers: Workers, root: str, lost: Sequence[Sequence[Known]]) -> Iterator[Packed]:
    """Yield what becomes of the files of batches with which a process died, each read in a process of its own."""
    alone = [[(root, [one])] for batch in lost for one in batch if len(batch) > 1]
    dead = [batch[0].path for batch in lost if len(batch) == 1]
    for (_, batch), packed in workers.spread(pack, alone):
        if packed:
            yield packed
        else:
            dead.append(batch[0].path)
    yield from (left_out(path, "reading it ended the process") for path in dead)


def batches(known: Sequence[Known], sizes: Sequence[int]) -> Iterator[list[Known]]:
    """Yield ``known`` in parts that are worth sending to another process."""
    batch: list[Known] = []
    held = 0
    for one, size in zip(known, sizes, strict=True):
        if batch and (len(batch) == _BATCH_FILES or held + size > _BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(one)
        held += size
    if batch:
        yield batch


def grouped(packed: Iterable[Packed]) -> Generator[list[Packed], None, None]:
    """Yield ``packed`` in groups of COMMIT files."""
    group: list[Packed] = []
    for one in packed:
        group.append(one)
        if sum(len(other.files) for other in group) >= COMMIT:
            yield group
            group = []
    if group:
        yield group


def _is_other(db: sqlite3.Connection) -> bool:
    """Tell whether the index has vectors of another version than the embedding that is installed."""
    embedding = embedding_or_none()
    return embedding is not None and embedding.version != fact(db, "embedding")
