"""Cognitive complexity of a function, equal to the numbers of complexipy 8.3.0."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Protocol, cast

from selfimprove.codebase.measure.shape import FunctionNode, is_elif

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Suites = tuple[tuple["Sequence[ast.stmt]", int], ...]


class _Visit(Protocol):
    """Returns what a statement costs by itself, and its suites, each with its level of nesting."""

    def __call__(self, node: Any, level: int, /) -> tuple[int, Suites]: ...


def cognitive_complexity(function: FunctionNode, *, may_recur: bool = True) -> int:
    """Return complexipy's number for ``function`` (0 upwards).

    Branches and loops cost 1 and 1 more for each level that they are nested in; ``elif``, ``else`` and each
    run of like boolean operators cost 1; so does a call of the function by its bare name (G. Ann Campbell,
    "Cognitive Complexity", SonarSource 2018, with complexipy's choices: ``finally``, ``with``, the ``else`` of
    a loop and jumps are free, comprehensions cost as loops do, and only some expressions are looked into).
    What a nested function costs is part of the function around it. complexipy reports no nested function by
    itself: its own number here is the one that complexipy gives when the function stands alone.

    With ``may_recur`` false the body is known not to hold the function's name, and is not searched for it.
    """
    total = int(may_recur and _calls_itself(function))
    todo: list[tuple[ast.stmt, int]] = [(function, 0)]
    while todo:
        node, level = todo.pop()
        visit = _VISITS.get(type(node))
        if visit is None:
            continue
        cost, suites = visit(node, level)
        total += cost
        for suite, inner in suites:
            todo.extend([(child, inner) for child in suite])
    return total


def _function(node: FunctionNode, level: int) -> tuple[int, Suites]:
    """Count the body; of a decorator, which defines a function and returns something, only that function."""
    body = node.body
    if len(body) == 2 and isinstance(body[0], FunctionNode) and isinstance(body[1], ast.Return):
        return 0, ((body[:1], level),)
    nested = [child for child in body if isinstance(child, FunctionNode)]
    if not nested:
        return 0, ((body, level),)
    return 0, (([child for child in body if not isinstance(child, FunctionNode)], level), (nested, level + 1))


def _class(node: ast.ClassDef, level: int) -> tuple[int, Suites]:
    return 0, (([child for child in node.body if isinstance(child, FunctionNode)], level),)


def _if(node: ast.If, level: int) -> tuple[int, Suites]:
    cost = 1 + level + _cost(node.test, level)
    suites = [(node.body, level + 1)]
    while is_elif(node, node.orelse):
        node = cast("ast.If", node.orelse[0])
        cost += 1 + _cost(node.test, level)
        suites.append((node.body, level + 1))
    if node.orelse:
        cost += 1
        suites.append((node.orelse, level + 1))
    return cost, tuple(suites)


def _loop(node: ast.For | ast.AsyncFor | ast.While, level: int) -> tuple[int, Suites]:
    control = node.test if isinstance(node, ast.While) else node.iter
    return 1 + level + _cost(control, level), ((node.body, level + 1), (node.orelse, level))


def _try(node: ast.Try | ast.TryStar, level: int) -> tuple[int, Suites]:
    flat = ((node.body, level), (node.orelse, level), (node.finalbody, level))
    handlers = tuple((handler.body, level + 1) for handler in node.handlers)
    return len(handlers) * (1 + level), flat + handlers


def _match(node: ast.Match, level: int) -> tuple[int, Suites]:
    return 1 + level, tuple((case.body, level + 1) for case in node.cases)


def _with(node: ast.With | ast.AsyncWith, level: int) -> tuple[int, Suites]:
    return sum(_cost(item.context_expr, level) for item in node.items), ((node.body, level),)


def _value(node: Any, level: int) -> tuple[int, Suites]:
    return (0 if node.value is None else _cost(node.value, level)), ()


def _raise(node: ast.Raise, level: int) -> tuple[int, Suites]:
    return sum(_cost(one, level) for one in (node.exc, node.cause) if one is not None), ()


def _assert(node: ast.Assert, level: int) -> tuple[int, Suites]:
    return sum(_cost(one, level) for one in (node.test, node.msg) if one is not None), ()


_VISITS: dict[type[ast.AST], _Visit] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.If: _if,
    ast.For: _loop,
    ast.AsyncFor: _loop,
    ast.While: _loop,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Assign: _value,
    ast.AnnAssign: _value,
    ast.AugAssign: _value,
    ast.Return: _value,
    ast.Expr: _value,
    ast.Raise: _raise,
    ast.Assert: _assert,
}
_Inside = tuple[int, list[tuple[ast.expr, int]]]


def _cost(expression: ast.expr, level: int) -> int:
    """Return what an expression costs: operators, conditional expressions and comprehensions.

    As complexipy does, it looks into positional arguments, displays, comparisons and lambdas, but not into
    arithmetic, subscripts, attributes, keyword arguments, f-strings, ``await`` and ``yield``.
    """
    total = 0
    todo = [(expression, level)]
    while todo:
        node, here = todo.pop()
        visit = _EXPRESSIONS.get(type(node))
        if visit is not None:
            cost, inside = visit(node, here)
            total += cost
            todo += inside
    return total


def _operators(node: ast.BoolOp | ast.UnaryOp, level: int) -> _Inside:
    """Count the runs of like operators; one inside of another goes on with it only when they are alike."""
    del level
    runs = 0
    todo: list[tuple[ast.expr, type[ast.boolop] | None]] = [(node, None)]
    while todo:
        one, around = todo.pop()
        if isinstance(one, ast.BoolOp):
            runs += type(one.op) is not around
            todo += [(value, type(one.op)) for value in one.values]
        elif isinstance(one, ast.UnaryOp):
            todo.append((one.operand, None))
    return runs, []


def _conditional(node: ast.IfExp, level: int) -> _Inside:
    return 1 + level, [(node.test, level), (node.body, level + 1), (node.orelse, level + 1)]


def _comprehension(node: Any, level: int) -> _Inside:
    elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    inside = [(one, level + 1) for one in elements if one is not None]
    cost = 0
    for generator in node.generators:
        cost += 1 + level + len(generator.ifs)
        inside.append((generator.iter, level))
        inside += [(test, level + 1) for test in generator.ifs]
    return cost, inside


def _display(node: Any, level: int) -> _Inside:
    return 0, [(one, level) for one in node.elts]


_EXPRESSIONS: dict[type[ast.expr], Any] = {
    ast.BoolOp: _operators,
    ast.UnaryOp: _operators,
    ast.IfExp: _conditional,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.Tuple: _display,
    ast.List: _display,
    ast.Set: _display,
    ast.Dict: lambda node, level: (0, [(one, level) for one in node.values]),
    ast.Call: lambda node, level: (0, [(one, level) for one in node.args]),
    ast.Lambda: lambda node, level: (0, [(node.body, level + 1)]),
    ast.Compare: lambda node, level: (0, [(one, level) for one in (node.left, *node.comparators)]),
}


def _calls_itself(function: FunctionNode) -> bool:
    """True when the body calls the bare name of the function outside of nested functions and classes."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function.name
        for node in _own_nodes(function)
    )


def _own_nodes(function: FunctionNode) -> Iterator[ast.AST]:
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if not isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            yield node
            todo.extend(ast.iter_child_nodes(node))
