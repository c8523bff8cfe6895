"""Plan: what comes next, in order, and for every other open task why it waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfimprove.model.task import Task


class WaitCode(StrEnum):
    """Why a task waits, as a machine word. When several apply the first of this list is given."""

    CLAIMED = "claimed"
    NOT_SELECTED = "not_selected"
    RETURNED = "returned"
    FAILED_DEPENDENCY = "failed_dependency"
    NEEDS_MODEL = "needs_model"
    DEPENDENCY = "dependency"
    BUDGET = "budget"
    MAX_TASKS = "max_tasks"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that is not in the plan. ``code`` is the machine word, ``reason`` the sentence for a person."""

    task: Task
    code: WaitCode
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """``next`` in the order in which a run does it; ``waiting`` in file order.

    ``why`` says for each task id in ``next``, in a few words, why it has its place.
    """

    next: tuple[Task, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    why: dict[str, str] = field(default_factory=dict)

    @property
    def cost(self) -> float:
        """Budget units that the tasks in ``next`` cost together."""
        return sum(task.cost for task in self.next)
