"""Paths: which names a reply may give to files, told without a disk."""

from __future__ import annotations

import re
from pathlib import PurePosixPath


def unsafe(path: str) -> str:
    """Return why no file may be written at ``path``, below whatever folder; ``""`` when it may."""
    parts = PurePosixPath(path).parts
    if (
        not parts
        or path.startswith(("/", "~"))
        or path.endswith("/")
        or ".." in parts
        or "\\" in path
        or ":" in parts[0]
        or any(char < " " or char == "\x7f" for char in path)
        or any(len(part.encode("utf-8", "replace")) > 255 for part in parts)
    ):
        return "is not a path inside the repository"
    if any(_is_git(part) for part in parts):
        return "is inside git's own folder"
    return ""


def _is_git(part: str) -> bool:
    """True for the name of git's folder, as any file system may spell it."""
    name = re.sub(r"[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]", "", part).lower()
    return name.partition(":")[0].rstrip(". ") in (".git", "git~1")
