"""Walk: one pass over a syntax tree that counts what radon's two visitors count, without recursion."""

from __future__ import annotations

import ast
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.measure.record import ClassMetrics, FunctionMetrics, Halstead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Children = Callable[[Any], Iterable[Any]]

# Fields that hold no node below which anything is counted: names, numbers, contexts and operators.
_PLAIN = {
    *("ctx", "op", "ops", "name", "names", "id", "attr", "arg", "module", "level", "type_comment"),
    *("kwd_attrs", "rest", "kind", "tag", "conversion", "simple", "is_async", "lineno", "str"),
}
# What may stand in a field and has nothing below it.
_LEAVES = (NoneType, str, bytes, int, float, complex, bool, type(...), ast.Name, ast.Constant)


class Scope:
    """A module, function or class: what it is called, what it is in, and the decisions in its own code.

    ``context`` is the name of the innermost function around, by which radon tells operands apart.
    """

    __slots__ = ("context", "count", "decisions", "kind", "node", "parent", "prefix", "total")

    def __init__(self, node: Any, kind: str, parent: Scope | None, context: str | None) -> None:
        self.node = node
        self.kind = kind
        self.parent = parent
        self.context = context
        self.prefix: str = f"{parent.prefix}{node.name}." if parent else ""
        self.decisions = 0
        self.count = 0
        self.total = 1


class Walk:
    """Counts of one tree. ``scopes`` begin with the module; each stands behind the one that it is in."""

    def __init__(self, tree: ast.Module) -> None:
        """Walk ``tree``; time is linear in its nodes."""
        self.scope = Scope(tree, "module", None, None)
        self.scopes = [self.scope]
        self.decisions = 0
        self.operators: set[type] = set()
        self.operands: set[tuple[str | None, object]] = set()
        self.single_operands = 0
        self.operator_count = 0
        self.operand_count = 0
        self._uncounted: list[Any] = []  # nodes in which radon looks for operators, but not for decisions
        # The handlers of this tree; all other kinds of nodes only have children.
        self._children = _CHILDREN | {kind: getattr(self, name) for kind, name in _HANDLERS.items()}
        for scope in self.scopes:  # grows while it is read
            self._read(scope)
        del self._children  # a circle, which would keep the tree
        self._sum_up()

    @property
    def halstead(self) -> Halstead:
        """Return radon's Halstead counts of the module."""
        return Halstead(
            len(self.operators),
            len(self.operands) + self.single_operands,
            self.operator_count,
            self.operand_count,
        )

    @property
    def total_complexity(self) -> int:
        """Return radon's total complexity of the module."""
        return self.scopes[0].total

    def functions(self, body: Callable[[Any], str]) -> tuple[FunctionMetrics, ...]:
        """Return the functions in the order of the text; ``body`` hashes one."""
        scopes = [one for one in self.scopes if one.kind != "class" and one.parent]
        scopes.sort(key=lambda one: (one.node.lineno, one.node.col_offset))
        seen: dict[str, int] = {}
        rows = []
        for scope in scopes:
            node, symbol = scope.node, scope.prefix[:-1]
            seen[symbol] = ordinal = seen.get(symbol, 0) + 1
            first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
            rows.append(
                FunctionMetrics(
                    symbol,
                    ordinal,
                    node.lineno,
                    node.end_lineno,
                    scope.decisions + 1,
                    scope.kind,
                    first,
                    body(node),
                )
            )
        return tuple(rows)

    def classes(self) -> tuple[ClassMetrics, ...]:
        """Return the classes in the order of the text."""
        scopes = [one for one in self.scopes if one.kind == "class"]
        scopes.sort(key=lambda one: (one.node.lineno, one.node.col_offset))
        return tuple(
            ClassMetrics(one.prefix[:-1], one.node.lineno, one.node.end_lineno, _class_complexity(one))
            for one in scopes
        )

    def _read(self, scope: Scope) -> None:
        self.scope, self.decisions = scope, 0
        self._follow(list(scope.node.body))
        scope.decisions = self.decisions
        if self._uncounted:
            self._follow(self._uncounted)
            self._uncounted = []

    def _follow(self, nodes: list[Any]) -> None:
        children, append = self._children, nodes.append
        for node in nodes:  # grows while it is read: a queue that needs no call to take from
            kind = node.__class__
            if kind is _NAME:  # with attributes and calls two of three nodes
                continue
            if kind is _ATTRIBUTE:
                append(node.value)
            elif kind is _CALL:
                append(node.func)
                nodes += node.args
                if node.keywords:
                    nodes += node.keywords
            else:
                below = children[kind]
                if below is not None:
                    nodes += below(node)

    def _sum_up(self) -> None:
        """Add each function to the module or class that it is directly in, then the classes to the module."""
        module = self.scopes[0]
        for scope in self.scopes:
            scope.total += scope.decisions
            if scope.kind == "class" or scope is module:
                continue
            parent = scope.parent
            if parent is module:
                module.total += scope.decisions
            elif parent is not None and parent.kind == "class":
                parent.total += scope.decisions + 1
                parent.count += 1
        for scope in self.scopes:
            if scope.kind == "class" and scope.parent is module:
                module.total += scope.total - 1

    # Each handler counts one kind of node and returns its children.

    def _function(self, node: Any) -> Iterable[Any]:
        kind = {"module": "function", "class": "method"}.get(self.scope.kind, "closure")
        self.scopes.append(Scope(node, kind, self.scope, node.name))
        return ()  # radon looks at nothing but the body

    def _class(self, node: Any) -> Iterable[Any]:
        self.scopes.append(Scope(node, "class", self.scope, self.scope.context))
        self._uncounted += node.bases
        self._uncounted += node.keywords
        self._uncounted += node.decorator_list
        self._uncounted += getattr(node, "type_params", ())
        return ()

    def _assert(self, node: Any) -> Iterable[Any]:
        self.decisions += 1
        self._uncounted += (node.test, node.msg)
        return ()

    def _if(self, node: Any) -> Iterable[Any]:
        self.decisions += 1
        return (node.test, *node.body, *node.orelse)

    def _if_exp(self, node: Any) -> Iterable[Any]:
        self.decisions += 1
        return (node.test, node.body, node.orelse)

    def _loop(self, node: Any) -> Iterable[Any]:
        self.decisions += 2 if node.orelse else 1
        below = _CHILDREN[node.__class__]
        return below(node) if below else ()

    def _try(self, node: Any) -> Iterable[Any]:
        self.decisions += len(node.handlers) + bool(node.orelse)
        return (*node.body, *node.handlers, *node.orelse, *node.finalbody)

    def _match(self, node: Any) -> Iterable[Any]:
        wild = any(getattr(case.pattern, "pattern", False) is None for case in node.cases)
        self.decisions += len(node.cases) - wild
        return (node.subject, *node.cases)

    def _comprehension(self, node: Any) -> Iterable[Any]:
        self.decisions += len(node.ifs) + 1
        return (node.target, node.iter, *node.ifs)

    def _bool_op(self, node: Any) -> Iterable[Any]:
        values: list[Any] = node.values
        self.decisions += len(values) - 1
        self.operator_count += 1
        self.operators.add(node.op.__class__)
        return self._operands(values)

    def _bin_op(self, node: Any) -> Iterable[Any]:
        self.operator_count += 1
        self.operators.add(node.op.__class__)
        return self._operands((node.left, node.right))

    def _unary_op(self, node: Any) -> Iterable[Any]:
        self.operator_count += 1
        self.operators.add(node.op.__class__)
        return self._operands((node.operand,))

    def _aug_assign(self, node: Any) -> Iterable[Any]:
        self.operator_count += 1
        self.operators.add(node.op.__class__)
        return self._operands((node.target, node.value))

    def _compare(self, node: Any) -> Iterable[Any]:
        self.operator_count += len(node.ops)
        for one in node.ops:
            self.operators.add(one.__class__)
        return self._operands((node.left, *node.comparators))

    def _operands(self, nodes: Sequence[Any]) -> Iterable[Any]:
        """Count operands. A name, an attribute and a constant count once per value, all others each time."""
        self.operand_count += len(nodes)
        add, context = self.operands.add, self.scope.context
        for node in nodes:
            value = _VALUE.get(node.__class__)
            if value is None:
                self.single_operands += 1
            else:
                add((context, value(node)))
        return nodes


def _class_complexity(scope: Scope) -> int:
    """Return radon's complexity of a class: the mean over its methods, plus one for more than one."""
    if not scope.count:
        return scope.total
    return int(scope.total / float(scope.count)) + (scope.count > 1)


def _only(name: str) -> Children:
    get = attrgetter(name)
    return lambda node: (get(node),)


def _children() -> dict[type, Children | None]:
    """Return for each kind of node how to get at its children; a list among them stands for its items."""
    table: dict[type, Children | None] = dict.fromkeys(_LEAVES)
    table[list] = iter
    kinds = [ast.AST]
    for kind in kinds:
        kinds += kind.__subclasses__()
        fields = [name for name in kind._fields if name not in _PLAIN]
        if kind not in table:
            table[kind] = (
                None if not fields else _only(fields[0]) if len(fields) == 1 else attrgetter(*fields)
            )
    return table | _FREQUENT


_NAME, _ATTRIBUTE, _CALL = ast.Name, ast.Attribute, ast.Call
# The same as the table says of itself, but faster.
_FREQUENT: dict[type, Children | None] = {
    ast.Assign: lambda node: (*node.targets, node.value),
    ast.Expr: lambda node: (node.value,),
    ast.Return: lambda node: (node.value,),
    ast.keyword: lambda node: (node.value,),
    ast.Subscript: lambda node: (node.value, node.slice),
    ast.Tuple: lambda node: node.elts,
    ast.List: lambda node: node.elts,
    ast.Dict: lambda node: (*node.keys, *node.values),
    ast.For: lambda node: (node.target, node.iter, *node.body, *node.orelse),
    ast.With: lambda node: (*node.items, *node.body),
    ast.ExceptHandler: lambda node: (node.type, *node.body),
}
_VALUE = {ast.Name: attrgetter("id"), ast.Attribute: attrgetter("attr"), ast.Constant: attrgetter("value")}
_CHILDREN = _children()
_HANDLERS: dict[type, str] = {
    ast.FunctionDef: "_function",
    ast.AsyncFunctionDef: "_function",
    ast.ClassDef: "_class",
    ast.Assert: "_assert",
    ast.If: "_if",
    ast.IfExp: "_if_exp",
    ast.For: "_loop",
    ast.AsyncFor: "_loop",
    ast.While: "_loop",
    ast.Try: "_try",
    ast.Match: "_match",
    ast.comprehension: "_comprehension",
    ast.BoolOp: "_bool_op",
    ast.BinOp: "_bin_op",
    ast.UnaryOp: "_unary_op",
    ast.AugAssign: "_aug_assign",
    ast.Compare: "_compare",
}
