"""A program that stands in for gh: it keeps pull requests in a file, and notes how it was called.

It speaks the part of gh 2 that the product uses, with gh's own option names, JSON fields and exit codes (4 is "not
logged in"), and refuses every other option. ``GH_STATE`` names the file with its state.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any


def main(words: list[str]) -> int:
    """Do what gh would do, and return its exit code."""
    file = Path(os.environ["GH_STATE"])
    state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"requests": [], "calls": []}
    body = sys.stdin.read() if "--body-file" in words else ""
    state["calls"].append({"argv": words, "stdin": body})
    code = _login(state) or _do(words, body, state)
    file.write_text(json.dumps(state))
    return code


def _login(state: dict[str, Any]) -> int:
    if not state.get("logged_out"):
        return 0
    print("To get started with GitHub CLI, please run:  gh auth login", file=sys.stderr)
    return 4


def _do(words: list[str], body: str, state: dict[str, Any]) -> int:
    parser = argparse.ArgumentParser(prog="gh", allow_abbrev=False)
    verbs = parser.add_subparsers(required=True).add_parser("pr").add_subparsers(dest="verb", required=True)
    options = {
        "list": ("--state", "--limit", "--head", "--search", "--json"),
        "create": ("--base", "--head", "--title", "--body-file", "--label"),
        "merge": ("number", "--auto", "--squash", "--match-head-commit"),
        "close": ("number", "--comment"),
    }
    for verb, names in options.items():
        one = verbs.add_parser(verb, allow_abbrev=False)
        one.add_argument("--repo")
        for name in names:
            kind = {"--label": "append", "--auto": "store_true", "--squash": "store_true"}.get(name, "store")
            one.add_argument(name, action=kind)
    given = parser.parse_args(words)
    return {"list": _list, "create": _create, "merge": _merge, "close": _close}[given.verb](
        given, body, state
    )


def _list(given: argparse.Namespace, _: str, state: dict[str, Any]) -> int:
    found = [one for one in state["requests"] if given.state == "all" or one["state"].lower() == given.state]
    if given.head:
        found = [one for one in found if one["headRefName"] == given.head]
    if given.search:
        word = given.search.removesuffix(" in:body")
        found = [one for one in found if word in one["body"]]
    print(json.dumps([{name: one[name] for name in given.json.split(",")} for one in found]))
    return 0


def _create(given: argparse.Namespace, body: str, state: dict[str, Any]) -> int:
    if any(one["headRefName"] == given.head and one["state"] == "OPEN" for one in state["requests"]):
        print(
            f'a pull request for branch "{given.head}" into branch "{given.base}" already exists',
            file=sys.stderr,
        )
        return 1
    number = len(state["requests"]) + 1
    url = f"https://github.com/acme/demo/pull/{number}"
    made = {
        "number": number,
        "url": url,
        "state": "OPEN",
        "headRefName": given.head,
        "baseRefName": given.base,
    }
    state["requests"].append(
        made | {"title": given.title, "body": body, "labels": given.label or [], "auto": False}
    )
    print(url)
    return 0


def _merge(given: argparse.Namespace, _: str, state: dict[str, Any]) -> int:
    state["requests"][int(given.number) - 1]["auto"] = given.auto and given.squash
    return 0


def _close(given: argparse.Namespace, _: str, state: dict[str, Any]) -> int:
    state["requests"][int(given.number) - 1] |= {"state": "CLOSED", "comment": given.comment}
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
