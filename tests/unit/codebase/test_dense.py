"""FAISS beside an index: it proposes what is near in meaning, follows the index, and is never in its way."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from index_rig import fill, listed, stir
from selfimprove.codebase import dense, vectors
from selfimprove.codebase.dense import Dense
from selfimprove.codebase.index import Index, open_index
from selfimprove.codebase.search import retrieve, search

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TERMS = {"invoic": 1.0, "merg": 1.0}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    fill(folder, 60)
    return folder


def opened(root: Path, tmp_path: Path) -> Index:
    state = tmp_path / "state"
    return open_index(state, root, lambda: listed(root), dense=Dense(state))


def built(index: Index) -> Dense:
    assert index.dense
    return index.dense


def right(index: Index) -> NDArray[np.float32]:
    """Return the cosines of the chunks nearest to TERMS, by comparing all of them."""
    assert index._embedding
    query = index._embedding.query(TERMS)
    return vectors.Scan(index.db).top(query, dense.NEAREST, index.alive)[1]


def agrees(index: Index) -> bool:
    """Tell whether what is found is as near as what is nearest."""
    found = built(index).near(index, TERMS, index.alive)
    assert len(set(found.tolist())) == len(found)
    assert index.alive[found].all()
    cosines = index.cosines(TERMS, found)
    return cosines is not None and np.allclose(cosines, right(index), atol=1e-5)


def test_the_nearest_are_found_whatever_changed(root: Path, tmp_path: Path) -> None:
    rng = random.Random(3)
    with opened(root, tmp_path) as index:
        assert index.update().notes == ()
        assert built(index).path.is_file()
        for changes in (1, 1, 5, 40, 1):
            assert agrees(index)
            stir(root, rng, changes)
            index.update()
        for _ in range(8):  # until segments are merged, and their chunks have other numbers
            stir(root, rng, 25)
            index.update()
            assert agrees(index)


def test_it_is_built_anew_only_when_much_has_changed(root: Path, tmp_path: Path) -> None:
    with opened(root, tmp_path) as index:
        index.update()
        before = built(index).path.read_bytes()
        (root / "new.py").write_text("def merge_invoices(): ...\n")
        index.update()
        assert built(index).path.read_bytes() == before
        new = index.of_file("new.py")
        assert set(new) & set(built(index).near(index, TERMS, index.alive).tolist())
        fill(root, 20, seed=5)
        index.update()
        assert built(index).path.read_bytes() != before
        same = built(index).path.read_bytes()
        built(index)._build(index)
        assert built(index).path.read_bytes() == same
        index.rebuild("it was asked for")
        assert agrees(index)


@pytest.mark.parametrize(
    "odd", [b"", b"no json", b"{}\n", b'{"form": 1}\nabc', b"\xff\n", b"[" * 100_000, None], ids=repr
)
def test_an_odd_file_is_as_none(root: Path, tmp_path: Path, odd: bytes | None) -> None:
    with opened(root, tmp_path) as index:
        index.update()
        whole = built(index).path.read_bytes()
        built(index).path.write_bytes(whole[:-1] if odd is None else odd)
    with opened(root, tmp_path) as index:
        assert agrees(index)
        index.update()
        assert built(index).path.read_bytes() == whole


def test_many_chunks_go_by_lists_and_a_selection_is_exact(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "IVF_FROM", 100)
    with opened(root, tmp_path) as index:
        index.update()
        assert b"IwFl" in built(index).path.read_bytes()
        found = built(index).near(index, TERMS, index.alive)
        cosines = index.cosines(TERMS, found)
        assert cosines is not None
        assert np.allclose(cosines[:10], right(index)[:10], atol=1e-5)
        assert len(found) > 20
        only = index.among(lambda path, _: path.startswith("part_3/"))
        near = built(index).near(index, TERMS, only)
        assert len(near) == min(dense.NEAREST, int(only.sum()))
        assert only[near].all()


def test_what_has_none_of_the_words_is_found(root: Path, tmp_path: Path) -> None:
    (root / "odd.py").write_text("def erase(document):\n    document.unlink()\n")
    with opened(root, tmp_path) as index:
        index.update()
        text = "delete this file"
        _, ids, scores = retrieve(index, text, index.alive)
        assert len(set(ids.tolist())) == len(ids) == len(scores) > dense.NEAREST / 2
        worth = dict(zip(ids.tolist(), scores.tolist(), strict=True))
        erase = [number for number in index.of_file("odd.py") if number in worth]
        assert erase
        assert worth[erase[0]] == 0
        assert any(hit.path == "odd.py" for hit in search(index, text))
        index.dense = None
        assert len(retrieve(index, text, index.alive)[1]) < dense.NEAREST / 2
        assert not any(hit.path == "odd.py" for hit in search(index, text))


def test_without_the_package_there_is_a_note_and_a_search(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "find_spec", lambda name: None)
    with opened(root, tmp_path) as index:
        (note,) = index.update().notes
        assert "pip install 'selfimprove[faiss]'" in note
        assert not built(index).path.exists()
        assert search(index, "merge invoice")


def test_an_empty_repository(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with opened(tmp_path / "empty", tmp_path) as index:
        assert index.update().notes == ()
        assert search(index, "merge invoice") == []
