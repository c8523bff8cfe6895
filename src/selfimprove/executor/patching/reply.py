"""Reads a reply into a Patch: search/replace blocks and whole files, with prose around them."""

from __future__ import annotations

import re

from selfimprove.errors import PatchError
from selfimprove.model.patch import Edit, Patch

MAX_REPLY = 2_000_000
MAX_FILES = 50
_SEARCH = re.compile(r"(?P<mark><{5,12}) ?SEARCH\s*$")
_FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})(?P<language>[\w+.-]*)\s*$")
_FILE = re.compile(r"FILE:\s*(?P<path>\S.*?)\s*$")
_SUBJECT = re.compile(r"(?:COMMIT|SUBJECT):\s*(?P<subject>\S.*?)\s*$")
FORMAT_HINT = "answer with SEARCH/REPLACE blocks, each under the line that names its file"


def parse_reply(text: str, known: frozenset[str] = frozenset()) -> Patch:
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
    reader = _Reader(text.replace("\r\n", "\n").split("\n"), known)
    edits: list[Edit] = []
    subject = ""
    while (line := reader.take()) is not None:
        if found := _SEARCH.match(line):
            edits.append(_search_block(reader, len(found["mark"])))
        elif found := _FILE.match(line):
            edits.append(_whole_file(reader, _clean(found["path"])))
        elif (found := _SUBJECT.match(line)) and not subject:
            subject = found["subject"][:200]
    if not edits:
        raise PatchError("the reply holds no edit", hint=FORMAT_HINT)
    patch = Patch(tuple(edits), subject)
    if len(patch.paths) > MAX_FILES:
        raise PatchError(
            f"the reply changes {len(patch.paths)} files; at most {MAX_FILES} are allowed in one",
            hint="do the part that matters most",
        )
    return patch


class _Reader:
    """The reply's lines with a place in them; remembers the last line that may name a file."""

    def __init__(self, lines: list[str], known: frozenset[str]) -> None:
        self._lines = lines
        self._known = known
        self._next = 0
        self.path = ""

    def take(self) -> str | None:
        """Return the next line and go on, ``None`` at the end."""
        if self._next >= len(self._lines):
            return None
        line = self._lines[self._next]
        self._next += 1
        for word in (line.strip(), _clean(line)):
            if word in self._known or _names_a_file(word):
                self.path = word if word in self._known else _clean(line)
                break
        return line

    def until(self, end: re.Pattern[str], what: str, never: re.Pattern[str] | None = None) -> list[str]:
        """Return the raw lines before one that matches ``end``.

        Raises PatchError when none does, or when a line that matches ``never`` comes first.
        """
        start = self._next
        for index in range(start, len(self._lines)):
            if end.match(self._lines[index]):
                self._next = index + 1
                return self._lines[start:index]
            if never and never.match(self._lines[index]):
                break
        raise _cut_off(start, what)

    def fenced(self, mark: str) -> list[str]:
        """Return the lines up to the fence that closes ``mark``; fences with a language inside are its own."""
        bare = re.compile(re.escape(mark) + r"\s*$")
        inner = re.compile(re.escape(mark) + r"[\w+.-]+\s*$")
        start, depth = self._next, 0
        for index in range(start, len(self._lines)):
            line = self._lines[index]
            depth += 1 if inner.match(line) else -1 if bare.match(line) else 0
            if depth < 0:
                self._next = index + 1
                return self._lines[start:index]
        raise _cut_off(start, "closing fence")


def _cut_off(start: int, what: str) -> PatchError:
    return PatchError(
        f"the block that starts in line {start} of the reply has no {what}: it was cut off",
        hint="send the whole reply again, shorter",
    )


def _search_block(reader: _Reader, width: int) -> Edit:
    path = reader.path
    if not path:
        raise PatchError(
            "a SEARCH block does not say which file it is for",
            hint="put the file's path on a line of its own above the block",
        )
    opening = re.compile(f"<{{{width}}} ?SEARCH\\s*$")
    lines = reader.until(re.compile(f">{{{width}}} ?REPLACE\\s*$"), f"{'>' * width} REPLACE", opening)
    at = _divider(lines, width)
    search, replace = lines[:at], lines[at + 1 :]
    return Edit(path, _text(search), _text(replace))


def _divider(lines: list[str], width: int) -> int:
    """Return where a block is divided. Raises PatchError when that is not one place."""
    exact = [index for index, line in enumerate(lines) if line.rstrip() == "=" * width]
    near = [index for index, line in enumerate(lines) if re.match(r"={5,12}\s*$", line)]
    places = exact or near
    if len(places) != 1:
        count = "no line" if not places else f"{len(places)} lines"
        raise PatchError(
            f"a block has {count} {'=' * width} between SEARCH and REPLACE",
            hint="write one; where the file itself has such a line, use marks of nine characters in that block",
        )
    return places[0]


def _whole_file(reader: _Reader, path: str) -> Edit:
    opening = reader.take()
    while opening is not None and not opening.strip():
        opening = reader.take()
    fence = _FENCE.match(opening or "")
    if not fence:
        raise PatchError(
            f"FILE: {path} is not followed by a fenced block", hint="open it with ``` and close it with ```"
        )
    return Edit(path, None, _text(reader.fenced(fence["mark"])))


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _names_a_file(word: str) -> bool:
    """True for a line that is nothing but a path: one word with a dot or a slash inside, quoted or not."""
    word = _clean(word)
    return (
        bool(word)
        and not re.search(r"\s", word)
        and not _FENCE.match(word)
        and bool(re.search(r"[./][^./]", word))
        and word[-1] not in ".,;:!?/"
        and len(word) < 400
    )


def _clean(line: str) -> str:
    return line.strip().strip("`*\"'").removesuffix(":").strip("`*\"'").removeprefix("./").strip()
