"""tasks.yml as a document: its bytes read into tasks, and the bytes that mean other tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from yaml.nodes import MappingNode, SequenceNode

from selfimprove.errors import TaskFileError
from selfimprove.memory import nodes, splice, taskschema
from selfimprove.memory.nodes import BOM, MAP_TAG, MERGE_TAG, NULL_TAG, SEQ_TAG, Note
from selfimprove.memory.render import BREAKS, Layout
from selfimprove.memory.taskitem import own_pairs, read_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yaml.nodes import Node

    from selfimprove.memory.splice import Edit
    from selfimprove.memory.taskitem import Item, Pair
    from selfimprove.model.task import Task

_ODD_BREAK = re.compile(r"\r(?!\n)|[\x85\u2028\u2029]")
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*"')
_ROUNDS = 4
_TOP_KEYS = ("tasks", "epics")
_START_HINT = 'start with the line "tasks:", or with a task such as "- id: tidy-imports"'


class Frame(NamedTuple):
    """What stands around the items of a list whose items can be read alone, and the column of its dashes."""

    head: str
    tail: str
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """tasks.yml as it was read.

    ``seat`` is the node of the task list (None: no document) and ``column`` the place of a first dash.
    With a ``frame`` each item keeps its own lines, head + items + tail is the text, and ``seat`` may be
    stale. ``others`` is what stands beside the tasks, with its aliases written out.
    """

    name: str
    data: bytes
    text: str
    layout: Layout
    items: tuple[Item, ...]
    seat: Node | None
    column: int
    frame: Frame | None = None
    others: tuple[str, ...] = ()

    @property
    def tasks(self) -> list[Task]:
        """The tasks in the order of the file."""
        return [item.task for item in self.items]


class _Found(NamedTuple):
    """The node of the task list, the column for its first dash, and the values beside it."""

    seat: Node | None
    column: int
    others: Sequence[Node] = ()


def read(data: bytes, name: str) -> Document:
    """Return the document that ``data`` holds; ``name`` is what errors call the file.

    Raises TaskFileError with line and hint when it is not a valid tasks.yml.
    """
    text = nodes.decode(data, name)
    composed = nodes.compose(text, name)
    notes: list[Note] = []
    found = _find_list(composed.root, notes)
    items, wrong = read_items(found.seat)
    if notes or wrong:
        raise nodes.refusal(name, text, [*notes, *wrong])
    layout = Layout("\r\n" if re.match(r"[^\r\n]*\r\n", text) else "\n", json=bool(_JSON.match(text)))
    others = tuple(nodes.content(node) for node in found.others)
    document = Document(name, data, text, layout, tuple(items), found.seat, found.column, others=others)
    return document if composed.aliased else _framed(document)


def reread(old: Document, data: bytes) -> Document:
    """Return the document that ``data`` holds, reading only what differs from ``old`` where that is sound.

    Raises TaskFileError as ``read`` does.
    """
    if data == old.data:
        return old
    return _reread_part(old, data) or read(data, old.name)


def revise(document: Document, tasks: Sequence[Task]) -> Document:
    """Return the document that means ``tasks``: those of ``document`` in its order, then new ones.

    Every character outside the values that change stays. The result has been parsed again and compared.
    Raises TaskFileError when there is no such text.
    """
    reason = ""
    for plainly in (False, True):
        layout = replace(document.layout, plainly=plainly)
        try:
            return _revise(document, tasks, layout)
        except (splice.CannotSplice, UnicodeEncodeError, TaskFileError) as error:
            reason = str(error) or "a value stands where it cannot be replaced"
    message = f"the change cannot be written so that it reads back as meant: {reason}"
    raise TaskFileError(
        message, where=document.name, hint="write that task in the plain form, one key on a line"
    )


def _find_list(root: Node | None, notes: list[Note]) -> _Found:
    """Return where the task list stands in the document; what is wrong on the way goes to ``notes``."""
    if root is None or root.tag in (NULL_TAG, SEQ_TAG):
        return _Found(root, 0)
    if not isinstance(root, MappingNode) or root.tag != MAP_TAG:
        notes.append(Note(root.start_mark.index, "this is text, not a list of tasks", _START_HINT))
        return _Found(None, 0)
    pairs = own_pairs(root, notes)
    if "tasks" not in pairs:
        notes.append(Note(root.start_mark.index, 'the key "tasks" is missing', _START_HINT))
        return _Found(None, 0)
    for name, pair in pairs.items():
        notes += _check_top(name, pair)
    notes += [
        Note(key.start_mark.index, "<< is not taken here", "merge inside of a task")
        for key, _ in root.value
        if key.tag == MERGE_TAG
    ]
    seat = pairs["tasks"].node
    column = -1 if root.flow_style else root.value[0][0].start_mark.column + 2
    return _Found(seat, column, [node for _, node in root.value if node is not seat])


def _check_top(name: str, pair: Pair) -> list[Note]:
    """Return what is wrong with a key beside the tasks, or with the place of the tasks themselves."""
    place = pair.key.start_mark.index
    if name.startswith("x-"):
        return []
    if name not in _TOP_KEYS:
        word = taskschema.nearest(pair.key.value, _TOP_KEYS)
        known = f"known keys: {', '.join(_TOP_KEYS)}; keys of your own start with x-"
        return [Note(place, f'unknown key "{pair.key.value}"', f'did you mean "{word}"?' if word else known)]
    if pair.node.tag not in (NULL_TAG, SEQ_TAG):
        return [Note(pair.node.start_mark.index, f'"{name}" is not a list', f"write {name}: []")]
    if name == "tasks" and pair.node.start_mark.index < place:
        return [Note(place, '"tasks" is an alias', "write the tasks out here")]
    return []


def _framed(document: Document) -> Document:
    """Return ``document`` cut at the dashes of its list, or as it is when its items do not stand alone."""
    text, seat = document.text, document.seat
    if not isinstance(seat, SequenceNode) or not seat.value or _ODD_BREAK.search(text):
        return document
    first, end = seat.start_mark.index, seat.end_mark.index
    start = text.rfind("\n", 0, first) + 1
    stop = end if end == len(text) else text.rfind("\n", 0, end) + 1
    if text[first] != "-" or (text[start:first] + text[stop:end]).strip(" "):
        return document
    dash = text[start : first + 1]
    cuts = [start, *(text.rfind("\n" + dash, 0, node.start_mark.index) + 1 for node in seat.value[1:]), stop]
    chunks = [text[one:two] for one, two in pairwise(cuts)]
    if _DIRECTIVE.search(text, 0, start) or not all(chunk.startswith(dash) for chunk in chunks):
        return document
    items = tuple(replace(item, text=chunk) for item, chunk in zip(document.items, chunks, strict=True))
    return replace(document, items=items, frame=Frame(text[:start], text[stop:], first - start))


def _reread_part(old: Document, data: bytes) -> Document | None:
    """Return the document of ``data`` by reading only the lines of the items that differ, or None.

    Why this is sound: ``old`` has no alias and no directive, so no item looks at another one. YAML is scanned
    from left to right, and at the dash of an item in the column of its list every deeper level is closed:
    what follows depends only on the levels above, which the unchanged head and the column fix. So lines that
    start and end at such a dash mean alone what they mean in their place, provided that they are whole lines,
    hold no alias, no anchor and no end of document, and their dashes stand in that column. The part starts one item
    before the first difference, since lines added behind an item may belong to it.
    """
    if old.frame is None or data.startswith(BOM) != old.data.startswith(BOM):
        return None
    text = nodes.decode(data, old.name)
    head, tail, column = old.frame
    if len(text) < len(head) + len(tail) or not (text.startswith(head) and text.endswith(tail)):
        return None
    before, behind, start, stop = _same_ends(old.items, text, len(head), len(text) - len(tail))
    if stop < len(text) and text[stop - 1] != "\n":
        return None
    part = _read_alone(text[start:stop], column, old)
    if part is None:
        return None
    items = old.items[:before] + part + old.items[behind:]
    if len({item.task.id for item in items}) < len(items):
        return None
    return replace(old, data=data, text=text, items=items)


def _same_ends(items: Sequence[Item], text: str, start: int, stop: int) -> tuple[int, int, int, int]:
    """Return how many items are kept in front, the first that is kept behind, and the text in between."""
    before, behind = 0, len(items)
    while before < behind and text.startswith(items[before].text, start, stop):
        start += len(items[before].text)
        before += 1
    while behind > before and text.endswith(items[behind - 1].text, start, stop):
        stop -= len(items[behind - 1].text)
        behind -= 1
    if before:
        before -= 1
        start -= len(items[before].text)
    return before, behind, start, stop


def _read_alone(lines: str, column: int, old: Document) -> tuple[Item, ...] | None:
    """Return the items that ``lines`` hold, None for anything but faultless items in ``column``."""
    if not lines.startswith(" " * column + "-") or _ODD_BREAK.search(lines):
        return None
    try:
        root, aliased, closed, anchored = nodes.compose(lines, old.name)
    except TaskFileError:
        return None
    items, notes = read_items(root)
    # The same anchor may stand in another item; only the whole file shows that.
    if aliased or closed or anchored or notes or root is None or root.start_mark.index != column:
        return None
    alone = _framed(Document(old.name, b"", lines, old.layout, tuple(items), root, column))
    return alone.items if alone.frame and not alone.frame.tail else None


def _revise(document: Document, tasks: Sequence[Task], layout: Layout) -> Document:
    """Splice and read again until it means ``tasks``.

    More than one round is wanted where a value hangs on another one: a title that came from the prompt, or a
    value that other tasks take over by an alias; each then gets a line of its own.
    """
    now = document
    bom = BOM if document.data.startswith(BOM) else b""
    for _ in range(_ROUNDS):
        text = splice.apply(now.text, _edits(now, tasks, layout))
        after = reread(now, bom + text.encode("utf-8"))
        if _means(after, tasks, document):
            return after
        if after is now:
            break
        now = after
    raise TaskFileError("a value came back as another one")


def _edits(document: Document, tasks: Sequence[Task], layout: Layout) -> list[Edit]:
    """Return the edits that bring the text of ``document`` nearer to ``tasks``."""
    edits: list[Edit] = []
    count = len(document.items)
    changed = [index for index, item in enumerate(document.items) if _differs(item.task, tasks[index])]
    starts = list(accumulate((len(item.text) for item in document.items), initial=0)) if changed else []
    for index in changed:
        text, sequence, offset = _part(document, index, index + 1, starts[index])
        item = sequence.value[0 if document.frame else index]
        values = _changes(document.items[index].task, tasks[index])
        edits += _moved(splice.set_keys(text, item, values, layout), offset)
    rows = [taskschema.to_keys(task) for task in tasks[count:]]
    if rows and count:
        last = max(0, count - 2)
        start = sum(len(item.text) for item in document.items[:last])
        text, sequence, offset = _part(document, last, count, start)
        edits += _moved(splice.append_rows(text, sequence, rows, layout), offset)
    elif rows:
        edits += splice.first_rows(document.text, document.seat, rows, layout, document.column)
    return edits


def _part(document: Document, low: int, high: int, start: int) -> tuple[str, SequenceNode, int]:
    """Return a text, the sequence in it that holds the items from ``low`` up to ``high``, and its offset."""
    text, root, offset, tail = document.text, document.seat, 0, ""
    if document.frame:
        text = "".join(item.text for item in document.items[low:high])
        root = nodes.compose(text, document.name).root
        offset = len(document.frame.head) + start
        tail = document.frame.tail if high == len(document.items) else ""
    if not isinstance(root, SequenceNode):
        raise splice.CannotSplice
    return text + tail, root, offset


def _moved(edits: Sequence[Edit], offset: int) -> list[Edit]:
    return [splice.Edit(start + offset, end + offset, text) for start, end, text in edits]


def _differs(one: Task, other: Task) -> bool:
    return one is not other and one != other


def _changes(now: Task, wanted: Task) -> dict[str, object]:
    """Return the keys and plain values that make ``now`` the task ``wanted``; None means that it has none."""
    given = taskschema.task_to_dict(wanted)
    return {
        name: given.get(name) for name in taskschema.FIELDS if getattr(now, name) != getattr(wanted, name)
    }


def _means(after: Document, tasks: Sequence[Task], before: Document) -> bool:
    """Return whether ``after`` holds ``tasks`` and, beside them, what ``before`` held.

    A text with `|` at the very end of a file without a last line break gains that break when lines follow.
    """
    if len(after.items) != len(tasks) or after.others != before.others:
        return False
    unended = len(before.items) - 1 if before.text[-1:] not in BREAKS else -1
    if any(now.extra != then.extra for now, then in zip(after.items, before.items, strict=False)):
        return False
    return all(
        not _differs(item.task, task) or (index == unended and _ended(item.task) == _ended(task))
        for index, (item, task) in enumerate(zip(after.items, tasks, strict=True))
    )


def _ended(task: Task) -> dict[str, object]:
    values = taskschema.task_to_dict(task)
    return {name: value.rstrip("\n") if isinstance(value, str) else value for name, value in values.items()}
