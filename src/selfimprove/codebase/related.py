"""Related: the places of a repository that matter for a task: what search finds, and what that code calls."""

from __future__ import annotations

import glob
import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from selfimprove.codebase import fence
from selfimprove.model.context import CALLED, FOUND, Place
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.index import Index, Meta, Row
    from selfimprove.model.chunk import Hit

    Read = Callable[[str], bytes | None]
    Decode = Callable[[bytes, str], str]

DEFINITIONS = 3
"""A name that more chunks define does not tell which of them is called."""

TOKENS_PER_PLACE = 100
"""Search is asked for a place for each so many tokens, within FEWEST and MOST."""

FEWEST, MOST = 20, 120
LETTERS = 5  # characters of code that a token is at most, on average
CALLS = 96  # definitions that are looked at for the calls of one context
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # as editors count lines: form feeds end none
_CODE = ("function", "method", "class")
_CALL = re.compile(r"\b([^\W\d]\w{2,})\s*\(|\b([A-Z]\w*[a-z]\w*)\b")


def decoded(content: bytes, path: str) -> str:
    """Return a file's text: UTF-8, else Latin-1, in which every byte is a character."""
    del path
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


class Files:
    """The files as a task shall see them, each read once. ``read`` returns None for what is not a file.

    ``secrets`` are values that are never shown, besides what has the shape of a key. ``reasons`` are why files
    are not shown, as far as that was asked. ``indexed`` says that the files are those that the index has just read.
    """

    def __init__(
        self, read: Read, decode: Decode = decoded, secrets: Sequence[str] = (), *, indexed: bool = False
    ) -> None:
        self._read = read
        self._decode = decode
        self._secrets = secrets
        self._contents: dict[str, bytes | None] = {}
        self._lines: dict[str, list[str]] = {}
        self.indexed = indexed
        self.texts: dict[str, str] = {}
        self.reasons: dict[str, str] = {}

    def content(self, path: str) -> bytes | None:
        """Return the bytes of a file."""
        if path not in self._contents:
            self._contents[path] = self._read(path)
        return self._contents[path]

    def text(self, path: str) -> str | None:
        """Return the text of a file, None when there is none: no such file, or a binary one."""
        if path not in self.texts:
            content = self.content(path)
            if content is None or b"\0" in content:
                return None
            self.texts[path] = self._decode(content, path)
        return self.texts[path]

    def lines(self, path: str, start: int, end: int) -> str:
        """Return these lines of a text file, with their line ends."""
        text = self.text(path) or ""
        if path not in self._lines:
            self._lines[path] = _LINE.findall(text) if "\r" in text else text.split("\n")
        rows = self._lines[path][start - 1 : end]
        return "".join(rows) if "\r" in text else "\n".join(rows) + "\n"

    def secret(self, path: str) -> str:
        """Say why the text of a file is not shown at all, ``""`` when it is."""
        return fence.secret(self.texts[path])

    def hide(self, text: str) -> str:
        """Return ``text`` with every key in it as ``***``; it keeps its lines."""
        if mask(text, self._secrets) == text:
            return text
        return "\n".join(mask(line, self._secrets) for line in text.split("\n"))


class Related(NamedTuple):
    """``places`` best first, what is called last, and the known signatures by path and first line."""

    places: tuple[Place, ...] = ()
    signatures: Mapping[tuple[str, int], str] = {}


def find(text: str, index: Index, files: Files, most: int = 40, within: Sequence[str] = ()) -> Related:
    """Search ``index`` for ``text`` and return up to ``most`` places, only in the files ``within`` if there are any.

    Lines are those of ``files``: where a file differs from what was indexed it is cut anew, and the chunk is
    found by its symbol; one that is no longer there is passed over.
    """
    from selfimprove.codebase.search import search

    known = _Known(index, files)
    hits = search(index, text, most, path=[glob.escape(path) for path in within])
    return _as_related(known, ((hit, hit.symbol, FOUND) for hit in hits))


def find_all(text: str, index: Index, files: Files, own: Sequence[str], budget: int) -> Related:
    """Return what a context of ``budget`` tokens can show: what is found, and what that and ``own`` files call.

    Of own files that are too large to be shown whole the best parts are looked for as well.
    """
    found = find(text, index, files, most_places(budget))
    large = [path for path in own if len(files.text(path) or "") > budget]
    if large:
        inside = find(text, index, files, most_places(budget), large)
        new = tuple(place for place in inside.places if place not in found.places)
        found = Related(found.places + new, {**inside.signatures, **found.signatures})
    return with_called(found, index, files, own, LETTERS * budget)


def most_places(budget: int) -> int:
    """Return for how many places search is asked for so many tokens."""
    return min(max(budget // TOKENS_PER_PLACE, FEWEST), MOST)


def with_called(found: Related, index: Index, files: Files, whole: Sequence[str], most: int) -> Related:
    """Return ``found`` and the places that define what its code, or that of the ``whole`` files, calls.

    The first ``most`` characters of it are looked at: what comes after will not be shown.
    """
    texts = [(path, files.text(path) or "") for path in whole]
    for place in found.places:
        if most <= 0:
            break
        texts.append((place.path, files.lines(place.path, place.start, place.end)[:most]))
        most -= len(texts[-1][1])
    rows = _called(index, texts)
    called = _as_related(
        _Known(index, files), ((row, row.qualified, CALLED) for row in rows if row.path not in whole)
    )
    there = {(place.path, place.start) for place in found.places}
    more = tuple(place for place in called.places if (place.path, place.start) not in there)
    return Related(found.places + more, {**called.signatures, **found.signatures})


def _as_related(known: _Known, chunks: Iterable[tuple[Hit | Row, str, str]]) -> Related:
    """Return the chunks, each with its symbol and role, where they stand now."""
    places: dict[tuple[str, int], Place] = {}
    signatures: dict[tuple[str, int], str] = {}
    for chunk, symbol, role in chunks:
        place = known.place(chunk.path, chunk.start, chunk.end, symbol, role)
        if place and (place.path, place.start) not in places:
            places[place.path, place.start] = place
            signatures[place.path, place.start] = chunk.signature
    return Related(tuple(places.values()), signatures)


class _Known:
    """Finds the lines of an indexed chunk in the file as it stands."""

    def __init__(self, index: Index, files: Files) -> None:
        self._index = index
        self._files = files
        self._moved: dict[str, Mapping[str, tuple[int, int]] | None] = {}

    def place(self, path: str, start: int, end: int, symbol: str, role: str) -> Place | None:
        """Return where the chunk stands now, None when it is gone or cannot be shown."""
        if self._files.indexed:
            return Place(path, start, end, symbol, role)
        if path not in self._moved:
            self._moved[path] = self._look(path)
        moved = self._moved[path]
        if moved is None:
            return Place(path, start, end, symbol, role) if self._files.text(path) is not None else None
        return Place(path, *moved[symbol], symbol, role) if symbol in moved else None

    def _look(self, path: str) -> Mapping[str, tuple[int, int]] | None:
        """Return the lines of each symbol of a file that is not as it was indexed, None for one that is."""
        content = self._files.content(path)
        if content is None:
            return {}
        row = self._index.db.execute("select digest from files where path = ?", (path,)).fetchone()
        if row and row[0] == hashlib.blake2b(content, digest_size=16).digest():
            return None
        from selfimprove.codebase.chunks import cut

        return {
            one.qualified: (one.start, one.end)
            for one in reversed(cut(path, content).chunks)
            if one.qualified
        }


@lru_cache(1024)
def calls(text: str) -> tuple[str, ...]:
    """Return the names that code calls or uses as types, as far as their form tells, each once."""
    return tuple(dict.fromkeys(call or name for call, name in _CALL.findall(text)))


def _called(index: Index, texts: Sequence[tuple[str, str]]) -> list[Row]:
    """Return the definitions of what the ``texts``, each of a file, call, in the order of the calls."""
    from selfimprove.codebase.languages import language_of

    languages = {path: language_of(path) for path, _ in texts}
    wanted: dict[str, set[str]] = {}
    for path, text in texts:
        for name in calls(text):
            wanted.setdefault(name, set()).add(languages[path])
    ids = _defining(index, list(wanted))
    rows = index.rows(ids[:CALLS])
    return [row for row in rows if row.kind in _CODE and row.language in wanted.get(row.symbol, ())]


class _Symbols(NamedTuple):
    """Which chunks define which names: two arrays in the order of the names' numbers."""

    names: NDArray[np.uint32]
    chunks: NDArray[np.int64]


_SYMBOLS: WeakKeyDictionary[Meta, _Symbols] = WeakKeyDictionary()


def _defining(index: Index, names: Sequence[str]) -> list[int]:
    """Return the ids of the live chunks that define ``names``, in their order, but not of names with many."""
    import numpy as np

    from selfimprove.codebase.packing import name_hash

    table = _SYMBOLS.get(index.meta)
    if table is None:
        table = _SYMBOLS[index.meta] = _symbols(index)
    wanted = np.fromiter(map(name_hash, names), np.uint32, len(names))
    first = np.searchsorted(table.names, wanted, "left")
    last = np.searchsorted(table.names, wanted, "right")
    few = (last > first) & (last - first <= DEFINITIONS)
    pairs = zip(first[few].tolist(), last[few].tolist(), strict=True)
    return list(dict.fromkeys(one for start, end in pairs for one in table.chunks[start:end].tolist()))


def _symbols(index: Index) -> _Symbols:
    """Return the table of all live chunks' names."""
    import numpy as np

    from selfimprove.codebase.segments import load

    names, chunks = [np.zeros(0, np.uint32)], [np.zeros(0, np.int64)]
    for segment in index.segments:
        packed = load(index.db, segment.number, "symbols")
        names.append(packed["name"])
        chunks.append(packed["chunk"].astype(np.int64) + segment.first)
    name, chunk = np.concatenate(names), np.concatenate(chunks)
    live = index.alive[chunk]
    name, chunk = name[live], chunk[live]
    order = np.lexsort((chunk, name))
    return _Symbols(name[order], chunk[order])
