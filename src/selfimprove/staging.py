"""Staging: does one stage of a run and notes it in the journal, so that a killed run does it once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import Interrupted, NeedsKey, SelfimproveError
from selfimprove.memory.journal import StepKey
from selfimprove.model.events import Listener, StepEnded, StepStarted
from selfimprove.model.stage import Stage, Staged
from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.memory.journal import Journal
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task


class Ended(NamedTuple):
    """How a stage ended: what it did, or the ``error`` that ended it. ``reused``: an earlier process did it."""

    name: str
    staged: Staged
    error: SelfimproveError | None = None
    reused: bool = False


def do_stage(stage: Stage, run: Run, tasks: Sequence[Task], journal: Journal, listener: Listener) -> Ended:
    """Do a stage, unless an earlier process of this run has done it, and return how it ended.

    What goes wrong in it ends this stage only; without a key it is skipped. A run that goes on tries again what
    did not succeed. Raises what stops a whole run: an interruption.
    """
    key = StepKey(run.id, "", 1, 1, stage.name)
    known = journal.result(key)
    if known and known.status is Status.DONE and not stage.again:
        listener(StepEnded("", stage.name, True, known.summary, 0.0, reused=True))
        return Ended(stage.name, Staged.from_dict(known.result), reused=True)
    journal.start(key)
    listener(StepStarted("", stage.name))
    started = time.monotonic()
    try:
        staged = stage.do(run, tasks)
    except Interrupted:
        raise
    except SelfimproveError as error:
        status = Status.SKIPPED if isinstance(error, NeedsKey) else Status.FAILED
        said = {"code": error.code, "message": error.message, "hint": error.hint, "where": error.where}
        said = {name: _storable(text) for name, text in said.items()}
        journal.finish(key, status, _storable(error.message), {"error": said})
        listener(StepEnded("", stage.name, False, error.message, time.monotonic() - started))
        return Ended(stage.name, Staged(error.message), error)
    journal.finish(
        key, Status.DONE if staged.ok else Status.FAILED, _storable(staged.summary), staged.to_dict()
    )
    seconds = time.monotonic() - started
    listener(StepEnded("", stage.name, staged.ok, staged.summary, seconds, staged.dollars))
    return Ended(stage.name, staged)


def _storable(text: str) -> str:
    """Return ``text`` without what no database holds: bytes of names that are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
