"""Loop names: whether a loop can lose its names: nothing else in the function sees them, or a part of its result."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.analysis.scopes import bound_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_EAGER = (ast.ListComp, ast.SetComp, ast.DictComp)
_SCOPES = (*FunctionNode.__args__, ast.ClassDef, ast.Lambda)
# By these, names are read that stand nowhere; the last ones look at frames.
_PEEPING = frozenset(("locals", "vars", "eval", "exec", "dir", "_getframe", "currentframe", "stack"))
_SIMPLE = (
    ast.Assign,
    ast.AnnAssign,
    ast.Import,
    ast.ImportFrom,
    ast.With,
    *FunctionNode.__args__,
    ast.ClassDef,
)
_CATCHING = (ast.Try, ast.TryStar, ast.With, ast.AsyncWith)


class Names:
    """The names of one function: where its own code reads them, and which other scopes or declarations have them."""

    def __init__(self, function: FunctionNode) -> None:
        """Read ``function``, in time linear in its nodes."""
        self.function = function
        self.reads: dict[str, list[ast.AST]] = {}
        self.shared: set[str] = set()
        self.peeps = False
        self._around: dict[ast.AST, ast.AST] = {}
        todo: list[tuple[ast.AST, frozenset[str]]] = [(one, frozenset()) for one in function.body]
        for one in function.body:
            self._around[one] = function
        while todo:
            node, hidden = todo.pop()
            todo += self._read(node, hidden)

    def _read(self, node: ast.AST, hidden: frozenset[str]) -> Iterator[tuple[ast.AST, frozenset[str]]]:
        """Take down ``node``; ``hidden`` are the names that a comprehension around has for itself."""
        self.peeps |= getattr(node, "id", getattr(node, "attr", "")) in _PEEPING
        children: Iterable[ast.AST] = ast.iter_child_nodes(node)
        if isinstance(node, ast.Global | ast.Nonlocal):
            self.shared.update(node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store) and node.id not in hidden:
            self.reads.setdefault(node.id, []).append(node)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self.reads.setdefault(node.target.id, []).append(node)
        elif isinstance(node, (*_SCOPES, ast.GeneratorExp)):
            self.shared.update(_inner_names(node) - hidden)
            children = [node.generators[0].iter] if isinstance(node, ast.GeneratorExp) else []
        elif isinstance(node, _EAGER):
            first = node.generators[0].iter
            self._around[first] = node
            yield first, hidden
            hidden |= _targets(node.generators)
            children = [one for one in children if one is not node.generators[0]]
            children += [node.generators[0].target, *node.generators[0].ifs]
        for child in children:
            self._around[child] = node
            yield child, hidden

    def outer(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Yield the pairs of a node and the one around it, from ``node`` out to the function."""
        while node is not self.function:
            yield node, self._around[node]
            node = self._around[node]

    def can_lose(self, name: str, loop: ast.For) -> bool:
        """True when no code reads ``name`` as ``loop`` left it, or may see it in another way."""
        if name in self.shared or self.peeps:
            return False
        return all(
            self._is_inside(read, loop) or self._is_bound_anew(read, name, loop)
            for read in self.reads.get(name, ())
        )

    def may_come_at_once(self, name: str, loop: ast.For, after: Sequence[ast.stmt]) -> bool:
        """True when nobody sees ``name``, which ``loop`` fills, before the loop's end: ``after`` is what follows.

        Where an exception may be caught in the function, only ``after`` may read the name.
        """
        if name in self.shared or self.peeps:
            return False
        if not any(isinstance(node, _CATCHING) for _, node in self.outer(loop)):
            return True
        return all(
            any(child in after for child, _ in self.outer(read)) or self._is_inside(read, loop)
            for read in self.reads.get(name, ())
        )

    def _is_inside(self, node: ast.AST, loop: ast.For) -> bool:
        return any(around is loop for _, around in self.outer(node))

    def _is_bound_anew(self, read: ast.AST, name: str, loop: ast.For) -> bool:
        """True when every way from ``loop`` to ``read`` binds ``name`` again."""
        return any(
            not binder.lineno < loop.lineno < read.lineno  # type: ignore[attr-defined]
            for child, around in self.outer(read)
            for binder in _binders(child, around, name)
        )


def _binders(child: ast.AST, around: Any, name: str) -> Iterator[ast.stmt]:
    """Yield the statements that surely bind ``name`` before ``child``, a part of ``around``, is come to."""
    head = {ast.For: "target", ast.AsyncFor: "target"}.get(type(around))
    if head and child in around.body and name in _bound_in(getattr(around, head)):
        yield around
    if isinstance(around, ast.With) and child in around.body and name in _bound_in(around):
        yield around
    for field in ("body", "orelse", "finalbody"):
        suite = getattr(around, field, None)
        if isinstance(suite, list) and child in suite:
            before = suite[: suite.index(child)]
            yield from (one for one in before if isinstance(one, _SIMPLE) and name in _bound_in(one))


def _bound_in(node: ast.AST) -> set[str]:
    """Return the names that a simple statement, the head of ``with``, or a target binds."""
    if isinstance(node, ast.Assign):
        parts: list[ast.AST] = [*node.targets]
    elif isinstance(node, ast.AnnAssign):
        parts = [node.target] if node.value is not None else []
    elif isinstance(node, ast.With):
        parts = [one.optional_vars for one in node.items if one.optional_vars is not None]
    elif isinstance(node, (*FunctionNode.__args__, ast.ClassDef)):
        return {node.name}  # type: ignore[attr-defined]
    else:
        parts = [node]
    return {name for part in parts for one in ast.walk(part) for name in bound_by(one)}


def _inner_names(node: ast.AST) -> set[str]:
    """Return the names that a scope in the function has of it, without those that are surely its own."""
    own: set[str] | frozenset[str] = set()
    todo: list[ast.AST] = [node]
    if isinstance(node, ast.GeneratorExp):
        own = _targets(node.generators)
        first, *others = node.generators
        todo = [node.elt, *first.ifs, *others]
    elif isinstance(node, ast.Lambda):
        own = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
        todo = [node.body]
    found = {one.id for part in todo for one in ast.walk(part) if isinstance(one, ast.Name)}
    if isinstance(node, ast.Lambda):
        defaults = (*node.args.defaults, *node.args.kw_defaults)
        found = (found - own) | {
            one.id for part in defaults if part for one in ast.walk(part) if isinstance(one, ast.Name)
        }
    return found - own


def _targets(generators: Sequence[ast.comprehension]) -> frozenset[str]:
    return frozenset(name for one in generators for part in ast.walk(one.target) for name in bound_by(part))
