"""Finds where the lines of an edit stand in a file: every place, at the first rung of the ladder that has one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from selfimprove.executor.patching.indents import LEVELS, LOOSE, SAME, Indents, rule
from selfimprove.executor.patching.likeness import (
    FORMS,
    TYPOGRAPHIC,
    Form,
    indent_of,
    squeeze,
    unescape,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 200
"""Places that are looked at for one edit; a text that stands more often than that says nothing."""
_GRADES = ("", "", ", tabs", ", steps", ", first line", ", levels", ", irregular")


@dataclass(frozen=True)
class Place:
    """Where an edit's old lines stand: ``pairs`` has the file's line for each of them, -1 for none; from 0.

    ``how`` is the rung; ``exact`` says that every line is the file's own.
    """

    pairs: tuple[int, ...]
    how: str
    exact: bool = False
    score: float = 1.0

    @cached_property
    def start(self) -> int:
        """The first of the file's lines that are met."""
        return next((at for at in self.pairs if at >= 0), 0)

    @cached_property
    def end(self) -> int:
        """One past the last of the file's lines that are met."""
        return max(self.pairs, default=-1) + 1

    @cached_property
    def origin(self) -> int:
        """Where the reply's first line would stand."""
        return next((at - index for index, at in enumerate(self.pairs) if at >= 0), 0)


@dataclass
class Book:
    """A file's lines, without their ends, with indexes that are made when they are asked for."""

    lines: list[str]
    _keys: dict[str, list[str]] = field(default_factory=dict)
    _index: dict[tuple[str, bool], dict[str, list[int]]] = field(default_factory=dict)

    @cached_property
    def filled(self) -> list[int]:
        """The numbers of the lines that are not blank."""
        return [at for at, line in enumerate(self.lines) if line.strip()]

    @cached_property
    def bare(self) -> frozenset[str]:
        """The lines without trailing blanks."""
        return frozenset(line.rstrip() for line in self.lines)

    @cached_property
    def ordinal(self) -> dict[int, int]:
        """For each line that is not blank, its number among those."""
        return {at: number for number, at in enumerate(self.filled)}

    @cached_property
    def typographic(self) -> frozenset[str]:
        """The typographic characters that the file has."""
        return TYPOGRAPHIC.intersection("".join(self.lines))

    @cached_property
    def unit(self) -> str:
        """One step of the file's indentation: what lines are most often indented more than the line above."""
        steps: Counter[str] = Counter()
        above = ""
        for at in self.filled:
            indent = indent_of(self.lines[at])
            if len(indent) > len(above) and indent.startswith(above) and len(indent) - len(above) <= 8:
                steps[indent.removeprefix(above)] += 1
            above = indent
        return steps.most_common(1)[0][0] if steps else ""

    @cached_property
    def squeezed(self) -> list[str]:
        """The lines that are not blank, squeezed."""
        return [squeeze(self.lines[at]) for at in self.filled]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.squeezed)

    def has(self, line: str) -> bool:
        """True when the file has the line in the loosest form that there is: without it no rung can find it."""
        return squeeze(line) in self._known or squeeze(unescape(line)) in self._known

    @cached_property
    def vocabulary(self) -> dict[str, list[int]]:
        """For each word the lines (numbers among those not blank) that have it."""
        found: dict[str, list[int]] = {}
        for number, line in enumerate(self.squeezed):
            for word in dict.fromkeys(words(line)):
                found.setdefault(word, []).append(number)
        return found

    def keys(self, form: Form, *, filled: bool) -> list[str]:
        """Return the lines in a form; with ``filled`` only those that are not blank."""
        name = f"{form.key} filled" if filled else form.key
        if name not in self._keys:
            wanted = (self.lines[at] for at in self.filled) if filled else self.lines
            self._keys[name] = [form.file(line) for line in wanted]
        return self._keys[name]

    def index(self, form: Form, *, filled: bool) -> dict[str, list[int]]:
        """Return where each line stands, in a form."""
        name = form.key, filled
        if name not in self._index:
            found: dict[str, list[int]] = {}
            for at, key in enumerate(self.keys(form, filled=filled)):
                found.setdefault(key, []).append(at)
            self._index[name] = found
        return self._index[name]

    def windows(self, wanted: Sequence[str], form: Form, *, filled: bool = False) -> list[int]:
        """Return where a row of lines (already in the form) begins, by way of its rarest line."""
        keys, index = self.keys(form, filled=filled), self.index(form, filled=filled)
        if not wanted or any(key not in index for key in wanted):
            return []
        rarest = min(range(len(wanted)), key=lambda at: len(index[wanted[at]]))
        row, size = list(wanted), len(wanted)
        starts = (at - rarest for at in index[row[rarest]])
        return [at for at in starts if at >= 0 and keys[at] == row[0] and keys[at : at + size] == row]


def places(old: Sequence[str], book: Book) -> list[Place]:
    """Return the places where ``old`` stands at the first rung that has any, in the order of the file."""
    if found := _whole(old, book, FORMS[0]):
        return found
    filled = [line for line in old if line.strip()]
    if not filled or not all(book.has(line) for line in filled):
        return []
    for found_at in (_whole, _without_blanks):
        for form in FORMS:
            if found := _best(found_at(old, book, form), old, book, form):
                return found
    return []


def exact_places(old: Sequence[str], book: Book) -> list[Place]:
    """Return the places where ``old`` stands but for trailing blanks."""
    return next((found for form in FORMS[:2] if (found := _whole(old, book, form))), [])


def _whole(old: Sequence[str], book: Book, form: Form) -> list[Place]:
    wanted = [form.reply(line) for line in old]
    size = len(old)
    starts = book.windows(wanted, form)[:_MOST]
    exact = form.how == "exact"
    return [Place(tuple(range(at, at + size)), form.how, exact) for at in starts]


def _without_blanks(old: Sequence[str], book: Book, form: Form) -> list[Place]:
    """Return the places where the lines that are not blank stand, whatever blank lines are between them."""
    filled = [index for index, line in enumerate(old) if line.strip()]
    wanted = [form.reply(old[index]) for index in filled]
    how = "blank lines" if form.how == "exact" else f"blank lines, {form.how}"
    starts = book.windows(wanted, form, filled=True)[:_MOST]
    return [
        Place(blanks_met(old, dict(zip(filled, book.filled[at : at + len(filled)], strict=True)), book), how)
        for at in starts
    ]


def blanks_met(
    old: Sequence[str], met: dict[int, int], book: Book, gaps: frozenset[int] = frozenset()
) -> tuple[int, ...]:
    """Return the pairs for ``met`` (index in ``old`` to line of the file) with blank lines met between them.

    They are met from above, and where that is not possible (before the first pair, behind one of the ``gaps``,
    lines that stand for others) from below.
    """
    pairs = [met.get(index, -1) for index in range(len(old))]
    last = -1
    for index, line in enumerate(old):
        if pairs[index] >= 0 or index in gaps:
            last = pairs[index]
        elif not line.strip() and last >= 0 and _blank_at(last + 1, book):
            pairs[index] = last = last + 1
    used = set(pairs)
    for index in range(len(old) - 2, -1, -1):
        row = pairs[index + 1] - 1
        if pairs[index] < 0 <= row and not old[index].strip() and row not in used and _blank_at(row, book):
            pairs[index] = row
            used.add(row)
    return tuple(pairs)


def _blank_at(row: int, book: Book) -> bool:
    return row < len(book.lines) and not book.lines[row].strip()


def _best(found: list[Place], old: Sequence[str], book: Book, form: Form) -> list[Place]:
    """Return of the places found without regard to indentation those whose indentation fits best."""
    if form.indented or not found:
        return found
    graded = [(indents(old, place, book).grade, place) for place in found]
    graded = [(grade, place) for grade, place in graded if grade < LEVELS or not slid(old, place, book)]
    best = min((grade for grade, _ in graded), default=SAME)
    note = _GRADES[best] if best <= LOOSE else ""
    return [
        Place(place.pairs, _said(place.how, best, note))
        for grade, place in graded
        if grade == best or (best == LEVELS and grade == LOOSE)
    ]


def slid(old: Sequence[str], place: Place, book: Book) -> bool:
    """True when every line with a word is indented as in the file, and only brackets met others of another depth.

    Then a line is missing in the reply, and what looks like its neighbours is further up or down.
    """
    odd = [
        old[index]
        for index, at in enumerate(place.pairs)
        if at >= 0 and old[index].strip() and indent_of(old[index]) != indent_of(book.lines[at])
    ]
    return bool(odd) and not any(char.isalnum() for line in odd for char in line)


def _said(how: str, grade: int, note: str) -> str:
    return (
        how
        if grade == SAME or "indentation" not in how
        else how.replace("indentation", f"indentation{note}", 1)
    )


def indents(old: Sequence[str], place: Place, book: Book) -> Indents:
    """Return the rule by which the indentation of ``old`` becomes that of the file at a place."""
    return rule(
        [
            (indent_of(old[index]), indent_of(book.lines[at]))
            for index, at in enumerate(place.pairs)
            if at >= 0 and old[index].strip()
        ]
    )
