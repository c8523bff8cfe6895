"""Claims: one owner per task, with an expiry and a fencing token, so that two runs never do the same task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from selfimprove.memory.database import claims, fences
from selfimprove.memory.owner import is_alive

if TYPE_CHECKING:
    from collections.abc import Collection

SECONDS = 6 * 3600.0


class Claims:
    """The claims table as one owner sees it. ``owner`` comes from :func:`selfimprove.memory.owner.current_owner`."""

    def __init__(self, engine: sa.Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    def take(self, task_id: str, run: int) -> int | None:
        """Claim a task and return its fencing token, or ``None`` while another living owner holds it.

        Tokens only grow: who holds an older one has been overtaken and must not write.
        """
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(claims).where(claims.c.task_id == task_id)).mappings().first()
            if row and row["owner"] != self._owner and _holds(row):
                return None
            token = _next_token(connection)
            if row:
                connection.execute(claims.delete().where(claims.c.task_id == task_id))
            values = {"task_id": task_id, "run": run, "owner": self._owner, "token": token}
            connection.execute(claims.insert().values(**values, expires_at=time.time() + SECONDS))
        return token

    def release(self, task_id: str) -> None:
        """Give a task back; nothing happens when it is not ours."""
        with self._engine.begin() as connection:
            mine = (claims.c.task_id == task_id) & (claims.c.owner == self._owner)
            connection.execute(claims.delete().where(mine))

    def held_by_others(self) -> dict[str, str]:
        """Return who holds which task, ourselves left out: task id to ``run 7``."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(claims).where(claims.c.owner != self._owner)).mappings().all()
        return {row["task_id"]: f"run {row['run']}" for row in rows if _holds(row)}

    def dead(self) -> set[str]:
        """Return the tasks whose claim has a dead owner, or is past its time."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(claims).where(claims.c.owner != self._owner)).mappings().all()
        return {row["task_id"] for row in rows if not _holds(row)}

    def drop(self, task_ids: Collection[str]) -> None:
        """Remove claims that :meth:`dead` named."""
        if task_ids:
            gone = claims.c.task_id.in_(list(task_ids)) & (claims.c.owner != self._owner)
            with self._engine.begin() as connection:
                connection.execute(claims.delete().where(gone))


def _holds(row: sa.RowMapping) -> bool:
    return float(str(row["expires_at"])) > time.time() and is_alive(str(row["owner"]))


def _next_token(connection: sa.Connection) -> int:
    bumped = connection.execute(
        fences.update().where(fences.c.name == "claim").values(value=fences.c.value + 1)
    )
    if not bumped.rowcount:
        connection.execute(fences.insert().values(name="claim", value=1))
    return int(connection.execute(sa.select(fences.c.value).where(fences.c.name == "claim")).scalar_one())
