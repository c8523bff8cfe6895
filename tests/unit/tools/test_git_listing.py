"""What git lists, and the files whose bytes in the tree are not those of their blob: these have no blob id."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from selfimprove.reflector.engine import blob_id
from selfimprove.tools.git.listing import Listing, list_files
from selfimprove.tools.git.repo import open_repo

Git = Callable[..., None]


@pytest.fixture
def git(tmp_path: Path, clean_env: dict[str, str]) -> Git:
    """Return what runs git in a new repository with two files, plain.py and odd.py."""

    def run(*args: str) -> None:
        subprocess.run(["git", *args], cwd=tmp_path / "r", check=True, env=clean_env, capture_output=True)

    (tmp_path / "r").mkdir()
    run("init", "-q")
    (tmp_path / "r/plain.py").write_text("x = 1\n")
    (tmp_path / "r/odd.py").write_text("x = 2\n")
    return run


def listing(tmp_path: Path, env: dict[str, str]) -> Listing:
    return list_files(open_repo(tmp_path / "r", env))


@pytest.mark.parametrize(
    "attribute",
    [
        *("filter", "filter=lfs", "filter=nbstripout -ident", "working-tree-encoding=UTF-16"),
        *("working-tree-encoding=latin-1 -filter", "ident", "ident=yes", "ident -filter"),
    ],
)
def test_a_changed_file_has_no_blob(
    tmp_path: Path, clean_env: dict[str, str], git: Git, attribute: str
) -> None:
    if "UTF-16" in attribute:
        (tmp_path / "r/odd.py").write_text("x = 2\n", encoding="utf-16")
    (tmp_path / "r/.gitattributes").write_text(f"odd.py {attribute}\n")
    git("add", ".")
    found = listing(tmp_path, clean_env)
    assert set(found.blobs) == {"plain.py", ".gitattributes"}
    assert found.names == (".gitattributes", "odd.py", "plain.py")


@pytest.mark.parametrize(
    "attribute", ["-filter", "!filter", "text", "eol=lf", "-text", "binary", "-diff merge=ours"]
)
def test_harmless_attributes_leave_the_blob(
    tmp_path: Path, clean_env: dict[str, str], git: Git, attribute: str
) -> None:
    (tmp_path / "r/.gitattributes").write_text(f"odd.py {attribute}\n")
    git("add", ".")
    assert set(listing(tmp_path, clean_env).blobs) == {"plain.py", "odd.py", ".gitattributes"}


def test_attributes_that_are_not_in_the_tree_count(
    tmp_path: Path, clean_env: dict[str, str], git: Git
) -> None:
    git("add", ".")
    person = Path(clean_env["HOME"]) / ".config/git/attributes"
    other = tmp_path / "other attributes"
    git("config", "core.attributesFile", str(other))
    for place in (tmp_path / "r/.git/info/attributes", other, person):
        if place == person:
            git("config", "--unset", "core.attributesFile")
        assert set(listing(tmp_path, clean_env).blobs) == {"plain.py", "odd.py"}
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("odd.py filter=lfs\n")
        assert set(listing(tmp_path, clean_env).blobs) == {"plain.py"}
        place.unlink()


def test_attributes_of_a_folder_and_names_that_look_like_patterns(
    tmp_path: Path, clean_env: dict[str, str], git: Git
) -> None:
    names = ("sub/two\nlines.py", "sub/:(top)*.py", "sub/-n.py", ":(top)*.py")
    for name in names:
        (tmp_path / "r" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "r" / name).write_text("x = 1\n")
    (tmp_path / "r/sub/.gitattributes").write_text("*.py filter=x\n")
    git("add", ".")
    found = listing(tmp_path, clean_env)
    assert set(found.blobs) == {"plain.py", "odd.py", ":(top)*.py", "sub/.gitattributes"}
    assert found.tracked == {*names, "plain.py", "odd.py", "sub/.gitattributes"}


def test_a_filter_that_keeps_less_than_the_tree_has(
    tmp_path: Path, clean_env: dict[str, str], git: Git
) -> None:
    git("config", "filter.pointer.clean", "echo pointer")
    git("config", "filter.pointer.smudge", "cat")
    (tmp_path / "r/.gitattributes").write_text("odd.py filter=pointer\n")
    git("add", ".")
    git("commit", "-q", "-m", "x")
    assert "odd.py" not in listing(tmp_path, clean_env).blobs
    (tmp_path / "r/.gitattributes").write_text("")
    (tmp_path / "r/odd.py").write_text("pointer\n")  # now the tree has what the blob has
    git("add", ".")
    assert listing(tmp_path, clean_env).blobs["odd.py"] == blob_id(b"pointer\n")


def test_line_ends_leave_the_blob(tmp_path: Path, clean_env: dict[str, str], git: Git) -> None:
    git("config", "core.autocrlf", "true")
    (tmp_path / "r/odd.py").write_bytes(b"x = 2\r\n")
    git("add", ".")
    assert listing(tmp_path, clean_env).blobs["odd.py"] == blob_id(b"x = 2\n")


def test_tracked_and_untracked(tmp_path: Path, clean_env: dict[str, str], git: Git) -> None:
    git("add", "plain.py")
    (tmp_path / "r/.gitignore").write_text("ignored.py\n")
    (tmp_path / "r/ignored.py").write_text("x = 3\n")
    found = listing(tmp_path, clean_env)
    assert found.names == (".gitignore", "odd.py", "plain.py")
    assert found.tracked == {"plain.py"}


def test_without_a_file_and_with_a_monitor_that_must_not_run(
    tmp_path: Path, clean_env: dict[str, str], git: Git
) -> None:
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    monitor.chmod(0o755)
    git("add", ".")
    git("config", "core.fsmonitor", str(monitor))
    assert set(listing(tmp_path, clean_env).blobs) == {"plain.py", "odd.py"}
    assert not (tmp_path / "ran").exists()
    git("-c", "core.fsmonitor=false", "rm", "-q", "-f", ".", "-r")
    assert listing(tmp_path, clean_env) == Listing()
