"""Undoes what chat windows and pipes did to a reply: escapes, marks of quotation, line ends."""

from __future__ import annotations

import re

_ESCAPED = re.compile(
    r"&(?:amp;)?lt;(?:/?(?:search|replace|edits?|file|old|new)\b|(?:&(?:amp;)?lt;){4})"
    r"|&(?:amp;)?gt;(?:&(?:amp;)?gt;){4}"
    r"|(?:&#(?:96|x60);){3}",
    re.IGNORECASE,
)
_ENTITIES = {
    "lt": "<",
    "gt": ">",
    "amp": "&",
    "quot": '"',
    "apos": "'",
    "nbsp": " ",
    "grave": "`",
    "#39": "'",
    "#x27": "'",
    "#34": '"',
    "#x22": '"',
    "#96": "`",
    "#x60": "`",
    "#61": "=",
    "#x3d": "=",
    "#60": "<",
    "#x3c": "<",
    "#62": ">",
    "#x3e": ">",
    "#38": "&",
    "#x26": "&",
    "#x2f": "/",
    "#47": "/",
}
_ENTITY = re.compile("&(" + "|".join(map(re.escape, _ENTITIES)) + ");", re.IGNORECASE)
_QUOTE = re.compile("&(?:quot|#39|#x27|#34);", re.IGNORECASE)
_TIMES = 2  # a text is escaped at most so often
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060"))
_SIGNAL = re.compile(
    r"[ \t]*(?:<{5,12}[ \u00a0]?\w|`{3,}|~{3,}|\*{3} (?:Begin|Update|Add|Delete) |diff --git |@@ |--- \S)"
)
_QUOTED = re.compile(r" {0,3}>(?: |$)")


def cleaned(text: str) -> list[str]:
    """Return the lines of a reply, as many as it has, without what its way here did to it.

    Line ends are gone whatever they were, and so are a byte order mark, HTML escapes when the marks of the edits
    are escaped too, and the ``> `` before a quoted answer when nothing outside of the quotation is an answer.
    Blanks, tabs and everything else inside the lines stay.
    """
    for _ in range(_TIMES):
        if not _ESCAPED.search(text) and not _all_escaped(text):
            break
        text = _ENTITY.sub(lambda found: _ENTITIES[found[1].lower()], text)
    text = text.removeprefix("\ufeff").replace("\r\r\n", "\n").replace("\r\n", "\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return _unquoted(text.split("\n"))


def _all_escaped(text: str) -> bool:
    """True when no character stands bare that HTML escapes, and a quotation mark is escaped: then all of it was."""
    if not _QUOTE.search(text) or any(bare in text for bare in '<>"'):
        return False
    return text.count("&") == len(_ENTITY.findall(text))


def plain(line: str) -> str:
    """Return a line as marks are looked for in it: odd blanks are blanks, invisible characters are gone."""
    return (
        line if line.isascii() else line.replace("\u00a0", " ").replace("\u202f", " ").translate(_INVISIBLE)
    )


def _unquoted(lines: list[str]) -> list[str]:
    """Return ``lines`` without ``> `` where whole runs of lines have it and only they hold edits."""
    if not any(_QUOTED.match(line) and _SIGNAL.match(line, _end(line)) for line in lines):
        return lines
    if any(_SIGNAL.match(line) for line in lines):
        return lines
    return [line[_end(line) :] if _QUOTED.match(line) else line for line in lines]


def _end(line: str) -> int:
    """Return where the text of a quoted line begins."""
    found = _QUOTED.match(line)
    return found.end() if found else 0
