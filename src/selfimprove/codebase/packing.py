"""Packing: what a worker makes of a batch of files: their facts, chunks, terms and vectors as packed arrays."""

from __future__ import annotations

import os
import stat
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from selfimprove.codebase.testing import is_test
from selfimprove.model.chunk import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.embedding import Embedding
    from selfimprove.codebase.words import Bags
    from selfimprove.model.chunk import Chunk, FileChunks

META = [("file", "<u4"), ("start", "<u4"), ("lines", "<u2"), ("kind", "u1"), ("flags", "u1")]
"""What is known of each chunk as numbers. ``kind`` is a place in KINDS; of ``flags``, TEST is set in tests."""

NAMED = [("name", "<u4"), ("chunk", "<u4")]
"""That a chunk defines, or uses, the name with that `name_hash`. ``chunk`` is counted from 0 in what it is part of."""

TEST = 1
UNIT, RECORD = "\x1f", "\x1e"
"""What stands between the three names of a chunk (symbol, qualified name, signature), and between chunks."""

_LARGEST = 64_000_000  # bytes of a file that grew after it was listed: what is over is not read
_UNKNOWN = -1


class Known(NamedTuple):
    """A file to look at, and the digest that the index has of it (``b""``: none)."""

    path: str
    digest: bytes = b""


class FileFacts(NamedTuple):
    """What is known of a file: when it had which size and age, and how many chunks it has.

    ``seen_ns`` is the time of reading; 0 when it shall be read again in any case. ``left_out`` is why it has
    no chunks. ``chunks`` is -1 when its content is what the index has already. ``names`` holds the symbol,
    qualified name and signature of each chunk.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    seen_ns: int
    digest: bytes
    chunks: int
    language: str = ""
    left_out: str = ""
    names: str = ""

    @property
    def is_same(self) -> bool:
        """True when the index has this content."""
        return self.chunks == _UNKNOWN


class Packed(NamedTuple):
    """A batch: ``files`` that are there, and of all their chunks in order ``meta`` (META; ``file`` is a place in
    ``files``), the names that they define (``symbols``) and use (NAMED), terms and
    vectors (int8[n, 256])."""

    files: list[FileFacts]
    meta: NDArray[np.void]
    symbols: NDArray[np.void]
    uses: NDArray[np.void]
    bags: Bags
    vectors: NDArray[np.int8] | None


def pack(work: tuple[str, Sequence[Known]]) -> Packed:
    """Read, cut, count and embed files of the folder ``work[0]``. Files that are gone have no entry."""
    from selfimprove.codebase.words import bags

    root, known = work
    files: list[FileFacts] = []
    cuts: list[tuple[int, str, FileChunks, str]] = []
    for one in known:
        facts, cut, text = _read(root, one)
        if facts is None:
            continue
        if cut is not None:
            cuts.append((len(files), one.path, cut, text))
        files.append(facts)
    terms = bags((path, cut, text) for _, path, cut, text in cuts)
    embedding = embedding_or_none()
    vectors = embedding.vectors(terms, len(terms.size)) if embedding else None
    chunks = [(place, path, chunk) for place, path, cut, _ in cuts for chunk in cut.chunks]
    return Packed(files, _meta(chunks), *_names([chunk for _, _, chunk in chunks]), terms, vectors)


def left_out(path: str, why: str) -> Packed:
    """Return a batch of one file that is not indexed, and looked at again the next time."""
    from selfimprove.codebase.words import bags

    facts = FileFacts(path, 0, 0, 0, 0, _digest(why.encode()), 0, left_out=why)
    embedding = embedding_or_none()
    none = bags([])
    return Packed([facts], _meta([]), *_names([]), none, embedding.vectors(none, 0) if embedding else None)


def digest_of(path: Path) -> bytes:
    """Return the digest of a file's content, or of why it cannot be read."""
    try:
        return _digest(_content(path)[0])
    except OSError as error:
        return _digest(_unread(error).encode())


def _unread(error: OSError) -> str:
    return f"it cannot be read: {(error.strerror or str(error)).lower()}"


def _digest(source: bytes) -> bytes:
    import hashlib  # it loads OpenSSL

    return hashlib.blake2b(source, digest_size=16).digest()


@lru_cache(maxsize=1)
def embedding_or_none() -> Embedding | None:
    """Return the embedding, ``None`` when its weights are not installed: search then goes by words alone."""
    from selfimprove.codebase.embedding import NoWeights, load

    try:
        return load()
    except NoWeights:
        return None


def name_hash(name: str) -> int:
    """Return the number under which a name is kept."""
    return crc32(name.encode(errors="replace"))


def _read(root: str, known: Known) -> tuple[FileFacts | None, FileChunks | None, str]:
    """Return a file's facts, its cut and text; facts alone when it is left out or the index has it."""
    from selfimprove.codebase.chunks import cut
    from selfimprove.codebase.lines import text_of
    from selfimprove.codebase.sources import worth

    path = known.path
    seen = time.time_ns()
    try:
        source, state, whole = _content(Path(root, path))
    except FileNotFoundError:
        return None, None, ""
    except OSError as error:
        why = _unread(error)
        told = _digest(why.encode())  # in place of the content's: what cannot be read again has not changed
        same = told == known.digest
        return FileFacts(path, 0, 0, 0, 0, told, _UNKNOWN if same else 0, left_out=why), None, ""
    digest = _digest(source)
    stamps = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, seen if whole else 0)
    if digest == known.digest:
        return FileFacts(path, *stamps, digest, _UNKNOWN), None, ""
    if why := worth(path, source):
        return FileFacts(path, *stamps, digest, 0, left_out=why), None, ""
    found = cut(path, source)
    names = RECORD.join(map(_named, found.chunks))
    facts = FileFacts(path, *stamps, digest, len(found.chunks), found.language, "", names)
    return facts, found, text_of(source)


def _content(path: Path) -> tuple[bytes, os.stat_result, bool]:
    """Return a file's bytes, its state before they were read, and whether it was the same afterwards."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise OSError("it is not a file")
        pieces = []
        wanted = min(before.st_size + 1, _LARGEST)
        while wanted > 0 and (piece := file.read(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
        after = os.fstat(descriptor)
    source = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    same = (before.st_size, before.st_mtime_ns, before.st_ctime_ns) == (
        *(after.st_size, after.st_mtime_ns, after.st_ctime_ns),
    )
    return source, before, same and len(source) == before.st_size


def _named(chunk: Chunk) -> str:
    names = UNIT.join((chunk.symbol, chunk.qualified, chunk.signature))
    if RECORD in names or names.count(UNIT) > 2:
        clean = [one.replace(UNIT, " ").replace(RECORD, " ") for one in chunk[3:6]]
        names = UNIT.join(clean)
    return names.encode(errors="replace").decode() if not names.isascii() else names


def _meta(chunks: Sequence[tuple[int, str, Chunk]]) -> NDArray[np.void]:
    import numpy as np

    kinds = {kind: number for number, kind in enumerate(KINDS)}
    tests = {path: TEST * is_test(path) for path in {path for _, path, _ in chunks}}
    rows = [
        (place, one.start, min(one.end - one.start + 1, 65535), kinds[one.kind], tests[path])
        for place, path, one in chunks
    ]
    return np.array(rows, META)


def _names(chunks: Sequence[Chunk]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return which names the chunks define, and which they use."""
    symbols = [[one.symbol] if one.symbol else [] for one in chunks]
    return _hashed(symbols), _hashed([one.references for one in chunks])


def _hashed(names: Sequence[Sequence[str]]) -> NDArray[np.void]:
    """Return the names of each chunk as NAMED."""
    import numpy as np

    counts = [len(some) for some in names]
    table = np.empty(sum(counts), NAMED)
    table["name"] = [name_hash(name) for some in names for name in some]
    table["chunk"] = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    return table
