"""Work: what the steps of one task hand to each other. Small JSON: references, hashes and paths, no contents."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from selfimprove.model.context import OWN, Place
from selfimprove.model.outcome import CheckResult, Objection


@dataclass(frozen=True, slots=True)
class Work:
    """The state of one prompt task between two steps.

    ``base`` is the commit it starts from, ``copy`` the folder of the private copy, ``tree`` the git tree id
    of what is proposed now. ``attempt`` counts edits from 1. ``failure`` is what the next edit must mend,
    ``""`` when there is nothing; ``stop`` says why the task cannot go on, ``""`` while it can. ``paths``
    are the files changed so far, ``context`` the files and lines to show to the model. ``metrics`` maps ``before``
    and ``after`` to the finding's value. ``allowed`` are the words of the vetoes that the person waived. ``summary``
    is the last step's result in a few words, ``subject`` the commit's first line. ``review`` is the last review, as
    its ``to_dict`` describes it, ``branch`` where the commit goes (``""``: the run's own). ``cause`` is what makes
    ``failure`` the same as another one, where that is not all of its text. ``rewrite`` says what was rewritten
    without a model, ``{}`` when a model changed it: ``added`` ([path, symbol, line, end line] of each new function),
    ``rewrites`` (their names), ``key`` (which choice it was), ``functions`` ([path, symbol, ordinal] of those that
    it changed), and ``limits`` (the most that a new function may have of a metric). ``tried`` are the keys of the
    choices that a check refused. ``written`` are the paths that steps besides the edit wrote (tests, documents);
    ``groups`` is what the tests that were written showed, by group (see :mod:`selfimprove.model.testgroup`);
    ``lessons`` are the ids of the lessons that the model is told, ``notes`` what it is told of them, word by word.
    ``testing`` is what the step that writes tests
    remembers: ``files`` (path -> group and git blob of what it wrote), ``calls`` (group -> questions so far) and
    ``fact`` (what is known of them, as a check).
    """

    run: int
    task_id: str
    base: str
    copy: str
    started_at: float
    tree: str = ""
    attempt: int = 1
    context: tuple[Place, ...] = ()
    paths: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    objections: tuple[Objection, ...] = ()
    failure: str = ""
    stop: str = ""
    code: str = ""
    failures: tuple[str, ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    commit: str | None = None
    patch: str | None = None
    model: str = ""
    dollars: float = 0.0
    tokens: int = 0
    summary: str = ""
    subject: str = ""
    allowed: tuple[str, ...] = ()
    review: dict[str, Any] | None = None
    cause: str = ""
    branch: str = ""
    rewrite: dict[str, Any] = field(default_factory=dict)
    tried: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    groups: dict[str, Any] = field(default_factory=dict)
    lessons: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    testing: dict[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> Work:
        """Return a copy with ``changes``."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Work:
        """Return the Work that :meth:`to_dict` described."""
        return cls(
            **{
                **data,
                "context": tuple(_place(one) for one in data["context"]),
                "paths": tuple(data["paths"]),
                "allowed": tuple(data.get("allowed", ())),
                "tried": tuple(data.get("tried", ())),
                "written": tuple(data.get("written", ())),
                "lessons": tuple(data.get("lessons", ())),
                "notes": tuple(data.get("notes", ())),
                "failures": tuple(data["failures"]),
                "checks": tuple(CheckResult(**check) for check in data["checks"]),
                "objections": tuple(Objection(**objection) for objection in data["objections"]),
            }
        )


def _place(data: str | list[Any]) -> Place:
    """Return the place of a JSON list; a path alone, as older versions wrote, is a file of the task's own."""
    return Place(data, 1, 0, "", OWN) if isinstance(data, str) else Place(*data)
