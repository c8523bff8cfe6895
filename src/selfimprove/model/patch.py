"""Patch: the edits that one reply asks for, before they touch a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one file. ``path`` is POSIX and relative to the repository root.

    With ``search`` the text ``search`` is replaced by ``replace``, once. Without (``None``) the whole file
    becomes ``replace``, new or not. ``replace`` ``None`` deletes the file.
    """

    path: str
    search: str | None
    replace: str | None


@dataclass(frozen=True, slots=True)
class Patch:
    """All edits of one reply, in its order. They land together or not at all.

    ``subject`` is the commit's first line that the reply proposes, ``""`` when it proposes none.
    """

    edits: tuple[Edit, ...]
    subject: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that the patch names, each once, in order."""
        return tuple(dict.fromkeys(edit.path for edit in self.edits))
