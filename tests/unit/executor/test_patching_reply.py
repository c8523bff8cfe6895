"""parse_reply: what models write, read right or refused with words for its author."""

from __future__ import annotations

import pytest

from executor_rig import block
from selfimprove.errors import PatchError
from selfimprove.executor.patching.reply import MAX_FILES, parse_reply
from selfimprove.model.patch import Edit

ONE = block("a/m.py", "x = 1\n", "x = 2\n")
EDIT = Edit("a/m.py", "x = 1\n", "x = 2\n")


def test_subject_and_edits_in_order() -> None:
    patch = parse_reply("COMMIT: Do it\n\n" + ONE + block("n.txt", "", "new\n"))
    assert patch.subject == "Do it"
    assert patch.edits == (EDIT, Edit("n.txt", "", "new\n"))
    assert patch.paths == ("a/m.py", "n.txt")


@pytest.mark.parametrize(
    "text",
    [
        ONE.replace("\n", "\r\n"),
        "Sure! Here it is.\n\n" + ONE + "\nThat is all.\n",
        ONE.replace("a/m.py\n", "`a/m.py`\n```python\n") + "```\n",
        ONE.replace("a/m.py\n", "**a/m.py**:\n"),
        ONE.replace("a/m.py\n", "./a/m.py\n\n"),
        ONE.replace("<<<<<<< SEARCH", "<<<<<<<SEARCH").replace("=======", "========"),
        block("a/m.py", "x = 1\n", "x = 2\n", width=9),
    ],
)
def test_what_models_make_of_the_form(text: str) -> None:
    assert parse_reply(text).edits == (EDIT,)


def test_the_file_of_the_block_before_is_meant_when_none_is_named() -> None:
    second = block("", "y = 1\n", "y = 2\n")
    assert parse_reply(ONE + second).edits[1] == Edit("a/m.py", "y = 1\n", "y = 2\n")
    assert parse_reply(ONE + "Done.\nAnd/or?\n" + second).edits[1].path == "a/m.py"


def test_a_path_with_blanks_has_to_be_known() -> None:
    text = ONE + block("a b/it's m.py", "y\n", "z\n")
    assert parse_reply(text, frozenset({"a b/it's m.py"})).edits[1].path == "a b/it's m.py"
    assert parse_reply(text).edits[1].path == "a/m.py"


def test_lines_of_the_file_that_look_like_marks() -> None:
    heading = "Title\n=======\n"
    with pytest.raises(PatchError, match="2 lines =======") as refused:
        parse_reply(block("a.rst", heading, "Other\n"))
    assert "nine characters" in refused.value.hint
    assert parse_reply(block("a.rst", heading, "Other\n", width=9)).edits == (
        Edit("a.rst", heading, "Other\n"),
    )
    short = "Usage\n=====\n"
    assert parse_reply(block("a.rst", short, short)).edits == (Edit("a.rst", short, short),)
    whole = block("x", "1\n", "2\n")
    assert parse_reply(block("p.py", "a\n", whole, width=9)).edits[0].replace == whole


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no edit"),
        ("I cannot do that.", "holds no edit"),
        ("<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n", "does not say which file"),
        ("m.py\n<<<<<<< SEARCH\nx\n=======\ny\n", "no >>>>>>> REPLACE: it was cut off"),
        ("m.py\n<<<<<<< SEARCH\nx\n" + ONE, "no >>>>>>> REPLACE: it was cut off"),
        ("m.py\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n", "no line ======="),
        ("FILE: m.py\nx = 1\n", "not followed by a fenced block"),
        ("FILE: m.py\n```\nx = 1\n", "closing fence: it was cut off"),
        ("x" * 2_000_001, "at most 2,000,000"),
        ("".join(block(f"f{n}.txt", "", "x\n") for n in range(MAX_FILES + 1)), "51 files; at most 50"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(PatchError, match=words):
        parse_reply(text)


def test_a_whole_file_may_hold_fences() -> None:
    body = "# Title\n\n```python\nx = 1\n```\n\nend\n"
    assert parse_reply(f"FILE: README.md\n```markdown\n{body}```\n").edits == (Edit("README.md", None, body),)
    assert parse_reply(f"FILE: README.md\n\n````\n{body}````\n").edits == (Edit("README.md", None, body),)
