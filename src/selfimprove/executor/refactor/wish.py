"""Wish: which function or file is to be rewritten, by which rewrites, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. ``symbol`` is the function's qualified name, ``""`` for all of the file.

    ``ordinal`` tells apart functions of one name in a file, from 1. ``rewrites`` are names in the table, in the order
    in which they are tried. ``aims`` maps fields of FunctionMetrics (``complexity``, ``cognitive``, ``length``,
    ``nesting``, ``branches``) to the highest value that the function may have afterwards, and each new function
    with it; without any, whatever the rewrites do is fine. ``least`` is what will do where ``aims`` are out of reach.
    ``by_hand`` says that a person named the rewrites.
    """

    path: str
    symbol: str = ""
    ordinal: int = 1
    rewrites: tuple[str, ...] = ()
    aims: Mapping[str, int] = field(default_factory=dict)
    least: Mapping[str, int] = field(default_factory=dict)
    by_hand: bool = False

    @property
    def name(self) -> str:
        """What a person calls it: the function without its class, or the file."""
        return self.symbol.rpartition(".")[2] if self.symbol else self.path.rpartition("/")[2]
