"""Extract: a cut written as a function or method of its own, and the call that takes its place."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from selfimprove.executor.refactor.cut import Leaves
from selfimprove.executor.refactor.extract.body import Document, Span, body_rows, is_named_late, span_of
from selfimprove.executor.refactor.extract.imports import repeated
from selfimprove.executor.refactor.extract.lines import (
    Row,
    in_strings,
    last_line,
    moved,
    unit_of,
    wrapped,
)
from selfimprove.executor.refactor.extract.spot import Spot, method_around
from selfimprove.executor.refactor.limit import line_limit
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Source

_FOUND = ("found", "result", "outcome", "answer", "returned")


class Annotations(Protocol):
    """Types of a helper: text behind ``name:`` for each parameter that has one, and behind ``->`` (or "")."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """Annotations by name."""

    @property
    def returns(self) -> str:
        """The annotation of what the helper gives."""

    @property
    def asks(self) -> bool:
        """True when an expression must be made a bool to be what the annotation says."""

    @property
    def more(self) -> tuple[Splice, ...]:
        """What the annotations need elsewhere in the file: an import, the type of a variable."""


@dataclass(frozen=True, slots=True)
class Written:
    """A helper and its call as text. ``call`` takes the place of the cut, ``helper`` is inserted.

    ``helper_rows`` are the helper's lines with the numbers that they had in the old text; ``call_rows`` is how
    many lines the call has, ``lead`` how many lines of the inserted text stand before the helper. ``more`` is what its
    annotations need elsewhere in the file.
    """

    symbol: str
    call: Splice
    helper: Splice
    helper_rows: tuple[Row, ...]
    lead: int = 0
    more: tuple[Splice, ...] = ()


def write(
    source: Source, cut: Cut, name: str, signature: Annotations | None = None, doc: Document | None = None
) -> Written:
    """Return the text of helper and call, without putting it in place. Raises RefactorError as extract does."""
    again = repeated(cut)
    cut = replace(cut, parameters=tuple(one for one in cut.parameters if one not in again))
    span = span_of(source, cut)
    unit = unit_of(source, cut.place.node)
    call, last = _call(source, cut, name, span, unit)
    end = source.starts[last]
    text = source.newline.join(call) + (source.newline if _ends_line(source, end) else "")
    replaced = Splice(source.starts[span.first - 1], end, text)
    body: list[Row] = [(None, text) for text in dict.fromkeys(again.values())]
    body += [(None, ""), *body_rows(source, cut, span, doc)] if again else body_rows(source, cut, span, doc)
    return placed(source, cut, name, signature, doc, replaced, (span.base, body))


def placed(
    source: Source,
    cut: Cut,
    name: str,
    signature: Annotations | None,
    doc: Document | None,
    call: Splice,
    body: tuple[str, Sequence[Row]],
) -> Written:
    """Return a helper with ``body`` (its indentation and rows) where it belongs, with ``call`` for the cut."""
    where = Spot.of(source, cut)
    unit = unit_of(source, cut.place.node)
    inner = where.indent + unit
    rows: list[Row] = [(None, line) for line in _head(source, cut, name, signature, where.indent, unit)]
    rows += [(None, line) for line in _docstring(source, cut, doc, inner)]
    if cut.global_names:
        rows.append((None, f"{inner}global {', '.join(cut.global_names)}"))
    rows += _indented(source, *body, inner)
    newline = source.newline
    lines = newline.join(text for _, text in rows)
    lead = 0
    if where.after:
        lead = where.blank + (0 if _ends_line(source, where.offset) else 1)
        text = newline * lead + lines + (newline if _ends_line(source, where.offset) else "")
    else:
        text = lines + newline * (1 + where.blank)
    helper = Splice(where.offset, where.offset, text)
    more = signature.more if signature and _is_complete(cut, signature) else ()
    return Written(where.prefix + name, call, helper, tuple(rows), lead, more)


def _indented(source: Source, base: str, inside: Sequence[Row], inner: str) -> list[Row]:
    """Return rows that stand at ``base`` moved to ``inner``, but for the lines inside of strings."""
    numbers = [number for number, _ in inside if number]
    frozen = in_strings(source, min(numbers), max(numbers)) if numbers else frozenset()
    return [
        (None, inner + text if text else "") if number is None else (number, text)
        for number, text in moved(inside, base, inner, frozen)
    ]


def passed(cut: Cut) -> tuple[str, ...]:
    """Return the parameters of the helper: those of the function in its order, then the others as they appear."""
    args = cut.place.node.args
    every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    order = {one.arg: index for index, one in enumerate(every) if one}
    return tuple(sorted(cut.parameters, key=lambda name: order.get(name, len(order))))


def _ends_line(source: Source, offset: int) -> bool:
    return source.text[:offset].endswith(("\n", "\r"))


def _call(source: Source, cut: Cut, name: str, span: Span, unit: str) -> tuple[list[str], int]:
    """Return the lines of the call, and the last line of the old text that they replace."""
    joins = span.elif_ and cut.leaves is Leaves.GUARD
    indent = span.base + unit if span.elif_ and not joins else span.base
    callee = f"{cut.receiver}.{name}" if cut.receiver else name
    before = "yield from " if cut.is_generator else "await " if cut.is_async else ""
    head, more, last = _around_call(source, cut, span)
    tail = ":" if cut.leaves is Leaves.GUARD else ""
    head = f"el{head}" if joins else head
    follow = [f"{indent}{unit * deep}{text}" for deep, text in more]
    if cut.is_generator and head.startswith(("return", "if", "elif")):
        before, tail = f"({before}", f"){tail}"
    lines = wrapped(
        head + before + callee, passed(cut), tail, indent=indent, unit=unit, limit=line_limit(source)
    )
    return ([f"{span.base}else:"] if span.elif_ and not joins else []) + lines + follow, last


def _around_call(source: Source, cut: Cut, span: Span) -> tuple[str, list[tuple[int, str]], int]:
    """Return what stands before the call, the lines behind it (how deep, text), and the last line that is replaced."""
    match cut.leaves:
        case Leaves.RETURN:
            return "return ", [], span.last
        case Leaves.GUARD if cut.jump is not None:
            return "if ", [(1, source.segment(cut.jump))], span.last
        case Leaves.MAYBE:
            found = _found(cut)
            return f"{found} = ", [(0, f"if {found} is not None:"), (1, f"return {found}")], span.last
        case Leaves.END if cut.results:
            line = _return_of_results(source, cut, span)
            return ("return ", [], line) if line else (f"{', '.join(cut.results)} = ", [], span.last)
        case _:
            return "", [], span.last


def _return_of_results(source: Source, cut: Cut, span: Span) -> int:
    """Return the line of a ``return a, b`` right behind the cut that returns its results, else 0."""
    if cut.last + 1 >= len(cut.block) or cut.is_generator:
        return 0
    after = cut.block[cut.last + 1]
    if not isinstance(after, ast.Return) or after.value is None or after.lineno != last_line(after):
        return 0
    if ast.unparse(after.value).strip("()") != ", ".join(cut.results):
        return 0
    between = source.lines(span.last + 1, after.lineno)
    if between.strip() != source.segment(after) or _is_closed_over(cut):
        return 0
    return after.lineno


def _is_closed_over(cut: Cut) -> bool:
    """True when a result might still be looked at after the return: by a closure, or in a ``finally``."""
    function = cut.place.node
    if any(isinstance(node, ast.Try) and node.finalbody for node in ast.walk(function)):
        return True
    if any(isinstance(node, ast.Global | ast.Nonlocal) for node in ast.walk(function)):
        return True
    return any(is_named_late(one, name) for one in function.body for name in cut.results)


def _found(cut: Cut) -> str:
    """Return a name for what may be returned that the function does not use."""
    used = {node.id for node in ast.walk(cut.place.node) if isinstance(node, ast.Name)}
    used |= {node.arg for node in ast.walk(cut.place.node) if isinstance(node, ast.arg)}
    return next(name for name in (*_FOUND, *(f"found_{n}" for n in range(1, 1000))) if name not in used)


def _head(
    source: Source, cut: Cut, name: str, signature: Annotations | None, indent: str, unit: str
) -> list[str]:
    types = signature.parameters if signature and _is_complete(cut, signature) else {}
    items = [f"{one}: {types[one]}" if types.get(one) else one for one in passed(cut)]
    if cut.receiver:
        items.insert(0, cut.receiver)
    tail = (
        f" -> {signature.returns}:"
        if signature and signature.returns and _is_complete(cut, signature)
        else ":"
    )
    word = "async def" if cut.is_async else "def"
    lines = wrapped(f"{word} {name}", items, tail, indent=indent, unit=unit, limit=line_limit(source))
    return [*([f"{indent}@classmethod"] if _is_classmethod(cut) else []), *lines]


def _is_complete(cut: Cut, signature: Annotations) -> bool:
    """True when everything has its type: type checkers refuse a function of which only a part is annotated."""
    return bool(signature.returns) and all(map(signature.parameters.get, cut.parameters))


def _is_classmethod(cut: Cut) -> bool:
    method = method_around(cut.place) if cut.receiver else None
    return method is not None and any(
        isinstance(one, ast.Name) and one.id == "classmethod" for one in method.decorator_list
    )


def _docstring(source: Source, cut: Cut, doc: Document | None, indent: str) -> list[str]:
    if not doc or not doc.text.strip() or '"""' in doc.text:
        return []
    body = cut.place.node.body[0]
    old = source.segment(body) if isinstance(body, ast.Expr) else ""
    quotes = "'''" if old.startswith("'''") and "'''" not in doc.text else '"""'
    first, *more = doc.text.rstrip().split("\n")
    lines = [f"{indent}{'r' if chr(92) in doc.text else ''}{quotes}{first}"]
    lines += [indent + line if line.strip() else "" for line in more]
    lines = [*lines, f"{indent}{quotes}"] if more else [lines[0] + quotes]
    fits = doc.comment or max(map(len, lines)) <= line_limit(source)
    return lines if fits else []
