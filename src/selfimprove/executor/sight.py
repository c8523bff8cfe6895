"""Sight: what a prompt is made with, and the choice of what it shows: own files, named ones, code that was found."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfimprove.codebase.context import question, tidy
from selfimprove.codebase.pages import below
from selfimprove.codebase.related import Files, find, find_all, most_places
from selfimprove.errors import PatchError, SelfimproveError
from selfimprove.executor.patching.apply import read_files
from selfimprove.executor.patching.coding import decode
from selfimprove.model.context import FOUND, NAMED, OWN, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from selfimprove.codebase.index import Index
    from selfimprove.codebase.tokens import Counter
    from selfimprove.model.task import Task
    from selfimprove.tools.git.repo import Repo

MOST_FILES = 20
"""Files that are shown whole at most. Of a folder with more, those in which search found something come first."""

_NAME = re.compile(r"[\w./-]+")


@dataclass(frozen=True, slots=True)
class Sight:
    """What the prompts of a run are made with.

    ``tokens`` is the most that a prompt may have, by ``counter``. ``index`` gives the index, brought up to
    date when it is first asked for, None where there can be none. ``secrets`` are values that are not shown;
    ``tell`` is told what a person should know. ``style`` is the form in which edits are asked for.
    """

    tokens: int
    counter: Counter
    index: Callable[[], Index | None]
    secrets: Sequence[str] = ()
    tell: Callable[[str], object] = lambda _: None
    style: str = "search_replace"

    def files(self, read: Callable[[str], bytes | None]) -> Files:
        """Return the files that ``read`` gives, decoded as the edits of a reply are."""
        return Files(read, lambda content, path: decode(content, path)[0], self.secrets)


def reader(root: Path) -> Callable[[str], bytes | None]:
    """Return what reads the files below ``root``; a link is not followed."""

    def read(path: str) -> bytes | None:
        with contextlib.suppress(PatchError, OSError):
            return read_files(root, (path,)).get(path)
        return None

    return read


def choose(task: Task, names: Sequence[str], files: Files, sight: Sight, repo: Repo) -> tuple[Place, ...]:
    """Return what a prompt for ``task`` should show, the most important first; ``names`` are the files there are.

    Own and named files stand for themselves whole; the other places are lines of ``files``.
    """
    known = frozenset(names)
    places = _found(task, names, files, sight) or _grepped(task, files, sight, repo)
    places = tuple(place for place in places if place.path in known)
    own = own_files(task, names, places)
    named = [path for path in _named(task, known) if path not in own]
    whole = [Place(path, 1, 0, "", OWN) for path in own] + [Place(path, 1, 0, "", NAMED) for path in named]
    return (*whole, *places)


def own_files(task: Task, names: Sequence[str], found: Sequence[Place] = ()) -> tuple[str, ...]:
    """Return the files that the task says it may change, at most MOST_FILES.

    A folder stands for the files in it: for all when they are few, else for those of the places ``found``.
    """
    known = frozenset(names)
    chosen: list[str] = []
    for asked in map(tidy, task.files):
        inside = [asked] if asked in known else [name for name in names if below(name, [asked])]
        if len(inside) > MOST_FILES:
            inside = [place.path for place in found if below(place.path, [asked])] or inside
        chosen += inside
    return tuple(dict.fromkeys(chosen))[:MOST_FILES]


def _named(task: Task, known: frozenset[str]) -> list[str]:
    """Return the files that the task's text names."""
    words = (word.strip(".").removeprefix("./") for word in _NAME.findall(question(task)))
    return list(dict.fromkeys(word for word in words if word in known))[:MOST_FILES]


_BROKEN = (SelfimproveError, ImportError, OSError, sqlite3.Error, LookupError, ValueError, TypeError)
"""What an index can fail with that lacks a part or was damaged meanwhile: the task goes on without it."""


def _found(task: Task, names: Sequence[str], files: Files, sight: Sight) -> tuple[Place, ...]:
    """Return what search finds in the index; nothing where there is none."""
    index, words = sight.index(), question(task)
    if index is None:
        return ()
    try:
        own = own_files(task, names)
        if len(own) == MOST_FILES:  # a folder: which of its files, search tells
            own = own_files(task, names, find(words, index, files, most_places(sight.tokens)).places)
        return find_all(words, index, files, own, sight.tokens).places
    except _BROKEN as error:
        sight.tell(f"the index could not be searched: {error}")
        return ()


def _grepped(task: Task, files: Files, sight: Sight, repo: Repo) -> tuple[Place, ...]:
    """Return the lines that hold most of the words, in files that are as they stand in the person's tree."""
    from selfimprove.codebase.search import grep_search

    read = reader(repo.root)
    try:
        hits = grep_search(repo, question(task), most_places(sight.tokens))
    except _BROKEN as error:
        sight.tell(f"the code could not be searched: {error}")
        return ()
    return tuple(
        Place(hit.path, hit.start, hit.end, "", FOUND)
        for hit in hits
        if (content := files.content(hit.path)) is not None and content == read(hit.path)
    )
