"""The journal: runs, steps, outcomes and model exchanges, each written once, so that a killed run goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from selfimprove.memory.database import claims, exchanges, outcomes, runs, steps
from selfimprove.memory.owner import is_alive
from selfimprove.model.run import Run, Step
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class StepKey:
    """Which step: ``turn`` counts how often the run has taken the task up, ``attempt`` its repairs, from 1."""

    run: int
    task_id: str
    turn: int
    attempt: int
    name: str


class Journal:
    """What happened, in the order in which it happened. Every method is one transaction."""

    def __init__(self, engine: sa.Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    # runs

    def begin_run(self, base: str, above: int, prefix: str) -> Run:
        """Open a run numbered above every earlier one and above ``above``, and return it."""
        with self._engine.begin() as connection:
            last = connection.execute(sa.select(sa.func.max(runs.c.id))).scalar() or 0
            number = max(last, above) + 1
            run = Run(number, "running", time.time(), base, f"{prefix}{number}", self._owner)
            connection.execute(
                runs.insert().values(
                    id=run.id,
                    state=run.state,
                    started_at=run.started_at,
                    base=base,
                    branch=run.branch,
                    owner=run.owner,
                    summary={},
                )
            )
        return run

    def take_over(self, run_id: int) -> Run:
        """Continue a run that ended or died under this owner."""
        with self._engine.begin() as connection:
            connection.execute(
                runs.update()
                .where(runs.c.id == run_id)
                .values(state="running", owner=self._owner, ended_at=None, exit_code=None)
            )
            row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one()
        return Run(**row)

    def end_run(self, run_id: int, state: str, exit_code: int | None, summary: dict[str, Any]) -> None:
        """Close a run; ``state`` is ``finished``, ``interrupted`` or ``died``."""
        values = {"state": state, "exit_code": exit_code, "summary": summary, "ended_at": time.time()}
        with self._engine.begin() as connection:
            connection.execute(runs.update().where(runs.c.id == run_id).values(**values))

    def run(self, run_id: int) -> Run | None:
        """Return one run."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().first()
        return Run(**row) if row else None

    def runs(self, limit: int = 50, state: str | None = None) -> list[Run]:
        """Return the newest runs first."""
        query = sa.select(runs).order_by(runs.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(runs.c.state == state) if state else query).mappings().all()
        return [Run(**row) for row in rows]

    def dead_runs(self) -> list[Run]:
        """Return the runs that say they are running while their process is gone."""
        return [run for run in self.runs(limit=1000, state="running") if not is_alive(run.owner)]

    # steps

    def start(self, key: StepKey) -> None:
        """Note that a step begins; a second start of the same step moves its time."""
        where = _is(key)
        now = time.time()
        with self._engine.begin() as connection:
            again = connection.execute(
                steps.update()
                .where(where)
                .values(status=Status.IN_PROGRESS.value, started_at=now, ended_at=None)
            )
            if not again.rowcount:
                connection.execute(
                    steps.insert().values(
                        run=key.run,
                        task_id=key.task_id,
                        turn=key.turn,
                        attempt=key.attempt,
                        name=key.name,
                        status=Status.IN_PROGRESS.value,
                        started_at=now,
                        summary="",
                        result={},
                    )
                )

    def finish(self, key: StepKey, status: Status, summary: str, result: dict[str, Any]) -> None:
        """Store a step's result. From here on it is not done again."""
        with self._engine.begin() as connection:
            connection.execute(
                steps.update()
                .where(_is(key))
                .values(status=status.value, ended_at=time.time(), summary=summary, result=result)
            )

    def result(self, key: StepKey) -> Step | None:
        """Return a finished step, ``None`` when it has no result yet."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(steps).where(_is(key))).mappings().first()
        return _step(row) if row and row["ended_at"] is not None else None

    def steps(self, run: int | None = None, task_id: str | None = None) -> list[Step]:
        """Return steps in the order in which they began, of one run or task where named."""
        query = sa.select(steps).order_by(steps.c.id)
        if run is not None:
            query = query.where(steps.c.run == run)
        if task_id is not None:
            query = query.where(steps.c.task_id == task_id)
        with self._engine.connect() as connection:
            return [_step(row) for row in connection.execute(query).mappings()]

    def turn(self, run: int, task_id: str) -> int:
        """Return 1 plus how often this run has already brought the task to an outcome."""
        query = sa.select(sa.func.count()).where((outcomes.c.run == run) & (outcomes.c.task_id == task_id))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one()) + 1

    # outcomes

    def record(self, run: int, outcome: Outcome) -> None:
        """Store an outcome and give the claim back, in one transaction. It is not in tasks.yml yet."""
        with self._engine.begin() as connection:
            connection.execute(
                outcomes.insert().values(
                    run=run,
                    task_id=outcome.task_id,
                    status=outcome.status.value,
                    at=time.time(),
                    written=False,
                    outcome=outcome.to_dict(),
                )
            )
            mine = (claims.c.task_id == outcome.task_id) & (claims.c.owner == self._owner)
            connection.execute(claims.delete().where(mine))

    def mark_written(self, task_ids: Sequence[str]) -> None:
        """Note that tasks.yml shows the outcomes of these tasks."""
        with self._engine.begin() as connection:
            connection.execute(
                outcomes.update().where(outcomes.c.task_id.in_(list(task_ids))).values(written=True)
            )

    def unwritten(self) -> dict[str, Status]:
        """Return the newest status of each task whose outcome did not reach tasks.yml."""
        query = (
            sa.select(outcomes.c.task_id, outcomes.c.status)
            .where(~outcomes.c.written)
            .order_by(outcomes.c.id)
        )
        with self._engine.connect() as connection:
            return {task_id: Status(status) for task_id, status in connection.execute(query)}

    def outcomes(self, run: int | None = None, task_id: str | None = None) -> list[dict[str, Any]]:
        """Return stored outcomes, oldest first, each with ``run`` and ``at`` (seconds since the epoch)."""
        query = sa.select(outcomes).order_by(outcomes.c.id)
        if run is not None:
            query = query.where(outcomes.c.run == run)
        if task_id is not None:
            query = query.where(outcomes.c.task_id == task_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [{**row["outcome"], "run": row["run"], "at": row["at"]} for row in rows]

    # exchanges

    def recall(self, key: str) -> dict[str, Any] | None:
        """Return the reply that was paid for under ``key``, if any."""
        query = sa.select(exchanges.c.reply).where(exchanges.c.key == key)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def keep(self, key: str, run: int, task_id: str, ask: dict[str, Any], reply: dict[str, Any]) -> None:
        """Store an exchange with a model under ``key``; the first one stays."""
        with self._engine.begin() as connection:
            if connection.execute(sa.select(exchanges.c.key).where(exchanges.c.key == key)).first() is None:
                connection.execute(
                    exchanges.insert().values(
                        key=key, run=run, task_id=task_id, at=time.time(), ask=ask, reply=reply
                    )
                )

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()


def _is(key: StepKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        steps.c.run == key.run,
        steps.c.task_id == key.task_id,
        steps.c.turn == key.turn,
        steps.c.attempt == key.attempt,
        steps.c.name == key.name,
    )


def _step(row: sa.RowMapping) -> Step:
    return Step(
        row["run"],
        row["task_id"],
        row["attempt"],
        row["name"],
        Status(row["status"]),
        row["started_at"],
        row["ended_at"],
        row["summary"],
        row["result"],
    )
