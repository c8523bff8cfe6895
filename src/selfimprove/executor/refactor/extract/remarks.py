"""Remarks: comments by which a tool is told something, the lines that they are about, and cuts that would divide those.

One behind a statement (``# noqa``, ``# type: ignore``) moves with its line. One that switches something off for what
follows (``# fmt: off``), or for the block whose head it stands on (``# pragma: no cover``), is about a region of lines:
these move together with it, or not at all. A text in a string that looks like one is taken for one.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.executor.refactor.analysis.blocks import blocks_of
from selfimprove.executor.refactor.extract.lines import first_line, last_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.analysis.blocks import Block
    from selfimprove.executor.refactor.source import Place, Source

_SWITCH = re.compile(
    r"^[ \t]*#[ \t]*(?P<tool>fmt|yapf|isort|autopep8|pylint|ruff):[ \t]*"
    r"(?:(?P<off>off|disable)|(?P<on>on|enable))\b(?!-)[ \t]*(?:=[ \t]*)?(?P<what>[^\n]*)",
    re.MULTILINE,
)
_ON_HEAD = re.compile(
    r"[^\s#][^\n]*#[ \t]*(?:(?P<uncovered>pragma:[ \t]*no[ \t]?cover)|pylint:[ \t]*disable=(?P<what>[^\n]*))"
)
_OF_A_FUNCTION = re.compile(r"too-(many|few)-|too-complex|[RC]0?9\d\d|invalid-name|missing-")
"""What pylint says of a function as a whole, and not of a statement in it."""

_OF_AN_EXPRESSION = re.compile(
    r"#[ \t]*(noqa|type:[ \t]*ignore|pyright:|ty:[ \t]*ignore|pylint:|nosec|fmt:[ \t]*skip|pragma:)",
    re.IGNORECASE,
)
_STAYS = re.compile(r"#[ \t]*pragma:")


class Region(NamedTuple):
    """The lines ``first`` to ``last`` that a remark is about, itself among them, and its words."""

    first: int
    last: int
    words: str


def divided(source: Source, place: Place, first: int, last: int) -> str:
    """Return why the lines ``first`` to ``last`` of a function do not move: the remark that they would be parted from.

    ``""`` when each region is among them, or apart from them.
    """
    for region in _regions(source, place):
        inside = region.first >= first and region.last <= last
        if not inside and region.first <= last and first <= region.last:
            return f"`{region.words}` in line {region.first} is about more or less than it"
    return ""


def is_told(source: Source, statement: ast.stmt, expression: ast.expr) -> bool:
    """True when a remark in the lines of ``expression`` may be about it, and would not come with it.

    One about the branch (``# pragma: no branch``) behind the head of ``statement`` stays there, where it belongs.
    """
    first, last = expression.lineno, expression.end_lineno or expression.lineno
    if not _OF_AN_EXPRESSION.search(source.lines(first, last)):
        return False
    if _OF_AN_EXPRESSION.search(source.segment(expression)):
        return True
    behind = source.text[source.span(expression)[1] : source.starts[last]]
    found = _OF_AN_EXPRESSION.search(behind)
    return bool(found) and not (_STAYS.search(behind) and not isinstance(statement, ast.Return))


@lru_cache(maxsize=8)
def _regions(source: Source, place: Place) -> tuple[Region, ...]:
    node = place.node
    first, last = first_line(node), node.end_lineno or node.lineno
    found = [*_switched(source, first, last), *_on_heads(source, place)]
    above = first
    while above > 1 and source.line(above - 1).lstrip().startswith("#"):
        above -= 1
    # One around the whole function is around the helper too, unless that comes between the two.
    return tuple(one for one in found if one.first >= above or one.last < last)


def _switched(source: Source, first: int, last: int) -> Iterator[Region]:
    """Yield the regions of ``off`` to ``on`` that reach into the lines ``first`` to ``last``."""
    switches = [
        (bisect_right(source.starts, one.start("tool")), one) for one in _SWITCH.finditer(source.text)
    ]
    for index, (line, one) in enumerate(switches):
        if not one["off"] or line > last:
            continue
        end = last if line >= first else len(source.starts)
        for after, other in switches[index + 1 :]:
            if other["on"] and other["tool"] == one["tool"] and _meets(one["what"], other["what"]):
                end = after
                break
        if end >= first:
            yield Region(line, end, one[0].strip())


def _meets(one: str, other: str) -> bool:
    names, others = (set(re.findall(r"[\w-]+", text)) for text in (one, other))
    return not names or not others or bool(names & others)


def _on_heads(source: Source, place: Place) -> Iterator[Region]:
    node = place.node
    heads = [(node.lineno, node.body[0].lineno, node.end_lineno or 0)]
    heads += [_head(block) for block in blocks_of(node) if block.owner is not None]
    heads += [(one.lineno, one.body[0].lineno, one.end_lineno or 0) for one in place.around]
    for first, body, last in heads:
        for line in range(first, max(body, first + 1)):
            said = _ON_HEAD.search(source.line(line))
            if said and (said["uncovered"] or not _is_of_functions(said["what"])):
                yield Region(line, last, said[0][said[0].rindex("#") :].strip())


def _head(block: Block) -> tuple[int, int, int]:
    """Return the first line of what leads to a block, that of its first statement, and its last."""
    owner: Any = block.owner
    start, end = first_line(block.statements[0]), last_line(block.statements[-1])
    parts = [*getattr(owner, "handlers", ()), *getattr(owner, "cases", ()), *_parts(owner)]
    before = [last for part in parts if (last := _end(part)) < start]
    return max([owner.lineno, *(line + 1 for line in before)]), start, end


def _parts(owner: Any) -> Iterator[ast.stmt]:
    for name in ("body", "orelse", "finalbody"):
        yield from getattr(owner, name, ())


def _end(part: ast.AST) -> int:
    return last_line(part.body[-1] if isinstance(part, ast.match_case) else part)


def _is_of_functions(what: str) -> bool:
    return all(_OF_A_FUNCTION.match(one.strip()) for one in what.split("#")[0].split(",") if one.strip())
