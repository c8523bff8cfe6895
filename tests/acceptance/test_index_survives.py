"""Whatever happens while files are indexed, the next update makes the index right, and its file is sound."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from index_rig import AS_A_PERSON, afresh, fill, listed, opened, plain, result, said, sound, start, stir
from selfimprove.codebase.indexfile import IndexFile


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def is_right(root: Path, state: Path) -> bool:
    """Update, and compare with an index made anew."""
    with opened(root, state) as index:
        index.update(jobs=1)
        mine = said(index)
    fresh = state.with_name("fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    assert mine == afresh(root, fresh)  # here, so that a failure shows what differs
    return sound(state)


def _killed(root: Path, state: Path, moments: int, seed: int) -> None:
    """Kill an update at random moments; each goes on from what the one before left."""
    rng = random.Random(seed)
    fill(root, 160)
    begun = time.monotonic()
    result(start(root, state))
    whole = time.monotonic() - begun
    for _ in range(moments):
        if rng.random() < 0.4:
            shutil.rmtree(state)
        else:
            stir(root, rng, rng.choice((3, 60)))
        process = start(root, state)
        time.sleep(rng.uniform(0.2, 1.0) * whole)
        process.kill()
        process.communicate()
        if (state / "index.db").exists() and rng.random() < 0.5:
            with opened(root, state) as index:  # a reader sees what was committed, as it is
                assert [row.id for row in index.rows(index.live)] == index.live
        assert is_right(root, state)


def test_killed_at_any_moment(root: Path, state: Path) -> None:
    _killed(root, state, 5, 11)


@pytest.mark.torture
@pytest.mark.timeout(3000)
def test_killed_at_fifty_moments(root: Path, state: Path) -> None:
    _killed(root, state, 50, 12)


def test_a_killed_update_keeps_what_it_committed(root: Path, state: Path) -> None:
    fill(root, 300)
    process = start(root, state, commit=10)
    while _files(state) < 60:
        time.sleep(0.01)
        assert process.poll() is None
    process.kill()
    process.communicate()
    kept = _files(state)
    with opened(root, state) as index:
        assert index.update(jobs=1).added <= 300 - kept + 64  # files so young are looked at again
        assert not index.notes
    assert is_right(root, state)


def _files(state: Path) -> int:
    """Return how many files the index has, from outside."""
    try:
        with sqlite3.connect(f"file:{state / 'index.db'}?mode=ro", uri=True, timeout=5) as db:
            return int(db.execute("select count(*) from files").fetchone()[0])
    except sqlite3.Error:
        return 0


def test_interrupted_it_ends_its_workers(root: Path, state: Path) -> None:
    fill(root, 900)
    process = start(root, state, start_new_session=True)
    while not _files(state):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _alive(process.pid):
        time.sleep(0.05)
    assert not _alive(process.pid)
    assert is_right(root, state)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_several_at_once_do_the_work_once(root: Path, state: Path) -> None:
    fill(root, 120)
    done = [result(process)[0] for process in [start(root, state) for _ in range(3)]]
    assert sorted(one["done"][0] for one in done) == [0, 0, 120]
    fresh = plain(afresh(root, state.with_name("fresh")))
    assert all(one["said"] == fresh for one in done)
    assert sound(state)


def test_a_second_one_waits_with_a_word_and_readers_do_not(root: Path, state: Path) -> None:
    fill(root, 10)
    with opened(root, state) as index:
        index.update()
        before = said(index)
        file = IndexFile(state)
        with file.lock():
            file.prepare()
            with file.writer() as db:
                db.execute("begin immediate")
                db.execute("delete from files")
                process = start(root, state)
                assert process.stderr
                assert "waiting" in process.stderr.readline()
                with opened(root, state) as reader:
                    assert said(reader) == before
                db.rollback()
        assert result(process)[0]["said"] == plain(before)
    assert sound(state)


def test_files_that_change_vanish_or_close_while_they_are_read(root: Path, state: Path) -> None:
    fill(root, 80)
    stop = threading.Event()
    stirrer = threading.Thread(target=_stirring, args=(root, stop))
    stirrer.start()
    try:
        for _ in range(3):
            result(start(root, state, before=AS_A_PERSON))
    finally:
        stop.set()
        stirrer.join()
    mine = result(start(root, state, before=AS_A_PERSON))[0]["said"]
    assert mine == result(start(root, state.with_name("fresh"), before=AS_A_PERSON))[0]["said"]
    for path in root.rglob("*"):
        path.chmod(0o755)
    assert is_right(root, state)


def _stirring(root: Path, stop: threading.Event) -> None:
    rng = random.Random(3)
    while not stop.is_set():
        stir(root, rng, 1)
        chosen = root / rng.choice(listed(root))
        match rng.randint(0, 6):
            case 0:
                chosen.chmod(0)
            case 1:
                chosen.chmod(0o644)
            case 2:
                chosen.unlink()
                chosen.mkdir()
            case 3:
                with chosen.open("a") as file:
                    for _ in range(50):
                        file.write("# one more line\n" * 20)
        time.sleep(0.005)


def test_a_file_that_may_be_read_again(root: Path, state: Path) -> None:
    fill(root, 3)
    first = listed(root)[0]
    (root / first).chmod(0)
    done, _ = result(start(root, state, before=AS_A_PERSON))
    assert [path for path, _ in done["done"][6]] == [first]
    assert "denied" in done["done"][6][0][1]
    again, _ = result(start(root, state, before=AS_A_PERSON))
    assert again["done"][:3] == [0, 0, 0]
    (root / first).chmod(0o644)
    last, _ = result(start(root, state, before=AS_A_PERSON))
    assert last["done"][1] == 1
    assert is_right(root, state)


def _zeros(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 9000] = bytes(9000)
    path.write_bytes(data)


def _noise(path: Path) -> None:
    rng = random.Random(1)
    data = bytearray(path.read_bytes())
    for _ in range(30):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE = {
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "another's file": lambda path: path.write_text("hello\n" * 1000),
    "zeros within": _zeros,
    "flipped bits": _noise,
    "a folder": _folder,
    "no tables": lambda path: (
        path.unlink(),
        sqlite3.connect(path).executescript("create table t (a)").close(),
    ),
    "no seal": lambda path: path.with_name("index.seal").unlink(),
    "no database": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_made_anew(root: Path, state: Path, damage: str) -> None:
    fill(root, 12)
    with opened(root, state) as index:
        index.update()
    DAMAGE[damage](state / "index.db")
    with opened(root, state) as index:
        done = index.update()
        assert done.added == 12
        assert damage == "no database" or "made anew" in " ".join(done.notes)
    assert is_right(root, state)


def test_a_file_damaged_in_a_killed_update(root: Path, state: Path) -> None:
    fill(root, 40)
    with opened(root, state) as index:
        index.update()
    (state / "index.seal").write_text("open\n")
    _zeros(state / "index.db")
    assert is_right(root, state)


def _limited(root: Path, state: Path, most: int) -> subprocess.CompletedProcess[str]:
    """Update in a process that may write files of ``most`` bytes only, as on a disk that is nearly full."""
    process = start(root, state, before=["prlimit", f"--fsize={most}"])
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess((), process.returncode, out, err)


@pytest.mark.parametrize("most", [20_000, 150_000, 400_000])
def test_a_disk_that_is_full(root: Path, state: Path, most: int) -> None:
    fill(root, 200)
    ended = _limited(root, state, most)
    assert ended.returncode != 0
    assert "StateError: the index cannot be written" in ended.stderr
    assert is_right(root, state)
    stir(root, random.Random(1), 100)
    with opened(root, state) as index:
        before = said(index)
    assert _limited(root, state, most).returncode != 0
    with opened(root, state) as index:
        assert {tuple(row[:3]) for row in said(index)} <= {tuple(row[:3]) for row in before} | _new(
            root, state
        )
    assert is_right(root, state)


def _new(root: Path, state: Path) -> set[tuple[object, ...]]:
    shutil.rmtree(state.with_name("fresh"), ignore_errors=True)
    return {tuple(row[:3]) for row in afresh(root, state.with_name("fresh"))}


@pytest.fixture
def closed(state: Path) -> Iterator[Path]:
    state.mkdir()
    yield state
    state.chmod(0o755)


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_may_only_be_read(root: Path, closed: Path, there: bool) -> None:
    fill(root, 30)
    if there:
        with opened(root, closed) as index:
            index.update()
    stir(root, random.Random(1), 5)
    closed.chmod(0o555)
    before = [(one.name, one.read_bytes()) for one in sorted(closed.iterdir())]
    done, _ = result(start(root, closed, before=AS_A_PERSON))
    assert "for this command only" in " ".join(done["done"][7])
    assert (done["done"][0] == len(listed(root))) is not there
    assert [(one.name, one.read_bytes()) for one in sorted(closed.iterdir())] == before
    assert done["said"] == plain(afresh(root, closed.with_name("fresh")))


def test_no_folder_at_all(root: Path, state: Path) -> None:
    fill(root, 2)
    state.write_text("no folder")
    with opened(root, state) as index:
        done = index.update()
        assert "for this command only" in " ".join(done.notes)
        assert said(index) == afresh(root, state.with_name("fresh"))
