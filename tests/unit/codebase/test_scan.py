"""Which files are measured: real git listings, odd names and odd files, paths that a person types."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from selfimprove.codebase.scan import commit_files, python_files, walk
from selfimprove.errors import UsageError


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")


def git_listing(root: Path) -> list[str]:
    subprocess.run(["git", "init", "-q", root], check=True)
    answer = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
    )
    return [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]


def reasons(root: Path, listing: list[str]) -> dict[str, str]:
    return {file.path: file.reason for file in python_files(root, listing).left_out}


def test_only_python_files_that_git_knows_in_order(tmp_path: Path) -> None:
    write(tmp_path, "b.py", "a.py", "pkg/c.py", "notes.txt", "ignored.py")
    (tmp_path / ".gitignore").write_text("ignored.py\n")

    scan = python_files(tmp_path, git_listing(tmp_path))

    assert scan.files == ("a.py", "b.py", "pkg/c.py")
    assert scan.left_out == ()


def test_names_with_newlines_and_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    write(tmp_path, "two\nlines.py")
    strange = os.fsencode(tmp_path) + b"/caf\xe9.py"
    Path(os.fsdecode(strange)).write_text("x = 1\n")

    found = python_files(tmp_path, git_listing(tmp_path))
    assert found.files == ("two\nlines.py",)
    assert [(one.path, one.reason) for one in found.left_out] == [
        ("caf\udce9.py", "its name is not valid UTF-8")
    ]


def test_unmerged_entries_count_once(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    assert python_files(tmp_path, ["a.py", "a.py", "a.py"]).files == ("a.py",)


def test_what_is_no_file_is_left_out_with_its_reason(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "device.py").symlink_to("/dev/zero")
    (tmp_path / "out.py").symlink_to("/etc/passwd")
    (tmp_path / "self.py").symlink_to("self.py")
    (tmp_path / "one.py").symlink_to("two.py")
    (tmp_path / "two.py").symlink_to("one.py")
    (tmp_path / "dangling.py").symlink_to("nowhere.py")
    names = ["a.py", "pipe.py", "folder.py", "device.py", "out.py", "self.py", "one.py", "two.py"]

    found = python_files(tmp_path, [*names, "dangling.py", "gone.py", "nested/"])

    assert found.files == ("a.py",)
    assert {file.path: file.reason for file in found.left_out} == {
        "pipe.py": "it is a named pipe",
        "folder.py": "it is a folder or a submodule",
        "device.py": "it is a symbolic link out of the repository",
        "out.py": "it is a symbolic link out of the repository",
        "self.py": "it is a symbolic link that leads back to itself",
        "one.py": "it is a symbolic link that leads back to itself",
        "two.py": "it is a symbolic link that leads back to itself",
        "dangling.py": "it is a symbolic link to nothing",
        "gone.py": "it is not in the working tree",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_left_out(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "null.py", 0o20666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this container may not make devices")
    assert reasons(tmp_path, ["null.py"]) == {"null.py": "it is a device"}


def test_a_file_below_a_link_out_of_the_repository_is_left_out(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    write(outside, "secret.py")
    inside.mkdir()
    (inside / "pkg").symlink_to(outside)
    assert reasons(inside, ["pkg/secret.py"]) == {
        "pkg/secret.py": "it is a symbolic link out of the repository"
    }


def test_a_link_inside_is_measured_once(tmp_path: Path) -> None:
    write(tmp_path, "bin/tool", "real.py")
    (tmp_path / "again.py").symlink_to("real.py")
    (tmp_path / "tool.py").symlink_to("bin/tool")
    listing = ["again.py", "real.py", "tool.py"]

    found = python_files(tmp_path, listing)
    assert found.files == ("real.py", "tool.py")
    assert {one.path: one.reason for one in found.left_out} == {
        "again.py": "it is a symbolic link to real.py, which is measured"
    }
    assert python_files(tmp_path, listing, ["again.py"]).files == ("again.py",)


def test_a_link_to_a_file_whose_name_cannot_be_written_is_measured(tmp_path: Path) -> None:
    strange = os.fsdecode(b"caf\xe9.py")
    write(tmp_path, strange, "two\nlines.py")
    (tmp_path / "cafe.py").symlink_to(strange)
    (tmp_path / "one.py").symlink_to("two\nlines.py")
    found = python_files(tmp_path, ["cafe.py", strange, "one.py", "two\nlines.py"])
    assert found.files == ("cafe.py", "two\nlines.py")
    assert {one.path: one.reason for one in found.left_out} == {
        strange: "its name is not valid UTF-8",
        "one.py": r"it is a symbolic link to 'two\nlines.py', which is measured",
    }


def test_a_link_to_a_folder_means_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    write(tmp_path, "outside/secret.py")
    write(inside, "d/x.py", "d/sub/y.py", "e.py")
    (inside / "link").symlink_to("d")
    (inside / "all").symlink_to(".")
    (inside / "out").symlink_to("../outside")
    names = ["d/x.py", "d/sub/y.py", "e.py", "link", "all", "out"]

    def asked(path: str) -> tuple[str, ...]:
        return python_files(inside, names, [path]).files

    assert asked("link") == asked("link/") == asked("all/link") == asked("d") == ("d/sub/y.py", "d/x.py")
    assert asked("link/sub") == asked(str(inside / "all/link/sub")) == ("d/sub/y.py",)
    assert asked("link/x.py") == ("d/x.py",)
    assert asked("all") == ("d/sub/y.py", "d/x.py", "e.py")
    found = python_files(inside, names, ["out"])
    assert found.files == ()
    assert [one.reason for one in found.left_out] == ["it is a symbolic link out of the repository"]
    with pytest.raises(UsageError, match=r"link/z\.py"):
        asked("link/z.py")


def test_a_repository_behind_a_link_is_still_inside_itself(tmp_path: Path) -> None:
    write(tmp_path / "real", "a.py")
    (tmp_path / "link").symlink_to("real")
    assert python_files(tmp_path / "link", ["a.py"]).files == ("a.py",)
    assert python_files(tmp_path / "link", ["a.py"], [str(tmp_path / "real/a.py")]).files == ("a.py",)


def test_vendored_folders_are_left_out_unless_they_are_packages(tmp_path: Path) -> None:
    names = [
        *("app/a.py", "node_modules/x/gyp.py", "lib/site-packages/y.py", "dist/z.py", ".venv/v.py"),
        *("build/lib/app/a.py", "src/build/__init__.py", "src/build/env.py", "build.py"),
    ]
    write(tmp_path, *names)
    assert python_files(tmp_path, names).files == (
        "app/a.py",
        "build.py",
        "src/build/__init__.py",
        "src/build/env.py",
    )


def test_what_git_tracks_is_measured_wherever_it_lies(tmp_path: Path) -> None:
    names = ["build/a.py", "build/new.py", "venv/lib/b.py", "web/node_modules/x/d.py", "ok.py"]
    write(tmp_path, *names)
    tracked = {"build/a.py", "venv/lib/b.py", "web/node_modules/x/d.py"}

    def files(*exclude: str) -> tuple[str, ...]:
        return python_files(tmp_path, names, exclude=exclude, tracked=tracked).files

    assert files() == ("build/a.py", "ok.py", "venv/lib/b.py", "web/node_modules/x/d.py")
    assert files("node_modules", "venv/*") == ("build/a.py", "ok.py")


def test_a_commit_is_all_tracked(tmp_path: Path) -> None:
    names = dict.fromkeys(["build/a.py", ".ci/b.py", "dist/tests/c.py", "d.py"], "1" * 40)
    assert commit_files(names).files == (".ci/b.py", "build/a.py", "d.py", "dist/tests/c.py")
    assert commit_files(names, exclude=["tests"]).files == (".ci/b.py", "build/a.py", "d.py")
    assert commit_files(names, ["./build/", ".ci"]).files == (".ci/b.py", "build/a.py")
    assert commit_files(names, ["."]).whole
    write(tmp_path, "e.py")
    assert commit_files(names, [str(tmp_path)]).files == ()  # nothing on disk counts


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("tests", ["a.py", "docs/conf.py"]),
        ("tests/", ["a.py", "docs/conf.py"]),
        ("tests/*", ["a.py", "docs/conf.py"]),
        ("**/conf.py", ["a.py", "tests/deep/t.py", "tests/t.py"]),
        ("**/a.py", ["docs/conf.py", "tests/deep/t.py", "tests/t.py"]),
        ("t*.py", ["a.py", "docs/conf.py"]),
        ("tests/deep", ["a.py", "docs/conf.py", "tests/t.py"]),
    ],
)
def test_excluded_by_glob(tmp_path: Path, glob: str, left: list[str]) -> None:
    names = ["a.py", "docs/conf.py", "tests/t.py", "tests/deep/t.py"]
    write(tmp_path, *names)
    assert list(python_files(tmp_path, names, exclude=[glob]).files) == left


def test_what_is_asked_for_is_measured_though_excluded(tmp_path: Path) -> None:
    names = ["a.py", "build/out.py", "build/node_modules/n.py", "tests/t.py", "script"]
    write(tmp_path, *names, "ignored/by_git.py")

    def asked(*paths: str) -> tuple[str, ...]:
        return python_files(tmp_path, names, paths, exclude=["tests"]).files

    assert asked("tests/t.py") == asked("tests") == asked("./tests/") == ("tests/t.py",)
    assert asked("build") == ("build/out.py",)
    assert asked("build/node_modules") == ("build/node_modules/n.py",)
    assert asked("script") == ("script",)
    assert asked("ignored") == ("ignored/by_git.py",)
    assert asked(str(tmp_path / "a.py"), "tests") == ("a.py", "tests/t.py")
    assert asked(".") == asked() == ("a.py",)


def test_a_path_that_does_not_exist_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "src/legacy.py")
    with pytest.raises(UsageError) as caught:
        python_files(tmp_path, ["src/legacy.py"], ["src/legcy.py"])
    assert caught.value.message == "there is no file or folder src/legcy.py"
    assert caught.value.hint == "did you mean src/legacy.py?"


def test_a_name_that_is_too_long_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file or folder nnn"):
        python_files(tmp_path, [], ["n" * 300])


def test_a_repository_without_a_file_is_not_walked(tmp_path: Path) -> None:
    write(tmp_path, "ignored.py")
    assert python_files(tmp_path, []).files == ()


@pytest.mark.parametrize("path", ["..", "../elsewhere.py", "/etc/hosts", "src/../../x"])
def test_a_path_outside_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match="outside of the repository"):
        python_files(tmp_path, [], [path])


def test_an_asked_for_pipe_is_reported_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert [file.path for file in python_files(tmp_path, [], ["pipe.py"]).left_out] == ["pipe.py"]


def test_walk_lists_files_relative_to_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b/c.py")
    assert sorted(walk(tmp_path)) == ["a.py", "b/c.py"]
