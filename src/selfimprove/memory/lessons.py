"""Lessons: what finished tasks taught, each stored once, and kept as long as it helps."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from selfimprove.memory.database import lessons, reading
from selfimprove.model.lesson import FACTS, Lesson, helps
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Lessons:
    """The table of lessons. Every method is one transaction, so that runs at the same time lose nothing.

    A lesson that is dropped or forgotten leaves an empty row with the names of its run and task behind: a step
    that is started again after a kill must find that it was there.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def all(self) -> list[Lesson]:
        """Return the lessons that are kept, the newest first."""
        query = sa.select(lessons).where(lessons.c.kept).order_by(lessons.c.id.desc())
        with reading(self._engine) as connection:
            return [_lesson(row) for row in connection.execute(query).mappings()]

    def get(self, number: int) -> Lesson | None:
        """Return one lesson, ``None`` when there is none of that number."""
        with reading(self._engine) as connection:
            row = connection.execute(_ONE, {"id": number}).mappings().first()
        return _lesson(row) if row else None

    def learn(self, new: Lesson, told: Collection[int], *, keep: int, least: float) -> int | None:
        """Store ``new`` and count for the lessons ``told`` whether they helped its task; return its number.

        Does nothing, and returns ``None``, when the same turn of the same task was learned from before. What is then
        under the weight ``least`` is dropped, and so are the weakest (of these the oldest) that are more than
        ``keep``; the new one is not among them.
        """
        with self._engine.begin() as connection:
            if connection.execute(_SAME, _key(new)).first() is not None:
                return None
            made = connection.execute(_ADD, _row(new)).inserted_primary_key
            number = int(made[0]) if made else 0
            for row in connection.execute(_TOLD, {"ids": list(told)}).mappings().all() if told else ():
                good = helps(_lesson(row), new.status, new.attempts)
                connection.execute(_COUNT, {"one": row["id"], "good": int(good)})
            others = [_lesson(row) for row in connection.execute(_OTHERS, {"id": number}).mappings()]
            if gone := _weak(others, keep - 1, least):
                connection.execute(_EMPTY, {"ids": gone})
        return number

    def forget(self, numbers: Collection[int]) -> list[int]:
        """Drop these lessons, whatever their weight; return the numbers of those that there were."""
        with self._engine.begin() as connection:
            rows = connection.execute(_TOLD, {"ids": list(numbers)}).mappings().all()
            found = [int(row["id"]) for row in rows]
            if found:
                connection.execute(_EMPTY, {"ids": found})
        return found


def _weak(others: Sequence[Lesson], room: int, least: float) -> list[int]:
    """Return the numbers of those under ``least``, and of the weakest that are more than ``room``."""
    ranked = sorted(others, key=lambda one: (one.weight >= least, one.weight, one.id))
    under = sum(one.weight < least for one in ranked)
    return [one.id for one in ranked[: max(under, len(ranked) - room)]]


def _key(lesson: Lesson) -> dict[str, Any]:
    return {name: getattr(lesson, name) for name in ("run", "task_id", "turn")}


def _row(lesson: Lesson) -> dict[str, Any]:
    plain = {"at": lesson.at, "status": lesson.status.value, "note": lesson.note, "kept": True}
    counts = {"told": lesson.told, "helped": lesson.helped}
    facts = asdict(lesson)
    return {**_key(lesson), **plain, **counts, "facts": {name: facts[name] for name in FACTS}}


def _lesson(row: sa.RowMapping) -> Lesson:
    facts: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row["facts"].items()
        if name in FACTS  # a newer program may have stored more
    }
    plain: dict[str, Any] = {
        name: row[name] for name in ("id", "run", "task_id", "turn", "at", "note", "told", "helped")
    }
    return Lesson(**plain, **facts, status=Status(row["status"]))


_SAME = sa.select(lessons.c.id).where(
    *(lessons.c[name] == sa.bindparam(name) for name in ("run", "task_id", "turn"))
)
_ONE = sa.select(lessons).where(lessons.c.kept & (lessons.c.id == sa.bindparam("id")))
_TOLD = sa.select(lessons).where(lessons.c.kept & lessons.c.id.in_(sa.bindparam("ids", expanding=True)))
_OTHERS = sa.select(lessons).where(lessons.c.kept & (lessons.c.id != sa.bindparam("id")))
_ADD = lessons.insert()
_COUNT = (
    lessons.update()
    .where(lessons.c.id == sa.bindparam("one"))
    .values(told=lessons.c.told + 1, helped=lessons.c.helped + sa.bindparam("good"))
)
_EMPTY = (
    lessons.update()
    .where(lessons.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(kept=False, note="", facts={})
)
