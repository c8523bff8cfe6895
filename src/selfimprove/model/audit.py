"""Audit: what one look at the code found, file by file and over time, and what it could not look into."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from selfimprove.model.finding import Finding


class NotAnalysed(NamedTuple):
    """A file that was meant to be measured and was not. ``reason`` completes "not analysed: ..."."""

    path: str
    reason: str


class FileFacts(NamedTuple):
    """What is known of one measured file.

    ``complexity`` is the sum over its functions and ``worst`` the highest of them; ``change`` is how much the
    sum differs from the previous revision of the file (None: there is none, or it could not be measured).
    ``churn`` counts the commits that changed it, each worth less the older it is, ``commits`` counts them
    plainly and ``last_changed`` is the last one's time (seconds since the epoch). ``owner`` made the largest
    ``share`` (0 to 1) of the weighted changes, of ``authors`` people. ``coverage`` is the percentage of its
    lines that tests execute (None: unknown). ``heat`` (0 to 100) is complexity by churn, 100 being the
    hottest file of the repository.
    """

    path: str
    lines: int
    complexity: int
    worst: int
    maintainability: float
    rank: str
    change: int | None = None
    churn: float = 0.0
    commits: int = 0
    last_changed: float | None = None
    owner: str = ""
    share: float = 0.0
    authors: int = 0
    coverage: float | None = None
    heat: float = 0.0


class Revision(NamedTuple):
    """One commit of a trend; ``time`` in seconds since the epoch. The person's own tree has commit ``""``."""

    commit: str
    time: float
    author: str
    subject: str


class TrendLine(NamedTuple):
    """The values of one file (``symbol`` is ``""``) or one function over the revisions, None where it was not.

    ``path`` and ``symbol`` are its names in the last revision; under earlier names it is followed.
    """

    path: str
    symbol: str
    values: tuple[float | None, ...]


class Trend(NamedTuple):
    """One ``metric`` over ``revisions``, the oldest first; ``total`` and every line have a value for each.

    ``complete`` is false when history ends before the number of revisions that was asked for because the
    clone is shallow.
    """

    metric: str
    revisions: tuple[Revision, ...]
    total: tuple[float | None, ...]
    lines: tuple[TrendLine, ...] = ()
    complete: bool = True


class Audit(NamedTuple):
    """``findings`` with what matters most first; ``files`` is how many were measured, without ``not_analysed``.

    ``file_facts`` has the hottest file first. ``suppressed`` counts findings that a comment in the code
    silences and ``accepted`` those that the baseline holds. ``notes`` are sentences that a reader must know:
    a shallow clone, a cache that cannot be written. ``engine`` and ``python`` name what measured.
    ``wrote_baseline`` says that the file of accepted findings is another now.
    """

    findings: tuple[Finding, ...] = ()
    files: int = 0
    not_analysed: tuple[NotAnalysed, ...] = ()
    file_facts: tuple[FileFacts, ...] = ()
    trend: Trend | None = None
    suppressed: int = 0
    accepted: int = 0
    notes: tuple[str, ...] = ()
    engine: str = ""
    python: str = ""
    wrote_baseline: bool = False
