"""Whatever a reply does to its lines, what lands is what was meant or nothing."""

from __future__ import annotations

import html
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfimprove.executor.patching.splice import land
from selfimprove.model.patch import Action, Edit

if TYPE_CHECKING:
    from collections.abc import Callable

Lines = list[str]
BODIES = (
    "alpha = compute(beta)", 'name = "first"', "if ready:", "return total", "", "for row in table:",
    "gamma.append(row)  # kept", "x = y < z", "def run(self):", "pass", "delta = {'k': 1}", "while waiting:",
)  # fmt: skip
ROW = st.tuples(st.integers(0, 3), st.sampled_from(BODIES), st.integers(0, 3)).map(
    lambda row: "    " * row[0] + row[1] + (str(row[2]) if row[1].endswith("a") else "") if row[1] else ""
)


def _tabs(line: str) -> str:
    depth = len(line) - len(line.lstrip())
    return "\t" * (depth // 4) + line.lstrip()


STRAIGHT = {0x201D: '"', 0x2019: "'"}


def _curly(line: str) -> str:
    return line.replace('"', "\u201d").replace("'", "\u2019")


SPOILT: dict[str, Callable[[str], str]] = {
    "exact": str,
    "shifted": lambda line: "    " + line if line else line,
    "trailing": lambda line: line + "  ",
    "tabs": _tabs,
    "curly": _curly,
    "escaped": html.escape,
    "returns": lambda line: line + "\r",
}


@st.composite
def changes(draw: st.DrawFn) -> tuple[Lines, Lines]:
    """Return a file's lines and the same after one change in the middle."""
    before = draw(st.lists(ROW, min_size=3, max_size=25))
    start = draw(st.integers(0, len(before) - 1))
    end = draw(st.integers(start, min(len(before), start + 3)))
    put = draw(st.lists(ROW, max_size=3))
    return before, [*before[:start], *put, *before[end:]]


def _edit(
    before: Lines, after: Lines, spoil: Callable[[str], str], context: int, marked: bool
) -> Edit | None:
    """Return the edit that makes ``after``, spoilt, with some lines of context."""
    found = list(SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(context))
    if len(found) != 1:
        return None
    group = found[0]
    old = before[group[0][1] : group[-1][2]]
    new = after[group[0][3] : group[-1][4]]
    marks = "".join(
        " " * (b - a) if name == "equal" else "-" * (b - a) + "+" * (d - c) for name, a, b, c, d in group
    )
    if len([at for at in range(len(before)) if before[at : at + len(old)] == old]) != 1 or not any(old):
        return None
    lines = [tuple(map(spoil, rows)) for rows in (old, new)]
    return Edit("a.py", Action.REPLACE, lines[0], lines[1], marks if marked else "")


def _holds(case: tuple[Lines, Lines], spoil: str, context: int, marked: bool, end: str) -> None:
    before, after = case
    asked = _edit(before, after, SPOILT[spoil], context, marked)
    if asked is None:
        return
    text = "".join(line + end for line in before)
    landed = land([asked], text)
    if not landed.ok:
        assert landed.text == text
        assert landed.reports[0].reason
        return
    wanted = "".join(line + end for line in after)
    if spoil in ("exact", "returns"):
        assert landed.text == wanted
    # Indentation, blanks and quotes of new lines may be unknowable where no old line shows what was done to them.
    made = landed.text
    if spoil == "curly" and not any(chr(odd) in line for line in asked.old for odd in STRAIGHT):
        made, wanted = made.translate(STRAIGHT), wanted.translate(STRAIGHT)
    assert [line.strip() for line in made.split(end)] == [line.strip() for line in wanted.split(end)]
    first, last = _untouched(before, after)
    rows = [line + end for line in before]
    assert landed.text.startswith("".join(rows[:first]))
    assert landed.text.endswith("".join(rows[len(rows) - last :]))


def _untouched(before: Lines, after: Lines) -> tuple[int, int]:
    """Return how many lines are the same at the start and at the end, no line counted twice."""
    most = min(len(before), len(after))
    first = next((at for at in range(most) if before[at] != after[at]), most)
    last = next((at for at in range(most - first) if before[-1 - at] != after[-1 - at]), most - first)
    return first, last


CASE = (
    changes(),
    st.sampled_from(sorted(SPOILT)),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(("\n", "\r\n")),
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(*CASE)
def test_what_lands_is_what_was_meant(
    case: tuple[Lines, Lines], spoil: str, context: int, marked: bool, end: str
) -> None:
    """Random files, changes and ways of spoiling: the meant text, or a refusal; untouched lines byte for byte."""
    _holds(case, spoil, context, marked, end)


@pytest.mark.torture
@settings(max_examples=4000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(*CASE)
def test_what_lands_is_what_was_meant_at_length(
    case: tuple[Lines, Lines], spoil: str, context: int, marked: bool, end: str
) -> None:
    """The same with many more of them."""
    _holds(case, spoil, context, marked, end)
