"""Lands commits in the person's own branch: only where they asked for it, and only if nothing is in the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import GitError
from selfimprove.executor import evidence
from selfimprove.executor.aside import aside
from selfimprove.executor.proof import prove, task_of
from selfimprove.model.work import Work
from selfimprove.tools.git.commits import Commit, checked_out, header, read_commits, replay, with_header
from selfimprove.tools.git.worktree import reopen_copy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.model.task import Task

REPLACED = "refs/selfimprove/replaced/"
"""Where the tips of our branches stay that were put on another base."""

_TRIES = 3  # a person may commit while we prove


def merge(branch: str, bench: Bench, tasks: Sequence[Task]) -> str:
    """Bring the commits of ``branch`` into the branch that is checked out, and return that branch's name.

    Where the person's branch has moved on, ours is first put on its tip and proved again, in a private copy.
    What then happens in the person's tree is a fast-forward by git. Raises GitError, with everything as it was,
    when HEAD is detached, when files are changed and not committed, on a conflict, or when the proof fails.
    """
    repo, hint = bench.repo, f"git merge {branch}"
    for _ in range(_TRIES):
        current, head = _ready(bench, hint)
        tip = repo.resolve(f"refs/heads/{branch}")
        if tip is None or repo.is_ancestor(tip, head):
            return current
        if not repo.is_ancestor(head, tip):
            move(branch, tip, head, bench, tasks, hint)
            continue
        code, out, err = repo.ask("merge", "--ff-only", "--no-edit", branch)
        if code == 0:
            return current
        if repo.head() == head:
            words = " ".join(os.fsdecode(out + err).split())[-300:]
            raise GitError(f"the commits were not merged: {words}", where=str(repo.root), hint=hint)
    raise GitError(f"the commits were not merged: {current} keeps moving", where=str(repo.root), hint=hint)


def _ready(bench: Bench, hint: str) -> tuple[str, str]:
    """Return the person's branch and its tip, or say why nothing can land there."""
    repo = bench.repo
    current, head = repo.branch(), repo.head()
    if current is None or head is None:
        raise GitError(
            "the commits were not merged: HEAD is detached",
            where=str(repo.root),
            hint=f"git switch a branch, then {hint}",
        )
    if repo.uncommitted():
        raise GitError(
            "the commits were not merged: there are uncommitted changes",
            where=str(repo.root),
            hint=f"commit them, then {hint}",
        )
    return current, head


def move(branch: str, tip: str, onto: str, bench: Bench, tasks: Sequence[Task], hint: str) -> str:
    """Put ``branch`` on another commit and return its new tip; the old one stays below :data:`REPLACED`."""
    repo = bench.repo
    if place := checked_out(repo, branch):
        raise GitError(f"{branch} is checked out, and must not move there", where=place, hint=hint)
    commits = commits_of(bench, tip, onto)
    try:
        new = put_on(commits, onto, bench, tasks)
    except GitError as error:
        message = f"the commits were not merged: your branch has moved to {onto[:7]}, and {error.message}"
        raise GitError(message, where=error.where or str(repo.root), hint=hint) from error
    repo.git("update-ref", f"{REPLACED}{branch.removeprefix('selfimprove/')}/{tip[:12]}", tip)
    repo.advance(branch, new, tip, f"selfimprove: on {onto[:12]}")
    return new


def commits_of(bench: Bench, tip: str, onto: str) -> list[Commit]:
    """Return the commits of ours up to ``tip`` that ``onto`` does not have, oldest first.

    Raises GitError when somebody else's are among them: they are not ours to move.
    """
    found = read_commits(bench.repo, "--reverse", "--topo-order", "--no-merges", tip, f"^{onto}")
    if foreign := [one for one in found if not one.said("Task")]:
        raise GitError(f"{foreign[0].id[:7]} ({foreign[0].subject}) is not from selfimprove")
    return found


def put_on(commits: Sequence[Commit], onto: str, bench: Bench, tasks: Sequence[Task]) -> str:
    """Put ``commits``, oldest first, onto ``onto``, prove each again, and return the last new commit.

    No ref is moved. What ``onto`` has already makes no commit. Raises GitError on a conflict or a red proof.
    """
    at = onto
    with aside(bench, onto) as (copy, bench):
        for one in commits:
            copy.restore(f"{at}^{{tree}}")
            copy.git("update-ref", "--no-deref", "HEAD", at)
            try:
                tree = replay(copy, one.id)
            except GitError as error:
                raise GitError(f"{one.id[:7]} ({one.subject}) does not fit: {error.message}") from error
            if tree == bench.repo.tree_of(at):
                continue
            task = task_of(one, tasks)
            work = Work(int(one.said("Run")[0]), task.id, at, str(copy.path), one.when, tree)
            log = bench.logs / f"rebase-{one.id[:12]}.log"
            proved = prove(task, work, bench, log)
            if red := proved.failure or proved.stop:
                first = red.split("\n")[0]
                raise GitError(f"{one.id[:7]} ({one.subject}) is not proved there: {first}", where=str(log))
            at = _again(one, task, proved, bench)
    return at


def _again(old: Commit, task: Task, work: Work, bench: Bench) -> str:
    """Commit ``work``, which is ``old`` on another base, with what it was proved with now."""
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    record = evidence.text_of(
        evidence.renewed(header(bench.repo, old.id, evidence.HEADER), old, task, work, bench, copy),
        bench.secrets,
    )
    message = restated(old.message, work, evidence.digest(record))
    commit = bench.repo.commit_tree(work.tree, work.base, message, work.started_at)
    return with_header(bench.repo, commit, evidence.HEADER, record)


def restated(message: str, work: Work, digest: str) -> str:
    """Return ``message`` with the facts of ``work`` in the place of the earlier ones."""
    facts = [f"Selfimprove-Check: {one.name}: {' '.join(one.summary.split())}" for one in work.checks]
    facts.append(f"Selfimprove-Evidence: {digest}")
    body, gap, last = message.rstrip().rpartition("\n\n")
    rows = last.split("\n")
    old = [row for row in rows if row.startswith(("Selfimprove-Check: ", "Selfimprove-Evidence: "))]
    kept = [row for row in rows if row not in old or _is_metric(row)]
    at = rows.index(old[0]) if old else len(kept)
    return f"{body}{gap}" + "\n".join([*kept[:at], *facts, *kept[at:]]) + "\n"


def _is_metric(row: str) -> bool:
    """True for a check of the task's own finding, which is measured on the task's work alone."""
    return row.startswith("Selfimprove-Check: metrics: ")
