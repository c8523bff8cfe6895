"""One item of the list in tasks.yml: its node read into a Task, and every fault with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from selfimprove.memory import nodes, taskschema
from selfimprove.memory.nodes import MAP_TAG, MERGE_TAG, TEXT_TAG, Note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yaml.nodes import Node

    from selfimprove.model.task import Task

ALIASES = {"filename": "files"}


@dataclass(frozen=True, slots=True)
class Item:
    """A task and its own lines, empty when they cannot be read alone.

    ``extra`` is what its ``x-`` keys hold, with aliases written out.
    """

    task: Task
    text: str = ""
    extra: tuple[str, ...] = ()


class Pair(NamedTuple):
    """A key and its value."""

    key: ScalarNode
    node: Node


def read_items(sequence: Node | None) -> tuple[list[Item], list[Note]]:
    """Return the items of ``sequence`` (none when it is empty or no list), and everything wrong with them."""
    reader = _Reader()
    items = []
    end = sequence.start_mark.index if sequence else 0
    for number, node in enumerate(sequence.value if isinstance(sequence, SequenceNode) else (), 1):
        item = reader.item(node, number, is_alias=node.start_mark.index < end)
        items += [item] if item else []
        end = max(end, node.start_mark.index)
    return items, reader.notes


def own_pairs(mapping: MappingNode, notes: list[Note]) -> dict[str, Pair]:
    """Return the pairs of ``mapping`` by key; keys that are no text or come twice are noted."""
    pairs: dict[str, Pair] = {}
    for key, node in mapping.value:
        if key.tag == MERGE_TAG:
            continue
        if not isinstance(key, ScalarNode) or key.tag != TEXT_TAG:
            shown = f"the key {key.value}" if isinstance(key, ScalarNode) else "a key"
            notes.append(Note(key.start_mark.index, f"{shown} is not text", "put the key in quotes"))
            continue
        name = ALIASES.get(str(key.value), str(key.value))
        if name in pairs:
            notes.append(_repeated(key, pairs[name].key))
        else:
            pairs[name] = Pair(key, node)
    return pairs


def _repeated(key: ScalarNode, first: ScalarNode) -> Note:
    if key.value == first.value:
        message = f"the key {_quoted(key.value)} is given twice (first on line {first.start_mark.line + 1})"
    else:
        message = f'"{key.value}" and "{first.value}" are two names for one thing'
    return Note(key.start_mark.index, message, "keep one of the two")


class _Reader:
    """Reads item after item; remembers the ids and the merged mappings that it has seen."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self._ids: dict[str, Node] = {}
        self._flat: dict[int, dict[str, Pair]] = {}

    def item(self, node: Node, number: int, *, is_alias: bool) -> Item | None:
        """Return the item that ``node`` holds; None when it is faulty, which is then in ``notes``."""
        if is_alias:
            message = f"task {number} is an alias of another value, so that its status has no place"
            self._note(node, message, "write the task out; values that tasks share can come from <<: *name")
        elif not isinstance(node, MappingNode) or node.tag != MAP_TAG:
            hint = 'start a task with a line such as "- id: tidy-imports"'
            self._note(node, f"task {number} is not a mapping with id, title, command or prompt", hint)
        else:
            return self._mapping(node, number)
        return None

    def _mapping(self, node: MappingNode, number: int) -> Item | None:
        known = len(self.notes)
        pairs = self._flatten(node)
        kept = {name: pair for name, pair in pairs.items() if not name.startswith("x-")}
        plain = {pair.key.value: nodes.plain(pair.node) for pair in kept.values()}
        values = {name: value for name, value in plain.items() if value is not None}
        written = {key.value: node.value for key, node in kept.values() if isinstance(node, ScalarNode)}
        for problem in taskschema.check(values, written):
            self._explain(node, number, values, pairs, problem)
        if len(self.notes) > known:
            return None
        task = taskschema.to_task(values)
        self._claim(task.id, pairs["id"].node)
        return Item(task, extra=tuple(_content(pair) for name, pair in pairs.items() if name not in kept))

    def _flatten(self, mapping: MappingNode) -> dict[str, Pair]:
        """Return the pairs of ``mapping`` and, where it has none of its own, those that it merges in."""
        if id(mapping) not in self._flat:
            self._flat[id(mapping)] = {}
            merged: dict[str, Pair] = {}
            for key, value in mapping.value:
                for source in self._sources(value) if key.tag == MERGE_TAG else ():
                    merged = self._flatten(source) | merged
            self._flat[id(mapping)] = merged | own_pairs(mapping, self.notes)
        return self._flat[id(mapping)]

    def _sources(self, value: Node) -> Iterable[MappingNode]:
        """Yield the mappings that a merge key names."""
        for node in value.value if isinstance(value, SequenceNode) else [value]:
            if isinstance(node, MappingNode):
                yield node
            else:
                self._note(node, "<< wants a mapping", "name the anchor of a mapping: <<: *defaults")

    def _explain(
        self,
        node: Node,
        number: int,
        values: dict[str, object],
        pairs: dict[str, Pair],
        problem: taskschema.Problem,
    ) -> None:
        label = values.get("id")
        name = f"task {_quoted(label)}" if type(label) in (str, int) else f"task {number}"
        key = problem.key or ""
        pair = pairs.get(ALIASES.get(key, key))
        place = pair.node if pair else node
        if pair and problem.on_key:
            place = pair.key
        elif problem.element is not None:
            place = place.value[problem.element]
        self._note(place, f"{name}: {problem.message}", problem.hint)

    def _claim(self, task_id: str, node: Node) -> None:
        first = self._ids.setdefault(task_id, node)
        if first is not node:
            lines = f"lines {first.start_mark.line + 1} and {node.start_mark.line + 1}"
            self._note(
                node,
                f"the id {_quoted(task_id)} is used twice: {lines}",
                "give one of the two tasks another id",
            )

    def _note(self, node: Node, message: str, hint: str) -> None:
        self.notes.append(Note(node.start_mark.index, message, hint))


def _quoted(label: object) -> str:
    """Return ``label`` in quotes, on one line."""
    return json.dumps(str(label), ensure_ascii=False)


def _content(pair: Pair) -> str:
    return f"{pair.key.value}: {nodes.content(pair.node)}"
