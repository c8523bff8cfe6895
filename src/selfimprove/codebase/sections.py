"""Sections: documents cut at their headings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.model.chunk import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.codebase.lines import Lines

# How a heading in one line looks: the first group tells its depth, the second its words.
_HEADINGS = {
    "asciidoc": re.compile(r"(={1,6})\s+(\S.*)"),
    "latex": re.compile(r"\s*\\((?:sub)*)(?:section|chapter|paragraph)\*?(?:\[[^\]]*\])?\{([^}]*)"),
    "markdown": re.compile(r" {0,3}(#{1,6})\s+(\S.*?)\s*#*\s*"),
    "org": re.compile(r"(\*{1,8})\s+(\S.*)"),
    "rst": re.compile(r"(?!)()()"),
    "typst": re.compile(r"(={1,6})\s+(\S.*)"),
}
_UNDERLINED = {
    "markdown": re.compile(r" {0,3}(=+|-+)\s*"),
    "rst": re.compile(r"([=\-~^\"'`#*+.:_<>])\1{2,}\s*"),
}
_FENCE = re.compile(r"\s*(```+|~~~+)")
DOCUMENTS = frozenset(_HEADINGS)
"""The languages that have headings."""


class _Heading(NamedTuple):
    row: int
    last: int  # its last row: that of what underlines it
    depth: int
    title: str


def sections(lines: Lines, language: str) -> Iterator[Chunk]:
    """Yield the sections of a document, a long one in several chunks.

    ``qualified`` has the headings above it: ``Install > From source``. A heading with nothing below it but
    the next heading is part of that one's section.
    """
    path: list[_Heading] = []
    begin = 0
    for heading in [*_headings(lines.rows, language), _Heading(len(lines.rows), len(lines.rows), 0, "")]:
        start, end = lines.trimmed(begin, heading.row - 1)
        title = path[-1].title if path else ""
        if not path or end > path[-1].last or not heading.depth:
            qualified = " > ".join(one.title for one in path)
            for first, final in lines.divided(start, end):
                yield Chunk(first + 1, final + 1, "section", title, qualified, title)
            begin = heading.row
        while path and path[-1].depth >= heading.depth:
            path.pop()
        path.append(heading)


def _headings(rows: Sequence[str], language: str) -> Iterator[_Heading]:
    """Yield the headings; what is fenced is none."""
    one_line, underlined = _HEADINGS[language], _UNDERLINED.get(language)
    fence, adornments = "", dict[str, int]()
    for row, line in enumerate(rows):
        if found := language == "markdown" and _FENCE.match(line):
            fence = _fence_after(fence, found[1][:3])
        if fence or not line.strip():
            continue
        if heading := one_line.fullmatch(line) or (language == "latex" and one_line.match(line)):
            yield _Heading(row, row, len(heading[1]) + (language == "latex"), heading[2][:200])
        elif underlined and row and (found := underlined.fullmatch(line)) and _is_title(rows, row, language):
            yield _heading_above(rows, row, found[1][0], None if language == "markdown" else adornments)


def _fence_after(fence: str, mark: str) -> str:
    """Return the fence that is open after ``mark``, ``""`` for none, when ``fence`` was before it."""
    if not fence:
        return mark
    return "" if fence == mark else fence


def _heading_above(rows: Sequence[str], row: int, style: str, adornments: dict[str, int] | None) -> _Heading:
    """Return the heading above ``row``, the line that underlines it with ``style``.

    ``adornments`` are the styles seen so far with their depths, for a language that fixes none: a new one is added.
    """
    title = rows[row - 1].strip()[:200]
    if adornments is None:
        return _Heading(row - 1, row, 1 + "=-".index(style), title)
    over = row > 1 and rows[row - 2].strip() == rows[row].strip()
    if over:
        style += "^"
    return _Heading(row - 1 - over, row, 1 + adornments.setdefault(style, len(adornments)), title)


def _is_title(rows: Sequence[str], row: int, language: str) -> bool:
    """True when the line above ``row`` is text that its adornment underlines."""
    title = rows[row - 1].rstrip()
    if not title.strip() or (
        title[0] in " \t" and language == "rst" and not rows[row - 2].startswith("=" * 3)
    ):
        return False
    if language == "markdown":
        before = rows[row - 2].strip() if row > 1 else ""
        return not before and not title.lstrip().startswith(("-", "*", ">", "|", "#", "+"))
    return len(rows[row].rstrip()) >= len(title) - 2 and not _UNDERLINED["rst"].fullmatch(title)
