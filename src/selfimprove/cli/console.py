"""Progress on stderr: a live line in a terminal, one line per event elsewhere, and a sign of life."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from selfimprove.cli.counter import HEARTBEAT
from selfimprove.model.events import (
    Event,
    Notice,
    RunStarted,
    StepEnded,
    StepStarted,
    TaskEnded,
    TaskStarted,
    Tokens,
)
from selfimprove.model.task import Status
from selfimprove.report.wording import money, visible

if TYPE_CHECKING:
    from selfimprove.cli.door import Door

_QUIET_STEPS = {"isolate", "record"}


class Progress:
    """A listener that tells a person what goes on. ``close`` ends its thread."""

    def __init__(self, door: Door, limit: str = "", every: float = HEARTBEAT) -> None:
        self._door = door
        self._every = every
        self._limit = limit
        self._live = sys.stderr.isatty() and door.environ.get("TERM") != "dumb" and door.format != "jsonl"
        self._color = door.color_wanted(sys.stderr)
        self._doing = ""
        self._tokens = 0
        self._since = time.monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        if not door.quiet:
            self._thread.start()

    def __call__(self, event: Event) -> None:
        """Take up one event."""
        if isinstance(event, Tokens):  # for the moving line only
            self._tokens = event.tokens
            return
        if self._door.format == "jsonl" and not isinstance(event, StepStarted):
            self._door.write(_json_line(event))
        with self._lock:
            self._doing, self._since = (
                (event.name, time.monotonic()) if isinstance(event, StepStarted) else ("", 0.0)
            )
            self._tokens = 0
        if self._door.quiet and not _is_warning(event):
            return
        if line := self._line(event):
            self._say(line)

    def close(self) -> None:
        """Stop, and leave a clean line."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1)
        self._wipe()

    def _line(self, event: Event) -> str:
        if isinstance(event, Notice):
            return (
                f"warning: {visible(event.text)}" if event.level == "warning" else f"- {visible(event.text)}"
            )
        if isinstance(event, RunStarted):
            what = "again" if event.resumed else "on branch"
            return f"run {event.run} {what} {event.branch}; {_tree(event)}.{self._limit}"
        if isinstance(event, TaskStarted):
            return self._bold(f"[{event.index}/{event.total}] {visible(event.task.id)}")
        if isinstance(event, StepEnded):
            return self._step(event)
        if isinstance(event, TaskEnded):
            return self._end(event)
        return ""

    def _step(self, event: StepEnded) -> str:
        if _is_warning(event):
            return f"warning: {event.name}: {visible(event.summary)}"
        # A step that has nothing to say did nothing: no review was wanted.
        quiet = event.name in _QUIET_STEPS or event.name == "command" or not event.summary
        if quiet and event.ok and not self._door.verbose:
            return ""
        spent = f"   {money(event.dollars)}" if event.dollars else ""
        took = "   from the journal" if event.reused else f"   {event.seconds:.1f}s"
        return f"      {event.name:<10} {visible(event.summary)}{took}{spent}"

    def _end(self, event: TaskEnded) -> str:
        outcome = event.outcome
        if outcome.status is Status.DONE:
            title = visible(outcome.title.split("\n")[0])
            done = f"{outcome.commit[:7]}  {title}" if outcome.commit else f"done  {title}"
            return self._paint(f"    ✓ {done}", "32")
        lines = [f"    ✗ {outcome.status.value}  {visible(outcome.reason)}"]
        lines += [f"      patch kept: {outcome.patch}"] if outcome.patch else []
        lines += [f"      log: {outcome.log}"] if outcome.log else []
        return self._paint(lines[0], "31") + "".join(f"\n{line}" for line in lines[1:])

    def _beat(self) -> None:
        """Show what is being done: a moving line in a terminal, else a line every half minute."""
        told = 0.0
        while not self._over.wait(0.2 if self._live else min(1.0, self._every)):
            with self._lock:
                doing, since, tokens = self._doing, self._since, self._tokens
            seconds = time.monotonic() - since
            if not doing or self._door.asking:
                told = 0.0
            elif self._live:
                came = f"   {tokens:,} tokens" if tokens else ""
                self._put(f"\r\x1b[2K      {doing:<10} {seconds:.0f}s{came}")
            elif seconds >= told + self._every:
                told = seconds
                self._door.say(f"      {doing:<10} still at it after {seconds:.0f}s")

    def _say(self, line: str) -> None:
        self._wipe()
        self._door.say(line)

    def _put(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()

    def _wipe(self) -> None:
        if self._live:
            self._put("\r\x1b[2K")

    def _bold(self, text: str) -> str:
        return self._paint(text, "1")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color else text


def _is_warning(event: Event) -> bool:
    """True for what a person should see however quiet they want it: also that a stage of the run came to nothing."""
    if isinstance(event, StepEnded):
        return not event.task_id and not event.ok
    return isinstance(event, Notice) and event.level == "warning"


def _json_line(event: Event) -> str:
    from selfimprove.report.json import dumps

    data: dict[str, Any] = {"event": type(event).__name__, **asdict(event)}
    return dumps(json.loads(json.dumps(data, default=str)), indent=None) + "\n"


def _tree(event: RunStarted) -> str:
    """Say what happens to the person's tree."""
    if not event.commands:
        return "your working tree is not touched"
    return "your own commands run in your working tree, nothing else touches it"
