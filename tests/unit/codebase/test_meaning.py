"""MiniLM beside an index: its vectors follow the content, and the ranking uses them when it has enough."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from index_rig import fill, listed
from selfimprove.codebase import meaning
from selfimprove.codebase.index import Index, open_index
from selfimprove.codebase.meaning import Meaning
from selfimprove.codebase.minilm import NotInstalled
from selfimprove.codebase.search import search
from selfimprove.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    fill(folder, 8)
    (folder / "disk.py").write_text(
        "def erase(document):\n    document.unlink()\n\n\ndef send():\n    pass\n"
    )
    return folder


def opened(root: Path, tmp_path: Path, begin: Callable[[], object] | None = None) -> Index:
    state = tmp_path / "state"
    return open_index(state, root, lambda: listed(root), meaning=Meaning(state, begin))


def told(index: Index) -> Meaning:
    assert index.meaning
    return index.meaning


def whole(index: Index, root: Path) -> int:
    """Make all vectors that are missing; return how many the model made."""
    with told(index).alone() as free:
        assert free
        return told(index).fill_up(root, told(index).plan(index))


def test_vectors_follow_the_content(root: Path, tmp_path: Path) -> None:
    with opened(root, tmp_path) as index:
        index.update()
        many = len(index.live)
        assert told(index).count(index) == 0
        made = whole(index, root)
        assert many * 0.5 < made <= many  # equal chunks are embedded once
        assert told(index).count(index) == many
        assert whole(index, root) == 0
        (root / "disk.py").rename(root / "other.py")
        index.update()
        assert told(index).count(index) == many
        (root / "other.py").write_text((root / "other.py").read_text() + "\n\ndef new():\n    return 1\n")
        index.update()
        assert told(index).count(index) < many
        assert whole(index, root) == 1
        index.rebuild("it was asked for")
        assert told(index).count(index) == len(index.live)


def test_meaning_is_mixed_when_there_is_enough_of_it(root: Path, tmp_path: Path) -> None:
    with opened(root, tmp_path) as index:
        index.update()
        terms, text = {"delet": 1.0, "file": 1.0}, "delete a file from the disk"
        plain = index.cosines(terms, index.live)
        assert plain is not None
        before = index.cosines(terms, index.live, text)
        assert before is not None
        assert before.tolist() == plain.tolist()
        whole(index, root)
        mixed = index.cosines(terms, index.live, text)
        assert mixed is not None
        assert mixed.dtype == np.float32
        assert abs(float(mixed.mean() - plain.mean())) < 1e-5
        erase = index.live.index(index.of_file("disk.py")[0])
        rank = [int((one > one[erase]).sum()) for one in (plain, mixed)]
        assert rank[1] <= rank[0]
        assert mixed.tolist() != plain.tolist()
        assert [hit.path for hit in search(index, text, 1)] == ["disk.py"]
        assert index.cosines(terms, index.live) is not None
        for number in range(40):  # most of them are new now
            (root / f"new_{number}.py").write_text(f"def file_{number}():\n    return {number}\n")
        index.update()
        assert index.cosines(terms, index.live, text).tolist() == index.cosines(terms, index.live).tolist()  # type: ignore[union-attr]


def test_files_that_changed_since_are_passed_over(root: Path, tmp_path: Path) -> None:
    with opened(root, tmp_path) as index:
        index.update()
        plan = told(index).plan(index)
        (root / "disk.py").write_text("def nothing(): ...\n")
        others = [one for one in listed(root) if one != "disk.py"]
        (root / others[0]).unlink()
        (root / others[1]).unlink()
        os.mkfifo(root / others[1])
        with told(index).alone():
            assert told(index).fill_up(root, plan) > 0
        left = {one.path for one in told(index).plan(index)}
        assert left == {"disk.py", *others[:2]}


def test_killed_at_any_moment_it_goes_on(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "_BATCH", 2)
    with opened(root, tmp_path) as index:
        index.update()
        seal = (tmp_path / "state" / "index.seal").read_text()
        plan, fork = told(index).plan(index), multiprocessing.get_context("spawn")
        counts = []
        for _ in range(4):
            child = fork.Process(target=_slowly, args=(told(index), root, plan))
            child.start()
            before = _rows(tmp_path)
            deadline = time.monotonic() + 60
            while _rows(tmp_path) < before + 2 and child.is_alive() and time.monotonic() < deadline:
                time.sleep(0.02)
            assert child.pid
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            child.join()
            counts.append(_rows(tmp_path))
        assert counts == sorted(counts)
        assert counts[0] > 0
        assert whole(index, root) + counts[-1] == _rows(tmp_path)
        assert told(index).count(index) == len(index.live)
        with sqlite3.connect(told(index).path) as db:
            assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert (tmp_path / "state" / "index.seal").read_text() == seal
        assert index.update().notes == ()


def _slowly(told: Meaning, root: Path, plan: list[meaning._Cut]) -> None:
    meaning._BATCH = 2
    with told.alone() as free:
        assert free
        told.fill_up(root, plan, progress=lambda *_: time.sleep(0.1))


def _rows(tmp_path: Path) -> int:
    try:
        with sqlite3.connect(f"file:{tmp_path}/state/minilm.db?mode=ro", uri=True) as db:
            return int(db.execute("select count(*) from minilm").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_the_index_can_be_written_meanwhile(root: Path, tmp_path: Path) -> None:
    with opened(root, tmp_path) as index:
        index.update()
        changes = iter(range(100))

        def change(*_: int) -> None:
            (root / "busy.py").write_text(f"def busy():\n    return {next(changes)}\n")
            index.update()

        plan = told(index).plan(index)
        with told(index).alone() as free:
            assert free
            assert told(index).at_work()
            told(index).fill_up(root, plan, progress=change)
        assert next(changes) > 1
        assert not told(index).at_work()
        assert index.notes == ()


def test_a_damaged_file_is_made_anew_and_a_search_does_without(root: Path, tmp_path: Path) -> None:
    with opened(root, tmp_path) as index:
        index.update()
        whole(index, root)
        first = search(index, "erase a document")
        for end in ("-wal", "-shm"):
            told(index).path.with_name(f"minilm.db{end}").unlink(missing_ok=True)
        told(index).path.write_bytes(b"no database" * 1000)
    with opened(root, tmp_path) as index:
        assert search(index, "erase a document")
        assert told(index).count(index) == 0
        whole(index, root)
    with opened(root, tmp_path) as index:
        assert search(index, "erase a document") == first


def test_a_full_disk_is_told(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Meaning._made

    def small(self: Meaning) -> sqlite3.Connection:
        db = made(self)
        db.execute("pragma max_page_count = 4")
        return db

    monkeypatch.setattr(Meaning, "_made", small)
    with opened(root, tmp_path) as index:
        index.update()
        with pytest.raises(StateError, match="full"):
            whole(index, root)


def test_what_is_old_is_forgotten(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(root, tmp_path) as index:
        index.update()
        whole(index, root)
        for path in listed(root):
            if path != "disk.py":
                (root / path).unlink()
        index.update()
        before = _rows(tmp_path)
        told(index).forget_old(index)
        assert _rows(tmp_path) == before
        monkeypatch.setattr(meaning, "_SPARE", 0)
        told(index).forget_old(index)
        assert _rows(tmp_path) == len(index.live) < before
        assert told(index).count(index) == len(index.live)


def test_it_begins_only_when_there_is_work_and_nobody_at_it(root: Path, tmp_path: Path) -> None:
    begun: list[int] = []
    with opened(root, tmp_path, lambda: begun.append(1)) as index:
        index.update()
        assert len(begun) == 1
        with told(index).alone() as free:
            assert free
            index.update()
        assert len(begun) == 1
        told(index).log.write_text("just begun\n")
        index.update()
        assert len(begun) == 1
        os.utime(told(index).log, (1, 1))
        index.update()
        assert len(begun) == 2
        whole(index, root)
        index.update()
        assert len(begun) == 2


def test_a_missing_part_is_told(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise NotInstalled("MiniLM needs tokenizers")

    monkeypatch.setattr(meaning, "folder", missing)
    with opened(root, tmp_path) as index:
        (note,) = index.update().notes
        assert note.startswith("MiniLM needs tokenizers: pip install")
        assert search(index, "erase a document")
