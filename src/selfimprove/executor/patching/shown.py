"""Tells a fenced block that only shows code from one that is an edit, by what the files say."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.patching.coding import decoded
from selfimprove.executor.patching.elision import is_elision
from selfimprove.executor.patching.hunks import symbol
from selfimprove.executor.patching.lining import bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.model.patch import Edit

_SHORT = 3  # characters up to which a line says nothing
_ALIKE = 0.5  # share of a block's lines that a file must have for the block to be about it


SHOWN, MEANT, DOUBTFUL = "shown", "meant", "doubtful"
DOUBT = "whether this block is an edit or only shows code is not certain: write a SEARCH/REPLACE block, or leave it out"


def meaning(edit: Edit, files: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """Say whether a block only shows code, or is meant as an edit, or neither is certain.

    A block that stands in a file, as that was or ``after`` the surer edits, shows it. One that stands in none is an
    edit if it is like a file, or defines what the file named above it defines. It is doubtful if no file is named,
    or if it just has fewer lines than a file that the surer edits change: it may be an extract. What is like no file
    shows something else (how to call it, what it prints). Parts between elided lines are looked for one by one.
    """
    parts = _parts(edit.new)
    wanted = list(chain.from_iterable(parts))
    if len(set(wanted)) < 2:
        return SHOWN
    known = _known([edit.path] if edit.path in files else list(after), files, after)
    if any(all(_stands(part, have) for part in parts) for have, _ in known):
        return SHOWN
    if any(changed and _is_inside(wanted, have) for have, changed in known):
        return DOUBTFUL
    if any(len(set(wanted).intersection(have)) >= _ALIKE * len(set(wanted)) for have, _ in known):
        return MEANT
    if any(_defines(edit.new, have) for have, _ in known):
        return MEANT if edit.path in files else DOUBTFUL
    return SHOWN


def _known(
    paths: Sequence[str], files: Mapping[str, bytes], after: Mapping[str, bytes]
) -> list[tuple[list[str], bool]]:
    """Return the lines of files as they were and as they are after, and whether the two differ."""
    texts = [(path, files.get(path, b""), after.get(path, b"")) for path in paths]
    return [(_lines(path, one), before != now) for path, before, now in texts for one in {before, now}]


def _is_inside(wanted: Sequence[str], have: Sequence[str]) -> bool:
    """True when all lines are in the file, in their order, with others between them."""
    rest = iter(have)
    return all(line in rest for line in wanted)


def _defines(lines: Sequence[str], have: Sequence[str]) -> bool:
    """True when the first line with code begins a definition of a name that a line of the file begins as well."""
    first = next((line.strip() for line in lines if line.strip() and not line.strip().startswith("@")), "")
    name = symbol(first)
    return bool(name) and any(symbol(line) == name for line in have if name in line)


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
