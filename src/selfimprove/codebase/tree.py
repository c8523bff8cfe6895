"""Tree: where the files of an audit come from: a folder, a git working tree, or a commit without a checkout."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from selfimprove.codebase.scan import Scan, commit_files, python_files, walk
from selfimprove.model.history import Change, Commit, History

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from selfimprove.tools.git.repo import Repo


class Cache(Protocol):
    """Bytes by (id, kind), which survive the process."""

    @property
    def problem(self) -> str:
        """Why the cache is not used, ``""`` while it is."""

    def get(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """Return the known values."""

    def put(self, rows: Mapping[tuple[str, str], bytes]) -> None:
        """Keep them."""


class Tree(Protocol):
    """Files below ``root``, and what git knows of their past."""

    @property
    def root(self) -> Path:
        """The top folder."""

    def scan(self) -> Scan:
        """Return which files there are now."""

    def past(self, scan: Scan) -> tuple[History, list[Change]]:
        """Return the commits that led here, and how the files differ from the last one, renames found."""


class FolderTree:
    """A folder without git."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def scan(self) -> Scan:
        """Walk the folder."""
        return python_files(self.root, walk(self.root))

    def past(self, scan: Scan) -> tuple[History, list[Change]]:
        """Return none."""
        del scan
        return History(), []


class GitTree(NamedTuple):
    """The working tree of ``repo``, or ``paths`` in it, less what the globs ``exclude`` match.

    ``looks_back`` off leaves history unread; what was read of it is kept in ``cache``.
    """

    repo: Repo
    paths: Sequence[str] = ()
    exclude: Sequence[str] = ()
    looks_back: bool = True
    cache: Cache | None = None

    @property
    def root(self) -> Path:
        """The top folder of the working tree."""
        return self.repo.root

    def scan(self) -> Scan:
        """Ask git for the files."""
        from selfimprove.tools.git.listing import list_files

        listing = list_files(self.repo)
        scan = python_files(
            *(self.root, listing.names, self.paths, self.exclude),
            tracked=listing.tracked,
            blobs=listing.blobs,
            sparse=listing.sparse,
        )
        return scan._replace(untracked=tuple(name for name in listing.names if name not in listing.tracked))

    def past(self, scan: Scan) -> tuple[History, list[Change]]:
        """Ask git for the commits that lead to HEAD, and how the tree differs from it."""
        from selfimprove.tools.git.history import changed

        head = self.repo.head() if self.looks_back else None
        if head is None:
            return History(), []
        return _history(self.repo, head, self.cache), changed(self.repo, head, scan.untracked)


class CommitTree(NamedTuple):
    """The files of ``commit`` as git's objects have them, chosen by the rules of a working tree."""

    repo: Repo
    commit: str
    paths: Sequence[str] = ()
    exclude: Sequence[str] = ()
    cache: Cache | None = None

    @property
    def root(self) -> Path:
        """The top folder that the paths are relative to; nothing is read there."""
        return self.repo.root

    def scan(self) -> Scan:
        """Read the commit's tree."""
        from selfimprove.tools.git.history import tree_blobs

        return commit_files(tree_blobs(self.repo, self.commit), self.paths, self.exclude)

    def past(self, scan: Scan) -> tuple[History, list[Change]]:
        """Return the commits that lead to HEAD, in which names are that files had earlier, and no changes."""
        del scan
        head = self.repo.head()
        return (_history(self.repo, head, self.cache) if head else History()), []


def _history(repo: Repo, head: str, cache: Cache | None) -> History:
    """Return the commits that lead to ``head``, from ``cache`` when they were read before."""
    from selfimprove.tools.git.history import read_history

    if cache is None:
        return read_history(repo)
    # One row for each working tree: the next HEAD takes the place of this one.
    key = (hashlib.sha256(os.fsencode(repo.git_dir)).hexdigest(), "history")
    told = f"{head} {_told_by(repo)}"
    with contextlib.suppress(ValueError, TypeError):
        if (known := cache.get([key]).get(key)) and (found := _unpacked(known, told)):
            return found
    history = read_history(repo)
    cache.put({key: _packed(history, told)})
    return history


def _told_by(repo: Repo) -> str:
    """Return a digest of what makes the same commits read differently: names of authors, and where they end."""
    digest = hashlib.sha256()
    for path in (repo.root / ".mailmap", repo.common_dir / "shallow", repo.common_dir / "info" / "grafts"):
        with contextlib.suppress(OSError):
            digest.update(path.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _packed(history: History, told: str) -> bytes:
    row = [told, history.commits, history.shallow, history.cut]
    return json.dumps(row, separators=(",", ":")).encode()


def _unpacked(data: bytes, told: str) -> History | None:
    """Return what was packed, None when that was of another HEAD."""
    was, commits, shallow, cut = json.loads(data)
    if was != told:
        return None
    return History(
        tuple(
            Commit(one, when, author, subject, tuple([Change(*change) for change in changes]))
            for one, when, author, subject, changes in commits
        ),
        shallow,
        cut,
    )
