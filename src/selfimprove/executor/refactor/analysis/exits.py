"""Exits: how control leaves a run of statements, and so which kind of call can stand in its place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.blocks import LOOPS, Block, ends_with, jumps_out
from selfimprove.executor.refactor.analysis.vocabulary import NEVER_NONE, NEVER_NONE_METHODS
from selfimprove.executor.refactor.cut import Leaves

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_DISPLAYS = (
    ast.Compare,
    ast.JoinedStr,
    ast.List,
    ast.Tuple,
    ast.Set,
    ast.Dict,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Lambda,
)


class Exit(NamedTuple):
    """How a run is left; the fields are those of ``Cut``."""

    leaves: Leaves
    jump: ast.stmt | None = None
    loop: bool = False


class Way(NamedTuple):
    """What is known of a run: its block and last index, whether its end is reached, and of the function around it.

    ``stable`` are the local variables that the run does not change. ``sound`` are names that are sure to be what
    they are called: builtins that nothing hides, and classes of the module.
    """

    block: Block
    last: int
    ends: bool
    generator: bool
    asynchronous: bool
    stable: Collection[str] = ()
    sound: Collection[str] = ()
    constants: Collection[str] = ()


def exit_of(statements: tuple[ast.stmt, ...], way: Way) -> Exit:
    """Return how a run is left. Raises RefactorError when no kind of call can stand in its place."""
    jumps = jumps_out(statements)
    behind = ends_with(way.block, way.last)
    at_end = isinstance(behind, ast.Module)
    loop = isinstance(behind, LOOPS) and any(isinstance(one, ast.Continue) for one in jumps)
    if loop:
        jumps = [one for one in jumps if not isinstance(one, ast.Continue)]
    ends = way.ends or loop
    returns = [one for one in jumps if isinstance(one, ast.Return)]
    if not jumps:
        return _without_jump(ends=ends, loop=loop, at_end=at_end)
    if len(returns) == len(jumps) and (at_end or not ends):
        return _returning(returns, way, at_end=at_end, loop=loop)
    if not ends:
        raise RefactorError("it always jumps out of the loop around it")
    return _telling(jumps, returns, way, loop=loop)


def _telling(jumps: Sequence[ast.stmt], returns: Sequence[ast.Return], way: Way, *, loop: bool) -> Exit:
    """Return how a run is left that comes to its end on some paths, and jumps on others."""
    if _all_alike(jumps) and _repeatable(jumps[0], way):
        return Exit(Leaves.GUARD, jumps[0], loop)
    if len(returns) < len(jumps):
        raise RefactorError("it leaves the loop around it in more than one way")
    if way.generator:
        raise RefactorError("it returns values from a generator")
    if all(_is_constant(one.value, way) or never_none(one.value, way.sound) for one in returns):
        return Exit(Leaves.MAYBE, None, loop)
    raise RefactorError("it returns a value on some paths and goes on at others, and the value may be None")


def _without_jump(*, ends: bool, loop: bool, at_end: bool) -> Exit:
    if not ends and not at_end:
        raise RefactorError("it never comes to its end, it always raises")
    return Exit(Leaves.END, None, loop)


def _returning(returns: Sequence[ast.Return], way: Way, *, at_end: bool, loop: bool) -> Exit:
    if all(_bare(one) for one in returns) and at_end:
        return Exit(Leaves.PASS, None, loop)
    if way.generator and (way.asynchronous or not all(_bare(one) for one in returns)):
        raise RefactorError("it returns from a generator")
    return Exit(Leaves.RETURN, None, loop)


def _bare(one: ast.Return) -> bool:
    return one.value is None


def _all_alike(jumps: Sequence[ast.stmt]) -> bool:
    return len({ast.dump(one) for one in jumps}) == 1


def _repeatable(jump: ast.stmt, way: Way) -> bool:
    """Tell whether the jump means the same when the caller makes it after the call."""
    if not isinstance(jump, ast.Return) or jump.value is None:
        return True
    if way.generator:
        return False
    value = jump.value
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        value = value.operand
    if isinstance(value, ast.Name):
        return value.id in way.stable or (value.id == "NotImplemented" and value.id in way.sound)
    if isinstance(value, (ast.List, ast.Tuple)):
        return not value.elts
    return isinstance(value, ast.Constant) or (isinstance(value, ast.Dict) and not value.keys)


def _is_constant(value: ast.expr | None, way: Way) -> bool:
    return isinstance(value, ast.Name) and value.id in way.constants


def never_none(value: ast.expr | None, sound: Collection[str]) -> bool:
    """Tell whether an expression cannot be None; ``sound`` as in ``Way``."""
    if isinstance(value, ast.Constant):
        return value.value is not None
    if isinstance(value, ast.UnaryOp):
        return isinstance(value.op, ast.Not) or never_none(value.operand, sound)
    if isinstance(value, ast.BinOp):
        return _plain(value, sound)
    if isinstance(value, ast.BoolOp):
        # `a or b` is `a` only when that is true, and None is not
        decided = value.values[-1:] if isinstance(value.op, ast.Or) else value.values
        return all(never_none(one, sound) for one in decided)
    if isinstance(value, ast.IfExp):
        return never_none(value.body, sound) and never_none(value.orelse, sound)
    if isinstance(value, ast.Call):
        return _call_never_none(value.func, sound)
    return isinstance(value, _DISPLAYS)


def _call_never_none(function: ast.expr, sound: Collection[str]) -> bool:
    if isinstance(function, ast.Name):
        return function.id in sound and function.id != "NotImplemented"
    return (
        isinstance(function, ast.Attribute)
        and function.attr in NEVER_NONE_METHODS
        and isinstance(function.value, (ast.Constant, ast.JoinedStr))
    )


def _plain(value: ast.expr, sound: Collection[str]) -> bool:
    """Tell whether an operand is of a built-in type, so that arithmetic on it gives no None."""
    if isinstance(value, ast.BinOp):
        formats = isinstance(value.op, ast.Mod) and isinstance(value.left, (ast.Constant, ast.JoinedStr))
        return _plain(value.left, sound) and (formats or _plain(value.right, sound))
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in NEVER_NONE and value.func.id in sound
    return isinstance(value, (ast.Constant, *_DISPLAYS)) and never_none(value, sound)


BUILTINS_NEVER_NONE = NEVER_NONE | {"NotImplemented"}
