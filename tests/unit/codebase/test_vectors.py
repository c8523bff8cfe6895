"""The vectors of an index file: what is written is read, merged and searched again, with numpy and with FAISS."""

import sqlite3
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from selfimprove.codebase import vectors
from selfimprove.codebase.embedding import SCALE, WIDTH


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(vectors.SCHEMA)
    yield connection
    connection.close()


def some(count: int, seed: int = 1) -> NDArray[np.int8]:
    """Rows in clumps, as real vectors are."""
    drawn = np.random.default_rng(seed)
    middles = drawn.normal(size=(20, WIDTH))
    rows = middles[drawn.integers(0, 20, count)] + 0.7 * drawn.normal(size=(count, WIDTH))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.clip(np.rint(rows * SCALE), -127, 127).astype(np.int8)


def question(seed: int = 9) -> NDArray[np.float32]:
    row = some(1, seed)[0].astype(np.float32)
    return row / np.linalg.norm(row)


def plain(rows: NDArray[np.int8], query: NDArray[np.float32]) -> NDArray[np.float32]:
    return (rows.astype(np.float32) @ query / SCALE).astype(np.float32)


def test_cosines_are_those_of_the_asked_chunks(db: sqlite3.Connection) -> None:
    one, two = some(100), some(31, seed=2)
    vectors.write_segment(db, 1, 0, [one[:40], one[40:]])
    vectors.write_segment(db, 7, 100, [two])
    ids = [130, 0, 99, 100, 14, 15, 15, 129]
    expected = plain(np.concatenate([one, two])[ids], question())
    assert np.allclose(vectors.cosines(db, ids, question()), expected, atol=1e-5)
    assert np.allclose(vectors.cosines(db, np.arange(131), question())[ids], expected, atol=1e-5)


def test_chunks_without_a_vector_have_no_likeness(db: sqlite3.Connection) -> None:
    assert vectors.cosines(db, [1, 2], question()).tolist() == [0, 0]
    vectors.write_segment(db, 1, 5, [some(3)])
    found = vectors.cosines(db, [4, 5, 7, 8, 10**9], question())
    assert (found != 0).tolist() == [False, True, True, False, False]
    assert vectors.cosines(db, [], question()).shape == (0,)


def test_more_chunks_than_one_statement_can_ask_for(db: sqlite3.Connection) -> None:
    rows = some(20_000)
    vectors.write_segment(db, 1, 0, [rows])
    ids = np.arange(0, 20_000, 16)[::-1]
    assert np.allclose(vectors.cosines(db, ids, question()), plain(rows[ids], question()), atol=1e-5)


def test_merging_keeps_the_living_and_dropping_removes_all(db: sqlite3.Connection) -> None:
    one, two, three = some(50), some(20, seed=2), some(33, seed=3)
    for number, first, rows in ((1, 0, one), (2, 50, two), (3, 70, three)):
        vectors.write_segment(db, number, first, [rows])
    moved = np.full(103, -1)
    living = [*range(0, 50, 3), *range(75, 103)]
    moved[living] = 103 + np.arange(len(living))
    vectors.merge_segments(db, [1, 3], 4, 103, moved)
    for number in (1, 3):
        vectors.drop_segment(db, number)
    ids, table = vectors.everything(db)
    assert ids.tolist() == [*range(50, 70), *range(103, 103 + len(living))]
    assert (table == np.concatenate([two, np.concatenate([one, two, three])[living]])).all()
    assert db.execute("select count(*) from vectors").fetchone()[0] == 2 + -(-len(living) // vectors.ROW)


def test_merging_only_dead_chunks_leaves_an_empty_segment(db: sqlite3.Connection) -> None:
    vectors.write_segment(db, 1, 0, [some(5)])
    vectors.merge_segments(db, [1], 2, 5, np.full(5, -1))
    vectors.drop_segment(db, 1)
    assert vectors.everything(db)[0].tolist() == []
    assert vectors.cosines(db, [0, 5], question()).tolist() == [0, 0]


def test_a_segment_is_written_once(db: sqlite3.Connection) -> None:
    vectors.write_segment(db, 1, 0, [some(5)])
    with pytest.raises(sqlite3.IntegrityError):
        vectors.write_segment(db, 1, 0, [some(5)])


@pytest.mark.parametrize("kind", [vectors.Scan, vectors.Faiss])
def test_the_nearest_of_all_are_found_best_first(db: sqlite3.Connection, kind: type[vectors.Scan]) -> None:
    rows = some(3000)
    rows[2000] = rows[17]
    vectors.write_segment(db, 1, 0, [rows[:1000]])
    vectors.write_segment(db, 2, 1000, [rows[1000:]])
    query = rows[17].astype(np.float32) / np.linalg.norm(rows[17].astype(np.float32))
    ids, scores = kind(db).top(query, 10)
    expected = np.lexsort((np.arange(3000), -plain(rows, query)))[:10]
    assert ids.tolist()[:2] == [17, 2000]
    assert set(ids.tolist()) == set(expected.tolist())
    assert np.allclose(scores, plain(rows[ids], query), atol=1e-4)
    alive = np.ones(3000, np.bool_)
    alive[17] = False
    assert kind(db).top(query, 1, alive)[0].tolist() == [2000]
    assert len(kind(db).top(query, 10_000)[0]) == 3000


@pytest.mark.parametrize("kind", [vectors.Scan, vectors.Faiss])
def test_an_index_without_vectors_answers_nothing(db: sqlite3.Connection, kind: type[vectors.Scan]) -> None:
    ids, scores = kind(db).top(question(), 10)
    assert len(ids) == len(scores) == 0


@pytest.mark.parametrize("fine", [vectors.SQ8_FROM, 5_000])
def test_faiss_by_lists_finds_nearly_all_and_can_be_kept(
    db: sqlite3.Connection, fine: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "IVF_FROM", 4_000)
    monkeypatch.setattr(vectors, "SQ8_FROM", fine)
    rows = some(6_000)
    vectors.write_segment(db, 1, 0, [rows])
    index = vectors.Faiss(db)
    right = vectors.Scan(db).top(question(), 50)[0]
    found = index.top(question(), 50)[0]
    assert len(set(right.tolist()) & set(found.tolist())) >= 40
    kept = index.to_bytes()
    again = vectors.Faiss(db, kept).top(question(), 50)
    assert again[0].tolist() == found.tolist()
    vectors.write_segment(db, 2, 6_000, [some(3)])
    with pytest.raises(ValueError, match="6000 vectors, not 6003"):
        vectors.Faiss(db, kept)
