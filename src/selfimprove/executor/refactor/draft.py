"""Draft: what a rewrite proposes for one function or file, before anything has proved it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Added:
    """A function that a rewrite made: where it stands in the new text, from ``def`` (line) to its last line."""

    path: str
    symbol: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Draft:
    """New contents by path, and what they are.

    ``subject`` is the first line of a commit ("Extract _read_header from load"). ``rewrites`` are the names of the
    rewrites in the order in which they were done, ``added`` the functions that are new. ``key`` tells one choice
    from another, the same in every process, so that one which was refused is not made again. ``run`` has, where it
    is known, the lines of the new contents that tests would run.
    """

    files: Mapping[str, bytes]
    subject: str
    rewrites: tuple[str, ...]
    added: tuple[Added, ...] = ()
    key: str = ""
    notes: tuple[str, ...] = field(default=())
    run: Mapping[str, frozenset[int]] = field(default_factory=dict)
