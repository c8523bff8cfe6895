"""Comprehension: a loop that fills a list, set or dictionary, or looks for one element, as one expression."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.limit import line_limit
from selfimprove.executor.refactor.small.bindings import is_builtin
from selfimprove.executor.refactor.small.layout import last_line, layout_of
from selfimprove.executor.refactor.small.loop_names import Names
from selfimprove.executor.refactor.small.negation import opposite
from selfimprove.executor.refactor.small.rounds import Change, settle
from selfimprove.executor.refactor.small.suites import suites
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.small.layout import Layout
    from selfimprove.executor.refactor.small.suites import Suite
    from selfimprove.executor.refactor.source import Place, Source

_LOOPS = 2  # generators that one comprehension may have
# What another scope, another time or another frame would change.
_REFUSED = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Lambda, ast.GeneratorExp, ast.Starred)
_REFUSED_NAMES = frozenset(("super", "__class__", "next", "__next__", "send", "throw", "stacklevel"))
_LOOSE = (ast.IfExp, ast.Lambda)
# Calls and methods that give a bool, so that asking twice whether it is true calls nothing.
_PREDICATES = frozenset(("isinstance", "issubclass", "callable", "hasattr"))
_STRING_PREDICATES = frozenset(
    (
        "startswith",
        "endswith",
        "isdigit",
        "isalpha",
        "isalnum",
        "isspace",
        "isupper",
        "islower",
        "isidentifier",
    )
)


class _Loop(NamedTuple):
    """One ``for``, or two in each other, with one statement in it: the loops, its condition, the statement."""

    loops: tuple[ast.For, ...]
    condition: ast.expr | None
    statement: ast.stmt


class _Pieces(NamedTuple):
    """How a comprehension is written: what stands before it, and its element, loops and condition."""

    before: str
    parts: tuple[str, ...]
    after: str


def comprehend(source: Source, project: Project, place: Place | None) -> list[Splice]:
    """Return splices that make comprehensions of loops that append, add or set, and ``any``/``all`` of searches.

    Only in functions, without comments in the loop, and when no one can see the difference: the loop's names
    are not read afterwards, the container is not read before it is full, and nothing is evaluated in another
    order. The one thing that differs is the frame in which the element is evaluated.
    """
    del project
    longest = line_limit(source)

    def changes(now: Source, at: Place | None) -> Iterator[Change]:
        known: dict[FunctionNode, Names] = {}
        for suite in suites(now, at):
            if suite.function is None:
                continue
            for index, node in enumerate(suite.statements):
                if isinstance(node, ast.For) and (loop := _loop_of(node)) is not None:
                    names = known.get(suite.function) or known.setdefault(
                        suite.function, Names(suite.function)
                    )
                    change = _changed(layout_of(now), suite, index, loop, names, longest)
                    if change is not None:
                        yield change

    return settle(source, place, changes)


def _loop_of(node: ast.For) -> _Loop | None:
    """Return the loop with what is in it, ``None`` when that is more than a comprehension can hold."""
    loops, inside = [node], node.body
    while len(inside) == 1 and isinstance(inside[0], ast.For) and len(loops) < _LOOPS:
        loops.append(inside[0])
        inside = inside[0].body
    condition = None
    if len(inside) == 1 and isinstance(inside[0], ast.If) and not inside[0].orelse:
        condition, inside = inside[0].test, inside[0].body
    if len(inside) != 1 or any(one.orelse or not _has_plain_target(one.target) for one in loops):
        return None
    return _Loop(tuple(loops), condition, inside[0])


def _has_plain_target(target: ast.expr) -> bool:
    return all(
        isinstance(one, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.Store) for one in ast.walk(target)
    )


def _changed(
    layout: Layout, suite: Suite, index: int, loop: _Loop, names: Names, longest: int
) -> Change | None:
    """Return the change of the loop at ``index`` and the statement before or behind it."""
    first, source = loop.loops[0], layout.source
    searching = isinstance(loop.statement, ast.Return)
    at = index + 1 if searching else index - 1
    if not 0 <= at < len(suite.statements):
        return None
    other = suite.statements[at]
    begin, end = (first, other) if searching else (other, first)
    if layout.has_notes(begin.lineno, last_line(end)) or not _stands_alone(source, begin, end):
        return None
    pieces = (_searched if searching else _filled)(layout, loop, other)
    after = suite.statements[index + 1 :]
    if pieces is None or not _is_unseen(names, loop, "" if searching else _container(other), after):
        return None
    if not searching and _returns_it(layout, other, first, after):
        pieces, end = pieces._replace(before="return " + pieces.before[-1]), after[0]
    text = _written(layout, first, pieces, longest)
    if not text:
        return None
    splice = Splice(source.span(begin)[0], source.span(end)[1], text)
    return Change(splice.start, splice.end, (splice,))


def _is_unseen(names: Names, loop: _Loop, container: str, after: list[ast.stmt]) -> bool:
    """True when no one sees what the loop's names are afterwards, nor the container before it is full."""
    first, targets = loop.loops[0], _names_of(loop)
    if not all(names.can_lose(name, first) for name in targets):
        return False
    return not container or (container not in targets and names.may_come_at_once(container, first, after))


def _returns_it(layout: Layout, other: ast.stmt, loop: ast.For, after: list[ast.stmt]) -> bool:
    """True when what follows the loop returns the container and nothing more."""
    match after:
        case [ast.Return(value=ast.Name(id=name)) as end, *_] if isinstance(other, ast.Assign):
            alone = _stands_alone(layout.source, other, end)
            return alone and name == _container(other) and not layout.has_notes(loop.lineno, end.lineno)
    return False


def _stands_alone(source: Source, begin: ast.stmt, end: ast.stmt) -> bool:
    """True when nothing else is in the first or last line."""
    start, stop = source.span(begin)[0], source.span(end)[1]
    before = source.text[source.starts[begin.lineno - 1] : start]
    behind = source.text[stop : source.starts[last_line(end)]]
    return not before.strip() and not behind.strip()


def _names_of(loop: _Loop) -> list[str]:
    return [node.id for one in loop.loops for node in ast.walk(one.target) if isinstance(node, ast.Name)]


def _container(node: ast.stmt) -> str:
    """Return the one name that is assigned, empty when that is another target."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    return ""


def _filled(layout: Layout, loop: _Loop, other: ast.stmt) -> _Pieces | None:
    """Return the comprehension for a loop that fills what ``other`` makes empty."""
    source, name = layout.source, _container(other)
    if not name or not isinstance(other, ast.Assign | ast.AnnAssign) or other.value is None:
        return None
    kind = _kind_of_empty(source, other.value)
    elements = _elements(loop.statement, kind, name)
    if not elements or not _may_move(loop, elements, name):
        return None
    if loop.condition is None and len(loop.loops) == 1 and _is_copy(elements, loop.loops[0].target):
        return None  # list(...) would say it, but asks for the length
    element = ": ".join(_closed(source, one, first=True) for one in elements)
    before = source.text[source.span(other)[0] : source.span(other.value)[0]]
    opening, closing = "[]" if kind == "list" else "{}"
    return _Pieces(before + opening, (element, *_clauses(source, loop)), closing)


def _kind_of_empty(source: Source, value: ast.expr) -> str:
    match value:
        case ast.List(elts=[]):
            return "list"
        case ast.Dict(keys=[]):
            return "dict"
        case ast.Call(func=ast.Name(id="list" | "dict" | "set" as name), args=[], keywords=[]):
            return name if is_builtin(source, name) else ""
    return ""


def _elements(statement: ast.stmt, kind: str, container: str) -> list[ast.expr]:
    """Return what ``statement`` puts into the container: an element, or key and value; nothing when it does else."""
    match statement:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr=verb), args=[element], keywords=[]
            )
        ):
            fits = (kind, verb) in (("list", "append"), ("set", "add"))
            return [element] if fits and name == container else []
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)], value=value):
            # A statement evaluates the value first, a comprehension the key.
            in_order = any(isinstance(one, ast.Name | ast.Constant) for one in (key, value))
            return [key, value] if kind == "dict" and name == container and in_order else []
    return []


def _is_copy(elements: list[ast.expr], target: ast.expr) -> bool:
    """True for ``[x for x in y]`` and ``{k: v for k, v in y}``."""
    parts = [ast.unparse(one) for one in elements]
    return ast.unparse(target).strip("()") == ", ".join(parts).strip("()")


def _may_move(loop: _Loop, elements: list[ast.expr], container: str) -> bool:
    """True when element, condition and iterables mean the same in a comprehension."""
    moved = [*elements, *(one.iter for one in loop.loops), *([loop.condition] if loop.condition else [])]
    if any(isinstance(part, ast.Slice) for part in moved):
        return False
    for node in (node for part in moved for node in ast.walk(part)):
        name = getattr(node, "id", getattr(node, "attr", getattr(node, "arg", "")))
        if isinstance(node, _REFUSED) or name in _REFUSED_NAMES:
            return False
        if isinstance(node, ast.Name) and name == container:
            return False
    return True


def _searched(layout: Layout, loop: _Loop, other: ast.stmt) -> _Pieces | None:
    """Return ``return any(...)`` or ``all`` for a loop that returns a truth value, ``other`` returning the opposite."""
    source, test = layout.source, loop.condition
    found, otherwise = _truth(loop.statement), _truth(other)
    if test is None or (found, otherwise) not in ((True, False), (False, True)):
        return None
    verb, text = "any", _closed(source, test, first=True)
    if not found:
        contrary = opposite(layout, test)
        verb, text = ("all", contrary) if contrary else ("not any", text)
    asked = test.operand if verb == "all" and isinstance(test, ast.UnaryOp) else test
    if not _is_asked_once(asked) or not _may_move(loop, [], ""):
        return None
    if not is_builtin(source, verb.removeprefix("not ")):
        return None
    return _Pieces(f"return {verb}(", (text, *_clauses(source, loop._replace(condition=None))), ")")


def _truth(node: ast.stmt) -> bool | None:
    match node:
        case ast.Return(value=ast.Constant(value=bool(value))):
            return value
    return None


def _is_asked_once(test: ast.expr) -> bool:
    """True when ``any(test ...)`` asks no object twice whether it is true, as an ``and`` that is a value does."""
    return not isinstance(test, ast.BoolOp) or all(_is_bool(one) for one in test.values[:-1])


def _is_bool(test: ast.expr) -> bool:
    match test:
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _PREDICATES
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _STRING_PREDICATES
    return False


def _clauses(source: Source, loop: _Loop) -> list[str]:
    clauses = [f"for {source.segment(one.target)} in {_closed(source, one.iter)}" for one in loop.loops]
    return [*clauses, f"if {_closed(source, loop.condition)}"] if loop.condition else clauses


def _closed(source: Source, node: ast.expr, *, first: bool = False) -> str:
    """Return the text of ``node``, in parentheses where a comprehension asks for them: less so ``first`` in it."""
    text = source.segment(node)
    if isinstance(node, ast.Tuple):
        call = ast.parse(f"f{text}", mode="eval").body if text.startswith("(") else None
        return text if isinstance(call, ast.Call) else f"({text})"
    return f"({text})" if isinstance(node, _LOOSE) and not first else text


def _written(layout: Layout, loop: ast.For, pieces: _Pieces, longest: int) -> str:
    """Return the statement on one line, or wrapped as black wraps; empty when it fits in neither way."""
    source = layout.source
    if any("\n" in part or "\r" in part for part in pieces.parts):
        return ""
    indent = source.indent(loop.lineno)
    inner = source.indent(loop.body[0].lineno)
    line = pieces.before + " ".join(pieces.parts) + pieces.after
    if len(indent) + len(line) <= longest:
        return line
    joined = [" ".join(pieces.parts)]
    lines = joined if len(inner) + len(joined[0]) <= longest else list(pieces.parts)
    if any(len(inner) + len(one) > longest for one in lines):
        return ""
    return source.newline.join([pieces.before, *(inner + one for one in lines), indent + pieces.after])
