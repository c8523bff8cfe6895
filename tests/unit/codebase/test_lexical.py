"""Postings: what is written is found, in the order of a plain computation, after every change."""

from __future__ import annotations

import math
import random
import sqlite3
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pytest

from selfimprove.codebase import lexical
from selfimprove.codebase.lexical import (
    NARROW,
    SCHEMA,
    Lexical,
    drop_segment,
    impacts,
    merge_segments,
    write_segment,
)
from selfimprove.codebase.words import Bags, bags, join
from selfimprove.model.chunk import Chunk, FileChunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

WORDS = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("ol", "ak", "im", "un", "op")]


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    yield connection
    connection.close()


def texts(*bodies: str, path: str = "+", name: str = "") -> Bags:
    """Return the terms of chunks of one line each."""
    chunks = tuple(Chunk(at, at, "function", name, name) for at in range(1, len(bodies) + 1))
    return bags([(path, FileChunks("", chunks), "\n".join(bodies))])


def some_bodies(count: int, seed: int) -> list[str]:
    """Return texts in which the first of WORDS are in nearly all and the last in few."""
    dice = random.Random(seed)
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    return [" ".join(dice.choices(WORDS, weights, k=dice.randint(1, 40))) for _ in range(count)]


def ranked(
    segments: Sequence[tuple[int, Bags]], terms: dict[str, float], dead: frozenset[int] = frozenset()
) -> list[tuple[int, float]]:
    """Return all chunks that have a term and their scores, by the definition and nothing else."""
    total = sum(len(some.size) for _, some in segments)
    have: Counter[str] = Counter()
    for _, some in segments:
        have.update(some.terms[term] for term in some.term)
    scores: dict[int, float] = {}
    for first, some in segments:
        for chunk, term, impact in zip(
            some.chunk.tolist(), some.term.tolist(), impacts(some).tolist(), strict=True
        ):
            word = some.terms[term]
            if word in terms and first + chunk not in dead:
                idf = math.log(1 + (total - have[word] + 0.5) / (have[word] + 0.5))
                scores[first + chunk] = scores.get(first + chunk, 0) + terms[word] * idf * impact / 255
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))


def check(
    db: sqlite3.Connection, expected: list[tuple[int, float]], terms: dict[str, float], k: int = 200
) -> None:
    """Compare the answers with the expected ones: the same scores, and ties by id."""
    ids, scores = Lexical(db).top(terms, k)
    assert ids.dtype == np.int64
    assert scores.dtype == np.float32
    assert len(ids) == min(k, len(expected))
    assert scores.tolist() == pytest.approx([score for _, score in expected[: len(ids)]], rel=1e-5)
    known = dict(expected)
    assert [known[one] for one in ids.tolist()] == pytest.approx(scores.tolist(), rel=1e-5)
    pairs = sorted(zip((-scores).tolist(), ids.tolist(), strict=True))
    assert pairs == list(zip((-scores).tolist(), ids.tolist(), strict=True))


def test_the_chunk_with_the_rarer_words_is_first(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("open the file", "close the file", "parse the header", "the"))
    ids, scores = Lexical(db).top({"the": 1.0, "header": 1.0})
    assert ids[0] == 2
    assert scores[0] > scores[1]
    assert set(ids.tolist()) == {0, 1, 2, 3}


def test_the_name_tells_more_than_the_path_and_that_more_than_the_body(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("pass total"))
    write_segment(db, 2, 1, texts("pass one", path="total"))
    write_segment(db, 3, 2, texts("pass one", name="total"))
    assert Lexical(db).top({"total": 1.0})[0].tolist() == [2, 1, 0]


def test_a_shorter_chunk_and_a_more_frequent_word_tell_more(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("parse " + "other " * 50, "parse", "parse parse"))
    assert Lexical(db).top({"pars": 1.0})[0].tolist() == [2, 1, 0]


def test_the_weight_of_a_term_counts(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("one", "two", "four"))
    assert Lexical(db).top({"one": 1.0, "two": 2.0})[0].tolist() == [1, 0]
    assert Lexical(db).top({"one": 1.0, "two": 0.0})[0].tolist() == [0]


@pytest.mark.parametrize("k", [1, 7, 200])
def test_the_answers_are_those_of_the_definition(db: sqlite3.Connection, k: int) -> None:
    parts = [texts(*some_bodies(size, seed)) for seed, size in enumerate((300, 1, 120))]
    segments, first = [], 0
    for number, some in enumerate(parts):
        write_segment(db, number, first, some)
        segments.append((first, some))
        first += len(some.size)
    for seed in range(20):
        terms = dict.fromkeys(random.Random(seed).sample(WORDS, 4), 1.0)
        check(db, ranked(segments, terms), terms, k)


def test_equal_chunks_come_by_their_ids_and_the_first_are_kept(db: sqlite3.Connection) -> None:
    for segment in range(4):
        write_segment(db, segment, 10 * segment, texts(*["same words here"] * 10))
    assert Lexical(db).top({"word": 1.0}, 13)[0].tolist() == list(range(13))


def test_words_that_no_chunk_has_find_nothing(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("alpha"))
    for terms in ({}, {"omega": 1.0}, {"": 1.0}):
        ids, scores = Lexical(db).top(terms)
        assert len(ids) == len(scores) == 0
    assert len(Lexical(db).top({"alpha": 1.0}, 0)[0]) == 0


def test_an_empty_index_finds_nothing(db: sqlite3.Connection) -> None:
    assert len(Lexical(db).top({"alpha": 1.0})[0]) == 0
    write_segment(db, 1, 0, bags([]))
    write_segment(db, 2, 0, texts("", "+"))
    assert len(Lexical(db).top({"alpha": 1.0})[0]) == 0
    assert Lexical(db).count == 2


def test_a_thousand_terms_can_be_asked_at_once(db: sqlite3.Connection) -> None:
    names = [f"{a}{b}{c}" for a in "bcdfghjklm" for b in "nprstvwxzb" for c in "cdfghjklmn"]
    write_segment(db, 1, 0, texts(" ".join(names), "other"))
    assert Lexical(db).top(dict.fromkeys(names, 1.0))[0].tolist() == [0]


def test_chunks_that_cannot_be_an_answer_are_none(db: sqlite3.Connection) -> None:
    parts = [(0, texts(*some_bodies(100, 1))), (100, texts(*some_bodies(50, 2)))]
    for number, (first, some) in enumerate(parts):
        write_segment(db, number, first, some)
    terms = {WORDS[0]: 1.0, WORDS[5]: 1.0}
    alive = np.arange(150) % 3 != 0
    expected = ranked(parts, terms, dead=frozenset(range(0, 150, 3)))
    ids, scores = Lexical(db).top(terms, 200, alive)
    assert set(ids.tolist()) == {one for one, _ in expected}
    assert scores.tolist() == pytest.approx([score for _, score in expected], rel=1e-5)


def test_idf_falls_with_the_number_of_chunks_in_all_segments(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("alpha beta", "alpha", "gamma"))
    write_segment(db, 2, 3, texts("alpha", "other"))
    index = Lexical(db)
    assert index.idf(["alpha", "beta", "omega"]) == pytest.approx(
        {"alpha": math.log(1 + 2.5 / 3.5), "beta": math.log(1 + 4.5 / 1.5)}
    )
    assert index.top({"beta": 1.0})[0].tolist() == [0]


def test_what_was_fetched_last_does_not_stand_for_other_terms(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("alpha beta", "gamma"))
    index = Lexical(db)
    for terms in ({"alpha"}, {"gamma"}, {"alpha", "gamma"}, {"alpha"}):
        ids, _ = index.top(dict.fromkeys(terms, 1.0))
        assert set(ids.tolist()) == {{"alpha": 0, "gamma": 1}[term] for term in terms}


def test_a_dropped_segment_is_gone(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("alpha"))
    write_segment(db, 2, 1, texts("alpha"))
    drop_segment(db, 1)
    assert Lexical(db).top({"alpha": 1.0})[0].tolist() == [1]
    assert db.execute("select count(*) from postings where segment = 1").fetchone() == (0,)


def test_a_segment_is_not_written_twice(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("alpha"))
    with pytest.raises(sqlite3.IntegrityError):
        write_segment(db, 1, 1, texts("beta"))


def rows(db: sqlite3.Connection) -> list[tuple[str, bytes]]:
    """Return the postings of all segments, by term."""
    return db.execute("select term, data from postings order by term").fetchall()


@pytest.mark.parametrize("at_once", [3, 20_000])
def test_merged_segments_are_as_if_written_as_one(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(lexical, "_AT_ONCE", at_once)
    parts = [texts(*some_bodies(size, seed)) for seed, size in enumerate((40, 90, 7))]
    first = 0
    for number, some in enumerate(parts):
        write_segment(db, number, first, some)
        first += len(some.size)
    merge_segments(db, [0, 1, 2], 9, 1000, np.arange(first) + 1000)
    merged = rows(db)
    assert db.execute("select segment, first, chunks from lexical").fetchall() == [(9, 1000, first)]
    drop_segment(db, 9)
    write_segment(db, 9, 1000, join(parts))
    assert merged == rows(db)


def test_a_merge_leaves_the_dead_out_and_the_other_segments_alone(db: sqlite3.Connection) -> None:
    parts = [texts(*some_bodies(60, seed)) for seed in range(3)]
    for number, some in enumerate(parts):
        write_segment(db, number, 60 * number, some)
    dead = set(range(0, 180, 4)) - set(range(60, 120))
    moved = np.full(180, -1)
    live = [one for one in (*range(60), *range(120, 180)) if one not in dead]
    moved[live] = np.arange(180, 180 + len(live))
    terms = {WORDS[0]: 1.0, WORDS[3]: 1.0, WORDS[20]: 1.0}
    merge_segments(db, [0, 2], 3, 180, moved)
    index = Lexical(db)
    assert index.count == 60 + len(live)
    kept = [some_bodies(60, one // 60)[one % 60] for one in live]
    check(db, ranked([(60, parts[1]), (180, texts(*kept))], terms), terms)


def test_a_merge_of_dead_chunks_only_leaves_an_empty_segment(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts("alpha", "beta"))
    merge_segments(db, [1], 2, 2, np.array([-1, -1]))
    assert Lexical(db).count == 0
    assert rows(db) == []


def test_a_merge_goes_through_terms_that_the_largest_segment_lacks(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "_AT_ONCE", 1)
    write_segment(db, 1, 0, texts("mango", "melon", "mango"))
    write_segment(db, 2, 3, texts("apple zebra \U00010330 \ufb01x"))
    merge_segments(db, [1, 2], 3, 4, np.arange(4) + 4)
    index = Lexical(db)
    found = {term: index.top({term: 1.0})[0].tolist() for term, _ in rows(db)}
    assert found == {"appl": [7], "mango": [4, 6], "melon": [5], "zebra": [7], "\U00010330": [7], "fix": [7]}


def test_segments_with_more_chunks_than_two_bytes_can_count(db: sqlite3.Connection) -> None:
    size = NARROW + 40
    chunk = np.arange(size, dtype=np.uint32)
    one = np.ones(size, dtype=np.uint8)
    common = Bags(["common"], chunk, 0 * chunk, one.astype(np.uint16), 0 * one, 0 * one, chunk * 0 + 5)
    rare = np.array([3, NARROW + 7], dtype=np.uint32)
    some = Bags(
        ["common", "rare"],
        np.concatenate([common.chunk, rare]),
        np.concatenate([common.term, [1, 1]]).astype(np.uint32),
        np.concatenate([common.body, [1, 1]]).astype(np.uint16),
        np.concatenate([common.name, [0, 1]]).astype(np.uint8),
        np.concatenate([common.path, [0, 0]]).astype(np.uint8),
        common.size,
    )
    write_segment(db, 1, 0, some)
    assert Lexical(db).top({"rare": 1.0})[0].tolist() == [NARROW + 7, 3]
    assert Lexical(db).top({"common": 1.0}, 2)[0].tolist() == [0, 1]
    moved = np.arange(size) + size - 4
    moved[:4] = [-1, -1, -1, -1]
    merge_segments(db, [1], 2, size, moved)
    assert Lexical(db).top({"rare": 1.0})[0].tolist() == [NARROW + 7 + size - 4]


def test_frequent_terms_take_a_byte_for_each_chunk_at_most(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts(*["common"] * 299, "rare"))
    sizes = dict(db.execute("select term, length(data) from postings").fetchall())
    assert sizes == {"common": 300, "rare": 3}


def test_an_undone_transaction_leaves_nothing(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "index.db")
    connection.executescript(SCHEMA)
    with connection:
        write_segment(connection, 1, 0, texts("alpha"))
    with pytest.raises(RuntimeError), connection:
        merge_segments(connection, [1], 2, 1, np.array([1]))
        write_segment(connection, 3, 2, texts("alpha"))
        raise RuntimeError
    assert Lexical(connection).top({"alpha": 1.0})[0].tolist() == [0]
    connection.close()


def test_the_same_chunks_give_the_same_bytes_whatever_was_indexed_before(db: sqlite3.Connection) -> None:
    write_segment(db, 1, 0, texts(*some_bodies(50, 1)))
    texts("words that come before", *reversed(some_bodies(50, 1)))
    write_segment(db, 2, 50, texts(*some_bodies(50, 1)))
    both = {
        segment: [row[1:] for row in some]
        for segment, some in groupby(
            db.execute("select segment, term, data from postings order by segment, term").fetchall(),
            key=lambda row: row[0],
        )
    }
    assert both[1] == both[2]
