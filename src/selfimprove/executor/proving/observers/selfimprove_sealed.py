"""Writes what a test session does, one sealed line each, where another process reads it; inside the tests' own process.

It runs in the interpreter of the tested project, Python 3.8 or later, and needs nothing but its standard library.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from hashlib import sha256
from pathlib import Path
from typing import Any

VARIABLE = "SI_PROVING"
"""Holds JSON: ``report`` (a path), ``key`` (a secret text) and, to run only some tests, ``ids``."""

_TEXT, _OUTPUT, _FRAMES = 2000, 1200, 12
# Taken now: a test may put something else in their place.
_write, _pid, _dumps, _open = os.write, os.getpid, json.dumps, os.open


def ordered() -> dict[str, Any]:
    """Return what the variable says, and take it away, so that what a test starts does not write here."""
    try:
        said = json.loads(os.environ.pop(VARIABLE, "{}"))
    except ValueError:
        return {}
    for name, value in (said.pop("restore", None) or {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return dict(said)


class Writer:
    """Appends sealed lines: each begins with a hash of the key, the line before it, and itself."""

    def __init__(self, path: str, key: str) -> None:
        self._file = _open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        self._key, self._last, self._owner = key, "", _pid()

    def write(self, kind: str, **data: Any) -> None:
        """Append one line; a process that was forked off says nothing."""
        if _pid() != self._owner:
            return
        line = _dumps(dict(data, kind=kind))
        self._last = sha256(f"{self._key}{self._last}{line}{self._key}".encode()).hexdigest()[:32]
        rest = f"{self._last} {line}\n".encode()
        while rest:
            rest = rest[_write(self._file, rest) :]


def described(kind: type[BaseException], error: BaseException, trace: Any, root: str) -> dict[str, Any]:
    """Return what went wrong as ``text`` (with the values, where the runner tells them) and ``frames``.

    A frame is [path, line, function, source line], the outermost first; ``root`` is where relative paths begin.
    """
    try:
        text = "".join(traceback.format_exception_only(kind, error)).strip()
    except Exception:  # an error whose own __str__ fails
        text = kind.__name__
    frames: list[tuple[str, int, str, str]] = []
    for frame in traceback.extract_tb(trace):
        path = frame.filename
        if path.startswith(root + os.sep):
            path = path[len(root) + 1 :]
        frames.append((path, frame.lineno or 0, frame.name, (frame.line or "")[:200]))
    return {"text": text[:_TEXT], "frames": [one for one in frames if is_own(one[0])][-_FRAMES:]}


def is_own(path: str) -> bool:
    """True for a file of the project: not of an installed package, of the interpreter, or of ours."""
    parts = path.replace("\\", "/").split("/")
    foreign = {"site-packages", "dist-packages"}.intersection(parts) or path.startswith("<")
    mine = path.startswith(str(Path(__file__).parent) + os.sep)
    library = path.startswith(os.path.dirname(os.__file__) + os.sep)  # noqa: PTH120 (what a test cannot patch)
    return not foreign and not mine and not library


def output_of(*texts: str) -> str:
    """Return the ends of what a test printed."""
    said = "\n".join(text.strip("\n") for text in texts if text and text.strip())
    return said[-_OUTPUT:]


def python() -> str:
    """Return which Python this is."""
    return ".".join(map(str, sys.version_info[:3]))
