"""`selfimprove index`: what it makes, what it says, and how stale it finds itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = {
    "a.py": "def one():\n    return 1\n\n\ndef two():\n    return 2\n",
    "lib/b.go": "package b\n\nfunc Three() int {\n\treturn 3\n}\n",
    "data.bin": b"\0\1\2" * 100,
}


def data(here: Any, *words: str) -> dict[str, Any]:
    """Return what the command answers in JSON."""
    document = json.loads(here.run("index", *words, "--format", "json", check=0).out)
    assert document["ok"] is True
    found: dict[str, Any] = document["data"]
    return found


def test_what_it_did(project: Callable[..., Any]) -> None:
    here = project(FILES)
    first = data(here)
    assert (first["added"], first["changed"], first["removed"]) == (2, 0, 0)
    assert first["files"] == 2
    assert first["languages"] == {"go": 1, "python": 1}
    assert first["chunks"] >= 3
    assert first["bytes"] > 0
    assert [row["path"] for row in first["left_out"]] == ["data.bin"]
    assert "binary" in first["left_out"][0]["reason"]
    again = data(here)
    assert (again["added"], again["changed"], again["removed"], again["chunks"]) == (0, 0, 0, first["chunks"])
    assert here.git("status", "--porcelain") == ""


def test_in_words(project: Callable[..., Any]) -> None:
    here = project(FILES)
    out = here.run("index", check=0).out
    assert "2 files in" in out
    assert "1 go, 1 python" in out
    assert "1 file is left out" in out
    assert "2 added, in" in out
    assert "data.bin: " in here.run("index", "--verbose", check=0).out
    assert "Nothing had changed" in here.run("index", check=0).out


def test_how_stale_it_is(project: Callable[..., Any]) -> None:
    here = project(FILES)
    assert "There is no index yet of the" in here.run("index", "--status", check=0).out
    assert data(here, "--status")["exists"] is False
    assert not (here.root / ".selfimprove").exists()
    here.run("index", check=0)
    assert "It is up to date." in here.run("index", "--status", check=0).out
    here.write("a.py", "def four():\n    return 4\n")
    here.write("c.rs", "fn five() {}\n")
    (here.root / "lib" / "b.go").unlink()
    assert data(here, "--status")["stale"] == {"added": 1, "changed": 1, "removed": 1, "files": 2}
    assert "It is behind: 1 new, 1 changed, 1 gone." in here.run("index", "--status", check=0).out
    assert (data(here)["added"], data(here)["files"]) == (1, 2)


def test_anew(project: Callable[..., Any]) -> None:
    here = project(FILES)
    here.run("index", check=0)
    assert data(here, "--rebuild")["added"] == 2
    (here.root / ".selfimprove" / "index.db").write_bytes(b"no database" * 1000)
    result = here.run("index", check=0)
    assert "made anew" in result.err
    assert "2 added" in result.out


def test_a_folder_that_git_ignores_already(project: Callable[..., Any]) -> None:
    here = project({**FILES, ".gitignore": ".selfimprove/\n"})
    here.run("index", check=0)
    assert here.git("status", "--porcelain") == ""
    assert data(here, "--status")["stale"]["files"] >= 2
