"""Lining: the lines of a reply put in the place of a file's, whose own bytes stay wherever the two say the same."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.patching.coding import newline_of, split
from selfimprove.executor.patching.definitions import indent_of
from selfimprove.executor.patching.diff import opcodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from selfimprove.executor.patching.diff import Opcode

_ODD = (  # what chat windows and word processors write for plain characters
    {'"': "“”„‟″", "'": "‘’‚‛′"},
    {" ": "\u00a0\u2007\u202f"},
    {"-": "–—−‐‑"},
)


_LISTED = re.compile(r"\s*(?P<number>\d{1,6})(?:[ ]{0,2}[:|│→]|\t|$)(?P<rest>.*)", re.DOTALL)


class Laid(NamedTuple):
    """The file's text with the reply's lines in it, and how these differ from the file's."""

    text: str
    codes: list[Opcode]


def bare(text: str) -> list[str]:
    """Return the lines of ``text`` without their ends."""
    return [line.removesuffix("\n").removesuffix("\r") for line in split(text)]


def lay(text: str, given: Sequence[str], ends: bool | None = None, *, exact: bool = False) -> Laid:
    """Return ``text`` made to say ``given``: lines that are equal but for blanks at their ends stay byte for byte.

    New lines end as most lines of the file do, and the last one as the file's last one does, unless ``ends``
    says whether with a newline. Blank lines at the very end are the file's own, unless the
    reply is ``exact``: then they are the reply's.
    """
    own, newline = split(text), newline_of(text)
    have = bare(text)
    last, tail = (len(have), 0) if exact else _trimmed(have)
    lines = given if exact else given[: _trimmed(given)[0]]
    key = str.rstrip if _blanks_are_lost(have, lines) else _same
    codes = opcodes([key(line) for line in have[:last]], [key(line) for line in lines])
    made: list[str] = []
    for tag, a, b, c, d in codes:
        made += own[a:b] if tag == "equal" else [line + newline for line in _plain(lines[c:d], have, lines)]
    made += own[len(own) - tail :]
    if made:
        finished = text.endswith("\n") if ends is None else ends
        made[:-1] = [line if line.endswith("\n") else line + newline for line in made[:-1]]
        final = made[-1].removesuffix("\n").removesuffix("\r")
        if made[-1].endswith("\n") != finished:
            made[-1] = final + newline * finished
    return Laid("".join(made), codes)


def _trimmed(lines: Sequence[str]) -> tuple[int, int]:
    """Return how many lines there are up to the last that is not blank, and how many after it."""
    count = len(lines)
    while count and not lines[count - 1].strip():
        count -= 1
    return count, len(lines) - count


def _same(line: str) -> str:
    return line


def _blanks_are_lost(have: Sequence[str], lines: Sequence[str]) -> bool:
    """True unless the reply keeps blanks at the ends of lines as the file has them: then a difference is meant."""
    blank = {line for line in have if line != line.rstrip()}
    return not any(line in blank for line in lines)


def _plain(fresh: Sequence[str], have: Sequence[str], lines: Sequence[str]) -> Iterator[str]:
    """Yield new lines, without the blanks at their ends when all of the reply has them and the file has none."""
    strip = _padded(lines) > 0.5 and _padded(have) < 0.1
    yield from (line.rstrip() if strip else line for line in fresh)


def _padded(lines: Sequence[str]) -> float:
    """Return the share of lines, blank ones aside, that have blanks at their ends."""
    full = [line for line in lines if line.strip()]
    return sum(line != line.rstrip() for line in full) / max(1, len(full))


def cleaned(given: Sequence[str], have: Sequence[str]) -> list[str]:
    """Return ``given`` without what the way through a chat window has done to all of it.

    Typographic quotes, strokes and blanks, HTML escapes, tabs for spaces or the other way round, and a common
    indentation: each is undone only when the whole reply shows it and more of its lines are then the file's.
    """
    lines = unnumbered(list(given), have)
    best = _shared(lines, have)
    for undo in (*map(_unodd, _ODD), _unescaped, _retabbed, _dedented):
        tried = undo(lines, have)
        if tried != lines and (shared := _shared(tried, have)) > best:
            lines, best = tried, shared
    return lines


def unnumbered(lines: list[str], have: Sequence[str]) -> list[str]:
    """Take the line numbers off that a listing has before every line, when more of them are then the file's.

    Of a new file, which ``have`` has no lines of, those of three lines at least that are numbered from 1.
    """
    seen = [found for line in lines if (found := _LISTED.match(line))]
    if not seen or len(seen) < len(lines):
        return lines
    first = int(seen[0]["number"])
    if any(int(found["number"]) != row for row, found in enumerate(seen, first)):
        return lines
    tried = [[found["rest"][cut:] for found in seen] for cut in (0, 1)]
    if not have:
        is_parted = all(found["rest"].startswith(" ") for found in seen if found["rest"])
        return tried[is_parted] if first == 1 and len(seen) > 2 else lines
    return max((lines, *tried), key=lambda one: _shared(one, have))


def _shared(lines: Sequence[str], have: Sequence[str]) -> int:
    """Return how many lines that are not blank the two have in common, in whatever order."""
    one, two = (Counter(line.rstrip() for line in part if line.strip()) for part in (lines, have))
    return (one & two).total()


def _unodd(odd: Mapping[str, str]) -> Callable[[list[str], Sequence[str]], list[str]]:
    """Return what writes plain characters for ``odd`` ones, each kind of which the reply has no plain one."""

    def undo(lines: list[str], have: Sequence[str]) -> list[str]:
        del have
        text = "\n".join(lines)
        plain = {one: rest for one, rest in odd.items() if one == " " or one not in text}
        table = {ord(char): one for one, rest in plain.items() for char in rest}
        return [line.translate(table) for line in lines]

    return undo


def _unescaped(lines: list[str], have: Sequence[str]) -> list[str]:
    del have
    text = "\n".join(lines)
    raw = re.search(r"[<>]|&(?!#?\w+;)", text)
    return lines if raw else [html.unescape(line) for line in lines]


def _retabbed(lines: list[str], have: Sequence[str]) -> list[str]:
    """Indent as the file does, when most of it has tabs and the reply none, or the other way round."""
    own, theirs = _indents(have), _indents(lines)
    if not own or not theirs:
        return lines
    tabs = sum("\t" in one for one in own) * 2 > len(own)
    if any(("\t" in one) == tabs for one in theirs) and not (not tabs and all("\t" in one for one in theirs)):
        return lines
    tried = [_stepped(lines, unit, tabs=tabs) for unit in (4, 2, 8, 3, 1)]
    return max(tried, key=lambda one: _shared(one, have))


def _stepped(lines: Sequence[str], unit: int, *, tabs: bool) -> list[str]:
    """Return the lines with a tab for ``unit`` blanks of their indentation, or the other way round."""
    made = []
    for line in lines:
        indent = indent_of(line)
        steps, rest = divmod(len(indent.replace("\t", " " * unit)), unit)
        deep = "\t" * steps + " " * rest if tabs else indent.replace("\t", " " * unit)
        made.append(deep + line[len(indent) :])
    return made


def _indents(lines: Sequence[str]) -> list[str]:
    return [indent_of(line) for line in lines if line.strip() and line[0] in " \t"]


def _dedented(lines: list[str], have: Sequence[str]) -> list[str]:
    del have
    return shifted(lines, "")


def shifted(lines: Sequence[str], indent: str) -> list[str]:
    """Return ``lines`` with ``indent`` in the place of the indentation that they have in common."""
    full = [line for line in lines if line.strip()]
    if not full:
        return list(lines)
    common = indent_of(full[0])
    for line in full:
        while not line.startswith(common):
            common = common[:-1]
    return [
        indent + line[len(common) :] if line.strip() else line.removeprefix(common) if common else line
        for line in lines
    ]
