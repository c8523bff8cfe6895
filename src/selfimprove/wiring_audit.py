"""Wiring of the audit: builds the engine, the auditor and the reflector from the settings."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import ConfigError, MissingTool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from selfimprove.codebase.tree import Tree
    from selfimprove.memory.journal import Journal
    from selfimprove.model.audit import Trend
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task
    from selfimprove.reflector.auditor import SelfAuditor
    from selfimprove.reflector.baseline import Baseline
    from selfimprove.reflector.engine import Engine
    from selfimprove.reflector.policy import Policy
    from selfimprove.reflector.pylint import Linted
    from selfimprove.reflector.reflector import Reflector
    from selfimprove.target import Target


def build_policy(target: Target) -> Policy:
    """Return which rules count, and their limits by path. Raises ConfigError for an unknown rule."""
    from selfimprove.reflector.policy import Policy
    from selfimprove.reflector.rules import PYLINT

    audit = target.settings.audit
    select = (*audit.select, *(PYLINT[category] for category in audit.pylint))
    keys = ("select", "ignore", "limits", "per_path")
    origins = {key: str(target.loaded.origins.get(f"audit.{key}", "")) for key in keys}
    return Policy(audit.rule_limits(), select, audit.ignore, audit.per_path, origins)


def build_engine(target: Target, lint: Callable[[Iterable[str]], Linted] | None = None) -> Engine:
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
    return Engine(cache, read_blobs, audit.jobs, lint)


def _linter(target: Target, policy: Policy, base: str) -> Callable[[Iterable[str]], Linted] | None:
    """Return what asks pylint about files that differ from ``base``, None when no rule of it is wanted."""
    from selfimprove.reflector.rules import PYLINT

    categories = [category for category, rule in PYLINT.items() if policy.wants(rule)]
    if not categories:
        return None

    def lint(files: Iterable[str]) -> Linted:
        from selfimprove.reflector.pylint import run_pylint
        from selfimprove.tools.git.history import changed
        from selfimprove.tools.shell.sandbox import find_sandbox
        from selfimprove.tools.spread import processors

        settings = target.settings
        chosen = set(files)
        if not settings.audit.pylint_all and target.repo.head():
            chosen &= {change.path for change in changed(target.repo, base)}
        sandbox = None
        with suppress(MissingTool):  # then pylint runs without the project's configuration, and says so
            sandbox = find_sandbox(settings.sandbox.driver, target.environ) if chosen else None
        return run_pylint(
            target.repo.root,
            (path for path in chosen if path.endswith(".py")),
            categories,
            environ=target.environ,
            sandbox=sandbox,
            jobs=settings.audit.jobs or processors(),
        )

    return lint


def build_auditor(
    target: Target, paths: Sequence[str] = (), *, accepts: bool = True, base: str = "HEAD"
) -> SelfAuditor:
    """Return an auditor of the person's tree, or of ``paths`` in it.

    It ``accepts`` what the baseline holds. Files that are as in the commit ``base`` are not linted.
    """
    from selfimprove.codebase.tree import GitTree

    audit = target.settings.audit
    policy = build_policy(target)
    engine = build_engine(target, _linter(target, policy, base))
    tree = GitTree(target.repo, paths or audit.paths, audit.exclude, audit.history, engine.cache)
    return _auditor(target, tree, engine, policy, accepts=accepts)


def _auditor(
    target: Target, tree: Tree, engine: Engine, policy: Policy, *, accepts: bool = True
) -> SelfAuditor:
    from selfimprove.reflector.auditor import SelfAuditor

    audit = target.settings.audit
    return SelfAuditor(
        audit.complexity_threshold,
        audit.maintainability_threshold,
        use_wily=audit.history_tool == "wily",
        tree=tree,
        engine=engine,
        policy=policy,
        baseline=load_baseline(target) if accepts else None,
    )


def load_baseline(target: Target) -> Baseline | None:
    """Return the accepted findings, None where no file of them is configured. Raises ConfigError."""
    if target.settings.audit.baseline is None:
        return None
    from selfimprove.reflector.baseline import load

    return load(baseline_path(target), target.settings.audit.baseline)


def baseline_path(target: Target) -> Path:
    """Return the file of accepted findings, which an audit may write.

    What the repository's own files name lies in the repository. Raises ConfigError when it does not: the
    repository may be a stranger's.
    """
    name = target.settings.audit.baseline or ""
    path, origin = target.repo.root / name, str(target.loaded.origins.get("audit.baseline", ""))
    if origin.startswith(("command line", "environment")):
        return path
    real, root = path.resolve(), target.repo.root.resolve()
    if real.is_relative_to(root) and ".git" not in real.relative_to(root).parts:
        return path
    raise ConfigError(
        f"audit.baseline names a file outside of the working tree: {name}",
        where=origin,
        hint=f"say it yourself if it is meant: --baseline {name}",
    )


def load_tasks(target: Target) -> list[Task]:
    """Return the tasks of tasks.yml without writing anything."""
    path = target.repo.root / target.settings.tasks_file
    with suppress(OSError):
        if not path.is_symlink() and not path.exists():
            return []
    from selfimprove.memory.taskfile import TaskFile

    return TaskFile(path, lock_path=target.state / "tasks.lock").load()


def build_reflector(target: Target, journal: Journal | None) -> Reflector:
    """Return the reflector; ``journal`` is ``None`` where no run has been."""
    from selfimprove.model.task import Status
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
        if tip is None:
            yield None
        else:
            engine = build_engine(target)
            yield _auditor(target, _commit_tree(target, tip, engine), engine, build_policy(target))

    return Reflector(auditor=build_auditor(target), landed=landed, committed=committed)


def _commit_tree(target: Target, commit: str, engine: Engine) -> Tree:
    from selfimprove.codebase.tree import CommitTree

    audit = target.settings.audit
    return CommitTree(target.repo, commit, audit.paths, audit.exclude, engine.cache)


def wily_trend_of(target: Target, count: int, metric: str, paths: Sequence[str]) -> Trend:
    """Return a trend as wily tells it; wily is installed at the first time, in an environment of its own."""
    from selfimprove.reflector.wily import wily_trend

    folder, exclude = cache_folder(target.loaded.environ), target.settings.audit.exclude
    return wily_trend(target.repo, count, metric, folder=folder, paths=paths, exclude=exclude)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the person's cache folder for this program; one in the temporary folder when it is read-only."""
    cache, home = Path(environ.get("XDG_CACHE_HOME", "")), Path(environ.get("HOME", ""))
    if not cache.is_absolute():
        if sys.platform == "linux" and home.is_absolute():
            cache = home / ".cache"  # as platformdirs says, which takes time to load
        else:
            from platformdirs import user_cache_path

            cache = user_cache_path()
    folder = cache / "selfimprove"
    return folder if _writable(folder) else _own_temporary_folder()


def _own_temporary_folder() -> Path:
    """Return a folder that no other user can have put there: what lies in it is believed, and run."""
    import stat
    import tempfile

    folder = Path(tempfile.gettempdir()) / f"selfimprove-{os.getuid()}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            return folder
    return Path(tempfile.mkdtemp(prefix="selfimprove-"))


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
