"""Dense: the chunks nearest in meaning to a query, found among all by an index of FAISS that is kept in a file."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.index import Index
    from selfimprove.codebase.vectors import Faiss

INSTALL = "pip install 'selfimprove[faiss]'"

NEAREST = 100
"""Chunks that join the best by words before they are ranked."""

CHANGED = 0.05
"""Share of the chunks that came or went after which the index of FAISS is built anew."""

_FORM = 1  # of the file
_EXACT = 10_000  # chunks of a selection that are compared one by one: FAISS cannot look at some files only


class _Kept(NamedTuple):
    """What the file says: the segments ``[number, chunks, checksum of what is known of them]`` whose chunks it has,
    one after the other; how many of these were ``dead`` then; the embedding; and the index of FAISS itself."""

    segments: list[list[int]]
    dead: int
    embedding: str
    data: bytes


class _Ready(NamedTuple):
    """``ids`` are those of the chunks that the file has, -1 for those that are gone; ``others`` are the live ones that
    came later. ``gone`` counts the chunks that died since."""

    faiss: Faiss | None
    others: NDArray[np.int64]
    gone: int


class Dense:
    """The index of FAISS in the folder ``state``. It may lag behind: what it lacks is compared one by one.

    It only proposes chunks: their cosines are taken from the index itself when they are ranked.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._seen: tuple[object, _Ready] | None = None

    @property
    def path(self) -> Path:
        """The file, a line of JSON and FAISS's own form."""
        return self._state / "index.faiss"

    def follow(self, index: Index) -> list[str]:
        """Build the file anew when too much has changed; return what a person should know."""
        if find_spec("faiss") is None:
            return [f"FAISS needs the package faiss-cpu: {INSTALL}; the search goes on without it"]
        if index.path.parent != self._state or index._embedding is None or not index.count:
            return []
        ready = self._ready(index)
        if ready.faiss is not None and len(ready.others) + ready.gone <= CHANGED * len(index.live):
            return []
        try:
            self._build(index)
        except (ImportError, OSError, RuntimeError) as error:
            return [f"the index of FAISS cannot be built: {error}"]
        return []

    def terms(
        self, index: Index, said: Mapping[str, float], telling: Mapping[str, float]
    ) -> dict[str, float]:
        """Return ``telling`` with those terms of ``said`` that no chunk has: they too have a meaning."""
        known = index.lexical.idf(said)
        return {**telling, **{term: weight for term, weight in said.items() if term not in known}}

    def join(
        self,
        index: Index,
        terms: Mapping[str, float],
        among: NDArray[np.bool_],
        ids: NDArray[np.int64],
        scores: NDArray[np.float32],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Add the NEAREST chunks of ``among`` to the best by words: int64[n] and their scores by words, float32[n]."""
        import numpy as np

        near = np.setdiff1d(self.near(index, terms, among), ids)
        if not len(near):
            return ids, scores
        only = np.zeros(index.count, np.bool_)
        only[near] = True
        found, worth = index.lexical.top(terms, len(near), only)
        rest = np.setdiff1d(near, found)
        return (
            np.concatenate([ids, found, rest]),
            np.concatenate([scores, worth, np.zeros(len(rest), np.float32)]),
        )

    def near(self, index: Index, terms: Mapping[str, float], among: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the chunks of ``among`` nearest to ``terms``, best first, ties by id; none without FAISS."""
        import numpy as np

        from selfimprove.codebase.vectors import cosines

        none = np.zeros(0, np.int64)
        if index._embedding is None or find_spec("faiss") is None:
            return none
        query = index._embedding.query(terms)
        if not query.any():
            return none
        found, scores, others = none, none.astype(np.float32), np.flatnonzero(among)
        ready = self._ready(index)
        if ready.faiss is not None and (among is index.alive or len(others) > _EXACT):
            found, scores = ready.faiss.top(query, NEAREST, among)
            others = ready.others[among[ready.others]]
        elif len(others) > _EXACT:
            return none
        ids = np.concatenate([found, others])
        scores = np.concatenate([scores, cosines(index.db, ids[len(scores) :], query)])
        best: NDArray[np.int64] = ids[np.lexsort((ids, -scores))[:NEAREST]]
        return best

    def _ready(self, index: Index) -> _Ready:
        """Return what the file has of ``index`` as it is now."""
        if self._seen is None or self._seen[0] is not index.segments:
            self._seen = index.segments, _taken(index, self._read(index))
        return self._seen[1]

    def _read(self, index: Index) -> _Kept | None:
        """Return what is in the file, None when that is not for this index or odd."""
        try:
            with self.path.open("rb") as file:
                told: dict[str, Any] = json.loads(file.readline())
                data = file.read()
            kept = _Kept(told["segments"], told["dead"], told["embedding"], data)
            right = told["form"] == _FORM and told["check"] == [len(data), crc32(data)]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return kept if right and index._embedding and kept.embedding == index._embedding.version else None

    def _build(self, index: Index) -> None:
        from selfimprove.atomicfile import replace_file
        from selfimprove.codebase.vectors import Faiss

        data = Faiss(index.db).to_bytes()
        told = {
            "form": _FORM,
            "embedding": index._embedding.version if index._embedding else "",
            "dead": index.count - len(index.live),
            "segments": [[one.number, one.chunks, check] for one, check in _checked(index)],
            "check": [len(data), crc32(data)],
        }
        replace_file(self.path, json.dumps(told).encode() + b"\n" + data)
        self._seen = None


def _checked(index: Index) -> list[tuple[Any, int]]:
    """Return each segment with a checksum of what is known of its chunks, which never changes."""
    packed, found = index.meta.packed, []
    for one in index.segments:
        found.append((one, crc32(packed[one.first : one.first + one.chunks].tobytes())))
    return found


def _taken(index: Index, kept: _Kept | None) -> _Ready:
    """Return the index of FAISS with the ids that its chunks have now."""
    import numpy as np

    from selfimprove.codebase.vectors import Faiss

    missing = np.ones(index.count, np.bool_)
    nothing = _Ready(None, np.flatnonzero(index.alive), 0)
    if kept is None:
        return nothing
    firsts = {(one.number, one.chunks, check): one.first for one, check in _checked(index)}
    spans = [np.zeros(0, np.int64)]
    for number, chunks, check in kept.segments:
        first = firsts.get((number, chunks, check))
        span = np.arange(chunks, dtype=np.int64)
        spans.append(span * 0 - 1 if first is None else span + first)
    ids = np.concatenate(spans)
    missing[ids[ids >= 0]] = False
    live = int((~missing & index.alive).sum())
    try:
        return _Ready(
            Faiss(index.db, kept.data, ids),
            np.flatnonzero(missing & index.alive),
            len(ids) - kept.dead - live,
        )
    except (ImportError, ValueError, RuntimeError):
        return nothing
