"""parse_reply: subject, order, limits, what counts as meant, and where in the reply an edit stands."""

from __future__ import annotations

import pytest

from selfimprove.errors import PatchError
from selfimprove.executor.patching.reply import MAX_FILES, MAX_REPLY, parse_reply
from selfimprove.model.patch import Action, Edit


def block(path: str, old: str, new: str, width: int = 7) -> str:
    return f"{path}\n{'<' * width} SEARCH\n{old}{'=' * width}\n{new}{'>' * width} REPLACE\n"


ONE = block("a/m.py", "x = 1\n", "x = 2\n")
EDIT = Edit("a/m.py", Action.REPLACE, ("x = 1",), ("x = 2",), style="search_replace", at=2)


@pytest.mark.parametrize(
    "line", ["COMMIT: Do it", "SUBJECT: Do it", "**COMMIT:** Do it", "## COMMIT: Do it  "]
)
def test_subject_and_edits_in_order(line: str) -> None:
    patch = parse_reply(f"{line}\n\n" + ONE + block("n.txt", "", "new\n"))
    assert patch.subject == "Do it"
    assert patch.paths == ("a/m.py", "n.txt")
    assert [(edit.at, edit.old, edit.new) for edit in patch.edits] == [
        (4, ("x = 1",), ("x = 2",)),
        (10, (), ("new",)),
    ]


def test_the_subject_of_a_json_reply() -> None:
    assert (
        parse_reply('{"commit": "Do it\\nmore", "edits": [{"path": "a", "content": ""}]}').subject == "Do it"
    )
    assert parse_reply(f"COMMIT: {'x' * 300}\n{ONE}").subject == "x" * 200


def test_an_edit_is_told_with_its_style_and_its_line() -> None:
    assert parse_reply(ONE).edits == (EDIT,)
    styles = parse_reply(
        ONE
        + '\n```diff\n--- a/b\n+++ b/b\n@@ @@\n-c\n+d\n```\n{"path": "e", "search": "f", "replace": "g"}\n'
        + "h.py\n```\ni\n```\n*** Begin Patch\n*** Update File: j\n@@\n-k\n+l\n*** End Patch\n"
    ).edits
    assert [(edit.path, edit.style, edit.at) for edit in styles] == [
        ("a/m.py", "search_replace", 2),
        ("b", "diff", 11),
        ("e", "json", 15),
        ("h.py", "whole", 17),
        ("j", "patch", 22),
    ]


def test_the_same_edit_counts_once_and_two_count_twice() -> None:
    other = block("a/m.py", "x = 1\n", "x = 3\n")
    assert len(parse_reply(ONE + ONE).edits) == 1
    assert len(parse_reply(ONE + other).edits) == 2


def test_the_file_of_the_block_before_is_meant_when_none_is_named() -> None:
    second = block("", "y = 1\n", "y = 2\n")
    for between in ("", "Done.\nAnd/or?\n", "It calls `n.py` and `o.py`:\n"):
        assert [edit.path for edit in parse_reply(ONE + between + second).edits] == ["a/m.py", "a/m.py"]


def test_a_path_with_blanks_has_to_be_known() -> None:
    text = ONE + block("a b/it's m.py", "y\n", "z\n")
    assert parse_reply(text, frozenset({"a b/it's m.py"})).edits[1].path == "a b/it's m.py"
    assert parse_reply(text).edits[1].path == "a/m.py"


def test_lines_of_the_file_that_look_like_marks() -> None:
    heading = "Title\n=======\n"
    (doubtful,) = parse_reply(block("a.rst", heading, "Other\n")).edits
    assert "2 lines =======" in doubtful.broken
    assert "nine characters" in doubtful.broken
    (clear,) = parse_reply(block("a.rst", heading, "Other\n", width=9)).edits
    assert (clear.old, clear.new, clear.broken) == (("Title", "======="), ("Other",), "")
    short = ("Usage", "=====")
    (edit,) = parse_reply(block("a.rst", "Usage\n=====\n", "Usage\n=====\n")).edits
    assert (edit.old, edit.new) == (short, short)
    whole = block("x", "1\n", "2\n")
    assert parse_reply(block("p.py", "a\n", whole, width=9)).edits[0].new == tuple(whole.splitlines())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no edit"),
        ("I cannot do that.", "holds no edit"),
        ("x" * (MAX_REPLY + 1), "at most 2,000,000"),
        ("".join(block(f"f{n}.txt", "", "x\n") for n in range(MAX_FILES + 1)), "51 files; at most 50"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(PatchError, match=words) as refused:
        parse_reply(text)
    assert refused.value.hint


@pytest.mark.parametrize("tail", ["src/cli", "a/m", "### n.py", "<<<<<<< SEA", "*** Upd", "``", "n.py\n"])
def test_the_beginning_of_another_edit_at_the_end_is_a_sign_of_a_cut(tail: str) -> None:
    assert "cut off" in parse_reply(f"{ONE}\n{tail}", frozenset({"a/m.py"})).edits[-1].broken
    for whole in ("Done.", "That is all", "</answer>", "- It is small.", "Run `pytest`."):
        assert not parse_reply(f"{ONE}\n{whole}", frozenset({"a/m.py"})).edits[-1].broken


@pytest.mark.parametrize(
    "mark",
    ["<", "`", "```x\n", "```\n", "[{\n", '{"a":\n', "@@\n", "<search>\n", "> ```\n", "&lt;", "{", "~"],
)
def test_long_replies_of_one_mark_are_read(mark: str) -> None:
    text = (mark * (200_000 // len(mark)))[:200_000]
    try:
        assert parse_reply(text).edits
    except PatchError as error:
        assert "no edit" in error.message
