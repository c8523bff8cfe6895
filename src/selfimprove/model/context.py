"""Context: what of the repository a prompt shows, and where its tokens went."""

from __future__ import annotations

from typing import NamedTuple

OWN, NAMED, FOUND, CALLED = "own", "named", "found", "called"
"""Why a place is shown: the task says that the file is its own, or names it; search found the lines; what was
found calls them."""


class Place(NamedTuple):
    """Lines of a file that matter for a task; ``end`` 0 is the whole file.

    Lines are counted from 1 and are those of the commit that the task starts from. ``symbol`` is the
    qualified name of what they define, ``""`` if nothing. ``role`` is one of the words above.
    """

    path: str
    start: int
    end: int
    symbol: str
    role: str


class Spent(NamedTuple):
    """Tokens of one part of a prompt.

    ``section`` is one of SECTIONS. ``what`` is a path with its lines, or says it in words. ``mode`` is how
    much of it is shown: ``whole``, ``chunk``, ``signature``, ``summary`` or ``cut`` (its beginning and end).
    """

    section: str
    what: str
    mode: str
    tokens: int


SECTIONS = (
    "instructions",
    "task",
    "own files",
    "related code",
    "summaries",
    "file names",
    "lessons",
    "failures",
    "frame",
)
"""``frame`` are the lines that part one piece from the next."""


class TokenAllocation(NamedTuple):
    """Where the tokens of a prompt went. The parts add up to ``used``, which is never over ``budget``.

    ``counter`` names the rule by which tokens were counted, ``exact`` says that it is the model's own.
    """

    budget: int
    used: int
    counter: str
    exact: bool
    parts: tuple[Spent, ...] = ()

    def sections(self) -> dict[str, int]:
        """Return the tokens of each of SECTIONS that has some."""
        sums = {name: sum(part.tokens for part in self.parts if part.section == name) for name in SECTIONS}
        return {name: tokens for name, tokens in sums.items() if tokens}


class Context(NamedTuple):
    """The part of a prompt that comes from the repository.

    ``text`` is ready to be sent. ``shown`` are the lines in it; ``left_out`` are files that were wanted and
    are not there, each with the reason.
    """

    text: str
    allocation: TokenAllocation
    shown: tuple[Place, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
