"""Task: one piece of work, as it stands in tasks.yml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a task or a step stands."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work. Exactly one of ``command`` and ``prompt`` is set.

    ``command`` is a shell command of the person's own, run in their tree. ``prompt`` asks for a change of
    the code, made in a private copy. ``files`` are the paths (POSIX, relative to the repository root) that
    a prompt task may change; empty means any. ``cost`` is in budget units. A higher ``priority`` runs first.
    ``rejected`` is the reason why a person never wants this task; it then stays ``skipped`` and its
    ``fingerprint`` never becomes a task again. ``allow`` holds the words of vetoes that the person waives for
    this task (``selfimprove.model.allow.WORDS``).
    """

    id: str
    title: str
    description: str = ""
    command: str | None = None
    prompt: str | None = None
    files: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    priority: float = 0
    cost: float = 1
    status: Status = Status.PENDING
    category: str | None = None
    test_command: str | None = None
    max_retries: int | None = None
    timeout: float | None = None
    source: str | None = None
    epic: str | None = None
    fingerprint: str | None = None
    rejected: str | None = None
    allow: tuple[str, ...] = ()

    @property
    def needs_model(self) -> bool:
        """True when the task changes code by asking a model; a missing file is made from a template."""
        return self.command is None and {self.source, self.category} != {"scaffold"}

    @property
    def rewritable(self) -> bool:
        """True when the task came from a finding about code: a rewrite without a model is tried first."""
        return self.command is None and self.fingerprint is not None and self.category == "refactor"


def slug(*words: str, limit: int = 60) -> str:
    """Return a task id made of ``words``: lower case, ASCII letters and digits joined by single hyphens.

    At most ``limit`` characters, cut at a hyphen where there is one; ``task`` when nothing is left.
    """
    text = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")
    if len(text) > limit:
        text = text[: limit + 1].rpartition("-")[0] or text[:limit]
    return text or "task"
