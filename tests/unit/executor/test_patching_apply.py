"""What reaches the disk: only safe paths, all files or none, only over what was read, and back again."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.errors import PatchError
from selfimprove.executor.patching.apply import Tree, read_files, record_of, safe_path, undo, write_files
from selfimprove.executor.patching.coding import LARGEST, decode

if TYPE_CHECKING:
    from collections.abc import Mapping


def tree(root: Path) -> dict[str, bytes]:
    """Every file below ``root``."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def stored(record: Any) -> Any:
    """A record as it is after it was kept."""
    return json.loads(json.dumps(record.to_json()))


@pytest.mark.parametrize(
    "path",
    [
        *(
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
        ),
        *(
            "a\0b",
            "link/x",
            "link",
            "file/x",
            "fifo",
            "folder",
            "sub/x",
            "n" * 300,
            ".git\u200c/x",
            "a/",
            "a\nb",
        ),
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
    with pytest.raises(PatchError):
        write_files(root, {"fine.txt": b"x"}, [path])
    assert not (root / "fine.txt").exists()


def test_write_and_read(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("old")
    (tmp_path / "run.sh").chmod(0o755)
    write_files(tmp_path, {"run.sh": b"new", "a/b/c.txt": b"c"})
    assert read_files(tmp_path, ("run.sh", "a/b/c.txt", "gone.txt")) == {"run.sh": b"new", "a/b/c.txt": b"c"}
    assert (tmp_path / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a/b/c.txt").stat().st_mode & 0o777 == 0o644
    with pytest.raises(PatchError, match="a file and the folder of"):
        write_files(tmp_path, {"x": b"", "x/y": b""})
    assert not (tmp_path / "x").exists()


def test_files_go_and_their_empty_folders_with_them(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/b/c.txt": b"c", "a/d.txt": b"d"})
    record = write_files(tmp_path, {"e.txt": b"e"}, ["a/b/c.txt"])
    assert tree(tmp_path) == {"a/d.txt": b"d", "e.txt": b"e"}
    assert not (tmp_path / "a/b").exists()
    assert sorted(undo(tmp_path, stored(record))) == ["a/b/c.txt", "e.txt"]
    assert tree(tmp_path) == {"a/b/c.txt": b"c", "a/d.txt": b"d"}


@pytest.mark.parametrize(
    ("was", "why"),
    [
        ({"a.txt": b"old", "b.txt": b"b"}, "a.txt has changed"),
        ({"a.txt": b"a", "b.txt": b"b", "new/n.txt": b"n"}, "new/n.txt is gone"),
        ({"b.txt": b"b"}, "a.txt exists already"),
    ],
)
def test_a_file_that_is_not_what_was_read_refuses_all(
    tmp_path: Path, was: Mapping[str, bytes], why: str
) -> None:
    before = {"a.txt": b"a", "b.txt": b"b"}
    write_files(tmp_path, before)
    with pytest.raises(PatchError, match=why):
        write_files(tmp_path, {"b.txt": b"2", "new/n.txt": b"2", "a.txt": b"2"}, was=was)
    assert tree(tmp_path) == before
    assert not (tmp_path / "new").exists()


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    before = {"a.txt": b"a", "b.txt": b"b"}
    write_files(tmp_path, before)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(PatchError, match="cannot be written: File too large; nothing was changed"):
            write_files(tmp_path, {"a.txt": b"2", "x/y.txt": b"y", "b.txt": b"2" * 20_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert tree(tmp_path) == before
    assert not (tmp_path / "x").exists()


def test_what_fails_in_the_middle_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c", "d.txt": b"d"}
    write_files(tmp_path, before)
    (tmp_path / "a.txt").chmod(0o600)
    there = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "d.txt":
            raise OSError(5, "Input/output error")
        return there(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(PatchError, match="Input/output error; nothing was changed"):
        write_files(tmp_path, {"a.txt": b"2", "n/new.txt": b"2", "d.txt": b"2"}, ["c.txt"])
    assert tree(tmp_path) == before
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "n").exists()


def test_undo_refuses_what_has_changed_since_and_knows_what_was_not_written(tmp_path: Path) -> None:
    before = {"a.txt": b"a", "run.sh": b"r"}
    write_files(tmp_path, before)
    (tmp_path / "run.sh").chmod(0o755)
    changed = {"a.txt": b"2", "run.sh": b"2", "n.txt": b"2"}
    record = stored(record_of(tmp_path, changed))
    assert undo(tmp_path, record) == []  # nothing was written yet
    write_files(tmp_path, changed)
    (tmp_path / "a.txt").write_bytes(b"3")
    with pytest.raises(PatchError, match=r"a\.txt has changed since"):
        undo(tmp_path, record)
    assert tree(tmp_path) == {**changed, "a.txt": b"3"}
    (tmp_path / "a.txt").write_bytes(b"2")
    assert sorted(undo(tmp_path, record)) == ["a.txt", "n.txt", "run.sh"]
    assert tree(tmp_path) == before
    assert (tmp_path / "run.sh").stat().st_mode & 0o777 == 0o755


def test_a_tree_reads_when_it_is_asked_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "link").symlink_to("a.txt")
    (tmp_path / "huge").write_bytes(b"x" * (LARGEST + 5))
    files = Tree(tmp_path, ["a.txt", "link", "gone", "huge"])
    assert list(files) == ["a.txt", "link", "gone", "huge"]
    assert len(files) == 4
    assert files["a.txt"] == b"a"
    (tmp_path / "a.txt").write_bytes(b"later")
    assert files["a.txt"] == b"a"
    assert len(files["huge"]) == LARGEST + 1
    assert files.get("other") is None
    for path in ("link", "gone"):
        with pytest.raises(PatchError):
            files[path]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"\xef\xbb\xbfa", ("a", "utf-8")),
        ("\ufeffé".encode("utf-16-le"), ("é", "utf-16-le")),
        (b"# -*- coding: cp1252 -*-\n\x80", ("# -*- coding: cp1252 -*-\n\u20ac", "cp1252")),
        (b"# coding: utf-8\n\xe9", ("# coding: utf-8\n\xe9", "latin-1")),
    ],
)
def test_the_encoding_is_the_files(content: bytes, wanted: tuple[str, str]) -> None:
    assert decode(content, "f") == wanted
