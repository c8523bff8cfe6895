"""Spread: work on many items in several processes, and find out which item ended one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor

T = TypeVar("T")
R = TypeVar("R")

_WATCH = 1.0  # seconds between a worker's looks at whether its parent is still there


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Up to ``jobs`` processes, started when there is work for them, and used again until ``close``.

    They end with this process, however it ends.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def spread(
        self,
        work: Callable[[T], R],
        batches: Sequence[Sequence[T]],
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Iterator[tuple[T, R | None]]:
        """Yield each item of ``batches`` with what ``work`` returns for it, in the order in which they are done.

        ``work`` is a function of a module and runs in one of the processes, for a single batch in this one. An
        item with which its process died (a stack overflow, no memory left) comes back with None. ``meanwhile``
        is called in this process while the others begin. What ``work`` raises is raised here.
        """
        if self.jobs < 2 or len(batches) < 2:
            meanwhile()
            for batch in batches:
                for item in batch:
                    yield item, work(item)
            return
        from concurrent.futures import as_completed

        lost: list[T] = []
        self._pool = pool = self._pool or _pool(self.jobs)
        try:
            pending = dict(_submitted(pool, work, batches, lost))
            meanwhile()
            for future in as_completed(pending):
                yield from _results(future, pending.pop(future), lost)
        except BaseException:
            self._end()
            raise
        if lost:
            self._end()
        for item in lost:
            yield item, _alone(work, item)

    def close(self) -> None:
        """End the processes; they have nothing to do."""
        if self._pool:
            self._pool.shutdown()
            self._pool = None

    def _end(self) -> None:
        if self._pool:
            _end(self._pool)
            self._pool = None


def _pool(jobs: int) -> ProcessPoolExecutor:
    import multiprocessing
    import threading
    from concurrent.futures import ProcessPoolExecutor

    # A fork starts in a millisecond; with other threads about, it could inherit a lock that nobody opens.
    forks = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if forks else "spawn")
    return ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(os.getpid(),))


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the parent, which then ends its workers, and end when the parent was killed."""
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_outlive, args=(parent,), daemon=True).start()


def _outlive(parent: int) -> None:
    """End this process soon after ``parent`` has: the queue between them would never say so."""
    import signal
    import time

    while os.getppid() == parent:
        time.sleep(_WATCH)
    os.kill(os.getpid(), signal.SIGKILL)


def _submitted(
    pool: ProcessPoolExecutor, work: Callable[[T], R], batches: Sequence[Sequence[T]], lost: list[T]
) -> Iterator[tuple[Future[list[R]], Sequence[T]]]:
    from concurrent.futures.process import BrokenProcessPool

    for batch in batches:
        try:
            yield pool.submit(_each, work, batch), batch
        except BrokenProcessPool:  # one has died already
            lost.extend(batch)


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
