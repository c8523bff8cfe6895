"""Matters: what history says about findings, so that the place where work pays most comes first."""

from __future__ import annotations

import math
from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.record import FileMetrics
from selfimprove.model.audit import FileFacts
from selfimprove.model.finding import Finding, fingerprint
from selfimprove.reflector.renames import Lineage, Place, lineages, renamed_functions, same_named
from selfimprove.reflector.rules import facts

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from selfimprove.model.history import Change, Commit, History
    from selfimprove.reflector.engine import Engine
    from selfimprove.reflector.policy import Policy

HALF_LIFE = 90.0
"""Days after which a commit counts half."""

MANY_FILES = 100
"""A commit that changes more Python files than this is taken for a mechanical one and counts in proportion."""

HOTTEST = 20
"""So many of the hottest files are compared with their previous revision also when they have no finding."""

_DAY = 86_400.0
_MOST = 9.0  # the bounds of an urgency
_HOT = 4.0
_WORSE, _BETTER = 4.0, -3.0  # and up to one more by how much


class Background(NamedTuple):
    """What is known of the measured files besides their content.

    ``now`` is the time in seconds since the epoch. ``uncommitted`` are the files that differ from HEAD, with
    their blobs and paths there. ``coverage`` is the percentage of lines that tests execute, by path.
    """

    history: History
    now: float
    uncommitted: Sequence[Change] = ()
    coverage: Mapping[str, float] = MappingProxyType({})


class Activity(NamedTuple):
    """How much people work on a file; the fields are those of FileFacts."""

    churn: float = 0.0
    commits: int = 0
    last_changed: float | None = None
    owner: str = ""
    share: float = 0.0
    authors: int = 0


class _Step(NamedTuple):
    """The last change of a file: the ``blob`` before it (``""``: it is new), and how much news that still is."""

    blob: str
    recency: float


class _Previous(NamedTuple):
    """The previous revision of a file: its values by rule and place, and where its functions were there.

    ``renamed`` had another name, the ``same`` ones perhaps another ordinal.
    """

    values: Mapping[tuple[str, str, int], float | str]
    renamed: Mapping[Place, Place]
    same: Mapping[Place, Place]
    recency: float


def enrich(
    findings: Iterable[Finding],
    measured: Mapping[str, FileMetrics],
    background: Background,
    engine: Engine,
    policy: Policy,
) -> tuple[list[Finding], list[FileFacts]]:
    """Return the findings with before, origin, aliases and urgency, what matters most first, and the files.

    The files are all of ``measured``, the hottest first. ``before`` comes from the file's content in HEAD
    when the file differs from it, else from before the last commit that changed the content; it is measured
    for files with findings and for the hottest. Where that revision is missing (shallow or partial clone) or
    cannot be measured, ``before`` stays None and the trend adds nothing.
    """
    found = list(findings)
    past = lineages(background.history, background.uncommitted)
    files = _file_facts(measured, past, background)
    looked_at = dict.fromkeys([one.path for one in found if one.path in measured])
    looked_at |= dict.fromkeys(one.path for one in files[:HOTTEST])
    steps = _last_steps(looked_at, past, background)
    older = engine.blobs(
        [(step.blob, path) for path, step in steps.items() if step.blob], extra=policy.needs_extra
    )
    with_findings = {one.path for one in found}
    before = {
        path: previous
        for path, step in steps.items()
        if path in with_findings
        and (previous := _previous(path, step, older.get(step.blob), measured[path], policy))
    }
    enriched = _all_enriched(found, before, past, {one.path: one.heat for one in files})
    changes = {
        path: _complexity(measured[path]) - _complexity(then)
        for path, step in steps.items()
        if isinstance(then := older.get(step.blob), FileMetrics)
    }
    return (
        sorted(enriched, key=what_matters_first),
        [one._replace(change=changes[one.path]) if one.path in changes else one for one in files],
    )


def _all_enriched(
    found: Sequence[Finding],
    before: Mapping[str, _Previous],
    past: Mapping[str, Lineage],
    heat: Mapping[str, float],
) -> list[Finding]:
    """Return the findings with what their files' past says; no two of them have one fingerprint."""
    taken = {fingerprint(one.rule, one.path, one.symbol, one.ordinal) for one in found}
    enriched = []
    for one in sorted(found, key=lambda one: (_born(past.get(one.path)), one.path)):
        known = _enriched(one, before.get(one.path), past.get(one.path), heat.get(one.path, 0.0), taken)
        taken.add(known.fingerprint)  # of two files that first had one name the older one keeps it
        enriched.append(known)
    return enriched


def what_matters_first(finding: Finding) -> tuple[float, float, str, int, str]:
    """Order findings as their tasks will be worked on: by severity and urgency, the priority of the task.

    Within a severity the worsening ones come first, then the hot ones, and the improving ones last. Urgency
    reaches across one level of severity: a warning that gets worse in a hot file is before an error that
    nobody touches. Equal ones go by how far they are over the limit, then by place.
    """
    over = worse_by(finding.value, finding.limit, finding.limit)
    priority = 10.0 * finding.severity + finding.urgency
    return -round(priority, 1), -over, finding.path, finding.line, finding.rule


def activity(lineage: Lineage | None, newest: float) -> Activity:
    """Return how much a file is worked on, seen from the time ``newest``.

    Churn is the sum over the commits that changed the content of 0.5 ** (age in days / HALF_LIFE): the
    weighted time damp of Graves, Karr, Marron and Siy, "Predicting fault incidence using software change
    history" (IEEE TSE 26(7), 2000), with a half-life in place of their exponential. A commit that changes
    n > MANY_FILES files weighs MANY_FILES / n of that; one that only moved the file does not count.
    """
    edits = lineage.edits if lineage else []
    if not edits:
        return Activity()
    by_author: dict[str, float] = defaultdict(float)
    for commit, _ in edits:
        by_author[commit.author] += _recency(commit.time, newest) * _weight(commit)
    churn = sum(by_author.values())
    owner = min(by_author, key=lambda name: (-by_author[name], name))
    return Activity(
        churn=round(churn, 3),
        commits=len(edits),
        last_changed=max(commit.time for commit, _ in edits),
        owner=owner,
        share=round(by_author[owner] / churn, 3) if churn else 0.0,
        authors=len(by_author),
    )


def newest_time(history: History, now: float) -> float:
    """Return the time of the newest commit, but no later than ``now``: a clock may have been wrong.

    Ages are counted from it, so that an answer changes with commits and not from one day to the next.
    """
    return min(now, max((commit.time for commit in history.commits), default=now))


def urgency(heat: float, trend: float) -> float:
    """Return what is added to a task's priority, -9 to 9 with one decimal.

    ``heat`` (0 to 100) adds up to 4. ``trend`` is what :func:`trend_points` says.
    """
    return round(max(-_MOST, min(_MOST, _HOT * heat / 100 + trend)), 1) or 0.0


def trend_points(value: float | str, before: float | str | None, limit: float | str) -> float:
    """Return 4 to 5 for a value worse than ``before``, -3 to -4 for a better one, and 0 for the same.

    The part over the whole number is the difference in limits (21 after 15 with limit 15 is 0.4), 1 at
    most; one rank letter is a whole limit. ``before`` is None for what is new, which is as bad as can be.
    So something that just got worse is always ahead of something hot that did not.
    """
    if before is None:
        return _WORSE + 1
    change = worse_by(value, before, limit)
    if not change:
        return 0.0
    return _WORSE + min(1.0, change) if change > 0 else _BETTER - min(1.0, -change)


def worse_by(value: float | str, other: float | str, limit: float | str) -> float:
    """Return how much worse ``value`` is than ``other``, in limits; a rank letter is a whole limit."""
    return _in_limits(value, limit) - _in_limits(other, limit)


def _enriched(
    finding: Finding,
    previous: _Previous | None,
    lineage: Lineage | None,
    heat: float,
    taken: Container[str] = (),
) -> Finding:
    """Return the finding with what its file's past says; fingerprints that are ``taken`` are other findings'."""
    here = (finding.symbol, finding.ordinal)
    there = previous.renamed.get(here, here) if previous else here
    before, trend = _before(finding, previous, here, there)
    names = lineage.names if lineage else [finding.path]
    origin = names[0] if len(names) > 1 and names[0] != finding.path else ""
    if origin and fingerprint(finding.rule, origin, *here) in taken:
        names, origin = [finding.path], ""
    known = {fingerprint(finding.rule, origin or finding.path, *here)}
    aliases = dict.fromkeys(
        fingerprint(finding.rule, path, *place)
        for place in dict.fromkeys((here, there))
        for path in dict.fromkeys((*names, finding.path))
    )
    return finding._replace(
        before=before,
        origin=origin,
        aliases=tuple(one for one in aliases if one not in known),
        urgency=urgency(heat, trend),
    )


def _before(
    finding: Finding, previous: _Previous | None, here: Place, there: Place
) -> tuple[float | str | None, float]:
    """Return the value in the previous revision, and what the difference adds to the urgency.

    Only rules that look at one file alone can be told of an older revision of that file.
    """
    if previous is None or not finding.rule.startswith("SI1"):
        return None, 0.0
    was = there if there != here or not finding.symbol else previous.same.get(here)
    before = previous.values.get((finding.rule, *was)) if was else None
    return before, previous.recency * trend_points(finding.value, before, finding.limit)


def _file_facts(
    measured: Mapping[str, FileMetrics], past: Mapping[str, Lineage], background: Background
) -> list[FileFacts]:
    """Return the facts of every file, the hottest first; heat is the share of the highest product."""
    newest = newest_time(background.history, background.now)
    work = {path: activity(past.get(path), newest) for path in measured}
    product = {path: _complexity(metrics) * work[path].churn for path, metrics in measured.items()}
    highest = max(product.values(), default=0.0) or 1.0
    files = [
        FileFacts(
            path=path,
            lines=metrics.lines,
            complexity=_complexity(metrics),
            worst=max((one.complexity for one in metrics.functions), default=0),
            maintainability=metrics.maintainability,
            rank=metrics.rank,
            churn=work[path].churn,
            commits=work[path].commits,
            last_changed=work[path].last_changed,
            owner=work[path].owner,
            share=work[path].share,
            authors=work[path].authors,
            coverage=background.coverage.get(path),
            heat=round(100 * product[path] / highest, 1),
        )
        for path, metrics in measured.items()
    ]
    return sorted(files, key=lambda one: (-product[one.path], -one.complexity, one.path))


def _last_steps(
    paths: Iterable[str], past: Mapping[str, Lineage], background: Background
) -> dict[str, _Step]:
    """Return the last change of each file of which that is known."""
    newest = newest_time(background.history, background.now)
    uncommitted = {change.path: change.old for change in background.uncommitted}
    found: dict[str, _Step] = {}
    for path in paths:
        if path in uncommitted:
            found[path] = _Step(uncommitted[path], 1.0)
        elif path in past and (edits := past[path].edits):
            commit, change = edits[-1]
            found[path] = _Step(change.old, _recency(commit.time, newest))
    return found


def _previous(path: str, step: _Step, then: object, now: FileMetrics, policy: Policy) -> _Previous | None:
    """Return what is known of the previous revision, None when it could not be measured."""
    if not step.blob:
        return _Previous({}, {}, {}, step.recency)
    if not isinstance(then, FileMetrics):
        return None
    values = {(one.rule, one.symbol, one.ordinal): one.value for one in facts(path, then, policy)}
    return _Previous(values, renamed_functions(now, then), same_named(now, then), step.recency)


def _complexity(metrics: FileMetrics) -> int:
    return sum(one.complexity for one in metrics.functions)


def _born(lineage: Lineage | None) -> float:
    """Return when a file was first committed; one that never was comes last."""
    return lineage.touched[0][0].time if lineage and lineage.touched else math.inf


def _recency(time: float, newest: float) -> float:
    return float(0.5 ** (max(0.0, newest - time) / _DAY / HALF_LIFE))


def _weight(commit: Commit) -> float:
    return min(1.0, MANY_FILES / max(1, len(commit.changes)))


def _in_limits(value: float | str, limit: float | str) -> float:
    """Return a value as a multiple of its limit; rank letters count 1 each."""
    if isinstance(value, str):
        return float(ord(value[:1] or "A"))
    return value / (float(limit) or 1.0) if not isinstance(limit, str) else float(value)
