"""Cutting: which runs of statements of a function may become a function of their own, and why others may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.anatomy import Anatomy
from selfimprove.executor.refactor.analysis.border import cut_at
from selfimprove.executor.refactor.analysis.regions import Region
from selfimprove.executor.refactor.analysis.statements import Traits, unrun_line

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.refactor.analysis.blocks import Block
    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source

MOST_PARAMETERS = 7
MOST_RESULTS = 3
YIELD_FROM = (3, 3)
"""The Python that began to have ``yield from``, and ``return`` with a value in a generator (PEP 380)."""


def cuts(source: Source, place: Place, project: Project) -> Iterator[Cut]:
    """Yield every legal cut of a function that holds a decision, outer blocks first, then by first statement.

    Those with more than seven parameters or three results are left out. What the tests do not execute is too.
    """
    function = Anatomy.of(source, place)
    if function.hazard:
        return
    for block in function.blocks:
        for first in range(len(block.statements)):
            yield from _from(function, block, first, project)


def cut_of(
    source: Source, place: Place, block: Sequence[ast.stmt], first: int, last: int, project: Project
) -> Cut:
    """Return the cut of statements ``first`` to ``last`` of ``block``, one of the lists of statements in ``place``.

    Raises RefactorError, with the reason in plain words, when they may not become a function.
    """
    function = Anatomy.of(source, place)
    if function.hazard:
        raise RefactorError(function.hazard)
    wanted = tuple(block)
    where = next((one for one in function.blocks if one.statements == wanted), None)
    if where is None or not 0 <= first <= last < len(wanted):
        raise RefactorError(f"{place.symbol} has no such statements")
    region, traits = Region(), Traits()
    for number, statement in enumerate(wanted[first : last + 1]):
        if reason := _stays(function, statement, project):
            raise RefactorError(reason)
        region = region.then(function.region(statement))
        traits = traits.then(function.traits(statement), first=not number)
    return cut_at(function, where, first, last, region, traits)


def _from(function: Anatomy, block: Block, first: int, project: Project) -> Iterator[Cut]:
    """Yield the cuts that begin at one statement. What goes in only grows with each further statement."""
    region, traits = Region(), Traits()
    for last in range(first, len(block.statements)):
        statement = block.statements[last]
        if not region.ends or _stays(function, statement, project):
            return
        region = region.then(function.region(statement))
        traits = traits.then(function.traits(statement), first=last == first)
        if function.reads_in(block, first, region).bit_count() > MOST_PARAMETERS + 1:
            return
        if not traits.decides:
            continue
        try:
            cut = cut_at(function, block, first, last, region, traits)
        except RefactorError:
            continue
        if len(cut.parameters) <= MOST_PARAMETERS and len(cut.results) <= MOST_RESULTS:
            yield cut


def _stays(function: Anatomy, statement: ast.stmt, project: Project) -> str:
    """Return why a statement may not move, alone or with others; ``""`` when it may."""
    if statement is function.docstring:
        return "the docstring stays"
    lines = project.covered.get(function.source.path)
    if lines is not None and (line := unrun_line(statement, lines)):
        return f"line {line} is not run by any test"
    traits = function.traits(statement)
    if traits.yields and project.minimum < YIELD_FROM:
        return "Python {}.{} has no yield from".format(*project.minimum)
    return traits.hazard
