"""The state database: what is not ours is refused byte for byte, migrations make what the tables say."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

import selfimprove.memory.database as database
from selfimprove.errors import StateError
from selfimprove.memory.database import HEAD, metadata, noting, open_database, open_read_only, reading
from selfimprove.memory.journal import Journal
from selfimprove.memory.lessons import Lessons

MIGRATIONS = Path(database.__file__).parent / "migrations"


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, but for SQLite's own locks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def fill(path: Path) -> None:
    engine = open_database(path)
    for _ in range(60):
        Journal(engine, "me").begin_run("base" * 10, 0, "selfimprove/run-")
    engine.dispose()


def make_garbage(path: Path) -> None:
    path.write_bytes(b"\x00\x01this is no database at all" * 400)


def make_truncated(path: Path) -> None:
    fill(path)
    path.write_bytes(path.read_bytes()[:5000])


def make_half_header(path: Path) -> None:
    fill(path)
    path.write_bytes(path.read_bytes()[:50])


def make_foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.execute("INSERT INTO recipes VALUES ('soup')")
    connection.close()


def make_newer(path: Path) -> None:
    fill(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def make_versionless(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.close()


BROKEN = (make_garbage, make_truncated, make_half_header, make_foreign, make_newer, make_versionless)


@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__[5:])
@pytest.mark.parametrize("open_it", [open_database, open_read_only], ids=["write", "read"])
def test_a_broken_or_foreign_database_is_refused_and_kept_byte_for_byte(tmp_path, make, open_it):
    path = tmp_path / "state.db"
    make(path)
    before = snapshot(tmp_path)
    with pytest.raises(StateError) as caught:
        engine = open_it(path)
        Journal(engine, "me").runs(1000)
    assert caught.value.where == str(path)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("open_it", [open_database, open_read_only])
def test_a_folder_in_its_place_is_refused(tmp_path, open_it):
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StateError):
        open_it(tmp_path / "state.db")
    assert (tmp_path / "state.db").is_dir()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "state").write_text("mine", encoding="utf-8")
    with pytest.raises(StateError):
        open_database(tmp_path / "state" / "state.db")
    assert open_read_only(tmp_path / "state" / "state.db") is None


def test_an_empty_file_is_what_a_kill_at_the_first_moment_leaves_and_becomes_a_database(tmp_path):
    path = tmp_path / "state.db"
    path.write_bytes(b"")
    assert open_read_only(path) is None
    engine = open_database(path)
    assert Journal(engine, "me").begin_run("", 0, "x").id == 1


def test_migrations_make_exactly_the_tables_that_the_code_uses(tmp_path):
    engine = open_database(tmp_path / "new" / "state.db")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    assert {path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.py")} == set(
        database.REVISIONS
    )


def test_down_and_up_again(tmp_path):
    engine = open_database(tmp_path / "state.db")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()
    with pytest.raises(StateError):
        open_database(tmp_path / "state.db")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert Journal(open_database(tmp_path / "state.db"), "me").begin_run("", 0, "x").id == 1


def test_many_processes_open_a_fresh_database_at_once(tmp_path):
    path = tmp_path / "state.db"
    code = (
        "import sys, time; from pathlib import Path; from selfimprove.memory.database import open_database\n"
        "from selfimprove.memory.journal import Journal\n"
        "import alembic.command\n"
        "go = Path(sys.argv[2]); print('ready', flush=True)\n"
        "while not go.exists(): time.sleep(0.0005)\n"
        "print(Journal(open_database(Path(sys.argv[1])), 'me').begin_run('', 0, 'x').id)"
    )
    for round_ in range(2):
        target, go = path.with_name(f"{round_}.db"), tmp_path / f"go-{round_}"
        children = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(target), str(go)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for _ in range(8)
        ]  # fmt: skip
        assert all(child.stdout.readline() == "ready\n" for child in children)
        go.touch()
        ends = [child.communicate(timeout=60) for child in children]
        assert sorted(out.strip() for out, _ in ends) == list("12345678"), [err[-500:] for _, err in ends]


def test_the_first_opening_waits_for_another_one(tmp_path):
    path = tmp_path / "state.db"
    first = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    with sqlite3.connect(path, timeout=30) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("PRAGMA journal_mode=WAL")  # SQLite itself does not wait here
    other.close()
    begun = time.monotonic()
    threading.Timer(0.5, first.close).start()
    engine = open_database(path)
    assert time.monotonic() - begun >= 0.5
    assert Journal(engine, "me").begin_run("", 0, "x").id == 1
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


def upgraded_to(path: Path, revision: str) -> None:
    """Make the database of an older version of the program, with a run in it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = database._engine(f"sqlite:///{path}", str(path))
    database._use_log(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    Journal(engine, "me").begin_run("abc", 6, "selfimprove/run-")
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_an_older_database_is_read_as_it_is_and_brought_along_by_the_first_writer(tmp_path, revision):
    path = tmp_path / "state.db"
    upgraded_to(path, revision)
    before = snapshot(tmp_path)
    peeked = open_read_only(path)
    assert [run.id for run in Journal(peeked, "").runs()] == [7]
    assert Lessons(peeked).all() == []
    peeked.dispose()
    assert snapshot(tmp_path) == before
    engine = open_database(path)
    assert [run.id for run in Journal(engine, "me").runs()] == [7]
    assert Lessons(engine).all() == []
    engine.dispose()
    assert database._version(database._engine(f"sqlite:///{path}", "")) == HEAD


def test_reading_changes_nothing_with_and_without_a_log_beside_it(tmp_path):
    path = tmp_path / "state.db"
    fill(path)
    before = snapshot(tmp_path)
    assert list(before) == ["state.db"]
    assert len(Journal(open_read_only(path), "").runs(100)) == 60
    assert snapshot(tmp_path) == before
    code = (
        "import os, sys; from pathlib import Path; from selfimprove.memory.database import open_database\n"
        "from selfimprove.memory.journal import Journal\n"
        "Journal(open_database(Path(sys.argv[1])), 'me').begin_run('', 0, 'x'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    before = snapshot(tmp_path)
    assert "state.db-wal" in before
    engine = open_read_only(path)
    assert len(Journal(engine, "").runs(100)) == 61
    engine.dispose()
    assert snapshot(tmp_path) == before


def test_a_reader_waits_for_no_writer(tmp_path):
    engine = open_database(tmp_path / "state.db")
    Journal(engine, "me").begin_run("", 0, "x")
    with engine.begin(), reading(engine) as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM runs")).scalar() == 1


def test_what_is_only_noted_survives_the_end_of_the_process(tmp_path):
    path = tmp_path / "state.db"
    open_database(path).dispose()
    code = (
        "import os, sys; from pathlib import Path; import sqlalchemy as sa\n"
        "from selfimprove.memory.database import open_database, noting\n"
        "engine = open_database(Path(sys.argv[1]))\n"
        "with noting(engine) as c: c.execute(sa.text(\"INSERT INTO fences VALUES ('a', 1)\"))\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    engine = open_database(path)
    with noting(engine) as connection:
        assert connection.execute(sa.text("SELECT value FROM fences")).scalar() == 1
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_disk_that_is_full_is_a_plain_error_and_loses_nothing(tmp_path):
    path = tmp_path / "state.db"
    fill(path)
    code = (
        "import resource, sys; from pathlib import Path; from selfimprove.memory.database import open_database\n"
        "from selfimprove.memory.journal import Journal; from selfimprove.errors import StateError\n"
        "journal = Journal(open_database(Path(sys.argv[1])), 'me')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "try:\n"
        "    for _ in range(1000): print(journal.begin_run('b' * 60, 0, 'x').id, flush=True)\n"
        "except StateError as error: print('STOP', error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    *numbers, stop = done.stdout.splitlines()
    assert stop.startswith("STOP check that the disk has room"), done.stdout[-200:] + done.stderr[-2000:]
    journal = Journal(open_database(path), "me")
    assert {run.id for run in journal.runs(5000)} >= {int(number) for number in numbers}
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
