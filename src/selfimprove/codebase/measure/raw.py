"""Raw: radon's line counts by one regular expression over the text, where that is sure to be equal."""

from __future__ import annotations

import re
import sys

from selfimprove.codebase.measure.record import Raw

# Since 3.12 the tokens of an f-string, colons too, stand for themselves, and it may hold its own quotes.
_OPEN_FSTRINGS = sys.version_info >= (3, 12)

_TRIPLE = r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+"""' "|" r"'''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+'''"
_SINGLE = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"' "|" r"'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'"
_STRING = f"(?:{_TRIPLE}|{_SINGLE})"
_CODE = r"""[^#"'()\[\]{}:;\\\n\0]++"""


def _fstring(field: str) -> str:
    """Return a pattern of f-strings without nested quotes of their own kind, in which braces are ``field``."""
    inside = r"\{\{|\}\}|\\[^{}N]|" + field
    kinds = (
        r'"""(?:[^"\\{}]++|"(?!"")|INSIDE)*+"""',
        r"'''(?:[^'\\{}]++|'(?!'')|INSIDE)*+'''",
        r'"(?!"")(?:[^"\\\n{}]++|INSIDE)*+"',
        r"'(?!'')(?:[^'\\\n{}]++|INSIDE)*+'",
    )
    return "(?:" + "|".join(kinds).replace("INSIDE", inside) + ")"


if _OPEN_FSTRINGS:
    # behind the prefix of such a string, which is no end of a keyword: if"..." is an ordinary one
    _F = r"(?:(?<=\W[fFtT])|(?<=\W[fFtT][rR])|(?<=\W[rR][fFtT]))"
    _EXPRESSION = r"""(?:[^"'{}:\\\n#]++|"[^"'{}\\\n]*+"|'[^"'{}\\\n]*+')*+"""
    _FIELD = rf"\{{{_EXPRESSION}\}}"
    _COLON_FIELD = rf"""\{{{_EXPRESSION}(?::(?!=)(?:[^"'{{}}\\\n#]++|{_FIELD})*+)?\}}"""
    _SKIPPED_STRING = f"(?:{_F}{_fstring(_FIELD)}|(?!{_F}){_STRING})"
    _OTHER_EVENT = f"{_F}{_fstring(_COLON_FIELD)}|."
    _PREFIX = "[rRbBuU]{0,2}"
else:
    _SKIPPED_STRING, _OTHER_EVENT, _PREFIX = _STRING, ".", "[rRbBuUfF]{0,2}"

_INNER = rf"[(\[{{](?:{_CODE}|{_SKIPPED_STRING})*+[)\]}}]"
_BRACKETS = rf"[(\[{{](?:{_CODE}|{_SKIPPED_STRING}|{_INNER})*+[)\]}}]"
# What needs no look: code, strings, short brackets, a walrus, a backslash before more code, an empty line.
_SKIPPED = rf"(?:{_CODE}|{_SKIPPED_STRING}|{_BRACKETS}|:=|\\\n[ \t]*+(?=[^\s#\\])|\n(?=[ \t]*+(?:\n|\Z)))*+"
_EVENT = "|".join(
    (
        # a line; a line that is a comment, a string or (not sure to be equal) begins with a backslash
        rf"\n(?:[ \t]*+(?:#[^\n]*+|{_PREFIX}{_STRING}[ \t]*+(?=\n)|\\))?+",
        r":(?:[ \t]*+#[^\n]*+|[ \t]++(?=\n))?+",  # longer than one character: the end of the line
        r"#[^\n]*+",
        r"[()\[\]{};\0]|\Z",
        _OTHER_EVENT,
    )
)
_SCAN = re.compile(f"{_SKIPPED}({_EVENT})", re.DOTALL)
_STEPS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}

_LEXEMES = re.compile(rf"{_STRING}|#[^\n]*+", re.DOTALL)
_NO_NAME = re.compile(r"[^\x00-\x7f\w]")
_FORM_FEEDS = re.compile(r"^[ \t\f]*\f", re.MULTILINE)


def scan(text: str, lines: list[str]) -> Raw | None:
    """Return radon's raw counts of a text that Python has parsed; None where they may not be equal.

    ``lines`` are those of ``text`` between its ``\\n``, without white space around them. One chunk of radon's
    is one logical line, comment line or empty line. It has one logical line of code, and one more if there
    is a colon, but not if the last colon is its end.
    """
    if "\f" in text:  # before any code it only ends a line, for radon
        text = _FORM_FEEDS.sub(lambda found: "\n" * found[0].count("\f"), text)
        lines = [*map(str.strip, text.split("\n"))]
    unfinished = text[-1:] not in ("\n", "")
    total = len(lines) - (not unfinished)
    if "\f" in text or len(text.splitlines()) != total:
        return None
    if not _OPEN_FSTRINGS and not text.isascii() and _has_strange_names(text):
        return None
    # A colon at the end of a line stands out as \0, which no source holds.
    events = _SCAN.findall(f"\n{text}\n".replace(":\n", "\0\n"))
    while events[-1:] == [""]:  # the end of the text
        events.pop()
    counted = _count(events)
    if counted is None:
        return None
    logical, comments, single, multi = counted
    blank = lines.count("") - (not unfinished)
    return Raw(total, logical, total - blank - single - multi, comments, multi, blank, single)


def _count(events: list[str]) -> tuple[int, int, int, int] | None:
    """Return logical lines, comments, lines that are one comment or string, lines of long strings."""
    logical = comments = single = multi = depth = colon = 0
    for event in events:
        if event == "\n":
            if not depth:
                logical += 1 + colon
                colon = 0
        elif event in _STEPS:
            depth += _STEPS[event]
        elif event[0] in ":\0":
            colon = 1 if event == ":" or depth else 0
            comments += "#" in event
        elif event[0] == "#":
            comments += 1
        elif len(event) == 1 or event.strip() == "\\":
            return None
        elif event[0] == "\n":
            own = _whole_line(event)
            comments += not own[0]
            if not depth:
                logical, single, multi = logical + own[0] + colon, single + own[1], multi + own[2]
                colon = 0
        else:  # a string with a colon among its tokens
            colon = 1
    return logical + colon, comments, single, multi


def _whole_line(event: str) -> tuple[int, int, int]:
    """Return logical lines, one if it is short, and lines if it is long, of one comment or string."""
    if event.lstrip()[0] == "#":
        return 0, 1, 0
    rows = event.split("\n")[1:]
    return (1, 1, 0) if len(rows) == 1 else (1, 0, sum(1 for row in rows if row.strip()))


def _has_strange_names(text: str) -> bool:
    """Return whether a name has a character that tokenize, in pure Python, takes for an error."""
    return bool(_NO_NAME.search(text)) and bool(_NO_NAME.search(_LEXEMES.sub("", text)))
