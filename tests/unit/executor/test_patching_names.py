"""find_file: the file that a reply means, found by one tolerance at a time, and never one of two."""

from __future__ import annotations

import pytest

from selfimprove.executor.patching.names import find_file, slips

FILES = frozenset(
    {
        "src/pkg/utils.py",
        "src/pkg/__init__.py",
        "src/other/__init__.py",
        "src/pkg/handlers.py",
        "src/pkg/handler.py",
        "src/pkg/connection_pool.py",
        "tests/test_pool.py",
        "README.md",
        "docs/v1.md",
        "docs/v2.md",
        "Makefile",
        "a/real.py",
    }
)


@pytest.mark.parametrize(
    ("name", "path", "how"),
    [
        ("src/pkg/utils.py", "src/pkg/utils.py", "exact"),
        ("a/real.py", "a/real.py", "exact"),
        ("./src/pkg/utils.py", "src/pkg/utils.py", "spelling"),
        ("`src/pkg/utils.py`:", "src/pkg/utils.py", "spelling"),
        ("“src/pkg/utils.py”", "src/pkg/utils.py", "spelling"),
        ("src\\pkg\\utils.py", "src/pkg/utils.py", "spelling"),
        ("src//pkg/utils.py", "src/pkg/utils.py", "spelling"),
        ("src/pkg/utils.py:12", "src/pkg/utils.py", "spelling"),
        ("src/pkg/utils.py#L3-L9", "src/pkg/utils.py", "spelling"),
        ("b/src/pkg/utils.py", "src/pkg/utils.py", "folders"),
        ("SRC/pkg/Utils.py", "src/pkg/utils.py", "case"),
        ("utils.py", "src/pkg/utils.py", "folders"),
        ("pkg/utils.py", "src/pkg/utils.py", "folders"),
        ("/home/me/repo/src/pkg/utils.py", "src/pkg/utils.py", "folders"),
        ("repo/src/pkg/utils.py", "src/pkg/utils.py", "folders"),
        ("lib/pkg/utils.py", "src/pkg/utils.py", "folders"),
        ("src/pkg/connection-pool.py", "src/pkg/connection_pool.py", "case"),
        ("src/pkg/conection_pool.py", "src/pkg/connection_pool.py", "typo"),
        ("src/pkg/connection_pol.py", "src/pkg/connection_pool.py", "typo"),
        ("src/pkg/utlis.py", "src/pkg/utils.py", "typo"),
        ("src/pgk/utils.py", "src/pkg/utils.py", "typo"),
        ("REDME.md", "README.md", "typo"),
    ],
)
def test_found(name: str, path: str, how: str) -> None:
    assert find_file(name, FILES)[:2] == (path, how)


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("__init__.py", ("src/other/__init__.py", "src/pkg/__init__.py")),
        ("src/pkg/handlerz.py", ("src/pkg/handler.py", "src/pkg/handlers.py")),
        ("src/pkg/utils2.py", ()),
        ("docs/v3.md", ()),
        ("src/pkg/quite_another.py", ()),
        ("x" * 500, ()),
        ("", ()),
    ],
)
def test_not_found(name: str, candidates: tuple[str, ...]) -> None:
    found = find_file(name, FILES)
    assert (found.path, found.how) == ("", "")
    assert tuple(sorted(found.candidates)) == candidates


def test_a_file_in_a_folder_that_exists_is_not_the_one_in_another() -> None:
    files = {"setup.py", "src/pkg/a.py", "src/pkg/b.py"}
    assert find_file("src/pkg/setup.py", files).path == ""
    assert find_file("repo/setup.py", files).path == "setup.py"


@pytest.mark.parametrize("name", ["src/pkg/utils2.py", "src/pkg/util.py", "utils.py", "src/pkg/UTILS.py"])
def test_a_new_file_keeps_its_name(name: str) -> None:
    assert find_file(name, FILES, new=True)[:2] == (name, "new")
    assert find_file("./src/pkg/utils.py", FILES, new=True)[:2] == ("src/pkg/utils.py", "spelling")


def test_slips() -> None:
    assert [slips(*pair) for pair in (("", "ab"), ("ab", "ba"), ("abc", "abd"), ("abc", "abc"))] == [
        2,
        1,
        1,
        0,
    ]
