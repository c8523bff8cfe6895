"""The database behind the journal: its tables, its connection and its migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy as sa

from selfimprove.errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "0001"
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


def open_database(path: Path, url: str | None = None) -> sa.Engine:
    """Return an engine on the state database, brought to the current schema.

    ``path`` is the SQLite file (made with its folder when missing), unless ``url`` names another database.
    Raises StateError when the file is not ours, damaged, newer than this program, or cannot be written.
    """
    where = url or str(path)
    try:
        if not url:
            path.parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url or f"sqlite:///{path}")
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _sqlite_pragmas)
            sa.event.listen(engine, "begin", _begin_immediate)
        if _version(engine) != HEAD:
            _migrate(engine, where)
    except (sa.exc.DatabaseError, OSError) as error:
        reason = getattr(error, "orig", None) or error
        raise StateError(
            f"the state database cannot be used: {reason}",
            where=where,
            hint="it is kept as it is; move it away to start a new history",
        ) from error
    return engine


def open_read_only(path: Path, url: str | None = None) -> sa.Engine | None:
    """Return an engine that leaves the file and its folder as they are, ``None`` when there is no database yet.

    Raises StateError as :func:`open_database` does.
    """
    if url:
        return open_database(path, url)
    if not path.is_file() or not path.stat().st_size:
        return None
    # With no log beside it nobody is writing, and even SQLite's own lock files can be left out.
    alone = not path.with_name(f"{path.name}-wal").exists()
    mode = "immutable=1" if alone else "mode=ro"
    engine = sa.create_engine(f"sqlite:///file:{quote(str(path))}?{mode}&uri=true")
    try:
        return engine if _version(engine) == HEAD else open_database(path)
    except sa.exc.DatabaseError as error:
        raise StateError(
            f"the state database cannot be used: {error.orig}",
            where=str(path),
            hint="it is kept as it is; move it away to start a new history",
        ) from error


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    # The driver must not open transactions of its own, or BEGIN IMMEDIATE below comes too late.
    connection.isolation_level = None
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    # Taking the write lock at once turns a deadlock between two readers that want to write into a wait.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _version(engine: sa.Engine) -> str | None:
    """Return the schema revision without loading Alembic, ``None`` in an empty database."""
    with engine.connect() as connection:
        if not sa.inspect(connection).get_table_names():
            return None
        try:
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        except sa.exc.OperationalError:
            return "foreign"


def _migrate(engine: sa.Engine, where: str) -> None:
    from importlib.resources import files

    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(files("selfimprove.memory") / "migrations"))
    with engine.begin() as connection:
        # Asked again under the write lock: another process may have migrated while we waited.
        names = sa.inspect(connection).get_table_names()
        if names and "alembic_version" not in names:
            raise StateError(
                "this database was not made by selfimprove",
                where=where,
                hint="it is left alone; move it away, or set database.url",
            )
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StateError(
                f"the state database has another schema than this version knows: {error}",
                where=where,
                hint="pip install --upgrade selfimprove",
            ) from error
