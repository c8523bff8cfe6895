"""Lands a run's commits in the person's own branch: only where they asked for it, and only if nothing is in the way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from selfimprove.errors import GitError

if TYPE_CHECKING:
    from selfimprove.tools.git.repo import Repo


def merge(repo: Repo, branch: str) -> str:
    """Merge ``branch`` into the branch that is checked out, and return that branch's name.

    The repository's hooks run, as at any merge. Raises GitError, with the tree as it was, when HEAD is
    detached, when files are changed and not committed, or when there are conflicts.
    """
    hint = f"git merge {branch}"
    current = repo.branch()
    if current is None:
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
    code, out, err = repo.ask("merge", "--no-edit", branch)
    if code:
        repo.ask("merge", "--abort")
        words = os.fsdecode(out + err).strip().split("\n")[-1]
        raise GitError(f"the commits were not merged: {words}", where=str(repo.root), hint=hint)
    return current
