"""Grep: the same answer from ripgrep, from git grep and from reading all files."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.tools.git.repo import open_repo
from selfimprove.tools.grep import MOST_WORDS, WINDOW, grep, matching

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    "src/invoice.py": "import os\n\n\n"
    "def total(lines):\n    '''The Invoice and its currency.'''\n    return sum(lines)\n",
    "src/other.py": "invoice = 1\n" + "\n" * (2 * WINDOW) + "currency = 2\n",
    "docs/a page.md": "An invoice.\n",
    "ignored.txt": "invoice currency total\n",
    ".gitignore": "ignored.txt\n",
    "data.bin": b"invoice currency total\0\1\2",
    ".hidden/config.yml": "currency: EUR\n",
}
PROGRAMS = {"ripgrep": ("rg", "git"), "git grep": ("git",), "reading all files": ()}


@pytest.fixture(params=PROGRAMS)
def there(request: Any, project: Callable[..., Any], tmp_path: Path, monkeypatch: Any) -> tuple[str, Any]:
    """A repository, and the name of the best program that can be asked in it."""
    here = project(FILES)
    here.write("untracked.rs", "fn invoice_currency() {}\n")
    if request.param == "reading all files":
        monkeypatch.setattr("selfimprove.tools.grep._GIT", ("no-such-command",))
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in PROGRAMS[request.param] or ("git",):
        found = shutil.which(program)
        assert found, f"{program} is not installed"
        (folder / program).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    return request.param, open_repo(here.root, {**here.env, "PATH": str(folder)})


def test_the_places_that_hold_most_of_the_words(there: tuple[str, Any]) -> None:
    program, repo = there
    hits = grep(repo, ["Invoice", "currency", "total", "and"])
    assert (hits[0].path, hits[0].start, hits[0].end) == ("src/invoice.py", 4, 5)
    assert hits[0].why[1] == program
    assert {hit.path for hit in hits} == {
        *("src/invoice.py", "src/other.py", "docs/a page.md", ".hidden/config.yml", "untracked.rs"),
    }
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    other = next(hit for hit in hits if hit.path == "src/other.py")
    assert other.start == other.end


def test_how_many_and_which(there: tuple[str, Any]) -> None:
    _, repo = there
    assert len(grep(repo, ["invoice"], n=2)) == 2
    kept = grep(repo, ["invoice"], keep=lambda path: path.endswith(".md"))
    assert [hit.path for hit in kept] == ["docs/a page.md"]
    assert grep(repo, ["nowhere_to_be_found"]) == grep(repo, []) == []


def test_words_are_words_and_not_patterns_or_options(there: tuple[str, Any]) -> None:
    _, repo = there
    assert grep(repo, [".*", "--version", "[invoice]", "-f/etc/passwd"]) == []


def test_of_many_words_the_longest_are_looked_for(there: tuple[str, Any]) -> None:
    _, repo = there
    many = ["x" * length for length in range(5, 40)]
    assert set(matching(repo, ["currency"]).files) == {"currency"}
    assert grep(repo, [*many, "invoice"]) == []
    assert grep(repo, [*many[: MOST_WORDS - 1], "invoice"]) != []


def test_names_that_are_not_utf_8_and_files_that_cannot_be_read(project: Callable[..., Any]) -> None:
    here = project()
    name = os.fsdecode(b"caf\xe9.py")
    here.write(name, "def brew(): ...\n")
    here.write("gone.py", "def brew(): ...\n")
    here.git("add", "-A")
    (here.root / "gone.py").unlink()
    (here.root / "circle.py").symlink_to("circle.py")
    assert [hit.path for hit in grep(open_repo(here.root, here.env), ["brew"])] == [name]


def test_a_definition_comes_before_what_speaks_of_it(there: tuple[str, Any]) -> None:
    _, repo = there
    (repo.root / "a.md").write_text("Use make_tea: it makes tea.\n")
    (repo.root / "b.py").write_text("x = make_tea(1)\n")
    (repo.root / "z.go").write_text("func make_tea(cups int) Tea {\n")
    best = grep(repo, ["make_tea"])[0]
    assert (best.path, best.why[0]) == ("z.go", "words: make_tea, make_tea defined")
