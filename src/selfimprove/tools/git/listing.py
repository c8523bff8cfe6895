"""Listing: every file of a working tree, and the blob id of those that are as the index has them."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.tools.git.repo import Repo

_QUIET = ("-c", "core.fsmonitor=false")
# With one of these attributes, whatever its value, the bytes of a file in the tree are not those of its blob.
# ``!`` is "unspecified". `-filter`, as exceptions from LFS have it, does nothing either; a rarer mix of unset
# attributes only makes us read the file. Without a pathspec that is not an exclusion git takes all files.
_HARMLESS = (
    ":(exclude,attr:!filter !working-tree-encoding !ident)",
    ":(exclude,attr:-filter !working-tree-encoding !ident)",
)
# Attributes of the whole machine count, also where the environment has them passed over.
_ENV = {"GIT_ATTR_NOSYSTEM": "0"}


class Listing(NamedTuple):
    """``names`` are tracked files and untracked ones that are not ignored, relative to the root, sorted.

    ``tracked`` are those of them that the index has.
    ``blobs`` has the blob id (hex) of every regular file whose bytes git knows to be those of the index, line
    ends aside. Files that attributes change on their way into the tree (filter, working-tree-encoding, ident;
    from .gitattributes, info/attributes, the person's or the machine's file) have none.
    ``sparse`` are the tracked files that a sparse checkout leaves out of the tree.
    """

    names: tuple[str, ...] = ()
    tracked: frozenset[str] = frozenset()
    blobs: Mapping[str, str] = MappingProxyType({})
    sparse: frozenset[str] = frozenset()


def list_files(repo: Repo) -> Listing:
    """Ask git, without a refresh of the index and without the person's file system monitor."""
    out = repo.git(
        *(*_QUIET, "ls-files", "-z", "-s", "-v"),
        *("--cached", "--modified", "--others", "--exclude-standard"),
    )
    tracked: set[str] = set()
    untracked: set[str] = set()
    blobs: dict[str, str] = {}
    sparse: set[str] = set()
    changed: set[str] = set()
    for row in os.fsdecode(out).split("\0")[:-1]:
        tag, rest = row[0], row[2:]
        if tag == "?":
            untracked.add(rest)
            continue
        facts, _, name = rest.partition("\t")
        tracked.add(name)
        if tag == "S":
            sparse.add(name)
        elif tag == "H" and facts.startswith("100") and facts.endswith(" 0"):
            blobs[name] = facts[7:-2]
        else:  # changed, unmerged, assumed unchanged, a link, a submodule
            changed.add(name)
    if blobs:
        filtered = repo.git(*_QUIET, "ls-files", "-z", "--", *_HARMLESS, env=_ENV)
        changed.update(os.fsdecode(filtered).split("\0"))
    for name in changed:
        blobs.pop(name, None)
    names = sorted(name for name in tracked | untracked if not name.endswith("/"))
    return Listing(tuple(names), frozenset(tracked), blobs, frozenset(sparse))
