"""A real redis-server on a socket of its own, for as long as a test needs it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def redis_server() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Yield the server's process and its URL."""
    program = shutil.which("redis-server")
    assert program, "no redis-server here; type: make redis"
    with tempfile.TemporaryDirectory(prefix="redis") as folder:  # the address of a socket may not be long
        door = Path(folder) / "door"
        given = ["--port", "0", "--unixsocket", str(door), "--save", "", "--dir", folder]
        with subprocess.Popen([program, *given], stdout=subprocess.DEVNULL) as process:
            for _ in range(1200):
                if door.exists():
                    break
                time.sleep(0.05)
            yield process, f"unix://{door}"
            process.kill()
