"""Ignore: the .gitignore of a repository's languages, less what would hide a file that is tracked."""

from __future__ import annotations

import re
from fnmatch import translate
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selfimprove.codebase.project.facts import Facts

_BLOCKS = {  # which block of patterns a language asks for
    "python": "python",
    "cython": "python",
    "jupyter": "python",
    "javascript": "node",
    "typescript": "node",
    "vue": "node",
    "rust": "rust",
    "go": "go",
    "java": "java",
    "kotlin": "java",
    "ruby": "ruby",
    "php": "php",
    "elixir": "elixir",
    "csharp": "dotnet",
    "fsharp": "dotnet",
    "c": "native",
    "cpp": "native",
    "swift": "swift",
    "haskell": "haskell",
    "dart": "dart",
    "clojure": "clojure",
    "scala": "scala",
}
_SHARE = 0.02  # of all files of known languages; a single script of another language leaves nothing behind
_JUNK = re.compile(
    r"(^|/)(__pycache__|node_modules|\.DS_Store|\.pytest_cache|\.mypy_cache)(/|$)|\.py[cod]$|\.class$|~$"
)
_HAS_A_MANIFEST = {"node": "npm", "ruby": "bundler", "php": "composer"}


def gitignore(facts: Facts) -> str:
    """Return the text; a pattern that a tracked file would fall under is left out, unless that file is built junk."""
    tracked = [name for name in facts.names if not _JUNK.search(name)]
    sections, seen = [], set[str]()
    for block in (*_blocks(facts), "any"):
        lines = _text(block).splitlines()
        kept = [line for line in lines[1:] if line not in seen and not _hits(line, tracked)]
        seen |= {*kept}
        if kept:
            sections.append("\n".join([lines[0], *kept]))
    return "\n\n".join(sections) + "\n"


def _blocks(facts: Facts) -> Iterator[str]:
    counts: dict[str, int] = {}
    for language, count in facts.languages.items():
        if block := _BLOCKS.get(language):
            counts[block] = counts.get(block, 0) + count
    for block, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        manifest = _HAS_A_MANIFEST.get(block)
        if count >= _SHARE * sum(counts.values()) and (
            manifest is None or manifest in facts.ecosystems or len(counts) == 1
        ):
            yield block


def _text(block: str) -> str:
    return (files("selfimprove.executor.scaffold") / "ignores" / f"{block}.txt").read_text(encoding="utf-8")


def _hits(pattern: str, names: Iterable[str]) -> bool:
    """True when git would ignore one of ``names`` by ``pattern``, or may do so."""
    bare = pattern.removeprefix("**/")
    whole = bare.rstrip("/")
    if "/" in whole:
        return any(f"/{name}".find(f"/{whole}/") >= 0 for name in names)
    matcher = re.compile(translate(whole))
    for name in names:
        parts = name.split("/")
        if any(matcher.match(part) for part in (parts[:-1] if bare.endswith("/") else parts)):
            return True
    return False
