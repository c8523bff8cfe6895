"""Ctrl-C and SIGTERM: the first stops the work in order, the second leaves at once."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from selfimprove.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Turns a signal into Interrupted, raised where the work is, but never in a part that is held.

    ``told`` is called at the first signal; ``leave`` at the second, to end what must not stay behind.
    """

    def __init__(self) -> None:
        self._seen = 0
        self._held = 0
        self._waiting = 0
        self.told: Callable[[], object] = lambda: None
        self.leave: Callable[[], object] = lambda: None

    def install(self) -> None:
        """Take over the two signals."""
        for signum in SIGNALS:
            signal.signal(signum, self._handle)

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Let an interruption wait until this part is over."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held and self._waiting:
                signum, self._waiting = self._waiting, 0
                raise Interrupted(signum=signum)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        self._seen += 1
        if self._seen == 1:
            self.told()
            if not self._held:
                raise Interrupted(signum=signum)
            self._waiting = signum
            return
        # The person does not want to wait for anything; what is open is recovered by the next run.
        try:
            if self._seen == 2:
                self.leave()
        finally:
            os._exit(128 + signum)
