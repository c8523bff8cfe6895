"""The table of calls: a database of the first schema comes along, with what its exchanges have cost."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

import selfimprove.memory.database as database
from selfimprove.memory.database import open_database
from selfimprove.memory.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_of_the_first_schema_keeps_what_it_has_spent(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    config = Config()
    config.set_main_option("script_location", str(database.Path(database.__file__).parent / "migrations"))
    engine = database._engine(f"sqlite:///{path}", str(path))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with sqlite3.connect(path) as connection:
        for key, dollars in (("a", 0.1), ("b", 0.2), ("c", None)):
            reply = {"model": "m", "prompt_tokens": 10, "completion_tokens": 5, "dollars": dollars}
            connection.execute(
                "INSERT INTO exchanges VALUES (?, 1, 't', 0.0, '{}', ?)", (key, json.dumps(reply))
            )
    engine = open_database(path)
    journal = Journal(engine, "me")
    assert journal.spent(1) == (0.3, 45)
    assert journal.calls(1) == 3
    assert journal.recall("a") is not None
    engine.dispose()
