"""`selfimprove apply`: a copied reply lands in the person's files, all of it or nothing, and can be taken back."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from selfimprove.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project, Result

FILES = {
    "src/shop.py": "def price():\n    return 1\n\n\ndef total():\n    return 1\n",
    "old name.txt": "x\r\ny\r\n",
}
GOOD = """Here you are:

```python
src/shop.py
<<<<<<< SEARCH
def price():
    return 1
=======
def price():
    return 2
>>>>>>> REPLACE
```

And a new file, `notes/new.md`:

notes/new.md
```
# Notes
```
"""
BAD = GOOD.replace("def price():\n    return 1\n", "    return 1\n").replace(
    "def price():\n    return 2\n", "    return 2\n"
)


@pytest.fixture
def shop(project: Callable[..., Project]) -> Project:
    """A repository with two files."""
    return project(FILES)


def answer(result: Result) -> dict[str, Any]:
    """The JSON answer, which its schema accepts."""
    document: dict[str, Any] = json.loads(result.out)
    jsonschema.validate(document, schema("apply"))
    assert document["ok"] == (result.code == 0)
    return document


def test_a_reply_lands_and_is_taken_back(shop: Project) -> None:
    (shop.root.parent / "reply.md").write_text(GOOD)
    head = shop.git("rev-parse", "HEAD")
    done = shop.run("apply", "../reply.md", check=0)
    assert "src/shop.py:1  applied" in done.out
    assert "notes/new.md" in done.out
    assert "2 files changed; to take it back: selfimprove apply --undo" in done.err
    assert shop.read("src/shop.py") == FILES["src/shop.py"].replace("return 1", "return 2", 1)
    assert shop.read("notes/new.md") == "# Notes\n"
    assert shop.git("rev-parse", "HEAD") == head
    assert "src/shop.py" in shop.git("status", "--porcelain")
    assert ".selfimprove" not in shop.git("status", "--porcelain")
    assert "src/shop.py  as it was" in shop.run("apply", "--undo", check=0).out
    assert shop.git("status", "--porcelain") == ""
    assert not (shop.root / "notes").exists()
    assert "nothing to take back" in shop.run("apply", "--undo", check=2).err


def test_a_reply_that_fits_two_places_is_refused_with_both(shop: Project) -> None:
    before = shop.state()
    done = shop.run("apply", "-", stdin=BAD, check=1)
    assert "src/shop.py  refused" in done.out
    assert "could be: src/shop.py:2, src/shop.py:6" in done.out
    assert "nothing was changed" in done.err
    data = answer(shop.run("apply", "--format", "json", stdin=BAD, check=1))["data"]
    assert [row["status"] for row in data["edits"]] == ["refused", "held"]
    assert data["edits"][0]["candidates"] == ["src/shop.py:2", "src/shop.py:6"]
    assert data["files"] == data["removed"] == []
    assert shop.state() == before
    assert not (shop.root / ".selfimprove/applied").exists()


def test_a_dry_run_shows_a_diff_that_git_applies(shop: Project) -> None:
    before = shop.state()
    reply = GOOD + "\nold name.txt\n<<<<<<< SEARCH\ny\n=======\nz\n>>>>>>> REPLACE\n"
    data = answer(shop.run("apply", "--dry-run", "--format", "json", stdin=reply, check=0))["data"]
    assert data["dry_run"] is True
    assert data["files"] == ["notes/new.md", "old name.txt", "src/shop.py"]
    assert shop.state() == before
    page = shop.run("apply", "-", "--dry-run", stdin=reply, check=0)
    assert page.out.endswith(data["diff"].replace("\r\n", "\n"))
    assert "3 files would be changed" in page.err
    subprocess.run(["git", "apply", "-"], cwd=shop.root, input=data["diff"].encode(), check=True)
    by_git = {path: (shop.root / path).read_bytes() for path in data["files"]}
    shop.git("reset", "-q", "--hard")
    shop.git("clean", "-fdq")
    shop.run("apply", stdin=reply, check=0)
    assert {path: (shop.root / path).read_bytes() for path in data["files"]} == by_git


def test_uncommitted_work_counts_and_a_later_change_stops_undo(shop: Project) -> None:
    shop.write("src/shop.py", FILES["src/shop.py"] + "\n# mine\n")
    shop.run("apply", stdin=GOOD, check=0)
    assert shop.read("src/shop.py").endswith("# mine\n")
    now = shop.read("src/shop.py")
    shop.write("src/shop.py", now + "# later\n")
    assert "src/shop.py has changed since" in shop.run("apply", "--undo", check=1).err
    assert (shop.root / "notes/new.md").exists()
    shop.write("src/shop.py", now)
    shop.run("apply", "--undo", check=0)
    assert shop.read("src/shop.py") == FILES["src/shop.py"] + "\n# mine\n"


def test_the_second_but_last_is_taken_back_second(shop: Project) -> None:
    shop.run("apply", stdin=GOOD, check=0)
    shop.run(
        "apply",
        stdin="src/shop.py\n<<<<<<< SEARCH\n    return 2\n=======\n    return 3\n>>>>>>> REPLACE\n",
        check=0,
    )
    shop.run("apply", "--undo", check=0)
    assert "return 2" in shop.read("src/shop.py")
    shop.run("apply", "--undo", check=0)
    assert shop.read("src/shop.py") == FILES["src/shop.py"]


@pytest.mark.parametrize(
    "path", ["../out.txt", ".git/hooks/pre-commit", "/tmp/out.txt", "link/out.txt", ".env", "sub/../../x"]
)
def test_nothing_outside_or_ignored_is_written(shop: Project, path: str) -> None:
    (shop.root / "link").symlink_to(shop.root.parent)
    shop.write(".env", "KEY=1\n")
    shop.write(".gitignore", ".env\n")
    before = shop.state()
    reply = f"FILE: {path}\n```\nowned\n```\n"
    done = shop.run("apply", stdin=reply)
    assert done.code == 1, done
    assert shop.state() == before


@pytest.mark.parametrize(
    ("words", "stdin", "why"),
    [
        (("apply", "gone.md"), None, "cannot be read"),
        (("apply",), "", "is empty"),
        (("apply", "."), None, "cannot be read"),
        (("apply", "--undo", "x"), None, "--undo goes alone"),
        (("apply", "--nonsense"), None, "nonsense"),
    ],
)
def test_wrong_usage(shop: Project, words: tuple[str, ...], stdin: str | None, why: str) -> None:
    done = shop.run(*words, stdin=stdin, check=2)
    assert why in done.err


def test_outside_a_repository_is_the_usual_error(shop: Project) -> None:
    done = shop.run("apply", "-", stdin=GOOD, cwd=shop.root.parent)
    assert done.code == 2
    assert "not inside a git" in done.err or "repository" in done.err


def test_a_reply_without_an_edit_says_so(shop: Project) -> None:
    done = shop.run("apply", stdin="I cannot do that, sorry.", check=1)
    assert done.out.strip()
    document = answer(shop.run("apply", "--format", "json", stdin="I cannot do that, sorry.", check=1))
    assert document["data"]["reason"]
    assert document["data"]["edits"] == []


def test_a_damaged_record_is_told_and_kept(shop: Project) -> None:
    shop.run("apply", stdin=GOOD, check=0)
    record = next((shop.root / ".selfimprove/applied").glob("*.json"))
    record.write_text("{")
    assert "is damaged" in shop.run("apply", "--undo", check=2).err
    assert record.exists()
    assert "return 2" in shop.read("src/shop.py")


def test_the_answer_goes_to_a_file_and_help_has_examples(shop: Project) -> None:
    shop.run("apply", "--dry-run", "-o", "../answer.txt", stdin=GOOD, check=0)
    assert "+    return 2" in (shop.root.parent / "answer.txt").read_text()
    page = shop.run("apply", "--help", check=0).out
    assert "Examples:" in page
    assert "selfimprove apply reply.md --dry-run" in page
