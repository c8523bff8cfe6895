"""Counter: how far a count is, told to a person when it takes longer than a moment."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfimprove.cli.door import Door

HEARTBEAT = 30.0


class Counter:
    """Tells a person how far a count is, when it takes longer than a moment: a moving line, or one now and then.

    Made of calls only, without a thread: a process with threads cannot be forked safely.
    """

    def __init__(self, door: Door, what: str, every: float = HEARTBEAT) -> None:
        self._door, self._what = door, what
        self._live = sys.stderr.isatty() and door.environ.get("TERM") != "dumb"
        self._next = time.monotonic() + (0.5 if self._live else every)
        self._every = 0.1 if self._live else every
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Take note that ``done`` of ``total`` are done."""
        if self._door.quiet or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        line = f"{self._what}: {done:,} of {total:,}"
        if self._live:
            self._put(f"\r\x1b[2K{line}")
            self._shown = True
        else:
            self._door.say(line)

    def close(self) -> None:
        """Leave a clean line."""
        if self._shown:
            self._put("\r\x1b[2K")

    @staticmethod
    def _put(text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
