"""Shared vectors: a team's Redis with embeddings, so that each content is embedded by one of them only."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PATIENCE = 0.5
"""Seconds to wait for the server: embedding anew is not worth more."""

LASTING = 90 * 24 * 3600
"""Seconds after which a vector that nobody wrote again is forgotten by the server."""

_AT_ONCE = 500
_PREFIX = "selfimprove:vector"


class SharedVectors:
    """Vectors in a Redis, by the embedding's version and the digest of what was embedded.

    It is only a cache: whatever is wrong (no server, wrong password, full memory, the package missing) is a
    ``problem`` in words, never an error, and after the first one the server is not asked again.
    """

    def __init__(self, url: str, version: str, width: int) -> None:
        """Speak with the server at ``url`` (redis://, rediss:// or unix://) about vectors of ``width`` bytes."""
        self.problem = ""
        self._prefix = f"{_PREFIX}:{version}:".encode()
        self._width = width
        self._server: Any = None
        with self._forgiving():
            import redis

            self._server = redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)

    def get(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return those that the server has; what has another length than a vector is passed over."""
        found: dict[bytes, bytes] = {}
        wanted = list(dict.fromkeys(digests))
        for begin in range(0, len(wanted), _AT_ONCE):
            some = wanted[begin : begin + _AT_ONCE]
            with self._forgiving():
                if self._server is not None:
                    values = self._server.mget([self._key(digest) for digest in some])
                    pairs = zip(some, values, strict=True)
                    found |= {digest: value for digest, value in pairs if value and len(value) == self._width}
        return found

    def put(self, vectors: Mapping[bytes, bytes]) -> None:
        """Give vectors to the server, each for LASTING seconds."""
        with self._forgiving():
            if self._server is not None and vectors:
                several = self._server.pipeline(transaction=False)
                for digest, vector in vectors.items():
                    several.set(self._key(digest), vector, ex=LASTING)
                several.execute()

    def close(self) -> None:
        """End the connection."""
        with self._forgiving():
            if self._server is not None:
                self._server.close()

    def _key(self, digest: bytes) -> bytes:
        return self._prefix + digest.hex().encode()

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Turn what goes wrong into the ``problem``, and stop asking."""
        try:
            yield
        except ImportError:
            self._stop("the package redis is not installed: pip install 'selfimprove[redis]'")
        except Exception as error:
            # redis-py's own errors, those of sockets and of a bad address have no parent but this.
            self._stop(f"{type(error).__name__}: {error}")

    def _stop(self, why: str) -> None:
        self._server = None
        self.problem = self.problem or f"the shared cache of embeddings is not used: {why}"
