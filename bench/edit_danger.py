"""Dangerous replies for the edit benchmark: cut off, ambiguous, out of date, lazy or contradicting themselves."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import edit_forms as forms
from edit_commits import lines_of
from edit_hunks import Hunk, hunks, opcodes, places

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from edit_commits import Change, Commit

    # The text, the files that are different by now, and what they are to become; None: it can only be refused.
    Danger = tuple[str, dict[str, bytes], dict[str, bytes] | None]

_MARKS = {"py": "#", "js": "//", "go": "//", "ts": "//", "yml": "#", "toml": "#", "cfg": "#"}
_LAZY = ("... rest of the code unchanged ...", "... existing code ...", "(unchanged)", "... rest of file ...")


def cut(form: Callable[..., str | None], commit: Commit, dice: random.Random) -> Danger | None:
    """Cut a reply off at any character, but not between two edits: nobody could tell."""
    text = form([(change, hunks(change)) for change in commit.changes], dice)
    if text is None:
        return None
    at = dice.randint(len(text) // 10, len(text) - 1)
    while text[:at].rstrip().endswith(("```", "REPLACE", "</file>")):
        at -= 1
    return text[:at], {}, commit.wanted


def ambiguous(form: Callable[..., str | None], commit: Commit, dice: random.Random) -> Danger | None:
    """Ask for a change of lines that stand in the file more than once."""
    files, was_hurt = [], False
    for change in commit.changes:
        found = hunks(change)
        lines = lines_of(change.before or b"")
        for context in (2, 1, 0):
            bare = hunks(change, context, grow=False)
            told = all(any(line.strip() for line in one.old) for one in bare)
            if told and change.before is not None and any(places(lines, one.old) > 1 for one in bare):
                found, was_hurt = bare, True
                break
        files.append((change, found))
    text = form(files, dice) if was_hurt else None
    return None if text is None else (text, {}, commit.wanted)


def stale(form: Callable[..., str | None], commit: Commit, dice: random.Random, *, how: str) -> Danger | None:
    """Let the file have changed where the reply looks; ``how`` is changed, inserted or removed."""
    text = form([(change, hunks(change)) for change in commit.changes], dice)
    order = [change for change in commit.changes if change.before is not None]
    dice.shuffle(order)
    for change in order:
        lines = lines_of(change.before or b"")
        marked = "-" if how == "removed" else " "
        row = marked * 2 if how == "inserted" else marked  # between a line and a change has no one place
        spots = [
            at for hunk in hunks(change) for at in _spots(hunk, row) if _other_word(lines[at]) != lines[at]
        ]
        if text and spots:
            at = dice.choice(spots)
            return text, *_meanwhile(commit, change, at, how)
    return None


def _meanwhile(
    commit: Commit, change: Change, at: int, how: str
) -> tuple[dict[str, bytes], dict[str, bytes] | None]:
    """Return a file that has changed in line ``at``, and what the reply is to make of all."""
    was = change.before or b""
    line = lines_of(was)[at]
    new = [line, _comment(change.path, line)] if how == "inserted" else [_other_word(line)]
    files = {change.path: _with(was, at, new)}
    if how == "removed":
        return files, None
    there = _counterpart(was, change.after, at)
    return files, commit.wanted | {change.path: _with(change.after, there, new)}


def wrong_removed(form: Callable[..., str | None], commit: Commit, dice: random.Random) -> Danger | None:
    """Let one removed line of a hunk say something else than the file."""
    files, was_hurt = [], False
    for change in commit.changes:
        found = hunks(change)
        for number, hunk in enumerate(found):
            gone = [
                at for at, (mark, text) in enumerate(hunk.lines) if mark == "-" and _other_word(text) != text
            ]
            if gone and not was_hurt and change.before is not None:
                at, was_hurt = dice.choice(gone), True
                worse = ("-", _other_word(hunk.lines[at][1]))
                found[number] = hunk._replace(lines=(*hunk.lines[:at], worse, *hunk.lines[at + 1 :]))
        files.append((change, found))
    text = form(files, dice) if was_hurt else None
    return None if text is None else (text, {}, commit.wanted)


def conflicting(form: Callable[..., str | None], commit: Commit, dice: random.Random) -> Danger | None:
    """Ask for two different changes of the same lines."""
    files, was_hurt = [], False
    for change in commit.changes:
        found = hunks(change)
        first = found[0]
        other = [(mark, _other_word(text) if mark == "+" else text) for mark, text in first.lines]
        if change.before is not None and tuple(other) != first.lines:
            was_hurt = True
            found = [*found, first._replace(lines=tuple(other))]
        files.append((change, found))
    text = form(files, dice) if was_hurt else None
    return None if text is None else (text, {}, commit.wanted)


def lazy_whole(commit: Commit, dice: random.Random) -> Danger | None:
    """Give whole files with a comment for the parts that stay."""
    were_lazy: list[bool] = []

    def lazy(change: Change, lines: list[str], dice: random.Random) -> list[str]:
        runs = [
            (k, m)
            for tag, _, _, k, m in opcodes(change.before or b"", change.after)
            if tag == "equal" and m - k >= 15 and change.before is not None
        ]
        for low, high in reversed(runs):
            said = _comment(change.path, lines[low + 3], dice.choice(_LAZY))
            lines = [*lines[: low + 3], said, *lines[high - 3 :]]
            were_lazy.append(True)
        return lines

    text = forms.whole([(change, ()) for change in commit.changes], dice, at="above", edit=lazy)
    return (text, {}, commit.wanted) if text and were_lazy else None


def lazy_block(commit: Commit, dice: random.Random) -> Danger | None:
    """Give blocks whose new part has a comment for lines that stay, and whose old part has the lines."""
    files, was_hurt = [], False
    for change in commit.changes:
        found = hunks(change, 6)
        for number, hunk in enumerate(found):
            runs = list(re.finditer(" {6,}", "".join(mark for mark, _ in hunk.lines)))
            if runs and change.before is not None:
                low, high = runs[0].start() + 1, runs[0].end() - 1
                middle = hunk.lines[low:high]
                said = ("+", _comment(change.path, middle[0][1], "... existing code ..."))
                gone = [("-", text) for _, text in middle]
                found[number] = hunk._replace(lines=(*hunk.lines[:low], *gone, said, *hunk.lines[high:]))
                was_hurt = True
        files.append((change, found))
    return (forms.blocks(files, dice), {}, commit.wanted) if was_hurt else None


def whole_cut(commit: Commit, dice: random.Random) -> Danger | None:
    """Give whole files of which one ends too early, in a closed fence."""
    sizes = [len(lines_of(change.after)) for change in commit.changes]
    last = max(range(len(sizes)), key=sizes.__getitem__)
    if sizes[last] < 30 or commit.changes[last].before is None:
        return None

    def shorter(change: Change, lines: list[str], dice: random.Random) -> list[str]:
        return (
            lines[: dice.randint(len(lines) // 4, len(lines) - 8)]
            if change is commit.changes[last]
            else lines
        )

    text = forms.whole([(change, ()) for change in commit.changes], dice, at="above", edit=shorter)
    return (text, {}, commit.wanted) if text else None


def _spots(hunk: Hunk, row: str) -> list[int]:
    """Return the lines of the file, from 0, at which a row of marks begins in a hunk."""
    marks = "".join(mark for mark, _ in hunk.lines)
    starts = [at for at in range(len(marks)) if marks.startswith(row, at)]
    return [hunk.start + at - marks[:at].count("+") for at in starts]


def _counterpart(before: bytes, after: bytes, at: int) -> int:
    for tag, i, j, k, _ in opcodes(before, after):
        if tag == "equal" and i <= at < j:
            return k + at - i
    raise ValueError(f"line {at} does not stay")


def _with(data: bytes, at: int, new: Sequence[str]) -> bytes:
    lines = data.split(b"\n")
    end = b"\r" if lines[at].endswith(b"\r") else b""
    lines[at : at + 1] = [line.encode() + end for line in new]
    return b"\n".join(lines)


def _other_word(text: str) -> str:
    """Return a line with one of its words replaced by another one."""
    words = list(re.finditer(r"[A-Za-z_]{4,}", text))
    if not words:
        return text
    one = words[len(text) % len(words)]
    return f"{text[: one.start()]}{'other' if one[0] != 'other' else 'another'}{text[one.end() :]}"


def _comment(path: str, beside: str, said: str = "kept for older callers") -> str:
    room = beside[: len(beside) - len(beside.lstrip())]
    return f"{room}{_MARKS.get(path.rpartition('.')[2], '#')} {said}"


_FORMS: dict[str, tuple[str, Callable[..., str | None]]] = {
    "blocks": ("diff", forms.blocks),
    "diff": ("udiff", forms.diff),
    "patch": ("patch", forms.begin_patch),
    "whole": ("whole", partial(forms.whole, at="above")),
    "json": ("", forms.jsons),
    "functions": ("", forms.definitions),
}
# Name, aider's coder for it, and what writes it.
DANGEROUS: Sequence[tuple[str, str, Callable[[Commit, random.Random], Danger | None]]] = (
    *((f"{name}: cut off", coder, partial(cut, form)) for name, (coder, form) in _FORMS.items()),
    *(
        (f"{name}: {title}", coder, partial(write, form))
        for title, write in (
            ("stands at several places", ambiguous),
            ("a line that stays has changed", partial(stale, how="changed")),
            ("a line came in between", partial(stale, how="inserted")),
            ("a line that goes has changed", partial(stale, how="removed")),
            ("a line that goes is wrong", wrong_removed),
            ("two changes of the same lines", conflicting),
        )
        for name, (coder, form) in _FORMS.items()
        if name in ("blocks", "diff")
    ),
    ("blocks: lazy new part", "diff", lazy_block),
    ("whole: lazy", "whole", lazy_whole),
    ("whole: ends too early", "whole", whole_cut),
)
