"""Patch: the edits that one reply asks for, and what became of each, without a byte of the files themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What an edit does to its file."""

    REPLACE = "replace"
    """Lines ``old`` become lines ``new`` (search/replace, one hunk of a diff, a JSON edit)."""
    WHOLE = "whole"
    """The whole file becomes ``new``; a file that does not exist is made."""
    DEFINITION = "definition"
    """The function or class ``symbol`` becomes ``new``."""
    DELETE = "delete"
    """The file goes."""
    RENAME = "rename"
    """The file moves to ``to``; edits of its content are edits of their own, under the new or the old name."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one file, in the words of the reply: nothing in it has been compared with a file yet.

    ``path`` is as the reply names it, ``""`` when it names none. ``old`` and ``new`` are lines without their
    ends. With ``marks``, one of space, ``-`` and ``+`` for each line of a diff's hunk in its order, the reply
    itself says which lines stay (a space: in ``old`` and in ``new``); without, nobody knows until they are compared.
    A line that is nothing but ``...`` (or a comment that says so) may stand for elided lines.

    Hints, each for choosing among places that match, never instead of matching: ``line`` (from 1; 0: none) where
    ``old`` begins, ``symbol`` and ``anchors`` (lines that stand above, outermost first: what follows
    ``@@``), ``at_end`` (the place is at the end of the file). ``span`` are the first and the last line that a reply
    addresses by number alone; an insertion before a line has the last one before the first. ``ends`` says whether
    the new last line of the file ends with a newline (``None``: not said).

    ``style`` is the style in which it was written, ``at`` the line of the reply where it begins (from 1), ``broken``
    why it cannot be trusted (cut off, contradicts itself): such an edit is refused. ``shown`` marks a block
    beside surer edits that may only show code: it is an edit if it is like a file, and says something else.
    """

    path: str
    action: Action
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    marks: str = ""
    line: int = 0
    symbol: str = ""
    anchors: tuple[str, ...] = ()
    at_end: bool = False
    span: tuple[int, int] | None = None
    ends: bool | None = None
    to: str = ""
    style: str = ""
    at: int = 0
    broken: str = ""
    shown: bool = False


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


class Fate(StrEnum):
    """What became of an edit."""

    APPLIED = "applied"
    REFUSED = "refused"
    HELD = "held"
    """It would have been applied, but another edit of the reply was refused."""
    UNCHANGED = "unchanged"
    """The file says so already."""


@dataclass(frozen=True, slots=True)
class EditReport:
    """What became of one edit.

    ``path`` is the file that it was taken to be for. ``how`` tells in a word or two by what its place was found
    (``exact``, ``indentation``, ...), ``line`` where that is (from 1, in the file as it was;
    0: not found). ``reason`` says why it was refused, in words that help its author; ``candidates`` are the places
    that it could have meant, each as ``path:line``.
    """

    path: str
    status: Fate
    how: str = ""
    line: int = 0
    reason: str = ""
    candidates: tuple[str, ...] = ()
    style: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What a reply makes of the files.

    ``files`` maps the path of each changed or new file to its new content, ``removed`` are those that go; both are
    empty unless ``ok``. ``edits`` has one report for each edit, in the reply's order. ``reason`` says why there is
    nothing to apply, when it is not one edit's fault. ``subject`` is the commit's first line that the reply proposes.
    """

    ok: bool
    files: dict[str, bytes] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    edits: tuple[EditReport, ...] = ()
    reason: str = ""
    subject: str = ""
