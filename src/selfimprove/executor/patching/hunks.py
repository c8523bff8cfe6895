"""The lines of a hunk: which stay, which go, which come, also when the blanks before the staying ones were lost."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COUNTED = re.compile(
    r"@@+[ \t]*-?(?P<old>\d+)(?:,(?P<olds>\d+))?"
    r"(?:[ \t]+\+(?P<new>\d+)(?:,(?P<news>\d+))?)?[ \t]*@@+(?P<rest>.*)$"
)
_CLOSED = re.compile(r"@@+(?P<inside>[^@]*)@@+(?P<rest>.*)$")
_NUMBERS = re.compile(r"[-+\d,.\s…?xXN]*(?:lines?\s*\d+)?[-+\d,.\s…]*$")
_SYMBOL = re.compile(
    r"\s*(?:export\s+|default\s+|public\s+|private\s+|protected\s+|static\s+|abstract\s+|pub(?:\([\w:]+\))?\s+|async\s+)*"
    r"(?:def|class|function\*?|fn|func|interface|struct|enum|trait|impl|module|type)\s+(?:\([^)]*\)\s*)?([A-Za-z_$][\w$]*)"
)
_RULE = re.compile(r"(?:-{3,}+|\+{3,}+)\s*$")
_ITEM = re.compile(r"-(?: | {3})[^\s*]")
NO_NEWLINE = re.compile(r"\\ ?No newline", re.IGNORECASE)


class Head(NamedTuple):
    """What a line with ``@@`` says; counts are -1 when it does not say them."""

    line: int = 0
    olds: int = -1
    news: int = -1
    hint: str = ""


@dataclass
class Hunk:
    """A hunk while it is read: the index where it begins, what its heads say, and its lines as they stand."""

    start: int
    head: Head = field(default_factory=Head)
    anchors: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    olds: int = 0
    news: int = 0
    at_end: bool = False

    def take(self, line: str) -> None:
        """Add a line, as it stands in the reply."""
        self.lines.append(line)
        if not NO_NEWLINE.match(line):
            self.olds += not line.startswith("+")
            self.news += not line.startswith("-")

    @property
    def missing(self) -> tuple[int, int]:
        """How many old and new lines are still to come by the head; (0, 0) when it has no counts."""
        if self.head.olds < 0:
            return 0, 0
        return self.head.olds - self.olds, self.head.news - self.news

    @property
    def full(self) -> bool:
        """True when the head has counts and they are reached."""
        return self.head.olds >= 0 and self.missing == (0, 0)

    @property
    def changes(self) -> bool:
        """True when a line goes or comes."""
        return any(line[:1] in ("+", "-") for line in self.lines)


class Body(NamedTuple):
    """A hunk's lines: what each is (space, ``-``, ``+``), the old and the new ones, whether the last one has an end."""

    marks: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    ends: bool | None


def head(line: str) -> Head | None:
    """Return what a line says that begins with ``@@``, ``None`` for another line."""
    if not line.startswith("@@"):
        return None
    if found := _COUNTED.match(line):
        olds, news = (
            int(found[name] or 1) if found[name] or found["new"] else -1 for name in ("olds", "news")
        )
        first = int(found["old"][:9])
        return Head(
            first + (olds == 0 and first > 0), min(olds, 10**9), min(news, 10**9), found["rest"].strip()
        )
    if found := _CLOSED.match(line):
        inside = found["inside"].strip()
        return Head(hint=found["rest"].strip() or ("" if _NUMBERS.match(inside) else inside))
    rest = line.lstrip("@").strip()
    return Head(hint="" if _NUMBERS.match(rest) else rest)


def symbol(hint: str) -> str:
    """Return the name of the function or class that a hint is the first line of, ``""`` for another hint."""
    found = _SYMBOL.match(hint)
    return found[1] if found else ""


def lost_blank(hunks: Iterable[Hunk]) -> bool:
    """True when the lines that stay have lost the blank before them, in all hunks of one difference.

    A sign of it is a line that begins with a letter. Lines that begin with blanks have kept theirs all the same
    when most of them are indented by an odd number: code is indented by an even one.
    """
    lost, odd, even = False, 0, 0
    for hunk in hunks:
        for line in hunk.lines:
            if not line.strip() or line[0] in "+-\\" or _is_elision(line):
                continue
            if line[0] not in " \t":
                lost = True
            elif (len(line) - len(line.lstrip(" "))) % 2:
                odd += 1
            else:
                even += 1
    return lost and even >= odd


def body(hunk: Hunk, lost: bool) -> Body:
    """Return what a hunk's lines are; with ``lost`` those without a mark are whole lines as they stand."""
    marks: list[str] = []
    old: list[str] = []
    new: list[str] = []
    bare: set[str] = set()
    lines = trimmed(hunk)
    staying = _staying(hunk, lines) if lost else frozenset()
    for index, line in enumerate(lines):
        if NO_NEWLINE.match(line):
            bare |= {"-", "+"} if not marks or marks[-1] == " " else {marks[-1]}
            continue
        mark = line[:1] if line[:1] in ("+", "-") and index not in staying else " "
        text = _text(line, mark, lost)
        marks.append(mark)
        old += [text] if mark != "+" else []
        new += [text] if mark != "-" else []
    ends = False if "+" in bare else True if "-" in bare else None
    return Body("".join(marks), tuple(old), tuple(new), ends)


def _text(line: str, mark: str, lost: bool) -> str:
    """Return a hunk's line without its mark."""
    if mark != " ":
        return line[1:]
    if lost:
        return line if line.strip() else ""
    return line.removeprefix(" ")


def _staying(hunk: Hunk, lines: Sequence[str]) -> frozenset[int]:
    """Return which lines that begin with a sign stay, in a hunk whose staying lines have lost their blank.

    A rule under a heading and an item of a list begin with a sign themselves. The head's counts
    decide; without any that fit, all stay that look so: the file has the last word, for it must have those lines.
    """
    rules = {index for index, line in enumerate(lines) if _is_rule(lines, index, line)}
    items = {index for index, line in enumerate(lines) if _ITEM.match(line)}
    missing_old, missing_new = hunk.missing
    if hunk.head.olds >= 0 and (missing_old, missing_new) == (0, 0):
        return frozenset()
    if hunk.head.olds >= 0:
        for some in (rules | items, rules, items):
            if missing_new == sum(lines[index][0] == "-" for index in some) and missing_old == sum(
                lines[index][0] == "+" for index in some
            ):
                return frozenset(some)
    return frozenset(rules | items)


def _is_rule(lines: Sequence[str], index: int, line: str) -> bool:
    above = lines[index - 1] if index else ""
    return (
        bool(_RULE.match(line))
        and above[:1] not in ("", "+", "-", " ")
        and len(above.rstrip()) == len(line.rstrip())
    )


def trimmed(hunk: Hunk) -> list[str]:
    """Return the hunk's lines without empty ones at its end that only set it off, and that its head does not count."""
    lines = list(hunk.lines)
    over = -min(hunk.missing) if hunk.head.olds >= 0 else len(lines)
    while lines and not lines[-1].strip(" ") and len(lines[-1]) < 2 and over > 0:
        if lines[-1] == " " and hunk.head.olds < 0:
            break
        lines.pop()
        over -= 1
    return lines


def _is_elision(line: str) -> bool:
    return line.strip() in ("...", "…", "....")
