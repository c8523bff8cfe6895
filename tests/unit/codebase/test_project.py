"""What a repository says of itself: nothing crashes the reading, and no licence is read into words that deny it."""

from __future__ import annotations

import time

import pytest

from selfimprove.codebase.project.facts import Facts
from selfimprove.codebase.project.licence import agreed, stated
from selfimprove.codebase.project.manifest import Manifest, person, read_manifests
from selfimprove.codebase.project.pyparts import line_length
from selfimprove.errors import PatchError
from selfimprove.executor.scaffold.making import make


def test_a_setup_py_of_another_python_says_nothing() -> None:
    (found,) = read_manifests({"setup.py"}, lambda _path: 'print "x"\nsetup(name="a")\n')
    assert found == Manifest("setup.py")


def test_a_person_is_read_in_no_time() -> None:
    began = time.monotonic()
    assert person(" " * 400 + "<") == ("", "")
    assert time.monotonic() - began < 0.5
    assert person(" Ann  Lee <ann@kit.dev> (https://kit.dev)") == ("Ann Lee", "ann@kit.dev")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("## License\nMIT\n", "MIT"),
        ("## License\nThis software is proprietary, all rights reserved. It bundles jQuery (MIT).\n", ""),
        ("## Copyright\n(c) 2020 MIT, Cambridge. All rights reserved.\n", ""),
        ("## License\nNot released under the MIT licence; ask us.\n", ""),
    ],
)
def test_no_licence_is_read_into_a_readme(words: str, meant: str) -> None:
    assert agreed(stated((), "README.md", (), lambda _path: words)) == meant


def test_a_package_without_a_licence_speaks_against_the_readme() -> None:
    own = Manifest("package.json", licences=("UNLICENSED",))
    assert agreed(stated((own,), "README.md", (), lambda _path: "## License\nMIT\n")) == ""


@pytest.mark.parametrize("raw", [b"# J\xfcrgen\n[project]\nname='a'\n", b""])
def test_a_pyproject_that_cannot_be_kept_byte_by_byte_is_left_alone(raw: bytes) -> None:
    files = {"pyproject.toml": raw, "README.md": b"hi\n", "setup.py": b"x\n"}
    facts = Facts(tuple(files), lambda path: files.get(path, b"").decode("utf-8", "replace"))
    with pytest.raises(PatchError, match="UTF-8"):
        make(facts, ["pyproject.toml"])


def test_a_remark_states_no_line_length() -> None:
    text = "# was: max_line_length = 72 until 2019\n[flake8]\nmax-line-length = 100\n"
    assert line_length(Facts(("setup.cfg",), lambda _path: text)) == 100
