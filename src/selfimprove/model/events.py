"""Events: what the core tells the doors while it works. They carry facts; a door decides how they look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfimprove.model.outcome import Outcome
    from selfimprove.model.task import Task


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins. ``planned`` is how many tasks it expects to do; it may change as tasks.yml does.

    ``commands`` of them are the person's own commands, which run in the person's tree.
    """

    run: int
    branch: str
    planned: int
    resumed: bool = False
    commands: int = 0


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """The ``index``-th task of the run begins, ``total`` being today's guess."""

    task: Task
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step of a task begins."""

    task_id: str
    name: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended; ``summary`` says in a few words with what result. ``reused`` came from the journal."""

    task_id: str
    name: str
    ok: bool
    summary: str
    seconds: float
    dollars: float = 0.0
    reused: bool = False


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A task ended, and its outcome is saved."""

    task: Task
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Notice:
    """One line that a person should see. ``level`` is ``info`` or ``warning``."""

    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Tokens:
    """A model is replying to a question of a task, and so many tokens have come; some of these a second."""

    task_id: str
    tokens: int


Event = RunStarted | TaskStarted | StepStarted | StepEnded | TaskEnded | Notice | Tokens
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener of those who do not want to know."""
