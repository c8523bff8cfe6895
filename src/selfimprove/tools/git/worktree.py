"""The private copy: a git worktree outside the person's tree, whose content is always one known tree id."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.tools.git.repo import Repo

# Everything that is checked out must be there, and nothing of the person's may run on a checkout of ours.
_QUIET = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.sparseCheckout=false",
    "-c",
    "advice.detachedHead=false",
    "-c",
    "submodule.recurse=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.safecrlf=false",
    "-c",
    "worktree.useRelativePaths=false",
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A detached worktree of ``repo`` at ``path``."""

    repo: Repo
    path: Path

    @property
    def git_dir(self) -> Path:
        """The folder below the repository's ``.git/worktrees`` that belongs to this copy."""
        text = (self.path / ".git").read_text(encoding="utf-8", errors="surrogateescape")
        return Path(text.removeprefix("gitdir: ").rstrip("\n"))

    def git(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        """Run git in the copy."""
        return self.repo.git(*_QUIET, *args, stdin=stdin, cwd=self.path, env=env)

    def restore(self, tree: str) -> None:
        """Make the copy hold exactly ``tree``: changed files put back, everything else removed."""
        self.git("read-tree", "--reset", "-u", tree)
        self.git("clean", "-ffdxq")

    def take_from(self, tree: str, paths: Sequence[str]) -> None:
        """Put ``paths`` back to what ``tree`` holds; what it does not hold is removed."""
        there = frozenset(self.repo.tree_names(tree))
        env = {"GIT_LITERAL_PATHSPECS": "1"}
        if kept := [path for path in paths if path in there]:
            self.git("checkout", "--quiet", tree, "--", *kept, env=env)
        if gone := [path for path in paths if path not in there]:
            self.git("rm", "-f", "-q", "--ignore-unmatch", "--", *gone, env=env)

    def snapshot(self, paths: Sequence[str]) -> str:
        """Record ``paths`` as they are on disk, deletions too, and return the tree id of the whole."""
        if paths:
            names = b"\0".join(os.fsencode(path) for path in paths)
            self.git(
                "add",
                "--force",
                "--all",
                "--pathspec-from-file=-",
                "--pathspec-file-nul",
                stdin=names,
                env={"GIT_LITERAL_PATHSPECS": "1"},
            )
        return self.git("write-tree").decode().strip()

    def remove(self) -> None:
        """Delete the copy and git's record of it; nothing happens when it is gone already."""
        remove_copy(self.repo, self.path)


def open_copy(repo: Repo, path: Path, commit: str) -> Copy:
    """Return the private copy at ``path``, made anew unless a sound one is there, holding ``commit``.

    A leftover of a killed process (half made, or with its record pruned) is replaced. Raises GitError.
    """
    copy = reopen_copy(repo, path, commit)
    copy.git("update-ref", "--no-deref", "HEAD", commit)
    copy.restore(f"{commit}^{{tree}}")
    return copy


def reopen_copy(repo: Repo, path: Path, commit: str) -> Copy:
    """Return the private copy at ``path`` with whatever it holds, or a new, empty one at ``commit``."""
    copy = Copy(repo, path)
    if not _is_sound(copy):
        remove_copy(repo, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        add = (*_QUIET, "worktree", "add", "--detach", "--no-checkout", "--force", str(path), commit)
        # Who removes the last worktree removes the folder of records too, perhaps under our feet: try again.
        if repo.ask(*add)[0]:
            remove_copy(repo, path)
            repo.git(*add)
    _drop_locks(copy)
    return copy


def remove_copy(repo: Repo, path: Path) -> None:
    """Remove the folder at ``path`` and the worktree record that points to it."""
    if path.exists():
        repo.ask("worktree", "remove", "--force", "--force", str(path))
        shutil.rmtree(path, ignore_errors=True)
    ours = {path, path.resolve()}
    with contextlib.suppress(OSError):  # another run is adding or removing a copy of its own
        for record, copy in _records(repo):
            if copy in ours or (copy is None and record.name == path.name):
                shutil.rmtree(record, ignore_errors=True)
        (repo.common_dir / "worktrees").rmdir()


def copy_names(repo: Repo, folder: Path, prefix: str) -> list[str]:
    """Return the names below ``folder`` that begin with ``prefix``: of copies, of what belongs to them, and of
    copies of which a killed process left nothing but git's record, whole or half made.
    """
    names = {path.name for path in folder.glob(f"{prefix}*")}
    with contextlib.suppress(OSError):
        for record, copy in _records(repo):
            if copy is None:
                names.add(record.name)
            elif copy.parent in (folder, folder.resolve()):
                names.add(copy.name)
    return sorted(name for name in names if name.startswith(prefix))


def _records(repo: Repo) -> list[tuple[Path, Path | None]]:
    """Return git's records of worktrees with the folders that they point to, ``None`` for one half made."""
    found: list[tuple[Path, Path | None]] = []
    records = repo.common_dir / "worktrees"
    for record in list(records.iterdir()) if records.is_dir() else ():
        pointer = record / "gitdir"
        text = pointer.read_bytes().rstrip(b"\n") if pointer.is_file() else b""
        found.append((record, Path(os.fsdecode(text)).parent if text else None))
    return found


def _is_sound(copy: Copy) -> bool:
    try:
        return copy.git_dir.is_dir() and copy.repo.ask("rev-parse", "--git-dir", cwd=copy.path)[0] == 0
    except (OSError, GitError):
        return False


def _drop_locks(copy: Copy) -> None:
    """Remove lock files in our own record; their owner was killed, and nobody else works here."""
    for lock in copy.git_dir.glob("*.lock"):
        lock.unlink(missing_ok=True)
