"""apply_patch: search/replace on bytes, all or nothing; and the paths that may be written."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor_rig import block
from selfimprove.errors import PatchError
from selfimprove.executor.patching.apply import apply_patch, read_files, safe_path, write_files
from selfimprove.executor.patching.reply import parse_reply
from selfimprove.model.patch import Edit, Patch

if TYPE_CHECKING:
    from pathlib import Path


def changed(content: bytes, *edits: tuple[str | None, str], path: str = "f.txt") -> bytes:
    """The content after the edits."""
    return apply_patch(Patch(tuple(Edit(path, a, b) for a, b in edits)), {path: content})[path]


LINES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<>=\x85\u2028\u2029"), max_size=6
)
TEXTS = st.lists(LINES | st.sampled_from(["", "a", "b", "    a", "\tx"]), max_size=12)


def hunks(old: list[str], new: list[str]) -> str:
    """The reply that makes ``new`` of ``old``: one block per difference, with as much around it as makes it unique."""
    now, text, shift = list(old), "", 0
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        low, high = a + shift, b + shift
        wanted = now[:low] + new[c:d] + now[high:]
        start, end = low, high
        while end == start or count(now, now[start:end]) != 1:
            start, end = max(0, start - 1), min(len(now), end + 1)
        body = now[start:low] + new[c:d] + now[high:end]
        text += block(
            "f.txt", "".join(f"{line}\n" for line in now[start:end]), "".join(f"{line}\n" for line in body)
        )
        now, shift = wanted, shift + (d - c) - (b - a)
    assert now == new
    return text


def count(lines: list[str], part: list[str]) -> int:
    """How often ``part`` stands in ``lines``, trailing blanks left out."""
    bare, wanted = [line.rstrip() for line in lines], [line.rstrip() for line in part]
    return sum(bare[n : n + len(part)] == wanted for n in range(len(lines) - len(part) + 1))


@given(old=TEXTS, new=TEXTS, newline=st.sampled_from(["\n", "\r\n"]), final=st.booleans(), bom=st.booleans())
def test_the_blocks_between_two_texts_make_the_second_of_the_first(
    old: list[str], new: list[str], newline: str, final: bool, bom: bool
) -> None:
    if old == new or not old or not any(old):
        return
    final = final or not (old[-1] and new and new[-1]) or len(old) == 1
    end = newline if final else ""
    mark = b"\xef\xbb\xbf" if bom else b""
    content = mark + (newline.join(old) + end).encode()
    wanted = mark + (newline.join(new) + (end if new else "")).encode()
    patch = parse_reply(hunks(old, new))
    assert apply_patch(patch, {"f.txt": content})["f.txt"] == wanted


@pytest.mark.parametrize(
    ("content", "search", "replace", "wanted"),
    [
        (b"a\r\nb\r\n", "a\n", "c\nd\n", b"c\r\nd\r\nb\r\n"),
        (b"a\nb", "b\n", "c\n", b"a\nc"),
        (b"a\nb", "a\n", "", b"b"),
        (b"a  \nb\n", "a\n", "c\n", b"c\nb\n"),
        (b"a\x0cb\nc\n", "c\n", "d\n", b"a\x0cb\nd\n"),
        (b"\xef\xbb\xbfa\nb\n", "a\n", "c\n", b"\xef\xbb\xbfc\nb\n"),
        (b"# coding: latin-1\na\n", "a\n", "\xe9\n", b"# coding: latin-1\n\xe9\n"),
        ("é\na\n".encode("latin-1"), "é\n", "è\n", "è\na\n".encode("latin-1")),
        ("é\u2028x\na\n".encode(), "a\n", "ü\n", "é\u2028x\nü\n".encode()),
        (b"", "", "new\n", b"new\n"),
    ],
)
def test_the_rest_of_the_file_stays_byte_for_byte(
    content: bytes, search: str, replace: str, wanted: bytes
) -> None:
    assert changed(content, (search, replace)) == wanted


@pytest.mark.parametrize(
    ("content", "search", "words"),
    [
        (b"a\nb\na\n", "a\n", r"stands 2 times in f.txt \(lines 1, 3\)"),
        (b"a\n", "z\n", "is not in f.txt"),
        (b"    long line\nb\n", "    long line\nc\n", "its longest line stands in line 1"),
        (b"a\n", "", "exists already"),
        (b"a\0b\n", "a\n", "binary"),
        (b"# coding: latin-1\na\n", "a\n", "has no '\u20ac'"),
        (b"a\n", "a\n", "changes nothing"),
    ],
)
def test_refused_with_words_for_the_author(content: bytes, search: str, words: str) -> None:
    replace = "a\n" if words == "changes nothing" else "€\n"
    with pytest.raises(PatchError, match=words):
        changed(content, (search, replace))


def test_one_bad_edit_refuses_all() -> None:
    files = {"f.txt": b"a\n", "g.txt": b"b\n"}
    patch = Patch((Edit("f.txt", "a\n", "c\n"), Edit("g.txt", "no\n", "c\n")))
    with pytest.raises(PatchError):
        apply_patch(patch, files)
    assert files == {"f.txt": b"a\n", "g.txt": b"b\n"}


def test_edits_of_one_file_build_on_each_other() -> None:
    assert changed(b"a\nb\n", ("a\n", "c\n"), ("c\nb\n", "d\n")) == b"d\n"


def test_python_must_parse_if_it_did() -> None:
    with pytest.raises(PatchError, match=r"f\.py would not parse after this edit: line 1"):
        changed(b"x = 1\n", ("x = 1\n", "x = (\n"), path="f.py")
    assert changed(b"print 'two'\n", ("print 'two'\n", "print 'three'\n"), path="f.py") == b"print 'three'\n"
    with pytest.raises(PatchError, match="would not parse"):
        apply_patch(Patch((Edit("new.py", "", "def\n"),)), {})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/x",
        "~/x",
        "../x",
        "a/../../x",
        ".git/config",
        "a/.GIT/x",
        ".git /x",
        "git~1/x",
        "a\\b",
        "C:x",
        "a\0b",
        "link/x",
        "link",
        "file/x",
        "fifo",
        "folder",
        "sub/x",
        "n" * 300,
    ],
)
def test_unsafe_paths(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "sub").mkdir()
    (root / "sub/.git").write_text("gitdir: elsewhere\n")
    (root / "file").write_text("x")
    (root / "link").symlink_to(tmp_path)
    os.mkfifo(root / "fifo")
    with pytest.raises(PatchError):
        safe_path(root, path)
    with pytest.raises(PatchError):
        write_files(root, {"fine.txt": b"x", path: b"x"})
    assert not (root / "fine.txt").exists()


def test_write_and_read(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("old")
    (tmp_path / "run.sh").chmod(0o755)
    write_files(tmp_path, {"run.sh": b"new", "a/b/c.txt": b"c"})
    assert read_files(tmp_path, ("run.sh", "a/b/c.txt", "gone.txt")) == {"run.sh": b"new", "a/b/c.txt": b"c"}
    assert (tmp_path / "run.sh").stat().st_mode & 0o777 == 0o755
    with pytest.raises(PatchError, match="a file and the folder of"):
        write_files(tmp_path, {"x": b"", "x/y": b""})
    assert not (tmp_path / "x").exists()


def test_line_ends_are_kept_when_the_first_block_takes_the_only_one() -> None:
    patch = parse_reply(hunks(["", "0"], ["0", "0"]))
    assert apply_patch(patch, {"f.txt": b"\r\n0"}) == {"f.txt": b"0\r\n0"}
