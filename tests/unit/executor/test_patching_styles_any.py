"""parse_reply with any text: nothing but PatchError is raised, and what is written in a style is read back."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfimprove.errors import PatchError
from selfimprove.executor.patching.instructions import STYLES, instructions, style_for
from selfimprove.executor.patching.reply import parse_reply
from selfimprove.model.patch import Edit

PIECES = (
    *(
        "<<<<<<< SEARCH",
        "=======",
        ">>>>>>> REPLACE",
        "```",
        "```python",
        "```diff",
        "~~~",
        "src/x.py",
        "### `a.py`:",
    ),
    *(
        "--- a/x.py",
        "+++ b/x.py",
        "@@ -1,2 +1,2 @@ def f():",
        "@@",
        "+a",
        "-b",
        " c",
        "\\ No newline at end of file",
    ),
    *("*** Begin Patch", "*** Update File: a.py", "*** Add File: b.py", "*** End of File", "*** End Patch"),
    *(
        '{"path": "a", "search": "b",',
        '"replace": "c"}',
        "[{",
        "}]",
        '<file path="a.py">',
        "<search>",
        "</search>",
    ),
    *(
        "<replace>",
        "</replace>",
        "</file>",
        "<think>",
        "</think>",
        "> ```",
        "FILE: x.py",
        "COMMIT: do",
        "",
        "x = 1",
    ),
    *(
        "rename from a",
        "rename to b",
        "diff --git a/x b/x",
        "def f():",
        "    pass",
        "&lt;&lt;&lt;&lt;&lt;&lt;&lt; SEARCH",
    ),
)
TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=10)), max_size=25).map("\n".join),
)
# What a line may hold: everything that a line can, but for what a lone CR or an escape of marks would make of it.
LINE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30).filter(
    lambda line: (
        not any(mark in line for mark in ("=====", "<<<<<", ">>>>>", "&lt;", "&gt;", "&#", "```", "~~~"))
    )
)
LINES = st.lists(LINE, min_size=1, max_size=6)


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        patch = parse_reply(text, frozenset({"src/x.py"}))
    except PatchError:
        return
    assert patch.edits
    assert all(isinstance(edit, Edit) and edit.style and edit.at >= 1 for edit in patch.edits)


def expect(text: str, *edits: tuple[str, list[str], list[str]]) -> None:
    found = [
        (edit.path, list(edit.old), list(edit.new)) for edit in parse_reply(text).edits if not edit.broken
    ]
    assert found == list(edits)


@given(LINES, LINES, st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_blocks_come_back(old: list[str], new: list[str], fenced: bool, escaped: bool) -> None:
    body = "\n".join(("<<<<<<< SEARCH", *old, "=======", *new, ">>>>>>> REPLACE\n"))
    text = f"src/x.py\n```\n{body}```\n" if fenced else f"src/x.py\n{body}"
    expect(html.escape(text) if escaped else text, ("src/x.py", old, new))


@given(st.lists(st.tuples(st.sampled_from(" -+"), LINE), min_size=1, max_size=9))
@settings(max_examples=80, deadline=None)
def test_differences_come_back(lines: list[tuple[str, str]]) -> None:
    lines = [("+", "first"), *lines, (" ", "last")]
    old = [line for mark, line in lines if mark != "+"]
    new = [line for mark, line in lines if mark != "-"]
    body = "".join(f"{mark}{line}\n" for mark, line in lines)
    head = f"--- a/x.py\n+++ b/x.py\n@@ -1,{len(old)} +1,{len(new)} @@\n"
    for text in (f"```diff\n{head}{body}```\n", head + body):
        (edit,) = parse_reply(text).edits
        assert (edit.path, list(edit.old), list(edit.new)) == ("x.py", old, new)
        assert edit.marks == "".join(mark for mark, _ in lines)
    patch = f"*** Begin Patch\n*** Update File: x.py\n{body}*** End Patch\n"
    assert parse_reply(patch).edits[0].marks == edit.marks


@given(LINES, LINES)
@settings(max_examples=80, deadline=None)
def test_files_and_json_come_back(old: list[str], new: list[str]) -> None:
    expect(whole(new), ("x.py", [], new))
    said = {"path": "x.py", "search": "\n".join(old) + "\n", "replace": "\n".join(new) + "\n"}
    for indent in (None, 2):
        expect(json.dumps({"edits": [said]}, indent=indent), ("x.py", old, new))
    expect(f"```json\n{json.dumps(said, ensure_ascii=False)}\n```", ("x.py", old, new))


def whole(lines: list[str]) -> str:
    """Return the reply that gives a whole file; a first line keeps its content from looking like a label."""
    return "FILE: x.py\n````python\n" + "\n".join(lines) + "\n````\n"


@given(LINES, LINES, st.data())
@settings(max_examples=80, deadline=None)
def test_a_reply_that_ends_anywhere_never_gives_another_edit(
    old: list[str], new: list[str], data: st.DataObject
) -> None:
    body = "\n".join((*old, "=======", *new, ">>>>>>> REPLACE"))
    full = f"src/x.py\n```python\n<<<<<<< SEARCH\n{body}\n```"
    cut = full[: data.draw(st.integers(0, len(full) - 1))]
    try:
        edits = parse_reply(cut).edits
    except PatchError:
        return
    assert all(edit.broken for edit in edits)


@pytest.mark.parametrize("style", STYLES)
def test_the_instructions_show_a_form_that_is_read(style: str) -> None:
    text = instructions(style)
    assert "COMMIT: " in text or '"commit"' in text
    patch = parse_reply(text.replace('delete"}', 'delete"'))
    assert {edit.path.rpartition("/")[0] for edit in patch.edits} <= {"src/package", "..."}
    assert not any(edit.broken for edit in patch.edits[:1])


def test_the_style_for_a_model() -> None:
    assert style_for("openai/gpt", "diff") == "diff"
    by_glob = {"openai/*": "patch", "openai/gpt-4*": "whole", "*": "json"}
    assert [style_for(model, by_glob) for model in ("openai/o3", "OpenAI/GPT-4o", "x/y", None)] == [
        *("patch", "whole", "json", "json")
    ]
    assert style_for("x/y", {"openai/*": "patch"}) == "search_replace"
