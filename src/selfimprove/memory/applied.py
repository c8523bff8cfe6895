"""Applied: what the last replies changed in the person's own tree, so that it can be taken back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from selfimprove.atomicfile import replace_file
from selfimprove.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = "applied"
MOST = 20
"""Records that are kept; older ones go."""


def keep(state: Path, record: Mapping[str, Any]) -> Path:
    """Write a record below the folder ``state`` and return its file. Raises StateError when it cannot be written."""
    folder = state / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = _files(state)
        path = folder / f"{int(files[-1].stem) + 1 if files else 1:06}.json"
        replace_file(path, json.dumps(record, indent=1).encode("utf-8", "surrogatepass"))
        for old in files[: max(0, len(files) + 1 - MOST)]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise StateError(
            f"what is changed cannot be recorded: {error.strerror}",
            where=str(folder),
            hint="nothing was changed; make room, or give yourself the right to write there",
        ) from None
    return path


def last(state: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the newest record and its file, ``None`` when there is none. Raises StateError for a damaged one."""
    files = _files(state)
    if not files:
        return None
    try:
        record = json.loads(files[-1].read_bytes().decode("utf-8", "surrogatepass"))
        rows = record["files"]
        if not all(isinstance(row["path"], str) and "before" in row and "after" in row for row in rows):
            raise ValueError("a file in it has no path")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise StateError(
            f"the record of the last apply is damaged: {error}",
            where=str(files[-1]),
            hint="take the change back with git, and delete that file",
        ) from None
    return files[-1], record


def forget(path: Path) -> None:
    """Delete a record."""
    path.unlink(missing_ok=True)


def _files(state: Path) -> list[Path]:
    found = (state / FOLDER).glob("*.json")
    return sorted((path for path in found if path.stem.isdigit()), key=lambda path: int(path.stem))
