"""Indexfile: the SQLite file of the index: its tables, its one writer, and what is done when it is damaged."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import StateError

if TYPE_CHECKING:
    import tempfile
    from collections.abc import Callable, Iterator

VERSION = 2
"""The engine's number: a file of another one is made anew. It goes up when tables, cuts or terms change."""

SCHEMA = """
create table facts (key text primary key, value) without rowid;
create table segments (id integer primary key, first integer not null, chunks integer not null,
    dead integer not null, gone blob not null);
create table arrays (segment integer not null, name text not null, data blob not null,
    primary key (segment, name));
create table files (id integer primary key, path text not null unique, size integer not null,
    mtime_ns integer not null, ctime_ns integer not null, seen_ns integer not null, digest blob not null,
    segment integer not null, at integer not null, chunks integer not null,
    language text not null, left_out text not null);
create table names (place integer primary key, data text not null);
"""
"""``gone`` has a bit for each dead chunk. A file's chunks are ``at``, ``at + 1``, ... of its segment, of which
``first`` is the id of the first chunk. ``left_out`` says why a file has none. Segment 0 of ``arrays`` is what
belongs to all of them. ``place`` is a chunk's segment times PLACES plus its place in that."""

PLACES = 1 << 32
"""More than a segment can have of chunks."""

_POLL = 0.05  # seconds between looks at a lock that another process holds
_PATIENCE = 0.5  # seconds to wait for it without a word
_BUSY = 10.0  # seconds that SQLite waits for its own locks, which are held for milliseconds
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}
_OPEN = "open"  # what the seal says while a writer is at work, or after one was killed


def is_damage(error: Exception) -> bool:
    """Tell whether ``error`` means that the file is not, or no longer, an index that can be used."""
    if isinstance(error, sqlite3.Error):
        return (getattr(error, "sqlite_errorcode", 0) & 255) in _DAMAGE
    return isinstance(error, ValueError | IndexError | KeyError | TypeError)


class IndexFile:
    """``index.db`` in the folder ``state``, or in a temporary one when that folder cannot be written to.

    ``notes`` are what the person should know: that the file was made anew, and why. A second file, the seal,
    says how large and how old the database was when its last writer had done: whoever else changes it is
    found out. ``wait`` is told once when another process is writing.
    """

    def __init__(self, state: Path, wait: Callable[[str], object] = lambda _: None) -> None:
        self.folder = state
        self.notes: list[str] = []
        self._wait = wait
        self._lent: tempfile.TemporaryDirectory[str] | None = None

    @property
    def path(self) -> Path:
        """The database."""
        return self.folder / "index.db"

    @property
    def _log(self) -> Path:
        """What was committed to the database and is not in its file yet."""
        return self.folder / "index.db-wal"

    def reader(self) -> sqlite3.Connection | None:
        """Return a connection that reads, in a transaction: it goes on seeing what it saw first.

        ``None`` when there is no usable file; a writer makes one.
        """
        from urllib.parse import quote

        if self._trouble():
            return None
        for more in ("", "&immutable=1"):  # the latter for a folder in which SQLite cannot make its own files
            db = None
            try:
                db = sqlite3.connect(
                    f"file:{quote(os.fsencode(self.path))}?mode=ro{more}",
                    uri=True,
                    timeout=_BUSY,
                    isolation_level=None,
                    check_same_thread=False,
                )
                db.execute("pragma cache_size = -16000")
                db.execute("begin")
                if db.execute("pragma user_version").fetchone()[0] == VERSION:
                    db.execute("select count(*) from segments").fetchone()
                    return db
                db.close()
                return None
            except sqlite3.DatabaseError as error:
                if db:
                    db.close()
                closed = (error.sqlite_errorcode & 255) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
                if not closed or _measure(self._log).partition(" ")[0] not in ("", "0"):
                    return None  # without its log the database may be of an old state
        return None

    @contextlib.contextmanager
    def lock(self) -> Iterator[bool]:
        """Be the only writer, after whoever is that now; gives True when it had to wait for somebody.

        Changes ``folder`` when that cannot be written to.
        """
        descriptor = self._lock_file()
        try:
            since = time.monotonic()
            told = waited = False
            while not _taken(descriptor):
                waited = True
                if not told and time.monotonic() - since > _PATIENCE:
                    told = True
                    self._wait("another process is writing the index: waiting for it")
                time.sleep(_POLL)
            yield waited
        finally:
            os.close(descriptor)

    def prepare(self, anew: str = "") -> None:
        """Make sure that there is a database that can be used; for the holder of the lock.

        It is made without content when there is none, or it is damaged or of another version, or ``anew`` says
        why it shall be. Raises StateError when that cannot be written.
        """
        with self._in_plain_words():
            self._opened(anew).close()

    @contextlib.contextmanager
    def writer(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that writes, to the holder of the lock; each transaction is the holder's own.

        Raises StateError when the disk is full or cannot be written to: what was committed before is there.
        """
        with self._in_plain_words(), contextlib.closing(self._connect()) as db:
            yield db
            whole = self.checkpoint(db)
            db.close()
            if whole:  # else a reader needs the old state, and whoever is the last to close moves the rest
                self._seal(_measure(self.path))

    @property
    def was_left_open(self) -> bool:
        """True when the last writer was killed, or is still at work."""
        return self._seal_text() == _OPEN

    def checkpoint(self, db: sqlite3.Connection) -> bool:
        """Move what was committed from the log to the database; False when a reader still needs the old state."""
        db.execute("pragma busy_timeout = 0")
        busy, *_ = db.execute("pragma wal_checkpoint(truncate)").fetchone()
        db.execute(f"pragma busy_timeout = {_BUSY * 1000:.0f}")
        return not busy

    def close(self) -> None:
        """Remove the temporary folder, if there is one."""
        if self._lent:
            self._lent.cleanup()
            self._lent = None

    @contextlib.contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Turn an error that is no damage into a StateError."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if is_damage(error):
                raise
            raise StateError(
                f"the index cannot be written: {error}",
                where=str(self.path),
                hint="make room on the disk, or check that the folder can be written to",
            ) from error

    def _trouble(self) -> str:
        """Say why the file cannot be used as it is, ``""`` when it can (as far as is seen from outside)."""
        for _ in range(3):  # a writer may come between one look and the other
            seal = self._seal_text()
            measure = _measure(self.path)
            if not measure:
                return "it is missing"
            if seal == _OPEN or _agree(seal, measure):
                return ""
            if seal == self._seal_text():
                return "something else has changed it" if seal else "its seal is missing"
        return ""

    def _opened(self, anew: str) -> sqlite3.Connection:
        """Return a connection to the database, made anew when there is none or none that can be used."""
        why = anew or self._trouble()
        if not why:
            try:
                db = self._connect()
                why = _unusable(db, self._seal_text() == _OPEN)
                if not why:
                    self._seal(_OPEN)
                    return db
                db.close()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                why = str(error)
        if self.path.exists():
            self.notes.append(f"the index is made anew: {why}")
        if self.path.is_dir():
            import shutil

            shutil.rmtree(self.path)
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        self._seal(_OPEN)
        db = self._connect()
        db.execute("pragma journal_mode = wal")
        db.executescript(f"begin; {SCHEMA} {_others()} pragma user_version = {VERSION}; commit;")
        return db

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        db.execute("pragma synchronous = normal")
        db.execute("pragma wal_autocheckpoint = 0")  # the seal must know when the file changes
        db.execute("pragma cache_size = -16000")
        return db

    def _lock_file(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "index.lock", flags, 0o644)
            if os.access(self.folder, os.W_OK):
                return descriptor
            os.close(descriptor)
            why = "it cannot be written to"
        except OSError as error:
            why = error.strerror or str(error)
        self._move(why)
        return os.open(self.folder / "index.lock", flags, 0o644)

    def _move(self, why: str) -> None:
        """Go on in a temporary folder, with a copy of the database if there is a good one."""
        self.notes.append(f"the index is kept for this command only: {self.folder}: {why.lower()}")
        import shutil
        import tempfile

        good, seal = not self._trouble(), self._seal_text()
        old, log = self.path, self._log
        self._lent = tempfile.TemporaryDirectory(prefix="selfimprove-")
        self.folder = Path(self._lent.name)
        before = _measure(old), _measure(log)
        with contextlib.suppress(OSError):
            for source, copy in ((old, self.path), (log, self._log)):
                if good and _measure(source):
                    shutil.copyfile(source, copy)
            if good and (_measure(old), _measure(log)) == before:
                self._seal(_OPEN if seal == _OPEN else _measure(self.path))

    def _seal_text(self) -> str:
        try:
            return (self.folder / "index.seal").read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            return ""

    def _seal(self, text: str) -> None:
        if self._seal_text() != text:
            draft = self.folder / "index.seal.new"
            draft.write_text(f"{text}\n", encoding="ascii")
            draft.replace(self.folder / "index.seal")


def _others() -> str:
    """Return the tables of the other modules that keep something in the file."""
    from selfimprove.codebase import lexical, vectors

    return lexical.SCHEMA + vectors.SCHEMA


def _unusable(db: sqlite3.Connection, killed: bool) -> str:
    """Say why the database cannot be used; after a writer was ``killed``, look at all of it."""
    version = db.execute("pragma user_version").fetchone()[0]
    if version != VERSION:
        return "it was made by another version of this program"
    if killed and (found := db.execute("pragma quick_check(1)").fetchone()[0]) != "ok":
        return str(found)
    return ""


def _taken(descriptor: int) -> bool:
    """Take the lock if it is free. It is flock's: the package filelock loads asyncio, longer than a search."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _measure(path: Path) -> str:
    """Return size and age of a file, ``""`` when there is none."""
    try:
        state = path.stat()
    except OSError:
        return ""
    return f"{state.st_size} {state.st_mtime_ns}"


def _agree(seal: str, measure: str) -> bool:
    """Compare a seal with a file that may come from an archive, which keeps whole seconds."""
    if measure.endswith("000000000"):
        seal, measure = seal[:-9], measure[:-9]
    return seal == measure
