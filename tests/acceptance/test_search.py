"""`selfimprove search` as people and programs use it: in every kind of repository, and with parts missing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    "src/billing/invoice.py": '"""Invoices."""\n\n\nclass Invoice:\n    """What a customer owes."""\n\n'
    "    def total(self, currency):\n        return convert(sum(self.lines), currency)\n\n\n"
    'def convert(amount, currency):\n    """Change money at the rate of the day."""\n    return amount\n',
    "src/store/rows.go": "package store\n\nfunc Open(name string) error {\n\treturn nil\n}\n",
    "README.md": "# Billing\n\nHow an invoice gets its total.\n",
}


def hits(text: str) -> list[dict[str, Any]]:
    """Return the hits of an answer in JSON."""
    document = json.loads(text)
    assert document["ok"] is True
    found: list[dict[str, Any]] = document["data"]["hits"]
    return found


def test_in_a_repository_that_was_never_set_up(project: Callable[..., Any]) -> None:
    here = project(FILES)
    before = here.state()
    result = here.run("search", "total", "of", "an", "invoice", check=0)
    assert result.out.splitlines()[0].startswith("src/billing/invoice.py:7-8  Invoice.total  0.")
    assert "    def total(self, currency)" in result.out
    assert "name: invoice, total" in result.out
    assert here.state() == before
    assert here.git("status", "--porcelain") == ""
    assert (here.root / ".selfimprove" / "index.db").is_file()


def test_json(project: Callable[..., Any]) -> None:
    here = project(FILES)
    result = here.run("search", "change money", "--format", "json", "-n", "1", check=0)
    (hit,) = hits(result.out)
    assert hit == {
        "path": "src/billing/invoice.py",
        "start_line": 11,
        "end_line": 13,
        "symbol": "convert",
        "kind": "function",
        "signature": "def convert(amount, currency)",
        "language": "python",
        "score": hit["score"],
        "why": hit["why"],
    }
    assert json.loads(result.out)["data"]["by"] == "embedding"


def test_it_follows_the_files(project: Callable[..., Any]) -> None:
    here = project(FILES)
    here.run("search", "x", check=0)
    here.write("new.rs", "fn settle_account() {}\n")
    here.write("src/store/rows.go", "package store\n\nfunc Shut(name string) error {\n\treturn nil\n}\n")
    assert hits(here.run("search", "settle account", "--format", "json").out)[0]["path"] == "new.rs"
    assert hits(here.run("search", "Shut", "--format", "json").out)[0]["symbol"] == "Shut"
    assert not hits(here.run("search", "Open", "--format", "json").out)
    (here.root / "new.rs").unlink()
    assert hits(here.run("search", "settle_account", "--no-update", "--format", "json").out)
    assert not hits(here.run("search", "settle_account", "--format", "json").out)


def test_nothing_found_is_an_answer(project: Callable[..., Any]) -> None:
    here = project(FILES)
    result = here.run("search", "xyzzy", check=0)
    assert (result.out, result.err) == ("", "nothing found\n")
    assert hits(here.run("search", "xyzzy", "--format", "json").out) == []


def test_languages_and_paths(project: Callable[..., Any]) -> None:
    here = project(FILES)
    ask = ("search", "invoice total open", "--format", "json")
    assert {hit["language"] for hit in hits(here.run(*ask, "--language", "go,md").out)} == {"go", "markdown"}
    assert {hit["path"] for hit in hits(here.run(*ask, "--path", "src/*/*.go").out)} == {"src/store/rows.go"}
    assert {hit["path"] for hit in hits(here.run(*ask, "--path", "src/store/").out)} == {"src/store/rows.go"}
    result = here.run("search", "x", "--language", "pyton", check=2)
    assert "did you mean python?" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "there is nothing to search for"),
        (("  ",), "there is nothing to search for"),
        (("x", "--batch", "y"), "do not go together"),
        (("--batch", "missing.jsonl"), "cannot be read"),
        (("x", "-n", "0"), "0"),
        (("x", "--no-update"), "there is no index yet"),
    ],
)
def test_what_cannot_be_asked(project: Callable[..., Any], words: tuple[str, ...], said: str) -> None:
    result = project(FILES).run("search", *words, check=2)
    assert said in result.err
    assert "Traceback" not in result.err


def test_a_query_from_standard_input(project: Callable[..., Any]) -> None:
    here = project(FILES)
    trace = 'Traceback (most recent call last):\n  File "/x/src/billing/invoice.py", line 8, in total\nE: e\n'
    (hit,) = hits(here.run("search", "-", "-n", "1", "--format", "json", stdin=trace).out)
    assert hit["symbol"] == "Invoice.total"
    assert "place" in hit["why"]


def test_many_queries(project: Callable[..., Any], tmp_path: Path) -> None:
    here = project(FILES)
    queries = [
        {"id": 1, "query": "Invoice.total"},
        {"id": "två", "query": "xyzzy"},
        {"id": None, "query": "Open"},
    ]
    file = tmp_path / "queries.jsonl"
    file.write_text("\n".join(json.dumps(query) for query in queries) + "\n\n")
    rows = [
        json.loads(line)
        for line in here.run("search", "--batch", str(file), "-n", "2", check=0).out.splitlines()
    ]
    assert [row["id"] for row in rows] == [1, 1, None]
    assert rows[0] | {"score": 0} == {
        "id": 1,
        "path": "src/billing/invoice.py",
        "start_line": 7,
        "end_line": 8,
        "score": 0,
    }
    assert rows[0]["score"] >= rows[1]["score"]
    here.run("search", "--batch", str(file), "-n", "2", "-o", "answers.jsonl", check=0)
    assert [json.loads(line) for line in here.read("answers.jsonl").splitlines()] == rows


def test_a_line_that_is_no_query_is_told_and_the_rest_is_answered(project: Callable[..., Any]) -> None:
    here = project(FILES)
    lines = ['{"id": 1, "query": "Open"}', "no json", "[1]", '{"id": 2}', '{"id": 4, "query": null}']
    lines.append('{"id": 3, "query": "convert"}')
    result = here.run("search", "--batch", "-", "-n", "1", stdin="\n".join(lines), check=1)
    assert [json.loads(line)["id"] for line in result.out.splitlines()] == [1, 3]
    for number, why in ((3, "it is no JSON object"), (4, 'it has no "query"'), (5, 'its "query" is no text')):
        assert f"line {number} is no query: {why}\n" in result.err
    assert "line 2 is no query: " in result.err
    assert "4 of 6 lines are no query" in result.err


def test_nothing_more_is_answered_when_nobody_reads(project: Callable[..., Any]) -> None:
    here = project(FILES)
    here.run("search", "Open", check=0)
    os.mkfifo(here.root / "pipe")
    process = here.start("search", "--batch", "pipe", "-n", "1")
    with pytest.raises(BrokenPipeError), (here.root / "pipe").open("wb", buffering=0) as queries:
        queries.write(b'{"id": 0, "query": "Open"}\n')
        assert json.loads(process.stdout.readline())["id"] == 0
        process.stdout.close()
        while True:  # without end, as long as anybody reads them
            queries.write(b'{"id": 1, "query": "Open"}\n')
    assert process.wait(timeout=60) == 0


def test_an_index_whose_damage_only_reading_shows(project: Callable[..., Any]) -> None:
    here = project(FILES)
    asked = ("search", "change money", "--format", "json")
    expected = hits(here.run(*asked).out)
    file = here.root / ".selfimprove" / "index.db"
    state = file.stat()
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("delete from names")
        db.commit()
        db.execute("pragma wal_checkpoint(truncate)")
    assert file.stat().st_size == state.st_size
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))  # as a failing disk does it
    result = here.run(*asked, "--no-update", check=2)
    assert "selfimprove index --rebuild" in result.err
    result = here.run(*asked, check=0)
    assert "the index is made anew: it is damaged" in result.err
    assert hits(result.out) == expected


def test_answers_come_as_soon_as_queries(project: Callable[..., Any]) -> None:
    here = project(FILES)
    process = here.start("search", "--batch", "queries", "-n", "1")
    process.communicate(timeout=60)
    os.mkfifo(here.root / "pipe")
    process = here.start("search", "--batch", "pipe", "-n", "1")
    with (here.root / "pipe").open("w") as queries:
        for number in range(3):
            queries.write(json.dumps({"id": number, "query": "Open"}) + "\n")
            queries.flush()
            assert json.loads(process.stdout.readline())["id"] == number
    assert process.wait(timeout=60) == 0


def test_strange_repositories(project: Callable[..., Any], tmp_path: Path) -> None:
    here = project()
    assert here.run("search", "anything", check=0).err == "nothing found\n"
    empty = project(commit=False)
    assert empty.run("search", "anything", check=0).err == "nothing found\n"
    here.git("init", "-q", "--bare", str(tmp_path / "bare"))
    assert "bare" in here.run("search", "x", "-C", str(tmp_path / "bare"), check=2).err
    assert "not a git repository" in here.run("search", "x", "-C", str(tmp_path), check=2).err
    detached = project(FILES)
    detached.git("checkout", "-q", "--detach")
    assert detached.run("search", "convert", cwd=detached.root / "src", check=0).out.startswith(
        "src/billing/"
    )


def test_names_that_are_not_utf_8(project: Callable[..., Any]) -> None:
    name = os.fsdecode(b"caf\xe9/br\xff.py")
    here = project({name: "def brew_coffee():\n    return 1\n", "tea.py": "def brew_tea():\n    return 1\n"})
    assert [hit["path"] for hit in hits(here.run("search", "brew", "--format", "json").out)] == ["tea.py"]
    assert "caf\\xe9/br\\xff.py: its name is not valid UTF-8" in here.run("index", "-v", check=0).out
    assert here.run("search", "brew", "--path", name, check=0).out == ""


def test_a_filter_that_no_file_passes_is_told(project: Callable[..., Any]) -> None:
    result = project(FILES).run("search", "Invoice.total", "--path", "nowhere/**", check=0)
    assert (result.out, "no indexed file is in nowhere/**" in result.err) == ("", True)


def test_a_repository_that_is_read_only(project: Callable[..., Any]) -> None:
    here = project(FILES)
    # A mount that is read-only binds root too, who may write to any folder.
    mount = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(here.root), str(here.root), "--"]
    done = subprocess.run(
        [*mount, sys.executable, "-m", "selfimprove", "search", "Invoice.total"],
        cwd=here.root,
        env=here._env(None),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("src/billing/invoice.py:7-8")
    assert "for this command only" in done.stderr
    assert not (here.root / ".selfimprove").exists()


def without(module: str, tmp_path: Path) -> dict[str, str]:
    """Return variables with which Python does not find ``module``."""
    folder = tmp_path / "without"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        "from importlib.machinery import PathFinder\n\nfind = PathFinder.find_spec\n"
        f"PathFinder.find_spec = lambda name, *more: None if name == {module!r} else find(name, *more)\n"
    )
    return {"PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)}


@pytest.mark.parametrize("module", ["numpy", "Stemmer", "tree_sitter"])
def test_without_the_libraries_of_the_index(project: Callable[..., Any], tmp_path: Path, module: str) -> None:
    here = project(FILES)
    here.more |= without(module, tmp_path)
    result = here.run("search", "Invoice total", "currency", check=0)
    assert result.err.count("\n") == 1
    assert "pip install 'selfimprove[index]'" in result.err
    assert result.out.startswith("src/billing/invoice.py:")
    (hit,) = hits(here.run("search", "Open", "--language", "go", "--format", "json").out)
    assert (hit["path"], hit["language"]) == ("src/store/rows.go", "go")
    lines = json.dumps({"id": 1, "query": "convert"})
    assert json.loads(here.run("search", "--batch", "-", "-n", "1", stdin=lines).out)["id"] == 1
    refused = here.run("index", check=2)
    assert "pip install 'selfimprove[index]'" in refused.err


def test_on_a_terminal_a_line_fits_its_width(project: Callable[..., Any]) -> None:
    script = shutil.which("script")
    assert script, "the program script is not installed"
    here = project(
        {"a.py": f"def {'long_name_' * 9}x({', '.join(f'argument_{n}' for n in range(30))}):\n    pass\n"}
    )
    here.run("index", check=0)
    command = f"stty columns 80; {sys.executable} -m selfimprove search long name --color never"
    import subprocess

    done = subprocess.run(
        [script, "-qec", command, "/dev/null"], cwd=here.root, env=here.env, capture_output=True, text=True
    )
    lines = done.stdout.replace("\r", "").splitlines()
    assert lines[0].startswith("a.py:1-2")
    assert all(len(line) <= 80 for line in lines), lines
    assert lines[1].endswith("…")
