"""Lands the edits of one file: finds the place of each, then changes exactly the lines that they mean to change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from selfimprove.executor.patching import changes, fuzzy, hints
from selfimprove.executor.patching.adapt import Evidence, evidence
from selfimprove.executor.patching.elision import placeholder
from selfimprove.executor.patching.likeness import squeeze
from selfimprove.executor.patching.place import Book, Place, exact_places, places, slid
from selfimprove.executor.patching.reading import Reading, read
from selfimprove.executor.patching.refusal import (
    PLACEHOLDER,
    ambiguous,
    contradicted,
    in_place_of_code,
    not_found,
)
from selfimprove.executor.patching.wording import Unsure
from selfimprove.model.patch import EditReport, Fate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from selfimprove.executor.patching.changes import Change, Row
    from selfimprove.model.patch import Edit


@dataclass(frozen=True)
class Landed:
    """A file's text after its edits, with a report for each, in their order.

    ``ok`` is False when one was refused: then ``text`` is the text as it was.
    """

    text: str
    reports: tuple[EditReport, ...]
    ok: bool


@dataclass
class _Task:
    """An edit on its way: where it may stand, what it changes, and what became of it."""

    edit: Edit
    reading: Reading
    options: list[Place] = field(default_factory=list)
    changes: list[Change] | None = None
    fate: Fate | None = None
    how: str = ""
    line: int = 0
    reason: str = ""
    candidates: tuple[int, ...] = ()

    def refuse(self, reason: str, candidates: Sequence[int] = ()) -> None:
        """Give the edit up."""
        self.fate, self.reason, self.candidates = Fate.REFUSED, reason, tuple(candidates)

    def report(self) -> EditReport:
        """Return what became of the edit."""
        edit = self.edit
        return EditReport(
            edit.path,
            self.fate or Fate.REFUSED,
            how=self.how,
            line=self.line,
            reason=self.reason,
            candidates=tuple(f"{edit.path}:{row + 1}" for row in self.candidates),
            style=edit.style,
            at=edit.at,
        )


def land(edits: Sequence[Edit], text: str, *, allow: Collection[str] = ()) -> Landed:
    """Return ``text`` after ``edits``, all of them lines of this one file that are replaced.

    Each is looked for in the text as it was, and if it is not there, in the text after the others. Only lines
    that an edit means to change are written; the others, and all line ends, stay as they are. An edit with
    no place, or with several among which nothing chooses, is refused; so is one that writes a placeholder in
    the place of code, unless ``allow`` has the word for it.
    """
    rows = changes.split_rows(text)
    book = Book([line for line, _ in rows])
    tasks = [_begun(edit, book, allow) for edit in edits]
    _choose(tasks, book)
    known = _placed([task for task in tasks if task.fate is None and task.options], book)
    now, origins = changes.rewritten(rows, _agreed(tasks))
    for task in [task for task in tasks if task.fate is None]:
        now, origins = _later(task, now, origins, book, known)
    reports = tuple(task.report() for task in tasks)
    if any(report.status is Fate.REFUSED for report in reports):
        return Landed(text, reports, ok=False)
    usual = Counter(end for _, end in (*rows, ("", "\n")) if end).most_common(1)[0][0]
    return Landed(changes.joined(now, final=_final(tasks, text, rows), usual=usual), reports, ok=True)


def _placed(tasks: Sequence[_Task], book: Book) -> Evidence:
    """Work out what tasks with one place change, and return what all of them tell about the reply."""
    known = evidence([(task.reading.old, task.options[0]) for task in tasks], book)
    for task in tasks:
        _place(task, task.options[0], book, known)
    return known


def _final(tasks: Sequence[_Task], text: str, rows: Sequence[Row]) -> bool:
    """Say whether the new text ends with a newline: as it did, or as an edit of its end says."""
    said = [
        task.edit.ends
        for task in tasks
        if task.edit.ends is not None and task.fate is not Fate.REFUSED and _at_end(task, len(rows))
    ]
    return said[-1] if said else not text or text.endswith(("\n", "\r"))


def _at_end(task: _Task, size: int) -> bool:
    return any(change.end >= size for change in task.changes or ()) or any(
        place.end >= size for place in task.options
    )


def _begun(edit: Edit, book: Book, allow: Collection[str]) -> _Task:
    """Return a task with every place at which its old lines stand; what has none but needs none is settled."""
    if edit.broken:
        task = _Task(edit, Reading(edit.old, edit.new, (), ()))
        task.refuse(edit.broken)
        return task
    if not edit.old:
        return _inserted(edit, book, allow)
    reading = read(edit, book)
    task = _Task(edit, reading, list(reading.places))
    takes = any(mark == "-" and reading.old[index].strip() for mark, index in reading.script)
    if PLACEHOLDER not in allow and (found := placeholder(reading.old, reading.new, bare=takes)):
        task.refuse(in_place_of_code(found))
    elif edit.old == edit.new and task.options:
        task.fate, task.line, task.how = Fate.UNCHANGED, task.options[0].start + 1, task.options[0].how
    return task


def _inserted(edit: Edit, book: Book, allow: Collection[str]) -> _Task:
    """Return a task for an edit without old lines: it needs a line, a span or the end of the file."""
    new = tuple(line.removesuffix("\r") for line in edit.new)
    task = _Task(edit, Reading((), new, (), ()))
    most = len(book.lines)
    if PLACEHOLDER not in allow and (found := placeholder((), new, bare=bool(edit.span))):
        task.refuse(in_place_of_code(found))
        return task
    start, end = most, most
    if edit.span:
        start, end = edit.span[0] - 1, edit.span[1]
        task.how = "line numbers"
    elif edit.at_end or not most:
        task.how = "end of file"
    elif edit.line:
        start = end = edit.line - 1
        task.how = "line number"
    elif (edit.anchors or edit.symbol) and (after := _under(edit, book)) is not None:
        start = end = after
        task.how = "anchor"
    else:
        task.refuse("it does not say where its lines are to stand: give the line above or below as well")
        return task
    if not 0 <= start <= end <= most:
        task.refuse(f"the file has {most} lines, none has the number {max(start + 1, end)}")
        return task
    task.changes = [changes.Change(start, end, new)]
    task.fate = Fate.APPLIED if new or start < end else Fate.UNCHANGED
    task.line = start + 1
    return task


def _under(edit: Edit, book: Book) -> int | None:
    """Return the line below the only one that says what the last anchor says."""
    key = squeeze((edit.anchors or (edit.symbol,))[-1]).strip()
    found = [at for at, line in enumerate(book.lines) if squeeze(line) == key]
    return found[0] + 1 if len(found) == 1 else None


def _choose(tasks: Sequence[_Task], book: Book) -> None:
    """Leave each task the places that its hints and the other edits leave."""
    for task in tasks:
        if len(task.options) > 1:
            task.options = hints.by_hints(task.edit, task.options, book)
    edits = [task.edit for task in tasks]
    options = [task.options if task.fate is None else [] for task in tasks]
    hints.by_order(options, [bool(edit.marks) for edit in edits])
    hints.by_number([_numbered(task) for task in tasks], options)
    hints.by_order(options, [bool(edit.marks) for edit in edits])
    hints.by_count(edits, options)
    for task, left in zip(tasks, options, strict=True):
        if task.fate is None and len(task.options) > 1:
            task.options = left
            if len(left) > 1 and not _same_result(task, left, book):
                task.refuse(ambiguous(left), [place.start for place in left[:10]])


def _numbered(task: _Task) -> Edit:
    """Return the edit, with the number that its lines carried when it says none itself."""
    line = task.reading.line
    return replace(task.edit, line=line) if line and not hints.number(task.edit) else task.edit


def _same_result(task: _Task, left: list[Place], book: Book) -> bool:
    """True when it makes no difference which of the places is taken; then the first one is."""
    results = []
    for place in left[:16]:
        try:
            found = changes.changes_of(task.reading.old, task.reading.new, task.reading.script, place, book)
        except Unsure:
            return False
        results.append([change for one in found if (change := changes.effective(one, book.lines))])
    if len(left) > 16 or any(result != results[0] for result in results):
        return False
    del left[1:]
    task.options = left
    return True


def _outcome(reading: Reading, place: Place, book: Book) -> list[changes.Change] | None:
    """Return what an edit changes at a place, None when that is not certain."""
    try:
        found = changes.changes_of(reading.old, reading.new, reading.script, place, book)
    except Unsure:
        return None
    return [change for one in found if (change := changes.effective(one, book.lines))]


def _place(task: _Task, place: Place, book: Book, known: Evidence) -> None:
    """Work out what a task changes at its place."""
    reading = task.reading
    task.how, task.line = place.how, place.start + 1
    span = task.edit.span
    if span and reading.old and place.origin != span[0] - 1 and "exact" not in place.how and not place.exact:
        task.refuse(f"the lines {span[0]} to {span[1]} are not those that it quotes")
        return
    try:
        found = changes.changes_of(reading.old, reading.new, reading.script, place, book, known)
    except Unsure as doubt:
        task.refuse(str(doubt), [place.start])
        return
    task.changes = [change for one in found if (change := changes.effective(one, book.lines))]
    task.fate = Fate.APPLIED if task.changes or task.edit.ends is not None else Fate.UNCHANGED


def _agreed(tasks: Sequence[_Task]) -> list[Change]:
    """Return all changes; refuse a task that clashes with an earlier one or quotes the same lines otherwise."""
    made: list[Change] = []
    earlier: list[_Task] = []
    for task in [task for task in tasks if task.fate is Fate.APPLIED]:
        fresh = [change for change in task.changes or () if change not in made]
        clashes = [other for change in fresh for other in made if changes.clash(change, other)]
        if clashes:
            task.refuse(contradicted(clashes[0].start))
        elif any(_contradicts(one, task) for one in earlier):
            task.refuse(contradicted(task.line - 1))
        else:
            made += fresh
            earlier.append(task)
    return made


def _contradicts(one: _Task, other: _Task) -> bool:
    """True when two edits quote the same lines at the same place and make different lines of them."""
    same = bool(one.edit.old) and one.edit.old == other.edit.old and one.options == other.options
    return same and bool(one.changes) and one.changes != other.changes


def _later(
    task: _Task, now: list[Row], origins: list[int], book: Book, known: Evidence
) -> tuple[list[Row], list[int]]:
    """Land a task in the text after the others, or say why it cannot be done."""
    after = Book([line for line, _ in now])
    place = _found_later(task, after, book, origins)
    if place is None:
        return now, origins
    task.options = [place]
    _place(task, place, after, known)
    task.line = _origin(origins, place.start)
    if task.fate is not Fate.APPLIED or not task.changes:
        return now, origins
    rows, sources = changes.rewritten(now, task.changes)
    return rows, [_origin(origins, at) - 1 for at in sources]


def _found_later(task: _Task, after: Book, book: Book, origins: Sequence[int]) -> Place | None:
    """Return the place of a task in the text after the others; None when that settles it without one."""
    options: list[Place] = []
    if after.lines != book.lines:
        again = read(task.edit, after)
        options = hints.by_hints(task.edit, list(again.places), after)
        task.reading = again if options else task.reading
    if len(options) > 1:
        task.refuse(ambiguous(options), [_origin(origins, place.start) - 1 for place in options[:10]])
        return None
    if options:
        return options[0]
    if (stands := _stands(task, after)) is not None:
        task.fate, task.line, task.how = Fate.UNCHANGED, _origin(origins, stands), "the file says so already"
        return None
    return _likely(task, after)


def _origin(origins: Sequence[int], at: int) -> int:
    """Return the number, from 1, that a line had in the file as it was."""
    if not origins:
        return 1
    return origins[at] + 1 if at < len(origins) else origins[-1] + 2


def _stands(task: _Task, book: Book) -> int | None:
    """Return where the edit's new lines stand already, once and unmistakably."""
    new = task.reading.new
    body = [line for line in new if line.strip()]
    if sum(len(line.strip()) for line in body) < 16 or not [
        line for line in body if line not in task.reading.old
    ]:
        return None
    found = exact_places(new, book) or places(new, book)
    return found[0].start if len(found) == 1 else None


def _likely(task: _Task, book: Book) -> Place | None:
    """Return the one place that is like the edit's old lines and far more so than any other."""
    reading = task.reading
    ranked = fuzzy.near_places(reading.old, book)
    if not ranked:
        task.refuse(not_found(reading.old, book))
        return None
    best, alike = ranked[0]
    if slid(reading.old, best, book):
        task.refuse(not_found(reading.old, book, best, "a line among its brackets is missing"))
        return None
    if why := fuzzy.doubt(reading.old, reading.script, best, alike, book):
        task.refuse(not_found(reading.old, book, best, why))
        return None
    limit = best.score - fuzzy.margin(reading.old, best, book)
    near = [place for place, _ in ranked[1:] if place.score > limit]
    wanted = _outcome(reading, best, book) if near else None
    rivals = [place for place in near if wanted is None or _outcome(reading, place, book) != wanted]
    if rivals:
        task.refuse(ambiguous([best, *rivals], like=True), [place.start for place in (best, *rivals)][:10])
        return None
    return best
