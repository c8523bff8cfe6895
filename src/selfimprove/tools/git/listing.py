"""Listing: every file of a working tree, and the blob id of those that are as the index has them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfimprove.tools.git.repo import Repo

_QUIET = ("-c", "core.fsmonitor=false")
# What these attributes do to a file makes its bytes in the tree differ from those of its blob.
_CHANGING = (":(attr:filter)", ":(attr:working-tree-encoding)", ":(attr:ident)")


@dataclass(frozen=True, slots=True)
class Listing:
    """``names`` are tracked files and untracked ones that are not ignored, relative to the root, sorted.

    ``blobs`` has the blob id (hex) of every regular file whose content git knows to be that of the index.
    ``sparse`` are the tracked files that a sparse checkout leaves out of the tree.
    """

    names: tuple[str, ...] = ()
    blobs: dict[str, str] = field(default_factory=dict)
    sparse: frozenset[str] = frozenset()


def list_files(repo: Repo) -> Listing:
    """Ask git, without a refresh of the index and without the person's file system monitor."""
    out = repo.git(
        *(*_QUIET, "ls-files", "-z", "-s", "-v"),
        *("--cached", "--modified", "--others", "--exclude-standard"),
    )
    names: set[str] = set()
    blobs: dict[str, str] = {}
    sparse: set[str] = set()
    changed: set[str] = set()
    for row in os.fsdecode(out).split("\0")[:-1]:
        tag, rest = row[0], row[2:]
        if tag == "?":
            names.add(rest)
            continue
        facts, _, name = rest.partition("\t")
        names.add(name)
        if tag == "S":
            sparse.add(name)
        elif tag == "H" and facts.startswith("100") and facts.endswith(" 0"):
            blobs[name] = facts[7:-2]
        else:  # changed, unmerged, assumed unchanged, a link, a submodule
            changed.add(name)
    if any(name.rpartition("/")[2] == ".gitattributes" for name in names) or _has_own_attributes(repo):
        changed.update(os.fsdecode(repo.git(*_QUIET, "ls-files", "-z", "--", *_CHANGING)).split("\0"))
    for name in changed:
        blobs.pop(name, None)
    return Listing(tuple(sorted(name for name in names if not name.endswith("/"))), blobs, frozenset(sparse))


def _has_own_attributes(repo: Repo) -> bool:
    return (repo.common_dir / "info" / "attributes").exists()
