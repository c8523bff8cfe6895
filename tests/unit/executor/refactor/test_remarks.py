"""Comments to tools keep what they are about: they move with it, or it does not move."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.extract.search import Aims, search
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source

BODY = """
import sys


def load(rows, mode, limit):{def_}
    total = 0
    {before}
    for row in rows:{loop}
        if row > limit:{head}
            total += row{line}
        elif row < 0 and mode:
            {inside}
            total -= 1
            {after}
        else:{other}
            total += len(str(row))
    {behind}
    if total > 3 and mode and limit:
        return 3
    return total
"""
PARTS = ("def_", "before", "loop", "head", "line", "inside", "after", "other", "behind")


def _text(**more: str) -> str:
    """Return the function with remarks: of ``def_``, ``loop``, ``head``, ``line`` and ``other`` behind a line."""
    said = {name: more.get(name, "") for name in PARTS}
    behind = ("def_", "loop", "head", "line", "other")
    text = BODY.format(**{name: f"  {one}" if one and name in behind else one for name, one in said.items()})
    return "\n".join(row for row in text.split("\n") if row.strip() or not row)


def _after(text: str, aim: int = 3) -> str:
    content = textwrap.dedent(text).encode()
    source = Source.read("m.py", content)
    draft = search(source, source.place("load"), Project({"m.py": content}), Aims(complexity=aim))
    return draft.files["m.py"].decode()


def _helpers(text: str) -> str:
    return text.partition("def load(")[0]


def _same(one: str, other: str) -> bool:
    calls = [
        (rows, mode, limit) for rows in ([1, 9, -3], [-1], [12, 30]) for mode in (0, 1) for limit in (0, 5)
    ]
    found: list[Any] = []
    for text in (one, other):
        names: dict[str, Any] = {}
        exec(compile(text, "m.py", "exec"), names)
        found.append([names["load"](*call) for call in calls])
    return bool(found[0] == found[1])


@pytest.mark.parametrize(
    "words", ["# noqa: E501", "# type: ignore[assignment]", "# fmt: skip", "# nosec B101"]
)
def test_a_remark_behind_a_line_moves_with_it(words: str) -> None:
    text = _text(line=words)
    after = _after(text)
    assert f"total += row  {words}\n" in _helpers(after)
    assert after.count(words) == 1
    assert _same(text, after)


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ("# fmt: off", "# fmt: on"),
        ("# pylint: disable=no-member", "# pylint: enable=no-member"),
        ("# yapf: disable", "# yapf: enable"),
        ("# fmt: off", ""),
        ("# pylint: disable=no-member,C0103", ""),
    ],
)
def test_what_would_divide_a_region_is_no_helper(off: str, on: str) -> None:
    """The region ends behind the loop, or with the function: no cut of the loop alone has the whole of it."""
    assert "for row" in _helpers(_after(_text(), 5))
    with pytest.raises(RefactorError, match=r"`# .*` in line \d+ is about more or less than it"):
        _after(_text(inside=off, behind=on), 5)


def test_a_region_inside_of_a_branch_moves_with_the_branch() -> None:
    text = _text(inside="# pylint: disable=no-member", after="# pylint: enable=no-member")
    after = _after(text)
    assert _helpers(after).count("# pylint:") == 2
    assert _same(text, after)


@pytest.mark.parametrize("words", ["# pragma: no cover", "# pylint: disable=protected-access"])
def test_what_stands_under_a_head_with_a_remark_does_not_leave_it(words: str) -> None:
    with pytest.raises(RefactorError, match="is about more or less than it"):
        _after(_text(def_=words))
    after = _after(_text(loop=words), 5)
    assert f"for row in rows:  {words}" in _helpers(after)


def test_a_remark_about_a_function_as_a_whole_keeps_nothing_in_it() -> None:
    assert _after(_text(def_="# pylint: disable=too-many-branches, R0912"))


def test_a_remark_on_an_else_is_about_what_follows_it() -> None:
    after = _after(_text(other="# pragma: no cover"))
    assert "else:  # pragma: no cover\n" in after
    head, _, tail = after.partition("else:  # pragma: no cover\n")
    assert tail.lstrip().startswith("total += len(str(row))")
    assert head


CHOICE = """
def load(a, b, c, d):
    if a and b and (c or d):{words}
        return 1
    return 0
"""


def test_a_remark_about_a_branch_stays_when_its_condition_moves() -> None:
    for words in ("# pragma: no cover", "# pragma: no branch"):
        after = _after(CHOICE.format(words=f"  {words}"), 4)
        assert f"):  {words}\n        return 1" in after
        assert words not in _helpers(after)


@pytest.mark.parametrize("words", ["# noqa: SIM102", "# type: ignore", "# pylint: disable=no-member"])
def test_a_condition_that_a_remark_may_be_about_stays(words: str) -> None:
    with pytest.raises(RefactorError):
        _after(CHOICE.format(words=f"  {words}"), 4)


def test_a_region_around_the_function_is_around_its_helpers() -> None:
    text = "# fmt: off\nX = 1\n" + _text() + "\n# fmt: on\n"
    after = _after(text)
    assert after.index("# fmt: off") < after.index("def _") < after.index("# fmt: on")
    above = _text().replace("def load", "# fmt: off\ndef load")
    with pytest.raises(RefactorError, match="is about more or less"):
        _after(above)
