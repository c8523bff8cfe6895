"""Dispatch: a long chain of comparisons becomes a table that is looked up, or a ``match`` statement."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.limit import line_limit
from selfimprove.executor.refactor.small.chains import chain_of
from selfimprove.executor.refactor.small.layout import layout_of
from selfimprove.executor.refactor.small.lookup import as_table
from selfimprove.executor.refactor.small.matching import as_match
from selfimprove.executor.refactor.small.rounds import Change, settle
from selfimprove.executor.refactor.small.suites import suites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source, Splice

_MATCH = (3, 10)  # the first Python with the statement


def dispatch(source: Source, project: Project, place: Place | None) -> list[Splice]:
    """Return splices that replace chains of four or more branches that compare one name with constants.

    Where each branch only gives a constant, a table does; else ``match``, if the project's oldest Python has it.
    """
    longest = line_limit(source)

    def changes(now: Source, at: Place | None) -> Iterator[Change]:
        layout = layout_of(now)
        for suite in suites(now, at):
            for index, node in enumerate(suite.statements):
                if not isinstance(node, ast.If) or (chain := chain_of(layout, node)) is None:
                    continue
                table = as_table(layout, suite, index, project, longest)
                if table is not None:
                    yield table
                    return  # the next one must see its name
                change = as_match(layout, suite, chain, longest) if project.minimum >= _MATCH else None
                if change is not None:
                    yield change

    return settle(source, place, changes)
