"""Runs: a chain with what it gives in each branch, and what it gives when no key fits."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.small.chains import Chain, chain_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.refactor.small.layout import Layout
    from selfimprove.executor.refactor.small.suites import Suite


class Run(NamedTuple):
    """What can be replaced: from the first statement to the last, with the chain and what each branch gives.

    ``target`` is what is assigned, ``None`` when the branches return. ``default`` is given, or raised, when no
    key fits.
    """

    first: ast.stmt
    last: ast.stmt
    chain: Chain
    target: ast.Name | None
    values: tuple[ast.expr, ...]
    default: ast.expr | ast.Raise


def run_of(layout: Layout, suite: Suite, index: int) -> Run | None:
    """Return the run that begins with the chain at ``index``: its branches return, or assign to one name, each.

    Single ``if`` that follow each other and each return count as one chain. ``None`` when there is none, when a
    branch does something else, or when it is not told what comes out if no key fits.
    """
    chain = _chain_at(layout, suite, index)
    if chain is None or _continues(layout, suite, index, chain):
        return None
    last = index
    while _returned(chain.last.body) is not None and not chain.otherwise:
        more = _chain_at(layout, suite, last + 1)
        if more is None or more.subject != chain.subject:
            break
        chain = Chain(chain.subject, (*chain.arms, *more.arms), more.otherwise)
        last += 1
    if _returned(chain.last.body) is not None:
        return _returning(chain, suite, index, last)
    return _assigning(chain, suite, index)


def _chain_at(layout: Layout, suite: Suite, index: int) -> Chain | None:
    """Return the chain of comparisons by ``==`` at ``index``."""
    node = suite.statements[index] if index < len(suite.statements) else None
    chain = chain_of(layout, node) if isinstance(node, ast.If) else None
    return None if chain is None or any(arm.by_identity for arm in chain.arms) else chain


def _continues(layout: Layout, suite: Suite, index: int, chain: Chain) -> bool:
    """True when a chain that returns stands before this one: it is then the beginning."""
    before = _chain_at(layout, suite, index - 1) if index else None
    if before is None or before.otherwise or before.subject != chain.subject:
        return False
    return _returned(before.last.body) is not None


def _returning(chain: Chain, suite: Suite, index: int, last: int) -> Run | None:
    values = [value for arm in chain.arms if (value := _returned(arm.node.body)) is not None]
    default: ast.expr | ast.Raise | None = None
    end, rest = suite.statements[last], suite.statements[last + 1 : last + 2]
    if chain.otherwise:
        default = _given(chain.otherwise)
    elif rest:
        default, end = _given(rest), rest[0]
    elif suite.end is ast.Return:
        default = ast.Constant(None)
    if default is None or len(values) < len(chain.arms):
        return None
    return Run(suite.statements[index], end, chain, None, tuple(values), default)


def _assigning(chain: Chain, suite: Suite, index: int) -> Run | None:
    node = first = suite.statements[index]
    pairs = [pair for arm in chain.arms if (pair := _assigned(arm.node.body))]
    targets = {target.id for target, _ in pairs}
    if len(pairs) < len(chain.arms) or len(targets) != 1 or chain.subject in targets:
        return None
    default = _given(chain.otherwise, raising=True)
    given = _assigned(chain.otherwise or suite.statements[max(index - 1, 0) : index])
    if given is not None and given[0].id in targets:
        default = given[1]
        first = node if chain.otherwise else suite.statements[index - 1]
    if default is None:
        return None
    return Run(first, node, chain, pairs[0][0], tuple(value for _, value in pairs), default)


def _given(body: Sequence[ast.stmt], *, raising: bool = False) -> ast.expr | ast.Raise | None:
    """Return what ``body`` returns (not when only ``raising`` counts), or its ``raise``; ``None`` for all else."""
    if len(body) == 1 and isinstance(body[0], ast.Raise):
        return body[0]
    return None if raising else _returned(body)


def _returned(body: Sequence[ast.stmt]) -> ast.expr | None:
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None


def _assigned(body: Sequence[ast.stmt]) -> tuple[ast.Name, ast.expr] | None:
    """Return target and value of an assignment to a name."""
    match body:
        case [ast.Assign(targets=[ast.Name() as target], value=value)]:
            return target, value
    return None
