"""Recent: the latest commits in a few lines each: what was said and the beginning of what was changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from selfimprove.tools.git.objects import NO_FETCH
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selfimprove.tools.git.repo import Repo

_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
_LISTED, _FILES, _LINES = 8, 3, 24  # of one commit: files that are named, files with a diff, lines of it
_LARGE = 200  # changed lines of a file over which its diff tells little


def recent(repo: Repo, commit: str, count: int, shows: Callable[[str], bool]) -> Iterator[str]:
    """Yield lines about the latest ``count`` commits up to ``commit``, without merges, the newest first.

    ``shows`` says of a path whether the diff of that file may be seen.
    """
    form = "--format=tformat:%x02%H%x00%as%x00%s%x00"
    command = ("log", "--no-merges", "--no-show-signature", f"--max-count={count}", form, "--numstat", "-z")
    _, out, _ = repo.ask(*command, *_PLAIN, commit, "--", env=NO_FETCH)
    for entry in os.fsdecode(out).split("\2")[1:]:
        name, day, subject, *rows = entry.split("\0")
        changed = [row.strip("\n").split("\t", 2) for row in rows if row.count("\t") == 2]
        yield f"commit {name[:10]} {day} {subject}"
        for added, removed, path in changed[:_LISTED]:
            yield f"  +{added} -{removed} {path}"
        small = [path for added, removed, path in changed if _is_small(added, removed) and shows(path)]
        if small[:_FILES]:
            yield from _diff(repo, name, small[:_FILES])


def _is_small(added: str, removed: str) -> bool:
    return added.isdigit() and removed.isdigit() and 0 < int(added) + int(removed) <= _LARGE


def _diff(repo: Repo, commit: str, paths: list[str]) -> Iterator[str]:
    named = [f":(literal,top){path}" for path in paths]
    _, out, _ = repo.ask("show", "--format=", "-U1", *_PLAIN, commit, "--", *named, env=NO_FETCH)
    text = out.decode("utf-8", "replace")
    if "PRIVATE KEY-----" in text:  # it may be gone by now, and is still one
        return
    lines = mask(text).split("\n")  # before it is cut: half a key has no shape
    kept = [line for line in lines if line.startswith(("+", "-", "@@")) and not line.startswith("--- ")]
    yield from (f"  {line[:200]}" for line in kept[:_LINES])
    if len(kept) > _LINES:
        yield "  (...)"
