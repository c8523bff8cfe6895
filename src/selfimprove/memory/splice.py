"""Changes of a few values in the text of a YAML document that leave every other character as it is.

Positions are indexes into the text, as PyYAML's marks are (characters, not bytes; no BOM in front). Nothing
here is trusted: the caller parses the result again and compares it with what was meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from yaml.nodes import CollectionNode, MappingNode, ScalarNode, SequenceNode

from selfimprove.memory.nodes import NULL_TAG
from selfimprove.memory.render import (
    BREAKS,
    Layout,
    Value,
    block_row,
    flow_row,
    indented,
    key_text,
    render,
    render_word,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yaml.nodes import Node

    Row = Mapping[str, Value]

_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s*)+")
_ANCHOR = re.compile(r"&\S+")
_ALIAS = re.compile(r"\s*:\s*(\*[^\s,\[\]{}]+)")
_COLON = re.compile(r"\s*:")
_HEADER = re.compile(r"[|>][0-9+-]*")
_DASH = re.compile(r"^[ ]*-(?=\s)", re.MULTILINE)
_QUIET = re.compile(r"(?:[ \t]*(?:#.*)?(?:\r?\n|\Z))*\Z")
_BLANK_LINE = re.compile(r"\n[ \t]*\r?\n\Z")


class Edit(NamedTuple):
    """Put ``text`` in place of the characters from ``start`` up to ``end``."""

    start: int
    end: int
    text: str


class Slot(NamedTuple):
    """Where a value stands: ``head`` on the line of its key, ``body`` its whole lines below."""

    head: tuple[int, int]
    body: tuple[int, int]
    anchor: str = ""


class CannotSplice(Exception):
    """The place of a value is not known well enough to change it."""


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return ``text`` with ``edits`` made, those at one place in the order given.

    Raises CannotSplice when two of them overlap.
    """
    pieces: list[str] = []
    position = 0
    for start, end, piece in sorted(edits, key=lambda edit: edit[:2]):
        if start < position:
            raise CannotSplice
        pieces += [text[position:start], piece]
        position = end
    return "".join(pieces) + text[position:]


def set_keys(text: str, item: MappingNode, values: Row, layout: Layout) -> list[Edit]:
    """Return the edits that give the keys of ``item`` these ``values``, adding the keys that it has not."""
    own = {key.value: (key, node) for key, node in item.value}
    edits: list[Edit] = []
    added: dict[str, Value] = {}
    for name, value in values.items():
        pair = own.get(name) or (own.get("filename") if name == "files" else None)
        if pair:
            edits += _replace(text, bool(item.flow_style), *pair, value, layout)
        elif value is not None or any(key.value == "<<" for key, _ in item.value):
            added[name] = value
    return edits + (_add(text, item, added, layout) if added else [])


def append_rows(text: str, sequence: SequenceNode, rows: Sequence[Row], layout: Layout) -> list[Edit]:
    """Return the edits that put ``rows`` behind the items of ``sequence``, in the manner of those."""
    items = sequence.value
    last = items[-1]
    if sequence.flow_style:
        start, end = last.start_mark.index, last.end_mark.index
        before = text[line_start(text, start) : start]
        comma = "," + layout.newline + before if before.isspace() else ", "
        return [Edit(end, end, "".join(comma + flow_row(row, layout) for row in rows))]
    dash = sequence.start_mark.index
    if text[dash] != "-":
        found = _DASH.search(text, dash)
        if not found:
            raise CannotSplice
        dash = found.end() - 1
    column = _column(text, dash)
    first_line = line_start(text, last.start_mark.index)
    gap = _column(text, last.start_mark.index) - column if text[first_line:].lstrip().startswith("-") else 2
    spaced = len(items) < 2 or _blank_between(text, *items[-2:])
    return [_insert_rows(text, end_of(text, last), rows, column, gap, layout, spaced=spaced)]


def first_rows(text: str, seat: Node | None, rows: Sequence[Row], layout: Layout, column: int) -> list[Edit]:
    """Return the edits that put ``rows`` where there is no task yet.

    ``seat`` is the empty value that the list will stand in (None: there is no document at all), ``column`` is
    where its dashes go, -1 when it lies inside a flow mapping.
    """
    if seat is None:
        return [_insert_rows(text, len(text), rows, 0, 2, layout)]
    start, end = seat.start_mark.index, seat.end_mark.index
    inside = text[start:end]
    if column < 0 or layout.json or (isinstance(seat, SequenceNode) and inside.strip("[] \t\r\n")):
        flow = ", ".join(flow_row(row, layout) for row in rows)
        if isinstance(seat, SequenceNode):
            return [Edit(end - 1, end - 1, flow)]
        return [Edit(start, end, (" [" if text[start - 1] == ":" else "[") + flow + "]")]
    after = line_after(text, end)
    if start < end and not (text[line_start(text, start) : start] + text[end:after]).strip():
        return [Edit(start, after, ""), _insert_rows(text, after, rows, column, 2, layout, first=True)]
    cut = [Edit(start - (text[start - 1] == " "), end, "")] if start < end else []
    return [*cut, _insert_rows(text, after, rows, column, 2, layout, first=True)]


def line_start(text: str, position: int) -> int:
    """Return where the line of ``position`` starts."""
    return max(text.rfind(mark, 0, position) for mark in BREAKS) + 1


def line_after(text: str, position: int) -> int:
    """Return where the next line starts, or the text ends; ``position`` itself when a line starts there."""
    if position == 0 or text[position - 1] in BREAKS:
        return position
    found = _BREAK.search(text, position)
    return found.end() if found else len(text)


def end_of(text: str, node: Node) -> int:
    """Return where ``node`` really ends; the end mark of a block collection lies behind comments."""
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, ScalarNode):
        return _end_of_literal(text, node) if node.style in ("|", ">") else end
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return int(end)
    last = node.value[-1]
    child = last[1] if isinstance(node, MappingNode) else last
    earlier = last[0].start_mark.index if isinstance(node, MappingNode) else start
    if child.start_mark.index >= earlier:
        return end_of(text, child)
    lines = text[start:end].splitlines(keepends=True)  # an alias, whose place is not known: skip back to it
    while lines and lines[-1].strip()[:1] in ("", "#"):
        lines.pop()
    return int(start) + len("".join(lines).rstrip())


def _column(text: str, position: int) -> int:
    return position - line_start(text, position)


def _end_of_literal(text: str, node: ScalarNode) -> int:
    """Return where a block scalar ends, without the empty lines behind it that are not part of the value."""
    start, end = node.start_mark.index, node.end_mark.index
    raw = text[start:end]
    if "+" in raw.partition("\n")[0]:
        return int(end)
    return line_after(text, start + len(raw.rstrip("\r\n")))


def _blank_between(text: str, one: Node, other: Node) -> bool:
    lines = text[end_of(text, one) : other.start_mark.index].splitlines()
    return any(not line.strip() for line in lines[1:-1])


def _slot(text: str, flow: bool, key: ScalarNode, node: Node) -> Slot:
    """Return where the value ``node`` of ``key`` stands in the text."""
    start, end = node.start_mark.index, node.end_mark.index
    if start < key.start_mark.index:
        return _slot_of_alias(text, key)
    properties = _PROPERTIES.match(text, start, end)
    anchor = _ANCHOR.search(text, start, properties.end()) if properties else None
    name = anchor.group() if anchor else ""
    if isinstance(node, SequenceNode) and not node.flow_style:
        return _slot_of_list(text, key, node, name)
    if not isinstance(node, ScalarNode) or node.style not in ("|", ">"):
        below = end if flow else line_after(text, end)
        return Slot((start, end), (below, below), name)
    header = _HEADER.match(text, properties.end() if properties else start)
    if not header:
        raise CannotSplice
    below = line_after(text, header.end())
    return Slot((start, header.end()), (below, max(below, _end_of_literal(text, node))), name)


def _slot_of_alias(text: str, key: ScalarNode) -> Slot:
    """Return the slot of an alias; its node only knows where the anchor is."""
    alias = _ALIAS.match(text, key.end_mark.index)
    if not alias:
        raise CannotSplice
    below = line_after(text, alias.end())
    return Slot(alias.span(1), (below, below))


def _slot_of_list(text: str, key: ScalarNode, node: SequenceNode, anchor: str) -> Slot:
    """Return the slot of a block sequence: its lines are the body, the place behind the colon is the head."""
    colon = _COLON.match(text, key.end_mark.index)
    dash = _DASH.search(text, line_start(text, node.start_mark.index))
    if not colon or not dash or dash.start() < colon.end():
        raise CannotSplice
    head = (node.start_mark.index, node.start_mark.index + len(anchor)) if anchor else (colon.end(),) * 2
    return Slot(head, (dash.start(), line_after(text, end_of(text, node))), anchor)


def _replace(text: str, flow: bool, key: ScalarNode, node: Node, value: Value, layout: Layout) -> list[Edit]:
    """Return the edits that put ``value`` in the place of ``node``."""
    slot = _slot(text, flow, key, node)
    single = key.value == "filename" or (isinstance(node, ScalarNode) and node.tag != NULL_TAG)
    if isinstance(value, list) and len(value) == 1 and single:
        value = value[0]
    renamed: list[Edit] = []
    if isinstance(value, list) and key.value == "filename":
        renamed = [Edit(key.start_mark.index, key.end_mark.index, key_text("files", layout)[:-1])]
    if value and isinstance(value, list) and isinstance(node, SequenceNode) and not node.flow_style:
        dashes = text[slot.body[0] : text.index("-", slot.body[0])]
        head, lines = "", [f"{dashes}- {render_word(word, layout)}" for word in value]
    else:
        head, body = render(value, layout, flow=flow, style=getattr(node, "style", None) or "")
        lines = indented(body, _column(text, key.start_mark.index) + 2)
    first = Edit(*slot.head, _lead(text, slot, key) * bool(head) + f"{slot.anchor} {head}".strip())
    return [*renamed, first, *_body(text, slot, lines, layout)]


def _lead(text: str, slot: Slot, key: ScalarNode) -> str:
    """Return what must stand between the key and a value put in ``slot``."""
    between = text[key.end_mark.index : slot.head[0]]
    if ":" not in between:
        return ": "
    return " " if between.endswith(":") else ""


def _body(text: str, slot: Slot, lines: Sequence[str], layout: Layout) -> list[Edit]:
    start, end = slot.body
    if start == end:
        return [_insert_lines(text, start, lines, layout)] if lines else []
    piece = "".join(line + layout.newline for line in lines)
    return [Edit(start, end, piece if text[end - 1] in BREAKS else piece.removesuffix(layout.newline))]


def _insert_lines(text: str, position: int, lines: Sequence[str], layout: Layout) -> Edit:
    """Return the edit that puts whole ``lines`` at ``position``, the start of a line or the text's end."""
    if position and text[position - 1] not in BREAKS:
        return Edit(position, position, "".join(layout.newline + line for line in lines))
    return Edit(position, position, "".join(line + layout.newline for line in lines))


def _insert_rows(
    text: str,
    position: int,
    rows: Sequence[Row],
    column: int,
    gap: int,
    layout: Layout,
    *,
    spaced: bool = True,
    first: bool = False,
) -> Edit:
    """Return the edit that puts ``rows`` below ``position``, or at the very end if only comments follow.

    ``spaced`` asks for an empty line between items; ``first`` means that there is no item above.
    """
    place = line_after(text, position)
    if _QUIET.match(text, place):
        place = len(text)
    closed = first or not place or bool(_BLANK_LINE.search(text, max(0, place - 200), place))
    lines: list[str] = []
    for row in rows:
        lines += [] if closed or not spaced else [""]
        lines += block_row(row, layout, column, gap)
        closed = False
    return _insert_lines(text, place, lines, layout)


def _add(text: str, item: MappingNode, values: Row, layout: Layout) -> list[Edit]:
    """Return the edit that adds ``values`` behind the last key of ``item``."""
    key, node = item.value[-1]
    if item.flow_style:
        behind = max(_slot(text, True, key, node).head[1], key.end_mark.index)
        pairs = (
            f", {key_text(name, layout)} {render(value, layout, flow=True)[0]}"
            for name, value in values.items()
        )
        return [Edit(behind, behind, "".join(pairs))]
    first = item.start_mark.index
    if text[first] in "&!":
        first = item.value[0][0].start_mark.index
    lines = block_row(values, layout, _column(text, first), 0)
    return [_insert_lines(text, line_after(text, end_of(text, item)), lines, layout)]
