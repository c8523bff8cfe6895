"""Wiring of the audit: builds the engine, the auditor and the reflector from the settings."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.model.task import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from selfimprove.codebase.tree import Tree
    from selfimprove.memory.journal import Journal
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task
    from selfimprove.reflector.auditor import SelfAuditor
    from selfimprove.reflector.baseline import Baseline
    from selfimprove.reflector.engine import Engine
    from selfimprove.reflector.policy import Policy
    from selfimprove.reflector.reflector import Reflector
    from selfimprove.target import Target


def build_policy(target: Target) -> Policy:
    """Return which rules count, and their limits by path. Raises ConfigError for an unknown rule."""
    from selfimprove.reflector.policy import Policy

    audit = target.settings.audit
    return Policy(audit.rule_limits(), audit.select, audit.ignore, audit.per_path)


def build_engine(target: Target) -> Engine:
    """Return the engine with the cache in the person's cache folder, which all repositories share."""
    from selfimprove.memory.measured import MeasuredCache
    from selfimprove.reflector.engine import Engine, flavour

    def read_blobs(ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        from selfimprove.tools.git.objects import Objects

        with Objects(target.repo) as objects:
            yield from objects.read(ids)

    audit = target.settings.audit
    cache = None
    if audit.cache:
        cache = MeasuredCache(cache_folder(target.loaded.environ) / "measured.db", flavour())
    return Engine(cache, read_blobs, audit.jobs)


def build_auditor(target: Target, paths: Sequence[str] = (), *, accepts: bool = True) -> SelfAuditor:
    """Return an auditor of the person's tree, or of ``paths`` in it; ``accepts`` what the baseline holds."""
    from selfimprove.codebase.tree import GitTree

    audit = target.settings.audit
    tree = GitTree(target.repo, paths or audit.paths, audit.exclude, audit.history)
    return _auditor(target, tree, accepts=accepts)


def _auditor(target: Target, tree: Tree, *, accepts: bool = True) -> SelfAuditor:
    from selfimprove.reflector.auditor import SelfAuditor

    audit = target.settings.audit
    return SelfAuditor(
        audit.complexity_threshold,
        audit.maintainability_threshold,
        use_wily=audit.history_tool == "wily",
        tree=tree,
        engine=build_engine(target),
        policy=build_policy(target),
        baseline=load_baseline(target) if accepts else None,
    )


def load_baseline(target: Target) -> Baseline | None:
    """Return the accepted findings, None where no file of them is configured. Raises ConfigError."""
    if target.settings.audit.baseline is None:
        return None
    from selfimprove.reflector.baseline import load

    return load(target.repo.root / target.settings.audit.baseline, target.settings.audit.baseline)


def build_reflector(target: Target, journal: Journal | None) -> Reflector:
    """Return the reflector; ``journal`` is ``None`` where no run has been."""
    from selfimprove.reflector.reflector import Reflector

    def landed(task: Task, ref: str) -> bool:
        done = (
            [row for row in journal.outcomes(task_id=task.id) if row["status"] == Status.DONE]
            if journal
            else []
        )
        commit = done[-1]["commit"] if done else None
        return commit is not None and target.repo.is_ancestor(commit, ref)

    @contextmanager
    def committed(run: Run) -> Iterator[SelfAuditor | None]:
        tip = target.repo.resolve(f"refs/heads/{run.branch}")
        yield None if tip is None else _auditor(target, _commit_tree(target, tip))

    return Reflector(auditor=build_auditor(target), landed=landed, committed=committed)


def _commit_tree(target: Target, commit: str) -> Tree:
    from selfimprove.codebase.tree import CommitTree

    audit = target.settings.audit
    return CommitTree(target.repo, commit, audit.paths, audit.exclude)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the person's cache folder for this program, one in the temporary folder when it is read-only."""
    from platformdirs import user_cache_path

    cache = environ.get("XDG_CACHE_HOME")
    folder = Path(cache) / "selfimprove" if cache else user_cache_path("selfimprove")
    if not _writable(folder):
        folder = Path(tempfile.gettempdir()) / "selfimprove"
    return folder


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
