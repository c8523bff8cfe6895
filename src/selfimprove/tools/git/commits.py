"""Commits: what they claim in trailers and in a header of our own, and how they are put on another base."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.tools.git.repo import Repo
    from selfimprove.tools.git.worktree import Copy

_TRAILER = re.compile(r"^Selfimprove-([A-Za-z]+): (.*)$", re.MULTILINE)


class Commit(NamedTuple):
    """One commit: its id, the tree and first parent (``""``: none), author time in seconds, and its message."""

    id: str
    tree: str
    parent: str
    when: int
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.split("\n")[0]

    @property
    def trailers(self) -> list[tuple[str, str]]:
        """Our trailers, without their common prefix: ``("Task", "fix-tax")``.

        Those of the last paragraph; where there are none, as in a merge that squashed several commits, those of
        the whole message.
        """
        last = self.message.rstrip().rpartition("\n\n")[2]
        return _TRAILER.findall(last) or _TRAILER.findall(self.message)

    def said(self, name: str) -> list[str]:
        """Return the values of the trailer ``name``."""
        return [value for key, value in self.trailers if key == name]


def read_commits(repo: Repo, *which: str) -> list[Commit]:
    """Return the commits that ``git log`` finds for ``which`` (revisions and options), newest first."""
    out = repo.git("log", "--no-show-signature", "-z", "--format=%H %T %at %P%n%B", *which)
    found = []
    for record in os.fsdecode(out).split("\0"):
        head, _, message = record.partition("\n")
        if head:
            commit, tree, when, *parents = head.split(" ")
            found.append(Commit(commit, tree, parents[0] if parents else "", int(when), message))
    return found


def ours(repo: Repo, tip: str, run: int | None = None, task: str | None = None) -> list[Commit]:
    """Return the commits up to ``tip`` that say they were made by this run or for this task, newest first."""
    word = f"Selfimprove-Run: {run}" if run is not None else f"Selfimprove-Task: {task}"
    found = read_commits_with(repo, word, tip)
    return [
        one
        for one in found
        if (run is None or str(run) in one.said("Run")) and (task is None or task in one.said("Task"))
    ]


def read_commits_with(repo: Repo, line: str, tip: str) -> list[Commit]:
    """Return the commits up to ``tip`` with ``line`` in their message, newest first."""
    out = repo.git("log", "--format=%H", "--fixed-strings", f"--grep={line}", tip, "--")
    names = out.decode().split()
    return read_commits(repo, "--no-walk=unsorted", *names) if names else []


def header(repo: Repo, commit: str, name: str) -> str | None:
    """Return the value of a header of a commit object, ``None`` when it has none of that name."""
    head = repo.git("cat-file", "commit", commit).partition(b"\n\n")[0]
    for row in head.decode("utf-8", "replace").split("\n"):
        if row.startswith(f"{name} "):
            return row.removeprefix(f"{name} ")
    return None


def with_header(repo: Repo, commit: str, name: str, value: str) -> str:
    """Write ``commit`` once more, with a header, and return the id of that.

    git keeps headers that it does not know, and every clone gets them; no file, ref or line of the message is
    needed. A signed commit is returned as it is: its signature would no longer hold.
    """
    head, gap, message = repo.git("cat-file", "commit", commit).partition(b"\n\n")
    if b"\ngpgsig" in head:
        return commit
    row = f"\n{name} {value}".encode()
    return (
        repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=head + row + gap + message)
        .decode()
        .strip()
    )


def checked_out(repo: Repo, branch: str) -> str | None:
    """Return the folder in which ``branch`` is checked out, ``None`` when it is nowhere."""
    place = ""
    for row in os.fsdecode(repo.git("worktree", "list", "--porcelain")).split("\n"):
        key, _, value = row.partition(" ")
        place = value if key == "worktree" else place
        if key == "branch" and value == f"refs/heads/{branch}":
            return place
    return None


def merge_of(repo: Repo, tips: Sequence[str], when: float) -> str:
    """Return a commit that merges ``tips``, made without a work tree. Raises GitError on a conflict.

    The same arguments give the same commit. Needs git 2.38.
    """
    merged = tips[0]
    for tip in tips[1:]:
        code, out, err = repo.ask("merge-tree", "--write-tree", "--name-only", "--no-messages", merged, tip)
        if code:
            paths = [row for row in os.fsdecode(out).split("\n")[1:] if row]
            words = f"they change the same lines of {', '.join(paths)}" if paths else os.fsdecode(err).strip()
            raise GitError(f"{merged[:7]} and {tip[:7]} do not go together: {words}")
        stamp = f"@{int(when)} +0000"
        env = {**repo.identity(), "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
        args = (
            "commit-tree",
            "-p",
            merged,
            "-p",
            tip,
            "-m",
            "Merge what a task depends on",
            out.decode().strip(),
        )
        merged = repo.git(*args, env=env).decode().strip()
    return merged


def replay(copy: Copy, commit: str, *, backwards: bool = False) -> str:
    """Put the change of ``commit`` (``backwards``: its reverse) onto what the copy holds; return the new tree.

    Raises GitError, naming the files, when it does not fit.
    """
    verb = ("revert",) if backwards else ("cherry-pick", "--allow-empty", "--keep-redundant-commits")
    mainline = ("-m", "1") if len(_parents(copy, commit)) > 1 else ()
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "rerere.enabled=false", "-c", "commit.gpgSign=false")
    args = (*quiet, *verb, "--no-commit", *mainline, commit)
    code, _, err = copy.repo.ask(*args, cwd=copy.path, env=copy.repo.identity())
    if code:
        out = copy.git("diff", "--name-only", "-z", "--diff-filter=U")
        paths = [os.fsdecode(path) for path in out.split(b"\0") if path]
        copy.repo.ask("cherry-pick", "--quit", cwd=copy.path)
        copy.git("reset", "--hard", "-q")
        words = os.fsdecode(err).strip().split("\n")[0]
        raise GitError(f"conflicts in {', '.join(paths)}" if paths else words, where=str(copy.repo.root))
    return copy.git("write-tree").decode().strip()


def _parents(copy: Copy, commit: str) -> list[str]:
    return copy.git("rev-list", "--parents", "-n", "1", commit).decode().split()[1:]
