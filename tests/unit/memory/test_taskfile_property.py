"""Random documents and random changes: the bytes outside of the changed values stay, the rest reads back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfimprove.memory import taskdoc
from selfimprove.memory.taskfile import parse_tasks
from selfimprove.model.task import Status, Task

STATUSES = list(Status)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40).filter(str.strip)
PROSE = st.text(st.sampled_from("ab éß😀\u2028:#-'\"{}[],&*!|>%@`\\\n\t "), max_size=30).filter(str.strip)
NUMBERS = st.one_of(st.integers(-(10**18), 10**18), st.floats(allow_nan=False, allow_infinity=False))


@dataclass(frozen=True)
class Hole:
    """A place of task ``number`` that may look different when its ``field`` has changed."""

    number: int
    field: str
    text: str = ""


Pieces = list[str | Hole]


@st.composite
def scalar_spellings(draw: st.DrawFn, word: str) -> str:
    """Return ``word``, which is plain and harmless, in some quotes."""
    return draw(st.sampled_from([word, f"'{word}'", f'"{word}"', f"!!str {word}"]))


COMMENTS = st.sampled_from(["", " # note", '  # it\'s "mine": [x]', " # ü😀"])
GAPS = st.sampled_from(["", "", "", "\n", "# between\n", "  # deep\n\n", "\n\n#\n"])


@st.composite
def block_items(draw: st.DrawFn, number: int, indent: int, merge: bool) -> Pieces:
    """Return an item in block style."""
    own_line = draw(st.booleans())
    width = draw(st.integers(1, 3))
    pad = " " * (indent + 1 + width)
    lines: list[Pieces] = []
    lines.append([f"id: {draw(scalar_spellings(f't{number}'))}{draw(COMMENTS)}\n"])
    work = draw(
        st.sampled_from(
            [
                "command: make\n",
                "command: make && echo 'a b' | tee \"c\"  # note\n",
                f"prompt: |\n{pad}  one\n\n{pad}    # two: *x\n",
                f"prompt: |+ # kept\n{pad}  one\n\n\n",
                f"prompt: >-\n{pad}  one\n{pad}  two\n",
                f"prompt: one\n{pad}  two # c\n",
                f'prompt: "one\n\n{pad} two"\n',
                "description: 'it''s 😀'\n",
                f"? prompt\n{pad}: one\n",
            ]
        )
    )
    lines.append([work])
    if draw(st.booleans()):
        style = draw(st.integers(0, 3))
        dashes = pad + " " * draw(st.integers(0, 2))
        values = [
            f"[a, 'b']{draw(COMMENTS)}\n",
            f"a{draw(COMMENTS)}\n",
            f"# c\n{dashes}- a\n{dashes}# c\n{dashes}- b # c\n",
            "[]\n",
        ]
        lines.append([f"files: {values[style]}"])
    for name, spelling in (("title", "T"), ("priority", "1"), ("status", "pending")):
        if draw(st.booleans()):
            anchor = draw(st.sampled_from(["", "", f"&{name}{number} "]))
            value = draw(scalar_spellings(spelling)) if name != "priority" else spelling
            value = draw(st.sampled_from([value, value, ""])) if name == "status" else value
            space = draw(st.sampled_from([" ", "  "])) if value or anchor else ""
            old = f"{space}{anchor}{value}".rstrip()
            lines.append([f"{name}:", Hole(number, name, old), draw(COMMENTS) + "\n", Hole(number, name)])
    head, *rest = lines[:1] + draw(st.permutations(lines[1:]))
    pieces: Pieces = []
    merged = f"<<: *defaults\n{pad}" if merge and draw(st.booleans()) else ""
    first = f"{draw(COMMENTS)}\n{pad}" if own_line else " " * width
    pieces += [" " * indent + "-" + first + merged, *head]
    for line in rest:
        pieces += [
            draw(st.sampled_from(["", "", "# c\n", f"{pad}# c\n"])) if "|" not in str(pieces[-1]) else "",
            pad,
            *line,
        ]
    pieces.append(Hole(number, "*"))
    pieces.append(draw(GAPS) if "|+" not in str(pieces[-2]) else "")  # empty lines would belong to the value
    return pieces


@st.composite
def flow_items(draw: st.DrawFn, number: int, quote: str = "") -> Pieces:
    """Return an item in flow style, without the dash."""
    q = quote
    pieces: Pieces = ["{", f"{q}id{q}: {q}t{number}{q}, {q}command{q}: {q}make{q}"]
    for name, old in (("status", f"{q}pending{q}"), ("priority", "1"), ("title", f"{q}T{q}")):
        if draw(st.booleans()):
            pieces += [f", {q}{name}{q}:", Hole(number, name, f" {old}")]
    return [*pieces, Hole(number, "*"), draw(st.sampled_from(["}", " }", ", }"])) if not q else "}"]


@st.composite
def documents(draw: st.DrawFn) -> tuple[Pieces, int]:
    """Return the pieces of a document and the number of its tasks."""
    count = draw(st.integers(1, 4))
    if draw(st.integers(0, 4)) == 0:
        return draw(flow_documents(count)), count
    merge = draw(st.booleans())
    nested = merge or draw(st.booleans())
    pieces: Pieces = [draw(st.sampled_from(["", "", "# head\n\n", "%YAML 1.1\n---\n", "--- # c\n"]))]
    indent = 0
    if nested:
        indent = draw(st.sampled_from([0, 2, 4]))
        pieces.append(draw(st.sampled_from(["x-a: &a [1, 2]\n", "epics:\n- e\n# c\n", ""])))
        pieces += ["x-defaults: &defaults {cost: 2, category: c}\n"] if merge else []
        pieces.append(f"tasks:{draw(COMMENTS)}\n")
    for number in range(count):
        if draw(st.integers(0, 3)) == 0:
            pieces += [" " * indent + "- ", *draw(flow_items(number)), draw(COMMENTS) + "\n", draw(GAPS)]
        else:
            pieces += draw(block_items(number, indent, merge))
    if nested:
        pieces.append(draw(st.sampled_from(["", "x-z: {a: 'b'}\n", "# tail\nx-z: |\n  text\n"])))
    pieces.append(draw(st.sampled_from(["", "", "# end\n", "...\n"])))
    return pieces, count


@st.composite
def flow_documents(draw: st.DrawFn, count: int) -> Pieces:
    quote = draw(st.sampled_from(["", '"']))
    start, end = draw(st.sampled_from([("[", "]"), (f"{{{quote}tasks{quote}: [", "]}")]))
    comma = draw(st.sampled_from([", ", ",\n  "]))
    pieces: Pieces = [start + comma[1:]]
    for number in range(count):
        pieces += [comma if number else "", *draw(flow_items(number, quote))]
    return [*pieces, draw(st.sampled_from(["", "\n"])), end, "\n"]


def written(pieces: Pieces) -> str:
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces)


def pattern(pieces: Pieces, changed: dict[int, set[str]], newline: str) -> str:
    """Return the expression that a text matches when it differs from ``pieces`` only where it may."""
    parts = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(re.escape(piece.replace("\n", newline)))
        elif piece.field in changed[piece.number] or (piece.field == "*" and changed[piece.number]):
            parts.append(".*?")
        else:
            parts.append(re.escape(piece.text))
    return "".join(parts)


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(STATUSES),
        "title": st.one_of(TEXTS, PROSE),
        "priority": NUMBERS,
        "category": st.one_of(st.none(), TEXTS, PROSE),
    },
)
NEW_TASKS = st.builds(
    Task,
    id=st.just("new"),
    title=st.one_of(TEXTS, PROSE),
    description=st.one_of(st.just(""), PROSE),
    prompt=st.one_of(TEXTS, PROSE),
    files=st.lists(st.one_of(TEXTS, PROSE), max_size=3).map(tuple),
    dependencies=st.lists(st.sampled_from(["t0", "7", "a b", "yes"]), max_size=2).map(tuple),
    priority=NUMBERS,
    cost=st.floats(0, 1e300),
    status=st.sampled_from(STATUSES),
    rejected=st.one_of(st.none(), PROSE),
)


def check_a_change(document: tuple[Pieces, int], data: st.DataObject, newline: str, bom: bytes) -> None:
    pieces, count = document
    before = bom + written(pieces).replace("\n", newline).encode()
    read = taskdoc.read(before, "tasks.yml")
    tasks = read.tasks
    assert [task.id for task in tasks] == [f"t{number}" for number in range(count)]
    assert taskdoc.revise(read, tasks).data == before
    wanted, changed = list(tasks), {}
    for number in range(count):
        changes: dict[str, Any] = data.draw(CHANGES)
        wanted[number] = replace(tasks[number], **changes)
        changed[number] = {
            name for name in changes if getattr(tasks[number], name) != getattr(wanted[number], name)
        }
    after = taskdoc.revise(read, wanted)
    assert after.tasks == wanted == parse_tasks(after.data, "again")
    assert after.data.startswith(bom)
    text = after.data.removeprefix(bom).decode()
    assert re.fullmatch(pattern(pieces, changed, newline), text, re.DOTALL)
    check_with_a_plain_reader(text, wanted)
    new = data.draw(st.lists(NEW_TASKS, max_size=2, unique_by=lambda task: task.title))
    new = [replace(task, id=f"new{number}") for number, task in enumerate(new)]
    longer = taskdoc.revise(after, [*wanted, *new])
    assert parse_tasks(longer.data, "again") == [*wanted, *new]
    kept = longer.text.replace(newline, "\n").split("\n")
    position = 0
    for line in after.text.replace(newline, "\n").rstrip("\n]}").split("\n"):
        found = next(
            (at for at, other in enumerate(kept[position:], position) if other.startswith(line)), None
        )
        assert found is not None, line
        position = found + 1


def check_with_a_plain_reader(text: str, wanted: list[Task]) -> None:
    """Compare with what PyYAML alone makes of the text."""
    loaded = yaml.safe_load(text)
    rows = loaded["tasks"] if isinstance(loaded, dict) else loaded
    for row, task in zip(rows, wanted, strict=True):
        assert (row.get("status") or "pending") == task.status
        assert row.get("priority", 0) == task.priority
        if "title" in row:
            assert row["title"] == task.title


@given(documents(), st.data(), st.sampled_from(["\n", "\r\n"]), st.sampled_from([b"", b"\xef\xbb\xbf"]))
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_change_stays_in_its_place(
    document: tuple[Pieces, int], data: st.DataObject, newline: str, bom: bytes
) -> None:
    check_a_change(document, data, newline, bom)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@given(documents(), st.data(), st.sampled_from(["\n", "\r\n"]), st.sampled_from([b"", b"\xef\xbb\xbf"]))
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_torture_a_change_stays_in_its_place(
    document: tuple[Pieces, int], data: st.DataObject, newline: str, bom: bytes
) -> None:
    check_a_change(document, data, newline, bom)


def check_another_task(document: tuple[Pieces, int], data: st.DataObject) -> None:
    """Every field of one task becomes another one; the lines of the other tasks stay."""
    pieces, count = document
    read = taskdoc.read(written(pieces).encode(), "tasks.yml")
    number = data.draw(st.integers(0, count - 1))
    other: Task = data.draw(
        st.one_of(NEW_TASKS, NEW_TASKS.map(lambda task: replace(task, command="c", prompt=None)))
    )
    wanted = [*read.tasks[:number], replace(other, id=f"t{number}"), *read.tasks[number + 1 :]]
    after = taskdoc.revise(read, wanted)
    assert parse_tasks(after.data, "again") == wanted
    if read.frame and after.frame:
        assert read.frame == after.frame
        for at, (one, two) in enumerate(zip(read.items, after.items, strict=True)):
            assert at == number or one.text == two.text


@given(documents(), st.data())
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_other_task_can_be_written_in_its_place(
    document: tuple[Pieces, int], data: st.DataObject
) -> None:
    check_another_task(document, data)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@given(documents(), st.data())
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_torture_any_other_task_can_be_written(document: tuple[Pieces, int], data: st.DataObject) -> None:
    check_another_task(document, data)


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[str, str]:
    """Return a document and the same one after somebody typed, deleted or copied somewhere."""
    text = written(draw(documents())[0])
    lines = text.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.integers(0, 4))
        if what == 0:
            del lines[at : at + draw(st.integers(1, 3))]
        elif what == 1:
            lines.insert(at, draw(st.sampled_from(lines)))
        elif what == 2:
            lines.insert(
                at,
                " " * draw(st.integers(0, 8))
                + draw(st.sampled_from(["# c", "- id: z", "status: done", "-", "...", "x"]))
                + "\n",
            )
        elif what == 3:
            lines[at] = " " * draw(st.integers(0, 4)) + lines[at].lstrip(" ")
        else:
            cut = draw(st.integers(0, len(lines[at])))
            lines[at] = (
                lines[at][:cut]
                + draw(st.sampled_from(["", "&a ", "*a", '"', ": ", "\t", "\u2028"]))
                + lines[at][cut:]
            )
        lines = lines or ["\n"]
    return text, "".join(lines)


def check_rereading(texts: tuple[str, str]) -> None:
    before, after = (text.encode() for text in texts)
    document = taskdoc.read(before, "tasks.yml")
    assert outcome(lambda: taskdoc.reread(document, after)) == outcome(
        lambda: taskdoc.read(after, "tasks.yml")
    )


def outcome(read: Any) -> object:
    try:
        document = read()
    except taskdoc.TaskFileError as error:
        return error.message, error.where
    return document.data, document.tasks, [item.extra for item in document.items], document.others


@given(spoilt())
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_rereading_a_part_finds_what_reading_everything_finds(texts: tuple[str, str]) -> None:
    check_rereading(texts)


def test_an_anchor_that_stands_in_another_item_too_is_found_by_rereading() -> None:
    before = "x-a: &a [1, 2]\ntasks:\n- {id: t0, command: make}\n- {id: t1, command: make}\n"
    check_rereading((before, before.replace("- {id: t0", "- &a {id: t0")))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@given(spoilt())
@settings(max_examples=50_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_torture_rereading_a_part_finds_what_reading_everything_finds(texts: tuple[str, str]) -> None:
    check_rereading(texts)


@given(
    st.one_of(
        st.binary(max_size=200), st.text(st.sampled_from("-: \n\t{}[]&*!|>'\"#aid<,?%")).map(str.encode)
    )
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_noise_is_read_or_refused_in_plain_words(data: bytes) -> None:
    try:
        parse_tasks(data, "tasks.yml")
    except taskdoc.TaskFileError as error:
        assert re.fullmatch(r"tasks\.yml:\d+", error.where)
        assert error.hint
