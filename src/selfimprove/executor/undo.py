"""Takes a run or a task back: commits leave our branches, merged ones are reverted; all of them are kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfimprove.errors import GitError
from selfimprove.executor.aside import aside
from selfimprove.executor.branches import task_branch
from selfimprove.executor.land import put_on
from selfimprove.executor.proof import prove
from selfimprove.model.task import Task, slug
from selfimprove.model.undo import Taken
from selfimprove.model.work import Work
from selfimprove.tools.git.commits import (
    Commit,
    checked_out,
    ours,
    read_commits,
    read_commits_with,
    replay,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.bench import Bench

UNDONE = "refs/selfimprove/undone/"
"""Where the tips of branches stay whose commits were taken back."""

_PREFIX = "selfimprove/"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be taken back: a run by its number, or a task by its id, with the branches it may be on."""

    run: int | None
    task: str | None
    branches: tuple[str, ...]

    @property
    def name(self) -> str:
        """The words for it: ``run 7``, ``task fix-tax``."""
        return f"run {self.run}" if self.run is not None else f"task {self.task}"

    @property
    def branch(self) -> str:
        """The branch for commits that revert merged ones."""
        if self.run is not None:
            return f"{_PREFIX}undo-run-{self.run}"
        return task_branch(self.task or "").replace("/task-", "/undo-task-", 1)


@dataclass(slots=True)
class Step:
    """One branch of ours: it moves from ``old`` to ``new`` (``None``: it goes) and loses ``taken``.

    ``rest`` are commits that stay although they come later: they are put on ``new`` and proved again.
    """

    branch: str
    old: str
    new: str | None
    taken: list[Commit]
    rest: list[Commit] = field(default_factory=list)

    @property
    def kept(self) -> str:
        """The ref that leads to what was taken off."""
        return f"{UNDONE}{self.branch.removeprefix(_PREFIX)}/{self.old[:12]}"

    def told(self) -> list[Taken]:
        """Return what is taken back here, newest first."""
        how = "its branch is deleted" if self.new is None else "its branch moves back"
        how = "the later commits are put on what was before" if self.rest else how
        return [_taken(one, self.branch, how, self.kept) for one in self.taken]


def _taken(one: Commit, branch: str, how: str, kept: str = "") -> Taken:
    return Taken(one.id, one.subject, ", ".join(one.said("Task")), branch, how, kept)


def steps_for(scope: Scope, bench: Bench) -> list[Step]:
    """Return what has to happen to our own branches. Raises GitError where somebody works on one of them."""
    found = (_step(branch, scope, bench) for branch in scope.branches)
    return [step for step in found if step]


def _step(branch: str, scope: Scope, bench: Bench) -> Step | None:
    repo = bench.repo
    tip = repo.resolve(f"refs/heads/{branch}")
    head = repo.head()
    if tip is None or head is None:
        return None
    found = ours(repo, tip, scope.run, scope.task)
    if found and (place := checked_out(repo, branch)):
        hint = "git switch another branch there, then undo again"
        raise GitError(f"{branch} is checked out, and must not move there", where=place, hint=hint)
    mine = {one.id for one in found if not repo.is_ancestor(one.id, head)}
    if not mine:
        return None
    every = _all_ours(branch, tip, head, bench)
    taken = [one for one in every if one.id in mine]
    if len(taken) == len(every):
        return Step(branch, tip, None, taken)
    first = every.index(taken[-1])
    rest = [one for one in reversed(every[:first]) if one.id not in mine]
    return Step(branch, tip, taken[-1].parent, taken, rest)


def _all_ours(branch: str, tip: str, head: str, bench: Bench) -> list[Commit]:
    """Return the commits of a branch that ``head`` does not have, newest first; all must be from selfimprove."""
    every = read_commits(bench.repo, "--topo-order", "--no-merges", tip, f"^{head}")
    if foreign := [one for one in every if not one.said("Task")]:
        raise GitError(
            f"{branch} holds {foreign[0].id[:7]} ({foreign[0].subject}), which is not from selfimprove",
            where=branch,
            hint="move it to a branch of yours, then undo again",
        )
    return every


def take_off(step: Step, bench: Bench, tasks: Sequence[Task]) -> None:
    """Move or delete the branch, once what it held has a ref of its own. Raises GitError with nothing changed."""
    new = step.new
    if step.rest and new:
        try:
            new = put_on(step.rest, new, bench, tasks)
        except GitError as error:
            raise GitError(
                f"{step.branch}: what came later needs what is to go: {error.message}",
                where=error.where,
                hint="undo the later tasks too, or the whole run",
            ) from error
    repo, why = bench.repo, "selfimprove: undo"
    repo.git("update-ref", step.kept, step.old)
    if new is None:
        repo.git("update-ref", "-d", "-m", why, f"refs/heads/{step.branch}", step.old)
    else:
        repo.advance(step.branch, new, step.old, why)


def merged(scope: Scope, bench: Bench) -> list[Commit]:
    """Return the commits of the scope that the person's branch has, newest first, without those reverted already.

    Raises GitError for one that holds other tasks too, as a squashed merge does.
    """
    repo, head = bench.repo, bench.repo.head()
    found = ours(repo, head, scope.run, scope.task) if head else []
    left = [one for one in found if not read_commits_with(repo, f"Selfimprove-Undo: {one.id}", head or "")]
    for one in left:
        others = {name for name in one.said("Task") if scope.task not in (None, name)}
        others |= {f"run {run}" for run in one.said("Run") if scope.run is not None and run != str(scope.run)}
        if others:
            raise GitError(
                f"{one.id[:7]} ({one.subject}) holds {', '.join(sorted(others))} too",
                where=one.id,
                hint=f"git revert {one.id[:12]} takes all of it back",
            )
    return left


def revert(commits: Sequence[Commit], scope: Scope, bench: Bench) -> str:
    """Make commits that revert ``commits`` (newest first) on a branch of their own, proved as a whole; return it.

    Raises GitError on a conflict or a red proof; no branch moves then.
    """
    repo = bench.repo
    head = repo.head() or ""
    at, when = head, time.time()
    with aside(bench, head) as (copy, bench):
        for one in commits:
            copy.restore(f"{at}^{{tree}}")
            try:
                tree = replay(copy, one.id, backwards=True)
            except GitError as error:
                raise _not_reverted(one, error.message, str(repo.root)) from error
            message = (
                f'Revert "{one.subject}"\n\nThis reverts commit {one.id}.\n\nSelfimprove-Undo: {one.id}\n'
            )
            at = repo.commit_tree(tree, at, message, when)
        log = bench.logs / f"undo-{slug(scope.name)}.log"
        task = Task(f"undo-{slug(scope.name)}", f"Undo {scope.name}")
        proved = prove(task, Work(0, task.id, head, str(copy.path), when, repo.tree_of(at)), bench, log)
        if red := proved.failure or proved.stop:
            raise _not_reverted(commits[0], red.split("\n")[0], str(log))
    old = repo.resolve(f"refs/heads/{scope.branch}")
    if old and repo.is_ancestor(head, old) and repo.tree_of(old) == repo.tree_of(at):
        return scope.branch  # made before a kill, or by an earlier undo
    if old:
        repo.git("update-ref", f"{UNDONE}{scope.branch.removeprefix(_PREFIX)}/{old[:12]}", old)
    repo.advance(scope.branch, at, old, "selfimprove: undo")
    return scope.branch


def _not_reverted(one: Commit, why: str, where: str) -> GitError:
    return GitError(
        f"{one.id[:7]} ({one.subject}) cannot be taken back: {why}",
        where=where,
        hint=f"do it by hand: git revert {one.id[:12]}",
    )


def told_of_merged(commits: Sequence[Commit], scope: Scope) -> list[Taken]:
    """Return what is reverted."""
    return [_taken(one, scope.branch, "reverted by a new commit") for one in commits]


def held_elsewhere(steps: Sequence[Step], bench: Bench) -> list[str]:
    """Return a sentence for each other branch that still holds what is taken off."""
    mine = {step.branch for step in steps}
    said = []
    for one in (one for step in steps for one in step.taken):
        out = bench.repo.git("for-each-ref", "--format=%(refname:short)", "--contains", one.id, "refs/heads/")
        others = [name for name in out.decode().split() if name not in mine]
        said += [f"{name} still holds {one.id[:7]} ({one.subject})" for name in others]
    return said
