"""Tells a fenced block that only shows code from one that is an edit, by what the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.patching.coding import decoded
from selfimprove.executor.patching.elision import is_elision
from selfimprove.executor.patching.lining import bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.model.patch import Edit

_SHORT = 3  # characters up to which a line says nothing
_ALIKE = 0.5  # share of a block's lines that a file must have for the block to be about it


def says_more(edit: Edit, files: Mapping[str, bytes], after: Mapping[str, bytes]) -> bool:
    """True when a block is like a file, but stands in none: neither as they were nor ``after`` the surer edits.

    A block that stands in a file shows it; one that is like none shows something else (how to call it, what it
    prints). Parts between elided lines are looked for one by one.
    """
    parts = _parts(edit.new)
    wanted = {line for part in parts for line in part}
    if len(wanted) < 2:
        return False
    near = False
    for path in [edit.path] if edit.path in files else after:
        for content in {files.get(path, b""), after.get(path, b"")}:
            have = _lines(path, content)
            if all(_stands(part, have) for part in parts):
                return False
            near = near or len(wanted.intersection(have)) >= _ALIKE * len(wanted)
    return near


def _parts(lines: Iterable[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in lines:
        if is_elision(line):
            found.append([])
        elif len(line.strip()) > _SHORT:
            found[-1].append(line.strip())
    return [part for part in found if part]


def _lines(path: str, content: bytes) -> list[str]:
    try:
        return [line.strip() for line in bare(decoded(content, path).text) if len(line.strip()) > _SHORT]
    except PatchError:
        return []


def _stands(part: Sequence[str], have: Sequence[str]) -> bool:
    return "\n".join(["", *part, ""]) in "\n".join(["", *have, ""])
