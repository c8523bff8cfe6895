"""The engine: each content measured once, nothing kept under a wrong name, and no file that ends the audit."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from selfimprove.codebase.measure.record import FileMetrics
from selfimprove.memory.measured import MeasuredCache
from selfimprove.model.audit import NotAnalysed
from selfimprove.reflector.engine import Engine, Source, blob_id, flavour
from selfimprove.tools.git.listing import list_files
from selfimprove.tools.git.objects import Objects
from selfimprove.tools.git.repo import open_repo
from selfimprove.tools.spread import Workers


def source(number: int, branches: int = 1) -> bytes:
    """Return a module whose one function has a complexity of ``branches`` plus one."""
    ifs = "".join(f"    if x > {i}:\n        x += {number}\n" for i in range(branches))
    return f"def f{number}(x):\n{ifs}    return x\n".encode()


def write(root: Path, count: int) -> list[Source]:
    """Write ``count`` files and return them as git would tell them."""
    found = []
    for number in range(count):
        data = source(number, number % 7)
        (root / f"m{number}.py").write_bytes(data)
        found.append(Source(f"m{number}.py", blob_id(data), root / f"m{number}.py"))
    return found


def complexities(answers: dict[str, FileMetrics | NotAnalysed]) -> dict[str, int]:
    """Return the complexity of each file's only function."""
    return {
        path: one.functions[0].complexity for path, one in answers.items() if isinstance(one, FileMetrics)
    }


def test_a_second_engine_measures_nothing_again(tmp_path: Path) -> None:
    sources = write(tmp_path, 40)
    first = Engine(MeasuredCache(tmp_path / "cache" / "c.db", flavour()))
    fresh = first.measure(sources)
    again = Engine(MeasuredCache(tmp_path / "cache" / "c.db", flavour()))
    assert again.measure(sources) == fresh
    assert (first.measured, again.measured) == (40, 0)
    assert complexities(fresh) == {f"m{n}.py": n % 7 + 1 for n in range(40)}


def test_other_flavours_do_not_see_each_others_numbers(tmp_path: Path) -> None:
    sources = write(tmp_path, 3)
    for name in ("Python 3.11", "Python 3.12"):
        engine = Engine(MeasuredCache(tmp_path / "c.db", name))
        engine.measure(sources)
        assert engine.measured == 3


def test_the_same_content_under_two_names_is_measured_once(tmp_path: Path) -> None:
    data = source(1)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(data)
    engine = Engine()
    answers = engine.measure([Source(name, blob_id(data), tmp_path / name) for name in ("a.py", "b.py")])
    assert engine.measured == 1
    assert complexities(answers) == {"a.py": 2, "b.py": 2}


def test_extra_metrics_are_added_to_what_is_known_without_them(tmp_path: Path) -> None:
    sources = write(tmp_path, 2)
    cache = MeasuredCache(tmp_path / "c.db", flavour())
    plain = Engine(cache).measure(sources)["m1.py"]
    full = Engine(cache).measure(sources, extra=True)["m1.py"]
    assert isinstance(plain, FileMetrics) and isinstance(full, FileMetrics)
    assert (plain.extra, plain.functions[0].cognitive) == (None, None)
    assert full.extra is not None and full.functions[0].cognitive == 1
    known = Engine(cache)
    assert known.measure(sources, extra=True)["m1.py"] == full
    assert known.measured == 0


def test_a_file_saved_after_git_was_asked_is_not_kept_under_the_old_id(tmp_path: Path) -> None:
    old, new = source(1, 1), source(1, 5)
    (tmp_path / "a.py").write_bytes(new)
    cache = MeasuredCache(tmp_path / "c.db", flavour())
    answers = Engine(cache).measure([Source("a.py", blob_id(old), tmp_path / "a.py")])
    assert complexities(answers) == {"a.py": 6}
    (tmp_path / "a.py").write_bytes(old)
    again = Engine(cache).measure([Source("a.py", blob_id(old), tmp_path / "a.py")])
    assert complexities(again) == {"a.py": 2}


def test_windows_line_ends_in_the_tree_are_the_blob_all_the_same(tmp_path: Path) -> None:
    data = source(1, 3)
    (tmp_path / "a.py").write_bytes(data.replace(b"\n", b"\r\n"))
    cache = MeasuredCache(tmp_path / "c.db", flavour())
    asked = [Source("a.py", blob_id(data), tmp_path / "a.py")]
    Engine(cache).measure(asked)
    again = Engine(cache)
    assert complexities(again.measure(asked)) == {"a.py": 4}
    assert again.measured == 0


def test_reasons_are_kept_and_speak_of_the_right_file(tmp_path: Path) -> None:
    data = b"def f(:\n"
    cache = MeasuredCache(tmp_path / "c.db", flavour())
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(data)
        answer = Engine(cache).measure([Source(name, blob_id(data), tmp_path / name)])[name]
        assert isinstance(answer, NotAnalysed)
        assert answer.path == name
        assert "line 1: syntax error" in answer.reason


def test_a_file_that_is_gone_is_told_and_not_remembered(tmp_path: Path) -> None:
    data = source(1)
    cache = MeasuredCache(tmp_path / "c.db", flavour())
    asked = [Source("a.py", blob_id(data), tmp_path / "a.py"), Source("b.py", "", tmp_path / "b.py")]
    gone = Engine(cache).measure(asked)
    assert {one.reason for one in gone.values() if isinstance(one, NotAnalysed)} == {
        "it is not in the working tree"
    }
    assert len(gone) == 2
    (tmp_path / "a.py").write_bytes(data)
    assert complexities(Engine(cache).measure(asked[:1])) == {"a.py": 2}


@pytest.mark.parametrize("content", [b"", b"this is no database at all" * 100])
def test_a_broken_cache_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.db"
    path.write_bytes(content)
    sources = write(tmp_path, 3)
    cache = MeasuredCache(path, flavour())
    assert complexities(Engine(cache).measure(sources)) == {"m0.py": 1, "m1.py": 2, "m2.py": 3}
    assert cache.problem == ""
    again = Engine(MeasuredCache(path, flavour()))
    again.measure(sources)
    assert again.measured == 0


def test_a_cache_that_cannot_be_made_is_a_note_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = MeasuredCache(tmp_path / "file" / "c.db", flavour())
    assert complexities(Engine(cache).measure(write(tmp_path, 2))) == {"m0.py": 1, "m1.py": 2}
    assert "is not used" in cache.problem


def test_a_foreign_row_is_measured_again(tmp_path: Path) -> None:
    sources = write(tmp_path, 1)
    cache = MeasuredCache(tmp_path / "c.db", flavour())
    cache.put({(sources[0].blob, "python"): b'{"not": "ours"}'})
    assert complexities(Engine(cache).measure(sources)) == {"m0.py": 1}


def test_blobs_are_read_from_git_and_missing_ones_are_told(tmp_path: Path, clean_env: dict[str, str]) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True, env=clean_env)
    (tmp_path / "a.py").write_bytes(source(1, 4))
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True, env=clean_env)
    repo = open_repo(tmp_path, clean_env)
    listing = list_files(repo)

    def read(ids: object) -> object:
        with Objects(repo) as objects:
            yield from objects.read(ids)  # type: ignore[arg-type]

    here, missing = listing.blobs["a.py"], "1" * 40
    answers = Engine(None, read).blobs([(here, "a.py"), (missing, "b.py")])  # type: ignore[arg-type]
    assert isinstance(found := answers[here], FileMetrics) and found.functions[0].complexity == 5
    assert answers[missing] == NotAnalysed("b.py", "its content is not in this clone")


def test_the_listing_knows_what_is_as_git_has_it(tmp_path: Path, clean_env: dict[str, str]) -> None:
    def git(*args: str) -> None:
        subprocess.run(["git", *args], cwd=tmp_path, check=True, env=clean_env, capture_output=True)

    git("init", "-q")
    for name in ("same.py", "changed.py", "filtered.py", "gone.py", "assumed.py"):
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to("same.py")
    (tmp_path / ".gitattributes").write_text("filtered.py ident\n")
    git("add", ".")
    git("update-index", "--assume-unchanged", "assumed.py")
    (tmp_path / "changed.py").write_text("x = 2\n")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new.py").write_text("x = 3\n")
    listing = list_files(open_repo(tmp_path, clean_env))
    assert set(listing.blobs) == {"same.py", ".gitattributes"}
    assert listing.blobs["same.py"] == blob_id(b"x = 1\n")
    assert set(listing.names) == {
        *("same.py", "changed.py", "filtered.py", "gone.py", "assumed.py"),
        *("link.py", ".gitattributes", "new.py"),
    }


def deadly(number: int) -> int:
    """End the process at number 3."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * 2


def test_what_kills_its_process_is_found_and_the_others_are_done() -> None:
    answers = dict(Workers(2).spread(deadly, [[1, 2], [3, 4], [5, 6], [7]]))
    assert answers == {1: 2, 2: 4, 3: None, 4: 8, 5: 10, 6: 12, 7: 14}


def angry(number: int) -> int:
    """Fail."""
    raise ValueError(f"number {number}")


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_work_raises_is_raised(jobs: int) -> None:
    with pytest.raises(ValueError, match="number"):
        list(Workers(jobs).spread(angry, [[1], [2], [3]]))


def test_meanwhile_is_called_once_whether_there_is_work_or_not() -> None:
    for batches in ([], [[1]], [[1], [2], [4]]):
        calls: list[int] = []
        list(Workers(2).spread(deadly, batches, lambda calls=calls: calls.append(1)))
        assert calls == [1]


def test_a_damaged_cache_is_mended_by_the_audit_that_finds_it(tmp_path: Path) -> None:
    path, sources = tmp_path / "c.db", write(tmp_path, 60)
    Engine(first := MeasuredCache(path, flavour())).measure(sources)
    first.close()
    data = bytearray(path.read_bytes())
    for place in range(4096, len(data), 97):
        data[place] ^= 0x55
    path.write_bytes(data)
    expected = complexities(Engine().measure(sources))
    cache = MeasuredCache(path, flavour())
    assert complexities(Engine(cache).measure(sources)) == expected
    cache.close()
    again = Engine(MeasuredCache(path, flavour()))
    assert complexities(again.measure(sources)) == expected
    assert (again.measured, again.cache.problem) == (0, "")


def test_a_flipped_bit_in_a_value_makes_no_wrong_number(tmp_path: Path) -> None:
    sources = write(tmp_path, 5)
    cache = MeasuredCache(tmp_path / "c.db", flavour())
    expected = complexities(Engine(cache).measure(sources))
    cache.close()
    with sqlite3.connect(tmp_path / "c.db") as database:
        for blob, value in database.execute("select blob, value from measured").fetchall():
            wrong = value.replace(b'"f', b'"g')
            database.execute("update measured set value = ? where blob = ?", (wrong, blob))
    assert complexities(Engine(MeasuredCache(tmp_path / "c.db", flavour())).measure(sources)) == expected


def test_a_cache_of_another_format_is_replaced(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "c.db") as database:
        database.execute("create table measured (something text)")
    sources = write(tmp_path, 3)
    Engine(MeasuredCache(tmp_path / "c.db", flavour())).measure(sources)
    again = Engine(MeasuredCache(tmp_path / "c.db", flavour()))
    again.measure(sources)
    assert (again.measured, again.cache.problem) == (0, "")


def who(_number: int) -> int:
    """Return the process that works."""
    time.sleep(0.05)
    return os.getpid()


def test_the_same_processes_work_again_and_end_with_close() -> None:
    workers = Workers(2)
    first = {pid for _, pid in workers.spread(who, [[n] for n in range(8)])}
    again = {pid for _, pid in workers.spread(who, [[n] for n in range(8)])}
    assert first | again == first
    assert os.getpid() not in first
    workers.close()
    for pid in first:
        assert pid is not None and not Path(f"/proc/{pid}").exists()


KILLED = """
import sys, time
from selfimprove.tools.spread import Workers
def slow(number):
    time.sleep(60)
for _ in Workers(2).spread(slow, [[1], [2]], lambda: print("begun", flush=True)):
    pass
"""


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED)
    parent = subprocess.Popen([sys.executable, tmp_path / "killed.py"], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    while "begun" not in parent.stdout.readline():
        pass
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert len(children) == 2
    parent.kill()
    parent.wait()
    end = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < end, "a worker is left"
        time.sleep(0.05)
