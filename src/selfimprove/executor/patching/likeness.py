"""Forms under which two lines count as the same, and how like two lines are that are not."""

from __future__ import annotations

import difflib
import html
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

FAMILIES: dict[str, dict[str, str]] = {
    "quotes": dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"')
    | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
    "dashes": dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-") | dict.fromkeys("\u2014\u2015", "--"),
    "ellipsis": {"\u2026": "..."},
    "spaces": dict.fromkeys(map(chr, (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)), " ")
    | dict.fromkeys("\u200b\u2060\ufeff", ""),
    "full width": {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
}
"""What word processors and chat windows write, by kind, and the plain characters that it stands for."""

TYPOGRAPHIC = frozenset(char for family in FAMILIES.values() for char in family)
_PLAIN = str.maketrans({char: plain for family in FAMILIES.values() for char, plain in family.items()})
_DASHES = re.compile(r"(?<!-)-{2,3}(?!-)")  # a longer row is an underline, and its length counts
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")
_WORDS = re.compile(r"\w+")
_LOOSE = str.maketrans("'`\t", '"" ')


def unescape(line: str) -> str:
    """Return the line with HTML's entities (``&lt;``) as the characters that they stand for, once."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), line)


def fold(line: str) -> str:
    """Return the line in plain punctuation, without trailing blanks; two dashes count as one."""
    plain = line if line.isascii() else line.translate(_PLAIN)
    return (_DASHES.sub("-", plain) if "--" in plain else plain).rstrip()


def squeeze(line: str) -> str:
    """Return the line in plain punctuation with one kind of quotes, and one blank wherever there are some."""
    return " ".join(fold(line).translate(_LOOSE).split())


def indent_of(line: str) -> str:
    """Return the blanks at the start of a line."""
    return line[: len(line) - len(line.lstrip())]


def words(line: str) -> list[str]:
    """Return the words of a line, at least three characters long."""
    return [word for word in _WORDS.findall(line) if len(word) > 2]


class Form(NamedTuple):
    """A normal form of lines: two lines are the same when ``reply`` of one equals ``file`` of the other.

    ``key`` names the file's side of it; ``indented`` says that indentation is part of the form.
    """

    how: str
    key: str
    reply: Callable[[str], str]
    file: Callable[[str], str]
    indented: bool = True


def _same(line: str) -> str:
    return line


def _html(line: str) -> str:
    return unescape(line).rstrip()


def _html_fold(line: str) -> str:
    return fold(unescape(line))


def _bare(line: str) -> str:
    return line.strip()


def _bare_html(line: str) -> str:
    return unescape(line).strip()


def _bare_fold(line: str) -> str:
    return fold(line).strip()


def _bare_html_fold(line: str) -> str:
    return fold(unescape(line)).strip()


def _squeeze_html(line: str) -> str:
    return squeeze(unescape(line))


FORMS: tuple[Form, ...] = (
    Form("exact", "same", _same, _same),
    Form("trailing space", "right", str.rstrip, str.rstrip),
    Form("HTML escapes", "right", _html, str.rstrip),
    Form("punctuation", "fold", fold, fold),
    Form("HTML escapes, punctuation", "fold", _html_fold, fold),
    Form("indentation", "bare", _bare, _bare, indented=False),
    Form("indentation, HTML escapes", "bare", _bare_html, _bare, indented=False),
    Form("indentation, punctuation", "bare fold", _bare_fold, _bare_fold, indented=False),
    Form("indentation, HTML escapes, punctuation", "bare fold", _bare_html_fold, _bare_fold, indented=False),
    Form("spacing", "squeeze", squeeze, squeeze, indented=False),
    Form("spacing, HTML escapes", "squeeze", _squeeze_html, squeeze, indented=False),
)
"""From exact to tolerant."""


class Likeness:
    """How like two lines are, from 0 to 1; remembers what it has worked out and stops at ``budget`` comparisons.

    The measure is difflib's ratio (twice the matching characters by all characters), of squeezed lines.
    """

    def __init__(self, budget: int) -> None:
        self._known: dict[tuple[str, str], float] = {}
        self._counts: dict[str, Counter[str]] = {}
        self.budget = budget

    def of(self, one: str, other: str, floor: float = 0.6) -> float:
        """Return the likeness of two lines, 0 when it is below ``floor`` or the budget is spent."""
        if one == other:
            return 1.0
        longest = len(one) + len(other)
        if not longest or 2 * min(len(one), len(other)) < floor * longest:
            return 0.0
        found = self._known.get((one, other))
        if found is None:
            found = self._known[one, other] = self._worked_out(one, other, floor)
        return found if found >= floor else 0.0

    def _worked_out(self, one: str, other: str, floor: float) -> float:
        shared = (self._count(one) & self._count(other)).total()
        if 2 * shared < floor * (len(one) + len(other)) or self.budget <= 0:
            return 0.0
        self.budget -= 1 + (len(one) * len(other)) // 40_000
        return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()

    def _count(self, line: str) -> Counter[str]:
        if line not in self._counts:
            self._counts[line] = Counter(line)
        return self._counts[line]
