"""Building: makes the graph of a function from its statements, with exceptions, finally, with and jumps."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selfimprove.executor.refactor.analysis.graph import Graph, Stand
from selfimprove.executor.refactor.analysis.reads import Reads, Variables, has_walrus, read, read_scope
from selfimprove.executor.refactor.analysis.scopes import COMPREHENSIONS, Scopes, bound_by, outside_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(slots=True)
class _Frame:
    """What a jump meets on its way out: a loop (``targets``), or something to be done first (``pending``)."""

    targets: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)


class Builder:
    """Builds one graph. Every method takes the node at which control is and returns the one where it is then."""

    def __init__(self, variables: Variables, scopes: Scopes, suppresses: Callable[[ast.expr], bool]) -> None:
        """Begin a graph; ``suppresses`` tells of a context manager whether it may swallow an exception."""
        self.graph = Graph()
        self.variables = variables
        self.scopes = scopes
        self.suppresses = suppresses
        self.frames: list[_Frame] = []
        self.start = self.graph.add()
        self.end = self.graph.add()  # a return, and the end of the text
        self.fails = self.graph.add()  # where an exception goes now; at first: out of the function

    def function(self, node: ast.AST, bound: int) -> Graph:
        """Return the graph of a function that begins with ``bound`` variables."""
        function: Any = node
        self.graph.binds[self.start] = bound
        at = self._block(function.body, self.graph.add(self.start))
        self.graph.after[at].append(self.end)
        return self.graph

    def _block(self, statements: Sequence[ast.stmt], at: int) -> int:
        for statement in statements:
            at = self._statement(statement, at)
        return at

    def _statement(self, statement: ast.stmt, at: int) -> int:
        entry, fails = self.graph.add(at), self.fails
        step = _STEPS.get(type(statement), Builder._simple)
        leave = self.graph.add(step(self, statement, entry))
        self.graph.stands.setdefault(statement, []).append(Stand(entry, leave, fails))
        return leave

    # Expressions and bindings

    def _does(self, at: int, reads: Reads, *, binds: int = 0, kills: int = 0) -> int:
        graph, node = self.graph, self.graph.add(at)
        graph.uses[node], graph.sure[node], graph.holds[node] = reads.uses, reads.sure, reads.holds
        graph.binds[node], graph.kills[node] = binds, kills
        if reads.raises or reads.sure:  # a variable that is read may have no value
            graph.failing[node].append(self.fails)
        return node

    def _value(self, node: ast.AST, at: int) -> int:
        if not has_walrus(node):
            return self._does(at, read(node, self.variables, self.scopes))
        if isinstance(node, ast.NamedExpr):
            at = self._value(node.value, at)
            return self._does(at, Reads(), binds=self.variables.mask((node.target.id,)))
        if isinstance(node, (ast.BoolOp, ast.IfExp)):
            return self.graph.add(*self._test(node, at))
        if isinstance(node, COMPREHENSIONS):
            return self._comprehension(node, at)
        children = outside_parts(node) if isinstance(node, ast.Lambda) else list(ast.iter_child_nodes(node))
        for child in children:
            at = self._value(child, at)
        own = (
            read_scope(node, self.variables, self.scopes)
            if isinstance(node, ast.Lambda)
            else Reads(raises=True)
        )
        return self._does(at, own)

    def _comprehension(self, node: ast.AST, at: int) -> int:
        for part in outside_parts(node):
            at = self._value(part, at)
        before, reads = at, read_scope(node, self.variables, self.scopes)
        binds = self.variables.mask(self.scopes.of(node).walrus)
        at = self._does(self._does(at, reads._replace(raises=True), binds=binds), Reads(raises=True))
        return self.graph.add(before, at)

    def _test(self, node: ast.expr, at: int) -> tuple[int, int]:
        """Return the nodes behind a condition that holds, and behind one that does not."""
        if isinstance(node, ast.Constant):
            yes, no = self.graph.add(), self.graph.add()
            self.graph.after[at].append(yes if node.value else no)
            return yes, no
        if not has_walrus(node):
            reads = read(node, self.variables, self.scopes)
            at = self._does(at, reads._replace(raises=reads.raises or not isinstance(node, ast.Compare)))
            return self.graph.add(at), self.graph.add(at)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yes, no = self._test(node.operand, at)
            return no, yes
        if isinstance(node, ast.BoolOp):
            return self._either(node, at)
        if isinstance(node, ast.IfExp):
            yes, no = self._test(node.test, at)
            first, second = self._test(node.body, yes), self._test(node.orelse, no)
            return self.graph.add(first[0], second[0]), self.graph.add(first[1], second[1])
        at = self._does(self._value(node, at), Reads(raises=True))
        return self.graph.add(at), self.graph.add(at)

    def _either(self, node: ast.BoolOp, at: int) -> tuple[int, int]:
        decided: list[int] = []
        goes_on, number = at, 0 if isinstance(node.op, ast.And) else 1
        for value in node.values:
            both = self._test(value, goes_on)
            goes_on = both[number]
            decided.append(both[1 - number])
        joined = self.graph.add(*decided)
        return (goes_on, joined) if number == 0 else (joined, goes_on)

    def _bind(self, target: ast.AST, at: int) -> int:
        if isinstance(target, ast.Name):
            return self._does(at, Reads(), binds=self.variables.mask((target.id,)))
        if isinstance(target, ast.Starred):
            return self._bind(target.value, at)
        if isinstance(target, (ast.Tuple, ast.List)):
            at = self._does(at, Reads(raises=True))
            for one in target.elts:
                at = self._bind(one, at)
            return at
        return self._value(target, at)

    # Statements

    def _simple(self, statement: ast.stmt, at: int) -> int:
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr):
                at = self._value(child, at)
        return at

    def _assign(self, statement: Any, at: int) -> int:
        at = self._value(statement.value, at)
        for target in statement.targets:
            at = self._bind(target, at)
        return at

    def _augment(self, statement: Any, at: int) -> int:
        if isinstance(statement.target, ast.Name):
            bit = self.variables.mask((statement.target.id,))
            at = self._value(statement.value, self._does(at, Reads(bit, bit)))
            return self._does(self._does(at, Reads(raises=True)), Reads(), binds=bit)
        return self._does(self._value(statement.value, self._value(statement.target, at)), Reads(raises=True))

    def _annotate(self, statement: Any, at: int) -> int:
        if statement.value is None:
            return at if isinstance(statement.target, ast.Name) else self._value(statement.target, at)
        return self._bind(statement.target, self._value(statement.value, at))

    def _bring(self, statement: Any, at: int) -> int:
        for alias in statement.names:
            at = self._does(at, Reads(raises=True))
            at = self._does(at, Reads(), binds=self.variables.mask(bound_by(alias)))
        return at

    def _delete(self, statement: Any, at: int) -> int:
        todo = list(statement.targets)
        while todo:
            target = todo.pop(0)
            if isinstance(target, (ast.Tuple, ast.List)):
                todo[:0] = target.elts
            elif isinstance(target, ast.Name):
                bit = self.variables.mask((target.id,))
                at = self._does(at, Reads(bit, bit), kills=bit)
            else:
                at = self._value(target, at)
        return at

    def _define(self, statement: Any, at: int) -> int:
        for part in outside_parts(statement):
            at = self._value(part, at)
        at = self._does(at, read_scope(statement, self.variables, self.scopes))
        return self._does(at, Reads(), binds=self.variables.mask((statement.name,)))

    def _fail(self, statement: Any, at: int) -> int:
        at = self.graph.add(self._simple(statement, at))
        self.graph.failing[at].append(self.fails)
        return self.graph.add()

    def _leave(self, statement: Any, at: int) -> int:
        if isinstance(statement, ast.Return) and statement.value is not None:
            at = self._value(statement.value, at)
        at = self.graph.add(at)
        self.graph.jumps.setdefault(statement, []).append(at)
        self._jump(type(statement).__name__, at, len(self.frames))
        return self.graph.add()

    def _jump(self, kind: str, at: int, level: int) -> None:
        """Let a jump go outwards from the frames below ``level`` to its target, through what is in its way."""
        for frame in reversed(self.frames[:level]):
            if kind in frame.targets:
                self.graph.after[at].append(frame.targets[kind])
                return
            if not frame.targets:
                if kind not in frame.pending:
                    frame.pending[kind] = self.graph.add()
                self.graph.after[at].append(frame.pending[kind])
                return
        self.graph.after[at].append(self.end)

    def _guarded(self, inside: Callable[[], int], behind: Callable[[int], int], fails: int) -> int:
        """Build ``inside``, then what is done ``behind`` it: once for its end, once for each kind of jump out of it.

        What stands behind belongs to the statement around, so it is built when all that is inside is complete.
        """
        outer, self.fails = self.fails, fails
        frame = _Frame()
        self.frames.append(frame)
        at = inside()
        self.frames.pop()
        self.fails = outer
        at = behind(at)
        for kind in sorted(frame.pending):
            self._jump(kind, behind(frame.pending[kind]), len(self.frames))
        return at

    def _branch(self, statement: Any, at: int) -> int:
        yes, no = self._test(statement.test, at)
        return self.graph.add(self._block(statement.body, yes), self._block(statement.orelse, no))

    def _affirm(self, statement: Any, at: int) -> int:
        yes, no = self._test(statement.test, at)
        if statement.msg is not None:
            no = self._value(statement.msg, no)
        self.graph.failing[no].append(self.fails)
        return yes

    def _each(self, statement: Any, at: int) -> int:
        at = self._does(self._value(statement.iter, at), Reads(raises=True))
        head, broken = self._does(at, Reads(raises=True)), self.graph.add()
        self.frames.append(_Frame({"Break": broken, "Continue": head}))
        at = self._block(statement.body, self._bind(statement.target, self.graph.add(head)))
        self.graph.after[at].append(head)
        self.frames.pop()
        return self.graph.add(broken, self._block(statement.orelse, self.graph.add(head)))

    def _loop(self, statement: Any, at: int) -> int:
        head, broken = self.graph.add(at), self.graph.add()
        yes, no = self._test(statement.test, head)
        self.frames.append(_Frame({"Break": broken, "Continue": head}))
        at = self._block(statement.body, yes)
        self.graph.after[at].append(head)
        self.frames.pop()
        return self.graph.add(broken, self._block(statement.orelse, no))

    def _manage(self, statement: Any, at: int) -> int:
        return self._items(statement, list(statement.items), at)

    def _items(self, statement: Any, items: list[ast.withitem], at: int) -> int:
        if not items:
            return self._block(statement.body, at)
        at = self._does(self._value(items[0].context_expr, at), Reads(raises=True))
        failed = self.graph.add()
        self.graph.failing[failed].append(self.fails)
        target = items[0].optional_vars

        def inside() -> int:
            return self._items(statement, items[1:], at if target is None else self._bind(target, at))

        def behind(end: int) -> int:
            return self.graph.add(self._does(end, Reads(raises=True)))

        end = self._guarded(inside, behind, failed)
        if self.suppresses(items[0].context_expr):
            self.graph.after[failed].append(end)
        return end

    def _attempt(self, statement: Any, at: int) -> int:
        if not statement.finalbody:
            return self._handled(statement, at)
        failed = self.graph.add()

        def behind(end: int) -> int:
            return self._block(statement.finalbody, self.graph.add(end))

        end = self._guarded(lambda: self._handled(statement, at), behind, failed)
        self.graph.failing[behind(failed)].append(self.fails)
        return end

    def _handled(self, statement: Any, at: int) -> int:
        if not statement.handlers:
            return self._block(statement.orelse, self._block(statement.body, at))
        outer, dispatch = self.fails, self.graph.add()
        self.fails = dispatch
        at = self._block(statement.body, at)
        self.fails = outer
        ends = [self._block(statement.orelse, at)]
        goes_on = dispatch
        for handler in statement.handlers:
            if handler.type is not None:
                goes_on = self._does(self._value(handler.type, goes_on), Reads(raises=True))
            ends.append(self._handler(handler, self.graph.add(goes_on)))
            if isinstance(statement, ast.TryStar):
                goes_on = self.graph.add(goes_on, ends[-1])
            elif handler.type is None:
                goes_on = self.graph.add()
        self.graph.failing[goes_on].append(outer)
        return self.graph.add(*ends)

    def _handler(self, handler: ast.ExceptHandler, at: int) -> int:
        if not handler.name:
            return self._block(handler.body, at)
        bit, failed = self.variables.mask((handler.name,)), self.graph.add()
        at = self._does(at, Reads(), binds=bit)
        end = self._guarded(
            lambda: self._block(handler.body, at), lambda one: self._does_unbind(one, bit), failed
        )
        self.graph.failing[self._does_unbind(failed, bit)].append(self.fails)
        return end

    def _does_unbind(self, at: int, bit: int) -> int:
        return self.graph.add(self._does(at, Reads(), kills=bit))

    def _match(self, statement: Any, at: int) -> int:
        at = self._value(statement.subject, at)
        ends = []
        for case in statement.cases:
            goes_on = self.graph.add()
            reads, binds = self._pattern(case.pattern)
            tried = self._does(at, reads)
            at = self._does(tried, Reads(), binds=binds)
            if not _irrefutable(case.pattern):
                self.graph.after[tried].append(goes_on)
            if case.guard is not None:
                at, no = self._test(case.guard, at)
                self.graph.after[no].append(goes_on)
            ends.append(self._block(case.body, at))
            at = goes_on
        return self.graph.add(at, *ends)

    def _pattern(self, pattern: ast.pattern) -> tuple[Reads, int]:
        reads, binds = Reads(raises=True), 0
        for one in ast.walk(pattern):
            binds |= self.variables.mask(bound_by(one)) if isinstance(one, ast.pattern) else 0
            if isinstance(one, ast.expr):
                reads |= read(one, self.variables, self.scopes)
        return reads._replace(sure=0), binds


def _irrefutable(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return any(_irrefutable(one) for one in pattern.patterns)
    return isinstance(pattern, ast.MatchAs) and (pattern.pattern is None or _irrefutable(pattern.pattern))


_STEPS: dict[type[ast.stmt], Callable[[Builder, Any, int], int]] = {
    ast.Assign: Builder._assign,
    ast.AugAssign: Builder._augment,
    ast.AnnAssign: Builder._annotate,
    ast.Import: Builder._bring,
    ast.ImportFrom: Builder._bring,
    ast.Delete: Builder._delete,
    ast.FunctionDef: Builder._define,
    ast.AsyncFunctionDef: Builder._define,
    ast.ClassDef: Builder._define,
    ast.Raise: Builder._fail,
    ast.Return: Builder._leave,
    ast.Break: Builder._leave,
    ast.Continue: Builder._leave,
    ast.If: Builder._branch,
    ast.Assert: Builder._affirm,
    ast.For: Builder._each,
    ast.AsyncFor: Builder._each,
    ast.While: Builder._loop,
    ast.With: Builder._manage,
    ast.AsyncWith: Builder._manage,
    ast.Try: Builder._attempt,
    ast.TryStar: Builder._attempt,
    ast.Match: Builder._match,
}
