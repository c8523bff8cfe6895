"""Wiring of the index: opens that of a repository, with git telling which files there are and how they lived."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from selfimprove.target import STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from selfimprove.codebase.index import Index
    from selfimprove.codebase.meaning import Meaning
    from selfimprove.target import Target


def build_index(
    target: Target,
    wait: Callable[[str], object] = lambda _: None,
    *,
    to_read: bool = False,
    begin: bool = True,
    state: Path | None = None,
) -> Index:
    """Return the index of the repository as it is; it is made, or brought up to date, by `Index.update`.

    It lies in the repository's own folder of ours, which git is told to ignore unless the index is only
    opened ``to_read``, or in a temporary one where that cannot be written to. ``wait`` is told when another
    process is updating it. ``begin`` is that of `beside`, ``state`` another folder to have the index in.
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
        *(state or target.state, repo.root, repo.files),
        head=lambda: repo.head() or "",
        activity=activity,
        wait=wait,
        **beside(target, begin=begin),
    )


def beside(target: Target, *, begin: bool = True) -> dict[str, Any]:
    """Return what the settings want an index to have beside it, as `open_index` takes it.

    With ``begin``, MiniLM's vectors that are missing after an update are made by a process in the background.
    """
    found: dict[str, Any] = {}
    if target.settings.index.faiss:
        from selfimprove.codebase.dense import Dense

        found["dense"] = Dense(target.state)
    if target.settings.index.minilm:
        from selfimprove.codebase.meaning import Meaning

        found["meaning"] = Meaning(target.state, (lambda: _begin(target)) if begin else None)
    return found


def _begin(target: Target) -> None:
    """Make MiniLM's vectors in the background."""
    import sys

    from selfimprove.codebase.meaning import Meaning
    from selfimprove.settings import variable_name
    from selfimprove.tools.background import start_in_background

    command = [sys.executable, "-m", "selfimprove", "-C", str(target.repo.root), "index", "--minilm"]
    url = target.settings.index.redis
    environ = {**target.environ, **({variable_name("index.redis"): url} if url else {})}
    start_in_background(command, environ, Meaning(target.state).log)


def embed_all(
    target: Target,
    index: Index,
    progress: Callable[[int, int], object],
    say: Callable[[str], object] = lambda _: None,
) -> int:
    """Make MiniLM's vectors that ``index`` lacks, unless another process does; return how many were made.

    Raises MissingTool without the parts of MiniLM, and StateError when they cannot be kept.
    """
    from selfimprove.codebase.meaning import INSTALL, Meaning
    from selfimprove.codebase.minilm import NotInstalled
    from selfimprove.errors import MissingTool, StateError

    meaning = index.meaning or Meaning(target.state)
    try:
        with meaning.alone() as free:
            if not free:
                say("another process is making MiniLM's vectors already")
                return 0
            made = _embed(target, index, meaning, progress, say)
            meaning.forget_old(index)
            return made
    except (NotInstalled, ImportError) as error:
        raise MissingTool(str(error), hint=INSTALL) from None
    except OSError as error:
        raise StateError(f"MiniLM's vectors cannot be kept: {error}", where=str(meaning.path)) from error


def _embed(
    target: Target,
    index: Index,
    meaning: Meaning,
    progress: Callable[[int, int], object],
    say: Callable[[str], object],
) -> int:
    from selfimprove.codebase.minilm import WIDTH, MiniLM, folder
    from selfimprove.settings import masked
    from selfimprove.tools.background import in_background
    from selfimprove.tools.shared_vectors import SharedVectors
    from selfimprove.tools.spread import processors

    folder()  # before any work: what is missing is told at once
    plan = meaning.plan(index)
    if not plan:
        return 0
    index.close()  # for hours, maybe: a reader would keep others from tidying up the index
    url = target.settings.index.redis
    shared = SharedVectors(url, MiniLM.version, WIDTH) if url else None
    threads = 1 if in_background() else processors()
    try:
        return meaning.fill_up(target.repo.root, plan, shared, progress, threads)
    finally:
        index.refresh()
        if shared:
            shared.close()
            if shared.problem:
                say(f"note: {masked(shared.problem)}")
