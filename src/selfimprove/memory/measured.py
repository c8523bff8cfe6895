"""Measured: what a blob was measured to be, kept for every later audit in the person's cache folder."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

LARGEST = 500_000_000
"""Bytes over which the file is begun anew: nothing in it is lost that cannot be measured again."""

_CHUNK = 500  # SQLite before 3.32 takes 999 variables in one statement
_PATIENCE = 1.0  # seconds to wait for another writer: measuring again is not worth more
_FORMAT = 2
_SCHEMA = """
create table if not exists measured (
    flavour text not null, blob text not null, kind text not null, value blob not null,
    primary key (flavour, blob, kind)
) without rowid
"""


def _sum(value: bytes) -> bytes:
    """Return what a value begins with, so that a flipped bit on disk makes no wrong number."""
    return crc32(value).to_bytes(4, "big")


class MeasuredCache:
    """A SQLite file with one row for each blob, kind of source and ``flavour`` (engine and Python minor).

    The file is shared by all repositories, worktrees and processes of a person. It is only a cache: whatever
    is wrong with it (another's file, a full disk, a read-only home) is a ``problem`` in words, never an
    error, and everything is measured again.
    """

    def __init__(self, path: Path, flavour: str) -> None:
        self.path = path
        self.flavour = flavour
        self.problem = ""
        self._connection: sqlite3.Connection | None = None
        with self._forgiving():
            self._connection = self._open()

    def get(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """Return the values that are known of (blob, kind)."""
        found: dict[tuple[str, str], bytes] = {}
        wanted = list(dict.fromkeys(keys))
        kinds = {kind for _, kind in wanted}
        with self._forgiving():
            for kind in kinds:
                blobs = [blob for blob, its in wanted if its == kind]
                for start in range(0, len(blobs), _CHUNK):
                    try:
                        found |= self._some(kind, blobs[start : start + _CHUNK])
                    except sqlite3.DatabaseError as error:
                        self._begin_anew(error)
        return found

    def put(self, rows: Mapping[tuple[str, str], bytes]) -> None:
        """Keep ``rows``, all or none of them."""
        with self._forgiving():
            if self._connection and rows:
                with self._connection:
                    self._connection.executemany(
                        "insert or replace into measured values (?, ?, ?, ?)",
                        [
                            (self.flavour, blob, kind, _sum(value) + value)
                            for (blob, kind), value in rows.items()
                        ],
                    )

    def close(self) -> None:
        """Give the file back."""
        if self._connection:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _insert(self, rows: Mapping[tuple[str, str], bytes]) -> None:
        if self._connection and rows:
            with self._connection:
                self._connection.executemany(
                    "insert or replace into measured values (?, ?, ?, ?)",
                    [(self.flavour, blob, kind, _sum(value) + value) for (blob, kind), value in rows.items()],
                )

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """Replace a damaged file by an empty one; raise what is no damage: a lock, a full disk."""
        damaged = not isinstance(error, sqlite3.OperationalError) or str(error).startswith("no such")
        if not damaged:
            raise error
        self.close()
        self._remove()
        self._connection = self._connect()

    def _some(self, kind: str, blobs: list[str]) -> dict[tuple[str, str], bytes]:
        if not self._connection:
            return {}
        marks = ",".join("?" * len(blobs))
        rows = self._connection.execute(
            f"select blob, value from measured where flavour = ? and kind = ? and blob in ({marks})",  # noqa: S608
            (self.flavour, kind, *blobs),
        )
        return {(blob, kind): value[4:] for blob, value in rows if value[:4] == _sum(value[4:])}

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            if self.path.stat().st_size > LARGEST:
                self._remove()
        try:
            connection = self._connect()
            if connection.execute("pragma user_version").fetchone()[0] == _FORMAT:
                return connection
            connection.close()  # of another version of this program, or of another program
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # not a database, or a broken one
            pass
        self._remove()
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level="IMMEDIATE")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        if not connection.execute("select count(*) from sqlite_master").fetchone()[0]:
            connection.execute(_SCHEMA)
            connection.execute(f"pragma user_version = {_FORMAT}")
        return connection

    def _remove(self) -> None:
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.problem = f"the cache {self.path} is not used: {error}"
            self.close()
