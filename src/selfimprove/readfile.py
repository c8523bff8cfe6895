"""Readfile: the bytes of a file that a person named, whatever is really in its place."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from selfimprove.errors import SelfimproveError


def read_file(path: Path, name: str, error: type[SelfimproveError], *, limit: int) -> bytes:
    """Return the bytes of the regular file ``path``, which errors call ``name``.

    Raises ``error`` when it is a folder or a device, unreadable, or over ``limit`` bytes, and
    ``FileNotFoundError`` when it is not there. Never waits for a pipe.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise error(f"cannot read {name}: {reason}", where=name, hint=f"see: ls -ld {name}") from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise error(f"{name} is {kind}", where=name, hint=f"move it away: mv {name} {name}.old")
        with open(handle, "rb", closefd=False) as stream:
            data = stream.read(limit + 1)
    finally:
        os.close(handle)
    if len(data) > limit:
        size = f"{limit / 1_000_000:g} MB"
        raise error(f"{name} is larger than {size}", where=name, hint="is this the right file?")
    return data
