"""Wiring of the index: opens that of a repository, with git telling which files there are and how they lived."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from selfimprove.target import STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selfimprove.codebase.index import Index
    from selfimprove.target import Target


def build_index(
    target: Target, wait: Callable[[str], object] = lambda _: None, *, to_read: bool = False
) -> Index:
    """Return the index of the repository as it is; it is made, or brought up to date, by `Index.update`.

    It lies in the repository's own folder of ours, which git is told to ignore unless the index is only
    opened ``to_read``, or in a temporary one where that cannot be written to. ``wait`` is told when another
    process is updating it.
    """
    from selfimprove.codebase.index import open_index

    repo = target.repo
    if not to_read:
        with suppress(OSError):  # a repository that is read-only
            repo.exclude((f"/{STATE}/",))

    def activity() -> Mapping[str, tuple[float, float]]:
        from selfimprove.tools.git.activity import activity as read

        return read(repo)

    return open_index(
        *(target.state, repo.root, repo.files), head=lambda: repo.head() or "", activity=activity, wait=wait
    )
