"""Pre-commit: hooks that (almost) all files pass already, and the linters that the project has, as it has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.codebase.project.manifest import section_of, table
from selfimprove.codebase.project.pyparts import ruff_is_set_up
from selfimprove.errors import SelfimproveError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.codebase.project.facts import Facts

HOOKS = "v5.0.0"
"""The release of pre-commit-hooks that is named; `pre-commit autoupdate` finds a newer one."""

_LARGE = 500_000  # characters; check-added-large-files objects to more than 500 kB


def precommit(facts: Facts) -> str:
    """Return .pre-commit-config.yaml. A hook that most files would not pass is left out."""
    lines = [
        "repos:",
        "  - repo: https://github.com/pre-commit/pre-commit-hooks",
        f"    rev: {HOOKS}",
        "    hooks:",
        *(f"      - id: {name}" for name in _plain(facts)),
    ]
    if own := list(_own(facts)):
        lines += ["  - repo: local", "    hooks:"]
        for name, entry, types in own:
            lines += [f"      - id: {name}", f"        name: {name}", f"        entry: {entry}"]
            lines += ["        language: system", f"        types_or: [{types}]"]
    return "\n".join(lines) + "\n"


def _plain(facts: Facts) -> Iterator[str]:
    yield from ("check-merge-conflict", "check-case-conflict", "check-added-large-files")
    if any(name.endswith(".toml") for name in facts.names):
        yield "check-toml"
    documents = [name for name in facts.names if name.endswith((".yml", ".yaml"))]
    if documents and all(_loads(facts, name) for name in documents):
        yield "check-yaml"
    styles = [one for one in facts.styles.values() if one.files]
    for hook, held in (
        ("end-of-file-fixer", [one.final for one in styles]),
        ("trailing-whitespace", [one.trimmed for one in styles]),
    ):
        if held and all(held):
            yield hook


def _loads(facts: Facts, name: str) -> bool:
    """True for one YAML document without tags of its own."""
    from selfimprove.errors import UsageError
    from selfimprove.yamlfile import compose

    text = facts.read(name)
    if re.search(r"^---\s*$", text.lstrip().removeprefix("---"), re.MULTILINE) or re.search(r":\s+!\w", text):
        return False
    try:
        compose(text.encode(), name, UsageError)
    except SelfimproveError:
        return False
    return True


def _own(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Yield the linters that the project is set up for: id, command and the files they read."""
    own = facts.manifest("pyproject.toml")
    tools = table(own.data if own else {}, "tool")
    if ruff_is_set_up(facts):
        yield "ruff-check", "ruff check --force-exclude", "python, pyi"
        if "format" in tools.get("ruff", {}):
            yield "ruff-format", "ruff format --force-exclude", "python, pyi"
    if "black" in tools:
        yield "black", "black", "python, pyi"
    if "isort" in tools or facts.has(".isort.cfg"):
        yield "isort", "isort", "python, pyi"
    if facts.has(".flake8") or (facts.has("setup.cfg") and section_of(facts.read("setup.cfg"), "flake8")):
        yield "flake8", "flake8", "python"
