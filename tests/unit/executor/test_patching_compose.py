"""apply_reply: all edits or none, the file's own bytes kept, and a reason for whatever is refused; never an error."""

from __future__ import annotations

import ast
import doctest

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor_rig import block
from selfimprove.executor.patching import apply_patch, apply_reply, compose
from selfimprove.executor.patching.coding import LARGEST
from selfimprove.executor.patching.compose import refusal
from selfimprove.model.patch import Action, ApplyResult, Edit, Fate, Patch

PLAIN = b"import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"


def patched(files: dict[str, bytes], *edits: Edit) -> ApplyResult:
    """What the edits make of the files."""
    return apply_patch(Patch(edits), files)


def change(path: str, old: str, new: str, **more: object) -> Edit:
    """An edit that replaces lines."""
    return Edit(path, Action.REPLACE, tuple(old.splitlines()), tuple(new.splitlines()), **more)  # type: ignore[arg-type]


def reasons(result: ApplyResult) -> str:
    """Why nothing was applied; the result must hold nothing."""
    assert not result.ok
    assert result.files == {}
    assert result.removed == ()
    return refusal(result)


def test_the_example_in_the_docstring_is_true() -> None:
    assert doctest.testmod(compose).failed == 0


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"a\r\nb = 1\r\n", b"a\r\nb = 2\r\n"),
        (b"a\r\nb = 1", b"a\r\nb = 2"),
        (b"a  \n\nb = 1\nc\t\n", b"a  \n\nb = 2\nc\t\n"),
        (b"\xef\xbb\xbfa\nb = 1\n", b"\xef\xbb\xbfa\nb = 2\n"),
        (b"# coding: latin-1\n# \xe9\nb = 1\n", b"# coding: latin-1\n# \xe9\nb = 2\n"),
        ("# é\nb = 1\n".encode("latin-1"), "# é\nb = 2\n".encode("latin-1")),
        ("\ufeffé\r\nb = 1\r\n".encode("utf-16-le"), "\ufeffé\r\nb = 2\r\n".encode("utf-16-le")),
        ("\ufeffé\nb = 1\n".encode("utf-16-be"), "\ufeffé\nb = 2\n".encode("utf-16-be")),
        ("x\u2028y\x0cz\nb = 1\n".encode(), "x\u2028y\x0cz\nb = 2\n".encode()),
        (b"# coding: utf-7\nb = 1\n", b"# coding: utf-7\nb = 2\n"),
        (b"# coding: nonsense\nb = 1\n", b"# coding: nonsense\nb = 2\n"),
    ],
)
def test_the_rest_of_the_file_stays_byte_for_byte(content: bytes, wanted: bytes) -> None:
    result = apply_reply(block("f.txt", "b = 1\n", "b = 2\n"), {"f.txt": content, "other.txt": b"b = 1\n"})
    assert result.ok, result
    assert result.files == {"f.txt": wanted}
    assert [report.status for report in result.edits] == [Fate.APPLIED]


def test_one_bad_edit_holds_all_others() -> None:
    files = {"a.py": PLAIN, "b.py": PLAIN}
    reply = block("a.py", "    return 1\n", "    return 3\n") + block(
        "b.py", "    return 7\n", "    return 3\n"
    )
    result = apply_reply(reply, files)
    assert [report.status for report in result.edits] == [Fate.HELD, Fate.REFUSED]
    assert "b.py" in reasons(result)
    assert files == {"a.py": PLAIN, "b.py": PLAIN}


def test_a_place_that_is_not_unique_is_refused_with_the_places() -> None:
    result = apply_reply(block("f.txt", "a\n", "c\n"), {"f.txt": b"a\nb\na\n"})
    assert result.edits[0].candidates == ("f.txt:1", "f.txt:3")
    assert "f.txt" in reasons(result)


def test_an_edit_without_a_file_goes_where_it_alone_fits() -> None:
    edit = change("", "    return 2", "    return 5")
    result = patched({"a.py": b"x = 1\n", "b.py": PLAIN, "c.bin": b"\0return 2"}, edit)
    assert list(result.files) == ["b.py"]
    assert "content" in result.edits[0].how
    two = patched({"a.py": PLAIN, "b.py": PLAIN}, edit)
    assert two.edits[0].candidates == ("a.py:9", "b.py:9")
    assert "does not say" in reasons(two)
    assert "does not say" in reasons(patched({"a.py": b"x\n"}, edit))


def test_a_definition_without_a_file_goes_where_it_is_defined() -> None:
    edit = Edit("", Action.DEFINITION, new=("def two():", "    return 5"))
    result = patched({"a.py": b"x = 1\n", "b.py": PLAIN}, edit)
    assert result.files == {"b.py": PLAIN.replace(b"return 2", b"return 5")}


def test_new_files_and_files_that_exist_already() -> None:
    new = change("pkg/new.py", "", "x = 1\n")
    assert patched({"a.py": PLAIN}, new).files == {"pkg/new.py": b"x = 1\n"}
    assert patched({}, Edit("new.txt", Action.WHOLE, new=("a", "b"))).files == {"new.txt": b"a\nb\n"}
    assert patched({}, Edit("new.txt", Action.WHOLE, new=("a", "b"), ends=False)).files == {
        "new.txt": b"a\nb"
    }
    assert patched({"pkg/new.py": b""}, new).files == {"pkg/new.py": b"x = 1\n"}
    assert "exists already" in reasons(patched({"pkg/new.py": b"y = 1\n"}, new))
    assert "changes nothing" in reasons(patched({"pkg/new.py": b"x = 1\n"}, new))
    assert "cannot be a file and the folder" in reasons(
        patched({"a.py": PLAIN}, change("a.py/b.py", "", "x = 1\n"))
    )
    assert "cannot be a file and the folder" in reasons(
        patched({}, change("n", "", "x\n"), change("n/o", "", "x\n"))
    )
    assert "would not parse" in reasons(patched({}, change("new.py", "", "def\n")))


def test_a_file_is_deleted_or_renamed_once_and_with_the_lines_it_has() -> None:
    files = {"a.py": PLAIN, "b.py": b"x = 1\n"}
    gone = patched(files, Edit("b.py", Action.DELETE))
    assert (gone.ok, gone.files, gone.removed) == (True, {}, ("b.py",))
    assert "other lines" in reasons(patched(files, Edit("b.py", Action.DELETE, old=("x = 2",))))
    moved = patched(
        files, Edit("a.py", Action.RENAME, to="c.py"), change("c.py", "    return 1", "    return 4")
    )
    assert moved.removed == ("a.py",)
    assert moved.files == {"c.py": PLAIN.replace(b"return 1", b"return 4")}
    assert patched(files, Edit("a.py", Action.RENAME, to="c.py")).files == {"c.py": PLAIN}
    assert "exists already" in reasons(patched(files, Edit("a.py", Action.RENAME, to="b.py")))
    assert "deletes b.py and edits it" in reasons(
        patched(files, Edit("b.py", Action.DELETE), change("b.py", "x = 1", "x = 2"))
    )
    assert "does not exist" in reasons(patched(files, Edit("zzz.py", Action.DELETE)))


UNSAFE = (
    "/etc/x",
    "~/x",
    "../x",
    "a/../../x",
    ".git/config",
    "a/.GIT/x",
    ".git /x",
    "git~1/x",
    "C:x",
    "a\0b",
    "a\nb",
)


@pytest.mark.parametrize("path", [*UNSAFE, ".g\u200cit/x", ".git::$INDEX/x", "x" * 300, "a/"])
def test_unsafe_paths_are_refused_without_a_disk(path: str) -> None:
    for edit in (
        Edit(path, Action.WHOLE, new=("x",)),
        change(path, "", "x"),
        Edit("a.py", Action.RENAME, to=path),
    ):
        assert reasons(patched({"a.py": PLAIN}, edit))
    assert reasons(patched({path: b"a\n"}, change(path, "a", "b")))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("    return 1", "    return (1", "would not parse after this edit: line 5"),
        ("    return 1", "return 1", "would not parse"),
        ("    return 1", "    return 1\n\n\ndef three():\n    return 3\n\n\nif os:", "would not parse"),
        ("    return 2", "    return 2\n\n\ndef one():\n    return 1", "would define one twice"),
    ],
)
def test_what_would_break_the_file_is_refused(old: str, new: str, why: str) -> None:
    assert why in reasons(patched({"a.py": PLAIN}, change("a.py", old, new)))


def test_a_definition_that_vanishes_unnamed_is_refused() -> None:
    text = b"class A:\n    def one(self):\n        return 1\n\n    def two(self):\n        return 2\n"
    nested = change("a.py", "        return 1", "        return 1\n\ndef free():\n    pass")
    assert "would not define A.two any more" in reasons(patched({"a.py": text}, nested))


def test_what_did_not_parse_before_may_be_edited_but_not_made_worse() -> None:
    old = b"print 'two'\nx = 1\n"
    assert patched({"a.py": old}, change("a.py", "x = 1", "x = 2")).files == {"a.py": b"print 'two'\nx = 2\n"}
    assert "would not parse" in reasons(patched({"a.py": old}, change("a.py", "x = 1", "x = (((")))


@pytest.mark.parametrize(
    ("path", "good", "old", "new"),
    [
        ("a.json", b'{"a": 1,\n"b": 2}\n', '"b": 2}', '"b": 2'),
        ("a.toml", b"[x]\na = 1\n", "a = 1", "a = "),
        ("a.js", b"function f() {\n  return 1;\n}\n", "  return 1;", "  return 1;\n}"),
        ("a.go", b"package a\n\nfunc f() int {\n\treturn 1\n}\n", "\treturn 1", "\treturn 1 +"),
    ],
)
def test_other_languages_must_parse_too(path: str, good: bytes, old: str, new: str) -> None:
    assert "would not parse" in reasons(patched({path: good}, change(path, old, new)))


def test_overloads_setters_and_branches_are_no_second_definition() -> None:
    text = (
        "import sys\nfrom typing import overload\n\n\nclass A:\n    @property\n    def x(self):\n        return 1\n\n\n"
        "if sys.platform:\n    def f():\n        return 1\n\n\nend = 1\n"
    )
    edits = (
        change(
            "a.py",
            "        return 1\n\n\nif sys.platform:",
            "        return 1\n\n    @x.setter\n    def x(self, to):\n        return 1\n\n\nif sys.platform:",
        ),
        change("a.py", "end = 1", "if end:\n    def f():\n        return 1\nend = 1"),
    )
    assert patched({"a.py": text.encode()}, *edits).ok


def test_a_character_that_the_file_cannot_hold_is_refused() -> None:
    result = patched({"a.txt": b"# coding: latin-1\na\n"}, change("a.txt", "a", "\u20ac"))
    assert "which has no '\u20ac'" in reasons(result)


def test_binary_and_huge_files_are_refused() -> None:
    assert "binary" in reasons(patched({"a": b"x\0\ny\n"}, change("a", "y", "z")))
    huge = b"x\n" * (LARGEST // 2 + 1)
    assert "are edited" in reasons(patched({"a": huge}, change("a", "x", "z")))
    assert "does not say" in reasons(patched({"a": huge}, change("", "x1234", "z")))


def test_a_huge_reply_is_refused() -> None:
    assert reasons(apply_reply("x\n" * 2_000_000, {"a.py": PLAIN}))
    assert reasons(apply_reply(block("a.py", "x\n", "y\n" * 1_100_000), {"a.py": PLAIN}))


def test_a_reply_without_an_edit_or_without_a_change_says_so() -> None:
    assert reasons(apply_reply("Sorry, I cannot do that.", {"a.py": PLAIN}))
    same = apply_reply(block("a.py", "    return 1\n", "    return 1\n"), {"a.py": PLAIN})
    assert "changes nothing" in reasons(same)
    assert {report.status for report in same.edits} == {Fate.UNCHANGED}


def test_a_broken_edit_is_refused_with_its_reason() -> None:
    assert (
        reasons(patched({"a.py": PLAIN}, change("a.py", "x", "y", broken="it was cut off")))
        == "a.py: it was cut off"
    )


def test_the_same_file_given_twice_differently_is_refused() -> None:
    one, two = (Edit("n.txt", Action.WHOLE, new=("a", text)) for text in "bc")
    assert patched({}, one, one).files == {"n.txt": b"a\nb\n"}
    assert "twice, differently" in reasons(patched({}, one, two))


BITS = st.sampled_from(
    [
        *(
            "<<<<<<< SEARCH\n",
            "=======\n",
            ">>>>>>> REPLACE\n",
            "```python\n",
            "```\n",
            "a.py\n",
            "FILE: b.txt\n",
            "\n",
        ),
        *(
            "--- a/a.py\n",
            "+++ b/a.py\n",
            "@@ -1,2 +1,2 @@\n",
            "*** Begin Patch\n",
            "*** Update File: a.py\n",
            "@@\n",
        ),
        *(
            "*** End Patch\n",
            "*** Add File: c.py\n",
            "+x = 1\n",
            "-    return 1\n",
            "+    return 3\n",
            " def one():\n",
        ),
        *(
            "def one():\n",
            "    return 1\n",
            "    return 3\n",
            "...\n",
            "# ... existing code ...\n",
            "class A:\n",
            "x\n",
        ),
        *(
            '{"path": "a.py", "old": "x", "new": "y"}\n',
            "/dev/null\n",
            "../a.py\n",
            "\ud800\n",
            "\r\n",
            "\x00",
            "\u2028",
        ),
    ]
)
REPLIES = st.lists(BITS | st.text(max_size=5), max_size=25).map("".join)
CONTENTS = st.binary(max_size=40) | st.sampled_from(
    [PLAIN, PLAIN.replace(b"\n", b"\r\n"), b"", b"\xff\xfea\0", b"\r\r\n"]
)


@given(reply=REPLIES, content=CONTENTS, other=CONTENTS)
@example("a.py\n<<<<<<< SEARCH\n=======\n\ud800\n>>>>>>> REPLACE\n", b"", b"")
def test_no_reply_and_no_content_raises(reply: str, content: bytes, other: bytes) -> None:
    files = {"a.py": content, "b.txt": other}
    result = apply_reply(reply, files)
    assert files == {"a.py": content, "b.txt": other}
    if not result.ok:
        assert result.files == {}
        assert result.removed == ()
        assert refusal(result)
        return
    assert result.files or result.removed
    assert all(files.get(path) != data for path, data in result.files.items())
    for path, data in result.files.items():
        if path.endswith(".py") and (path not in files or _parses(files[path])):
            assert _parses(data)


def _parses(data: bytes) -> bool:
    try:
        ast.parse(data)
    except (SyntaxError, ValueError):
        return False
    return True
