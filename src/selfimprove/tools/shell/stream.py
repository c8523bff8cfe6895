"""Stream: a program that stays, is asked in lines and answers in bytes, and never outlives who asks."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import IO, TYPE_CHECKING

from selfimprove.errors import MissingTool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Stream:
    """One running program whose standard input and output are pipes to us; what it says besides is dropped.

    ``ask`` one question, read its answer, ask the next: with at most one unanswered line in the pipe neither
    side can wait for the other for ever. The program leads a session of its own, so that a Ctrl-C reaches us
    alone. If we are killed it sees the end of its input.
    """

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        """Start ``argv`` with ``env`` as its whole environment. Raises MissingTool when that is impossible."""
        try:
            self._child = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            hint = f"install {argv[0]}, or see what `selfimprove doctor` says"
            raise MissingTool(f"{argv[0]} cannot be started: {error.strerror}", hint=hint) from error

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, line: bytes) -> bytes:
        """Send ``line`` and return the first line of the answer, ``b""`` when the program has ended."""
        with contextlib.suppress(BrokenPipeError):
            self._input.write(line + b"\n")
            self._input.flush()
            return self._output.readline()
        return b""

    def read(self, count: int) -> bytes:
        """Return ``count`` more bytes of the answer; fewer when the program has ended."""
        return self._output.read(count)

    def close(self) -> None:
        """End the program at once, with what it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        for pipe in (self._input, self._output):
            with contextlib.suppress(OSError):
                pipe.close()

    @property
    def _input(self) -> IO[bytes]:
        assert self._child.stdin is not None  # noqa: S101 (for the type checker)
        return self._child.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._child.stdout is not None  # noqa: S101 (for the type checker)
        return self._child.stdout
