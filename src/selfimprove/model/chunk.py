"""Chunk: a piece of a source file that search finds and a prompt shows, and what is known of it."""

from __future__ import annotations

from typing import NamedTuple


class Chunk(NamedTuple):
    """A run of lines: a function, a method, the head of a class, or what stands between them.

    ``start`` and ``end`` are the first and the last line, counted from 1. ``kind`` is one of KINDS. ``symbol``
    is the bare name, ``qualified`` the name with those around it (``Invoice.total``), both ``""`` for code
    that has none. ``signature`` is the definition's head on one line. ``references`` are the names that the
    lines call or otherwise use of others, each once, in their order.
    """

    start: int
    end: int
    kind: str
    symbol: str = ""
    qualified: str = ""
    signature: str = ""
    references: tuple[str, ...] = ()


KINDS = ("function", "method", "class", "module", "block", "section")
"""``module`` is code between definitions, ``block`` lines without a grammar, ``section`` a heading's text."""


class FileChunks(NamedTuple):
    """How a file was cut: its chunks do not overlap, and every line that is not blank is in one of them.

    ``imports`` are the modules that it names. ``problem`` says why it was cut by lines only, ``""`` if not.
    """

    language: str
    chunks: tuple[Chunk, ...]
    imports: tuple[str, ...] = ()
    problem: str = ""


class Hit(NamedTuple):
    """An answer of search. A higher ``score`` is better; ``why`` names what spoke for it, strongest first."""

    path: str
    start: int
    end: int
    symbol: str
    kind: str
    signature: str
    language: str
    score: float
    why: tuple[str, ...] = ()
