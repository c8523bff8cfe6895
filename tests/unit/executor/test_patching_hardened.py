"""apply_reply against replies that real commits turned into: what must land, and what must never land in silence."""

from __future__ import annotations

import pytest

from executor_rig import block
from selfimprove.executor.patching import apply_reply
from selfimprove.executor.patching.verify import left_out

CODE = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(6))


@pytest.mark.parametrize(
    "remark",
    ["# keep all the others", "# ---- unchanged ----", "// and so on", "...", "<!-- nothing new here -->"],
)
def test_a_remark_never_takes_the_place_of_code(remark: str) -> None:
    have = ["a = 1", "b = 2", "c = 3", "d = 4", "e = 5", "f = 6"]
    assert left_out(have, ["a = 1", remark, "f = 6"]) == remark


@pytest.mark.parametrize(
    "made",
    [
        ["a = 1", "# b = 2", "# c = 3", "# d = 4", "# e = 5", "f = 6"],  # made into remarks
        ["a = 1", "f = 6"],
        ["a = 1", "# shorter", "b = 14", "f = 6"],
    ],
)
def test_code_may_go_for_other_reasons(made: list[str]) -> None:
    have = ["a = 1", "b = 2", "c = 3", "d = 4", "e = 5", "f = 6"]
    assert left_out(have, made) == ""


def landed(reply: str, files: dict[str, str]) -> dict[str, str] | None:
    """What a reply makes of files; None when it is refused."""
    result = apply_reply(reply, {path: text.encode() for path, text in files.items()})
    return {path: data.decode() for path, data in result.files.items()} if result.ok else None


@pytest.mark.parametrize(
    ("old", "new", "have", "wanted"),
    [
        ("g()\nr(x)\n", "h()\n\nr(x)\n", "g()\n\nr(x)\n", "h()\n\nr(x)\n"),
        (
            "g()\nr(x)\nend()\n",
            "g()\ny = 2\n\nr(x)\nend()\n",
            "g()\n\nr(x)\nend()\n",
            "g()\ny = 2\n\nr(x)\nend()\n",
        ),
        (
            "g()\n\n\nr(xx)\nend()\n",
            "g()\n\nr(yy)\nend()\n",
            "g()\n\nr(xx)\nend()\n",
            "g()\n\nr(yy)\nend()\n",
        ),
        (
            "g(1)\n\n\n\n\nr(xx)\n",
            "g(1)\n\n\nnew()\n\n\nr(xx)\n",
            "g(1)\n\n\nr(xx)\n",
            "g(1)\n\n\nnew()\n\n\nr(xx)\n",
        ),
    ],
)
def test_blank_lines_of_the_text_to_find_say_nothing_when_they_are_not_the_files(
    old: str, new: str, have: str, wanted: str
) -> None:
    assert landed(block("f.txt", old, new), {"f.txt": have}) == {"f.txt": wanted}


@pytest.mark.parametrize("form", ["{}\t{}", "{} | {}", "{}: {}", "{}→{}"])
def test_line_numbers_are_no_indentation(form: str) -> None:
    have = "def f():\n    if x:\n        return 1\n    return 2\n"
    old = "".join(form.format(n, line) + "\n" for n, line in enumerate(have.splitlines()[1:3], 2))
    reply = block("f.py", old, "    if x:\n        return 3\n")
    assert landed(reply, {"f.py": have}) == {"f.py": have.replace("1", "3")}


@pytest.mark.parametrize("lost", [True, False])
def test_a_diff_whose_lines_that_stay_have_lost_their_mark(lost: bool) -> None:
    have = "Title\n------\n\n-   one\n-   two\n    more\n"
    mark = "" if lost else " "
    body = f"{mark}Title\n{mark}------\n\n{mark}-   one\n--   two\n+-   three\n{mark}    more\n"
    assert landed(f"```diff\n--- a/f.rst\n+++ b/f.rst\n@@ -1,6 +1,6 @@\n{body}```\n", {"f.rst": have}) == {
        "f.rst": have.replace("two", "three")
    }


def test_a_removed_line_may_be_misspelt_but_not_another_one() -> None:
    have = "first = 1\nhandle(request, timeout)\nlast = 2\n"
    slip = block("f.py", "first = 1\nhandle(reqest, timeout)\nlast = 2\n", "first = 1\nclose()\nlast = 2\n")
    assert landed(slip, {"f.py": have}) == {"f.py": "first = 1\nclose()\nlast = 2\n"}
    other = block("f.py", "first = 1\nhandle(there, timeout)\nlast = 2\n", "first = 1\nclose()\nlast = 2\n")
    assert landed(other, {"f.py": have.replace("request", "other")}) is None


def test_a_fence_without_a_name_beside_surer_edits_is_one_when_it_is_like_a_file() -> None:
    files = {"a.py": "x = 1\n", "NEWS": "Version 2\n\n* one thing\n* another thing\n* a third\n"}
    edit = block("a.py", "x = 1\n", "x = 2\n")
    news = files["NEWS"].replace("a third", "a third one")
    both = landed(f"{edit}\nNEWZ\n```\n{news}```\n", files)
    assert both == {"a.py": "x = 2\n", "NEWS": news}
    shown = landed(f"{edit}\nIt said:\n```\n* one thing\n* another thing\n```\n", files)
    assert shown == {"a.py": "x = 2\n"}
    usage = landed(f"{edit}\nCall it so:\n```python\nimport a\nprint(a.x)\n```\n", files)
    assert usage == {"a.py": "x = 2\n"}


def test_a_whole_file_with_other_imports_is_no_part_of_it() -> None:
    have = (
        "import one\nimport two\nimport three\n\n\ndef f():\n    return one\n\n\ndef g():\n    return two\n"
    )
    new = have.replace("import two\nimport three\n", "import four\n").replace("return two", "return four")
    assert landed(f"f.py\n```python\n{new}```\n", {"f.py": have}) == {"f.py": new}


def test_a_listing_with_line_numbers_is_the_file_without_them() -> None:
    have = "a = 1\nb = 2\n\nc = 3\n"
    new = have.replace("2", "5")
    listing = "".join(f"{n:>4} | {line}\n" for n, line in enumerate(new.splitlines(), 1))
    assert landed(f"f.py\n```python\n{listing}```\n", {"f.py": have}) == {"f.py": new}
    assert landed(f"new.py\n```python\n{listing}```\n", {}) == {"new.py": new}


def test_a_block_whose_new_part_is_a_remark_is_refused() -> None:
    old = CODE
    new = "def f0():\n    return 10\n\n\n# all the others stay\n"
    result = apply_reply(block("f.py", old, new), {"f.py": CODE.encode()})
    assert not result.ok


def test_the_name_of_a_method_makes_no_file() -> None:
    files = {"shapes.py": b"class Shape:\n    def size(self):\n        return 0\n"}
    text = "Change `Shape.size`:\n\n```python\ndef size(self):\n    return 1\n```\n"
    result = apply_reply(text, files)
    assert not result.ok or set(result.files) == {"shapes.py"}
    assert apply_reply("notes.txt\n```\nsize\n```\n", files).files == {"notes.txt": b"size\n"}
