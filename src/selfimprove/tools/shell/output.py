"""Output: what a command says, masked, in a log that is never behind and in a tail that is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from selfimprove.tools.shell.masking import Masker


class Output:
    """The log file and the tail, both masked; a log that cannot be written never stops the command."""

    def __init__(self, log: Path | None, masker: Masker, limit: int, tail: int) -> None:
        self._masker, self._room, self._keep = masker, limit, tail
        self._limit = limit
        self._end = bytearray()
        self.truncated = False
        self.log_error = ""
        self._log = log
        self._file = -1 if log is None else self._open(log)

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        self._write(self._masker.flush())
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def feed(self, data: bytes) -> None:
        """Take the next piece of output."""
        if ready := self._masker.feed(data):
            self._write(ready)

    def note(self, text: str) -> None:
        """Write a line of our own, set apart from the command's."""
        self._write(self._masker.flush())
        fresh = not self._end or self._end.endswith(b"\n")
        self._write(("" if fresh else "\n").encode() + f"[selfimprove: {text}]\n".encode(errors="replace"))

    def tail(self) -> str:
        """Return the last characters of the output."""
        return self._end.decode(errors="replace")[-self._keep :] if self._keep else ""

    def _open(self, log: Path) -> int:
        # O_NOFOLLOW: whoever can plant a link among the logs must not choose the file that we write.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            return os.open(log, flags, 0o644)
        except OSError as error:
            self.log_error = f"{log}: {error.strerror}"
            return -1

    def _write(self, data: bytes) -> None:
        self._end += data
        most = 4 * self._keep  # a character is at most four bytes
        if len(self._end) > 2 * most + 65_536:
            del self._end[: -most or None]
        if self._file >= 0 and not self.truncated:
            self._append(data[: self._room])
            self._room -= len(data)
            if self._room < 0:
                self.truncated = True
                self._append(f"\n[selfimprove: the log stops here, at {self._limit:,} bytes]\n".encode())

    def _append(self, data: bytes) -> None:
        try:
            while data and self._file >= 0:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.log_error = f"{self._log}: {error.strerror}"
            os.close(self._file)
            self._file = -1
