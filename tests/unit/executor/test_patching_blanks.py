"""Blank lines and no-break spaces that a reply has otherwise than the file, and blocks beside surer edits."""

from __future__ import annotations

import pytest

from selfimprove.executor.patching.compose import apply_reply, refusal

FILE = """import os
import re


def one(text):
    rows = text.split()

    return rows


def two(text):
    return re.sub("a", "b", text)


LAST = os.sep
"""
WANTED = FILE.replace(
    "    return rows\n", "    rows.sort()\n\n    return rows\n\n\ndef half():\n    return 0.5\n"
)


def block(old: str, new: str, path: str = "m.py") -> str:
    return f"{path}\n```\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```\n"


def lines(text: str, first: str, last: str) -> str:
    return text[text.index(first) : text.index(last) + len(last)]


@pytest.mark.parametrize("times", [0, 2])
def test_blank_lines_lost_or_doubled_in_the_search_part_alone_are_as_the_new_part_has_them(times):
    old, new = (lines(text, "def one", "def two(text):\n") for text in (FILE, WANTED))
    spoilt = old.replace("\n\n\n", "\n" + "\n" * 2 * times).replace(
        "\n\n    return", "\n" + "\n" * times + "    return"
    )
    assert spoilt != old
    result = apply_reply(block(spoilt, new), {"m.py": FILE.encode()})
    assert result.ok
    assert result.files["m.py"].decode() == WANTED


def test_doubled_blank_lines_at_the_ends_of_the_search_part_take_none_away():
    old = '\n\ndef two(text):\n    return re.sub("a", "b", text)\n\n\n\n\nLAST = os.sep\n'
    new = '\ndef two(text):\n    return re.sub("a", "c", text)\n\n\nLAST = os.sep\n'
    result = apply_reply(block(old, new), {"m.py": FILE.encode()})
    assert result.ok
    assert result.files["m.py"].decode() == FILE.replace('"b"', '"c"')


def test_no_line_is_lost_where_new_lines_have_blank_ones_and_the_search_part_has_them_twice():
    old = FILE.replace("\n\n", "\n\n\n").replace("\n\n\n\n", "\n\n\n\n\n")
    new = FILE.replace("LAST", "def three():\n    pass\n\n\ndef four():\n    pass\n\n\nLAST")
    result = apply_reply(block(old, new), {"m.py": FILE.encode()})
    made = result.files.get("m.py", b"").decode()
    assert not result.ok or [row for row in made.split("\n") if row] == [
        row for row in new.split("\n") if row
    ]


def test_no_break_spaces_of_a_spoilt_reply_are_plain_in_each_of_its_files():
    notes = block("Release 1\n", "Development\u00a0version\n\nRelease 1\n", "NOTES")
    code = block("    rows\u00a0= text.split()\n", "    rows = list(text)\n")
    result = apply_reply(notes + code, {"m.py": FILE.encode(), "NOTES": b"Release 1\n"})
    assert result.ok
    assert result.files["NOTES"] == b"Development version\n\nRelease 1\n"
    assert b"\xc2\xa0" not in result.files["m.py"]


def test_new_no_break_spaces_of_which_nothing_tells_whether_they_are_meant_are_refused():
    reply = block("Release 1\n", "Release\u00a02\n\nRelease 1\n", "NOTES")
    result = apply_reply(reply, {"NOTES": b"Release 1\n"})
    assert not result.ok
    assert "no-break spaces" in refusal(result)


def test_no_break_spaces_stay_where_the_file_has_some():
    reply = block("Version\u00a01\n", "Version\u00a02\n", "NOTES")
    result = apply_reply(reply, {"NOTES": "Version\u00a01\n".encode()})
    assert result.files == {"NOTES": "Version\u00a02\n".encode()}


def test_a_definition_under_the_name_of_its_file_is_an_edit_beside_surer_ones():
    said = "`m.py`, `two`:\n\n```python\ndef two(text: str) -> str:\n    return text.upper()\n```\n\n"
    result = apply_reply(
        said + block("Release 1\n", "Release 2\n", "NOTES"), {"m.py": FILE.encode(), "NOTES": b"Release 1\n"}
    )
    assert result.ok
    assert b"return text.upper()" in result.files["m.py"]
    assert b"Release 2" in result.files["NOTES"]


def test_brackets_alone_do_not_tell_that_a_line_stands_deeper_than_in_the_reply():
    file = "fn a() {\n    if x {\n        y();\n        }\n    }\n}\n"
    reply = "a.rs\n```diff\n--- a/a.rs\n+++ b/a.rs\n@@ -3,3 +3,6 @@\n         y();\n     }\n }\n+\n+fn b() {\n+}\n```\n"
    result = apply_reply(reply, {"a.rs": file.encode()})
    made = result.files.get("a.rs", b"").decode()
    assert not result.ok or made == file + "\nfn b() {\n}\n"


def test_a_file_that_ends_too_early_is_refused_though_lines_of_it_moved_down():
    names = [f"* name {n}\n" for n in range(40)]
    tail = "".join(f"closing words number {n}\n" for n in range(20))
    before = "# Title\n" + "".join(names) + "\n# More\n" + tail
    made = "# Title\n" + "".join(names[20:]) + "\n# More\n" + "".join(names[:20])
    result = apply_reply(f"README.txt\n```\n{made}```\n", {"README.txt": before.encode()})
    assert not result.ok
    assert "cut off" in refusal(result)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("```python\ndef two(text: str) -> str:\n    return text.upper()\n```\n\n", "not certain"),
        ("`m.py` has:\n\n```python\ndef one(text):\n    return rows\n```\n\n", "not certain"),
    ],
)
def test_a_block_that_may_be_an_edit_or_an_extract_is_refused(said, told):
    edit = block("LAST = os.sep\n", "LAST = os.altsep\n")
    result = apply_reply(said + edit, {"m.py": FILE.encode()})
    assert not result.ok
    assert told in refusal(result)


def test_a_block_that_only_shows_code_beside_an_edit_changes_nothing():
    there = "`m.py` has:\n\n```python\ndef one(text):\n    rows = text.split()\n```\n\n"
    said = f"{there}Call it so:\n\n```python\nprint(two(1))\nprint(one(2))\n```\n\n"
    result = apply_reply(said + block("LAST = os.sep\n", "LAST = os.altsep\n"), {"m.py": FILE.encode()})
    assert result.ok
    assert result.files["m.py"].decode() == FILE.replace("os.sep", "os.altsep")


def test_an_edit_that_takes_the_byte_order_mark_away_is_refused():
    file = "\ufeffone = 1\ntwo = 2\n".encode()
    result = apply_reply(block("\ufeffone = 1\ntwo = 2\n", "two = 2\n"), {"m.py": file})
    assert not result.ok
    assert "byte order mark" in refusal(result)
    kept = apply_reply(block("\ufeffone = 1\n", "\ufeffone = 3\n"), {"m.py": file})
    assert kept.files["m.py"] == "\ufeffone = 3\ntwo = 2\n".encode()


def test_a_whole_file_is_no_part_though_it_writes_an_import_of_many_lines_in_one():
    bodies = "".join(f"\n\ndef step_{n}():\n    return {n}\n" for n in range(4))
    names = "".join(f"    part_{n},\n" for n in range(9))
    before = f"import os\nfrom .parts import (\n{names})\n\n\ndef _old():\n    return os\n{bodies}"
    after = f"import os\nfrom .parts import part_0\n\n\ndef new():\n    return os\n{bodies}"
    result = apply_reply(f"m.py\n```python\n{after}```\n", {"m.py": before.encode()})
    assert result.ok
    assert result.files["m.py"].decode() == after
