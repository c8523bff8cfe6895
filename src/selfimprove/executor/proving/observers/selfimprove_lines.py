"""Watches which lines of some functions a test session executes, with nothing but the standard library.

It runs in the interpreter of the tested project, Python 3.8 or later, in every process of it that finds our folder in
PYTHONPATH. From Python 3.12 on it asks ``sys.monitoring`` (PEP 669); before that the watched files note their lines
themselves (selfimprove_notes), and ``sys.settrace`` sees to the files that cannot.

What was executed stands in one file that all processes have in their memory, a byte for each line: also a process that
was forked off, or killed, has told its lines.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE = "SI_LINES"
"""Holds the path of an order: the folder of the project, then each path below it and its ranges ("4-19,25-30"), each of
them ended by NUL. Beside it, with ".marks" at the end, lies the file of the marks."""

_HEAD = 1024  # before the marks: a byte for each way, and from _SAID on what displaced the tracer
_SAID = 8
_WAYS = ("monitoring", "notes", "settrace")
_realpath, _join, _basename = os.path.realpath, os.path.join, os.path.basename
# Taken now: a test may put something else in their place.
_settrace, _gettrace = sys.settrace, sys.gettrace


class Marks(mmap.mmap):
    """A byte for each line that is watched. Where code with it is copied into another process, it counts no more."""

    def __reduce__(self) -> Any:
        return bytearray, (len(self),)


class Lines:
    """Which lines of the wanted files were executed so far, in this process and all others that share the marks.

    ``ranges`` has for each path below ``root`` the ranges of lines (first and last) to watch.
    """

    def __init__(self, root: str, ranges: dict[str, list[list[int]]], marks_of: Callable[[int], Any]) -> None:
        self._ranges = ranges
        self._start = os.getcwd()  # noqa: PTH109
        self._bases: dict[str, int] = {}
        end = _HEAD
        for path, spans in ranges.items():
            self._bases[path] = end
            end += spans[-1][1] + 1
        self._marks = marks_of(end)
        self._paths = {_realpath(_join(root, path)): path for path in ranges}
        self._ends = frozenset(_basename(path) for path in ranges)
        # By the name that a code object bears: the path as in the order, None for a file that is not wanted.
        self._names: dict[str, str | None] = {}
        # By id, with the code object itself, so that the id stays its own.
        self._known: dict[int, tuple[Any, Any]] = {}
        self._traced: set[str] = set()
        self._trace: Any = None
        self._notes: Any = None

    def start(self) -> None:
        """Begin to watch."""
        if self._monitor():
            self._marks[0] = 1
        elif sys.implementation.name == "cpython":
            import selfimprove_notes

            self._notes = selfimprove_notes.Notes(self._place, self._marks, self._follow)
            for file, _ in self._notes.strangers():  # came before anything could be noted
                self._follow(file)
            self._notes.install()
            self._marks[1] = 1
        else:
            for file in self._paths:
                self._follow(file)

    def resume(self) -> None:
        """Watch again where something took the place of the tracer or loaded a file otherwise; say what it was."""
        for file, name in self._notes.strangers() if self._notes is not None else ():
            self._displace(f"the loader of {name}")
            self._follow(file)
        now: Any = _gettrace()
        if self._trace is not None and now is not self._trace:
            kind = type(now) if not hasattr(now, "__qualname__") else now
            name = "sys.settrace(None)" if now is None else f"{kind.__module__}.{kind.__qualname__}"
            self._displace(name)
            self._install()

    def found(self) -> dict[str, Any]:
        """Return what a report says: the lines by path, what was asked, in which ways, what displaced the tracer."""
        lines = {
            path: [
                line for first, last in spans for line in range(first, last + 1) if self._marks[base + line]
            ]
            for (path, spans), base in zip(self._ranges.items(), self._bases.values())  # noqa: B905
        }
        said = self._marks[_SAID:_HEAD].rstrip(b"\0").decode("utf-8", "replace")
        ways = [way for number, way in enumerate(_WAYS) if self._marks[number]]
        return {"lines": lines, "asked": self._ranges, "ways": ways, "displaced": said}

    def _displace(self, what: str) -> None:
        if not self._marks[_SAID]:
            said = what.encode("utf-8", "replace")[: _HEAD - _SAID]
            self._marks[_SAID : _SAID + len(said)] = said

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

    def _place(self, name: str) -> tuple[int, Any] | None:
        """Return where the marks of a file begin, and its ranges, None for a file that is not wanted."""
        path = self._path(name)
        return None if path is None else (self._bases[path], self._ranges[path])

    def _wanted(self, code: Any, path: str) -> set[int]:
        """Return the lines of a code object that lie in a range and were not seen yet."""
        ranges, base, marks = self._ranges[path], self._bases[path], self._marks
        return {
            line
            for line in lines_of(code)
            if any(first <= line <= last for first, last in ranges) and not marks[base + line]
        }

    def _follow(self, name: str) -> None:
        """Watch a file by sys.settrace from now on, as nothing else can."""
        path = self._path(name)
        if path is not None:
            self._traced.add(path)
        if self._trace is None:
            self._trace = self._tracer()
            self._marks[2] = 1
            if (now := _gettrace()) is not None:
                self._displace(f"{type(now).__module__}.{type(now).__qualname__}")
            self._install()

    def _install(self) -> None:
        import threading

        threading.settrace(self._trace)
        _settrace(self._trace)

    def _tracer(self) -> Callable[[Any, str, Any], Any]:
        """Return the function for sys.settrace; it is called for every call of any function, so it is short."""
        names, look, local, traced = self._names, self._path, self._local, self._traced

        def trace(frame: Any, _event: str, _arg: Any) -> Any:
            code = frame.f_code
            try:
                path = names[code.co_filename]
            except KeyError:
                path = look(code.co_filename)
            return local(code, path) if path in traced else None

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
        marks, base, known = self._marks, self._bases[path], self._known

        def note(frame: Any, event: str, _arg: Any) -> Any:
            line = frame.f_lineno
            if event == "line" and line in left:
                marks[base + line] = 1
                left.discard(line)
                if not left:
                    known[id(code)] = (code, None)
                    frame.f_trace_lines = False
            return note

        return note

    def _monitor(self) -> bool:
        """Watch by sys.monitoring; False when this Python has none, or none of its places is free."""
        monitoring: Any = getattr(sys, "monitoring", None)
        tool = _tool(monitoring) if monitoring is not None else None
        if tool is None:
            return False
        done, line_event, start_event = monitoring.DISABLE, monitoring.events.LINE, monitoring.events.PY_START

        def begun(code: Any, _offset: int) -> Any:
            path = self._path(code.co_filename)
            if path is not None and self._wanted(code, path):
                monitoring.set_local_events(tool, code, line_event)
            return done

        def line_of(code: Any, line: int) -> Any:
            place = self._place(code.co_filename)
            if place is not None and any(first <= line <= last for first, last in place[1]):
                self._marks[place[0] + line] = 1
            return done

        monitoring.register_callback(tool, start_event, begun)
        monitoring.register_callback(tool, line_event, line_of)
        monitoring.set_events(tool, start_event)
        return True


_LINES: Lines | None = None


def watching() -> Lines | None:
    """Return what watches this process, and begin to watch where that has not begun; None when nothing is asked for."""
    global _LINES
    if _LINES is None and (order := os.environ.get(VARIABLE)):
        with open(order, encoding="utf-8", errors="surrogateescape") as stream:  # noqa: PTH123
            root, *rows = stream.read().split("\0")[:-1]
        pairs = zip(rows[::2], rows[1::2])  # noqa: B905
        ranges = {
            path: [[int(end) for end in span.split("-")] for span in spans.split(",")]
            for path, spans in pairs
        }
        _LINES = Lines(root, ranges, lambda size: _shared(f"{order}.marks", size))
        _LINES.start()
    return _LINES


def lines_of(code: Any) -> set[int]:
    """Return the lines that a code object has instructions for, without those of code inside it."""
    if hasattr(code, "co_lines"):  # Python 3.10
        return {line for _, _, line in code.co_lines() if line}
    import dis

    return {line for _, line in dis.findlinestarts(code) if line}


def _shared(path: str, size: int) -> Marks:
    """Return the marks that all processes share; only with forked ones where the system cannot share a file so."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)  # a mark in a hole of a full disk would kill the process
        else:
            os.ftruncate(file, size)
        return Marks(file, size)
    except OSError:
        return Marks(-1, size)
    finally:
        os.close(file)


def _tool(monitoring: Any) -> int | None:
    """Take a place among the tools that no other has, best one that no kind of tool is meant to have."""
    for tool in (4, 3, 2, 0):
        try:
            monitoring.use_tool_id(tool, "selfimprove")
        except ValueError:
            continue
        return tool
    return None
