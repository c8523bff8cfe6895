"""Words: the terms of code and prose, and how often each chunk of many files has them."""

from __future__ import annotations

import re
import threading
import unicodedata
from array import array
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import Stemmer
    from numpy import uint8, uint16, uint32
    from numpy.typing import NDArray

    from selfimprove.model.chunk import FileChunks

WHOLE = "="
"""What the term of a whole identifier begins with (``=read_file``): no part of one can be equal to it."""

LONGEST = 64
"""Characters of the longest term; what is longer is data and not a name."""

_NUMBER = 5  # digits of the longest number that somebody would search for (a port, a status, a year)
_OPAQUE = 4  # runs of digits in a name over which it is a hash: its pieces mean nothing
_REMEMBERED = 200_000  # identifiers whose terms a process remembers: about 40 MB
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|~+")
_BETWEEN = re.compile(r"[^\w\n]+")
_ASCII = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) in "_\n")}
_BODY, _NAME, _PATH = range(3)


class Bags(NamedTuple):
    """How often the chunks of a batch have which terms: one entry for each pair of a chunk and a term.

    ``terms`` is the batch's vocabulary. The entries are ordered by ``chunk`` (from 0 within the batch) and then
    by ``term`` (an index in ``terms``); ``body``, ``name`` and ``path`` are the counts in the chunk's text, in
    its qualified name and in its file's path, cut off at what the type can hold. ``size`` has, for each chunk,
    the number of identifiers and words in its text: its length is the number of chunks, and a chunk may have
    no entry.
    """

    terms: list[str]
    chunk: NDArray[uint32]
    term: NDArray[uint32]
    body: NDArray[uint16]
    name: NDArray[uint8]
    path: NDArray[uint8]
    size: NDArray[uint32]


def words(text: str) -> list[str]:
    """Return the terms of ``text`` in their order, each as often as it is there."""
    return [term for identifier in _spaced(text).split() for term in terms_of(identifier)]


def terms_of(identifier: str) -> tuple[str, ...]:
    """Return the stems of an identifier's parts in lower case and, if it has several parts, all of it too.

    ``HTTPServer`` has ``http``, ``server`` and ``=httpserver``. Parts of one letter, long numbers and what is
    longer than LONGEST have no term; a hash has itself only. Writing without spaces (Chinese, Japanese) has its
    pairs of characters.
    """
    parts, whole = _split(identifier)
    terms = (*map(_term, parts), whole)
    return tuple(term for term in terms if term)


def bags(items: Iterable[tuple[str, FileChunks, str]]) -> Bags:
    """Count the terms of all chunks of some files, given as (path, its chunks, its text).

    What a process has split and stemmed once it remembers, so that the work for each word is one look-up.
    """
    import numpy as np

    known = _remembered()
    stream = array("I")  # the identifiers of: a chunk's text, its name, its path, the next chunk's text, ...
    lengths = array("I")
    for path, cut, text in items:
        lines = _spaced(text).split("\n")
        place = [known[one] for one in _spaced(path.removesuffix(PurePosixPath(path).suffix)).split()]
        for chunk in cut.chunks:
            body = " ".join(lines[chunk.start - 1 : chunk.end]).split()
            name = _spaced(chunk.qualified).split()
            stream.extend(map(known.__getitem__, body))
            stream.extend(map(known.__getitem__, name))
            stream.extend(place)
            lengths.extend((len(body), len(name), len(place)))
    runs = np.array(lengths, dtype=np.int64)
    return _counted(known, np.array(stream, dtype=np.int64), runs)


def join(batches: Sequence[Bags]) -> Bags:
    """Return one Bags of several: the chunks of the first, then those of the second, and so on."""
    import numpy as np

    if len(batches) == 1:
        return batches[0]
    numbers: dict[str, int] = {}
    chunk, term, first = [], [], 0
    for one in batches:
        new = [numbers.setdefault(word, len(numbers)) for word in one.terms]
        term.append(np.array(new, dtype=np.uint32)[one.term])
        chunk.append(one.chunk + np.uint32(first))
        first += len(one.size)
    rest = (
        np.concatenate([np.zeros(0, kind), *(getattr(one, field) for one in batches)])
        for field, kind in (("body", np.uint16), ("name", np.uint8), ("path", np.uint8), ("size", np.uint32))
    )
    none = np.zeros(0, np.uint32)
    return Bags(list(numbers), np.concatenate([none, *chunk]), np.concatenate([none, *term]), *rest)


class _Identifiers(dict[str, int]):
    """Numbers for identifiers: ``terms[flat[ends[n] : ends[n + 1]]]`` are the terms of identifier n."""

    def __init__(self) -> None:
        super().__init__()
        self.terms: list[str] = []
        self.numbers: dict[str, int] = {"": -1}
        self.parts: dict[str, int] = {}
        self.flat = array("I")
        self.ends = array("I", [0])

    def __missing__(self, identifier: str) -> int:
        parts, whole = _split(identifier)
        for part in parts:
            number = self.parts.get(part)
            if number is None:
                number = self.parts[part] = self._number(_term(part))
            if number >= 0:
                self.flat.append(number)
        if whole:
            self.flat.append(self._number(whole))
        self.ends.append(len(self.flat))
        self[identifier] = number = len(self.ends) - 2
        return number

    def _number(self, term: str) -> int:
        number = self.numbers.setdefault(term, len(self.terms))
        if number == len(self.terms):
            self.terms.append(term)
        return number


_OWN = threading.local()


def _remembered() -> _Identifiers:
    """Return what this thread knows of identifiers, begun anew when it has become too large."""
    known: _Identifiers | None = getattr(_OWN, "known", None)
    if known is None or len(known) > _REMEMBERED:
        known = _OWN.known = _Identifiers()
    return known


def _counted(known: _Identifiers, stream: NDArray[np.int64], runs: NDArray[np.int64]) -> Bags:
    """Count the terms of ``stream``, whose ``runs`` are the three fields of each chunk in turn."""
    import numpy as np

    flat, ends = np.array(known.flat, dtype=np.int64), np.array(known.ends, dtype=np.int64)
    many = (ends[1:] - ends[:-1])[stream]
    before = np.cumsum(many) - many
    term = flat[np.repeat(ends[stream] - before, many) + np.arange(many.sum())]
    run = np.repeat(np.repeat(np.arange(len(runs)), runs), many)
    chunk, field = np.divmod(run, 3)
    key = (chunk * len(known.terms) + term) * 3 + field
    key.sort()
    begin = np.flatnonzero(np.diff(key, prepend=-1))
    count = np.diff(begin, append=len(key))
    pair, field = np.divmod(key[begin], 3)
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    entry = np.cumsum(np.diff(pair, prepend=-1) != 0) - 1
    table = np.zeros((3, len(first)), dtype=np.int64)
    table[field, entry] = count
    chunk, term = np.divmod(pair[first], max(len(known.terms), 1))
    used = np.zeros(len(known.terms), dtype=np.uint32)
    used[term] = 1
    which = np.flatnonzero(used)
    used[which] = np.arange(len(which), dtype=np.uint32)
    return Bags(
        [known.terms[number] for number in which],
        chunk.astype(np.uint32),
        used[term],
        np.minimum(table[_BODY], 65535).astype(np.uint16),
        np.minimum(table[_NAME], 255).astype(np.uint8),
        np.minimum(table[_PATH], 255).astype(np.uint8),
        runs[::3].astype(np.uint32),
    )


def _spaced(text: str) -> str:
    """Return ``text`` with blanks for what is no letter, digit, underscore or line feed."""
    if text.isascii():
        return text.translate(_ASCII)
    return _BETWEEN.sub(" ", unicodedata.normalize("NFC", text))


def _split(identifier: str) -> tuple[list[str], str]:
    """Return an identifier's parts, as they are written, and the term of all of it (``""``: it has none)."""
    if len(identifier) > 2 * LONGEST:
        return [], ""
    plain = identifier.isascii()
    parts = _PARTS.findall(identifier) if plain else _foreign(identifier)
    if len(parts) < 2:
        return parts, ""
    whole = ""
    if len(identifier) <= LONGEST and (plain or not _unspaced(identifier)):
        whole = WHOLE + identifier.strip("_").casefold()
    if len(parts) > _OPAQUE and sum(map(str.isdigit, parts)) > _OPAQUE:
        return [], whole
    return parts, whole


def _term(part: str) -> str:
    """Return the stem of a part of an identifier, ``""`` when nobody would search for it."""
    if part.isdigit():
        return part if 1 < len(part) <= _NUMBER else ""
    if len(part) > LONGEST or (len(part) == 1 and part.isascii()):
        return ""
    return _stem(part.casefold())


def _stem(word: str) -> str:
    stemmer: Stemmer.Stemmer | None = getattr(_OWN, "stemmer", None)
    if stemmer is None:
        import Stemmer

        stemmer = _OWN.stemmer = Stemmer.Stemmer("english")
    return str(stemmer.stemWord(word))


def _unspaced(text: str) -> bool:
    """Tell whether ``text`` has Chinese or Japanese characters."""
    return not text.isascii() and any("\u3040" <= one <= "\u9fff" for one in text)


def _shape(one: str) -> str:
    """Return an ASCII character of the same kind, ``~`` for writing without spaces."""
    if _unspaced(one):
        return "~"
    return "A" if one.isupper() else "0" if one.isdigit() else "a" if one.isalpha() else "_"


def _foreign(identifier: str) -> list[str]:
    """Split an identifier that has more than ASCII, by the same rules."""
    shape = "".join(map(_shape, identifier))
    parts = []
    for found in _PARTS.finditer(shape):
        begin, end = found.span()
        if shape[begin] == "~" and end - begin > 1:
            parts += [identifier[at : at + 2] for at in range(begin, end - 1)]
        else:
            parts.append(identifier[begin:end])
    return parts
