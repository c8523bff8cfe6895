"""Malformations for the edit benchmark: what models do to the lines of a hunk, and to the text of a reply."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from edit_hunks import places

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from edit_hunks import Hunk

    # A damage gives the hunk anew, or None where it has nothing to do. It sees the lines of the file.
    Damage = Callable[[Hunk, Sequence[str], random.Random], Hunk | None]

_COMMENT = re.compile(r"(\s*(?:#|//|\*)\s+)(\w.*)")
_WORDS = ("first", "this", "now", "the value", "here", "handle", "check that", "make sure", "as before")


def _mapped(hunk: Hunk, change: Callable[[str], str], marks: str = " -+") -> Hunk | None:
    lines = tuple((mark, change(text) if mark in marks else text) for mark, text in hunk.lines)
    return hunk._replace(lines=lines) if lines != hunk.lines else None


def shifted(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Indent all lines by a few columns more, or less where they have them."""
    room = min((_indent(text) for _, text in hunk.lines if text.strip()), default=0)
    by = dice.choice([2, 4, 8, 1, *([-2, -4, -4] if room >= 4 else [])])
    return _mapped(hunk, lambda text: _moved(text, by) if text.strip() else text)


def dedented(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Take the indentation off that all lines share."""
    room = min((_width(text) for _, text in hunk.lines if text.strip()), default=0)
    return _mapped(hunk, lambda text: text[room:] if text.strip() else text)


def tabbed(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Write a tab for every four columns of indentation."""
    if any(line.startswith("\t") for line in lines) or not _steps_of_four(hunk):
        return None
    return _mapped(hunk, lambda text: "\t" * (_indent(text) // 4) + text[_indent(text) :])


def spaced(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Write four spaces for every tab of indentation."""
    tabs = re.compile(r"^\t+")
    return _mapped(hunk, lambda text: tabs.sub(lambda found: "    " * len(found[0]), text))


def trailed(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Add blanks to the ends of lines that stay, and of some that go."""
    return _mapped(hunk, lambda text: text + dice.choice(["", " ", "  ", "\t"]), " -")


def trailed_all(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Add blanks to the end of every line, the new ones too."""
    if any(text != text.rstrip() for _, text in hunk.lines) or not hunk.old:
        return None
    return _mapped(hunk, lambda text: text + "  ")


def stripped(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Take blanks off the ends of lines that stay or go."""
    return _mapped(hunk, str.rstrip, " -")


def curly(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Write typographic quotes for straight ones, where the text to find has some."""
    if not any(mark in text for text in hunk.old for mark in "'\"") or any(
        mark in text for text in lines for mark in "‘’“”"
    ):
        return None
    return _mapped(hunk, typographic)


def typographic(text: str) -> str:
    """Return a text with its quotes as a word processor writes them."""
    text = re.sub(r'(^|[\s(\[{=,f])"', r"\1“", text).replace('"', "”")
    return re.sub(r"(^|[\s(\[{=,f])'", r"\1‘", text).replace("'", "’")


def hard_spaces(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Write no-break spaces for the spaces of indentation, and for some between words."""
    if any("\xa0" in text for text in lines) or not any(" " in text for text in hunk.old):
        return None

    def change(text: str) -> str:
        room = _width(text)
        return text[:room].replace(" ", "\xa0") + re.sub(
            r"(?<=\w) (?=\w)", lambda _: dice.choice(" \xa0"), text[room:]
        )

    return _mapped(hunk, change)


def escaped(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Write HTML's entities for what HTML minds, where the text to find has some and the file no entities."""
    if any(re.search(r"&\w+;|&#\d+;", line) for line in (*lines, *hunk.new)):
        return None
    quote = dice.random() < 0.5
    if not any(html.escape(text, quote) != text for text in hunk.old):
        return None
    return _mapped(hunk, lambda text: html.escape(text, quote))


def blanks_dropped(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Leave empty lines out of the text to find; the new text keeps them."""
    changed = [
        ("+", text) if mark == " " and not text.strip() else (mark, text)
        for mark, text in hunk.lines
        if not (mark == "-" and not text.strip())
    ]
    return _searchable(hunk, changed)


def blanks_doubled(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Write empty lines twice in the text to find."""
    changed = []
    for mark, text in hunk.lines:
        changed.append((mark, text))
        if mark in " -" and not text.strip():
            changed.append(("-", text))
    return _searchable(hunk, changed)


def numbered(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Copy line numbers into the text to find, as a listing shows them."""
    form = dice.choice(["{:>4} | {}", "{}: {}", "{:>6}\t{}", "{:>4}→{}"])
    changed: list[tuple[str, str]] = []
    at = hunk.start
    kept: list[tuple[str, str]] = []
    for mark, text in (*hunk.lines, ("", "")):
        if mark != " " and kept:
            changed += [("-", number) for number, _ in kept] + [("+", plain) for _, plain in kept]
            kept = []
        if mark in (" ", "-"):
            at += 1
        if mark == " ":
            kept.append((form.format(at, text), text))
        elif mark:
            changed.append((mark, form.format(at, text) if mark == "-" else text))
    return _searchable(hunk, changed)


def first_stripped(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Take the indentation off the first line to find and the first new line, as trimming a text does."""
    old, new = hunk.old, hunk.new
    if not old or not new or not old[0].strip() or _width(old[0]) != _width(new[0]) or not _width(old[0]):
        return None
    seen: set[str] = set()
    changed = []
    for mark, text in hunk.lines:
        sides = {"-", "+"} if mark == " " else {mark}
        changed.append((mark, text if sides & seen else text.lstrip()))
        seen |= sides
    return hunk._replace(lines=tuple(changed))


def mistyped(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Make a small slip in one line that stays."""

    def slip(text: str) -> str | None:
        letters = [at for at in range(len(text) - 1) if text[at : at + 2].isalpha()]
        if len(text.strip()) < 14 or not letters:
            return None
        at = dice.choice(letters)
        return dice.choice([text[:at] + text[at + 1 :], text[: at + 1] + text[at:], _swapped(text, at)])

    return _one_context(hunk, lines, dice, slip)


def paraphrased(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Say a comment that stays in other words."""

    def said(text: str) -> str | None:
        found = _COMMENT.fullmatch(text)
        if not found:
            return None
        words = found[2].split()
        kept = words[: max(1, len(words) * 2 // 3)]
        return f"{found[1]}{' '.join(kept)} {dice.choice(_WORDS)}"

    return _one_context(hunk, lines, dice, said)


def missing(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Leave out one line that stays and has lines that stay, and are not blank, on both sides."""
    inner = [
        at
        for at in range(1, len(hunk.lines) - 1)
        if all(mark == " " and text.strip() for mark, text in hunk.lines[at - 1 : at + 2])
    ]
    return _without(hunk, lines, dice, inner)


def elided(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Write ``...`` for the middle of the longest run of lines that stay."""
    marks = "".join(mark for mark, _ in hunk.lines)
    runs = sorted(re.finditer(" {5,}", marks), key=lambda run: run.start() - run.end())
    if not runs:
        return None
    low, high = runs[0].start() + 2, runs[0].end() - 2
    ends = [hunk.lines[:low], hunk.lines[high:]]
    for end in ends:
        old: list[str | None] = [text for mark, text in end if mark != "+"]
        if not any(text and text.strip() for text in old) or places(lines, old) != 1:
            return None
    return hunk._replace(lines=(*ends[0], (" ", "..."), *ends[1]))


def unindented_context(hunk: Hunk, lines: Sequence[str], dice: random.Random) -> Hunk | None:
    """Leave the empty lines of a hunk as they are; for a diff they lose their mark elsewhere."""
    return hunk if any(mark == " " and not text for mark, text in hunk.lines) else None


def _one_context(
    hunk: Hunk, lines: Sequence[str], dice: random.Random, change: Callable[[str], str | None]
) -> Hunk | None:
    """Change one line that stays, such that what is left still stands in one place."""
    order = [at for at, (mark, _) in enumerate(hunk.lines) if mark == " "]
    dice.shuffle(order)
    for at in order:
        text = change(hunk.lines[at][1])
        if text is None or text == hunk.lines[at][1] or text in lines:
            continue
        left: list[str | None] = [
            None if place == at else line for place, (mark, line) in enumerate(hunk.lines) if mark != "+"
        ]
        if any(line and line.strip() for line in left) and places(lines, left) == 1:
            return hunk._replace(lines=(*hunk.lines[:at], (" ", text), *hunk.lines[at + 1 :]))
    return None


def _without(hunk: Hunk, lines: Sequence[str], dice: random.Random, order: list[int]) -> Hunk | None:
    dice.shuffle(order)
    for at in order:
        left: list[str | None] = [
            None if place == at else line for place, (mark, line) in enumerate(hunk.lines) if mark != "+"
        ]
        if places(lines, left) == 1:
            return hunk._replace(lines=(*hunk.lines[:at], *hunk.lines[at + 1 :]))
    return None


def _searchable(hunk: Hunk, changed: Sequence[tuple[str, str]]) -> Hunk | None:
    found = hunk._replace(lines=tuple(changed))
    return found if found != hunk and any(text.strip() for text in found.old) else None


def _swapped(text: str, at: int) -> str:
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _width(text: str) -> int:
    return len(text) - len(text.lstrip())


def _moved(text: str, by: int) -> str:
    return " " * by + text if by > 0 else text[-by:]


def _steps_of_four(hunk: Hunk) -> bool:
    return all(_indent(text) % 4 == 0 for _, text in hunk.lines) and any(
        _indent(text) for text in hunk.old if text.strip()
    )


# What happens to the whole text of a reply.
def crlf(text: str, dice: random.Random) -> str:
    """End every line as Windows does."""
    return text.replace("\n", "\r\n")


def quoted(text: str, dice: random.Random) -> str:
    """Quote every line as in a letter."""
    return "".join(f"> {line}\n" for line in text.removesuffix("\n").split("\n"))


def escaped_all(text: str, dice: random.Random) -> str:
    """Write HTML's entities everywhere."""
    return html.escape(text, dice.random() < 0.5)


def fenced_twice(text: str, dice: random.Random) -> str:
    """Put the whole reply into one more fence, of the same length or a longer one."""
    mark = dice.choice(["```", "````"])
    return f"{mark}{dice.choice(['', 'markdown', 'text'])}\n{text}{mark}\n"


def fenced(text: str, dice: random.Random) -> str:
    """Put the whole reply into a fence, as if it were code."""
    mark = "````" if "```" in text else "```"
    return f"{mark}{dice.choice(['', 'text', 'diff'])}\n{text}{mark}\n"
