"""Reading: the outline of every file of a tree, each content read once and then known by its blob id."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.languages import language_of
from selfimprove.codebase.measure.record import MeasureError
from selfimprove.codebase.measure.source import read_source
from selfimprove.codebase.portrait.outline import FORM, Outline, outline, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from selfimprove.codebase.tree import Cache
    from selfimprove.tools.spread import Workers

_BATCHES = 8  # per process
_WORTH_A_PROCESS = 300  # files; for fewer, starting processes takes longer than it saves


class _Job(NamedTuple):
    path: str
    file: Path
    blob: str


def outlines(
    root: Path,
    names: Iterable[str],
    blobs: Mapping[str, str],
    cache: Cache | None = None,
    workers: Workers | None = None,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> dict[str, Outline]:
    """Return the outline of each regular file of ``names`` below ``root``, in the order of the names.

    ``blobs`` are the ids of those whose content git knows; what ``cache`` holds of them is not read again. Links,
    pipes, submodules and what is not there are passed over.
    """
    wanted = list(_jobs(root, names, blobs, hashed=cache is not None))
    found = _known(wanted, cache) if cache else {}
    fresh = [one for one in wanted if one.path not in found]
    rows: dict[tuple[str, str], bytes] = {}
    for done, (job, (blob, data)) in enumerate(_all(fresh, workers), 1):
        progress(done, len(fresh))
        if data and (unpacked := unpack(data)):
            found[job.path] = unpacked
            rows |= {(blob, _kind(job.path)): data} if blob else {}
    if cache and rows:
        cache.put(rows)
    return {one.path: found[one.path] for one in wanted if one.path in found}


def _jobs(root: Path, names: Iterable[str], blobs: Mapping[str, str], *, hashed: bool) -> Iterator[_Job]:
    """Yield what is to be read; with ``hashed`` each has its blob id, so that a cache can be asked."""
    for name in sorted(names):
        if _is_own_file(root, name):
            blob = blobs.get(name, "")
            yield _Job(name, root / name, _blob_of(root / name) if hashed and not blob else blob)


def _known(wanted: Iterable[_Job], cache: Cache) -> dict[str, Outline]:
    """Return what the cache holds of the files whose content git knows."""
    keys = {one.path: (one.blob, _kind(one.path)) for one in wanted if one.blob}
    rows = cache.get(keys.values())
    answers = ((path, unpack(rows[key])) for path, key in keys.items() if key in rows)
    return {path: one for path, one in answers if one is not None}


def _is_own_file(root: Path, name: str) -> bool:
    """True for a regular file that is reached without a link: what a link leads to is read under its own name."""
    path = root / name
    try:
        if path.is_symlink() or not path.is_file():
            return False
        return path.parent == root or path.parent.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _kind(path: str) -> str:
    """Return what an outline depends on besides the content: whether it is Python, or else how the file is called."""
    name = path.rpartition("/")[2].lower()
    return f"{FORM} {language_of(path) or name} {name.rpartition('.')[2]}"


def _all(jobs: Sequence[_Job], workers: Workers | None) -> Iterable[tuple[_Job, tuple[str, bytes]]]:
    if workers is None or len(jobs) < _WORTH_A_PROCESS:
        return ((job, _read(job)) for job in jobs)
    size = max(1, len(jobs) // (workers.jobs * _BATCHES))
    batches = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    return ((job, answer or ("", b"")) for job, answer in workers.spread(_read, batches))


def _read(job: _Job) -> tuple[str, bytes]:
    """Return the blob id of a file and its packed outline, nothing for one that cannot be read."""
    try:
        source = read_source(job.file)
    except MeasureError as error:
        return "", pack(Outline("", 0, problem=str(error)))
    except OSError:
        return "", b""
    return job.blob or _blob_id(source), pack(outline(job.path, source))


def _blob_of(file: Path) -> str:
    """Return the blob id of a file that git does not know so: hashing is far cheaper than reading what it says."""
    try:
        return _blob_id(read_source(file))
    except (MeasureError, OSError):
        return ""


def _blob_id(source: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(source) + source, usedforsecurity=False).hexdigest()
