"""Recording: writes the replies of a run to a file from which the scripted backend plays them again."""

from __future__ import annotations

import fcntl
import json
import os
import re
import threading
from glob import escape
from typing import TYPE_CHECKING

from selfimprove.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from selfimprove.tools.llm.client import Ask, Reply

_HEAD = b"replies:\n"
_PLAIN = re.compile(r"[\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
_NOT_PRINTED = re.compile(r"[\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


class Recorder:
    """Appends every reply to the file ``path``, one entry each, whole or not at all.

    An entry names the task, the purpose and the attempt that it answers, and when one of them comes twice
    the later one counts; so a run that was killed and taken up again goes on in the same file. Threads and
    processes may share the file. Raises ``ConfigError`` when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._written: set[bytes] = set()
        self._append(b"")

    def add(self, ask: Ask, reply: Reply) -> None:
        """Append the ``reply`` to ``ask``; what this process has written already is left out."""
        entry = _entry(ask, reply).encode("utf-8", "replace")
        with self._lock:
            if entry not in self._written:
                self._append(entry)
                self._written.add(entry)

    def _append(self, data: bytes) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                size = os.fstat(file).st_size
                _write(file, size, data if size else _HEAD + data)
            finally:
                os.close(file)
        except OSError as error:
            raise ConfigError(
                f"the recording cannot be written: {error.strerror}",
                where=str(self.path),
                hint="check the path, its permissions and the room on its disk",
            ) from None


def _write(file: int, size: int, data: bytes) -> None:
    """Append ``data`` in one call, or nothing of it."""
    try:
        written = os.write(file, data)
    except OSError:
        written = -1
    if written != len(data):
        os.ftruncate(file, size)
        raise OSError(28, "no room is left for it")


def _entry(ask: Ask, reply: Reply) -> str:
    fields = {"task": escape(ask.task_id), "purpose": ask.purpose, "model": reply.model}
    lines = [f"{name}: {_quoted(text)}" for name, text in fields.items()]
    lines.insert(2, f"attempt: {ask.attempt}")
    return "  - " + "\n    ".join([*lines, f"reply: {_scalar(reply.text)}"]) + "\n"


def _scalar(text: str) -> str:
    """Return ``text`` as a YAML scalar: as its own lines where a person can read it so, else quoted."""
    if not text.strip() or not _PLAIN.fullmatch(text) or _NOT_PRINTED.search(text):
        return _quoted(text)
    # The 2 says where the text begins, whatever blanks it has; + and - say how it ends.
    end = "+" if text.endswith("\n") else "-"
    lines = (text[:-1] if text.endswith("\n") else text).split("\n")
    return f"|2{end}\n" + "\n".join("      " + line if line else "" for line in lines)


def _quoted(text: str) -> str:
    """Return ``text`` in double quotes; JSON's escapes are YAML's, but for what YAML does not count as printed."""
    return _NOT_PRINTED.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
