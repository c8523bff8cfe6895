"""The bytes of a YAML file as composed nodes, after a look that nothing in them can hurt."""

from __future__ import annotations

import gc
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import yaml
from yaml import events
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from selfimprove.errors import TaskFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yaml.nodes import Node

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
BOM = b"\xef\xbb\xbf"
DEPTH_LIMIT = 64
WORDS_LIMIT = 100_000
EXPANDED_LIMIT = 10_000_000

_TAG = "tag:yaml.org,2002:"
MAP_TAG, SEQ_TAG, NULL_TAG, MERGE_TAG, TEXT_TAG = (
    _TAG + word for word in ("map", "seq", "null", "merge", "str")
)
_KINDS = ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "binary", "set", "omap", "pairs")
_KNOWN_TAGS = frozenset(_TAG + word for word in _KINDS)
_AS_TEXT = frozenset((TEXT_TAG, MERGE_TAG, _TAG + "value"))
_CONSTRUCTOR = SafeConstructor()
_READ = {
    _TAG + "int": _CONSTRUCTOR.construct_yaml_int,
    _TAG + "float": _CONSTRUCTOR.construct_yaml_float,
    _TAG + "bool": _CONSTRUCTOR.construct_yaml_bool,
}
_LINE = re.compile(r"\r\n|\r|\n")
_RESTORE = "restore the file from git or your editor, or mend this line"
_HINTS = {
    "tab": "indent with spaces; YAML does not take tabs there",
    "mapping values are not allowed": "put a text that holds ': ' in quotes, or check the indentation",
    "could not find expected ':'": "a line may lack its ': ', or a text with odd characters its quotes",
    "did not find expected key": "check that the keys of a task start in the same column",
    "did not find expected '-'": "check that the dashes of the list stand in the same column",
    "unexpected end of stream": "a quote or bracket is not closed; the file may be only half-written",
    "undefined alias": "define the anchor (&name) above the alias (*name)",
    "control characters": "remove the control character",
}


class Note(NamedTuple):
    """Something wrong at the character ``place`` of the text, and what to do about it."""

    place: int
    message: str
    hint: str


class Composed(NamedTuple):
    """The root node (None: no document), whether there are aliases, whether ``...`` ends it, and anchors."""

    root: Node | None
    aliased: bool
    closed: bool
    anchored: bool


class Unfit:
    """A plain value of a kind that no key takes, such as a date; it shows as it was written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def refusal(name: str, text: str, notes: Sequence[Note]) -> TaskFileError:
    """Return the error for ``notes``, which speaks of the first in the file and counts the others."""
    first, *others = sorted(notes, key=lambda note: note.place)
    more = f" (and {len(others)} more)" if others else ""
    return TaskFileError(first.message + more, where=f"{name}:{line_at(text, first.place)}", hint=first.hint)


def line_at(text: str, index: int) -> int:
    """Return the number of the line, from 1, that holds the character ``index``, as an editor counts."""
    return len(_LINE.findall(text, 0, index)) + 1


def decode(data: bytes, name: str) -> str:
    """Return the text of ``data`` without its BOM. Raises TaskFileError for anything but UTF-8, or NUL."""
    try:
        text = data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        before = data.removeprefix(BOM)[: error.start].decode("utf-8")
        note = Note(
            len(before), f"byte 0x{error.object[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        )
        raise refusal(name, before, [note]) from None
    if "\0" in text:
        raise refusal(name, text, [Note(text.index("\0"), "there is a NUL character in the file", _RESTORE)])
    return text


def compose(text: str, name: str) -> Composed:
    """Return the node tree of ``text``.

    Raises TaskFileError when it is not YAML, holds more than one document, foreign tags, nesting deeper than
    DEPTH_LIMIT (the C composer would overflow the stack), or aliases that expand without measure.
    """
    try:
        look = _survey(text)
        with _collector_paused():
            return Composed(yaml.compose(text, Loader=LOADER), *look)
    except _RefusedError as refused:
        raise refusal(name, text, [refused.note]) from None
    except yaml.YAMLError as error:
        raise refusal(name, text, [_note_of(error, text)]) from None


def plain(node: Node) -> object:
    """Return the value of ``node`` one level deep: collections inside a list are shown by an empty one."""
    if isinstance(node, ScalarNode):
        return _plain_scalar(node)
    if isinstance(node, SequenceNode):
        return [plain(child) if isinstance(child, ScalarNode) else _hollow(child) for child in node.value]
    return {}


def content(node: Node) -> str:
    """Return a text that is the same for nodes that mean the same."""
    return str(yaml.serialize(node, Dumper=DUMPER))


def _hollow(node: Node) -> object:
    return {} if isinstance(node, MappingNode) else []


def _plain_scalar(node: ScalarNode) -> object:
    if node.tag in _AS_TEXT:
        return node.value
    if node.tag == NULL_TAG:
        return None
    read = _READ.get(node.tag)
    try:
        return read(node) if read else Unfit(node.value)
    except (ValueError, KeyError, OverflowError):
        return Unfit(node.value)


class _RefusedError(Exception):
    def __init__(self, event: yaml.Event, message: str, hint: str) -> None:
        super().__init__(message)
        self.note = Note(event.start_mark.index if event.start_mark else 0, message, hint)


def _survey(text: str) -> tuple[bool, bool, bool]:
    """Walk the events of ``text``, which takes no recursion; return the flags of Composed."""
    weigher = _Weigher()
    aliased = closed = anchored = False
    documents = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, events.DocumentStartEvent):
            documents += 1
            if documents > 1:
                hint = "keep one document; remove the line ---"
                raise _RefusedError(event, "there is a second YAML document", hint)
        elif isinstance(event, events.DocumentEndEvent):
            closed = closed or bool(event.explicit)
        elif isinstance(event, events.AliasEvent):
            aliased = True
            weigher.alias(event)
        elif isinstance(event, events.ScalarEvent):
            _check_tag(event)
            anchored = anchored or event.anchor is not None
            weigher.scalar(event)
        elif isinstance(event, events.CollectionStartEvent):
            _check_tag(event)
            anchored = anchored or event.anchor is not None
            weigher.open(event)
        elif isinstance(event, events.CollectionEndEvent):
            weigher.close()
    return aliased, closed, anchored


def _check_tag(event: events.ScalarEvent | events.CollectionStartEvent) -> None:
    tag = event.tag
    if tag is not None and tag not in _KNOWN_TAGS:
        raise _RefusedError(event, f"the tag {tag.replace(_TAG, '!!')} is not allowed", "remove the tag")


class _Weigher:
    """Counts the depth of the document, and its values with every alias written out."""

    def __init__(self) -> None:
        self._open: list[_Level] = []
        self._total = 0
        self._weights: dict[str, int] = {}

    def scalar(self, event: events.ScalarEvent) -> None:
        self._total += 1
        self._weights[event.anchor or ""] = 1
        if self._open and self._open[-1].is_list:
            self._open[-1].scalars += 1
            if self._open[-1].scalars > WORDS_LIMIT:
                message = f"a list holds more than {WORDS_LIMIT:,} single words"
                raise _RefusedError(
                    event, message, "a task is a mapping with an id; see what wrote this file"
                )

    def open(self, event: events.CollectionStartEvent) -> None:
        if len(self._open) >= DEPTH_LIMIT:
            raise _RefusedError(
                event, f"lists and mappings are nested more than {DEPTH_LIMIT} deep", _RESTORE
            )
        self._weights.pop(event.anchor or "", None)
        self._open.append(_Level(event.anchor, self._total, isinstance(event, events.SequenceStartEvent)))
        self._total += 1

    def close(self) -> None:
        level = self._open.pop()
        self._weights[level.anchor or ""] = self._total - level.before

    def alias(self, event: events.AliasEvent) -> None:
        if event.anchor not in self._weights and any(level.anchor == event.anchor for level in self._open):
            message = f"the alias *{event.anchor} lies inside the value that it stands for"
            raise _RefusedError(event, message, "write the value out in place of the alias")
        self._total += self._weights.get(event.anchor or "", 1)
        if self._total > EXPANDED_LIMIT:
            message = f"the aliases stand for more than {EXPANDED_LIMIT:,} values"
            raise _RefusedError(event, message, "write the values out in place of the aliases")


@dataclass(slots=True)
class _Level:
    """A list or mapping that is still open: how many values came before it, and its single words so far."""

    anchor: str | None
    before: int
    is_list: bool
    scalars: int = 0


def _note_of(error: yaml.YAMLError, text: str) -> Note:
    """Return the parser's ``error`` with its place and a hint."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    position = getattr(error, "position", None)
    index = mark.index if mark else position if isinstance(position, int) else 0
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    if text[index : index + 1] == "\t":
        problem = "a tab stands where YAML wants spaces"
    context = getattr(error, "context", None)
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    hint = next((hint for words, hint in _HINTS.items() if words in message), _RESTORE)
    return Note(min(index, max(0, len(text.rstrip()))), message, hint)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking a growing tree over and over; it triples the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
