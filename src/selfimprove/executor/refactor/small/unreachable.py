"""Unreachable: removes statements that can never run, behind a jump or below a condition that is never true."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.analysis.scopes import bound_by
from selfimprove.executor.refactor.small.layout import first_line, last_line, layout_of
from selfimprove.executor.refactor.small.rounds import Change, settle
from selfimprove.executor.refactor.small.suites import JUMPS, leaves, suites
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.small.suites import Suite
    from selfimprove.executor.refactor.source import Place, Source

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
# A comment with such a word says why the code is there, or speaks to a tool.
_REASON = re.compile(
    r"pragma|noqa|type:|pyright|pylint|mypy|flake8|cov(?:er|:)|todo|fixme|xxx|hack|note|unreach|never|because"
    r"|since|need|keep|require|so that|until|disab|tempor|debug|enable|reachable|make|for (?:the )?(?:ide|type|static)",
    re.IGNORECASE,
)
_READS_FRAME = {"locals", "vars", "eval", "exec", "dir", "_getframe", "currentframe"}


def remove_unreachable(source: Source, project: Project, place: Place | None = None) -> list[Splice]:
    """Return the splices that take away what can never run, in a function or, with None, in the file.

    That is what stands in a block behind ``return``, ``raise``, ``continue``, ``break``, an ``if`` of which every
    branch ends so, or ``while True`` without ``break``; and ``if`` or ``while`` with a constant that is false, when
    it has no ``else``. Calls that do not return are not known as such. What only its being there does stays: the one
    ``yield`` of a generator, the one assignment that makes a name local, ``global``, ``nonlocal``, imports for static
    tools, an assertion that a line is not reached, and whatever a comment gives a reason for. Raises RefactorError
    when the file cannot be read as tokens.
    """
    del project
    return settle(source, place, _changes)


def _changes(source: Source, place: Place | None) -> Iterator[Change]:
    found = [one for one in _dead(source, place) if _can_go(source, one)]
    # Together: of two that give a name to a scope, one would be the last.
    gone = {id(node) for one in found for node in one.nodes()}
    for one in found:
        if not _shapes(source, one, gone):
            yield from _behind(source, one) if one.jump else _without(source, one.suite, one.first)


class _Dead(NamedTuple):
    """Statements of a suite, from ``first`` on, that never run: behind ``jump``, or one whose condition is false."""

    suite: Suite
    first: int
    jump: ast.stmt | None

    @property
    def statements(self) -> list[ast.stmt]:
        statements = self.suite.statements
        return statements[self.first :] if self.jump else [statements[self.first]]

    def nodes(self) -> Iterator[ast.AST]:
        """Yield all nodes of the statements."""
        for one in self.statements:
            yield from ast.walk(one)


def _dead(source: Source, place: Place | None) -> Iterator[_Dead]:
    for suite in suites(source, place):
        if (at := _end(suite)) is not None:
            yield _Dead(suite, at + 1, suite.statements[at])
            continue
        for number, node in enumerate(suite.statements):
            if _is_never(source, node):
                yield _Dead(suite, number, None)


def _end(suite: Suite) -> int | None:
    """Return the index of the statement that is never left at its end, if something stands behind it."""
    if isinstance(suite.owner, ast.Module | ast.ClassDef):
        return None  # a module that refuses to be imported may say so above its code
    for number, node in enumerate(suite.statements[:-1]):
        behind = suite.statements[number + 1]
        if isinstance(node, JUMPS):
            return number
        if (_is_endless(node) or (isinstance(node, ast.If) and leaves([node]))) and not _is_guard(behind):
            return number
    return None


def _is_endless(node: ast.stmt) -> bool:
    if not isinstance(node, ast.While) or node.orelse or not isinstance(node.test, ast.Constant):
        return False
    return bool(node.test.value) and not any(_breaks(node.body))


def _breaks(statements: Iterable[ast.stmt]) -> Iterator[ast.Break]:
    """Yield the ``break`` of this loop, not those of loops inside of it."""
    todo: list[ast.AST] = list(statements)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Break):
            yield node
        elif isinstance(node, _LOOPS):
            todo += node.orelse
        elif not isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(node))


def _is_guard(node: ast.stmt) -> bool:
    """True for a statement that says itself that it is not reached."""
    if isinstance(node, ast.Raise | ast.Assert):
        return True
    call = node.value if isinstance(node, ast.Expr | ast.Return) else None
    return isinstance(call, ast.Call) and "never" in ast.unparse(call.func)


def _is_never(source: Source, node: ast.stmt) -> bool:
    """True for an ``if`` or ``while``, alone and with no ``else``, whose condition is a constant that is false."""
    if not isinstance(node, ast.If | ast.While) or node.orelse:
        return False
    test = node.test
    return isinstance(test, ast.Constant) and not test.value and not layout_of(source).is_elif(node)


def _can_go(source: Source, dead: _Dead) -> bool:
    inside = list(dead.nodes())
    if any(isinstance(node, ast.Global | ast.Nonlocal) for node in inside):
        return False
    if any(isinstance(node, ast.If) and _is_for_types(node.test) for node in inside):
        return False
    if dead.jump is None and any(isinstance(node, ast.Import | ast.ImportFrom) for node in inside):
        return False  # for static tools, or for what packs a program
    return not _is_explained(source, dead.statements, dead.jump)


def _is_for_types(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in ast.unparse(test)


def _is_explained(source: Source, dead: Sequence[ast.stmt], jump: ast.stmt | None) -> bool:
    """True when a comment stands between the jump and what follows, or gives a reason; or the lines are shared."""
    begin, end = first_line(dead[0]), last_line(dead[-1])
    before = last_line(jump) if jump is not None else begin - 1
    if jump is not None and begin <= before:
        return True
    layout = layout_of(source)
    if any(line in layout.comments for line in range(before + 1, begin)):
        return True
    if (
        jump is not None
        and before in layout.comments
        and _REASON.search(source.line(before).partition("#")[2])
    ):
        return True
    if jump is None and begin - 1 in layout.notes:
        return True
    return any(
        line in layout.comments and _REASON.search(source.line(line).partition("#")[2])
        for line in range(begin, end + 1)
    )


def _shapes(source: Source, dead: _Dead, gone: set[int]) -> bool:
    """True when the code, though it never runs, makes the scope what it is: a generator, or a name its own.

    ``gone`` are the nodes, by their ids, that may all go together.
    """
    function = dead.suite.function
    whole: ast.AST = function or source.tree
    kept = [node for node in ast.walk(whole) if id(node) not in gone]
    stays = [node for node in _own((function or source.tree).body) if id(node) not in gone]
    goes = list(_own(dead.statements))
    if function is not None:
        if any(map(_yields, goes)) and not any(map(_yields, stays)):
            return True
        if not _READS_FRAME.isdisjoint(map(_name, kept)):
            return True
        stays += ast.walk(function.args)
    return not (_bound(goes) - _bound(stays)).isdisjoint(map(_name, kept))


def _bound(nodes: Iterable[ast.AST]) -> set[str]:
    return {name for node in nodes for name in bound_by(node)}


def _yields(node: ast.AST) -> bool:
    return isinstance(node, ast.Yield | ast.YieldFrom)


def _own(statements: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of one scope: of functions and classes in it themselves only, of comprehensions the walrus."""
    todo: list[ast.AST] = list(statements)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            todo += [*getattr(node, "decorator_list", ()), *getattr(node, "bases", ())]
        elif isinstance(node, _COMPREHENSIONS):
            todo += [one.target for one in ast.walk(node) if isinstance(one, ast.NamedExpr)]
            todo.append(node.generators[0].iter)
        else:
            todo.extend(ast.iter_child_nodes(node))


def _name(node: ast.AST) -> str:
    """Return the name that a node mentions, be it read or declared."""
    return str(getattr(node, "id", "") or getattr(node, "attr", ""))


def _behind(source: Source, dead: _Dead) -> Iterator[Change]:
    """Yield the change that takes away the lines behind the jump up to the end of the suite."""
    jump, last = dead.suite.statements[dead.first - 1], dead.suite.statements[-1]
    start, end = source.starts[last_line(jump)], source.starts[last_line(last)]
    at_end = not source.text[start:end].endswith(("\n", "\r"))
    if at_end:  # the file had no last end of line, and has none now
        start = source.span(jump)[1] if not source.line(last_line(jump)).rstrip("\r\n").count("#") else start
    yield Change(source.span(jump)[0], end, (Splice(start, end, ""),))


def _without(source: Source, suite: Suite, number: int) -> Iterator[Change]:
    """Yield the change that takes away one statement of a suite, with a ``pass`` where it was the only one."""
    node, statements = suite.statements[number], suite.statements
    follows = statements[number + 1] if number + 1 < len(statements) else None
    if number == 0 and isinstance(follows, ast.Expr) and isinstance(follows.value, ast.Constant):
        return  # it would become a docstring
    begin, end = first_line(node), last_line(node)
    shared = [one for one in statements if one is not node and _shares(one, begin, end)]
    if shared or source.line(begin)[: source.span(node)[0] - source.starts[begin - 1]].strip():
        return
    start, stop = source.starts[begin - 1], source.starts[end]
    text = "" if len(statements) > 1 or isinstance(suite.owner, ast.Module) else source.indent(begin) + "pass"
    if text:
        text += source.newline if source.text[:stop].endswith(("\n", "\r")) else ""
    elif number == 0:
        stop = _blank_until(source, end)
    else:
        start = source.starts[_blank_from(source, begin) - 1]
    # One of a suite in each round: the last of them leaves a pass.
    whole = source.starts[first_line(statements[0]) - 1], source.starts[last_line(statements[-1])]
    yield Change(min(start, whole[0]), max(stop, whole[1]), (Splice(start, stop, text),))


def _shares(node: ast.stmt, begin: int, end: int) -> bool:
    return first_line(node) in (begin, end) or last_line(node) in (begin, end)


def _blank_from(source: Source, line: int) -> int:
    """Return the first of the blank lines directly above ``line``, or ``line``; those below it stay."""
    while line > 1 and not source.line(line - 1).strip():
        line -= 1
    return line


def _blank_until(source: Source, line: int) -> int:
    """Return the offset behind the blank lines that follow ``line``."""
    while line + 1 < len(source.starts) and not source.line(line + 1).strip():
        line += 1
    return source.starts[line]
