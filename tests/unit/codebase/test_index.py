"""The index says of the files as they are what an index made anew says, whatever was done to them before."""

from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path

import pytest

from index_rig import afresh, deadly, fill, listed, opened, said, sound, stir
from selfimprove.codebase import indexfile, update
from selfimprove.codebase.index import Index

SHOP = '''"""Sells."""


class Basket:
    """What somebody wants to buy."""

    size = 0

    def total(self, voucher):
        """Add up what the things cost."""
        return add(self.things) - voucher


def add(things):
    return sum(things)
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


def made(root: Path, tmp_path: Path) -> Index:
    return opened(root, tmp_path / "state")


def test_what_a_chunk_is(root: Path, tmp_path: Path) -> None:
    (root / "shop.py").write_text(SHOP)
    (root / "tests").mkdir()
    (root / "tests" / "test_shop.py").write_text("def test_it():\n    assert add([1]) == 1\n")
    with made(root, tmp_path) as index:
        done = index.update()
        assert (done.added, done.changed, done.removed, done.files) == (2, 0, 0, 2)
        rows = {row.qualified: row for row in index.rows(index.live) if row.symbol}
        assert {"Basket", "Basket.total", "add", "test_it"} <= set(rows)
        total = rows["Basket.total"]
        assert (total.path, total.kind, total.language, total.symbol) == (
            "shop.py",
            "method",
            "python",
            "total",
        )
        assert SHOP.splitlines()[total.start - 1].lstrip().startswith("def total")
        assert "voucher" in total.signature
        assert index.at("shop.py", total.end) == total.id
        assert index.at("shop.py", 1000) is None
        assert index.of_file("nowhere.py") == []
        assert [row.path for row in index.rows(index.of_file("tests/test_shop.py"))] == ["tests/test_shop.py"]
        assert index.meta.test[rows["test_it"].id]
        assert not index.meta.test[total.id]
        assert index.meta.rank[rows["add"].id] > index.meta.rank[rows["test_it"].id]
        ids, _ = index.lexical.top({"voucher": 1.0}, 1, index.alive)
        assert ids.tolist() == [total.id]
        only = index.among(lambda path, language: path.startswith("tests/") and language == "python")
        assert set(index.meta.file[only].tolist()) == {rows["test_it"].file}


def test_nothing_to_do_writes_nothing(root: Path, tmp_path: Path) -> None:
    fill(root, 5)
    with made(root, tmp_path) as index:
        index.update()
        _make_old(tmp_path)
        before = _stamps(tmp_path)
        done = index.update()
        assert (done.added, done.changed, done.removed, done.files) == (0, 0, 0, 5)
        assert not index.stale()
        assert _stamps(tmp_path) == before


def _stamps(tmp_path: Path) -> list[tuple[str, int]]:
    return [(name, (tmp_path / "state" / name).stat().st_mtime_ns) for name in ("index.db", "index.seal")]


def _make_old(tmp_path: Path) -> None:
    """Let the files be old enough that their age can be trusted."""
    with sqlite3.connect(tmp_path / "state" / "index.db") as db:
        db.execute("update files set seen_ns = seen_ns + 3600000000000")
    db.close()
    file = indexfile.IndexFile(tmp_path / "state")
    with file.lock(), file.writer():
        pass


def test_a_change_of_the_same_size_and_age_is_seen(root: Path, tmp_path: Path) -> None:
    path = root / "a.py"
    path.write_text("def one():\n    return 1\n")
    with made(root, tmp_path) as index:
        index.update()
        state = path.stat()
        path.write_text("def two():\n    return 2\n")
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        assert index.stale().changed == 1
        assert index.update().changed == 1
        assert [row.symbol for row in index.rows(index.live)] == ["two"]


def test_touched_is_not_changed(root: Path, tmp_path: Path) -> None:
    fill(root, 3)
    with made(root, tmp_path) as index:
        index.update()
        count = index.count
        for name in listed(root):
            (root / name).touch()
        assert tuple(index.stale()) == (0, 0, 0, 3)
        assert index.update().changed == 0
        assert index.count == count


@pytest.mark.parametrize("seed", range(3))
def test_after_any_changes_it_is_as_made_anew(root: Path, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    fill(root, 30, seed)
    with made(root, tmp_path) as index:
        index.update()
        for turn in range(12):
            before = len(listed(root))
            stir(root, rng, rng.choice((1, 2, 20)))
            stale = index.stale()
            done = index.update()
            assert (done.added, done.changed, done.removed) == stale[:3]
            assert before + done.added - done.removed == len(listed(root)) == done.files
            if turn % 4 == 3:
                assert said(index) == afresh(root, tmp_path / f"fresh_{turn}")
        assert said(index) == afresh(root, tmp_path / "fresh")
        assert done.chunks == int(index.alive.sum())
    assert sound(tmp_path / "state")


def test_small_segments_and_dead_chunks_are_merged_away(root: Path, tmp_path: Path) -> None:
    rng = random.Random(5)
    fill(root, 120)
    with made(root, tmp_path) as index:
        index.update()
        for _ in range(40):
            stir(root, rng, 8)
            index.update()
            assert len(index.segments) <= 8
            assert index.segments[0].first == 0
            ends = [one.first + one.chunks for one in index.segments]
            assert ends[:-1] == [one.first for one in index.segments[1:]]
            assert ends[-1] == index.count
        assert index.count < 2 * index.alive.sum() + 500
        assert said(index) == afresh(root, tmp_path / "fresh")
    assert sound(tmp_path / "state")


def test_many_segments_say_the_same_as_one(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(root, 90)
    whole = afresh(root, tmp_path / "whole")
    monkeypatch.setattr(update, "COMMIT", 30)
    monkeypatch.setattr(update, "_BATCH_FILES", 4)
    monkeypatch.setattr(update, "_ONE_PROCESS", 4)
    with made(root, tmp_path) as index:
        index.update(jobs=2)
        assert said(index) == whole
        assert len(index.segments) > 1


def test_an_empty_repository(root: Path, tmp_path: Path) -> None:
    with made(root, tmp_path) as index:
        assert index.count == 0
        with pytest.raises(LookupError):
            _ = index.db
        assert index.update().files == 0
        assert index.count == 0
        assert index.alive.tolist() == []
        assert index.rows([]) == []
        (root / "a.py").write_text("x = 1\n")
        assert index.update().added == 1
        (root / "a.py").unlink()
        assert index.update().removed == 1
        assert said(index) == []


def test_what_cannot_be_indexed_is_told_and_looked_at_again(root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_text("x = 1\n")
    (root / "b.py").write_bytes(b"\0\1\2" * 100)
    (root / "c.py").symlink_to("a.py")
    os.mkfifo(root / "d.py")
    (root / "e.py").mkdir()
    with made(root, tmp_path) as index:
        done = index.update()
        assert {path for path, _ in done.left_out} >= {"b.py", "c.py", "d.py"}
        assert all(why for _, why in done.left_out)
        assert {row.path for row in index.rows(index.live)} == {"a.py"}
        (root / "b.py").write_text("y = 2\n")
        assert "b.py" not in {path for path, _ in index.update().left_out}
        assert said(index) == afresh(root, tmp_path / "fresh")


def test_a_strange_name_and_strange_bytes(root: Path, tmp_path: Path) -> None:
    (root / "grün & 'schön'.py").write_text("def gruß():\n    return 'ß'\n", encoding="utf-8")
    (root / "latin.py").write_bytes(
        "# -*- coding: latin-1 -*-\ndef caf\xe9():\n    return 1\n".encode("latin-1")
    )
    (root / "crlf.py").write_bytes(b"def one():\r\n    return 1\r\n\r\n\r\ndef two():\r\n    return 2\r\n")
    (root / "control.py").write_text("def f(a='\x1f', b='\x1e'):\n    return a\n")
    os.close(os.open(os.fsencode(root) + b"/\xff.py", os.O_CREAT | os.O_WRONLY))
    with made(root, tmp_path) as index:
        done = index.update()
        rows = index.rows(index.live)
        assert {"gruß", "café", "one", "two", "f"} <= {row.symbol for row in rows}
        assert [row.start for row in rows if row.symbol == "two"] == [5]
        assert len(done.left_out) == 1


def test_the_past_of_files(root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_text("x = 1\n")
    (root / "b.py").write_text("y = 1\n")
    past = {"a.py": (3.0, 0.0), "gone.py": (1.0, 1.0)}
    heads = ["one"]
    asked = []

    def activity() -> dict[str, tuple[float, float]]:
        asked.append(1)
        return past

    with opened(root, tmp_path / "state", head=lambda: heads[-1], activity=activity) as index:
        index.update()
        [a], [b] = index.of_file("a.py"), index.of_file("b.py")
        assert (index.meta.churn[a], index.meta.recency[a]) == (3.0, 1.0)
        assert (index.meta.churn[b], index.meta.recency[b]) == (0.0, 0.0)
        index.update()
        assert len(asked) == 1
        heads.append("two")
        past["b.py"] = (1.0, 90.0)
        index.update()
        assert len(asked) == 2
        assert (index.meta.churn[b], index.meta.recency[b]) == (1.0, 0.5)


def test_another_version_is_made_anew(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root, 4)
    with made(root, tmp_path) as index:
        index.update()
    monkeypatch.setattr(indexfile, "VERSION", indexfile.VERSION + 1)
    with made(root, tmp_path) as index:
        done = index.update()
        assert done.added == 4
        assert "version" in " ".join(done.notes)
        assert said(index) == afresh(root, tmp_path / "fresh")


def test_one_state_is_seen_until_a_refresh(root: Path, tmp_path: Path) -> None:
    fill(root, 20)
    with made(root, tmp_path) as index:
        index.update()
        with made(root, tmp_path) as other:
            before = said(other)
            for turn in range(9):
                stir(root, random.Random(turn), 10)
                index.update()
            assert said(other) == before
            other.refresh()
            assert said(other) == said(index) != before


@pytest.mark.parametrize("batch", [1, 4])
def test_a_file_that_ends_its_reader(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    fill(root, 20)
    fresh = afresh(root, tmp_path / "fresh")
    (root / "part_3" / "deadly.py").write_text("x = 1\n")
    monkeypatch.setattr(update, "pack", deadly)
    monkeypatch.setattr(update, "_BATCH_FILES", batch)
    monkeypatch.setattr(update, "_ONE_PROCESS", 4)
    with made(root, tmp_path) as index:
        done = index.update(jobs=2)
        assert done.left_out == (("part_3/deadly.py", "reading it ended the process"),)
        assert said(index) == fresh


def test_progress_is_told(root: Path, tmp_path: Path) -> None:
    fill(root, 200)
    told: list[tuple[int, int, str]] = []
    with made(root, tmp_path) as index:
        index.update(lambda *step: told.append(step), jobs=2)
    reading = [done for done, _, phase in told if phase == "reading"]
    assert reading == sorted(reading)
    assert reading[-1] == 200
    assert {total for _, total, phase in told if phase == "reading"} == {200}
    assert {phase for _, _, phase in told} >= {"looking", "reading", "writing", "ranking"}
