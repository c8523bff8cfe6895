"""Background: starts a process that goes on after this one has ended, out of everybody's way."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LEAST = 19  # the lowest priority that there is


def in_background() -> bool:
    """Tell whether this process has the lowest priority."""
    return os.getpriority(os.PRIO_PROCESS, 0) == _LEAST


def start_in_background(command: list[str], environ: Mapping[str, str], log: Path) -> int:
    """Start ``command`` (its first word a path) in a session of its own at the lowest priority; return its id.

    It reads nothing, and what it says replaces what is in the file ``log``. Raises OSError when it cannot be
    started, or the log not be written.
    """
    nothing = os.open(os.devnull, os.O_RDONLY)
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    try:
        streams = [(os.POSIX_SPAWN_DUP2, one, at) for at, one in enumerate((nothing, told, told))]
        number = os.posix_spawn(command[0], command, dict(environ), file_actions=streams, setsid=True)
    finally:
        os.close(told)
        os.close(nothing)
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        os.setpriority(os.PRIO_PROCESS, number, _LEAST)
    return number
