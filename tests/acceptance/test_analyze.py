"""`selfimprove analyze`: facts without a key, summaries whose names exist, and documents that stay a person's."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from http_rig import KEY, env_of, no_key_in
from openai_server import Answer, OpenAIServer
from selfimprove.report.json import schema

NAMES = ("specification.md", "graph.md", "architecture.md")
FILES = {
    "pyproject.toml": """[project]
name = "shop"
version = "2.5.1"
description = "Sells things."
license = "MIT"
requires-python = ">=3.11"
dependencies = ["requests>=2", "attrs"]
[project.scripts]
shop = "shop.cli:main"
[tool.pytest.ini_options]
testpaths = ["tests"]
[tool.ruff]
""",
    "README.md": "# Shop\n\nSells things to people.\n",
    "src/shop/__init__.py": '"""A small shop."""\nfrom shop.cart import Cart\n\n__all__ = ["Cart"]\n',
    "src/shop/cart.py": '''"""Cart: what a customer has chosen."""
from shop.price import total


class Cart:
    """Holds items."""

    def add(self, item, *, count=1):
        return total([item] * count)
''',
    "src/shop/price.py": '''"""Prices."""
import requests

from shop import tax


def total(items):
    """Return the sum."""
    return sum(items) + tax.RATE


def _rounded(value):
    return value
''',
    "src/shop/tax.py": "from shop import price\n\nRATE = 7\n\n\ndef taxed(value):\n    return price.total([value])\n",
    "src/shop/cli.py": "def main():\n    from shop.cart import Cart\n\n    return Cart()\n",
    "src/shop/broken.py": "def f(:\n",
    "tests/test_cart.py": "from shop import Cart\n\n\ndef test_add():\n    assert Cart().add(1)\n",
    ".gitignore": "secret-notes.md\n",
    "secret-notes.md": "ignored-by-git\n",
    "deploy/id_rsa": "private-by-name\n",
    "deploy/notes.txt": "-----BEGIN RSA PRIVATE KEY-----\n" + "A" * 64 + "\nprivate-by-content\n",
}
GOOD = {
    "specification": "Shop sells things. A customer holds a `Cart`, and the command `shop` runs `shop.cli:main`.",
    "graph": "The modules `shop.price` and `shop.tax` import each other, so that neither loads alone.",
    "architecture": "The code lies in `src/shop`, and `tests/test_cart.py` has the only test of this project.",
}


def documents(repo, folder: str = "docs") -> dict[str, str]:
    return {name: repo.read(f"{folder}/{name}") for name in NAMES}


def answer(repo, *args: str, check: int = 0, **more) -> dict:
    document = json.loads(repo.run("analyze", "--format", "json", *args, check=check, **more).out)
    Draft202012Validator(schema("analyze")).validate(document)
    return document["data"]


SAID = {
    "specification.md": (
        *("| Version | 2.5.1 |", "| Licence | MIT |", "`shop.cli:main`", "`requests`, `attrs`"),
        *("`python -m pytest -q`", "| Lint | `ruff` |", "### `shop`", "`total(items)`: Return the sum."),
        "`class Cart`: Holds items. Methods: `add`.",
    ),
    "graph.md": (
        "n_src_shop_cart_py --> n_src_shop_price_py",
        "n_src_shop_cli_py -.-> n_src_shop_cart_py",  # inside of a function only
        "`shop.price` → `shop.tax` → `shop.price`",
        "| `requests` | 1 | `src/shop/price.py` |",
    ),
    "architecture.md": (
        "| `src/shop/cart.py` | `tests/test_cart.py` |",  # through the package that hands it on
        "Without a test of their own: `src/shop/cli.py`, `src/shop/price.py`",
        "| `src/shop/broken.py` | line 1: ",
    ),
}


def test_the_facts_are_complete_and_true(project):
    repo = project(FILES)
    before = repo.state()
    assert [one["state"] for one in answer(repo)["documents"]] == ["written"] * 3
    assert repo.git("status", "--porcelain") == "?? docs/"
    for name, text in documents(repo).items():
        assert text.startswith("<!-- selfimprove analyze wrote this file")
        assert [fact for fact in SAID[name] if fact not in text] == []
        assert "_rounded" not in text and "summary" not in text
        paths = re.findall(r"`([^`\n ]+\.(?:py|toml|md))`", text)
        assert [path for path in paths if not (repo.root / path).exists()] == []
        (repo.root / "docs" / name).unlink()
    (repo.root / "docs").rmdir()
    assert repo.state() == before


def test_the_same_tree_has_the_same_documents_whoever_asks_where_and_when(project):
    here, there = project(FILES), project(FILES)
    here.run("analyze", check=0)
    there.run("analyze", check=0, env={"HOME": str(there.root.parent), "LANG": "de_DE.UTF-8"})
    assert documents(here) == documents(there)
    assert not re.search(rf"{here.root}|{Path.home()}|/usr|20\d\d-\d\d", "".join(documents(here).values()))
    times = [(here.root / "docs" / name).stat().st_mtime_ns for name in NAMES]
    here.git("add", "-A")
    here.git("commit", "-qm", "Documents")
    assert [one["state"] for one in answer(here)["documents"]] == ["unchanged"] * 3
    assert times == [(here.root / "docs" / name).stat().st_mtime_ns for name in NAMES]


def test_a_persons_document_is_never_written(project):
    repo = project({**FILES, "docs/graph.md": "# Mine\n"})
    repo.write("elsewhere.md", "theirs\n")
    (repo.root / "docs/architecture.md").symlink_to(repo.root / "elsewhere.md")
    done = repo.run("analyze", check=1)
    assert repo.read("docs/graph.md") == "# Mine\n" and repo.read("elsewhere.md") == "theirs\n"
    assert (repo.root / "docs/specification.md").exists() and (
        repo.root / "docs/architecture.md"
    ).is_symlink()
    assert "docs/graph.md is not written: its first line is not the mark" in done.err
    assert "--output-dir" in done.err
    states = [one["state"] for one in answer(repo, "--output-dir", "build/about")["documents"]]
    assert states == ["written"] * 3 and (repo.root / "build/about/graph.md").exists()
    repo.write(".selfimprove/config.yaml", "analyze: {output_dir: ../outside}\n")
    assert "leads out of the working tree" in repo.run("analyze", check=2).err


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"notes.txt": "only words\n"},
        {"go.mod": "module example.org/x\n\ngo 1.22\n", "a/a.go": "package a\n\nfunc Open() {}\n"},
        {
            "a`b|c/m.py": '"""Has | `and` <b>."""\nimport nowhere\n',
            "package.json": "[1",
            "pyproject.toml": "[",
        },
        {
            "x.py": b"\xff\xfe\x00",
            "y.py": "x = '" + "(" * 300 + "'\n" + "(" * 300,
            "z.py": b"# coding: nope\n",
        },
    ],
    ids=["empty", "words", "go", "odd names", "odd files"],
)
def test_any_tree_has_documents(project, files):
    repo = project(files, commit=bool(files))
    if files:
        repo.git("checkout", "-q", "--detach")
        (repo.root / "loop").symlink_to("loop")
    repo.run("analyze", check=0)
    assert [one["state"] for one in answer(repo)["documents"]] == ["unchanged"] * 3


def test_invented_names_never_reach_a_document(project):
    repo = project(FILES)
    bad = {
        "specification": f"{GOOD['specification']} The class `MegaCart` in `src/shop/mega.py` does it in 77 ways.",
        "graph": f"{GOOD['graph']} Everything goes through shop.hyperdrive and order_queue.",
        "architecture": "All of it is in `src/shop/engine.py`, where `warp()` lives.",
    }
    with OpenAIServer([json.dumps(bad)] * 2) as server:
        done = repo.run("analyze", env=env_of(server), check=0)
        first, second = (request.body["messages"] for request in server.requests)
    found = documents(repo)
    asked = "".join(message["content"] for message in first)
    again = second[-1]["content"]
    for name in ("MegaCart", "src/shop/mega.py", "77", "shop.hyperdrive", "order_queue", "warp()"):
        assert f"{name} does not exist" in again and name in done.err
        assert not any(name in text for text in found.values())
    assert GOOD["specification"] in found["specification.md"] and GOOD["graph"] in found["graph.md"]
    assert "summary" not in found["architecture.md"]  # nothing of it was left
    assert "summary of architecture.md is left out" in done.err
    assert "what a customer has chosen" in asked and "Sells things to people" in asked
    for hidden in ("ignored-by-git", "private-by-name", "private-by-content", KEY):
        assert hidden not in asked
    assert no_key_in(repo, done.out, done.err, *found.values())


def test_files_are_shown_within_the_limits(project):
    repo = project({**FILES, "long.py": f"x = 1  # {'word ' * 4000}\n", "other.txt": "not-an-extension\n"})
    limits = "{file_chars: 500, total_chars: 900, extensions: [.py], priority: [long.py]}"
    repo.write(".selfimprove/config.yaml", f"analyze: {limits}\n")
    repo.run("analyze", env=repo.replies({"reply": json.dumps(GOOD)}), check=0)
    with contextlib.closing(sqlite3.connect(repo.root / ".selfimprove/state.db")) as journal:
        (told,) = journal.execute("select ask from exchanges").fetchone()
    asked = json.loads(told)["messages"][1]["content"]
    shown = re.findall(r"^BEGIN FILE \d+ (\S+)(.*)\n((?:.*\n)*?)END FILE", asked, re.MULTILINE)
    assert shown[0][0] == "long.py" and "first 500 characters" in shown[0][1] and len(shown[0][2]) <= 501
    assert sum(len(text) for _, _, text in shown) <= 900 + len(shown)
    assert all(path.endswith(".py") for path, _, _ in shown)


@pytest.mark.parametrize(
    "reply",
    [
        "I would rather not.",
        json.dumps(GOOD)[:120],
        '{"specification": 3}',
        "",
        json.dumps(dict.fromkeys(GOOD, "这个项目出售商品。" * 12)),
        json.dumps(
            dict.fromkeys(GOOD, "Dieses Projekt verkauft Dinge und hat nur einen Test, der alles prüft. " * 3)
        ),
    ],
    ids=["no JSON", "cut off", "wrong shape", "empty", "Chinese", "German"],
)
def test_a_reply_that_cannot_be_used_costs_the_summaries_only(project, reply):
    repo = project(FILES)
    env = repo.replies({"reply": reply, "attempt": 1}, {"reply": reply, "attempt": 2})
    _summaries_only_are_missing(repo, repo.run("analyze", env=env, check=0))


def test_a_reply_of_ten_megabytes_costs_the_summaries_only(project):
    repo = project(FILES)
    with OpenAIServer(lambda body: Answer("x" * 10_500_000)) as server:
        done = repo.run("analyze", env=env_of(server, SELFIMPROVE_LLM__RETRIES="0"), check=0)
    _summaries_only_are_missing(repo, done)


def _summaries_only_are_missing(repo, done) -> None:
    assert "warning: " in done.err and "left out" in done.err and "Traceback" not in done.err
    found = documents(repo)
    assert not any("<!-- summary" in text for text in found.values())
    repo.run("analyze", "--no-prose", check=0)
    assert documents(repo) == found


def test_a_summary_is_asked_for_when_facts_change_and_kept_while_its_names_exist(project):
    repo = project(FILES)
    env = repo.replies({"reply": json.dumps(GOOD), "purpose": "analyze"})
    assert [one["summary"] for one in answer(repo, env=env)["documents"]] == ["new"] * 3
    again = answer(repo, env=env)
    assert [one["state"] for one in again["documents"]] == ["unchanged"] * 3 and again["tokens"] == 0
    repo.write("src/shop/tax.py", "RATE = 7\n\n\ndef taxed(value):\n    return value\n")  # no circle any more
    changed = answer(repo, "--no-prose", env=env)
    assert {one["summary"] for one in changed["documents"]} == {"kept"} and changed["tokens"] == 0
    assert "A customer holds a `Cart`" in documents(repo)["specification.md"]
    repo.git("rm", "-qf", "src/shop/cart.py")
    repo.write("src/shop/__init__.py", '"""A small shop."""\n')
    repo.run("analyze", check=0)
    assert "A customer holds" not in documents(repo)["specification.md"]
    assert repo.run("analyze", "--prose", check=4).err.startswith("error: no model is configured")
