"""Scopes: which names a function binds, which it takes from around it, and which its inner scopes hold on to."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
INNER = (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reach:
    """What the names in a scope stand for, by the rules of CPython's symbol table.

    ``bound`` are its own. ``outward`` are those that it, or a scope inside of it, mentions and that are bound
    outside. ``rebinds`` are those of ``outward`` that are declared nonlocal. ``holds`` are those of ``outward``
    that can still be read when the scope's own evaluation is over (by a function that was made there). ``walrus``
    are bound by ``:=`` in the function around a comprehension. ``declared`` are declared global. ``rebound`` are
    those of ``bound`` that an inner scope declares nonlocal.
    """

    bound: frozenset[str] = _NONE
    outward: frozenset[str] = _NONE
    rebinds: frozenset[str] = _NONE
    holds: frozenset[str] = _NONE
    walrus: frozenset[str] = _NONE
    declared: frozenset[str] = _NONE
    rebound: frozenset[str] = _NONE


@dataclass(slots=True)
class _Seen:
    bound: set[str] = field(default_factory=set)
    mentioned: set[str] = field(default_factory=set)
    nonlocal_: set[str] = field(default_factory=set)
    declared: set[str] = field(default_factory=set)
    walrus: set[str] = field(default_factory=set)
    inner: list[ast.AST] = field(default_factory=list)


class Scopes:
    """Answers ``Reach`` for the scopes of one file; each is looked at once."""

    def __init__(self) -> None:
        """Begin with no scope looked at."""
        self._known: dict[ast.AST, Reach] = {}

    def of(self, scope: ast.AST) -> Reach:
        """Return what the names of a function, lambda, class or comprehension stand for, or of a whole module."""
        if scope not in self._known:
            self._known[scope] = self._reach(scope)
        return self._known[scope]

    def bound_at_top(self, module: ast.Module) -> frozenset[str]:
        """Return the names that a module's own statements bind, without looking into its functions and classes."""
        seen = _look(module)
        comprehensions = (one for one in seen.inner if isinstance(one, COMPREHENSIONS))
        return frozenset(seen.bound).union(*(self.of(one).walrus for one in comprehensions))

    def _reach(self, scope: ast.AST) -> Reach:
        seen = _look(scope)
        is_comprehension = isinstance(scope, COMPREHENSIONS)
        inner = [self.of(one) for one in seen.inner]
        walrus = seen.walrus.union(*(one.walrus for one in inner))
        bound = (seen.bound | (set() if is_comprehension else walrus)) - seen.declared - seen.nonlocal_
        hidden = seen.declared | (set() if isinstance(scope, ast.ClassDef) else bound)
        below = _union(one.outward for one in inner) - hidden
        outward = ((seen.mentioned | walrus) - bound - seen.declared) | seen.nonlocal_ | below
        rebinds = seen.nonlocal_ | (_union(one.rebinds for one in inner) - hidden)
        lazy = isinstance(scope, (*FUNCTIONS, ast.GeneratorExp))
        holds = outward if lazy else _union(one.holds for one in inner) - hidden
        return Reach(
            bound=frozenset(bound),
            outward=frozenset(outward),
            rebinds=frozenset(rebinds),
            holds=frozenset(holds),
            walrus=frozenset(walrus) if is_comprehension else _NONE,
            declared=frozenset(seen.declared),
            rebound=_union(one.rebinds for one in inner) & bound,
        )


def eager(scopes: Scopes, scope: ast.AST) -> frozenset[str]:
    """Return what is held on to by a lambda or generator that is used up at once: only what scopes in it hold."""
    reach = scopes.of(scope)
    return _union(scopes.of(one).holds for one in _look(scope).inner) - reach.bound


def outside_parts(scope: ast.AST) -> list[ast.AST]:
    """Return the expressions of an inner scope that are evaluated in the scope around it, in their order."""
    one: Any = scope
    if isinstance(scope, COMPREHENSIONS):
        return [one.generators[0].iter]
    if isinstance(scope, ast.ClassDef):
        return [*scope.decorator_list, *scope.bases, *(keyword.value for keyword in scope.keywords)]
    arguments = one.args
    parts = [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]
    if isinstance(scope, ast.Lambda):
        return parts
    notes = [argument.annotation for argument in _arguments(arguments) if argument.annotation is not None]
    return [*one.decorator_list, *parts, *notes, *([one.returns] if one.returns is not None else [])]


def inside_parts(scope: ast.AST) -> list[ast.AST]:
    """Return the statements and expressions that are evaluated in an inner scope itself."""
    one: Any = scope
    if not isinstance(scope, COMPREHENSIONS):
        return [one.body] if isinstance(scope, ast.Lambda) else list(one.body)
    parts: list[ast.AST] = [one.key, one.value] if isinstance(scope, ast.DictComp) else [one.elt]
    for number, generator in enumerate(one.generators):
        parts += [generator.target, *generator.ifs, *([generator.iter] if number else [])]
    return parts


def parameters_of(node: ast.AST) -> tuple[str, ...]:
    """Return the names of a function's parameters in their order, ``*args`` and ``**options`` too."""
    one: Any = node
    return tuple(argument.arg for argument in _arguments(one.args))


def names_in_order(node: ast.AST) -> tuple[str, ...]:
    """Return every name that is mentioned or bound anywhere in ``node``, by the place where it is first written."""
    found: dict[str, tuple[int, int]] = {}
    for one in ast.walk(node):
        at: Any = one
        for name in (*bound_by(one), *_loaded(one)):
            place = (at.lineno, at.col_offset)
            found[name] = min(place, found.get(name, place))
    return tuple(sorted(found, key=lambda name: (found[name], name)))


BINDERS = (
    *(ast.Name, ast.arg, ast.alias, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
)
"""The nodes of which ``bound_by`` may name anything."""


def bound_by(node: ast.AST) -> tuple[str, ...]:
    """Return the names that one node (not what is in it) binds or deletes."""
    one: Any = node
    if isinstance(node, ast.Name):
        return () if isinstance(node.ctx, ast.Load) else (node.id,)
    if isinstance(node, ast.arg):
        return (node.arg,)
    if isinstance(node, ast.alias):
        return ((node.asname or node.name).split(".")[0],)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return (node.name,)
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return (one.name,) if one.name else ()
    if isinstance(node, ast.MatchMapping):
        return (node.rest,) if node.rest else ()
    return ()


def _loaded(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return (node.id,)
    return tuple(node.names) if isinstance(node, (ast.Global, ast.Nonlocal)) else ()


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args)
    yield from (one for one in (arguments.vararg, *arguments.kwonlyargs, arguments.kwarg) if one is not None)


def _look(scope: ast.AST) -> _Seen:
    seen = _Seen()
    if isinstance(scope, FUNCTIONS):
        seen.bound.update(parameters_of(scope))
    in_comprehension = isinstance(scope, COMPREHENSIONS)
    todo = inside_parts(scope)
    while todo:
        node = todo.pop()
        if isinstance(node, INNER):
            seen.inner.append(node)
            seen.bound.update(bound_by(node))
            todo += outside_parts(node)
        elif isinstance(node, ast.NamedExpr):
            (seen.walrus if in_comprehension else seen.bound).add(node.target.id)
            todo.append(node.value)
        else:
            _note(node, seen)
            todo += ast.iter_child_nodes(node)
    return seen


def _note(node: ast.AST, seen: _Seen) -> None:
    if isinstance(node, ast.Global):
        seen.declared.update(node.names)
    elif isinstance(node, ast.Nonlocal):
        seen.nonlocal_.update(node.names)
    else:
        seen.bound.update(bound_by(node))
        seen.mentioned.update(_loaded(node))


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
