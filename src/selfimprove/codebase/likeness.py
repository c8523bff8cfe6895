"""Likeness: how much many names have in common with a query: the same words, or words that mean the same."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.embedding import Embedding

    Column = NDArray[np.float32]

_IDENTIFIER = re.compile(r"\w+")
_SMALL = 1e-6
_NOTHING = 0  # the number that stands for the words of a name without any
_terms = [""]  # all terms of names that this process has seen, by their numbers
_numbers = {"": _NOTHING}
_lock = threading.Lock()


class Names(NamedTuple):
    """The terms of many names as numbers: those of name i are ``flat[begin[i] : begin[i + 1]]``, each once.

    A name without terms has the number 0, so that none is empty.
    """

    flat: NDArray[np.int64]
    begin: NDArray[np.int64]


class Likeness(NamedTuple):
    """Three columns, float32[n], one value for each name; all are 0 for a name without words.

    ``like`` is the likeness of the name as a whole with the query as a whole, ``met`` how well the query's
    words are met by their nearest ones in the name, ``meets`` how well the name's are met by the query's.
    """

    like: Column
    met: Column
    meets: Column


def spelt(texts: Iterable[str]) -> Names:
    """Return the terms of names, paths or signatures; what was split once is remembered."""
    import numpy as np

    numbers = [_spelt(text) for text in texts]
    many = np.fromiter(map(len, numbers), np.int64, len(numbers))
    flat = np.fromiter(chain.from_iterable(numbers), np.int64, int(many.sum()))
    return Names(flat, np.cumsum(many) - many)


def summed(names: Names, values: Mapping[str, float]) -> Column:
    """Return for each name the sum of the values of its terms, float32[n]."""
    import numpy as np

    if not len(names.begin):
        return np.zeros(0, np.float32)
    table = np.zeros(int(names.flat.max()) + 1, np.float32)
    for term, value in values.items():
        if (number := _numbers.get(term, len(table))) < len(table):
            table[number] = value
    sums: Column = np.add.reduceat(table[names.flat], names.begin)
    return sums


def counted(names: Names) -> Column:
    """Return how many terms each name has, float32[n]."""
    import numpy as np

    if not len(names.begin):
        return np.zeros(0, np.float32)
    return np.add.reduceat((names.flat != _NOTHING).astype(np.float32), names.begin)


def likeness(
    embedding: Embedding, terms: Mapping[str, float], worth: Mapping[str, float], fields: Sequence[Names]
) -> list[Likeness]:
    """Return for each of ``fields`` how near its names are to a query, by the vectors of their words.

    ``terms`` are the query's terms with their weights, ``worth`` the same with idf in it.
    """
    import numpy as np

    asked = [term for term in terms if not _is_whole(term)]
    mine, mine_worth = _vectors(embedding, asked)
    used, places = np.unique(np.concatenate([field.flat for field in fields]), return_inverse=True)
    known = [_terms[number] for number in used.tolist()]
    theirs, theirs_worth = _vectors(embedding, known)
    # einsum: what OpenBLAS shares out among threads costs more in waiting for them than in multiplying.
    near = np.einsum("ij,kj->ik", theirs, mine)
    where = {term: place for place, term in enumerate(known)}
    for place, term in enumerate(asked):
        if term in where:
            near[where[term], place] = 1
    middle = (np.array([terms[term] for term in asked], np.float32) * mine_worth) @ mine
    middle /= max(float(np.sqrt(middle @ middle)), _SMALL)
    asked_worth = np.array([worth.get(term, 0) for term in asked], np.float32)
    asked_worth /= max(float(asked_worth.sum()), _SMALL)
    about = _About(
        near,
        near.max(axis=1, initial=0),
        (np.einsum("ij,j->i", theirs, middle) * theirs_worth).astype(np.float32),
        theirs_worth * theirs_worth,
        np.array([not _is_whole(term) for term in known], np.float32),
        asked_worth,
    )
    ends = np.cumsum([len(field.flat) for field in fields])[:-1]
    return [
        _compared(about, place, field.begin)
        for place, field in zip(np.split(places, ends), fields, strict=True)
    ]


class _About(NamedTuple):
    """What is known of each term of the names: how near it is to each of the query's and to the nearest, its part
    in the likeness as a whole and in the length of a name's vector, and 1 if it is a word; and each asked term's
    share of the query."""

    near: NDArray[np.float32]
    nearest: Column
    part: Column
    square: Column
    word: Column
    share: Column


def _compared(about: _About, place: NDArray[np.int64], begin: NDArray[np.int64]) -> Likeness:
    """Compare names whose terms are ``place`` in ``about``."""
    import numpy as np

    if not len(begin):
        none = np.zeros(0, np.float32)
        return Likeness(none, none, none)

    def sums(column: Column) -> Column:
        found: Column = np.add.reduceat(column[place], begin)
        return found

    most = np.maximum(np.maximum.reduceat(about.near[place], begin, axis=0), 0)
    met = np.einsum("ij,j->i", most, about.share)
    columns = (
        sums(about.part) / np.maximum(np.sqrt(sums(about.square)), _SMALL),
        met,
        sums(about.nearest * about.word) / np.maximum(sums(about.word), 1),
    )
    return Likeness(*(column.astype(np.float32) for column in columns))


@lru_cache(100_000)
def _spelt(text: str) -> tuple[int, ...]:
    """Return the numbers of a name's terms, each once and in order, or the one that stands for nothing."""
    found = {_number(term) for one in _IDENTIFIER.findall(text) for term in _split(one)}
    return tuple(sorted(found)) or (_NOTHING,)


@lru_cache(50_000)
def _split(identifier: str) -> tuple[str, ...]:
    from selfimprove.codebase.words import terms_of

    return terms_of(identifier)


def _number(term: str) -> int:
    number = _numbers.get(term)
    if number is None:
        with _lock:
            number = _numbers.setdefault(term, len(_terms))
            if number == len(_terms):
                _terms.append(term)
    return number


def _is_whole(term: str) -> bool:
    """Tell whether a term is a whole identifier, for which there is no vector, or none at all."""
    return not term or term.startswith("=")


def _vectors(embedding: Embedding, terms: Sequence[str]) -> tuple[NDArray[np.float32], Column]:
    """Return a unit vector for each term, float32[n, WIDTH], and its worth in a query; zeros for unknown ones."""
    import numpy as np

    rows = np.array([_row(embedding, term) for term in terms], np.int64)
    known = (rows >= 0).astype(np.float32)
    vectors = embedding._vectors[rows].astype(np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    worth: Column = embedding._counts[1][rows] * known
    return vectors * (known / np.maximum(length, _SMALL))[:, None], worth


@lru_cache(100_000)
def _row(embedding: Embedding, term: str) -> int:
    return -1 if _is_whole(term) else embedding._row(term)
