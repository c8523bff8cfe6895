"""Embedding: vectors of chunks and of queries, summed from trained vectors of the words' stems."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy import float32, float64, int8, int64
    from numpy.typing import NDArray

    from selfimprove.codebase.words import Bags

WIDTH = 256
"""Numbers in a vector."""

SCALE = 384
"""An int8 vector is the unit vector times this: hardly one component in a million is over a third."""

WEIGHTS = Path(__file__).with_name("static.bin")
"""The weights that ship: made by ``make train-embedding`` from what training/packages.toml lists."""

_MAGIC = b"SIVEC001"
_HEADER = 40  # bytes: the magic, two counts, three weights of fields, twelve hexadecimal digits of version
_MOST = 255  # beyond this often, a term in a chunk says no more
_FINE = (
    2048.0  # steps of a term's share of a chunk: with them every sum stays below 2**24, exact in any order
)
_BLOCK = 96  # chunks that are taken at once: neighbours share most of their terms
_TALL, _DEEP = (
    8,
    128,
)  # a product of TALL x DEEP x WIDTH is the largest that OpenBLAS does without its threads,
# which only get in each other's way where every processor has a worker of its own


class NoWeights(Exception):
    """The file of weights is missing, cut off or of another format."""


class Embedding:
    """The vectors of the vocabulary's stems, and how much each stem counts in a chunk and in a query.

    A chunk's vector is the sum over its fields f (body, name, path) and terms t of
    ``w_f * a_tf / |a_f| * e_t`` with ``a_tf = (1 + ln count) * u_t``, made one unit long; a query's is the sum
    of ``weight_t * v_t * e_t``. ``w``, ``u``, ``v`` and the unit vectors ``e`` are learned. All numbers that are
    added are whole, so that a chunk's vector does not depend on the batch it came in or on the machine.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        """Map the file; nothing is read until it is asked for. Raises NoWeights."""
        import numpy as np

        try:
            data = np.memmap(path, dtype=np.uint8, mode="r")
        except (OSError, ValueError) as error:
            raise NoWeights(f"{path}: {error}") from error
        head = bytes(data[:_HEADER])
        if head[:8] != _MAGIC or len(head) < _HEADER:
            raise NoWeights(f"{path} is not a file of weights of this version")
        size, letters = (int(one) for one in np.frombuffer(head, "<u4", 2, 8))
        begin = _HEADER + size * (WIDTH + 8)
        if len(data) != begin + letters:
            raise NoWeights(f"{path} is cut off: {len(data)} bytes instead of {begin + letters}")
        self.fields: NDArray[float64] = np.frombuffer(head, "<f4", 3, 16).astype(np.float64)
        self.version: str = head[28:40].decode("ascii", "replace")
        self._counts: NDArray[float32] = data[_HEADER : _HEADER + 8 * size].view("<f4").reshape(2, size)
        self._vectors: NDArray[int8] = data[_HEADER + 8 * size : begin].view(np.int8).reshape(size, WIDTH)
        self._letters = data[begin:]
        self._terms: list[bytes] | None = None
        self._rows: dict[str, int] | None = None

    def vectors(self, bags: Bags, chunks: int) -> NDArray[int8]:
        """Return a row of int8 for each of the batch's ``chunks``: the unit vector times SCALE.

        A chunk without a known term has zeros.
        """
        import numpy as np

        rows = self._rows_of(bags.terms)[bags.term]
        known = np.flatnonzero(rows >= 0)
        rows, chunk = rows[known], bags.chunk[known].astype(np.int64)
        share = self._shares(rows, chunk, [one[known] for one in (bags.body, bags.name, bags.path)], chunks)
        result = np.empty((chunks, WIDTH), dtype=np.int8)
        limits = np.searchsorted(chunk, np.arange(0, chunks + _BLOCK, _BLOCK))
        place = np.empty(len(self._vectors), dtype=np.int64)
        for number, first in enumerate(range(0, chunks, _BLOCK)):
            part = slice(limits[number], limits[number + 1])
            many = min(_BLOCK, chunks - first)
            result[first : first + many] = _unit(
                self._sums(rows[part], chunk[part] - first, share[part], many, place)
            )
        return result

    def query(self, terms: Mapping[str, float]) -> NDArray[float32]:
        """Return the unit vector of weighted terms (1: said once); zeros if the vocabulary has none of them."""
        import numpy as np

        known = [(row, weight) for term, weight in terms.items() if (row := self._row(term)) >= 0]
        if not known:
            return np.zeros(WIDTH, dtype=np.float32)
        rows = np.array([row for row, _ in known])
        weights = np.array([weight for _, weight in known]) * self._counts[1][rows]
        total = weights @ self._vectors[rows].astype(np.float64)
        unit: NDArray[float32] = (total / max(float(np.sqrt(total @ total)), 1e-12)).astype(np.float32)
        return unit

    def _shares(
        self, rows: NDArray[int64], chunk: NDArray[int64], fields: Sequence[NDArray[Any]], chunks: int
    ) -> NDArray[float32]:
        """Return each entry's whole number of steps: how much of its chunk it is."""
        import numpy as np

        heavy = np.concatenate([[0.0], 1.0 + np.log(np.arange(1, _MOST + 1))])
        weight = self._counts[0][rows].astype(np.float64)
        share = np.zeros(len(rows))
        for counts, field in zip(fields, self.fields, strict=True):
            there = np.flatnonzero(counts)
            amount = heavy[np.minimum(counts[there], _MOST)] * weight[there]
            length = np.sqrt(np.bincount(chunk[there], amount * amount, chunks))
            share[there] += field * amount / np.maximum(length[chunk[there]], 1e-12)
        steps: NDArray[float32] = np.rint(share * _FINE).astype(np.float32)
        return steps

    def _sums(
        self,
        rows: NDArray[int64],
        chunk: NDArray[int64],
        share: NDArray[float32],
        many: int,
        place: NDArray[int64],
    ) -> NDArray[float32]:
        """Return the sums of a block, as products of matrices: faster than adding rows one by one."""
        import numpy as np

        there = np.zeros(len(place), dtype=np.bool_)
        there[rows] = True
        used = np.flatnonzero(there)
        place[used] = np.arange(len(used))
        across, down = -(-many // _TALL), -(-len(used) // _DEEP)
        table = np.zeros((across * _TALL, down * _DEEP), dtype=np.float32)
        table[chunk, place[rows]] = share
        vectors = np.zeros((down * _DEEP, WIDTH), dtype=np.float32)
        vectors[: len(used)] = self._vectors[used]
        left = table.reshape(across, _TALL, down, _DEEP).transpose(0, 2, 1, 3)
        product = np.matmul(left, vectors.reshape(down, _DEEP, WIDTH)).sum(axis=1, dtype=np.float32)
        result: NDArray[float32] = product.reshape(-1, WIDTH)[:many]
        return result

    def _rows_of(self, terms: Sequence[str]) -> NDArray[int64]:
        """Return the row of each term, -1 for those that the vocabulary does not have."""
        import numpy as np

        if self._rows is None:
            self._rows = {term: row for row, term in enumerate(bytes(self._letters).decode().split("\n"))}
        find = self._rows.get
        return np.array([find(term, -1) for term in terms], dtype=np.int64)

    def _row(self, term: str) -> int:
        """Return the row of one term without a table of all: a query has few."""
        if self._terms is None:
            self._terms = bytes(self._letters).split(b"\n")
        wanted = term.encode("utf-8", "replace")
        row = bisect_left(self._terms, wanted)
        return row if row < len(self._terms) and self._terms[row] == wanted else -1


def load() -> Embedding:
    """Return the embedding that ships. Raises NoWeights if the installation is broken."""
    return Embedding(WEIGHTS)


def write(
    path: Path,
    terms: Sequence[str],
    vectors: NDArray[float32],
    counts: NDArray[float32],
    fields: Sequence[float],
) -> None:
    """Write weights: ``vectors`` (n x WIDTH, unit rows), ``counts`` (2 x n: in a chunk, in a query), three fields."""
    import hashlib

    import numpy as np

    letters = [term.encode() for term in terms]
    order = sorted(range(len(letters)), key=letters.__getitem__)
    rows = np.clip(np.rint(vectors[order] * SCALE), -127, 127).astype(np.int8)
    share = np.array(fields) / np.sum(fields)
    text = b"\n".join(letters[one] for one in order)
    counted = np.ascontiguousarray(counts[:, order], "<f4").tobytes()
    head = np.array([len(order), len(text)], "<u4").tobytes() + share.astype("<f4").tobytes()
    body = counted + rows.tobytes() + text
    version = hashlib.sha256(head + body).hexdigest()[:12].encode()
    path.write_bytes(_MAGIC + head + version + body)


def _unit(sums: NDArray[float32]) -> NDArray[int8]:
    """Return rows made one unit long, times SCALE, in int8."""
    import numpy as np

    length = np.sqrt(np.einsum("ij,ij->i", sums, sums, dtype=np.float64))
    scaled = np.rint(sums * (SCALE / np.maximum(length, 1e-12))[:, None])
    result: NDArray[int8] = np.clip(scaled, -127, 127).astype(np.int8)
    return result
