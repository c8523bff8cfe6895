"""Lines of a reply that stand for lines left out (``...``, ``# ... existing code ...``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAD = r"(?:\#+|//+|/\*+|<!--|--|;+|%+|\{\#|\{/\*|\"\"\"|\*)"
_DOTS = r"(?:\.{3,}|\u2026+)"
_TAIL = r"(?:\*/|-->|\#\}|\*/\}|\"\"\")"
_SAYS = (
    r"(?:rest\ of|remaining|remainder|existing|unchanged|omitted|same\ as|as\ before|snip|previous|other|code"
    r"|no\ changes?|continues|keep|left\ out|skipped|truncated|stays)"
)
_BARE = re.compile(rf"\s*{_DOTS}\s*$")
_COMMENT = re.compile(
    rf"\s*{_LEAD}?\s*(?P<open>[\[(<])?{_DOTS}\s*(?:[^.]{{0,60}}\b{_SAYS}\b[^.]{{0,60}})?\s*{_DOTS}?(?(open)[\])>])\s*{_TAIL}?\s*$",
    re.IGNORECASE,
)
_WORDS_ONLY = re.compile(
    rf"\s*{_LEAD}\s*[\[(<]?\s*(?:"
    r"(?:the\ )?(?:rest|remainder)\ of\ (?:the\ |this\ |your\ )?[\w ]{2,40}"
    r"|(?:the\ )?(?:existing|remaining|previous|other|unchanged)\ (?:code|lines|methods|functions|imports|content|body)"
    r"(?:\ [\w ]{0,40})?"
    rf"|[\w ]{{2,40}}\ (?:remains?|stays?|is|are)\ (?:unchanged|the\ same)[\w ]{{0,20}})"
    rf"\s*{_DOTS}?[\])>.]?\s*{_TAIL}?\s*$",
    re.IGNORECASE | re.VERBOSE,
)
_COMMENT = re.compile(_COMMENT.pattern, re.IGNORECASE | re.VERBOSE)


def is_elision(line: str) -> bool:
    """True for a line that stands for lines left out."""
    return len(line) < 140 and bool(_BARE.match(line) or _COMMENT.match(line) or _WORDS_ONLY.match(line))


def placeholder(old: Sequence[str], new: Sequence[str], *, bare: bool = True) -> str:
    """Return a line of ``new`` that would put a placeholder where code stood, ``""`` when there is none.

    Python's own ``...`` is none: the body of a stub, a line of a doctest. Without ``bare`` no line is one that
    is nothing but dots: an edit that takes nothing away leaves nothing out.
    """
    spare = [line.strip() for line in old]
    before = ""
    for line in new:
        text = line.strip()
        if text in spare:
            spare.remove(text)
        elif is_elision(line) and not (_BARE.match(line) and (not bare or _own(before))):
            return text
        before = text or before
    return ""


def _own(before: str) -> bool:
    """True when a bare ``...`` may follow this line as code of its own."""
    return before.endswith((":", '"""', "'''", ",", "(", "[", "{", "=")) or before.startswith(
        ("...", ">>>", "@")
    )


def parts(old: Sequence[str]) -> list[list[int]]:
    """Return the indexes of the lines between elisions, without blank edges; empty parts are left out."""
    found: list[list[int]] = [[]]
    for index, line in enumerate(old):
        if is_elision(line):
            found.append([])
        else:
            found[-1].append(index)
    return [part for part in (_trimmed(part, old) for part in found) if part]


def _trimmed(part: list[int], old: Sequence[str]) -> list[int]:
    while part and not old[part[0]].strip():
        part = part[1:]
    while part and not old[part[-1]].strip():
        part = part[:-1]
    return part
