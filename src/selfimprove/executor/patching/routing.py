"""Routing: which file each edit of a reply is for: one that there is, one that it makes, or one that moves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.codebase.languages import language_of
from selfimprove.executor.patching.anywhere import Somewhere, find_place
from selfimprove.executor.patching.names import Found, find_file
from selfimprove.executor.patching.paths import unsafe
from selfimprove.model.patch import Action, Edit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SURE = ("exact", "spelling")  # how a name was found that no content can contradict

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")  # Class.method, as prose names code

_SLIPS = ("typo", "case")  # how a name was found that is no name of another file


def creates(edit: Edit) -> bool:
    """True for an edit that says that it makes a file."""
    if edit.action is Action.WHOLE:
        return bool(edit.marks) and not edit.marks.strip("+")
    hints = edit.old or edit.span or edit.anchors or edit.symbol or edit.line or edit.at_end
    return edit.action is Action.REPLACE and not hints


def _names_code(path: str, edit: Edit, names: Iterable[str]) -> bool:
    """True when ``path`` is no file's name but that of a definition, as in "change `Shape.size`:"."""
    last = path.rpartition(".")[2]
    if not _DOTTED.fullmatch(path) or language_of(path) or any(name.endswith(f".{last}") for name in names):
        return False
    defined = re.compile(rf"\b(?:def|class|func|function|fn)\s+{last}\b|^\s*(?:async\s+)?{last}\s*\(")
    return any(defined.search(line) for line in edit.new)


class Router:
    """Finds the file of each edit; ``moves`` are the files that are renamed, old name to new."""

    def __init__(self, edits: Sequence[Edit], files: Mapping[str, bytes]) -> None:
        self.files = files
        self.made = {edit.path for edit in edits if creates(edit)} - {""}
        self.moves: dict[str, str] = {}

    def route(self, edit: Edit) -> Somewhere:
        """Return the path of the file that an edit is for, or why it is refused."""
        names = self.files.keys() | set(self.moves.values()) | (set() if creates(edit) else self.made)
        found = find_file(edit.path, names, new=creates(edit)) if edit.path else Found("", "")
        if edit.path and edit.action is Action.WHOLE and found.how not in (*_SURE, "new"):
            return self._whole(edit, found)
        if found.path and found.how != "new":
            return self._there(edit, found)
        if not edit.path or found.candidates:
            place = find_place(edit, self.files, found.candidates)
            return place._replace(how=f"file by {place.how}") if place.path else place
        if creates(edit):
            return self._new(edit, found.path)
        if problem := unsafe(edit.path.strip()):
            return Somewhere(reason=f"{edit.path!r} {problem}")
        return Somewhere(reason=f"{edit.path} does not exist; name the file by its path from the top folder")

    def _there(self, edit: Edit, found: Found) -> Somewhere:
        """Return a file that there is, unless it cannot be written or moved."""
        problem = unsafe(found.path)
        if problem:
            return Somewhere(reason=f"{found.path!r} {problem}")
        if edit.action is Action.RENAME and (problem := self._move(found.path, edit.to)):
            return Somewhere(reason=problem)
        return Somewhere(found.path, "" if found.how == "exact" else f"file by {found.how}")

    def _whole(self, edit: Edit, found: Found) -> Somewhere:
        """Return the file that a whole file is for: one of a near name and content, else new."""
        near = found.candidates or ((found.path,) if found.path else ())
        place = find_place(edit, self.files, near) if near else Somewhere()
        if place.path and not unsafe(place.path):
            return place._replace(how=f"file by {found.how or place.how}")
        if found.path and found.how in _SLIPS:
            return Somewhere(
                reason=f"{edit.path} does not exist, and {found.path} is quite different", candidates=near
            )
        return place if place.candidates and "fits" in place.reason else self._new(edit, "")

    def _new(self, edit: Edit, path: str) -> Somewhere:
        """Return the path of a file that is to be made."""
        path = path or find_file(edit.path, (), new=True).path or edit.path.strip()
        if problem := unsafe(path) or unsafe(edit.path.strip().replace("\\", "/")):
            return Somewhere(reason=f"{edit.path!r} {problem}")
        names = self.files.keys() | self.made
        if _names_code(path, edit, names):
            return Somewhere(reason=f"{path} reads like the name of code and not of a file; name the file")
        parents = {path.rsplit("/", count)[0] for count in range(1, path.count("/") + 1)}
        inside = next((name for name in names if name.startswith(f"{path}/")), "")
        if blocked := next((one for one in parents if one in names), path if inside else ""):
            return Somewhere(reason=f"{blocked} cannot be a file and the folder of {inside or path}")
        return Somewhere(path, "new file")

    def _move(self, path: str, to: str) -> str:
        """Note that a file moves; return why it cannot."""
        if problem := unsafe(to):
            return f"{to!r} {problem}"
        if to in self.files and to != path:
            return f"{path} cannot be renamed: {to} exists already"
        if self.moves.get(path, to) != to or to in self.moves.values():
            return f"the reply renames {path} twice"
        self.moves[path] = to
        return ""
