"""Edits of one file land where they are meant, byte for byte, or are refused."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.executor.patching.splice import Landed, land
from selfimprove.model.patch import Action, Edit, Fate

FILE = """\
import os


def first(x):
    if x:
        return "a"
    return 2


def second(x):
    for y in x:
        print(y)   # shown
    return 2
"""


def edit(old: str, new: str, marks: str = "", **hints: Any) -> Edit:
    """Return an edit of lines given as text."""
    lines = [tuple(text.split("\n")) if text else () for text in (old, new)]
    return Edit("a.py", Action.REPLACE, lines[0], lines[1], marks, **hints)


def one(landed: Landed) -> tuple[Fate, str]:
    """Return what became of the only edit, and by what it was found."""
    assert landed.ok == (landed.reports[0].status is not Fate.REFUSED)
    return landed.reports[0].status, landed.reports[0].how


EXACT = ('        return "a"', '        return "b"')
FOUND = {
    "exact": ("    if x:\n" + EXACT[0], "    if x:\n" + EXACT[1], "exact"),
    "trailing space": ("    if x:  \n" + EXACT[0] + "  ", "    if x:  \n" + EXACT[1] + "  ", "trailing space"),
    "carriage returns": ("    if x:\r\n" + EXACT[0] + "\r", "    if x:\r\n" + EXACT[1] + "\r", "exact"),
    "no indentation": ('if x:\n    return "a"', 'if x:\n    return "b"', "indentation"),
    "too much": ('      if x:\n          return "a"', '      if x:\n          return "b"', "indentation"),
    "first line": ('if x:\n        return "a"', 'if x:\n        return "b"', "indentation, first line"),
    "tabs": ('\tif x:\n\t\treturn "a"', '\tif x:\n\t\treturn "b"', "indentation, tabs"),
    "steps": ('def first(x):\n  if x:\n    return "a"', 'def first(x):\n  if x:\n    return "b"',
              "indentation, levels"),
    "curly": ("    if x:\n        return \u201ca\u201d", "    if x:\n        return \u201cb\u201d", "punctuation"),
    "fixed blanks": (EXACT[0].replace(" ", "\u00a0"), EXACT[1].replace(" ", "\u00a0"), "punctuation"),
    "escaped": ("        return &quot;a&quot;", "        return &quot;b&quot;", "HTML escapes"),
    "numbers": ('5:     if x:\n6:         return "a"', '5:     if x:\n6:         return "b"', "line numbers, exact"),
    "bars": ('5 |     if x:\n6 |         return "a"', '5 |     if x:\n6 |         return "b"', "line numbers, exact"),
    "numbers in old alone": ('5:     if x:\n6:         return "a"', "    if x:\n" + EXACT[1], "line numbers, exact"),
    "blank lines": ("import os\n\ndef first(x):\n    if x:\n" + EXACT[0],
                    "import os\n\ndef first(x):\n    if x:\n" + EXACT[1], "blank lines"),
    "blank edges": ("\n    if x:\n" + EXACT[0] + "\n\n", "\n    if x:\n" + EXACT[1] + "\n\n", "blank lines"),
    "a remark": ("    # change this\n    if x:\n" + EXACT[0], "    # change this\n    if x:\n" + EXACT[1],
                 "spurious comment, exact"),
    "elided": ("import os\n...\n" + EXACT[0], "import os\n...\n" + EXACT[1], "elided lines"),
    "elided in words": ("def first(x):\n    # ... existing code ...\n" + EXACT[0],
                        "def first(x):\n    # ... existing code ...\n" + EXACT[1], "elided lines"),
    "misspelt": ("def frst(x):\n    if x:\n" + EXACT[0], "def frst(x):\n    if x:\n" + EXACT[1], "similar"),
    "inner blanks": ("    for y in x:\n        print(y) # shown\n    return 2",
                     "    for y in x:\n        print(y) # shown\n    return 3", "spacing"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_each_rung_lands_exactly(name: str) -> None:
    """Whatever the reply did to all its lines is undone in the new ones, and no other line is touched."""
    old, new, how = FOUND[name]
    landed = land([edit(old, new)], FILE)
    assert one(landed) == (Fate.APPLIED, how)
    wanted = FILE.replace('"a"', '"b"') if '"a"' in old + FILE and name != "inner blanks" else ""
    assert landed.text == (wanted or FILE[: FILE.rindex("2")] + "3\n")


REFUSED = {
    "two places": (edit("    return 2", "    return 3"), FILE, "2 times"),
    "two that differ in what is tolerated": (
        edit("return 1 ", "return 2 "), "if a:\n    return 1\nif b:\n  return 1\n", "2 times"),
    "nowhere": (edit("def third(x):\n    pass", "def third(x):\n    return 1"), FILE, "do not stand"),
    "no hint": (edit("", "x = 1"), FILE, "does not say where"),
    "a placeholder": (edit("    if x:", "    # ... rest of the code ..."), FILE, "in place of code"),
    "lost lines": (edit("def second(x):\n    ...\n    return 2", "def second(x):\n    pass"), FILE, "would be lost"),
    "broken": (edit("import os", "import re", broken="it was cut off"), FILE, "cut off"),
    "another word in a line that goes": (
        edit("uses: actions/cache@1\nwith: something", "uses: actions/cache@2\nwith: something"),
        "uses: other/cache@1\nwith: something\n", "other/cache@1"),
    "no such line": (edit("", "x", span=(40, 41)), FILE, "has 13 lines"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_certain_is_refused(name: str) -> None:
    """The text stays as it is, and the reason helps the author."""
    asked, text, says = REFUSED[name]
    landed = land([asked], text)
    assert one(landed)[0] is Fate.REFUSED
    assert landed.text == text
    assert says in landed.reports[0].reason


def test_several_places_are_told() -> None:
    """The candidates name file and line."""
    assert land([edit("    return 2", "    return 3")], FILE).reports[0].candidates == ("a.py:7", "a.py:13")


@pytest.mark.parametrize(
    "hints",
    [{"line": 13}, {"symbol": "second"}, {"anchors": ("def second(x):",)}, {"at_end": True}],
    ids=str,
)
def test_a_hint_chooses(hints: dict[str, Any]) -> None:
    """A number that hits, a name, the end of the file."""
    landed = land([edit("    return 2", "    return 3", **hints)], FILE)
    assert landed.text == FILE[: FILE.rindex("2")] + "3\n"
    assert landed.reports[0].line == 13


def test_a_number_that_nearly_hits_chooses_when_all_others_are_far() -> None:
    """Two lines off, and the next place forty lines away."""
    text = "x = 1\n" + "pass\n" * 40 + "x = 1\n"
    assert land([edit("x = 1", "x = 2", line=3)], text).text == "x = 2\n" + text[6:]
    assert not land([edit("x = 1", "x = 2", line=20)], text).ok


def test_numbers_that_prove_wrong_choose_nothing() -> None:
    """Another hunk says that the numbers are off by one; then an exact hit is none."""
    hunks = [edit("import os", "import re", "-+", line=7), edit("    return 2", "    return 3", "-+", line=7)]
    landed = land(hunks, FILE)
    assert [report.status for report in landed.reports] == [Fate.APPLIED, Fate.REFUSED]
    moved = [
        edit("import os", "import re", "-+", line=7),
        edit("    return 2", "    return 3", "-+", line=19),
    ]
    assert land(moved, FILE).text == FILE.replace("import os", "import re")[: FILE.rindex("2")] + "3\n"


def test_the_order_of_hunks_chooses() -> None:
    """A hunk lies behind the one before it."""
    hunks = [
        edit("        print(y)   # shown", "        pass", "-+"),
        edit("    return 2", "    return 3", "-+"),
    ]
    assert land(hunks, FILE).text.endswith("        pass\n    return 3\n")


def test_the_same_edit_as_often_as_it_has_places() -> None:
    """Two equal edits for two places are one for each."""
    landed = land([edit("    return 2", "    return 3")] * 2, FILE)
    assert landed.text == FILE.replace("return 2", "return 3")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a\r\nb\r\nc\r\n", "a\r\nx\r\ny\r\nc\r\n"),
        ("a\r\nb\nc\r\n", "a\r\nx\ny\nc\r\n"),
        ("a\nb\r\nc\n", "a\nx\r\ny\r\nc\n"),
        ("a\nb\nc", "a\nx\ny\nc"),
        ("a\nb", "a\nx\ny"),
        ("a\rb\rc\r", "a\rx\ry\rc\r"),
        ("a\x0c\nb\n\u2028c\n", "a\x0c\nx\ny\n\u2028c\n"),
    ],
)
def test_line_ends_are_the_files(text: str, wanted: str) -> None:
    """New lines end as those which they replace; the final newline stays as it was."""
    assert land([edit("b", "x\ny")], text).text == wanted


@pytest.mark.parametrize(
    ("text", "ends", "wanted"),
    [
        ("a\nb", True, "a\nc\n"),
        ("a\nb\n", False, "a\nc"),
        ("a\nb", None, "a\nc"),
        ("a\nb\nd\n", False, "a\nc\nd\n"),
    ],
)
def test_the_final_newline_is_as_the_edit_says(text: str, ends: bool | None, wanted: str) -> None:
    """Only an edit of the end of the file can say so."""
    assert land([edit("b", "c", "-+", ends=ends)], text).text == wanted


def test_lines_that_stay_keep_every_byte() -> None:
    """Tabs, trailing blanks, odd characters and comments of the lines around a change are the file's."""
    text = "\tif a:   \n\t\tb = \u201cx\u201d\t\n\t\tc = 1\u00a0\n\t\treturn c\n"
    landed = land(
        [edit('if a:\n    b = "x"\n    c = 1\n    return c', 'if a:\n    b = "x"\n    c = 1\n    return d')],
        text,
    )
    assert landed.text == text.replace("return c", "return d")


def test_a_new_line_of_an_exact_edit_is_not_mended() -> None:
    """Curly quotes that are meant stay where the old lines show that the reply has straight ones as well."""
    landed = land([edit('        return "a"', "        return \u201ca\u201d")], FILE)
    assert "return \u201ca\u201d" in landed.text


def test_what_stands_there_already_is_unchanged() -> None:
    """The edit was made before."""
    done = FILE.replace('        return "a"', '        return "quite another"')
    landed = land([edit("    if x:\n" + EXACT[0], '    if x:\n        return "quite another"')], done)
    assert (landed.ok, landed.text, landed.reports[0].status) == (True, done, Fate.UNCHANGED)


def test_edits_that_agree_and_edits_that_do_not() -> None:
    """The same change twice is one; two changes of one line are refused."""
    same = edit("import os", "import re")
    assert land([same, same], FILE).text == FILE.replace("import os", "import re")
    landed = land([same, edit("import os", "import io")], FILE)
    assert [report.status for report in landed.reports] == [Fate.APPLIED, Fate.REFUSED]
    assert "another edit" in landed.reports[1].reason


def test_an_edit_of_what_an_edit_made() -> None:
    """What is not in the text as it was is looked for in the text after the others."""
    landed = land([edit("import os", "import re\nimport io"), edit("import io", "import ast")], FILE)
    assert landed.text == FILE.replace("import os", "import re\nimport ast")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (edit("", "x", span=(1, 1)), "x\nb\nc\n"),
        (edit("", "x", span=(2, 1)), "a\nx\nb\nc\n"),
        (edit("", "x", "+", line=3), "a\nb\nx\nc\n"),
        (edit("", "x", at_end=True), "a\nb\nc\nx\n"),
        (edit("", "x", anchors=("b",)), "a\nb\nx\nc\n"),
        (edit("b", "", "-"), "a\nc\n"),
    ],
)
def test_lines_that_are_named_by_number_or_put_in(asked: Edit, wanted: str) -> None:
    """Spans, insertions and deletions."""
    assert land([asked], "a\nb\nc\n").text == wanted


def test_an_empty_file_takes_lines() -> None:
    """Nothing has to be found in nothing."""
    assert land([edit("", "a\nb")], "").text == "a\nb\n"


def test_a_large_file_is_no_trouble() -> None:
    """Fifty edits of twenty thousand lines, most of them alike, with a few that are only similar."""
    rows = [
        f"value_{number} = compute({number % 7})" if number % 3 else "    pass" for number in range(20_000)
    ]
    text = "\n".join(rows) + "\n"
    asked = [edit(rows[at], f"other_{at} = 1") for at in range(1, 15_000, 300)]
    landed = land(asked, text)
    assert landed.ok
    assert landed.text.count("other_") == 50


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("a\nb", "a\n\nc", "a\n\nc\n"),
        ("a\n\n\nb", "a\n\nc\nb", "a\n\nc\nb\n"),
        ("a\n\n\nb", "a\n\n\nc", "a\n\nc\n"),
        ("a\nb", "a\nx\nb", "a\nx\n\nb\n"),
        ("a\nb", "x\nb", "x\n\nb\n"),
    ],
)
def test_blank_lines_are_the_files(old: str, new: str, wanted: str) -> None:
    """The file has one blank line where the reply has none or two."""
    assert land([edit(old, new)], "a\n\nb\n").text == wanted
