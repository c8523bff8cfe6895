"""How the indentation of a reply's lines becomes that of the file's lines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SAME, UNIFORM, TABS, SCALE, FIRST, LEVELS, LOOSE = range(7)
"""How closely the indentations of two blocks belong together, from equal to not at all."""

_WIDTHS = (4, 2, 8, 3)


@dataclass(frozen=True)
class Indents:
    """A rule that turns a reply's indentation into the file's.

    ``grade`` says which kind. A uniform rule takes ``cut`` away and puts ``add`` there; ``width`` is how many
    blanks make a tab (``tabbed``: the file has the tabs); ``levels`` is the table of what was seen.
    ``first`` is the rule for the first line alone; the others then follow the rule of the grade ``kind``.
    """

    grade: int = SAME
    cut: str = ""
    add: str = ""
    width: int = 0
    tabbed: bool = False
    levels: dict[str, str] = field(default_factory=dict)
    first: tuple[str, str] | None = None
    kind: int = UNIFORM

    def of(self, indent: str) -> str | None:
        """Return the file's indentation for one of the reply, ``None`` when nothing says what it would be."""
        if TABS in (self.grade, self.kind):
            return _tabbed(indent, self.width, tabbed=self.tabbed)
        if self.grade == SCALE:
            return _scale(indent, self.width, self.add)
        if self.grade == LEVELS:
            return _level(indent, self.levels)
        if self.grade == LOOSE:
            return None
        return self.add + indent.removeprefix(self.cut) if indent.startswith(self.cut) else None


def rule(pairs: Sequence[tuple[str, str]]) -> Indents:
    """Return the closest rule under which each reply's indentation becomes the file's; a loose one if none does."""
    if all(one == other for one, other in pairs):
        return Indents()
    if found := _uniform(pairs):
        return Indents(UNIFORM, *found)
    for width in _WIDTHS:
        for tabbed in (True, False):
            if all(_tabbed(one, width, tabbed=tabbed) == other for one, other in pairs):
                return Indents(TABS, width=width, tabbed=tabbed)
    if len(pairs) > 1 and len(pairs[0][0]) < len(pairs[0][1]):
        rest = rule(pairs[1:])
        if rest.grade in (SAME, UNIFORM, TABS):
            return replace(rest, grade=FIRST, first=pairs[0], kind=rest.grade)
    levels = dict(pairs)
    if all(levels[one] == other for one, other in pairs) and _ascends(levels):
        return Indents(LEVELS, levels=levels)
    return Indents(LOOSE)


def scaled(every: Sequence[str], pairs: Sequence[tuple[str, str]], unit: str) -> Indents | None:
    """Return the rule for a reply that indents in other steps than the file: by 2 where the file has 4.

    ``every`` has the indentation of all lines of an edit, ``pairs`` those that were met, ``unit`` is the file's step.
    """
    widths = [len(indent) for indent in every if indent]
    spaced = all(set(indent) <= {" "} for indent in every)
    if not (unit and widths and spaced) or all(one == other for one, other in pairs):
        return None
    for width in _WIDTHS:
        if " " * width != unit and min(widths) % width == 0 and _scales(pairs, width, unit):
            return Indents(SCALE, width=width, add=unit)
    return None


def _scales(pairs: Sequence[tuple[str, str]], width: int, unit: str) -> bool:
    return all(_scale(one, width, unit) == other for one, other in pairs)


def _scale(indent: str, width: int, unit: str) -> str:
    full, rest = divmod(len(indent), width)
    return unit * full + " " * rest


def width_of(indent: str) -> int:
    """Return how many columns blanks take; a tab goes to the next multiple of four."""
    return len(indent.expandtabs(4))


def _uniform(pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Return what is cut and what is added when that is the same for all pairs, one of the two being nothing."""
    one, other = min(pairs, key=lambda pair: len(pair[0]) + len(pair[1]))
    if other.endswith(one):
        cut, add = "", other.removesuffix(one)
    elif one.endswith(other):
        cut, add = one.removesuffix(other), ""
    else:
        return None
    fits = all(left.startswith(cut) and add + left.removeprefix(cut) == right for left, right in pairs)
    return (cut, add) if fits else None


def _tabbed(indent: str, width: int, *, tabbed: bool) -> str:
    columns = indent.expandtabs(width)
    if not tabbed:
        return columns
    full, rest = divmod(len(columns), width)
    return "\t" * full + " " * rest


def _ascends(levels: dict[str, str]) -> bool:
    """True when a deeper indentation in the reply is a deeper one in the file."""
    rows = sorted((width_of(one), width_of(other)) for one, other in levels.items())
    return all(low[0] < high[0] and low[1] < high[1] for low, high in pairwise(rows))


def _level(indent: str, levels: dict[str, str]) -> str | None:
    """Return the file's indentation for one that may be new: in steps as long as the shortest one seen."""
    if indent in levels:
        return levels[indent]
    rows = sorted(levels, key=width_of)
    steps = [
        (width_of(high) - width_of(low), levels[high].removeprefix(levels[low]))
        for low, high in pairwise(rows)
        if levels[high].startswith(levels[low])
    ]
    if not steps:
        return None
    step, unit = min(steps)
    base = max((row for row in rows if width_of(row) < width_of(indent)), key=width_of, default=rows[0])
    count, rest = divmod(width_of(indent) - width_of(base), step)
    if rest and unit.strip(" "):
        return None
    if count >= 0:
        return levels[base] + unit * count + " " * rest
    shorter = levels[base].removesuffix(unit * -count)
    return None if shorter == levels[base] or rest else shorter
