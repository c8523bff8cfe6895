"""Looking: answers what a person asks of an audit: what is wrong, what got worse since, and how it came about."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove import wiring_audit
from selfimprove.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.model.audit import Audit, Trend
    from selfimprove.model.history import Change
    from selfimprove.reflector.auditor import SelfAuditor
    from selfimprove.reflector.trend import Now
    from selfimprove.target import Target


class Question(NamedTuple):
    """What is asked. ``paths`` may name functions (``file.py:Class.method``) when a ``trend`` is asked for.

    ``since`` is a git reference, ``trend`` a number of revisions and ``metric`` what it is of. ``metrics``
    asks for every number. ``write_baseline`` accepts all that is found.
    """

    paths: tuple[str, ...] = ()
    since: str | None = None
    trend: int | None = None
    metric: str = "complexity"
    metrics: bool = False
    write_baseline: bool = False


class Answer(NamedTuple):
    """The ``audit``; ``known`` of its findings are tasks already. ``rules`` are those that exist, as plain data.

    ``said`` are lines for the person that are not part of the answer.
    """

    audit: Audit
    known: int
    rules: Sequence[Mapping[str, Any]]
    metrics: Sequence[Mapping[str, Any]] = ()
    said: tuple[str, ...] = ()


def look(
    target: Target, question: Question, progress: Callable[[int, int], object] = lambda _done, _total: None
) -> Answer:
    """Measure, compare and tell. Raises SelfimproveError; nothing in the repository changes but the baseline.

    ``progress`` is told how many of how many files are measured.
    """
    from selfimprove.codebase.measure.record import metrics_data
    from selfimprove.reflector import rules

    if question.write_baseline and question.since is not None:
        raise UsageError(
            "--write-baseline accepts all that is found, and --since leaves most of it out",
            hint="leave one of them away",
        )
    paths, symbols = _places(target.repo.root, question)
    tasks = wiring_audit.load_tasks(target)
    base = _base(target, question)
    auditor = wiring_audit.build_auditor(
        target, paths, accepts=not question.write_baseline, base=base or "HEAD"
    )
    auditor.engine.progress = progress
    audit = auditor.survey()
    if base is not None:
        audit = _since(target, auditor, audit, question, base)
    said = _keep_baseline(target, auditor, audit, question)
    if question.write_baseline:
        audit = audit._replace(findings=(), accepted=len(audit.findings))
    audit = audit._replace(wrote_baseline=bool(said))
    if question.trend is not None:
        audit = _with_trend(target, auditor, audit, question, symbols)
    known = {task.fingerprint for task in tasks}
    return Answer(
        audit,
        sum(not known.isdisjoint(finding.fingerprints) for finding in audit.findings),
        rules.describe(),
        [metrics_data(path, one) for path, one in auditor.measured.items()] if question.metrics else (),
        said,
    )


def _places(root: Path, question: Question) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the paths to measure, and the functions (path from the root, symbol) that a trend is asked for."""
    paths, symbols = [], []
    for path in question.paths:
        file, colon, symbol = path.rpartition(":")
        if colon and file.endswith((".py", ".ipynb")) and not Path(path).exists():
            if question.trend is None:
                raise UsageError(
                    f"{Path(path).name} names a function", where=path, hint="add --trend, or name the file"
                )
            paths.append(file)
            symbols.append((Path(file).resolve().relative_to(root.resolve()).as_posix(), symbol))
        else:
            paths.append(path)
    return tuple(paths), tuple(symbols)


def _base(target: Target, question: Question) -> str | None:
    """Return the commit to compare with; before anything is measured, since it may not be there."""
    if question.since is None:
        return None
    from selfimprove.tools.git.history import merge_base

    return merge_base(target.repo, question.since)


def _since(target: Target, auditor: SelfAuditor, audit: Audit, question: Question, base: str) -> Audit:
    """Return the audit with only what is new or worse against the commit ``base``."""
    from selfimprove.codebase.scan import commit_files
    from selfimprove.reflector.since import since
    from selfimprove.tools.git.history import changed, tree_blobs

    changes = changed(target.repo, base)
    stay_out = {change.old_path for change in changes} | auditor.last_scan.sparse
    deleted = {
        path: blob
        for path, blob in tree_blobs(target.repo, base).items()
        if path not in stay_out and not os.path.lexists(target.repo.root / path)
    }
    settings = target.settings.audit
    paths = _relative(target, question) if question.paths else settings.paths
    asked = {*auditor.measured, *commit_files(deleted, paths, settings.exclude).files}
    everywhere = auditor.measured | _aside(target, auditor, audit, changes)
    stay, better = since(
        audit.findings, everywhere, changes, auditor.engine, auditor.policy, deleted, asked=asked
    )
    note = f"{_count(better, 'value')} over the limit got better" if better else ""
    return audit._replace(findings=tuple(stay), notes=(*audit.notes, *([note] if note else ())))


def _aside(
    target: Target, auditor: SelfAuditor, audit: Audit, changes: Sequence[Change]
) -> dict[str, FileMetrics]:
    """Return the changed files that were not asked about: functions may have moved from there, or still be there."""
    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.reflector.engine import Source

    known = {*auditor.measured, *(one.path for one in audit.not_analysed)}
    sources = [
        Source(change.path, "", target.repo.root / change.path)
        for change in changes
        if change.path not in known
    ]
    found = auditor.engine.measure(sources, extra=auditor.policy.needs_extra) if sources else {}
    return {path: one for path, one in found.items() if isinstance(one, FileMetrics)}


def _keep_baseline(target: Target, auditor: SelfAuditor, audit: Audit, question: Question) -> tuple[str, ...]:
    """Write the baseline when the person says so, and let it shrink when something was mended."""
    from selfimprove.atomicfile import replace_file

    name = target.settings.audit.baseline
    if name is None:
        if question.write_baseline:
            raise UsageError(
                "there is no baseline to write", hint="say where: --baseline audit.json --write-baseline"
            )
        return ()
    from selfimprove.reflector import baseline

    path = wiring_audit.baseline_path(target)
    failed = {one.path for one in audit.not_analysed} - auditor.last_scan.deleted
    judged = baseline.judges(
        auditor.policy, auditor.measured, failed, whole=auditor.last_scan.whole, linted=auditor.linted
    )
    if question.write_baseline:
        earlier = baseline.load(path, name) if path.exists() else None
        replace_file(path, baseline.dumps(baseline.accept(audit.findings, earlier, judged)))
        return (f"{_count(len(audit.findings), 'finding')} accepted in {name}",)
    if auditor.baseline is None or question.since is not None:
        return ()
    change = baseline.tightening(auditor.baseline, [*audit.findings, *auditor.accepted], judged)
    if change is None:
        return ()
    replace_file(path, baseline.dumps(change.baseline))
    said = [f"{_count(change.gone, 'finding')} gone"] if change.gone else []
    said += [f"{_count(change.better, 'value')} got better"] if change.better else []
    said += [f"{_count(change.moved, 'finding')} under a new name"] if change.moved else []
    return (f"{name} is {'tighter' if change.is_tighter else 'up to date'}: {', '.join(said)}",)


def _count(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def _with_trend(
    target: Target,
    auditor: SelfAuditor,
    audit: Audit,
    question: Question,
    symbols: Sequence[tuple[str, str]],
) -> Audit:
    """Return the audit with its trend; what could not be measured on the way is noted."""
    missing: list[str] = []
    if auditor.use_wily:
        from selfimprove.wiring_audit import wily_trend_of

        trend: Trend = wily_trend_of(
            target, question.trend or 1, question.metric, _relative(target, question)
        )
    else:
        trend = _own_trend(target, auditor, question, symbols, missing)
    note = (
        f"{_count(len(missing), 'file')} could not be measured in some revisions: {'; '.join(missing[:3])}"
        if missing
        else ""
    )
    return audit._replace(trend=trend, notes=(*audit.notes, *([note] if note else ())))


def _own_trend(
    target: Target,
    auditor: SelfAuditor,
    question: Question,
    symbols: Sequence[tuple[str, str]],
    missing: list[str],
) -> Trend:
    from selfimprove.model.audit import Trend
    from selfimprove.reflector.trend import trend
    from selfimprove.reflector.trend_metrics import metric_named
    from selfimprove.tools.git.history import first_parents, tree_blobs

    named = metric_named(question.metric, of_function=bool(symbols))
    head, count = target.repo.head(), question.trend or 1
    if head is None:
        return Trend(question.metric, (), ())
    commits = first_parents(target.repo, count)
    tree = tree_blobs(target.repo, head)
    now = _now(auditor, tree, extra=named.extra)
    return trend(
        question.metric,
        commits,
        tree,
        auditor.engine,
        paths=_relative(target, question),
        symbols=symbols,
        exclude=target.settings.audit.exclude,
        now=now,
        complete=len(commits) >= count or not auditor.history.shallow,
        say=lambda one: missing.append(f"{one.path}: {one.reason}"),
    )


def _now(auditor: SelfAuditor, tree: Mapping[str, str], *, extra: bool) -> Now | None:
    """Return the person's tree as the newest point of a trend, None when it is as in HEAD."""
    from selfimprove.reflector.trend import Now

    gone = tree.keys() - set(auditor.last_scan.files) if auditor.last_scan.whole else ()
    gone = set(gone) - set(auditor.last_scan.sparse)
    if not auditor.uncommitted and not any(path in auditor.last_scan.deleted for path in gone):
        return None
    moved = {one.path: one.old_path for one in auditor.uncommitted if one.old_path not in ("", one.path)}
    measured = auditor.measure(extra=extra)
    return Now(time.time(), measured, moved, auditor.last_scan.sparse)


def _relative(target: Target, question: Question) -> tuple[str, ...]:
    """Return the files and folders that were named, from the root; those that name functions aside."""
    root = target.repo.root.resolve()
    named = [Path(path).resolve() for path in question.paths if Path(path).exists()]
    return tuple(path.relative_to(root).as_posix() for path in named if path != root)
