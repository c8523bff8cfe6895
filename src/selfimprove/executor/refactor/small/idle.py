"""Idle: local variables that are given a constant and never read."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.small.layout import first_line, last_line, layout_of
from selfimprove.executor.refactor.small.rounds import Change
from selfimprove.executor.refactor.small.suites import suites
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.source import Place, Source

_READS_FRAME = {"locals", "vars", "eval", "exec", "dir", "_getframe", "currentframe", "f_locals", "stack"}
_SAFE = (ast.Add, ast.Sub, ast.Mult, ast.BitOr, ast.BitAnd)


def idle_locals(source: Source, place: Place | None) -> Iterator[Change]:
    """Yield a change for each assignment of a constant to a local variable that is mentioned nowhere else.

    Other values stay: reading them may raise, or the variable may be what keeps an object alive. So does a name with
    an underscore before it, which says that it is meant, and an assignment with a comment.
    """
    known: dict[FunctionNode, Counter[str]] = {}
    for suite in suites(source, place):
        if suite.function is None or len(suite.statements) == 1:
            continue
        if suite.function not in known:
            known[suite.function] = _mentioned(suite.function)
        mentioned = known[suite.function]
        if not _READS_FRAME.isdisjoint(mentioned):
            continue
        for number, node in enumerate(suite.statements):
            name = _target(node)
            if (
                name
                and mentioned[name] == 1
                and not name.startswith("_")
                and _may_go(source, suite.statements, number)
            ):
                yield taken_away(source, suite.statements, number)


def _target(node: ast.stmt) -> str:
    """Return the name that ``node`` gives to a constant, ``""`` when it does anything else."""
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            return name if is_constant(value) else ""
    return ""


def is_constant(value: ast.expr) -> bool:
    """True for a value that is written out: a constant, a display of constants, a sum of numbers."""
    match value:
        case ast.Constant():
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(is_constant(part) for part in parts)
        case ast.Set(elts=parts):
            return all(isinstance(part, ast.Constant) for part in parts)
        case ast.Dict(keys=keys, values=values):
            return all(isinstance(key, ast.Constant) for key in keys) and all(map(is_constant, values))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=ast.Constant(value=int() | float())):
            return True
        case ast.BinOp(left=left, op=operator, right=right):
            return isinstance(operator, _SAFE) and _is_number(left) and _is_number(right)
    return False


def _is_number(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return is_constant(value)
    return isinstance(value, ast.Constant) and type(value.value) is int


def _mentioned(function: FunctionNode) -> Counter[str]:
    """Count the names in a function, whatever they do there."""
    found: Counter[str] = Counter()
    for node in ast.walk(function):
        for field in ("id", "arg", "name", "attr", "rest"):
            if isinstance(name := getattr(node, field, None), str):
                found[name] += 1
        if isinstance(node, ast.Global | ast.Nonlocal):
            found.update(node.names)
        elif isinstance(node, ast.alias) and node.asname:
            found[node.asname] += 1
    return found


def _may_go(source: Source, statements: Sequence[ast.stmt], number: int) -> bool:
    node, layout = statements[number], layout_of(source)
    if first_line(node) - 1 in layout.notes or layout.has_notes(first_line(node), last_line(node)):
        return False
    return is_alone(source, node) and not _uncovers(statements, number)


def _uncovers(statements: Sequence[ast.stmt], number: int) -> bool:
    """True when the statement that follows would become a docstring."""
    follows = statements[number + 1] if number == 0 and len(statements) > 1 else None
    return isinstance(follows, ast.Expr) and isinstance(follows.value, ast.Constant)


def is_alone(source: Source, node: ast.stmt) -> bool:
    """True when no other statement stands in the lines of ``node``."""
    start = (
        source.span(node)[0]
        if not getattr(node, "decorator_list", ())
        else source.starts[first_line(node) - 1]
    )
    before = source.text[source.starts[first_line(node) - 1] : start]
    behind = source.text[source.span(node)[1] : source.starts[last_line(node)]].strip()
    return not before.strip() and (not behind or behind.startswith("#"))


def taken_away(source: Source, statements: Sequence[ast.stmt], number: int, above: int = 0) -> Change:
    """Return the change that takes a statement of a suite away, with ``above`` lines above it.

    What is left is spaced as it was; a ``pass`` stands where it was the only statement of a block. The whole suite is
    the change's own, so that another of it comes in another round.
    """
    node = statements[number]
    begin, end = first_line(node) - above, last_line(node)
    start, stop, text = source.starts[begin - 1], source.starts[end], ""
    if len(statements) == 1 and (indent := source.indent(first_line(node))):
        text = indent + "pass"
        text += source.newline if source.text[:stop].endswith(("\n", "\r")) else ""
    elif number == 0:
        while end + 1 < len(source.starts) and not source.line(end + 1).strip():
            end += 1
        stop = source.starts[end]
    else:
        gap = begin
        while gap > 1 and not source.line(gap - 1).strip():
            gap -= 1
        if not source.line(end + 1).strip() if end + 1 < len(source.starts) else True:
            start = source.starts[gap - 1]
    if text == "" and stop == len(source.text) and not source.text.endswith(("\n", "\r")):
        start = len(source.text[:start].rstrip("\r\n"))
    whole = source.starts[first_line(statements[0]) - 1], source.starts[last_line(statements[-1])]
    return Change(min(start, whole[0]), max(stop, whole[1]), (Splice(start, stop, text),))
