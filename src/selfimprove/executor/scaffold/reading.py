"""Reading: the facts of a commit, of a tree that has none yet, and what lies in the person's own folders."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from selfimprove.codebase.project.facts import Facts
from selfimprove.codebase.project.past import read_past
from selfimprove.executor.scaffold.recipe import portable_test_command
from selfimprove.tools.git.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selfimprove.tools.git.repo import Repo

_LARGEST = 1_000_000  # bytes of a file that says something about the project
_FOLDERS = ("", ".github", ".github/workflows", ".gitlab", "docs", "doc")


@contextmanager
def facts_at(repo: Repo, commit: str | None, root: Path, choice: str = "") -> Iterator[Facts]:
    """Yield the facts of ``commit`` (None: of the working tree, which has no commit yet), to be used while it is open.

    ``root`` is a folder in which the files of the commit stand; ``choice`` the licence that a person chose.
    """
    with Objects(repo) as objects:
        ids = _blobs(repo, commit) if commit else dict.fromkeys(repo.files(), "")

        @cache
        def read(path: str) -> str:
            one = ids.get(path)
            if one is None:
                return ""
            data = next(iter(objects.read([one])))[1] if one else _on_disk(root, path)
            return (data or b"").decode("utf-8", "replace")

        names = tuple(repo.tree_names(commit)) if commit else tuple(ids)
        command = portable_test_command(root, names, read)
        facts = Facts(names, read, read_past(repo), command, choice=choice)
        yield _with_taken(facts, repo.root)


def _with_taken(facts: Facts, root: Path) -> Facts:
    folders = (*_FOLDERS, *(one.folder for one in facts.packages))
    taken = frozenset(path for folder in folders for path in _present(root, folder))
    return Facts(facts.names, facts.read, facts.past, facts.test_command, taken, facts.choice)


def _present(root: Path, folder: str) -> Iterator[str]:
    """Yield what lies in a folder as paths in lower case: also what git ignores, or does not know yet."""
    try:
        names = [place.name for place in (root / folder).iterdir()]
    except OSError:
        return
    yield from (f"{folder}/{name}".lstrip("/").lower() for name in names)


def _blobs(repo: Repo, commit: str) -> dict[str, str]:
    """Return the ids of the files of a commit that are no links and not too large."""
    found = {}
    for row in os.fsdecode(repo.git("ls-tree", "-r", "-l", "-z", "--full-tree", commit)).split("\0"):
        facts, _, name = row.partition("\t")
        mode, _, one, size = facts.split() if name else ("", "", "", "")
        if mode.startswith("100") and size.isdigit() and int(size) <= _LARGEST:
            found[name] = one
    return found


def _on_disk(root: Path, path: str) -> bytes:
    place = root / path
    try:
        if place.is_symlink() or not place.is_file() or place.stat().st_size > _LARGEST:
            return b""
        return place.read_bytes()
    except OSError:
        return b""
