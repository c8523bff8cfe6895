"""Making: changes whose files the program makes itself from facts, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.executor.patching.apply import Tree, write_files
from selfimprove.tools.git.worktree import reopen_copy

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work


def applies(task: Task, bench: Bench) -> bool:
    """True when the program makes the task's files itself."""
    return task.id in bench.makers


def is_from_facts(task: Task, bench: Bench) -> bool:
    """True when no model has a part in the task's change, so that there is nobody's work to review."""
    return applies(task, bench) and not bench.makers[task.id].by_model


def make(task: Task, work: Work, bench: Bench) -> Work:
    """Return the work with the files that the task's maker made, in its copy as ``work.base`` has it."""
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(work.base)
    files = dict(bench.makers[task.id].files)
    return landed(files, work.but(tree=bench.repo.tree_of(work.base)), bench).but(subject=task.title)


def landed(files: dict[str, bytes], work: Work, bench: Bench) -> Work:
    """Return the work with ``files`` (path -> content) written into its copy, which stands at ``work.tree``."""
    if not files:
        return work.but(summary="nothing changed")
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    write_files(copy.path, files, (), Tree(copy.path, bench.repo.tree_names(work.tree)))
    tree = copy.snapshot(tuple(files))
    rows = [f"{path} +{added} -{removed}" for added, removed, path in bench.repo.numstat(work.tree, tree)]
    return work.but(
        tree=tree,
        paths=tuple(dict.fromkeys((*work.paths, *files))),
        failure="",
        code="",
        summary=", ".join(rows[:3]) + (f" and {len(rows) - 3} more" if len(rows) > 3 else ""),
    )
