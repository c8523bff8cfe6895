"""Placing: where the tests of a group go in a repository, under a name that clashes with nothing there."""

from __future__ import annotations

import posixpath
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.commands import toml_of
from selfimprove.executor.testing.intent import is_test_file
from selfimprove.model.task import slug

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_FOLDERS = ("tests", "test", "testing")
_LONGEST = 50  # characters of a name that comes from a task's id


class Spot(NamedTuple):
    """A file to be written for a ``group``, and the empty files that make packages of the folders on its way."""

    group: str
    path: str
    packages: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All that will be written."""
        return (self.path, *self.packages)


def spot_for(group: str, task_id: str, folder: str, names: Collection[str], taken: Collection[str]) -> Spot:
    """Return where the tests of ``group`` go below ``folder``; ``taken`` are paths that others will have.

    The name is like those of the repository's other tests. It is that of no other Python file: without packages
    pytest imports test files by their bare names.
    """
    tests = [PurePosixPath(name).stem for name in names if is_test_file(name)]
    behind = sum(stem.endswith("_test") for stem in tests) * 2 > len(tests)
    stems = {PurePosixPath(name).stem for name in (*names, *taken) if name.endswith(".py")}
    word = slug(task_id, limit=_LONGEST).replace("-", "_")
    words = [word, f"{word}_{group}", *(f"{word}_{number}" for number in range(2, 1000))]
    forms = (f"{one}_test" if behind else f"test_{one}" for one in words)
    stem = next(form for form in forms if form not in stems)
    place = f"{folder}/{group}" if folder else group
    package = f"{place}/__init__.py"
    wanted = f"{folder}/__init__.py" in names and package not in names and package not in taken
    return Spot(group, f"{place}/{stem}.py", (package,) if wanted else ())


def folder_of_tests(root: Path, names: Sequence[str], changed: Sequence[str], project: str = ".") -> str:
    """Return the folder that holds the tests of what ``changed``, ``tests`` where there is none yet.

    Of several the one that is nearest to the changed files is taken, then the one with the most tests. ``project``
    is the folder in which the tests are run; what its pytest is told to look at (``testpaths``) decides first.
    """
    inside = "" if project == "." else f"{project}/"
    told = _testpaths(root / project)
    found = Counter(_top(name) for name in names if is_test_file(name) and name.startswith(inside))
    found.pop("", None)
    fit = [one for one in found if not told or any(_is_below(one, f"{inside}{path}") for path in told)]
    if not fit:
        chosen = plain_folder(f"{inside}{told[0]}", inside, names) if told else None
        return f"{inside}tests" if chosen is None else chosen
    return min(fit, key=lambda one: (-_shared(one, changed), -found[one], one))


def plain_folder(chosen: str, inside: str, names: Collection[str]) -> str | None:
    """Return ``chosen`` in its plainest form (``""``: the root), ``None`` when it is no folder below ``inside``."""
    where = posixpath.normpath(chosen)
    outside = where.startswith(("/", "../")) or where == ".." or not f"{where}/".startswith(inside)
    if outside or where.endswith(".py") or where in names:
        return None
    return "" if where == "." else where


def _top(name: str) -> str:
    """Return the folder of tests around a file, ``""`` for none."""
    parts = PurePosixPath(name).parts[:-1]
    at = next((index for index, part in enumerate(parts) if part.lower() in _FOLDERS), -1)
    return "/".join(parts[: at + 1])


def _shared(folder: str, changed: Sequence[str]) -> int:
    """Return how many folders the parent of ``folder`` and the changed files have in common, at most."""
    parent = PurePosixPath(folder).parent.parts
    best = 0
    for path in changed:
        other = PurePosixPath(path).parts
        same = [one == two for one, two in zip(parent, other, strict=False)]
        best = max(best, same.index(False) if False in same else len(same))
    return best


def _is_below(folder: str, path: str) -> bool:
    clean = path.rstrip("/")
    return clean in ("", ".") or folder == clean or folder.startswith(f"{clean}/")


def _testpaths(place: Path) -> list[str]:
    tool = toml_of(place / "pyproject.toml").get("tool", {})
    section = tool.get("pytest", {})
    options = section.get("ini_options", {}) if isinstance(section, dict) else {}
    said = options.get("testpaths", []) if isinstance(options, dict) else []
    paths = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    plain = [str(path).removeprefix("./").rstrip("/") for path in paths]
    return [
        path
        for path in plain
        if path and not path.startswith("/") and not any(mark in path for mark in "*?[")
    ]
