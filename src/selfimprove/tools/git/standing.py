"""Standing: which files a commit has, and which words stand somewhere in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from selfimprove.tools.git.objects import NO_FETCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selfimprove.tools.git.repo import Repo

_REGULAR = ("100644 ", "100755 ", "100664 ")
_AT_ONCE = 200  # words of one git process
_GREP = (
    *("-c", "core.fsmonitor=false", "grep", "--no-color", "--no-line-number", "--no-column", "--no-textconv"),
    *("--no-recurse-submodules", "-h", "-o", "-I", "-w", "-F"),
)


def regular_files(repo: Repo, commit: str) -> list[str]:
    """Return the paths of the files in ``commit``, without links and submodules."""
    rows = os.fsdecode(repo.git("ls-tree", "-r", "-z", "--full-tree", commit)).split("\0")
    return [row.partition("\t")[2] for row in rows if row.startswith(_REGULAR)]


def standing_words(repo: Repo, commit: str, words: Iterable[str], without: Sequence[str] = ()) -> set[str]:
    """Return those of ``words`` that stand as whole words in a text file of ``commit``, the files ``without`` aside."""
    wanted = sorted(word for word in set(words) if word and word.isprintable())
    aside = [f":(exclude,top,literal){path}" for path in without]
    found: set[str] = set()
    for begin in range(0, len(wanted), _AT_ONCE):
        some = wanted[begin : begin + _AT_ONCE]
        patterns = [part for word in some for part in ("-e", word)]
        _, out, _ = repo.ask(*_GREP, *patterns, commit, "--", ":(top)", *aside, env=NO_FETCH)
        found.update(out.decode("utf-8", "replace").split("\n"))
    return found & set(wanted)
