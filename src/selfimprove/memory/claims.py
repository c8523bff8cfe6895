"""Claims: one owner per task, with an expiry and a fencing token, so that two runs never do the same task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from selfimprove.memory.database import claims, fences, outcomes, reading
from selfimprove.memory.owner import is_alive, is_here

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SECONDS = 6 * 3600.0


class Claims:
    """The claims table as one owner sees it. ``owner`` comes from :func:`selfimprove.memory.owner.current_owner`."""

    def __init__(self, engine: sa.Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    def take(self, task_id: str, run: int) -> int | None:
        """Claim a task and return its fencing token, or ``None`` when it is another's.

        That is while another living owner holds it, and until tasks.yml shows how that owner ended it.
        Tokens only grow: who holds an older one has been overtaken and must not write.
        """
        where = {"task": task_id}
        with self._engine.begin() as connection:
            row = connection.execute(_CLAIM, where).mappings().first()
            if row and row["owner"] != self._owner and _holds(row):
                return None
            if connection.execute(_UNWRITTEN, where).first():
                return None
            token = _next_token(connection)
            if row:
                connection.execute(_DROP, where)
            values = {"task_id": task_id, "run": run, "owner": self._owner, "token": token}
            connection.execute(_ADD, {**values, "expires_at": time.time() + SECONDS})
        return token

    def release(self, task_id: str) -> None:
        """Give a task back; nothing happens when it is not ours."""
        with self._engine.begin() as connection:
            connection.execute(_DROP.where(claims.c.owner == self._owner), {"task": task_id})

    def held_by_others(self) -> dict[str, str]:
        """Return who holds which task, ourselves left out: task id to ``run 7``."""
        return {row["task_id"]: f"run {row['run']}" for row in self._of_others() if _holds(row)}

    def dead(self) -> set[str]:
        """Return the tasks whose claim has a dead owner, or one on another host and is past its time."""
        return {row["task_id"] for row in self._of_others() if not _holds(row)}

    def drop(self, task_ids: Collection[str]) -> None:
        """Remove claims that :meth:`dead` named."""
        if task_ids:
            gone = claims.c.task_id.in_(list(task_ids)) & (claims.c.owner != self._owner)
            with self._engine.begin() as connection:
                connection.execute(claims.delete().where(gone))

    def _of_others(self) -> Sequence[sa.RowMapping]:
        with reading(self._engine) as connection:
            return connection.execute(sa.select(claims).where(claims.c.owner != self._owner)).mappings().all()


def _holds(row: sa.RowMapping) -> bool:
    # A process of this host is asked itself, since a long command may well outlast its claim.
    in_time = is_here(str(row["owner"])) or float(str(row["expires_at"])) > time.time()
    return in_time and is_alive(str(row["owner"]))


def _next_token(connection: sa.Connection) -> int:
    if not connection.execute(_BUMP).rowcount:
        connection.execute(fences.insert(), {"name": "claim", "value": 1})
    return int(connection.execute(_FENCE).scalar_one())


# Built once: the library takes longer to build a statement than the database to execute it.
_CLAIM = sa.select(claims).where(claims.c.task_id == sa.bindparam("task"))
_DROP = claims.delete().where(claims.c.task_id == sa.bindparam("task"))
_ADD = claims.insert()
_UNWRITTEN = sa.select(outcomes.c.id).where(
    (outcomes.c.task_id == sa.bindparam("task")) & ~outcomes.c.written
)
_FENCE = sa.select(fences.c.value).where(fences.c.name == "claim")
_BUMP = fences.update().where(fences.c.name == "claim").values(value=fences.c.value + 1)
