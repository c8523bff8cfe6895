"""A team's Redis, with a real server: what one wrote another reads, and what goes wrong is a note."""

import subprocess
from collections.abc import Iterator

import pytest

from redis_server import redis_server
from selfimprove.tools.shared_vectors import LASTING, SharedVectors

VECTORS = {bytes([number] * 16): bytes([number % 256, *range(7)]) for number in range(50)}


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with redis_server() as (process, url):
        yield process, url


def test_what_one_gave_another_gets(server: tuple[subprocess.Popen[bytes], str]) -> None:
    one, other = (SharedVectors(server[1], "v1", 8) for _ in range(2))
    one.put(VECTORS)
    assert other.get([*VECTORS, b"unknown"]) == VECTORS
    assert other.get([]) == {}
    assert other.problem == one.problem == ""
    one.close()


def test_versions_do_not_see_each_other_and_wrong_lengths_are_passed_over(
    server: tuple[subprocess.Popen[bytes], str],
) -> None:
    SharedVectors(server[1], "v2", 8).put(VECTORS)
    assert SharedVectors(server[1], "v3", 8).get(VECTORS) == {}
    assert SharedVectors(server[1], "v2", 9).get(VECTORS) == {}


def test_vectors_are_forgotten_some_day(server: tuple[subprocess.Popen[bytes], str]) -> None:
    import redis

    SharedVectors(server[1], "v4", 8).put({b"a": bytes(8)})
    left = redis.Redis.from_url(server[1]).ttl("selfimprove:vector:v4:61")
    assert 0 < left <= LASTING


def test_a_server_that_takes_no_more_is_a_note(server: tuple[subprocess.Popen[bytes], str]) -> None:
    import redis

    plain = redis.Redis.from_url(server[1])
    plain.config_set("maxmemory", "1")
    full = SharedVectors(server[1], "v5", 8)
    full.put(VECTORS)
    plain.config_set("maxmemory", "0")
    assert "OutOfMemory" in full.problem or "maxmemory" in full.problem
    full.put(VECTORS)
    assert full.get(VECTORS) == {}
    assert SharedVectors(server[1], "v5", 8).get(VECTORS) == {}


@pytest.mark.parametrize(
    "address", ["redis://127.0.0.1:1/0", "unix:///nowhere/at/all", "nonsense", "redis://[", ""]
)
def test_a_server_that_is_not_there_is_a_note(address: str) -> None:
    cache = SharedVectors(address, "v1", 8)
    assert cache.get(VECTORS) == {}
    cache.put(VECTORS)
    cache.close()
    assert cache.problem.startswith("the shared cache of embeddings is not used: ")


def test_a_server_that_dies_is_a_note(server: tuple[subprocess.Popen[bytes], str]) -> None:
    """The last test of this server."""
    cache = SharedVectors(server[1], "v1", 8)
    cache.put(VECTORS)
    assert cache.problem == ""
    server[0].kill()
    server[0].wait()
    assert cache.get(VECTORS) == {}
    assert "not used" in cache.problem
