"""Diffs for people: what a change of text or of a file looks like, in the unified format."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def generate_diff(old: str, new: str, path: str = "file", context: int = 3) -> str:
    """Return the unified diff from ``old`` to ``new``, ``""`` when they are equal."""
    rows = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}", n=context
    )
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)


def generate_file_diff(old: Path, new: Path, context: int = 3) -> str:
    """Return the unified diff between two files; one that does not exist counts as empty."""
    texts = [
        file.read_text(encoding="utf-8", errors="replace") if file.is_file() else "" for file in (old, new)
    ]
    return generate_diff(texts[0], texts[1], new.name, context)
