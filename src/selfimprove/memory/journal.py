"""The journal: runs, steps, outcomes and model exchanges, each written once, so that a killed run goes on."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from selfimprove.memory.database import calls, claims, exchanges, noting, outcomes, reading, runs, steps
from selfimprove.memory.owner import is_alive
from selfimprove.model.budget import PICO, picos
from selfimprove.model.run import Run, Step
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.model.outcome import Outcome


_LARGEST = 2**62  # a hostile server may bill any number


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

    def take_over(self, run: Run) -> Run | None:
        """Continue a run that has ended under this owner, ``None`` when another was quicker."""
        same = (runs.c.id == run.id) & (runs.c.owner == run.owner) & (runs.c.state == run.state)
        change: dict[str, Any] = {
            "state": "running",
            "owner": self._owner,
            "ended_at": None,
            "exit_code": None,
        }
        with self._engine.begin() as connection:
            if not connection.execute(runs.update().where(same).values(**change)).rowcount:
                return None
        return replace(run, **change)

    def end_run(self, run_id: int, state: str, exit_code: int | None, summary: dict[str, Any]) -> None:
        """Close a run; ``state`` is ``finished``, ``interrupted`` or ``died``."""
        values = {"state": state, "exit_code": exit_code, "summary": summary, "ended_at": time.time()}
        with self._engine.begin() as connection:
            connection.execute(runs.update().where(runs.c.id == run_id).values(**values))

    def run(self, run_id: int) -> Run | None:
        """Return one run."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().first()
        return Run(**row) if row else None

    def runs(self, limit: int = 50, state: str | None = None) -> list[Run]:
        """Return the newest runs first."""
        query = sa.select(runs).order_by(runs.c.id.desc()).limit(limit)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(runs.c.state == state) if state else query).mappings().all()
        return [Run(**row) for row in rows]

    def dead_runs(self) -> list[Run]:
        """Return the runs that say they are running while their process is gone."""
        return [run for run in self.runs(limit=1000, state="running") if not is_alive(run.owner)]

    # steps

    def start(self, key: StepKey) -> None:
        """Note that a step begins; a second start of the same step moves its time."""
        where, now = _where(key), time.time()
        with noting(self._engine) as connection:
            if not connection.execute(_RESTART, where | {"now": now}).rowcount:
                begun = {"status": Status.IN_PROGRESS.value, "started_at": now, "summary": "", "result": {}}
                connection.execute(_START, asdict(key) | begun)

    def finish(self, key: StepKey, status: Status, summary: str, result: dict[str, Any]) -> None:
        """Store a step's result. From here on it is not done again, unless a power cut takes it back."""
        values = {"status": status.value, "ended_at": time.time(), "summary": summary, "result": result}
        with noting(self._engine) as connection:
            connection.execute(_FINISH, _where(key) | values)

    def result(self, key: StepKey) -> Step | None:
        """Return a finished step, ``None`` when it has no result yet."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(steps).where(_SAME), _where(key)).mappings().first()
        return _step(row) if row and row["ended_at"] is not None else None

    def forget(self, key: StepKey) -> None:
        """Drop the steps of the task in this turn of the run, all of them; what was paid for stays."""
        where = {name: getattr(steps.c, name) == getattr(key, name) for name in ("run", "task_id", "turn")}
        with self._engine.begin() as connection:
            connection.execute(steps.delete().where(*where.values()))

    def steps(
        self, run: int | None = None, task_id: str | None = None, turn: int | None = None
    ) -> list[Step]:
        """Return steps in the order in which they began, of one run, task or turn where named."""
        query = sa.select(steps).order_by(steps.c.id)
        if run is not None:
            query = query.where(steps.c.run == run)
        if task_id is not None:
            query = query.where(steps.c.task_id == task_id)
        if turn is not None:
            query = query.where(steps.c.turn == turn)
        with reading(self._engine) as connection:
            return [_step(row) for row in connection.execute(query).mappings()]

    def turn(self, run: int, task_id: str) -> int:
        """Return 1 plus how often this run has already brought the task to an outcome."""
        with reading(self._engine) as connection:
            return int(connection.execute(_TURNS, {"run": run, "task": task_id}).scalar_one()) + 1

    # outcomes

    def record(self, run: int, outcome: Outcome) -> None:
        """Store an outcome and give the claim back, in one transaction. It is not in tasks.yml yet."""
        task, status = outcome.task_id, outcome.status.value
        what = {"run": run, "task_id": task, "status": status, "outcome": outcome.to_dict()}
        with self._engine.begin() as connection:
            connection.execute(_RECORD, what | {"at": time.time(), "written": False})
            connection.execute(_GIVE_BACK, {"task": task, "me": self._owner})

    def mark_written(self, task_ids: Sequence[str]) -> None:
        """Note that tasks.yml shows the outcomes of these tasks."""
        if task_ids:
            with noting(self._engine) as connection:
                connection.execute(_SHOWN, [{"task": task} for task in task_ids])

    def unwritten(self) -> dict[str, Status]:
        """Return the newest status of each task whose outcome did not reach tasks.yml."""
        query = (
            sa.select(outcomes.c.task_id, outcomes.c.status)
            .where(~outcomes.c.written)
            .order_by(outcomes.c.id)
        )
        with reading(self._engine) as connection:
            return {task_id: Status(status) for task_id, status in connection.execute(query)}

    def outcomes(self, run: int | None = None, task_id: str | None = None) -> list[dict[str, Any]]:
        """Return stored outcomes, oldest first, each with ``run`` and ``at`` (seconds since the epoch)."""
        query = sa.select(outcomes).order_by(outcomes.c.id)
        if run is not None:
            query = query.where(outcomes.c.run == run)
        if task_id is not None:
            query = query.where(outcomes.c.task_id == task_id)
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        return [{**row["outcome"], "run": row["run"], "at": row["at"]} for row in rows]

    # exchanges

    def begin_call(self, run: int, task_id: str, key: str, worst: tuple[str, int, float | None]) -> int:
        """Note that a model is about to be asked, for the exchange ``key``; return the call's number.

        ``worst`` is the model and the most that the call can cost, in tokens and dollars. That counts as
        spent until :meth:`settle_call`, so that a process that is killed in between has counted the call.
        """
        model, tokens, dollars = worst
        row = {"run": run, "task_id": task_id, "key": key, "at": time.time(), "model": model}
        with self._engine.begin() as connection:
            values = row | _price(tokens, dollars) | {"open": True}
            made = connection.execute(calls.insert().values(**values)).inserted_primary_key
            return int(made[0]) if made else 0

    def settle_call(self, call: int, tokens: int, dollars: float | None, *, made: bool = True) -> None:
        """Put what a call was billed in the place of its worst case, or forget a call that was not ``made``."""
        change = _settled(call, tokens, dollars) if made else calls.delete().where(calls.c.id == call)
        with self._engine.begin() as connection:
            connection.execute(change)

    def spent(self, run: int) -> tuple[float, int]:
        """Return the dollars and tokens of the run's calls, also of those that failed or were cut off."""
        query = sa.select(calls.c.picodollars, calls.c.tokens).where(calls.c.run == run)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return sum(money or 0 for money, _ in rows) / PICO, sum(tokens for _, tokens in rows)

    def calls(self, run: int) -> int:
        """Return how many calls to models the run has made."""
        query = sa.select(sa.func.count()).where(calls.c.run == run)
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())

    def recall(self, key: str) -> dict[str, Any] | None:
        """Return the reply that was paid for under ``key``, if any."""
        query = sa.select(exchanges.c.reply).where(exchanges.c.key == key)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar()

    def keep(
        self,
        key: str,
        run: int,
        task_id: str,
        ask: dict[str, Any],
        reply: dict[str, Any],
        *,
        bill: tuple[int, int, float | None] | None = None,
    ) -> None:
        """Store an exchange with a model under ``key``; the first one stays.

        ``bill`` settles the call that brought the reply (its number, tokens and dollars) in one with it.
        """
        with self._engine.begin() as connection:
            if bill:
                connection.execute(_settled(*bill))
            if connection.execute(sa.select(exchanges.c.key).where(exchanges.c.key == key)).first() is None:
                connection.execute(
                    exchanges.insert().values(
                        key=key, run=run, task_id=task_id, at=time.time(), ask=ask, reply=reply
                    )
                )

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()


def _settled(call: int, tokens: int, dollars: float | None) -> sa.Update:
    return calls.update().where(calls.c.id == call).values(**_price(tokens, dollars), open=False)


def _price(tokens: int, dollars: float | None) -> dict[str, int | None]:
    """Return what a call costs as it is stored: whole picodollars, cut to what a database holds."""
    billed = None if dollars is None else min(picos(dollars), _LARGEST)
    return {"tokens": min(tokens, _LARGEST), "picodollars": billed}


def _where(key: StepKey) -> dict[str, Any]:
    return {f"of_{name}": value for name, value in asdict(key).items()}


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


# Built once: the library takes longer to build a statement than the database to execute it.
_SAME = sa.and_(
    *(steps.c[name] == sa.bindparam(f"of_{name}") for name in ("run", "task_id", "turn", "attempt", "name"))
)
_START = steps.insert()
_RESTART = (
    steps.update()
    .where(_SAME)
    .values(status=Status.IN_PROGRESS.value, started_at=sa.bindparam("now"), ended_at=None)
)
_FINISH = steps.update().where(_SAME)
_TURNS = sa.select(sa.func.count()).where(
    (outcomes.c.run == sa.bindparam("run")) & (outcomes.c.task_id == sa.bindparam("task"))
)
_RECORD = outcomes.insert()
_SHOWN = (
    outcomes.update()
    .where((outcomes.c.task_id == sa.bindparam("task")) & ~outcomes.c.written)
    .values(written=True)
)
_GIVE_BACK = claims.delete().where(
    (claims.c.task_id == sa.bindparam("task")) & (claims.c.owner == sa.bindparam("me"))
)
