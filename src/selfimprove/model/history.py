"""History: commits and what each changed, as git's log tells it without a checkout."""

from __future__ import annotations

from typing import NamedTuple

MEASURED = (".py", ".ipynb")
"""How the names of the files end that are measured, and that history is about."""


class Change(NamedTuple):
    """One file in one commit. ``old`` and ``new`` are blob ids in hex, ``""`` where the file is not there.

    ``old_path`` differs from ``path`` when the file was renamed; it is ``""`` for an added file. For a
    deleted one ``path`` is where it was.
    """

    old: str
    new: str
    old_path: str
    path: str


class Commit(NamedTuple):
    """One commit that is no merge, with the Python files and notebooks that it changed.

    ``time`` is the author's, in seconds since the epoch; ``author`` is a name as .mailmap corrects it.
    """

    id: str
    time: float
    author: str
    subject: str
    changes: tuple[Change, ...] = ()


class History(NamedTuple):
    """The ``commits`` that lead to HEAD, the newest first.

    ``shallow`` says that the clone ends before the first commit of the project; ``cut`` that only the newest
    commits were read because there are very many.
    """

    commits: tuple[Commit, ...] = ()
    shallow: bool = False
    cut: bool = False
