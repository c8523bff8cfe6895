"""Guarded YAML: reads a file that a person (or an enemy) wrote, and knows the line of every value in it."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from selfimprove.readfile import read_file as read_file

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from selfimprove.errors import SelfimproveError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml: slower, the same answers
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_DEPTH = 100  # libyaml's composer recurses in C: 100,000 open brackets would end the process
MAX_NODES = 2_000_000  # after aliases are expanded; the small bombs reach billions

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MERGE = "tag:yaml.org,2002:merge"
_CONFLICT = re.compile("^(<{7}|>{7}) ", re.MULTILINE)
_HINTS = (
    ("a tab", "indent with spaces"),
    ("cannot start any token", "put a value that starts with @ ` or % in quotes"),
    ("mapping values are not allowed", "put a value with a colon in quotes, and check the indentation"),
    ("unexpected end of stream", "close the quote; is the file cut off?"),
    ("did not find expected ',' or", "close the bracket; is the file cut off?"),
    ("expected node content", "close the bracket; is the file cut off?"),
    ("expected ':'", "write `key: value`, with a space after the colon"),
    ("did not find expected key", "the keys of one block start in the same column"),
    ("undefined alias", "define it first with &, or put a value that starts with * in quotes"),
    ("another document", "keep one document: remove the line `---` in the middle"),
    ("constructor for the tag", "remove the tag (the word that starts with !)"),
    ("unhashable key", "a key is plain text"),
    ("there twice", "keep one of the two"),
    ("of its type", "put it in quotes if it is text"),
    ("duplicate anchor", "give each anchor its own name"),
)


@dataclass(frozen=True)
class Document:
    """One parsed YAML file.

    ``text`` is the file without its byte order mark, so that the nodes' marks index into it; ``bom`` says
    that there was one. ``root`` is ``None`` in an empty file. ``name`` is how errors call the file.
    """

    name: str
    text: str
    root: Node | None
    error: type[SelfimproveError]
    bom: bool = False
    value: Any = field(default=None)

    def construct(self, node: Node | None) -> Any:
        """Return the Python value of ``node``; raises the document's error on a bad or duplicate key."""
        if node is None:
            return None
        try:
            return _Constructor().construct_document(node)
        except yaml.MarkedYAMLError as problem:
            raise _explain(problem, self) from None

    def find(self, path: Sequence[str | int]) -> Node | None:
        """Return the node at ``path`` (mapping keys and list indexes from the root), or ``None``."""
        node = self.root
        for part in path:
            pair = _child(node, part)
            if pair is None:
                return None
            node = pair[1]
        return node

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line, from 1, of the key or list item at ``path``, or of the nearest place above it."""
        node, line = self.root, 1
        for part in path:
            pair = _child(node, part)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        return line

    def where(self, path: Sequence[str | int]) -> str:
        """Return ``name:line`` of ``path``."""
        return f"{self.name}:{self.line(path)}"

    def fail(self, message: str, line: int, hint: str) -> SelfimproveError:
        """Return the document's error for ``line``."""
        return self.error(message, where=f"{self.name}:{line}", hint=hint)


def read_yaml(data: bytes, name: str, error: type[SelfimproveError]) -> Document:
    """Return ``data`` parsed and constructed; every fault is an ``error`` with ``name:line`` and a hint."""
    document = compose(data, name, error)
    value = document.construct(document.root)
    return Document(document.name, document.text, document.root, error, document.bom, value)


def compose(data: bytes, name: str, error: type[SelfimproveError]) -> Document:
    """Return ``data`` parsed but not constructed, for a file that is only partly ours (foreign tags)."""
    text = _decode(data, name, error)
    empty = Document(name, text, None, error, data.startswith(codecs.BOM_UTF8))
    bad = _FORBIDDEN.search(text)
    if bad:
        message = f"the character U+{ord(bad.group()):04X} is not allowed in YAML"
        raise empty.fail(message, text.count("\n", 0, bad.start()) + 1, "remove it; is this a text file?")
    try:
        _guard_depth(text, empty)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        raise _explain(problem, empty) from None
    except yaml.YAMLError as problem:
        raise empty.fail(f"not valid YAML: {problem}", 1, "is this a text file?") from None
    if root is not None:
        _guard_aliases(root, empty)
    return Document(name, text, root, error, empty.bom)


def _decode(data: bytes, name: str, error: type[SelfimproveError]) -> str:
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        message = f"byte 0x{problem.object[problem.start]:02x} is not UTF-8 text"
        raise error(message, where=f"{name}:{line}", hint="save the file as UTF-8") from None


def _guard_depth(text: str, document: Document) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise document.fail(f"nested deeper than {MAX_DEPTH} levels", line, "is this the right file?")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _guard_aliases(root: Node, document: Document) -> None:
    """Refuse aliases that contain themselves, or that expand to too many nodes or levels."""
    known: dict[int, tuple[int, int]] = {}  # node -> (nodes, levels) with its aliases written out
    path: set[int] = set()

    def measure(node: Node) -> tuple[int, int]:
        if id(node) in known:
            return known[id(node)]
        line = node.start_mark.line + 1
        if id(node) in path:
            raise document.fail("an alias contains itself", line, "remove the alias")
        path.add(id(node))
        sizes = [measure(child) for child in _children(node)]
        path.discard(id(node))
        nodes, levels = 1 + sum(size[0] for size in sizes), 1 + max((size[1] for size in sizes), default=0)
        if nodes > MAX_NODES or levels > MAX_DEPTH + 1:
            raise document.fail("the aliases expand to too much data", line, "write the values out")
        known[id(node)] = nodes, levels
        return nodes, levels

    measure(root)


def _explain(problem: yaml.MarkedYAMLError, document: Document) -> SelfimproveError:
    """Return the document's error for what PyYAML says."""
    mark = problem.problem_mark or problem.context_mark
    what = str(problem.problem or problem.context or "unreadable").removeprefix("but ")
    if "unexpected end of stream" in what:
        mark = problem.context_mark or mark  # where the quote opened, not where the file ends
    if mark is None:
        return document.fail(f"not valid YAML: {what}", 1, "is this a text file?")
    if conflict := _CONFLICT.search(document.text):
        line = document.text.count("\n", 0, conflict.start()) + 1
        return document.fail("not valid YAML: a merge conflict is not resolved", line, "resolve it with git")
    if document.text[mark.index : mark.index + 1] == "\t":
        what = "a tab where spaces belong"
    said = f"{problem.context or ''} {what}"
    hint = next((hint for sign, hint in _HINTS if sign in said), "check this line and the one above it")
    last = document.text.rstrip().count("\n")  # a cut-off file is said to fail below its last line
    return document.fail(f"not valid YAML: {what}", min(mark.line, last) + 1, hint)


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def _child(node: Node | None, part: str | int) -> tuple[Node, Node] | None:
    """Return (key node, value node) of ``part``; a list item is its own key. Looks through ``<<``."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if not isinstance(node, MappingNode):
        return None
    for key, value in reversed(merged_pairs(node)):
        if isinstance(key, ScalarNode) and key.value == str(part):
            return key, value
    return None


def merged_pairs(node: MappingNode) -> list[tuple[Node, Node]]:
    """Return the pairs of a mapping with ``<<`` resolved, merged ones first, so that the last one counts."""
    merged: list[tuple[Node, Node]] = []
    for key, value in node.value:
        if key.tag == _MERGE:
            sources = value.value if isinstance(value, SequenceNode) else [value]
            for source in reversed(sources):
                if isinstance(source, MappingNode):
                    merged.extend(merged_pairs(source))
    return merged + [(key, value) for key, value in node.value if key.tag != _MERGE]


class _Constructor(yaml.constructor.SafeConstructor):
    """Safe values; duplicate keys and values that Python cannot hold are errors; nodes stay as composed."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, MappingNode):
            raise _problem("a mapping is expected here", node)
        _refuse_duplicates(node)
        flat = MappingNode(node.tag, merged_pairs(node), node.start_mark, node.end_mark)
        return yaml.constructor.BaseConstructor.construct_mapping(self, flat, deep)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except (ValueError, OverflowError, TypeError, KeyError, IndexError, AttributeError):
            raise _problem(f"{str(node.value)[:40]!r} is not a value of its type", node) from None


def _refuse_duplicates(node: MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            _refuse_odd_merge(value)
        if not isinstance(key, ScalarNode):
            continue
        if key.value in seen:
            raise _problem(f"the key {key.value!r} is there twice, first in line {seen[key.value]}", key)
        seen[key.value] = key.start_mark.line + 1


def _refuse_odd_merge(value: Node) -> None:
    sources = value.value if isinstance(value, SequenceNode) else [value]
    if not all(isinstance(source, MappingNode) for source in sources):
        raise _problem("<< merges mappings only", value)


def _problem(message: str, node: Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, message, node.start_mark)
