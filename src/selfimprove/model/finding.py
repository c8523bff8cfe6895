"""Finding: one thing that the measurement says about the code, and its only way to become a Task."""

from __future__ import annotations

import hashlib
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from selfimprove.model.task import Task


class Severity(IntEnum):
    """How much a finding matters; comparable, so that ``>=`` reads as "at least"."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The lower-case name used in output and in ``--fail-on``."""
        return self.name.lower()


class Idea(NamedTuple):
    """What a finding has that was thought of and not measured: a suggestion, a goal, a file that is missing.

    ``source`` says who found it: ``suggest``, ``generate`` or ``scaffold``. ``files`` are those that the change
    may touch (empty: any), ``evidence`` where in the code it shows (``path:line`` and why), ``criteria`` what must
    be true in the end. ``allow`` are vetoes that its files meet by what they are.
    """

    title: str
    category: str
    source: str
    files: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    priority: float = 10.0
    allow: tuple[str, ...] = ()


class Finding(NamedTuple):
    """One measured fact over its limit, or an ``idea``, which has neither value nor limit.

    ``path`` is POSIX and relative to the repository root; ``line`` and ``end_line`` count from 1; ``symbol``
    is the qualified name (``Class.method``), ``""`` for a whole file. ``value``, ``limit`` and ``before`` are
    what the rule measures: a number (SI101, cyclomatic complexity) or a rank letter (SI102); ``before`` is
    the value in the previous revision of the file. ``ordinal`` tells apart symbols of one name in one file:
    1 for the first from the top. ``origin`` is the path under which git first knew the file, ``""`` when it
    never had another; ``aliases`` are the fingerprints under the other names that file and symbol have had.
    ``urgency`` (-9 to 9) is what history adds to the priority: hot and worsening places come first.
    ``cell`` is the number of a notebook's cell, of all its cells, in which ``line`` then counts. ``body`` tells a
    renamed function from a new one; see FunctionMetrics.
    """

    rule: str
    path: str
    line: int
    end_line: int
    symbol: str
    severity: Severity
    value: float | str
    limit: float | str
    message: str
    suggestion: str
    before: float | str | None = None
    ordinal: int = 1
    origin: str = ""
    aliases: tuple[str, ...] = ()
    urgency: float = 0.0
    cell: int | None = None
    body: str = ""
    idea: Idea | None = None

    @property
    def fingerprint(self) -> str:
        """16 hex digits over rule, first path and symbol: it survives moved lines and renamed files."""
        return fingerprint(self.rule, self.origin or self.path, self.symbol, self.ordinal)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprint and those under earlier and present names; a task or baseline may carry any."""
        here = fingerprint(self.rule, self.path, self.symbol, self.ordinal)
        return tuple(dict.fromkeys((self.fingerprint, here, *self.aliases)))

    def to_task(self) -> Task:
        """Return the task that would make this finding go away, with source ``audit`` or that of its idea."""
        from pathlib import PurePosixPath

        from selfimprove.model.task import Task, slug

        if self.idea:
            return _task_of_idea(self, self.idea)
        path = PurePosixPath(self.path)
        what = self.symbol or path.name
        return Task(
            id=slug("refactor", path.stem, self.symbol.rpartition(".")[2]),
            title=f"{_TITLES.get(self.rule, 'Mend')} {what}",
            description=self.message,
            prompt=f"{self.message}.\n{self.suggestion}\n",
            files=(self.path,),
            priority=_PRIORITY[self.severity] + self.urgency,
            category="refactor",
            source="audit",
            fingerprint=self.fingerprint,
        )


def _task_of_idea(finding: Finding, idea: Idea) -> Task:
    from selfimprove.model.task import Task, slug

    parts = [finding.message.strip(), finding.suggestion.strip()]
    parts += [_listed("What shows it:", idea.evidence), _listed("It is done when:", idea.criteria)]
    return Task(
        id=slug(idea.category, idea.title),
        title=idea.title,
        description=finding.message.strip(),
        prompt="\n\n".join(part for part in parts if part) + "\n",
        files=idea.files,
        priority=idea.priority,
        category=idea.category,
        source=idea.source,
        fingerprint=finding.fingerprint,
        allow=idea.allow,
    )


def _listed(head: str, lines: tuple[str, ...]) -> str:
    return "\n".join([head, *(f"- {line}" for line in lines)]) if lines else ""


def fingerprint(rule: str, path: str, symbol: str, ordinal: int = 1) -> str:
    """Return 16 hex digits over where and what a finding is; see :class:`Finding`."""
    name = symbol if ordinal == 1 else f"{symbol}#{ordinal}"
    return hashlib.sha256("\0".join((rule, path, name)).encode(errors="surrogateescape")).hexdigest()[:16]


_TITLES = {
    "SI001": "Remove the unused suppression in",
    "SI002": "Say why findings are silenced in",
    "SI101": "Simplify",
    "SI102": "Make more maintainable:",
    "SI103": "Untangle",
    "SI104": "Shorten",
    "SI105": "Flatten",
    "SI106": "Take fewer parameters in",
    "SI107": "Divide",
    "SI108": "Join the returns of",
    "SI201": "Join what is repeated in",
    "SI202": "Break the import cycle of",
    "SI301": "Follow the conventions in",
    "SI302": "Restructure",
    "SI305": "Make readable for pylint:",
}
# Room is left between and around, so that a person's own numbers find a place.
_PRIORITY = {Severity.NOTE: 10.0, Severity.WARNING: 20.0, Severity.ERROR: 30.0}
