"""Renames: which file of git's history is which file of today, and which function had another name."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.model.history import Change, Commit, History

_One = TypeVar("_One", bound="Hashable")

Place = tuple[str, int]
"""A function within its file: the qualified name, and the ordinal among those of that name."""


class Lineage:
    """One file through history: its ``names``, the first one first, and what ``touched`` it, oldest first."""

    __slots__ = ("names", "touched")

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.touched: list[tuple[Commit, Change]] = []

    @property
    def edits(self) -> list[tuple[Commit, Change]]:
        """What changed the file's content; a file that only moved is the same as before."""
        return [(commit, change) for commit, change in self.touched if change.old != change.new]


def lineages(history: History, uncommitted: Iterable[Change] = ()) -> dict[str, Lineage]:
    """Return the past of every file that is there after ``history``, by its path of today.

    Of the ``uncommitted`` changes the renames count. A path that was deleted and later
    added with other content is a new file; added with the content that it had (a reverted deletion), it is
    the old one. A file that was renamed and whose first name then went to another file is told from it.
    """
    files = _Files()
    for commit in reversed(history.commits):
        files.apply(commit)
    for change in uncommitted:
        if change.old_path not in ("", change.path):
            files.move(change.old_path, change.path)
    return files.live


class _Files:
    """The files as they are at one moment of history, and those that were."""

    def __init__(self) -> None:
        self.live: dict[str, Lineage] = {}
        self.moved: dict[str, Lineage] = {}
        self.deleted: dict[str, tuple[Lineage, str]] = {}

    def apply(self, commit: Commit) -> None:
        """Go over one commit. All of its old names are read before the new ones hold, for files that swap."""
        owners = [self._owner(change) for change in commit.changes]
        for change, lineage in zip(commit.changes, owners, strict=True):
            self._leave(change, lineage)
        for change, lineage in zip(commit.changes, owners, strict=True):
            lineage.touched.append((commit, change))
            # On a side branch a file may be edited under the name that another branch has taken from it.
            elsewhere = change.old_path == change.path and self.moved.get(change.path) is lineage
            if change.new and not elsewhere:
                self._arrive(change.path, lineage)

    def move(self, old: str, new: str) -> None:
        """Take note of a rename that is not committed."""
        lineage = self.live.pop(old, None) or Lineage([old])
        self._arrive(new, lineage)

    def _owner(self, change: Change) -> Lineage:
        if not change.old_path:
            return self.live.get(change.path) or self._restored(change) or Lineage([change.path])
        place = change.old_path
        found = self.live.get(place) or self.moved.get(place)
        return found or self.deleted.get(place, (Lineage([place]), ""))[0]

    def _restored(self, change: Change) -> Lineage | None:
        lineage, blob = self.deleted.get(change.path, (None, ""))
        return lineage if blob == change.new else None

    def _leave(self, change: Change, lineage: Lineage) -> None:
        if not change.new:
            self.live.pop(change.path, None)
            self.deleted[change.path] = lineage, change.old
        elif change.old_path not in ("", change.path):
            self.live.pop(change.old_path, None)
            self.moved[change.old_path] = lineage

    def _arrive(self, path: str, lineage: Lineage) -> None:
        if lineage.names[-1] != path:
            lineage.names.append(path)
        self.live[path] = lineage
        self.moved.pop(path, None)
        self.deleted.pop(path, None)


def places(metrics: FileMetrics) -> dict[Place, str]:
    """Return the functions of a file, each with the hash of its body."""
    return {(one.symbol, one.ordinal): one.body for one in metrics.functions}


def same_named(now: FileMetrics, before: FileMetrics) -> dict[Place, Place]:
    """Return the functions of ``now`` whose name was in ``before``, each with the one there that it was.

    Of several functions of one name those with the same body belong together, also when another one came or
    went above them; of the others those with the same ordinal, and then in the order of the text. Each
    stands for one at most: what is left over is new.
    """
    return pair_up(places(now), places(before), _SAME_NAMED)


def pair_up(
    new: Mapping[_One, str],
    old: Mapping[_One, str],
    keys: Iterable[Callable[[_One, str], Hashable]],
) -> dict[_One, _One]:
    """Return for each of ``new`` the one of ``old`` with the same key; each stands for one at most.

    The values are bodies. Of the ``keys`` (of one and its body) the first one counts most.
    """
    found: dict[_One, _One] = {}
    taken: set[_One] = set()
    for key_of in keys:
        free: defaultdict[Hashable, deque[_One]] = defaultdict(deque)
        for one, body in old.items():
            if one not in taken:
                free[key_of(one, body)].append(one)
        for one, body in new.items():
            if one not in found and (candidates := free.get(key_of(one, body))):
                found[one] = candidates.popleft()
                taken.add(found[one])
    return found


# By what functions of one name are told apart, the surest way first; one without a body has its ordinal.
_SAME_NAMED: tuple[Callable[[Place, str], Hashable], ...] = (
    lambda place, body: (place[0], body or place[1]),
    lambda place, _body: place,
    lambda place, _body: place[0],
)


def renamed_functions(now: FileMetrics, before: FileMetrics) -> dict[Place, Place]:
    """Return the functions of ``now`` that had another name in ``before``, each with where it was there.

    A function counts as renamed when its body is the same, its old name is gone, its new name is new, and no
    other function could be meant on either side.
    """
    there, here = places(before), places(now)
    appeared = _by_body({place: body for place, body in here.items() if place not in there})
    gone = _by_body({place: body for place, body in there.items() if place not in here})
    return {
        new[0]: gone[body][0]
        for body, new in appeared.items()
        if body and len(new) == 1 and len(gone.get(body, ())) == 1
    }


def _by_body(functions: Mapping[Place, str]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place, body in functions.items():
        found.setdefault(body, []).append(place)
    return found
