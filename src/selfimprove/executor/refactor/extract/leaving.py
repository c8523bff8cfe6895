"""Leaving: the jumps by which control leaves a cut, and what they become in the helper and at the call."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import Scope
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.cut import Leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from selfimprove.executor.refactor.cut import Cut

Jump = ast.Return | ast.Break | ast.Continue
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def jumps(statements: Iterable[ast.stmt], *, looped: bool = False) -> Iterator[Jump]:
    """Yield the statements that lead out of ``statements``: returns, and jumps of a loop that is around them all."""
    for node in statements:
        if isinstance(node, ast.Return) or (isinstance(node, ast.Break | ast.Continue) and not looped):
            yield node
        if isinstance(node, Scope):
            continue
        inside = looped or isinstance(node, _LOOPS)
        yield from jumps(getattr(node, "body", ()), looped=inside)
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            yield from jumps(part.body, looped=looped)
        yield from jumps(getattr(node, "orelse", ()), looped=looped)
        yield from jumps(getattr(node, "finalbody", ()), looped=looped)


def jumps_changed(cut: Cut) -> dict[Jump, str]:
    """Return what each jump of the cut becomes in the helper; one that stays is not in it.

    Raises RefactorError for a jump that no helper can make.
    """
    found: dict[Jump, str] = {}
    for jump in jumps(cut.statements):
        if cut.leaves is Leaves.GUARD and isinstance(jump, type(cut.jump)):
            found[jump] = "return True"
        elif isinstance(jump, ast.Continue) and cut.loop:
            found[jump] = end_of(cut) or "return"
        elif not isinstance(jump, ast.Return) or cut.leaves in (Leaves.END, Leaves.GUARD):
            raise RefactorError(f"line {jump.lineno} jumps out of what would be extracted")
    return found


def needless(cut: Cut) -> set[Jump]:
    """Return the jumps that would only lead to the helper's end, at which they stand, behind something else."""
    if cut.leaves not in (Leaves.END, Leaves.PASS):
        return set()
    return set(_last_jumps(cut.statements))


def _last_jumps(block: Sequence[ast.stmt]) -> Iterator[Jump]:
    *before, last = block
    if isinstance(last, ast.If):
        yield from _last_jumps(last.body)
        if last.orelse:
            yield from _last_jumps(last.orelse)
    elif before and (isinstance(last, ast.Continue) or (isinstance(last, ast.Return) and last.value is None)):
        yield last


def end_of(cut: Cut) -> str:
    """Return the last statement of the helper, ``""`` when none is needed."""
    if cut.leaves is Leaves.GUARD:
        return "return False"
    if cut.leaves is Leaves.MAYBE:
        return "return None"
    if cut.leaves is Leaves.END and cut.results:
        return f"return {', '.join(cut.results)}"
    return ""
