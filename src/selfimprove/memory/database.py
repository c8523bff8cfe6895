"""The database behind the journal: its tables, its connection and its migrations."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy as sa

from selfimprove.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

REVISIONS = ("0001", "0002", "0003")
HEAD = REVISIONS[-1]
_COPIES = 20
_PATIENCE = 30.0  # seconds that a process waits for another one, as busy_timeout says
metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("base", sa.String(64), nullable=False),
    sa.Column("branch", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("exit_code", sa.Integer),
    sa.Column("summary", sa.JSON, nullable=False),
)
steps = sa.Table(
    "steps",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("name", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
    sa.UniqueConstraint("run", "task_id", "turn", "attempt", "name"),
)
outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.ForeignKey("runs.id"), nullable=False, index=True),
    sa.Column("task_id", sa.Text, nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("written", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.JSON, nullable=False),
)
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("task_id", sa.Text, primary_key=True),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
)
fences = sa.Table(
    "fences",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)
exchanges = sa.Table(
    "exchanges",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("ask", sa.JSON, nullable=False),
    sa.Column("reply", sa.JSON, nullable=False),
)
calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.Integer, nullable=False, index=True),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("picodollars", sa.BigInteger),
)
lessons = sa.Table(
    "lessons",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("told", sa.Integer, nullable=False),
    sa.Column("helped", sa.Integer, nullable=False),
    sa.Column("kept", sa.Boolean, nullable=False),
    sa.UniqueConstraint("run", "task_id", "turn"),
)


def open_database(path: Path, url: str | None = None) -> sa.Engine:
    """Return an engine on the state database, brought to the current schema.

    ``path`` is the SQLite file (made with its folder when missing), unless ``url`` names another database.
    Raises StateError when the file is not ours, damaged, newer than this program, or cannot be written; it
    is then as it was. What goes wrong later with this engine is a StateError too.
    """
    where = url or str(path)
    if not url:
        _make_folder(path)
    engine = _engine(url or f"sqlite:///{path}", where)
    try:
        if _version(engine) != HEAD:
            _migrate(engine, where)
    except StateError:
        engine.dispose()
        raise
    return engine


def open_read_only(path: Path, url: str | None = None) -> sa.Engine | None:
    """Return an engine that leaves the file and its folder as they are, ``None`` when there is no database yet.

    A database of an older schema is read as one of the present schema, and stays as it is. Raises StateError as
    :func:`open_database` does.
    """
    if url:
        return open_database(path, url)
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        return None
    # With no log beside it nobody is writing, and even SQLite's own lock files can be left out.
    if path.with_name(f"{path.name}-wal").exists():
        engine = _on_a_copy(path)
    else:
        engine = _engine(f"sqlite:///file:{quote(str(path))}?immutable=1&uri=true", str(path))
    if _version(engine) == HEAD:
        return engine
    engine.dispose()
    engine = _on_a_copy(path)
    _migrate(engine, str(path))
    return engine


def _on_a_copy(path: Path) -> sa.Engine:
    """Return an engine on a copy of a database with a log: to read a log in its place, SQLite writes beside it."""
    files = [path, path.with_name(f"{path.name}-wal")]
    for _ in range(_COPIES):
        before = _stamps(files)
        # Into memory at once: on disk a process that is killed would leave all that it holds behind.
        with tempfile.TemporaryDirectory(prefix="selfimprove-") as folder:
            for file in files:
                with contextlib.suppress(FileNotFoundError):  # the last writer has just taken the log away
                    shutil.copyfile(file, Path(folder, file.name))
            if _stamps(files) == before:
                return _in_memory(Path(folder, path.name), path)
    # Somebody writes all the time, and so the files that SQLite needs for reading are there.
    return _engine(f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true", str(path))


def _in_memory(copy: Path, path: Path) -> sa.Engine:
    """Return an engine on what the database file ``copy`` holds, which is not needed any more; errors name ``path``."""
    held = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        with contextlib.closing(sqlite3.connect(copy)) as source:
            source.backup(held)
    except sqlite3.Error as error:
        held.close()
        _plain_error(error, str(path))
        raise
    return _engine("sqlite://", str(path), creator=lambda: held, poolclass=sa.StaticPool)


def _stamps(files: list[Path]) -> list[tuple[int, int]]:
    return [(file.stat().st_mtime_ns, file.stat().st_size) if file.exists() else (0, 0) for file in files]


def reading(engine: sa.Engine) -> AbstractContextManager[sa.Connection]:
    """Return a connection for reading, which waits for no writer and lets none wait."""
    return engine.connect().execution_options(kind="reading")


@contextlib.contextmanager
def noting(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a transaction that a killed process leaves whole, but a power cut may undo.

    For what can be found out again; it costs no wait for the disk.
    """
    with engine.connect().execution_options(kind="noting") as connection, connection.begin():
        yield connection


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "check that path and its permissions"
        raise StateError(
            f"the folder for the state cannot be made: {error.strerror}", where=str(path.parent), hint=hint
        ) from error


def _engine(url: str, where: str, **options: Any) -> sa.Engine:
    engine = sa.create_engine(url, **options)
    sa.event.listen(engine, "handle_error", lambda context: _plain_error(context.original_exception, where))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _sqlite_pragmas)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


_HINTS = {
    "SQLITE_FULL": "make room on the disk, then type the same again",
    "SQLITE_IOERR": "check that the disk has room and is well, then type the same again",
    "SQLITE_READONLY": "check the permissions of the file and of its folder",
    "SQLITE_CANTOPEN": "check the permissions of the file and of its folder",
    "SQLITE_BUSY": "another program holds it; end that one, or wait for it",
}


def _plain_error(error: BaseException | None, where: str) -> None:
    """Raise a StateError for what the database or its disk is to blame for; a wrong statement is our bug."""
    # The plain DatabaseError is SQLite's "malformed"; those derived from it are about statements and values.
    if isinstance(error, sqlite3.OperationalError) or type(error).__name__ in (
        "DatabaseError",
        "OperationalError",
    ):
        name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
        hint = _HINTS.get(name, "it is kept as it is; move it away to start a new history")
        raise StateError(f"the state database cannot be used: {error}", where=where, hint=hint) from error


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    # The driver must not open transactions of its own, or BEGIN IMMEDIATE below comes too late.
    connection.isolation_level = None
    for pragma in ("busy_timeout=30000", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    kind = connection.get_execution_options().get("kind", "writing")
    driver = connection.connection.cursor()
    if kind == "reading":
        driver.execute("BEGIN")
    elif kind != "plain":
        driver.execute(f"PRAGMA synchronous={'NORMAL' if kind == 'noting' else 'FULL'}")
        # Taking the write lock at once turns a deadlock between two readers that want to write into a wait.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _version(engine: sa.Engine) -> str | None:
    """Return the schema revision without loading Alembic; ``None`` in an empty database, ``""`` in a foreign one."""
    with reading(engine) as connection:
        return _version_here(connection)


def _version_here(connection: sa.Connection) -> str | None:
    names = sa.inspect(connection).get_table_names()
    if "alembic_version" not in names:
        return "" if names else None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or ""


def _migrate(engine: sa.Engine, where: str) -> None:
    """Bring the schema to HEAD, unless it is not ours or newer; two processes may do this at once."""
    from importlib.resources import files

    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("selfimprove.memory") / "migrations"))
    _refuse_others(_version(engine), where)
    _use_log(engine)
    with engine.begin() as connection:
        # Asked again under the write lock: another process may have migrated while we waited.
        _refuse_others(_version_here(connection), where)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_others(version: str | None, where: str) -> None:
    """Raise StateError for a database that is not ours, before anything is written to it."""
    if version == "":
        raise StateError(
            "this database was not made by selfimprove",
            where=where,
            hint="it is left alone; move it away, or set database.url",
        )
    if version not in (None, *REVISIONS):
        raise StateError(
            f"the state database has the schema {version}, which this version does not know",
            where=where,
            hint="pip install --upgrade selfimprove",
        )


def _use_log(engine: sa.Engine) -> None:
    """Let SQLite write ahead to a log, which readers need not wait for. The file remembers it."""
    if engine.dialect.name != "sqlite":
        return
    patience = time.monotonic() + _PATIENCE
    while True:
        try:
            with engine.connect().execution_options(kind="plain") as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except StateError as error:
            # The switch reads before it writes, and who reads already asks SQLite for the right to write only once:
            # where another process has just got it, the answer is at once that the database is locked, whatever
            # busy_timeout is. So the waiting is done here.
            if not _is_busy(error) or time.monotonic() > patience:
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 (so that two do not meet again)


def _is_busy(error: StateError) -> bool:
    return getattr(error.__cause__, "sqlite_errorname", "").startswith("SQLITE_BUSY")
