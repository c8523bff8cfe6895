"""The reply while it is read: its lines, a place in them, open fences, the file last named, the edits found."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.patching.fences import Fence, pair
from selfimprove.executor.patching.marks import opening
from selfimprove.executor.patching.naming import Named, label, path_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selfimprove.model.patch import Edit

_SIGNAL = re.compile(
    r"\s*(?:\*{3} (?:Begin Patch|Update File|Add File|Delete File)|<(?:search|old_str|find)>)"
)
CUT = "the reply was cut off"
FORM = 3  # written in a form that only edits have
NAMED_FENCE = 2  # a fenced block under a line that only names a file
GUESS = 1  # a fenced block under a sentence that names a file, or under nothing


class Offer(NamedTuple):
    """An edit that was found, and how sure it is that it is meant as one."""

    edit: Edit
    weight: int


class Script:
    """The lines of a reply with a place in them; readers take from it and add the edits that they find."""

    def __init__(self, lines: Sequence[str], known: frozenset[str] = frozenset(), first: int = 1) -> None:
        self.lines = lines
        self.known = known
        self.next = 0
        self.fences = pair(lines)
        self.open: list[Fence] = []
        self.path = ""
        self.weight = 0
        self.offers: list[Offer] = []
        self.subject = ""
        self._first = first
        self.fresh = False
        self.ended = self.named_at = -1
        self.no_json = self.failed = 0
        self.signals = [index for index, line in enumerate(lines) if self.is_signal(line)]
        self.depth = 0
        self.cut_tags: list[int] = []
        self._end_tags: dict[str, int] = {}
        self.reader: Callable[[Script], None] | None = None

    @property
    def line(self) -> str | None:
        """The line at the present place, ``None`` at the end."""
        return self.lines[self.next] if self.next < len(self.lines) else None

    def pair_from(self, index: int) -> None:
        """Find out anew which fences belong together, from the line at ``index`` on."""
        rest = pair(self.lines[index:])
        moved = (
            one._replace(start=one.start + index, end=one.end + index if one.end >= 0 else -1)
            for one in rest.values()
        )
        before = {start: one for start, one in self.fences.items() if start < index}
        self.fences = before | {one.start: one for one in moved}

    def at(self, index: int) -> int:
        """Return the number of a line in the reply, from 1."""
        return index + self._first

    @cached_property
    def text(self) -> str:
        """All lines as one text."""
        return "\n".join(self.lines)

    @cached_property
    def _offsets(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.lines), initial=0))

    def offset(self, index: int) -> int:
        """Return where in ``text`` a line begins; for the line after the last, where the text ends."""
        return min(self._offsets[index], len(self.text))

    def line_of(self, offset: int) -> int:
        """Return the index of the line in which a place of ``text`` is."""
        return bisect_right(self._offsets, offset) - 1

    def fence_end(self) -> int:
        """Return the index of the line that closes the innermost open fence; the number of lines when none is open."""
        ends = [one.end for one in self.open if one.end >= self.next]
        return min(ends, default=len(self.lines))

    @property
    def closed_off(self) -> bool:
        """True inside of a fence that is closed further down: what ends there was not cut off."""
        return bool(self.open) and self.open[-1].end >= 0

    def enter(self, fence: Fence) -> None:
        """Go on with the first line inside of ``fence``; its info string may name a file."""
        self.open.append(fence)
        self.next = fence.start + 1
        end = fence.end if fence.end >= 0 else len(self.lines)
        inner = self.lines[self.next : end]
        if fence.indent and all(line.startswith(fence.indent) or not line.strip() for line in inner):
            bare = [line.removeprefix(fence.indent) for line in inner]
            self.lines = [*self.lines[: self.next], *bare, *self.lines[end:]]
        if path := info_path(fence.info, self.known):
            self.name(Named(path, NAMED_FENCE))

    def leave(self) -> bool:
        """Step over the present line when it closes an open fence; say whether it did."""
        for depth, one in enumerate(self.open):
            if one.end == self.next:
                del self.open[depth:]
                self.next += 1
                return True
        return False

    def name(self, found: Named) -> None:
        """Remember the file that a line names. A sentence does not take the place of a name not used yet."""
        if found.weight > GUESS or not self.fresh or self.weight <= GUESS:
            self.path, self.weight, self.fresh = found.path, found.weight, True

    def add(self, edit: Edit, weight: int = FORM) -> None:
        """Keep an edit that was found; the file's name is used by that."""
        self.offers.append(Offer(edit, weight))
        self.fresh = False

    def last_end_tag(self, name: str) -> int:
        """Return the index of the last line that has the end tag ``name``, -1 when none has it."""
        if name not in self._end_tags:
            found = [index for index, line in enumerate(self.lines) if f"</{name}>".lower() in line.lower()]
            self._end_tags[name] = found[-1] if found else -1
        return self._end_tags[name]

    def inner(self, text: str) -> list[Edit]:
        """Return the edits of a text that stands inside of another form (a patch in a JSON string)."""
        script = Script(text.replace("\r\n", "\n").split("\n"), self.known)
        if self.reader is not None and self.depth < 2:
            script.reader, script.depth = self.reader, self.depth + 1
            self.reader(script)
        return [offer.edit for offer in script.offers if offer.weight == FORM]

    @staticmethod
    def is_signal(line: str) -> bool:
        """True for a line that only stands in an edit: the first of a block, of a patch, of a search tag."""
        return bool(opening(line)) or bool(_SIGNAL.match(line))

    def spoil(self, reason: str, index: int) -> None:
        """Mark the last edit as one that cannot be trusted, unless it is already."""
        if self.offers and not self.offers[-1].edit.broken:
            edit, weight = self.offers[-1]
            self.offers[-1] = Offer(
                replace(edit, broken=f"{reason} (line {self.at(index)} of the reply)"), weight
            )


def info_path(info: str, known: frozenset[str]) -> str:
    """Return the file that a fence's info string names: ``python:src/x.py``, ``src/x.py``, ``title="src/x.py"``."""
    info = info.strip()
    if not info or len(info) > 400:
        return ""
    for part in (info, info.partition(":")[2], *_assigned(info), *info.split()):
        piece = part.strip().strip("{}[]()").strip("\"'")
        if piece and (piece in known or "." in piece or "/" in piece) and (path := path_in(piece, known)):
            return path
    return ""


def _assigned(info: str) -> list[str]:
    """Return the values of ``key=value`` pairs."""
    return [part.partition("=")[2].strip("\"',}") for part in info.split() if "=" in part]


def top_label(lines: Sequence[str], known: frozenset[str]) -> str:
    """Return the file that the first line of a fenced block names as a comment, ``""`` when it does not."""
    return label(lines[0], known) if lines else ""
