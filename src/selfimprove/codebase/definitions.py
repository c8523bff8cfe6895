"""Definitions: the functions, methods and classes of a syntax tree, in their order, with names and extents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase import grammars as g
from selfimprove.codebase.forms import FORMS
from selfimprove.codebase.lines import MOST_CHARS, MOST_LINES
from selfimprove.codebase.names import name_of, parted, text_of_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

_LONG = 3  # lines from which on a LONG or TYPE is a definition of its own
_VALUE = 5  # the same for a VALUE
_KINDS = {g.CLASS: "class", g.TYPE: "class", g.VALUE: "module"}  # by role; all others are functions
_SIGNATURE = 200
_ATTRIBUTES = re.compile(
    r"^(?:(?:@(?!interface|implementation|protocol)[\w.:]+(?:\((?:[^()]|\([^()]*\))*\))?|#?\[[^\]]*\])\s+)+"
)
_ATTRIBUTE = ("@", "[", "#")
_REMARK = re.compile(r"(?:^|\s)(?:#|//|/\*|--|;;|\(\*|\{-)[ *|!/-].*")
_HEAD_ENDS = ("{", "=>", "=", ":", "->", " do", " is", " then", " begin", ";")


class Definition(NamedTuple):
    """Lines ``start`` to ``end`` (rows from 0) with what belongs to them; ``head`` is the row of its own first line."""

    start: int
    head: int
    end: int
    kind: str
    symbol: str
    qualified: str
    signature: str


class _Place(NamedTuple):
    """Where a node stands: ``prefix`` are the outer names with a dot, ``within`` the kind of the definition around."""

    prefix: str
    within: str


class _Extent(NamedTuple):
    """From where to where what wraps a definition reaches, and the node at which its signature begins."""

    start: int
    end: int
    head: Node | None


class _Step(NamedTuple):
    node: Node
    role: str
    place: _Place
    lead: int  # the row at which comments begin that stand right before
    bound: str = ""  # the name that was given to it
    extent: _Extent | None = None


def definitions(root: Node, grammar: g.Grammar, source: bytes) -> list[Definition]:
    """Return the definitions below ``root`` in their order, outer ones before what is in them."""
    walk = _Walk(grammar, source)
    walk.run(root)
    return _merged(walk.found) if grammar.merge else walk.found


def _reaching(step: _Step, end: int) -> _Extent:
    """Return the extent of ``step`` when its body, a node of its own, ends at the row ``end``."""
    start, last, head = step.extent or (step.node.start_point[0], end, None)
    return _Extent(start, max(last, end), head)


def last_row(node: Node) -> int:
    """Return the row of a node's last character; a grammar may count the line's end to a node."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


def _is_remark(row: int, before: Node | None) -> bool:
    """True for a comment at ``row`` that belongs to the code right before it, which ends on that line."""
    return before is not None and row == last_row(before)


def _kind(role: str, within: str, outer: str) -> str:
    """Return the kind of a definition that stands ``within`` one of that kind and states ``outer`` names."""
    kind = _KINDS.get(role, "function")
    return "method" if kind == "function" and (within in ("class", "module") or outer) else kind


class _Walk:
    """Goes through a tree without recursion and without the inside of functions."""

    def __init__(self, grammar: g.Grammar, source: bytes) -> None:
        self.roles, self.leading = grammar.roles, grammar.leading
        self.bodied, self.tails = grammar.bodied, grammar.tails
        self.form = FORMS.get(grammar.form)
        self.source = source
        self.found: list[Definition] = []
        self.steps: list[_Step] = []

    def run(self, root: Node) -> None:
        """Fill ``found``."""
        does = {
            g.INSIDE: self._inside,
            g.WRAP: self._wrap,
            g.BIND: self._bind,
            g.PAIR: self._bind,
            g.SCOPE: self._scope,
            g.ASK: self._ask,
        }
        self.push(root, _Place("", ""), -1)
        while self.steps:
            step = self.steps.pop()
            does.get(step.role, self._define)(step)

    def push(
        self, parent: Node, place: _Place, lead: int, extent: _Extent | None = None, bound: str = ""
    ) -> None:
        """Put the children of ``parent`` that matter on the stack, with the comments that lead to each."""
        steps: list[_Step] = []
        before: Node | None = None  # the sibling, if it is no comment
        lead_end = lead
        for child in parent.children:
            kind = child.type
            role = self.roles.get(kind)
            if role is None and ("comment" in kind or kind in self.leading):
                start = child.start_point[0]
                if "comment" in kind and _is_remark(start, before):
                    continue
                if lead < 0 or start > lead_end + 1:
                    lead = start
                lead_end, before = last_row(child), None
                continue
            if steps and kind in self.tails:
                steps[-1] = steps[-1]._replace(extent=_reaching(steps[-1], last_row(child)))
            role = self._role(child, role)
            if role == g.PREFIX:
                outer, name = name_of(child, self.source)
                place = place._replace(prefix=f"{outer}.{name}.".lstrip("."))
            elif role:
                near = lead if lead_end + 1 >= child.start_point[0] else -1
                steps.append(_Step(child, role, place, near, bound, extent))
            before = child
            if child.is_named:
                lead = -1
        steps.reverse()
        self.steps += steps

    def _role(self, node: Node, role: str | None) -> str:
        """Return what is done with a node whose kind has this role, ``""`` for nothing."""
        if role is None:  # what is large is looked into, whatever it is
            small = node.end_byte - node.start_byte < MOST_LINES
            return "" if small or node.end_point[0] - node.start_point[0] < MOST_LINES else g.INSIDE
        if not node.is_named:  # the word `class` is of the kind "class" too
            return ""
        if role == g.TALL:
            return g.WRAP if node.end_point[0] - node.start_point[0] >= _LONG - 1 else ""
        if role == g.TABLE:
            return g.BIND if node.end_point[0] - node.start_point[0] >= _VALUE - 1 else ""
        return role

    def _inside(self, step: _Step) -> None:
        if step.bound:
            self._value(step, g.VALUE, alone=False)
        else:
            self.push(step.node, step.place, step.lead)

    def _wrap(self, step: _Step) -> None:
        self.push(step.node, step.place, -1, self._extent(step), step.bound)

    def _extent(self, step: _Step, head: Node | None = None) -> _Extent:
        """Return what ``step`` and all that wraps it reach."""
        node, outer = step.node, step.extent
        start = step.lead if step.lead >= 0 else node.start_point[0]
        if outer is None:
            return _Extent(start, last_row(node), head)
        return _Extent(min(start, outer.start), max(last_row(node), outer.end), outer.head or head)

    def _bind(self, step: _Step) -> None:
        """Give the name on the left to the value on the right."""
        node, children = step.node, step.node.named_children
        value = next((one for field in _VALUES if (one := node.child_by_field_name(field)) is not None), None)
        if value is None:
            if len(children) < 2:
                return
            value = children[-1]
        role = self.roles.get(value.type, "")
        if not role and node.end_point[0] - node.start_point[0] < _VALUE - 1:
            return
        outer, name = name_of(node, self.source)
        if not name:
            outer, name = parted(text_of_node(children[0], self.source, 100))
        bound = f"{outer}.{name}".strip(".")
        extent = self._extent(step, node)
        step = step._replace(extent=extent, node=value, lead=-1, bound=bound)
        if role == g.WRAP and value.type.endswith("call_expression"):
            self._called(step)
        elif role in (g.FUNCTION, g.CLASS, g.BIND, g.PAIR):
            self.steps.append(step._replace(role=role))
        elif role == g.WRAP:
            self.push(value, step.place, -1, extent, bound)
        else:
            self._value(step, role, alone=self.roles[node.type] != g.PAIR)

    def _called(self, step: _Step) -> None:
        """Take what a call makes: a function when one is among its arguments (`memo((props) => ...)`)."""
        extent = step.extent or self._extent(step)
        head = self.source[step.node.start_byte : step.node.start_byte + 400]
        if extent.end - extent.start >= _LONG and step.bound and (b"=>" in head or b"function" in head):
            kind = "method" if step.place.within else "function"
            place = self._add(step, kind, *parted(step.bound), extent)
            if extent.end - extent.start > MOST_LINES:
                self.push(step.node, place, -1)
        else:
            self._value(step, g.WRAP)

    def _value(self, step: _Step, role: str, *, alone: bool = True) -> None:
        """Take a value that has a name: by itself when it is long, and what is defined in it."""
        node, extent = step.node, step.extent or self._extent(step)
        place = step.place
        if alone and extent.end - extent.start + 1 >= _VALUE and not place.within and step.bound:
            place = self._add(step, "module", *parted(step.bound), extent)
        elif step.bound:
            place = _Place(f"{place.prefix}{step.bound}.", place.within or "module")
        if role or extent.end - extent.start >= MOST_LINES:
            self.push(node, place, -1)

    def _scope(self, step: _Step) -> None:
        outer, name = name_of(step.node, self.source)
        if "/" in outer + name:  # `declare module "./other"` names a file
            outer = name = ""
        names = ".".join(one for one in (outer, name) if one)
        place = _Place(f"{step.place.prefix}{names}." if names else step.place.prefix, step.place.within)
        self._body(step.node, place)

    def _ask(self, step: _Step) -> None:
        role, name = self.form(step.node, self.source) if self.form else ("", "")
        if role == g.SCOPE:
            self._body(step.node, _Place(f"{step.place.prefix}{name}.", step.place.within))
        elif role == g.INSIDE:
            self.push(step.node, step.place, step.lead)
        elif role and name:
            self._define(step._replace(role=role, bound=name), asked=True)
        elif last_row(step.node) - step.node.start_point[0] >= MOST_LINES:
            self.push(step.node, step.place, -1)

    def _define(self, step: _Step, *, asked: bool = False) -> None:
        """Note a definition, if it has a name and is large enough to be one."""
        node, role, place = step.node, step.role, step.place
        if node.type in self.bodied and node.child_by_field_name("body") is None:
            return
        outer, name = ("", step.bound) if asked else name_of(node, self.source)
        if step.bound and not name:
            outer, name = parted(step.bound)
        extent = self._extent(step)
        rows = extent.end - extent.start + 1
        least = {g.LONG: _LONG, g.TYPE: _LONG, g.VALUE: rows + 1 if place.within else _VALUE}.get(role, 1)
        if not name or rows < least:
            if rows > MOST_LINES or role == g.CLASS:
                self._body(node, place)
            return
        kind = _kind(role, place.within, outer)
        inner = self._add(step, kind, outer, name, extent)
        if kind == "class" or rows > MOST_LINES or node.end_byte - node.start_byte > MOST_CHARS:
            self._body(node, inner)

    def _body(self, node: Node, place: _Place) -> None:
        """Put what is in a definition on the stack; its body is looked into whatever its kind."""
        body = node.child_by_field_name("body")
        if body is None:
            self.push(node, place, -1)
            return
        lead = -1
        for child in node.children:
            if child.id == body.id:
                break
            if "comment" in child.type:
                lead = child.start_point[0] if lead < 0 else lead
        if body.type in (g.FUNCTION, g.CLASS) or self.roles.get(body.type) in (g.FUNCTION, g.CLASS):
            self.steps.append(_Step(body, self.roles[body.type], place, -1))
        else:
            self.push(body, place, lead)

    def _add(self, step: _Step, kind: str, outer: str, name: str, extent: _Extent) -> _Place:
        """Note a definition; return the place of what is in it."""
        node, place = step.node, step.place
        prefix = place.prefix
        if outer and not prefix.endswith(f"{outer}."):
            prefix += f"{outer}."
        qualified = prefix + name
        signature = _signature(extent.head or node, node, self.source)
        self.found.append(
            Definition(extent.start, node.start_point[0], extent.end, kind, name, qualified, signature)
        )
        return _Place(f"{qualified}.", kind)


_VALUES = ("value", "right", "rhs", "expression", "type")


def _signature(head: Node, node: Node, source: bytes) -> str:
    """Return the head of a definition on one line: up to its body, without attributes."""
    body = node.child_by_field_name("body")
    end = min(node.end_byte, head.start_byte + 1000)
    if body is not None and head.start_byte < body.start_byte < end:
        text = source[head.start_byte : body.start_byte].decode("utf-8", "replace")
        if "\n" in text:
            text = _REMARK.sub("", text)
    else:
        text = source[head.start_byte : end].decode("utf-8", "replace")
        text = _first_line(_ATTRIBUTES.sub("", text) if text[:1] in _ATTRIBUTE else text)
    text = " ".join(text.split())
    if text[:1] in _ATTRIBUTE:
        text = _ATTRIBUTES.sub("", text + " ")
    for ending in _HEAD_ENDS:
        text = text.removesuffix(ending).rstrip()
    return text[:_SIGNATURE]


def _first_line(text: str) -> str:
    """Return the first line, with those after it while a bracket is open; a brace ends it."""
    taken: list[str] = []
    for line in text.split("\n"):
        before, brace, _ = line.partition("{")
        taken.append(before)
        whole = " ".join(taken)
        if brace or whole[:1] == "(" or whole.count("(") <= whole.count(")"):
            break
    return " ".join(taken)


def _merged(found: Sequence[Definition]) -> list[Definition]:
    """Join neighbours of one name and kind: the clauses of one function."""
    joined: list[Definition] = []
    for one in found:
        last = joined[-1] if joined else None
        if (
            last
            and (last.qualified, last.kind) == (one.qualified, one.kind)
            and one.kind != "class"
            and one.start > last.end
        ):
            joined[-1] = last._replace(end=one.end)
        else:
            joined.append(one)
    return joined
