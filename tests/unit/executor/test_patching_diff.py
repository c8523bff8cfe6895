"""Diffs: git itself applies them and gets the very bytes; the opcodes rebuild the second text from the first."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfimprove.executor.patching.diff import generate_diff, generate_file_diff, opcodes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LONG = b"".join(b"line %d\n" % number for number in range(60))


def by_git(folder: Path, old: Mapping[str, bytes], diff: str) -> dict[str, bytes]:
    """The files after git has applied a diff to them."""
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for path, data in old.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    text = diff.encode("utf-8", "surrogateescape")
    done = subprocess.run(["git", "apply", "-"], cwd=folder, input=text, capture_output=True)
    assert done.returncode == 0, done.stderr.decode() + diff
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": b"x\ny\n"}, {"a": b"x\nz\n"}),
        ({"a": b"x\r\ny\r\n"}, {"a": b"x\r\nz\r\n"}),
        ({"a": b"x\ny"}, {"a": b"x\nz"}),
        ({"a": b"x\ny"}, {"a": b"x\ny\n"}),
        ({"a": b"x\ny\n"}, {"a": b"x\ny"}),
        ({"a": LONG}, {"a": LONG.replace(b"line 5\n", b"").replace(b"line 50\n", b"new\n") + b"end\n"}),
        ({"a": LONG}, {"a": b"begin\n" + LONG}),
        ({}, {"new/file.txt": b"a\nb\n"}),
        ({}, {"new": b"a"}),
        ({}, {"empty": b""}),
        ({"a": b"x\n"}, {}),
        ({"empty": b""}, {}),
        ({"full": b"x\n"}, {"full": b""}),
        ({"old name": LONG}, {"new name": LONG}),
        ({'sp ace "q" \\ é\t.txt': b"x\n"}, {'sp ace "q" \\ é\t.txt': b"y\n"}),
        ({"a b": b"x\n"}, {}),
        ({"é": b"\xe9\nx\n"}, {"é": b"\xe9\ny\n"}),
        ({"a": b"x\x0cy\xe2\x80\xa8z\rw\n"}, {"a": b"x\x0cy\xe2\x80\xa8z\rv\n"}),
        ({"a": b"x\n", "b": b"y\n"}, {"a": b"1\n", "b": b"y\n", "c": b"z\n"}),
    ],
)
def test_git_applies_it(tmp_path: Path, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
    assert by_git(tmp_path / "here", old, generate_diff(old, new)) == new


def test_a_binary_file_is_one_line_and_no_difference_is_nothing() -> None:
    assert generate_file_diff("a", b"x\0", b"y\0").endswith("\nBinary files a/a and b/a differ\n")
    assert generate_file_diff("a", None, b"y\0").endswith("\nBinary files /dev/null and b/a differ\n")
    assert generate_diff({"a": b"x"}, {"a": b"x"}) == ""


LINES = st.lists(st.sampled_from("abcdefg"), max_size=12)


@given(one=LINES, two=LINES)
def test_opcodes_rebuild_the_second_of_the_first(one: list[str], two: list[str]) -> None:
    i = j = 0
    for tag, a, b, c, d in opcodes(one, two):
        assert (a, c) == (i, j)
        assert (one[a:b] == two[c:d]) == (tag == "equal")
        assert {"delete": c == d, "insert": a == b}.get(tag, a < b and c < d)
        i, j = b, d
    assert (i, j) == (len(one), len(two))


def test_opcodes_of_long_texts_of_few_different_lines_end() -> None:
    one, two = ["a", "b"] * 20_000, ["b", "a", "a"] * 20_000
    assert opcodes(one, two)[-1][2:] == (40_000, *opcodes(one, two)[-1][3:4], 60_000)
