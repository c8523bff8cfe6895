"""Shape: what a change did to which functions of which files, in words and without a line of the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.fence import spelled
from selfimprove.codebase.languages import language_of
from selfimprove.codebase.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from selfimprove.model.chunk import Chunk
    from selfimprove.tools.git.repo import Repo

FILES = 12
"""Files of a change that are looked into; of the others only the numbers of lines are known."""

CHANGES = 8
"""Changes of one file that are named."""

_LARGEST = 500_000  # bytes of a file that is cut into functions
_NAME = 60  # characters of a symbol
_PATH = 120


class FileShape(NamedTuple):
    """What a change did to one file: lines added and removed (-1: binary), and ``changes`` in a few words each."""

    path: str
    added: int
    removed: int
    changes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The file with its changes: ``shop/report.py (body of render changed)``."""
        return f"{self.path} ({', '.join(self.changes)})" if self.changes else self.path


def shape_between(repo: Repo, old: str, new: str, but: Collection[str] = ()) -> list[FileShape]:
    """Return what makes the tree or commit ``new`` of ``old``, file by file, without the files ``but``."""
    rows = [row for row in repo.numstat(old, new) if row[2] not in but]
    found = []
    for place, (added, removed, path) in enumerate(rows):
        changes: list[str] = []
        if place < FILES:
            changes = _changes(path, repo.blob(old, path), repo.blob(new, path))
        shown = tuple(changes[:CHANGES])
        if more := len(changes) - len(shown):
            shown = (*shown, f"and {more} more")
        found.append(FileShape(spelled(path)[:_PATH], added, removed, shown))
    return found


def kinds_of(paths: Iterable[str]) -> tuple[str, ...]:
    """Return what files are, each word once: ``tests``, or a language, or the ending of the name."""
    return tuple(dict.fromkeys(_kind(path) for path in paths))


def _kind(path: str) -> str:
    return "tests" if is_test(path) else language_of(path) or "other"


def _changes(path: str, before: bytes | None, after: bytes | None) -> list[str]:
    if before is None:
        return ["new file"]
    if after is None:
        return ["file removed"]
    if max(len(before), len(after)) > _LARGEST or b"\0" in before + after:
        return []
    try:
        old, old_imports = _parts(path, before)
        new, new_imports = _parts(path, after)
    except ImportError:  # without the parsers of the index nothing is known of functions
        return []
    said = _of_definitions(old, new)
    if old_imports != new_imports:
        said.insert(0, "imports changed")
    elif not said:
        said = ["code outside of functions changed" if old or new else "text changed"]
    return said


def _of_definitions(old: dict[str, tuple[str, str, str]], new: dict[str, tuple[str, str, str]]) -> list[str]:
    """Compare definitions: name -> (kind, signature, text)."""
    said = []
    for name, (kind, signature, text) in new.items():
        if name not in old:
            said.append(f"new {kind} {name}")
        elif old[name][1] != signature:
            said.append(f"signature of {name} changed")
        elif old[name][2] != text:
            said.append(f"body of {name} changed")
    return said + [f"{kind} {name} removed" for name, (kind, _, _) in old.items() if name not in new]


def _parts(path: str, content: bytes) -> tuple[dict[str, tuple[str, str, str]], Sequence[str]]:
    """Return the definitions of a file by their qualified names, and the modules that it imports."""
    from selfimprove.codebase.chunks import cut
    from selfimprove.codebase.lines import text_of

    cuts = cut(path, content)
    lines = text_of(content).split("\n")
    found: dict[str, tuple[str, str, str]] = {}
    for chunk in cuts.chunks:
        if chunk.qualified and chunk.kind in ("function", "method", "class"):
            name = spelled(chunk.qualified)[:_NAME]
            before = found.get(name, (chunk.kind, chunk.signature, ""))
            found[name] = (before[0], before[1], before[2] + _text(lines, chunk))
    return found, cuts.imports


def _text(lines: Sequence[str], chunk: Chunk) -> str:
    return "\n".join(lines[chunk.start - 1 : chunk.end])
