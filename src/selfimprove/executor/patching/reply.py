"""Reads a reply into a Patch: search/replace blocks and whole files, with prose around them."""

from __future__ import annotations

import re

from selfimprove.errors import PatchError
from selfimprove.model.patch import Edit, Patch

MAX_REPLY = 2_000_000
_SEARCH = re.compile(r"<{5,9} ?SEARCH\s*$")
_DIVIDE = re.compile(r"={5,9}\s*$")
_REPLACE = re.compile(r">{5,9} ?REPLACE\s*$")
_FENCE = re.compile(r"(`{3,}|~{3,})[\w+.-]*\s*$")
_FILE = re.compile(r"FILE:\s*(?P<path>\S.*?)\s*$")
_SUBJECT = re.compile(r"(?:COMMIT|SUBJECT):\s*(?P<subject>\S.*?)\s*$")
FORMAT_HINT = "answer with SEARCH/REPLACE blocks, each under the line that names its file"


def parse_reply(text: str) -> Patch:
    """Return the patch that a reply describes.

    A block is a line with the file's path, then ``<<<<<<< SEARCH``, the lines to find, ``=======``, the
    lines to put there, ``>>>>>>> REPLACE``. Nothing to find means a new file. ``FILE: path`` followed by a
    fenced block gives a whole file. Fences around blocks and prose between them are passed over.
    Raises PatchError, worded for the author of the reply, when there is no edit or a block has no end.
    """
    if len(text) > MAX_REPLY:
        raise PatchError(
            f"the reply has {len(text):,} characters; at most {MAX_REPLY:,} are read", hint=FORMAT_HINT
        )
    reader = _Reader(text.replace("\r\n", "\n").split("\n"))
    edits: list[Edit] = []
    subject = ""
    while (line := reader.take()) is not None:
        if _SEARCH.match(line):
            edits.append(_search_block(reader))
        elif found := _FILE.match(line):
            edits.append(_whole_file(reader, _clean(found["path"])))
        elif (found := _SUBJECT.match(line)) and not subject:
            subject = found["subject"][:200]
    if not edits:
        raise PatchError("the reply holds no edit", hint=FORMAT_HINT)
    return Patch(tuple(edits), subject)


class _Reader:
    """The reply's lines with a place in them; remembers the last line that may name a file."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._next = 0
        self.path = ""

    def take(self) -> str | None:
        """Return the next line and go on, ``None`` at the end."""
        if self._next >= len(self._lines):
            return None
        line = self._lines[self._next]
        self._next += 1
        if _names_a_file(line):
            self.path = _clean(line)
        return line

    def until(self, end: re.Pattern[str], what: str) -> list[str]:
        """Return the raw lines before one that matches ``end``; PatchError when none does."""
        start = self._next
        for index in range(start, len(self._lines)):
            if end.match(self._lines[index]):
                self._next = index + 1
                return self._lines[start:index]
        raise PatchError(
            f"the block that starts in line {start} of the reply has no {what}: it was cut off",
            hint="send the whole reply again, shorter",
        )


def _search_block(reader: _Reader) -> Edit:
    path = reader.path
    if not path:
        raise PatchError(
            "a SEARCH block does not say which file it is for",
            hint="put the file's path on a line of its own above the block",
        )
    search = reader.until(_DIVIDE, "=======")
    replace = reader.until(_REPLACE, ">>>>>>> REPLACE")
    return Edit(path, _text(search) if search else None, _text(replace))


def _whole_file(reader: _Reader, path: str) -> Edit:
    opening = reader.take()
    while opening is not None and not opening.strip():
        opening = reader.take()
    fence = _FENCE.match(opening or "")
    if not fence:
        raise PatchError(
            f"FILE: {path} is not followed by a fenced block", hint="open it with ``` and close it with ```"
        )
    return Edit(path, None, _text(reader.until(re.compile(re.escape(fence[1]) + r"\s*$"), "closing fence")))


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _names_a_file(line: str) -> bool:
    """True for a line that is nothing but a path: one word with a dot or a slash, quoted or not."""
    word = _clean(line)
    return (
        bool(word)
        and " " not in word
        and not _FENCE.match(line)
        and bool(re.search(r"[./]", word))
        and len(word) < 400
    )


def _clean(line: str) -> str:
    return line.strip().strip("`*\"'").removesuffix(":").strip("`*\"'").removeprefix("./").strip()
