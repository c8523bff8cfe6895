"""Cut: a run of statements that can become a function of its own, and how control and values cross its border."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from selfimprove.executor.refactor.source import Place


class Leaves(StrEnum):
    """How control leaves a cut, and so what stands in its place.

    ``END``: at its end only (or by raising): ``a, b = helper(x)``. ``RETURN``: never at its end with something of
    the function to follow: ``return helper(x)``. ``PASS``: like RETURN, but nothing follows and nothing is
    returned, so that a plain call does. ``GUARD``: at its end, or by a jump that is always the same:
    ``if helper(x): return`` (or ``return CONSTANT``, ``continue``, ``break``). ``MAYBE``: at its end, or by
    returning a value that is never None: ``found = helper(x)`` and ``if found is not None: return found``.
    """

    END = "end"
    RETURN = "return"
    PASS = "pass"  # noqa: S105
    GUARD = "guard"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class Cut:
    """Statements ``first`` to ``last`` (indices, both in it) of ``block``, a list of statements inside of ``place``.

    ``parameters`` are the local names that go in, ``results`` those that come out (only for END), each in the
    order of their first appearance in the function's text. ``jump`` is, for GUARD, the statement that follows
    when the helper says true (one of those in the cut). ``loop`` says that a ``continue`` in the cut means its
    end, since it is the tail of a loop's body. ``is_async`` asks for ``async def`` and ``await``,
    ``is_generator`` for ``yield from``. ``receiver`` is the name of the method's first parameter when the helper
    is to be a method (it uses super(), a private __name, or that parameter), else ``""``; it is then not in
    ``parameters``. ``global_names`` are those that need a ``global`` statement.
    """

    place: Place
    block: tuple[ast.stmt, ...]
    first: int
    last: int
    parameters: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    leaves: Leaves = Leaves.END
    jump: ast.stmt | None = None
    loop: bool = False
    is_async: bool = False
    is_generator: bool = False
    receiver: str = ""
    global_names: tuple[str, ...] = ()

    @property
    def statements(self) -> tuple[ast.stmt, ...]:
        """The statements that move."""
        return self.block[self.first : self.last + 1]
