"""Search: the chunks that a query asks for: the best by words, ranked by all that speaks for each."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

from selfimprove.codebase.likeness import Likeness
from selfimprove.codebase.query import Query, informative, understand
from selfimprove.codebase.rank import candidates, parts, tabulate
from selfimprove.model.chunk import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selfimprove.codebase.index import Index, Row
    from selfimprove.tools.git.repo import Repo

CANDIDATES = 200
"""Chunks that are looked at closely: the best by words alone."""

_NEEDED = {
    "numpy": "numpy",
    "Stemmer": "PyStemmer",
    "tree_sitter": "tree-sitter",
    "tree_sitter_language_pack": "tree-sitter-language-pack",
}
_PLACES = 20  # places of a stack trace that are looked up
_LOOKED_FOR = 8  # files that are looked for by their names alone: each is a pass over all paths
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
# What is said of a hit, and the features that say it. Those of words build on each other, one correcting what
# another overrates, and are one reason; where the words stand is told with it.
_FIELDS = ("name", "signature", "path")
_WHY = {
    "place": ("place", "file"),
    "words": (
        *("words", "words_share", "words_long", "both", "file_words", "class_words", "symbol"),
        *("name", "name_said", "path", "file_said", "signature"),
        *(f"{field}_{part}" for field in _FIELDS for part in Likeness._fields),
    ),
    "meaning": ("meaning", "meaning_best", "meaning_long", "file_meaning"),
    "used by other code": ("leant_on",),
    "lately changed": ("churn", "recency"),
    "a test, as asked": ("test_asked",),
    "language": ("language",),
}
_LEAST_SHARE = 0.1  # of what speaks for a hit; less is not worth a word


def search(
    index: Index,
    text: str,
    n: int = 10,
    *,
    language: Sequence[str] = (),
    path: Sequence[str] = (),
    use_tests: bool = True,
    within: NDArray[np.bool_] | None = None,
) -> list[Hit]:
    """Return the ``n`` chunks that fit ``text`` best, the best first; fewer when fewer have any of its words.

    Only files in one of the languages ``language`` and under one of the globs ``path`` count, if there are
    any; ``within`` is that `selection`, for who asks often. ``use_tests`` off ranks tests like other code.
    Of a function that was cut in several chunks the best one stands for all. ``score``, from 0 to 1, is how
    probable it is that this chunk is meant and not another that was looked at, as the re-ranker has learned
    to tell. The same index and text give the same answer; ties go by path and line.
    """
    among = selection(index, language, path) if within is None else within
    query, ids, scores = retrieve(index, text, among)
    if not len(ids) or n < 1:
        return []
    found = candidates(index, query, ids, scores)
    names, table = tabulate(index, query, found)
    return list(_hits(query, found.rows, names, parts(query.text, names, table, use_tests=use_tests), n))


def retrieve(
    index: Index, text: str, among: NDArray[np.bool_]
) -> tuple[Query, NDArray[np.int64], NDArray[np.float32]]:
    """Return the query with its most telling terms, and the ids and scores of the chunks to look at closely.

    These are the best by words, int64[n] and float32[n], then the places that the query names.
    """
    said = understand(text)
    query = said._replace(terms=informative(said.terms, index.lexical.idf))
    ids, scores = index.lexical.top(query.terms, CANDIDATES, among)
    if index.dense:
        query = query._replace(terms=index.dense.terms(index, said.terms, query.terms))
        ids, scores = index.dense.join(index, query.terms, among, ids, scores)
    if query.places:
        ids, scores = _with_places(index, query, ids, scores, among)
    return query, ids, scores


def missing_parts() -> list[str]:
    """Return the packages that the index needs and that are not installed, by their names on PyPI."""
    return [package for module, package in _NEEDED.items() if find_spec(module) is None]


def grep_search(
    repo: Repo, text: str, n: int = 10, *, language: Sequence[str] = (), path: Sequence[str] = ()
) -> list[Hit]:
    """Search without an index and without its libraries: for the places that hold most of the words."""
    from selfimprove.codebase.languages import language_of
    from selfimprove.tools.grep import grep

    terms = understand(text, words=_plain).terms
    hits = grep(repo, list(terms), n, lambda name: _wanted(name, language_of(name), language, path))
    return [hit._replace(language=language_of(hit.path)) for hit in hits]


def _plain(text: str) -> list[str]:
    """Return the words and identifiers of ``text`` as they are written."""
    return [word for word in re.findall(r"\w+", text) if len(word) > 1]


def _wanted(name: str, its: str, language: Sequence[str], path: Sequence[str]) -> bool:
    from selfimprove.codebase.scan import hits

    return (not language or its in language) and (not path or any(hits(glob, name) for glob in path))


def selection(index: Index, language: Sequence[str] = (), path: Sequence[str] = ()) -> NDArray[np.bool_]:
    """Return for each chunk whether it can be an answer, bool[index.count]."""
    if not language and not path:
        return index.alive
    return index.among(lambda name, its: _wanted(name, its, language, path))


def _with_places(
    index: Index,
    query: Query,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    selected: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Add the chunks at the places that the query names, which its words need not find."""
    import numpy as np

    places = query.places[:_PLACES]
    meant = _files(index, dict.fromkeys(asked for asked, _ in places))
    told = {
        number
        for asked, line in places
        for path in meant[asked]
        if (number := index.at(path, line)) is not None and selected[number]
    }
    new = np.array(sorted(told - set(ids.tolist())), np.int64)
    return np.concatenate([ids, new]), np.concatenate([scores, np.zeros(len(new), np.float32)])


def _files(index: Index, asked: Iterable[str]) -> dict[str, list[str]]:
    """Return the files that each of ``asked`` can mean.

    These are the file itself; what is left of it without its first folders (a trace names whole paths); or, for
    some that begin nowhere, the files of this name.
    """
    found: dict[str, list[str]] = {}
    looked = 0
    for one in asked:
        folders = one.strip("/").split("/")
        ends = ("/".join(folders[start:]) for start in range(len(folders)))
        found[one] = [path for path in ends if index.of_file(path)][:1]
        if not found[one] and not one.startswith("/") and looked < _LOOKED_FOR:
            looked += 1
            found[one] = _ending(index, folders)
    return found


def _ending(index: Index, folders: Sequence[str]) -> list[str]:
    """Return the files whose paths end so; a few that have only the name where none has its folder too."""
    name = re.sub(r"([\\%_])", r"\\\1", folders[-1])
    rows = index.db.execute(
        "select path from files where chunks > 0 and path like ? escape '\\' order by path", (f"%/{name}",)
    )
    near = [path for (path,) in rows]
    return [path for path in near if path.endswith("/" + "/".join(folders[-2:]))] or near[:3]


def _hits(
    query: Query, rows: Sequence[Row], names: Sequence[str], added: NDArray[np.float32], n: int
) -> Iterator[Hit]:
    """Yield the best ``n`` candidates, one for each definition, by the sum of what each feature added."""
    import numpy as np

    total = added.sum(axis=1, dtype=np.float64).round(6)  # the same on every machine
    share = np.exp(total - total.max())
    share /= share.sum()
    order = sorted(range(len(rows)), key=lambda at: (-total[at], rows[at].path, rows[at].start))
    shown: set[object] = set()
    for at in order:
        row = rows[at]
        key = (row.file, row.kind, row.qualified, row.signature) if row.symbol else row.id
        if key not in shown:
            shown.add(key)
            yield Hit(
                *(row.path, row.start, row.end, row.qualified or row.symbol, row.kind, row.signature),
                *(row.language, float(f"{share[at]:.4g}")),
                why=_why(row, query, dict(zip(names, added[at].tolist(), strict=True))),
            )
        if len(shown) == n:
            return


def _why(row: Row, query: Query, added: Mapping[str, float]) -> tuple[str, ...]:
    """Return what spoke for a hit, strongest first."""
    sums = {word: sum(added.get(name, 0.0) for name in some) for word, some in _WHY.items()}
    least = _LEAST_SHARE * sum(value for value in sums.values() if value > 0)
    told = sorted((word for word, value in sums.items() if value > least), key=lambda word: -sums[word])
    fields = {"name": _shared(row.qualified, query.terms), "path": _shared(row.path, query.terms)}
    where = tuple(f"{field}: {', '.join(parts)}" for field, parts in fields.items() if parts)
    return tuple(said for word in told for said in ((where or (word,)) if word == "words" else (word,)))


def _shared(name: str, terms: Mapping[str, float]) -> list[str]:
    """Return the parts of ``name`` that are among ``terms``, as they are written there."""
    from selfimprove.codebase.words import terms_of

    parts = dict.fromkeys(part.lower() for part in _PART.findall(name))
    return [part for part in parts if any(term in terms for term in terms_of(part))]
