"""Engine: measures files of the tree and blobs of history, each content once, on all processors."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.record import FileMetrics, MeasureError, pack, unpack
from selfimprove.model.audit import NotAnalysed
from selfimprove.tools.spread import Workers, processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from selfimprove.codebase.tree import Cache
    from selfimprove.reflector.pylint import Linted

ENGINE = "2"
"""Raised whenever the same source may be measured to be something else than before."""

_BATCHES = 12  # per process: enough to keep all busy to the end
# Bytes. For fewer, starting processes takes more of the processors (60 ms) than it saves on the clock.
_WORTH_A_PROCESS = 600_000
_DIED = "the process that measured it died (no memory, or a stack that is too deep)"


def flavour() -> str:
    """Return what a measurement depends on besides the source: engine, reference and Python minor."""
    return f"selfimprove {ENGINE}, radon 6.0.1, {python_minor()}"


def python_minor() -> str:
    """Return the interpreter as ``Python 3.11``; the maintainability index differs between minors."""
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}"


class Source(NamedTuple):
    """Something to measure. ``blob`` is its id in hex, ``""`` when git does not know this content.

    ``file`` is where it lies on disk; without one it is read from git by its id.
    """

    path: str
    blob: str = ""
    file: Path | None = None


class NoCache:
    """The cache that forgets."""

    problem = ""

    def get(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """Return nothing."""
        del keys
        return {}

    def put(self, rows: Mapping[tuple[str, str], bytes]) -> None:
        """Keep nothing."""


Measured = FileMetrics | NotAnalysed


class _Job(NamedTuple):
    """One source on its way to a process. ``data`` is set when there is no file to read there."""

    number: int
    size: int
    blob: str
    file: Path | None
    data: bytes | None
    notebook: bool
    extra: bool


class Engine:
    """Measures sources, asking ``cache`` first.

    ``read_blobs`` reads git's objects, ``lint`` asks another tool about files of the tree; ``jobs`` 0 is all
    processors. ``measured`` counts what was not known already; ``progress`` is told how many of how many are.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        read_blobs: Callable[[Iterable[str]], Iterator[tuple[str, bytes | None]]] | None = None,
        jobs: int = 0,
        lint: Callable[[Iterable[str]], Linted] | None = None,
    ) -> None:
        self.cache: Cache = cache or NoCache()
        self.measured = 0
        self.lint = lint
        self.progress: Callable[[int, int], object] = lambda _done, _total: None
        self._read_blobs = read_blobs
        self.workers = Workers(jobs or processors())

    def measure(
        self,
        sources: Iterable[Source],
        *,
        extra: bool = False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> dict[str, Measured]:
        """Return the metrics, or why there are none, by path in the order of ``sources``.

        ``extra`` asks for the metrics that only some rules need. ``meanwhile`` is called while other processes
        measure, and in any case once.
        """
        wanted = [_hashed(source) for source in sources]
        answers: list[Measured | None] = [None] * len(wanted)
        keys = {i: (one.blob, kind_of(one.path)) for i, one in enumerate(wanted) if isinstance(one, Source)}
        known = self.cache.get(keys.values())
        for i, one in enumerate(wanted):
            if isinstance(one, NotAnalysed):
                answers[i] = one
            elif (row := known.get(keys[i])) is not None:
                answers[i] = _known(row, one.path, extra)
        missing = {i: one for i, one in enumerate(wanted) if answers[i] is None and isinstance(one, Source)}
        for i, answer in self._fresh(missing, extra, meanwhile):
            answers[i] = answer
        return {one.path: answer for one, answer in zip(wanted, answers, strict=True) if answer is not None}

    def blobs(self, wanted: Iterable[tuple[str, str]], *, extra: bool = False) -> dict[str, Measured]:
        """Return the metrics by blob id of (blob id, path); the path only says what kind of source it is."""
        names = {blob: path for blob, path in wanted if blob}
        answers = self.measure(
            [Source(blob + _suffix(path), blob) for blob, path in names.items()], extra=extra
        )
        return {blob: _renamed(answers[blob + _suffix(path)], path) for blob, path in names.items()}

    def _fresh(
        self, missing: Mapping[int, Source], extra: bool, meanwhile: Callable[[], object]
    ) -> Iterator[tuple[int, Measured]]:
        """Measure each content once, keep what was learnt, and yield an answer for each index."""
        first: dict[tuple[str, str], int] = {}
        for i, one in missing.items():
            first.setdefault((one.blob, kind_of(one.path)), i)
        jobs = list(self._read(missing, list(first.values()), extra))
        rows: dict[tuple[str, str], bytes] = {}
        answers: dict[tuple[str, str], bytes | str] = {}
        batches = _batches(jobs, self.workers.jobs)
        if batches:  # loaded here, so that the processes that are forked have it
            import selfimprove.codebase.measure.measure  # noqa: F401
        for done, (job, result) in enumerate(self.workers.spread(_measure, batches, meanwhile), 1):
            self.progress(done, len(jobs))
            source = missing[job.number]
            key = (source.blob, kind_of(source.path))
            content, answer = result or ("", _DIED)
            answers[key] = answer
            if isinstance(answer, bytes) and content:
                rows[content, key[1]] = answer
        self.measured += len(jobs)
        self.cache.put(rows)
        for i, one in missing.items():
            answer = answers.get((one.blob, kind_of(one.path)), "its content is not in this clone")
            yield i, _answer(answer, one.path)

    def _read(self, missing: Mapping[int, Source], first: Sequence[int], extra: bool) -> Iterator[_Job]:
        """Yield a job for each of ``first``; blobs are read here, files where they are measured."""
        by_blob: dict[str, list[int]] = {}
        for i in first:
            one = missing[i]
            notebook = kind_of(one.path) == "notebook"
            if one.file is not None:
                yield _Job(i, _size(one.file), one.blob, one.file, None, notebook, extra)
            else:
                by_blob.setdefault(one.blob, []).append(i)
        if by_blob and self._read_blobs:
            for blob, data in self._read_blobs(by_blob):
                for i in by_blob[blob] if data is not None else ():
                    notebook = kind_of(missing[i].path) == "notebook"
                    yield _Job(i, len(data or b""), blob, None, data, notebook, extra)


def kind_of(path: str) -> str:
    """Return ``notebook`` or ``python``: one blob can be both under two names."""
    return "notebook" if path.endswith(".ipynb") else "python"


def blob_id(data: bytes, algorithm: str = "sha1") -> str:
    """Return the id that git gives to a blob with this content (sha1 or sha256)."""
    return hashlib.new(algorithm, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _suffix(path: str) -> str:
    return ".ipynb" if kind_of(path) == "notebook" else ".py"


def _renamed(answer: Measured, path: str) -> Measured:
    return NotAnalysed(path, answer.reason) if isinstance(answer, NotAnalysed) else answer


def _hashed(source: Source) -> Source | NotAnalysed:
    """Return the source with its id; what git does not know yet is read and hashed."""
    if source.blob or source.file is None:
        return source
    from selfimprove.codebase.measure.source import read_source

    try:
        return source._replace(blob=blob_id(read_source(source.file)))
    except MeasureError as error:
        return NotAnalysed(source.path, str(error))
    except OSError as error:
        return NotAnalysed(source.path, _unreadable(error))


def _unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not in the working tree"
    return f"it cannot be read: {error.strerror or error}"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _batches(jobs: Sequence[_Job], processes: int) -> list[list[_Job]]:
    """Deal the jobs out, the largest first, so that all processes end at about the same time."""
    if sum(job.size for job in jobs) < _WORTH_A_PROCESS:
        return [list(jobs)] if jobs else []
    count = max(1, min(len(jobs), processes * _BATCHES))
    ordered = sorted(jobs, key=lambda job: -job.size)
    return [ordered[start::count] for start in range(count)]


def _measure(job: _Job) -> tuple[str, bytes | str]:
    """Return the id under which the answer is to be kept (``""``: not at all), and it, packed, or a reason."""
    from selfimprove.codebase.measure.measure import measure, read_source

    try:
        data = job.data if job.data is not None else read_source(job.file)  # type: ignore[arg-type]
    except OSError as error:
        return "", _unreadable(error)
    except MeasureError as error:
        return "", str(error)
    content = _content_id(data, job.blob)
    try:
        return content, pack(measure(data, extra=job.extra, notebook=job.notebook))
    except MeasureError as error:
        return content, pack(str(error))


def _content_id(data: bytes, said: str) -> str:
    """Return ``said`` when it is the id of ``data``, line ends aside, else the true id.

    Between git's answer and our reading somebody may have saved the file.
    """
    algorithm = "sha256" if len(said) == 64 else "sha1"
    true = blob_id(data, algorithm)
    if true != said and b"\r\n" in data and blob_id(data.replace(b"\r\n", b"\n"), algorithm) == said:
        return said
    return true


def _known(row: bytes, path: str, extra: bool) -> Measured | None:
    """Return what the cache holds; None when that is not enough, or not readable."""
    try:
        answer = unpack(row)
    except ValueError:
        return None
    if isinstance(answer, str):
        return NotAnalysed(path, answer)
    return None if extra and answer.extra is None else answer


def _answer(answer: bytes | str, path: str) -> Measured:
    found = unpack(answer) if isinstance(answer, bytes) else answer
    return NotAnalysed(path, found) if isinstance(found, str) else found
