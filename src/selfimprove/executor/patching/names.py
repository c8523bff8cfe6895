"""Finds the file that a reply means by a name, by one known tolerance at a time; it never chooses between two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_QUOTES = "\"'`“”‘’«»‹›*"
_LONGER = 10  # characters from which a name may have two slips
_FEW = 5  # candidates that are told
_LONG = 400  # characters of a name that is worth a comparison


class Found(NamedTuple):
    """The file that is meant.

    ``path`` is one of the files, the name itself (tidied) when ``how`` is ``new``, and ``""`` when nothing fits or
    more than one does; then ``candidates`` are those that do. ``how`` is what it was found by: ``exact``,
    ``spelling``, ``case``, ``folders``, ``typo``, ``new``, or ``""``.
    """

    path: str
    how: str
    candidates: tuple[str, ...] = ()


def find_file(named: str, files: Collection[str], new: bool = False) -> Found:
    """Return the file among ``files`` that a reply calls ``named``.

    The first tolerance that finds something decides; when it finds two, neither is taken. With ``new`` the edit
    makes a file: then only a file of exactly that name is meant, and any other name stays as it is.
    """
    present = files if isinstance(files, (set, frozenset, dict)) else set(files)
    if named in present:
        return Found(named, "exact")
    tidy = tidied(named)
    if tidy in present:
        return Found(tidy, "spelling")
    if new:
        return Found(tidy, "new") if tidy else Found("", "")
    if not tidy or len(tidy) > _LONG:
        return Found("", "")
    for how, tolerant in _TOLERANCES:
        fits = sorted(set(tolerant(tidy, present)))
        if len(fits) == 1:
            return Found(fits[0], how)
        if fits:
            return Found("", "", tuple(fits[:_FEW]))
    return _with_typo(tidy, present)


def tidied(named: str) -> str:
    """Return a name without what stands around names: quotes, blanks, ``./``, line numbers, backslashes."""
    name = named.replace("\u00a0", " ").strip().strip(_QUOTES).strip()
    name = re.sub(r"(?::\d+(?:[-:]\d+)?|#L\d+(?:-L?\d+)?)$", "", name).rstrip(":,;").strip(_QUOTES)
    if "\\" in name:
        name = re.sub(r"^[A-Za-z]:(?=\\)", "", name).replace("\\", "/")
    name = re.sub(r"/{2,}", "/", name)
    while name.startswith("./"):
        name = name[2:]
    return name.strip()


def _prefixed(name: str, files: Collection[str]) -> Iterator[str]:
    """Yield the files that are ``name`` without the prefix that diffs put before it."""
    if re.match(r"[abciwo]/", name) and name[2:] in files:
        yield name[2:]


def _by_key(key: Callable[[str], str]) -> Callable[[str, Collection[str]], Iterator[str]]:
    """Return the tolerance that takes names for the same which have the same ``key``."""

    def fits(name: str, files: Collection[str]) -> Iterator[str]:
        wanted = key(name)
        return (path for path in files if key(path) == wanted)

    return fits


def _plain(name: str) -> str:
    """Return what is left of a name when case and the strokes between words do not count."""
    name = name.casefold()
    for odd in "‐‑‒–—−":
        name = name.replace(odd, "-")
    return name.replace("-", "_").replace(" ", "_")


def _tails(name: str, files: Collection[str]) -> Iterator[str]:
    """Yield the files whose path ends with ``name``, or with which ``name`` ends."""
    name = name.strip("/")
    for path in files:
        outer = name.removesuffix(f"/{path}")
        if path.endswith(f"/{name}") or (outer != name and not _is_folder(f"{outer}/", files)):
            yield path


def _is_folder(start: str, files: Collection[str]) -> bool:
    return any(path.startswith(start) for path in files)


def _inner(name: str, files: Collection[str]) -> Iterator[str]:
    """Yield the files that have the same last two parts: another top folder."""
    parts = name.strip("/").split("/")
    if len(parts) > 1 and not _is_folder(name.strip("/").rpartition("/")[0] + "/", files):
        tail = "/" + "/".join(parts[-2:])
        yield from (path for path in files if f"/{path}".endswith(tail))


_TOLERANCES: tuple[tuple[str, Callable[[str, Collection[str]], Iterator[str]]], ...] = (
    ("folders", _prefixed),
    ("case", _by_key(str.casefold)),
    ("folders", _tails),
    ("case", _by_key(_plain)),
    ("folders", lambda name, files: _tails(name.casefold(), {path for path in files if path.islower()})),
    ("folders", _inner),
)


def _with_typo(name: str, files: Collection[str]) -> Found:
    """Return the file whose name is nearly ``name``: by a slip or two, and by fewer than any other."""
    scored = sorted(
        (count, path) for path in files if (count := _slips_of_path(name.strip("/"), path, files)) >= 0
    )
    if not scored:
        return Found("", "")
    if len(scored) > 1 and scored[0][0] == scored[1][0]:
        return Found("", "", tuple(path for _, path in scored[:_FEW]))
    return Found(scored[0][1], "typo")


def _slips_of_path(name: str, path: str, files: Collection[str]) -> int:
    """Return by how many slips a name is that path or its end, -1 when it is too many.

    A number is not a slip of the pen: ``a1.py`` and ``a2.py`` are two files. Nor is a folder that exists.
    """
    count = min(name.count("/"), path.count("/")) + 1
    one, other = ("/".join(text.casefold().split("/")[-count:]) for text in (name, path))
    most = 2 if min(len(one), len(other)) >= _LONGER else 1
    if abs(len(one) - len(other)) > most or re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return -1
    if len(set(one) ^ set(other)) > 2 * most:
        return -1
    if name.count("/") >= count and _is_folder(name[: len(name) - len(one)], files):
        return -1
    found = slips(one, other)
    return found if found <= most else -1


def slips(one: str, other: str) -> int:
    """Return how many letters were left out, added, exchanged or turned round between two words.

    Optimal string alignment (Damerau 1964, each place edited once); quadratic in the lengths of names.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
