"""Anywhere: finds the file of an edit that names none, or one that could be several, by what the edit says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import PatchError
from selfimprove.executor.patching.coding import decoded
from selfimprove.executor.patching.definitions import nodes
from selfimprove.executor.patching.lining import bare
from selfimprove.executor.patching.splice import land
from selfimprove.model.patch import Action, Edit, Fate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FEW = 5  # candidates that are told
_ALIKE = 0.5  # share of a file's lines that a reply without its name must have to be that file
_LEAST = 3  # lines that it must share at least when its name says nothing
_MOST = 20  # files in which an edit is tried


class Somewhere(NamedTuple):
    """The file that was found and how, or the reason why none was, with the places it could be."""

    path: str = ""
    how: str = ""
    reason: str = ""
    candidates: tuple[str, ...] = ()


def find_place(edit: Edit, files: Mapping[str, bytes], among: Sequence[str] = ()) -> Somewhere:
    """Return the one file, of those named or of all, in which ``edit`` lands; never one of several."""
    names = list(among) or sorted(files)
    what = "which of these files it is for" if among else "which file it is for"
    if edit.action is Action.REPLACE and edit.old:
        fits = list(_landing(edit, files, names))
        exact = [one for one in fits if one.how == "exact"]
        fits = exact or fits
    elif edit.action in (Action.WHOLE, Action.DEFINITION):
        fits = list(_alike(edit, files, names)) or list(_defining(edit, files, names))
    else:
        fits = []
    if len(fits) == 1:
        return Somewhere(fits[0].path, "content")
    if fits:
        places = tuple(place for one in fits for place in one.candidates)[:_FEW]
        return Somewhere(
            "", "", f"the edit does not say {what}, and it fits {len(fits)}; put the path above it", places
        )
    return Somewhere(
        "", "", f"the edit does not say {what}; put the file's path on a line above it", tuple(among[:_FEW])
    )


def _bytes(path: str, files: Mapping[str, bytes]) -> bytes:
    """Return a file's content, nothing for one that cannot be read."""
    try:
        return files[path]
    except PatchError:
        return b""


def _text(path: str, files: Mapping[str, bytes]) -> str | None:
    try:
        return decoded(files[path], path).text
    except PatchError:
        return None


def _landing(edit: Edit, files: Mapping[str, bytes], names: Sequence[str]) -> Iterator[Somewhere]:
    """Yield the files in which the lines stand: of those that have all of them, else of those that have most."""
    for path in _likely(edit, files, names):
        if (text := _text(path, files)) is None:
            continue
        report = land([edit], text).reports[0]
        if report.status in (Fate.APPLIED, Fate.UNCHANGED):
            yield Somewhere(path, report.how, "", (f"{path}:{report.line}",))
        elif report.candidates:
            rows = (one.rpartition(":")[2] for one in report.candidates)
            yield Somewhere(path, "several", "", tuple(f"{path}:{row}" for row in rows))


def _likely(edit: Edit, files: Mapping[str, bytes], names: Sequence[str]) -> list[str]:
    """Return the files that have most of the edit's longer lines; any, if it has none and they are few."""
    wanted = {line.strip().encode("utf-8", "replace") for line in edit.old if len(line.strip()) > 3}
    counts = {
        path: sum(line in content for line in wanted) for path in names if (content := _bytes(path, files))
    }
    most = max(counts.values(), default=0)
    if not wanted or (not most and len(names) <= _FEW):
        return list(names)[:_MOST]
    if most == len(wanted):
        return [path for path, count in counts.items() if count == most]
    return [path for path, count in counts.items() if count and count * 2 >= most][:_MOST]


def _alike(edit: Edit, files: Mapping[str, bytes], names: Sequence[str]) -> Iterator[Somewhere]:
    """Yield the files that are mostly the lines that the reply gives."""
    least = 1 if len(names) == 1 else _LEAST
    given = {line.strip() for line in edit.new if len(line.strip()) > 3}
    for path in names:
        if (text := _text(path, files)) is None:
            continue
        have = {line.strip() for line in bare(text) if len(line.strip()) > 3}
        if have and len(given & have) >= max(least, _ALIKE * max(len(have), len(given))):
            yield Somewhere(path, "content", "", (f"{path}:1",))


def _defining(edit: Edit, files: Mapping[str, bytes], names: Sequence[str]) -> Iterator[Somewhere]:
    """Yield the files that define what the reply defines first, or all of it if several do."""
    for path in names:
        inner = nodes(path, "\n".join(edit.new)) if edit.new else None
        symbols = {one.symbol for one in inner or () if not one.owner}
        if not symbols or not any(name.encode() in _bytes(path, files) for name in symbols):
            continue
        text = _text(path, files)
        own = {one.symbol: one for one in (nodes(path, text) if text else None) or ()}
        if known := [own[name] for name in symbols if name in own]:
            yield Somewhere(path, "definition", "", (f"{path}:{known[0].head + 1}",))
