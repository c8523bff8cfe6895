"""Sources: which files are indexed, and the reasons of those that are not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.scan import VENDORED
from selfimprove.codebase.sources import LARGEST, LARGEST_DATA, choose, worth

if TYPE_CHECKING:
    from pathlib import Path


def put(root: Path, **files: bytes) -> None:
    """Write files; two underscores in a keyword are a slash."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_files_come_sorted_with_size_and_time(tmp_path: Path) -> None:
    """One lstat each; a name that is not there is passed over, a double one counts once."""
    put(tmp_path, b_dot_py=b"x = 1\n", a__c_dot_rs=b"fn f() {}\n")
    os.utime(tmp_path / "b.py", ns=(5, 7_000_000_000))
    found = choose(tmp_path, ["b.py", "a/c.rs", "gone.py", "b.py", "b.py/under"])
    assert [(one.path, one.size) for one in found.files] == [("a/c.rs", 10), ("b.py", 6)]
    assert found.files[1].mtime_ns == 7_000_000_000
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("node_modules/x/index.js", "it is in a folder of others' or of made files (node_modules)"),
        ("a/vendor/b/c.go", "it is in a folder of others' or of made files (vendor)"),
        ("lib/third_party/x.c", "it is in a folder of others' or of made files (third_party)"),
        (".venv/lib/site-packages/x.py", "it is in a folder of others' or of made files (.venv)"),
        ("logo.PNG", "it is binary, by its extension"),
        ("a.so", "it is binary, by its extension"),
        ("package-lock.json", "it is generated, by its name"),
        ("Cargo.lock", "it is generated, by its name"),
        ("static/app.min.js", "it is generated, by its name"),
        ("api_pb2.py", "it is generated, by its name"),
        ("api.pb.go", "it is generated, by its name"),
        ("app.js.map", "it is generated, by its name"),
        ("x.test.js.snap", "it is generated, by its name"),
        ("bad\udcff.py", "its name is not valid UTF-8"),
    ],
)
def test_what_a_name_tells(tmp_path: Path, name: str, reason: str) -> None:
    """The file need not even be there."""
    assert choose(tmp_path, [name]) == ((), ((name, reason),))


@pytest.mark.parametrize("folder", sorted(VENDORED - {"build", "dist"}))
def test_what_an_audit_takes_for_others_work_is_not_indexed(tmp_path: Path, folder: str) -> None:
    """The two lists of folders agree."""
    assert choose(tmp_path, [f"{folder}/a.py"]).left_out[0][0] == f"{folder}/a.py"


@pytest.mark.parametrize(
    "name",
    [
        "src/vendors.py",
        "build/a.py",
        "dist.py",
        "node_modules.py",
        "png",
        "a/map",
        "lock.py",
        "min.js",
        "so/a.c",
    ],
)
def test_what_a_name_does_not_tell(tmp_path: Path, name: str) -> None:
    """Names that only look like those."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x\n")
    assert [one.path for one in choose(tmp_path, [name]).files] == [name]


def test_links_folders_and_pipes_are_left_out(tmp_path: Path) -> None:
    """Only regular files are read; a pipe is not opened, which would wait for ever."""
    put(tmp_path, a_dot_py=b"x\n", d__b_dot_py=b"x\n")
    (tmp_path / "link.py").symlink_to("a.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    os.mkfifo(tmp_path / "pipe.py")
    found = choose(tmp_path, ["a.py", "link.py", "loop.py", "pipe.py", "d"])
    assert [one.path for one in found.files] == ["a.py"]
    assert {why for _, why in found.left_out} == {"it is not a regular file"}
    assert len(found.left_out) == 4


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    """A listing may hold anything."""
    found = choose(tmp_path, ["x" * 300 + ".py", "a\0b.py"])
    assert [name for name, _ in found.left_out] == ["a\0b.py", "x" * 300 + ".py"]


def test_large_files_and_large_data(tmp_path: Path) -> None:
    """Code may be large, data may not."""
    for name, size in (
        ("a.py", LARGEST_DATA + 1),
        ("a.json", LARGEST_DATA + 1),
        ("b.py", LARGEST + 1),
        ("b.csv", 9),
    ):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    found = choose(tmp_path, ["a.py", "a.json", "b.py", "b.csv"])
    assert [one.path for one in found.files] == ["a.py", "b.csv"]
    assert [why.partition("(")[0] for _, why in found.left_out] == [
        "it is data, and too large ",
        "it is too large ",
    ]


def test_what_gitattributes_says(tmp_path: Path) -> None:
    """linguist-generated and linguist-vendored count, the last line that matches wins."""
    attributes = (
        "*.py text\ngen/** linguist-generated\n*.pb.x linguist-generated=true\n/lib/*.c linguist-vendored\n"
    )
    attributes += (
        "gen/keep.py -linguist-generated\nlib/mine.c linguist-vendored=false\nbroken[ linguist-vendored\n"
    )
    names = ["gen/a.py", "gen/deep/b.py", "gen/keep.py", "lib/a.c", "lib/mine.c", "x/a.pb.x", "own.py"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    (tmp_path / ".gitattributes").write_text(attributes)
    found = choose(tmp_path, names)
    assert [one.path for one in found.files] == ["gen/keep.py", "lib/mine.c", "own.py"]
    assert found.left_out[0] == ("gen/a.py", "it is generated, by .gitattributes")
    assert ("lib/a.c", "it is vendored, by .gitattributes") in found.left_out


@pytest.mark.parametrize(
    "head",
    [
        "# Generated by the framework 4.2 on a day\n",
        "// Code generated by protoc. DO NOT EDIT.\npackage x\n",
        "/* autogenerated: leave alone */\n",
        '"""Automatically generated by a tool."""\n',
        "/**\n * @generated SignedSource<<x>>\n */\n",
        "// <auto-generated>\n",
        "<!-- Do not edit. -->\n",
        "-- This file was generated from schema.sql\n",
        "; this file is generated\n",
    ],
)
def test_a_generated_file_says_so(head: str) -> None:
    """In one of its first lines."""
    assert worth("a.py", (head + "x = 1\n").encode()) == "it is generated, by its first lines"
    assert worth("a.py", ("x = 1\n" * 500 + head).encode()) == ""


@pytest.mark.parametrize(
    "text",
    [
        'def f():\n    return "// Generated by x. Do not edit."\n',
        "//  Created by Somebody on 1/1/20.\nimport x\n",
        "# The values are generated by a random walk\nx = 1\n",
        "// Package gen generates code.\npackage gen\n",
        "# Do not change the order of these imports.\nimport x\n",
        "# This section is automatically generated by a tool\nx = 1\n",
    ],
)
def test_a_file_that_speaks_of_generating(text: str) -> None:
    """A person wrote it."""
    assert worth("a.py", text.encode()) == ""


def test_what_the_content_tells() -> None:
    """Binary, empty, minified and too large files, by what is in them."""
    assert worth("a.py", b"") == "it is empty"
    assert worth("a.py", b"x\0y") == "it is binary"
    assert worth("a.py", "x = 1\n".encode("utf-16")) == ""
    assert worth("a.js", b"var a=1;" * 1000) == "it is minified, or its lines are too long for people"
    assert worth("a.md", b"A long paragraph. " * 1000) == ""
    assert worth("a.js", b"x();\n" * 1000) == ""
    assert worth("a.py", b"x = 1\n" * (LARGEST // 5)).startswith("it is too large")
    assert worth("a.json", b"{}\n" * (LARGEST_DATA // 2)).startswith("it is too large")
