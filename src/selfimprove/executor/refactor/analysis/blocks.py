"""Blocks: the lists of statements in a function, where each stands, and what follows a run of statements."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPS = (ast.For, ast.AsyncFor, ast.While)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Block:
    """A list of statements. ``owner`` is the statement that it belongs to, ``part`` which of its lists it is.

    The bodies of ``except`` and ``case`` are parts of the ``try`` and ``match``. ``outer`` is the block in which
    the owner stands, at ``index``. ``elif_`` says that it is an ``elif`` with all that follows it in the chain.
    """

    statements: tuple[ast.stmt, ...]
    owner: ast.stmt | None = None
    part: str = "body"
    outer: Block | None = None
    index: int = 0
    elif_: bool = False


def blocks_of(function: ast.AST) -> Iterator[Block]:
    """Yield the blocks of a function, outer ones first, without those of functions and classes in it."""
    node: Any = function
    todo = [Block(tuple(node.body))]
    while todo:
        block = todo.pop(0)
        yield block
        for index, statement in enumerate(block.statements):
            if not isinstance(statement, _DEFINITIONS):
                todo += [
                    Block(suite, statement, part, block, index, is_elif(statement, part, suite))
                    for part, suite in suites_of(statement)
                ]


def suites_of(statement: ast.stmt) -> Iterator[tuple[str, tuple[ast.stmt, ...]]]:
    """Yield the lists of statements directly in a compound statement, each with the name of the part it is of."""
    node: Any = statement
    for part in ("body", "handlers", "cases", "orelse", "finalbody"):
        found = getattr(node, part, ())
        if part in ("handlers", "cases"):
            yield from ((part, tuple(one.body)) for one in found)
        elif found:
            yield part, tuple(found)


def is_elif(owner: ast.stmt, part: str, suite: tuple[ast.stmt, ...]) -> bool:
    """Tell whether ``suite`` of ``owner`` is written as ``elif``."""
    return (
        isinstance(owner, ast.If)
        and part == "orelse"
        and isinstance(suite[0], ast.If)
        and suite[0].col_offset == owner.col_offset
    )


def ends_with(block: Block, last: int) -> ast.AST | None:
    """Return what is over when statement ``last`` of ``block`` is: a loop's round, or the function (Module).

    ``None`` when something else follows. That a ``with`` is left on the way, or a ``finally`` runs, is no
    difference: a jump from there does the same.
    """
    where = block
    while last == len(where.statements) - 1:
        owner = where.owner
        if owner is None or where.outer is None:
            return ast.Module([], [])
        if isinstance(owner, LOOPS) and where.part == "body":
            return owner
        if where.part == "finalbody":
            return None
        if where.part == "body" and isinstance(owner, (ast.Try, ast.TryStar)) and owner.orelse:
            return None
        where, last = where.outer, where.index
    return None


def following(block: Block, last: int) -> ast.stmt | None:
    """Return the statement that is run next whenever statement ``last`` of ``block`` has come to its end.

    ``None`` when there is none: the function is over, a loop goes round, or a ``finally`` may go on elsewhere.
    """
    where = block
    while last == len(where.statements) - 1:
        owner: Any = where.owner
        if owner is None or where.outer is None or where.part == "finalbody":
            return None
        if isinstance(owner, LOOPS) and where.part == "body":
            return None
        if isinstance(owner, (ast.Try, ast.TryStar)):
            after = owner.orelse if where.part == "body" and owner.orelse else owner.finalbody
            if after:
                return after[0]
        where, last = where.outer, where.index
    return where.statements[last + 1]


def jumps_out(statements: tuple[ast.stmt, ...]) -> list[ast.stmt]:
    """Return the statements that lead out of a run: each return, and break or continue of a loop around it."""
    found: list[ast.stmt] = []
    todo = [(statement, False) for statement in reversed(statements)]
    while todo:
        statement, looped = todo.pop()
        if isinstance(statement, ast.Return) or (
            not looped and isinstance(statement, (ast.Break, ast.Continue))
        ):
            found.append(statement)
        if isinstance(statement, _DEFINITIONS):
            continue
        inner = [
            (one, looped or (isinstance(statement, LOOPS) and part == "body"))
            for part, suite in suites_of(statement)
            for one in suite
        ]
        todo += reversed(inner)
    return found
