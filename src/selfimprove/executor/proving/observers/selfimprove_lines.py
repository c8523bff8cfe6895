"""Watches which lines of some functions a test session executes, with nothing but the standard library.

It runs in the interpreter of the tested project, Python 3.8 or later. From Python 3.12 on it asks
``sys.monitoring`` (PEP 669), before that ``sys.settrace``, where only the wanted functions are traced line by line.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_realpath, _join, _basename = os.path.realpath, os.path.join, os.path.basename
# Taken now: a test may put something else in their place.
_settrace, _gettrace, _settrace_of_threads = sys.settrace, sys.gettrace, threading.settrace


class Lines:
    """Which lines of the wanted functions were executed so far.

    ``order`` has ``root``, the folder of the project, and ``files``: for each path below it the ranges of lines
    (first and last) to watch. A code object is watched when it has lines in a range; what of its lines was
    seen once is not looked at again.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.displaced = ""
        self._hits: dict[str, set[int]] = {path: set() for path in order["files"]}
        self._ranges: dict[str, Any] = order["files"]
        self._start = os.getcwd()  # noqa: PTH109
        root = order["root"]
        self._paths = {_realpath(_join(root, path)): path for path in self._ranges}
        self._ends = frozenset(_basename(path) for path in self._ranges)
        # By the name that a code object bears: the path as in the order, None for a file that is not wanted.
        self._names: dict[str, str | None] = {}
        # By id, with the code object itself, so that the id stays its own.
        self._known: dict[int, tuple[Any, Any]] = {}
        self._trace: Any = None

    def start(self) -> None:
        """Begin to watch."""
        if not self._monitor():
            self._trace = self._tracer()
            self._install()

    def resume(self) -> None:
        """Watch again where something took the place of the tracer; say who it was."""
        if self._trace is None:
            return
        now: Any = _gettrace()
        if now is not self._trace:
            kind = type(now) if not hasattr(now, "__qualname__") else now
            self.displaced = "" if now is None else f"{kind.__module__}.{kind.__qualname__}"
            self.displaced = self.displaced or "sys.settrace(None)"
            self._install()

    def found(self) -> dict[str, Any]:
        """Return what a report says: the lines by path, what was asked, and what displaced the tracer."""
        lines = {path: sorted(hits) for path, hits in self._hits.items()}
        return {"lines": lines, "asked": self._ranges, "displaced": self.displaced}

    def _install(self) -> None:
        _settrace_of_threads(self._trace)
        _settrace(self._trace)

    def _path(self, name: str) -> str | None:
        """Return the path of a code object's file as in the order, None for another file."""
        try:
            return self._names[name]
        except KeyError:
            pass
        found = None
        if _basename(name) in self._ends:
            found = self._paths.get(_realpath(_join(self._start, name)))
        self._names[name] = found
        return found

    def _wanted(self, code: Any, path: str) -> set[int]:
        """Return the lines of a code object that lie in a range and were not seen yet."""
        ranges, seen = self._ranges[path], self._hits[path]
        return {
            line
            for line in lines_of(code)
            if line not in seen and any(first <= line <= last for first, last in ranges)
        }

    def _tracer(self) -> Callable[[Any, str, Any], Any]:
        """Return the function for sys.settrace; it is called for every call of any function, so it is short."""
        names, look, local = self._names, self._path, self._local

        def trace(frame: Any, _event: str, _arg: Any) -> Any:
            code = frame.f_code
            try:
                path = names[code.co_filename]
            except KeyError:
                path = look(code.co_filename)
            return None if path is None else local(code, path)

        return trace

    def _local(self, code: Any, path: str) -> Any:
        """Return the function that notes the lines of a code object, None when all were seen."""
        known = self._known.get(id(code))
        if known is None:
            left = self._wanted(code, path)
            known = (code, self._noter(code, path, left) if left else None)
            self._known[id(code)] = known
        return known[1]

    def _noter(self, code: Any, path: str, left: set[int]) -> Any:
        add, known = self._hits[path].add, self._known

        def note(frame: Any, event: str, _arg: Any) -> Any:
            line = frame.f_lineno
            if event == "line" and line in left:
                add(line)
                left.discard(line)
                if not left:
                    known[id(code)] = (code, None)
                    frame.f_trace_lines = False
            return note

        return note

    def _monitor(self) -> bool:
        """Watch by sys.monitoring; False when this Python has none, or none of its places is free."""
        monitoring: Any = getattr(sys, "monitoring", None)
        tool = _place(monitoring) if monitoring is not None else None
        if tool is None:
            return False
        done, line_event, start_event = monitoring.DISABLE, monitoring.events.LINE, monitoring.events.PY_START

        def begun(code: Any, _offset: int) -> Any:
            path = self._path(code.co_filename)
            if path is not None and self._wanted(code, path):
                monitoring.set_local_events(tool, code, line_event)
            return done

        def line_of(code: Any, line: int) -> Any:
            path = self._path(code.co_filename)
            if path is not None and any(first <= line <= last for first, last in self._ranges[path]):
                self._hits[path].add(line)
            return done

        monitoring.register_callback(tool, start_event, begun)
        monitoring.register_callback(tool, line_event, line_of)
        monitoring.set_events(tool, start_event)
        return True


def watching(order: dict[str, Any]) -> Lines | None:
    """Begin to watch what the order of a session asks for; None when it asks for nothing."""
    asked = order.get("trace")
    if not asked:
        return None
    lines = Lines(asked)
    lines.start()
    return lines


def lines_of(code: Any) -> set[int]:
    """Return the lines that a code object has instructions for, without those of code inside it."""
    if hasattr(code, "co_lines"):  # Python 3.10
        return {line for _, _, line in code.co_lines() if line}
    import dis

    return {line for _, line in dis.findlinestarts(code) if line}


def _place(monitoring: Any) -> int | None:
    """Take a place among the tools that no other has, best one that no kind of tool is meant to have."""
    for tool in (4, 3, 2, 0):
        try:
            monitoring.use_tool_id(tool, "selfimprove")
        except ValueError:
            continue
        return tool
    return None
