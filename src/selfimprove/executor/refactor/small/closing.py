"""Closing: `f = open(...)` and `f.close()` become `with open(...) as f:`, so that what is opened is always closed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.analysis.scopes import INNER, Scopes, bound_by
from selfimprove.executor.refactor.limit import line_limit
from selfimprove.executor.refactor.small.layout import Block, first_line, last_line, layout_of
from selfimprove.executor.refactor.small.openers import called, closed_name, is_opened, opened_name
from selfimprove.executor.refactor.small.rounds import Change, settle
from selfimprove.executor.refactor.small.suites import suites
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.small.layout import Layout
    from selfimprove.executor.refactor.small.suites import Suite
    from selfimprove.executor.refactor.source import Place, Source

_LAZY = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.GeneratorExp)
_LEAVES = (ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom)
# What these return holds on to the file no longer.
_CONSUMES = {
    "list",
    "tuple",
    "set",
    "frozenset",
    "sorted",
    "dict",
    "len",
    "sum",
    "min",
    "max",
    "any",
    "all",
    "print",
}
_WALKED = {"enumerate", "zip", "map", "filter", "iter", "islice", "reader", "DictReader"}


class _Opened(NamedTuple):
    """Files of ``suite``: opened by the statements ``opens``, closed by those from ``first`` to ``last``."""

    suite: Suite
    opens: tuple[int, ...]
    first: int
    last: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(opened_name(self.suite.statements[at]) for at in self.opens)

    @property
    def between(self) -> list[ast.stmt]:
        return self.suite.statements[self.opens[-1] + 1 : self.first]


def with_open(source: Source, project: Project, place: Place | None = None) -> list[Splice]:
    """Return the splices that open in a ``with`` statement what is closed again, in a function or in the file.

    That is ``f = open(...)`` with ``f.close()`` further down in the same block, or directly followed by ``try`` with
    a ``finally`` that only closes it. What lies between becomes the body; nothing else changes than that a file is
    closed too when something goes wrong. So the file may not be seen from outside then: it is not returned, stored
    or held by a function, and nothing behind the block uses it. ``open`` is the builtin, ``Path(...).open``, or one
    of a list of functions of the standard library. Raises RefactorError when the file has no readable tokens.
    """
    del project
    wide = line_limit(source)

    def changes(now: Source, at: Place | None) -> Iterator[Change]:
        for suite in suites(now, at):
            if not isinstance(suite.owner, ast.ClassDef):
                yield from _in_suite(now, suite, wide)

    return settle(source, place, changes)


def _in_suite(source: Source, suite: Suite, wide: int) -> Iterator[Change]:
    for at, node in enumerate(suite.statements):
        if not (name := opened_name(node)) or not is_opened(source, node):
            continue
        behind = suite.statements[at + 1 : at + 2]
        if behind and isinstance(behind[0], ast.Try) and _closes_only(behind[0], name):
            yield from _of_try(source, suite, at, behind[0], wide)
        elif (found := _found(source, suite, at)) and _is_private(source, found):
            yield from _of_block(source, found, wide)


def _closes_only(node: ast.Try, name: str) -> bool:
    return len(node.finalbody) == 1 and closed_name(node.finalbody[0]) == name and not node.orelse


def _found(source: Source, suite: Suite, at: int) -> _Opened | None:
    """Return the files that are opened from statement ``at`` on, one behind the other, with where they are closed."""
    statements = suite.statements
    if at and is_opened(source, statements[at - 1]):
        before = _found(source, suite, at - 1)
        if before and at in before.opens:
            return None  # it goes with the one before
    opens = [at]
    while opens[-1] + 1 < len(statements) and is_opened(source, statements[opens[-1] + 1]):
        opens.append(opens[-1] + 1)
    several = (_together(suite, opens[:many]) for many in range(len(opens), 0, -1))
    return next((one for one in several if one), None)


def _together(suite: Suite, opens: list[int]) -> _Opened | None:
    """Return the files of ``opens`` when they are closed one behind the other too."""
    statements = suite.statements
    names = {opened_name(statements[one]) for one in opens}
    closes = (n for n in range(opens[-1] + 1, len(statements)) if closed_name(statements[n]) in names)
    first = next(closes, None)
    if first is None or len(names) < len(opens) or "" in names:
        return None
    last = first + len(opens) - 1
    closed = {closed_name(one) for one in statements[first : last + 1]}
    return _Opened(suite, tuple(opens), first, last) if closed == names else None


def _is_private(source: Source, found: _Opened) -> bool:
    """True when nobody else can tell whether the files were closed after something went wrong."""
    between, statements = found.between, found.suite.statements
    later = {closed_name(one) for one in statements[found.last + 1 :]} - {""}
    mine = {opened_name(one) for one in between}
    if mine & later or not {closed_name(one) for one in between} <= {"", *mine}:
        return False  # the two cross
    whole: ast.AST = found.suite.function or source.tree
    left = any(isinstance(node, _LEAVES) for one in between for node in ast.walk(one))
    left = left or _is_caught(whole, statements[found.opens[0]])
    return all(
        not _is_declared(source, name)
        and not _is_bound(between, name)
        and _stays_inside(between, name, left)
        and _is_over(whole, found, name)
        for name in found.names
    )


def _is_declared(source: Source, name: str) -> bool:
    return any(
        isinstance(node, ast.Global | ast.Nonlocal) and name in node.names for node in ast.walk(source.tree)
    )


def _is_caught(whole: ast.AST, opened: ast.stmt) -> bool:
    """True when the function itself goes on after an exception behind ``opened``."""
    tries = (node for node in ast.walk(whole) if isinstance(node, ast.Try | ast.TryStar) and node.handlers)
    return any(one is opened for node in tries for body in node.body for one in ast.walk(body))


def _is_bound(statements: Iterable[ast.AST], name: str) -> bool:
    return any(name in bound_by(node) for one in statements for node in ast.walk(one))


def _mentions(nodes: Iterable[ast.AST], name: str) -> list[ast.Name]:
    return [one for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name) and one.id == name]


def _stays_inside(between: Sequence[ast.stmt], name: str, left: bool) -> bool:
    """True when ``between`` uses the file without handing it to something that lives on.

    ``left`` says that the function can go on before the file was closed; then no call may be told of it.
    """
    parents = {
        child: node for one in between for node in ast.walk(one) for child in ast.iter_child_nodes(node)
    }
    for use in _mentions(between, name):
        match parents.get(use):
            case ast.Attribute(ctx=ast.Load()) as method if _is_used(method, parents.get(method)):
                continue
            case ast.For(iter=values) | ast.AsyncFor(iter=values) if values is use:
                continue
            case ast.comprehension(iter=values) as part if values is use and _is_done(part, parents):
                continue
            case ast.keyword() as keyword if not left or _consumes(parents[keyword]):
                continue
            case ast.Call() as call if not left or _consumes(call) or _is_walked(call, parents):
                continue
        return False
    return True


def _is_done(part: ast.comprehension, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """True for a comprehension that is evaluated where it stands, or a generator that a call uses up."""
    whole = parents[part]
    return not isinstance(whole, ast.GeneratorExp) or _consumes(parents.get(whole))


def _is_used(method: ast.Attribute, call: ast.AST | None) -> bool:
    """True for what does not outlive the file: a method that is called, or one of a few values of it."""
    if isinstance(call, ast.Call) and call.func is method:
        return method.attr not in ("close", "detach")
    return method.attr in ("name", "closed", "mode", "encoding")


def _consumes(call: ast.AST | None) -> bool:
    if not isinstance(call, ast.Call):
        return False
    return called(call) in ({"join"} if isinstance(call.func, ast.Attribute) else _CONSUMES)


def _is_walked(call: ast.Call, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """True for ``enumerate(f)`` and its like, of which a loop alone knows."""
    loop = parents.get(call)
    return called(call) in _WALKED and isinstance(loop, ast.For) and loop.iter is call


def _is_over(whole: ast.AST, found: _Opened, name: str) -> bool:
    """True when every other mention of ``name`` in the function is behind a statement that binds it anew."""
    suite, scopes = found.suite, Scopes()
    inside = {id(node) for one in suite.statements[found.opens[0] : found.last + 1] for node in ast.walk(one)}
    others = {id(one) for one in _mentions([whole], name)} - inside
    for one in ast.walk(whole):
        if isinstance(one, INNER) and one is not whole:
            if isinstance(one, _LAZY) and name in scopes.of(one).outward:
                return False  # held, and perhaps used at any time
            if name in scopes.of(one).bound:
                others -= {id(mention) for mention in _mentions([one], name)}  # another of that name
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(one, field, None)
            if isinstance(statements, list):
                others -= _anew(statements, name, suite.statements[found.opens[0]], found)
    return not others


def _anew(statements: Sequence[ast.stmt], name: str, ours: ast.stmt, found: _Opened) -> set[int]:
    """Return the mentions of ``name`` in a suite that follow a binding of it, unless ours may have come between."""
    start = found.last + 1 if statements is found.suite.statements else 0
    anew: set[int] = set()
    for begin, end in ((start, len(statements)), (0, found.opens[0] if start else 0)):
        binds = False
        for node in statements[begin:end]:
            if any(one is ours for one in ast.walk(node)):
                return anew
            binds = binds or _binds_first(node, name)
            if binds:
                anew |= {id(one) for one in _mentions([node], name)}
    return anew


def _binds_first(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id=target)], value=value):
            return target == name and not _mentions([value], name)
        case ast.With(items=items):
            return any(
                isinstance(one.optional_vars, ast.Name) and one.optional_vars.id == name for one in items
            )
        case ast.Delete(targets=[ast.Name(id=target)]):
            return target == name
    return False


def _of_try(source: Source, suite: Suite, at: int, node: ast.Try, wide: int) -> Iterator[Change]:
    """Yield the change of ``f = open(...)``, ``try:``, ``finally: f.close()``: the ``try`` becomes the ``with``."""
    opened, name = suite.statements[at], opened_name(suite.statements[at])
    layout, close = layout_of(source), node.finalbody[0]
    if node.handlers or _is_bound(node.body, name) or _is_declared(source, name):
        return
    head = _header(source, [opened], wide)
    final = _final_line(source, node)
    lines = (last_line(opened) + 1, node.lineno), (final, last_line(close))
    alone = _is_alone(source, opened) and _is_alone(source, close) and first_line(node.body[0]) > node.lineno
    noted = (
        layout.has_notes(*lines[0])
        or layout.has_notes(*lines[1])
        or layout.has_notes(opened.lineno, last_line(opened))
    )
    if head is None or not alone or noted or final <= last_line(node.body[-1]) or first_line(close) <= final:
        return
    start, end = source.starts[opened.lineno - 1], source.starts[node.lineno]
    head = source.indent(opened.lineno) + head + source.newline
    body_end = source.starts[_without_blanks(source, final) - 1]
    last = source.starts[last_line(close)]
    yield Change(start, last, (Splice(start, end, head), Splice(body_end, last, "")))


def _final_line(source: Source, node: ast.Try) -> int:
    """Return the line of ``finally:``."""
    line = first_line(node.finalbody[0])
    while not source.line(line).lstrip().startswith("finally"):
        line -= 1
    return line


def _of_block(source: Source, found: _Opened, wide: int) -> Iterator[Change]:
    layout, statements = layout_of(source), found.suite.statements
    opened = [statements[at] for at in found.opens]
    closed = statements[found.first : found.last + 1]
    if not all(_is_alone(source, one) for one in (*opened, *closed)):
        return
    head = _header(source, opened, wide)
    if head and not found.between and _is_unread(source, found):
        head = head.replace(f" as {found.names[0]}:", ":")
    begin, end = last_line(opened[-1]) + 1, first_line(closed[0]) - 1
    last = max((last_line(one) for one in found.between), default=begin - 1)
    noted = layout.has_notes(last + 1, last_line(closed[-1]))
    noted = noted or (len(opened) > 1 and layout.has_notes(opened[0].lineno, begin - 1))
    if head is None or noted:
        return
    indent, unit = source.indent(opened[0].lineno), _unit(layout)
    block = Block(begin, _without_blanks(source, end + 1) - 1, indent)
    body = _body(layout, found, block, indent + unit, wide)
    if body is None:
        return
    tail = source.line(last_line(opened[-1]))[_width_of(source, opened[-1]) :]
    start, stop = source.starts[opened[0].lineno - 1], source.starts[last_line(closed[-1])]
    text = indent + head + tail + body
    if not source.text[:stop].endswith(("\n", "\r")):
        text = text.rstrip("\r\n")
    yield Change(start, stop, (Splice(start, stop, text),))


def _is_unread(source: Source, found: _Opened) -> bool:
    """True when the one file that is opened is named for its closing only."""
    whole: ast.AST = found.suite.function or source.tree
    return (
        len(found.names) == 1
        and found.suite.function is not None
        and len(_mentions([whole], found.names[0])) == 2
    )


def _body(layout: Layout, found: _Opened, block: Block, indent: str, wide: int) -> str | None:
    """Return the lines between opening and closing, one step deeper; ``None`` when they do not go there."""
    if not found.between:
        return indent + "pass" + layout.source.newline if block.last < block.first else None
    if not layout.can_move(found.between, block):
        return None
    text = layout.moved(block, indent)
    old = layout.source.lines(block.first, block.last).splitlines()
    fits = all(
        len(line) <= max(wide, len(before)) for line, before in zip(text.splitlines(), old, strict=True)
    )
    return text if fits else None


def _header(source: Source, opened: Sequence[ast.stmt], wide: int) -> str | None:
    """Return ``with open(...) as f:`` without its indentation, ``None`` when it is too long."""
    items = []
    for node in opened:
        call = source.segment(node.value)  # type: ignore[attr-defined]
        items.append(f"{call} as {opened_name(node)}")
    head = f"with {', '.join(items)}:"
    if len(opened) == 1 and "\n" in head and not head.splitlines()[0].endswith("("):
        return None  # its lines are aligned with what stands before them
    if len(opened) > 1 and "\n" in head:
        return None
    room = wide - len(source.indent(opened[0].lineno).expandtabs(4))
    return head if all(len(line) <= room for line in head.splitlines()) else None


def _is_alone(source: Source, node: ast.stmt) -> bool:
    """True when no other statement stands in the lines of ``node``."""
    start, end = source.span(node)
    before = source.text[source.starts[node.lineno - 1] : start]
    behind = source.text[end : source.starts[last_line(node)]].strip()
    return not before.strip() and (not behind or behind.startswith("#"))


def _width_of(source: Source, node: ast.stmt) -> int:
    """Return how many characters of its last line are up to the end of ``node``."""
    return source.span(node)[1] - source.starts[last_line(node) - 1]


def _without_blanks(source: Source, line: int) -> int:
    """Return the first of the blank lines directly above ``line``, or ``line``."""
    while line > 1 and not source.line(line - 1).strip():
        line -= 1
    return line


def _unit(layout: Layout) -> str:
    """Return by what the file's first block is indented, four spaces where there is none."""
    import tokenize

    for token in layout.tokens:
        if token.type == tokenize.INDENT:
            return token.string

    return "    "
