"""Border: judges one run of statements by what crosses its border, and describes it as a cut."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.blocks import jumps_out
from selfimprove.executor.refactor.analysis.exits import Exit, Way, exit_of
from selfimprove.executor.refactor.cut import Cut, Leaves

if TYPE_CHECKING:
    from selfimprove.executor.refactor.analysis.anatomy import Anatomy, Border
    from selfimprove.executor.refactor.analysis.blocks import Block
    from selfimprove.executor.refactor.analysis.regions import Region
    from selfimprove.executor.refactor.analysis.statements import Traits

_PASSED_ON_AS_ANOTHER = frozenset({"StopIteration", "StopAsyncIteration", "RuntimeError"})


def cut_at(function: Anatomy, block: Block, first: int, last: int, region: Region, traits: Traits) -> Cut:
    """Return the cut of a run, of which ``region`` and ``traits`` are known.

    Raises RefactorError, with the reason in plain words, when it is none.
    """
    statements = block.statements[first : last + 1]
    _check_layout(function, block, first, last, traits)
    border = function.border(block, first, last)
    if not border.reached:
        raise RefactorError("it is never reached")
    is_generator, is_async = traits.yields, traits.awaits
    _check_pauses(function, block, traits)
    reads = _goes_in(function, border, region)
    way = _left(function, block, first, last, region, traits)
    results = _comes_out(function, border, region, way)
    parameters = reads | (results & ~region.binds)
    _check_stays_local(function, statements, region.changes & function.doubtful & ~results)
    _check_unseen(
        function, statements if traits.jumps else (), border, region, pauses=is_generator or is_async
    )
    names = function.variables.names
    if region.kills & parameters:
        raise RefactorError(f"it deletes {names(region.kills & parameters)[0]}, which the caller has")
    receiver = _receiver(function, traits.needs_class, parameters)
    return Cut(
        place=function.place,
        block=block.statements,
        first=first,
        last=last,
        parameters=tuple(name for name in names(parameters) if name != receiver),
        results=names(results),
        leaves=way.leaves,
        jump=way.jump,
        loop=way.loop,
        is_async=is_async,
        is_generator=is_generator,
        receiver=receiver,
        global_names=names(region.changes & function.global_),
    )


def _check_layout(function: Anatomy, block: Block, first: int, last: int, traits: Traits) -> None:
    begin = 1 if function.docstring is not None else 0
    if block.owner is None and first <= begin and last == len(block.statements) - 1:
        raise RefactorError("it is the whole function")
    if not (traits.opens and traits.closes):
        raise RefactorError("it shares a line with another statement")
    announced = set(traits.announced)
    if announced:
        inside = {id(node) for one in block.statements[first : last + 1] for node in ast.walk(one)}
        outside = (node for node in ast.walk(function.place.node) if id(node) not in inside)
        told = announced & {getattr(node, "id", "") for node in outside}
        if told:
            raise RefactorError(f"it declares the type of {min(told)} for what follows")


def _check_stays_local(function: Anatomy, statements: tuple[ast.stmt, ...], moved: int) -> None:
    """Raise RefactorError when a read outside would find another variable, since all that binds this one is gone.

    That can only be one that may have no value, and then fails; afterwards it would look further out.
    """
    if not moved:
        return
    graph = function.graph
    stands = [stand for one in statements for stand in graph.stands[one]]
    inside = {node for stand in stands for node in range(stand.entry, stand.leave + 1)}
    bound = read = 0
    for node in range(len(graph)):
        if node not in inside:
            bound |= graph.binds[node] | graph.kills[node]
            read |= graph.uses[node]
    if lost := moved & read & ~bound:
        name = function.variables.names(lost)[0]
        raise RefactorError(f"{name} would no longer be a local variable of {function.place.node.name}")


def _check_pauses(function: Anatomy, block: Block, traits: Traits) -> None:
    if traits.yields and (traits.awaits or isinstance(function.place.node, ast.AsyncFunctionDef)):
        raise RefactorError("it yields in an async function")
    if traits.yields or traits.awaits:
        where: Block | None = block
        while where is not None:
            if where.part == "body" and isinstance(where.owner, (ast.Try, ast.TryStar)):
                named = {
                    getattr(node, "id", "")
                    for one in where.owner.handlers
                    for node in ast.walk(one.type or one)
                }
                if named & _PASSED_ON_AS_ANOTHER:
                    raise RefactorError("a StopIteration out of a generator would become a RuntimeError")
            where = where.outer


def _goes_in(function: Anatomy, border: Border, region: Region) -> int:
    local = region.reads & ~function.global_
    reads = local & border.perhaps
    names = function.variables.names
    if unsure := reads & ~border.bound:
        raise RefactorError(f"{names(unsure)[0]} may have no value there")
    if never := local & ~border.perhaps & ~region.changes:
        raise RefactorError(f"{names(never)[0]} has no value there")
    return reads


def _left(function: Anatomy, block: Block, first: int, last: int, region: Region, traits: Traits) -> Exit:
    if region.ends and not traits.jumps:
        return Exit(Leaves.END)
    settled = ~region.changes & ~function.refused & ~function.global_
    way = Way(
        block=block,
        last=last,
        ends=region.ends,
        generator=function.yields,
        asynchronous=isinstance(function.place.node, ast.AsyncFunctionDef),
        stable=function.variables.names(settled & ((1 << len(function.variables.order)) - 1)),
        sound=function.sound,
        constants=function.constants,
    )
    return exit_of(block.statements[first : last + 1], way)


def _comes_out(function: Anatomy, border: Border, region: Region, way: Exit) -> int:
    if way.leaves in (Leaves.RETURN, Leaves.PASS):
        return 0
    names = function.variables.names
    results = region.changes & ~function.global_ & border.live
    if results and (way.leaves is not Leaves.END or way.loop):
        raise RefactorError(f"it gives {names(results)[0]} a value and may jump")
    if unsure := results & ~border.ended:
        raise RefactorError(f"{names(unsure)[0]} may have no value at its end")
    if unsure := results & ~region.binds & ~border.bound:
        raise RefactorError(f"{names(unsure)[0]} may have no value at its end")
    return results


def _check_unseen(
    function: Anatomy, statements: tuple[ast.stmt, ...], border: Border, region: Region, *, pauses: bool
) -> None:
    """Raise RefactorError when somebody but what follows the run sees what it does to variables."""
    names, changes = function.variables.names, region.changes & ~function.global_
    later = border.later
    for jump in jumps_out(statements):
        live, afterwards = function.jumping(jump)
        later |= afterwards
        if seen := changes & live:
            raise RefactorError(f"{names(seen)[0]} is read after it jumps")
    if seen := region.early & ~function.global_ & border.failed:
        raise RefactorError(f"{names(seen)[0]} is read after an exception in it")
    if seen := region.mentions & function.refused:
        name = names(seen)[0]
        raise RefactorError(function.around.refused.get(name, f"an inner function gives {name} new values"))
    if seen := changes & border.held:
        raise RefactorError(f"an inner function made before sees what it does to {names(seen)[0]}")
    if seen := region.holds & ~function.global_ & (later | function.moving):
        raise RefactorError(f"an inner function made in it sees what becomes of {names(seen)[0]}")
    if pauses and (seen := region.reads & function.moving):
        raise RefactorError(f"{names(seen)[0]} may change while it pauses")


def _receiver(function: Anatomy, needs: str, parameters: int) -> str:
    """Return the name that the helper is called on, ``""`` for a plain function."""
    receiver = function.receiver
    used = bool(parameters & function.variables.bit.get(receiver.name, 0))
    if receiver.name and not receiver.why_not and (needs or used):
        return receiver.name
    if needs:
        raise RefactorError(f"{needs} has its meaning only in a method, and {receiver.why_not}")
    return ""
