"""Rank: what speaks for each of the best chunks by words, as numbers, and their order by a linear score."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.likeness import Likeness, Names, counted, likeness, spelt, summed
from selfimprove.codebase.manner import asks_for_change
from selfimprove.codebase.query import tail
from selfimprove.codebase.ranking import WEIGHTS
from selfimprove.model.chunk import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.index import Index, Row
    from selfimprove.codebase.query import Query

    Column = NDArray[np.float32]

_SMALL = 1e-6
_TOPIC = re.compile(r"\s*([^\s:]+(?: [^\s:]+){0,2}):\s")

TEST_FEATURES = ("test", "test_asked", "test_long")
"""The features that tell tests from other code; a search may do without them."""


GIVEN = {"place": (6.0, 0.0, 1.0), "file": (1.5, 0.0, 1.0), "symbol": (2.0, 0.0, 1.0)}
"""What no repository's history teaches: a person who names a place means it. In the form of WEIGHTS."""

_BY_WORDS = {"words": (10.0, 0.0, 1.0)}  # without vectors the learned weights, which build on them, are void
_UNWEIGHED = (0.0, 0.0, 1.0)


class Candidates(NamedTuple):
    """The best chunks by words, and what is read of them: all in the order of ``ids``.

    ``scores`` and ``cosines`` are float32[n]; ``cosines`` is None where the index has no vectors. ``names``,
    ``paths`` and ``signatures`` are the terms of each chunk's qualified name, of its file's path and of its
    signature; ``worth`` is weight x idf of each of the query's terms.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    cosines: NDArray[np.float32] | None
    rows: Sequence[Row]
    names: Names
    paths: Names
    signatures: Names
    worth: Mapping[str, float]


def features(
    index: Index, query: Query, ids: NDArray[np.int64], scores: NDArray[np.float32]
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the features' names and their values, float32[n, features], for the chunks ``ids``.

    ``ids`` and ``scores`` are the best by words, as `Lexical.top` gives them. A feature that cannot be known
    (a cosine without vectors) is NaN in the whole column.
    """
    return tabulate(index, query, candidates(index, query, ids, scores))


def tabulate(index: Index, query: Query, found: Candidates) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the features' names and values, as `features` does, of candidates that were read already."""
    import numpy as np

    table = {name: column for make in _COLUMNS for name, column in make(index, query, found).items()}
    return tuple(table), np.stack([np.asarray(column, np.float32) for column in table.values()], axis=1)


def candidates(index: Index, query: Query, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> Candidates:
    """Read what the features need of the chunks ``ids``: one statement for all rows."""
    rows = index.rows(ids)
    idf = index.lexical.idf(query.terms)
    return Candidates(
        ids,
        scores,
        index.cosines(query.terms, ids, query.text),
        rows,
        spelt(row.qualified for row in rows),
        spelt(row.path.rpartition(".")[0] or row.path for row in rows),
        spelt(row.signature for row in rows),
        {term: weight * idf[term] for term, weight in query.terms.items() if idf.get(term)},
    )


def total(text: str, names: Sequence[str], table: NDArray[np.float32], *, use_tests: bool = True) -> Column:
    """Return the score of each row of ``table`` for the query ``text``, float32[n]: the sum of its `parts`."""
    added: Column = parts(text, names, table, use_tests=use_tests).sum(axis=1)
    return added


def parts(
    text: str, names: Sequence[str], table: NDArray[np.float32], *, use_tests: bool = True
) -> NDArray[np.float32]:
    """Return what each feature adds to a row's score, float32[n, features]: weight x (value - mean) / scale.

    A text that asks for a change and one that says what code does are served by other weights: between the
    two they are mixed by how probable it is that ``text`` is the former. A feature that is not known, or
    that has no weight, adds nothing.
    """
    import numpy as np

    if np.isnan(table[:, names.index("meaning")]).any():
        learned = _BY_WORDS
    else:
        change = asks_for_change(text, names, table)
        learned = {
            name: ((1 - change) * said + change * asked, mean, scale)
            for name, (said, asked, mean, scale) in WEIGHTS.items()
        }
    known = {**learned, **GIVEN, **({} if use_tests else dict.fromkeys(TEST_FEATURES, _UNWEIGHED))}
    rows = [known.get(name, _UNWEIGHED) for name in names]
    weight, mean, scale = np.array(rows, np.float32).T
    added: NDArray[np.float32] = np.nan_to_num((table - mean) * (weight / scale))
    return added


def _words(index: Index, query: Query, found: Candidates) -> dict[str, Column]:
    """How well the words fit: within this answer, against a chunk that had all of them, in a long query."""
    import numpy as np

    del index, query
    best = max(float(found.scores.max(initial=0)), _SMALL)
    whole = max(sum(found.worth.values()), _SMALL)
    return {
        "words": found.scores / best,
        "words_share": found.scores / whole,
        "words_long": found.scores / best * np.float32(np.log1p(len(found.worth))),
    }


def _meaning(index: Index, query: Query, found: Candidates) -> dict[str, Column]:
    """How near the meanings are, alone and together with the words."""
    import numpy as np

    del index, query
    if found.cosines is None or not len(found.ids):
        unknown = np.full(len(found.ids), np.nan, np.float32)
        return dict.fromkeys(("meaning", "meaning_best", "meaning_long", "both", "file_meaning"), unknown)
    cosines = found.cosines
    best = max(float(found.scores.max()), _SMALL)
    return {
        "meaning": cosines,
        "meaning_best": cosines - cosines.max(),
        "meaning_long": cosines * np.float32(np.log1p(len(found.worth))),
        "both": cosines * found.scores / best,
        "file_meaning": _best_of([row.file for row in found.rows], cosines) - cosines,
    }


def _naming(index: Index, query: Query, found: Candidates) -> dict[str, Column]:
    """How much of the query the names say, and how much of the names the query says."""
    import numpy as np

    del index
    whole = max(sum(found.worth.values()), _SMALL)
    spoken = dict.fromkeys(query.terms, 1.0)
    files = spelt(_stem(row.path) for row in found.rows)
    named = summed(found.names, found.worth) / whole
    topic = {term: found.worth[term] for term in _topic(query.text) if term in found.worth}
    of_topic = summed(found.paths, topic) + summed(found.names, topic)
    return {
        "name": named,
        "name_said": summed(found.names, spoken) / np.maximum(counted(found.names), 1),
        "path": summed(found.paths, found.worth) / whole,
        "file_said": summed(files, spoken) / np.maximum(counted(files), 1),
        "signature": summed(found.signatures, found.worth) / whole,
        "symbol": _exact(query, found.rows) * named,
        "topic": np.minimum(of_topic / max(sum(topic.values()), _SMALL), 1),
    }


def _topic(text: str) -> list[str]:
    """Return the terms before a colon at the text's beginning: ``parser: accept empty files``."""
    from selfimprove.codebase.words import words

    found = _TOPIC.match(text)
    return words(found[1]) if found else []


def _likeness(index: Index, query: Query, found: Candidates) -> dict[str, Column]:
    """How near names, signatures and paths are to the query where they say it in other words."""
    import numpy as np

    fields = {"name": found.names, "signature": found.signatures, "path": found.paths}
    columns = [f"{field}_{part}" for field in fields for part in Likeness._fields]
    if index._embedding is None:
        return dict.fromkeys(columns, np.full(len(found.ids), np.nan, np.float32))
    told = likeness(index._embedding, query.terms, found.worth, list(fields.values()))
    return dict(zip(columns, (column for one in told for column in one), strict=True))


def _told(index: Index, query: Query, found: Candidates) -> dict[str, Column]:
    """Whether the query names the file, or the very place, of a chunk, or its language."""
    import numpy as np

    del index
    rows, none = found.rows, np.zeros(len(found.rows), np.float32)
    named = {
        path: max((_fits(path, one) for one in query.paths), default=0.0)
        for path in ({row.path for row in rows} if query.paths else ())
    }
    return {
        "file": _column(named[row.path] for row in rows) if named else none,
        "place": _column(_pointed(row, query) for row in rows) if query.places else none,
        "language": _column(row.language in query.languages for row in rows) if query.languages else none,
    }


def _shape(index: Index, query: Query, found: Candidates) -> dict[str, Column]:
    """What kind of code it is, how long, how long its name is, and how deep in the folders it lies."""
    import numpy as np

    del query
    about = index.meta.packed[found.ids]
    lines = np.log2(np.maximum(about["lines"], 1)).astype(np.float32)
    return {
        **{kind: (about["kind"] == number).astype(np.float32) for number, kind in enumerate(KINDS)},
        "lines": lines,
        "lines_squared": lines * lines,
        "name_length": counted(found.names),
        "depth": _column(row.path.count("/") for row in found.rows),
    }


def _company(index: Index, query: Query, found: Candidates) -> dict[str, Column]:
    """What else was found: in its file, in its class, under its name and in its language."""
    import numpy as np

    del index, query
    rows, scores = found.rows, found.scores / max(float(found.scores.max(initial=0)), _SMALL)
    outer = [row.qualified.rpartition(".")[0] for row in rows]
    classes = [(row.file, name) for row, name in zip(rows, outer, strict=True)]
    return {
        "file_words": np.log1p(_sum_of([row.file for row in rows], scores) - scores),
        "class_words": np.log1p(_sum_of(classes, scores) - scores) * _column(map(bool, outer)),
        "namesakes": np.log(_sum_of([row.symbol for row in rows], np.ones(len(rows), np.float32))),
        "same_language": _sum_of([row.language for row in rows], np.full(len(rows), 1 / max(len(rows), 1))),
    }


def _standing(index: Index, query: Query, found: Candidates) -> dict[str, Column]:
    """What the repository says of the chunk: who leans on it, how lately it was worked on, whether it tests."""
    import numpy as np

    from selfimprove.codebase.packing import TEST

    meta = index.meta
    test = (meta.packed["flags"][found.ids] & TEST != 0).astype(np.float32)
    return {
        "test": test,
        "test_asked": test * float(index.asks_for_tests(query.terms)),
        "test_long": test * np.float32(np.log1p(len(found.worth))),
        "leant_on": np.log(np.maximum(meta.rank[found.ids], 0.1)),
        "churn": np.log1p(meta.churn[found.ids]),
        "recency": meta.recency[found.ids],
    }


_COLUMNS: tuple[Callable[[Index, Query, Candidates], dict[str, Column]], ...] = (
    *(_words, _meaning, _naming, _likeness, _told, _shape, _company, _standing),
)


def _sum_of(groups: Sequence[object], values: NDArray[np.floating]) -> Column:
    """Return for each item the sum of ``values`` over its group."""
    import numpy as np

    place = _numbered(groups)
    summed: Column = (
        np.bincount(place, values)[place].astype(np.float32) if len(place) else np.zeros(0, np.float32)
    )
    return summed


def _best_of(groups: Sequence[object], values: Column) -> Column:
    """Return for each item the largest of ``values`` in its group."""
    import numpy as np

    place = _numbered(groups)
    best = np.full(len(groups), -np.inf, np.float32)
    np.maximum.at(best, place, values)
    return best[place]


def _numbered(groups: Sequence[object]) -> NDArray[np.int64]:
    """Return the number of each item's group."""
    import numpy as np

    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(one, len(numbers)) for one in groups], np.int64)


def _pointed(row: Row, query: Query) -> float:
    """Return 1 for the place that ``query`` names or the deepest frame here, less for those further out."""
    for depth, frame in enumerate(query.frames):
        if _fits(row.path, frame.path) and (row.start <= frame.line <= row.end):
            return 1 / (1 + depth / 2)
    return float(
        any(row.start <= line <= row.end and _fits(row.path, path) for path, line in query.places)
        and not query.frames
    )


def _fits(path: str, asked: str) -> float:
    """Return 1 when ``asked`` names the file ``path`` (whole, or its end, or from outside), 0.3 for its folder."""
    if path == asked or path.endswith(f"/{asked}") or asked.endswith(f"/{path}"):
        return 1.0
    folder = asked.strip("/")
    return 0.3 if "/" in asked and f"/{folder}/" in f"/{path}" else 0.0


def _exact(query: Query, rows: Sequence[Row]) -> Column:
    """Return 2 for a chunk whose qualified name the query says in code's form, 1 for its bare name."""
    import numpy as np

    if not query.symbols:
        return np.zeros(len(rows), np.float32)
    symbols = {_dotted(symbol) for symbol in query.symbols}
    tails = {tail(symbol).casefold() for symbol in query.symbols}
    return _column(
        (_dotted(row.qualified) in symbols) + (row.symbol.casefold() in tails) if row.symbol else 0
        for row in rows
    )


def _dotted(name: str) -> str:
    return re.sub(r"::|->|#", ".", name).casefold()


def _column(values: Iterable[float]) -> Column:
    import numpy as np

    return np.fromiter(values, np.float32)


def _stem(path: str) -> str:
    """Return a file's name without its ending."""
    return path.rpartition("/")[2].partition(".")[0]
