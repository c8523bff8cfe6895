"""Coverage: the share of each file's statements that tests execute, from what coverage.py left behind."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from contextlib import closing
from functools import reduce
from itertools import dropwhile
from operator import or_
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_LARGEST = 100_000_000  # bytes
_INSTRUCTIONS = 1_000_000  # of SQLite, between two looks at how many there were
_LOOKS = 500
_LONGEST = 100_000  # bytes of a file's line numbers, one bit each
_SOURCES = 100  # folders that a report may be about; coverage.py writes one for each `source`
_DEEPEST = 50  # steps up that a name may take
_TABLES = "select name, type from sqlite_master where name in ('file', 'line_bits', 'arc')"
_Lines = dict[str, tuple[set[int], set[int]]]
"""By path as it is written there: the lines that hold a statement, and those of them that were executed."""


class _NotRead(Exception):
    """The file is not what its name says; the message completes "... was not read: "."""


def read_coverage(root: Path, files: Iterable[str]) -> tuple[dict[str, float], list[str]]:
    """Return the percentage of statements that tests execute by path, and what a reader should know of it.

    Of ``coverage.xml``, ``coverage.json`` and ``.coverage`` in ``root`` the newest is taken that can be read
    and has any of ``files`` (relative to ``root``). A file without statements has no percentage, and neither
    has one that the report does not name. Branches do not count. Nothing is written and nothing is fetched:
    the files may come from a stranger. Whatever is wrong with them is a note.
    """
    wanted, notes = frozenset(files), list[str]()
    for report, read in sorted(_there(root), key=lambda one: -one[0].stat().st_mtime):
        try:
            shares = read(report, root, wanted)
        except _NotRead as reason:
            notes.append(f"{report.name} was not read: {reason}")
            continue
        if shares:
            return shares, [*notes, *_outdated(report, root, shares)]
        notes.append(f"{report.name} has no file of this audit")
    return {}, notes


def _there(root: Path) -> list[tuple[Path, Callable[[Path, Path, frozenset[str]], dict[str, float]]]]:
    readers = {"coverage.xml": _from_xml, "coverage.json": _from_json, ".coverage": _from_database}
    return [(root / name, read) for name, read in readers.items() if (root / name).is_file()]


def _outdated(report: Path, root: Path, shares: Iterable[str]) -> Iterator[str]:
    """Yield a note when a file that the report is about is newer."""
    times = {path: file.stat().st_mtime for path in shares if (file := root / path).is_file()}
    newest = max(times, key=lambda path: times[path], default="")
    if newest and times[newest] > report.stat().st_mtime:
        yield f"{report.name} is older than {newest}: coverage may be of an earlier state"


def _content(report: Path) -> bytes:
    try:
        with report.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise _NotRead(error.strerror or str(error)) from error
    if len(data) > _LARGEST:
        raise _NotRead(f"it is larger than {_LARGEST // 1_000_000} MB")
    return data


# --- coverage.xml, in the form of Cobertura


def _from_xml(report: Path, root: Path, wanted: frozenset[str]) -> dict[str, float]:
    from xml.parsers import expat

    reader = _Cobertura()
    parser = expat.ParserCreate()
    # expat opens nothing by itself: a DTD that is named in the document stays unread. Entities that the
    # document declares are refused, so that none is ever expanded. All is parsed in one piece: expat before
    # 2.6 takes quadratic time for a large token that comes in many.
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(_content(report), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise _NotRead(f"it is not well-formed XML ({error})") from error
    known = _Finder(root, wanted, reader.sources)
    return _shares((known.find(path), *lines) for path, lines in reader.lines.items())


def _refuse(*_entity: object) -> None:
    raise _NotRead("it declares entities")


class _Cobertura:
    """Collects the sources and the lines of classes from the events of the parser."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.lines: _Lines = defaultdict(lambda: (set(), set()))
        self._path: list[str] = []
        self._class = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self._path and name != "coverage":
            raise _NotRead(f"its first element is <{name[:40]}>, not <coverage>")
        self._path.append(name)
        if name == "class":
            self._class = attributes.get("filename", "")
        elif name == "source":
            self.sources.append("")
        elif name == "line" and self._class and self._path[-3:-1] != ["method", "lines"]:
            there, executed = self.lines[self._class]
            line, hits = int(attributes.get("number", 0)), int(attributes.get("hits", 0))
            there.add(line)
            if hits > 0:
                executed.add(line)

    def end(self, name: str) -> None:
        self._path.pop()
        if name == "class":
            self._class = ""

    def text(self, data: str) -> None:
        if self._path[-1] == "source" and len(self.sources[-1]) < 5000:
            self.sources[-1] += data


class _Finder:
    """Knows the files of the audit by the names that a report has for them, below its ``sources``.

    The sources are looked at once. For a name only those ends are built that a file of the audit can have, and
    a name that is the end of none costs one look: what a stranger's report says cannot multiply. Raises
    _NotRead when there are very many sources.
    """

    def __init__(self, root: Path, wanted: frozenset[str], sources: Iterable[str] = ()) -> None:
        self.roots = {os.path.normpath(one).rstrip("/") for one in (root.absolute(), root.resolve())}
        self.wanted = wanted
        self.deepest = max((path.count("/") for path in wanted), default=0) + 1
        self.known_ends = {end for path in wanted for end in _ends(path.split("/"), 1)}
        named = dict.fromkeys(source.strip().replace("\\", "/") for source in sources)
        if len(named) > _SOURCES:
            raise _NotRead(f"it has more than {_SOURCES} sources")
        self.bases = {
            os.path.normpath(one if one.startswith("/") else f"{top}/{one}")
            for top in self.roots
            for one in (*named, "")
        }
        self.heads = {tuple(_ends(_parts(one)[-self.deepest :], 1)) for one in named}
        self.found: dict[str, str] = {}

    def find(self, name: str) -> str:
        """Return the file that a report calls ``name``, ``""`` for none or several.

        A report from another machine has other folders in front: then the longest end of the path counts,
        at least ``name`` itself or, when that is absolute, two parts of it.
        """
        parts = _parts(name.replace("\\", "/"))
        if name[:1] in ("/", "\\") or name[1:2] == ":":
            exact = self._below_root(os.path.normpath(name.replace("\\", "/")))
            return exact or next((end for end in _ends(parts[-self.deepest :], 2) if end in self.wanted), "")
        short = "/".join(parts)
        if short not in self.found:
            self.found[short] = self._relative(short) if self._may_be(parts) else ""
        return self.found[short]

    def _may_be(self, parts: Sequence[str]) -> bool:
        """True when a file of the audit can end so; ``..`` counts only in front, and not more than is there."""
        rest = [*dropwhile(lambda one: one == "..", parts)]
        return len(parts) - len(rest) <= _DEEPEST and "/".join(rest) in self.known_ends

    def _relative(self, name: str) -> str:
        exact = {self._below_root(os.path.normpath(f"{base}/{name}")) for base in self.bases} - {""}
        if not exact:
            ends = ([f"{head}/{name}" for head in heads] + [name] for heads in self.heads)
            exact = {next((end for end in each if end in self.wanted), "") for each in ends} - {""}
        return exact.pop() if len(exact) == 1 else ""

    def _below_root(self, path: str) -> str:
        """Return a normal, absolute path as that of a file of the audit, ``""`` when it is none."""
        below = (path[len(root) + 1 :] for root in self.roots if path.startswith(f"{root}/"))
        return next((one for one in below if one in self.wanted), "")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _ends(parts: Sequence[str], least: int) -> Iterator[str]:
    """Yield the ends of a path with at least so many parts, the longest first."""
    return ("/".join(parts[start:]) for start in range(len(parts) - least + 1))


def _shares(found: Iterable[tuple[str, Collection[int], set[int]]]) -> dict[str, float]:
    """Return the percentages of what was found in the audit; several reports on one file are joined."""
    lines: dict[str, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for path, there, executed in found:
        if path:
            lines[path][0].update(there)
            lines[path][1].update(executed)
    return {
        path: round(100 * len(there & executed) / len(there), 1)
        for path, (there, executed) in lines.items()
        if there
    }


# --- coverage.json


def _from_json(report: Path, root: Path, wanted: frozenset[str]) -> dict[str, float]:
    known = _Finder(root, wanted)
    try:
        files: dict[str, dict[str, Any]] = json.loads(_content(report))["files"]
        return _shares(
            (known.find(path), {*one["executed_lines"], *one["missing_lines"]}, set(one["executed_lines"]))
            for path, one in files.items()
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _NotRead("it is not coverage.py's JSON") from error


# --- .coverage, coverage.py's SQLite database


def _from_database(report: Path, root: Path, wanted: frozenset[str]) -> dict[str, float]:
    if report.stat().st_size > _LARGEST:
        raise _NotRead(f"it is larger than {_LARGEST // 1_000_000} MB")
    known = _Finder(root, wanted)
    # Immutable: no lock is taken and no journal appears beside the file.
    uri = f"{report.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            looks = iter(range(_LOOKS))
            database.set_progress_handler(lambda: next(looks, None) is None, _INSTRUCTIONS)
            executed = _executed(database, known)
    except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
        raise _NotRead(f"it is not coverage.py's database ({error})") from error
    found = ((known.find(path), lines) for path, lines in executed.items())
    return _shares((path, *_covered(root / path, lines)) for path, lines in found if path)


def _executed(database: sqlite3.Connection, known: _Finder) -> dict[str, set[int]]:
    """Return the executed lines of ``known`` files by name; with branch coverage they are the ends of the arcs."""
    kinds = dict(database.execute(_TABLES))
    if set(kinds.values()) != {"table"} or not {"file", "line_bits"} <= set(kinds):
        raise _NotRead("it is not coverage.py's database (other tables)")
    names: dict[int, str] = {key: str(path) for key, path in database.execute("select id, path from file")}
    bits = _bits(database, names)
    lines: dict[str, set[int]] = defaultdict(set)
    for file, name in names.items():
        if known.find(name):
            lines[name] |= _numbers(reduce(or_, (bits[file][size] for size in sorted(bits[file])), 0))
    if "arc" in kinds:
        for file, start, end in database.execute("select file_id, fromno, tono from arc"):
            if (name := names.get(file, "")) in lines:
                lines[name].update(one for one in (int(start), int(end)) if one > 0)
    return lines


def _bits(database: sqlite3.Connection, names: Mapping[int, str]) -> dict[int, dict[int, int]]:
    """Return the executed lines by file as bits, joined by the length of their rows.

    A long row and many short ones must not make a long number many times.
    """
    bits: dict[int, dict[int, int]] = {file: {} for file in names}
    for file, blob in database.execute("select file_id, numbits from line_bits"):
        if not isinstance(blob, bytes) or len(blob) > _LONGEST:
            raise _NotRead("it is not coverage.py's database (strange line numbers)")
        if file in bits:
            one = bits[file]
            one[len(blob)] = one.get(len(blob), 0) | int.from_bytes(blob, "little")
    return bits


def _numbers(bits: int) -> set[int]:
    """Return the positions of the bits that are set, the lowest being 0."""
    return {at for at, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"}


def _covered(file: Path, executed: set[int]) -> tuple[set[int], set[int]]:
    """Return the statement lines of a file, and those that were executed; empty when it cannot be parsed."""
    from selfimprove.reflector.statements import statement_lines

    try:
        starts = statement_lines(_content(file))
    except (_NotRead, SyntaxError, ValueError, RecursionError, MemoryError):
        return set(), set()
    return set(starts.values()), {starts[line] for line in executed if line in starts}
