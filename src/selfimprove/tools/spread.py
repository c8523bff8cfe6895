"""Spread: work on many items in several processes, and find out which item ended one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    work: Callable[[T], R],
    batches: Sequence[Sequence[T]],
    jobs: int,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[tuple[T, R | None]]:
    """Yield each item of ``batches`` with what ``work`` returns for it, in the order in which they are done.

    ``work`` is a function of a module and runs in one of ``jobs`` processes; an item with which its process
    died (a stack overflow, no memory left) comes back with None. ``meanwhile`` is called in this process
    while the others begin. What ``work`` raises is raised here.
    """
    if jobs < 2 or len(batches) < 2:
        meanwhile()
        for batch in batches:
            for item in batch:
                yield item, work(item)
        return
    from concurrent.futures import as_completed

    lost: list[T] = []
    with _pool(jobs) as pool:
        try:
            pending = {pool.submit(_each, work, batch): batch for batch in batches}
            meanwhile()
            for future in as_completed(pending):
                yield from _results(future, pending[future], lost)
        except BaseException:
            _end(pool)
            raise
    for item in lost:
        yield item, _alone(work, item)


def _pool(jobs: int) -> ProcessPoolExecutor:
    import multiprocessing
    import threading
    from concurrent.futures import ProcessPoolExecutor

    # A fork starts in a millisecond; with other threads about, it could inherit a lock that nobody opens.
    forks = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if forks else "spawn")
    return ProcessPoolExecutor(jobs, context, initializer=_quietly)


def _quietly() -> None:
    """Leave Ctrl-C to the parent, which then ends its workers."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _each(work: Callable[[T], R], batch: Sequence[T]) -> list[R]:
    return [work(item) for item in batch]


def _results(future: Future[list[R]], batch: Sequence[T], lost: list[T]) -> Iterator[tuple[T, R | None]]:
    from concurrent.futures.process import BrokenProcessPool

    try:
        yield from zip(batch, future.result(), strict=True)
    except BrokenProcessPool:
        lost.extend(batch)


def _alone(work: Callable[[T], R], item: T) -> R | None:
    """Return what ``work`` makes of ``item`` in a process of its own, None when that dies of it."""
    from concurrent.futures.process import BrokenProcessPool

    with _pool(1) as pool:
        try:
            return pool.submit(work, item).result()
        except BrokenProcessPool:
            return None
        except BaseException:
            _end(pool)
            raise


def _end(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=False, cancel_futures=True)
