"""Shadows: which names a scope binds, and whether a name means the module's from some place inside of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.analysis.scopes import bound_by, parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Around = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


def first_parameter(scope: FunctionNode) -> str:
    """Return the name of the first parameter that takes a position, ``""`` when there is none."""
    return next((one.arg for one in (*scope.args.posonlyargs, *scope.args.args)), "")


def bound_in(scope: Around | ast.Module | ast.stmt) -> frozenset[str]:
    """Return the names that ``scope`` binds for itself: parameters, targets, imports, definitions, captures.

    For a function these are its locals, without those that it declares global or nonlocal; targets of its
    comprehensions are counted too, which errs on the safe side. A plain statement gives what it binds around it.
    """
    found: set[str] = set()
    elsewhere: set[str] = set()
    if isinstance(scope, FunctionNode | ast.Lambda):
        found.update(parameters_of(scope))
    for node in _own(scope):
        found.update(bound_by(node))
        if isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere.update(node.names)
    return frozenset(found - elsewhere)


def bound_globally(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each name that the module binds, with the line, also those that functions declare global."""
    for node in _own(tree):
        yield from ((name, getattr(node, "lineno", 1)) for name in bound_by(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield from ((name, node.lineno) for name in node.names)


def visible(name: str, around: Iterable[Around]) -> bool:
    """True when ``name`` means the module's at a place inside of these scopes, the innermost being last."""
    scopes = tuple(around)
    for at, scope in enumerate(scopes):
        if isinstance(scope, ast.ClassDef) and at < len(scopes) - 1:
            continue  # what a class binds is not seen by the functions in it
        if name in bound_in(scope):
            return False
    return True


def walk(
    tree: ast.AST, around: tuple[Around, ...] = ()
) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...], tuple[Around, ...]]]:
    """Yield ``tree`` and every node below it, each with its ancestors up to ``tree`` and the scopes that it runs in.

    In both the nearest is last; ``around`` are the scopes of ``tree`` itself.

    Decorators, defaults, annotations and base classes run outside of what they belong to.
    """
    todo: list[tuple[ast.AST, tuple[ast.AST, ...], tuple[Around, ...]]] = [(tree, (), around)]
    while todo:
        node, above, within = todo.pop()
        yield node, above, within
        below = (*above, node)
        inside = _inside(node)
        for child in reversed(list(ast.iter_child_nodes(node))):
            deeper = isinstance(node, Around) and id(child) in inside
            todo.append((child, below, (*within, node) if deeper and isinstance(node, Around) else within))


def _inside(node: ast.AST) -> frozenset[int]:
    if isinstance(node, ast.Lambda):
        return frozenset((id(node.body),))
    if isinstance(node, FunctionNode | ast.ClassDef):
        return frozenset(id(one) for one in node.body)
    return frozenset()


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs in ``scope`` itself; of the functions and classes inside only their heads."""
    todo: list[ast.AST] = (
        [scope.body]
        if isinstance(scope, ast.Lambda)
        else list(scope.body)
        if isinstance(scope, FunctionNode | ast.ClassDef | ast.Module)
        else [scope]
    )
    while todo:
        node = todo.pop()
        if not isinstance(node, ast.arg):  # a parameter of a scope inside is not bound here
            yield node
        inside = _inside(node)
        todo += [child for child in ast.iter_child_nodes(node) if id(child) not in inside]
