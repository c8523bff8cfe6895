"""Compose: what a reply makes of files, without a disk: every edit lands and the outcome holds, or nothing changes."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.patching.coding import Coded, decoded, encoded
from selfimprove.executor.patching.hard import softened
from selfimprove.executor.patching.lining import bare, lay, unnumbered
from selfimprove.executor.patching.merge import merge_definition, merge_whole
from selfimprove.executor.patching.reply import parse_reply
from selfimprove.executor.patching.routing import Router, creates
from selfimprove.executor.patching.shown import DOUBT, DOUBTFUL, SHOWN, meaning
from selfimprove.executor.patching.splice import land
from selfimprove.executor.patching.verify import verify
from selfimprove.model.patch import Action, ApplyResult, Edit, EditReport, Fate, Patch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


def apply_reply(reply: str, files: Mapping[str, bytes], *, allow: Collection[str] = ()) -> ApplyResult:
    r"""Return what ``reply``, in whatever style a model answered, makes of ``files`` (path -> content).

    Pure: it reads no disk, changes nothing that it is given, and raises for no reply and no content. All edits
    land or none: when ``ok``, ``files`` has the new content of each changed or new file and ``removed`` the paths
    that go; else both are empty, and ``edits`` (or ``reason``, when it is not one edit's fault) tell why, with
    the places that an edit could have meant as ``candidates``. Lines that no edit changes keep their bytes; the
    result parses where the file did, and no function or class is lost or doubled that no edit names.
    ``allow`` may have the words ``gutted`` (a file that loses most of its text) and ``placeholder`` (text such as
    "rest of the code unchanged" in the place of code): what would be refused for that is then done.

    >>> reply = '''greet.py
    ... <<<<<<< SEARCH
    ... return "Hello"
    ... =======
    ... return "Good morning"
    ... >>>>>>> REPLACE
    ... '''
    >>> result = apply_reply(reply, {"greet.py": b'def greet():\r\n    return "Hello"\r\n'})
    >>> result.ok, result.files
    (True, {'greet.py': b'def greet():\r\n    return "Good morning"\r\n'})
    >>> [(edit.path, edit.status.value, edit.line) for edit in result.edits]
    [('greet.py', 'applied', 2)]
    >>> result = apply_reply(reply, {"greet.py": b"x = 1\n"})
    >>> result.ok, result.files, result.edits[0].status.value
    (False, {}, 'refused')
    """
    try:
        patch = parse_reply(reply, frozenset(files))
    except PatchError as error:
        return ApplyResult(ok=False, reason=told(error))
    return apply_patch(patch, files, allow=allow)


def apply_patch(patch: Patch, files: Mapping[str, bytes], *, allow: Collection[str] = ()) -> ApplyResult:
    """Return what the edits of ``patch`` make of ``files``, as :func:`apply_reply` does."""
    patch = softened(patch, files)
    shown = [edit for edit in patch.edits if edit.shown]
    if not shown:
        return _applied(patch, files, allow)
    sure = _applied(replace(patch, edits=tuple(edit for edit in patch.edits if not edit.shown)), files, allow)
    if not sure.ok and not any(report.status is Fate.UNCHANGED for report in sure.edits):
        return sure
    after = {**files, **sure.files}
    said = {edit: meaning(edit, files, after) for edit in shown}
    if all(one == SHOWN for one in said.values()):
        return sure
    kept = (
        replace(edit, shown=False, broken=DOUBT if said.get(edit) == DOUBTFUL else edit.broken)
        for edit in patch.edits
        if said.get(edit) != SHOWN
    )
    return _applied(replace(patch, edits=tuple(kept)), files, allow)


def _applied(patch: Patch, files: Mapping[str, bytes], allow: Collection[str]) -> ApplyResult:
    work = _Work(patch.edits, files, allow)
    work.place()
    for path in dict.fromkeys(path for path in work.paths if path):
        work.change(path, [number for number, one in enumerate(work.paths) if one == path])
    if not work.refused():
        work.check()
    return work.result(patch.subject)


def refusal(result: ApplyResult) -> str:
    """Return why a reply was not applied, for its author: each edit that was refused, with where it could be."""
    rows = [report for report in result.edits if report.status is Fate.REFUSED]
    if not rows:
        return result.reason
    said = []
    for report in rows:
        where = f"{report.path}: " if report.path and report.path not in report.reason else ""
        could = f" (it could be {', '.join(report.candidates)})" if report.candidates else ""
        line = f" in line {report.at} of the reply" if report.at and len(result.edits) > 1 else ""
        said.append(
            f"the edit{line} is refused: {where}{report.reason}{could}"
            if line
            else f"{where}{report.reason}{could}"
        )
    return "\n".join(said)


def told(error: PatchError) -> str:
    """Return an error's words for the author of a reply on one line."""
    return f"{error.message}; {error.hint}" if error.hint else error.message


class _Work:
    """The edits of one patch on their way: where each belongs, what each file has become, what was refused."""

    def __init__(self, edits: Sequence[Edit], files: Mapping[str, bytes], allow: Collection[str]) -> None:
        self.edits = edits
        self.files = files
        self.allow = allow
        self.paths = [""] * len(edits)
        self.reports = [EditReport(edit.path, Fate.HELD, style=edit.style, at=edit.at) for edit in edits]
        self.router = Router(edits, files)
        self.moves = self.router.moves
        self.gone: set[str] = set()
        self.coded: dict[str, Coded] = {}
        self.texts: dict[str, str] = {}  # by the present path; a new file's by its new one
        self.made: dict[str, bytes] = {}

    def refuse(self, number: int, reason: str, candidates: Iterable[str] = (), path: str = "") -> None:
        """Note why an edit is refused."""
        self.reports[number] = replace(
            self.reports[number],
            status=Fate.REFUSED,
            reason=reason,
            candidates=tuple(candidates),
            path=path or self.reports[number].path,
        )

    def refused(self) -> bool:
        """True when any edit was."""
        return any(report.status is Fate.REFUSED for report in self.reports)

    def place(self) -> None:
        """Find the file of each edit."""
        for number, edit in enumerate(self.edits):
            if edit.broken:
                self.refuse(number, edit.broken)
                continue
            place = self.router.route(edit)
            if not place.path:
                self.refuse(number, place.reason, place.candidates)
                continue
            if _takes_mark(edit, self.files.get(place.path, b"")):
                self.refuse(number, "it takes away the file's byte order mark", path=place.path)
                continue
            self.paths[number] = place.path
            self.reports[number] = replace(self.reports[number], path=place.path, how=place.how)
        moved = {new: old for old, new in self.moves.items()}
        self.paths = [moved.get(path, path) for path in self.paths]

    def change(self, path: str, numbers: Sequence[int]) -> None:
        """Do the edits of one file, in their order."""
        try:
            before = self._text(path)
            if Action.DELETE in {self.edits[number].action for number in numbers}:
                self._delete(path, numbers, before)
                return
            text = before
            for action, group in groupby(numbers, lambda number: self._kind(number, before)):
                text = self._changed(path, action, list(group), text)
        except PatchError as error:
            self._refuse_all(numbers, error, path)
            return
        self.texts[path] = text or ""

    def _refuse_all(self, numbers: Sequence[int], error: PatchError, path: str) -> None:
        for number in numbers:
            if self.reports[number].status is not Fate.REFUSED:
                self.refuse(number, told(error), _places(error.where), path)

    def _text(self, path: str) -> str | None:
        """Return a file's text, None for a file that is not there. Raises PatchError for one that is not text."""
        if path not in self.files:
            return None
        if path not in self.coded:
            self.coded[path] = decoded(self.files[path], path)
        return self.coded[path].text

    def _kind(self, number: int, text: str | None) -> str:
        edit = self.edits[number]
        if edit.action is Action.REPLACE and creates(edit) and not (text or "").strip():
            return "create"
        return edit.action.value

    def _changed(self, path: str, action: str, numbers: Sequence[int], text: str | None) -> str | None:
        """Return the text after edits of one kind, and note what became of each."""
        if action == Action.RENAME.value:
            for number in numbers:
                self._report(number, "renamed", 0)
            return text
        if action == Action.REPLACE.value:
            return self._landed(path, numbers, text)
        for number in numbers:
            before = text
            try:
                text = self._merged(path, action, number, text)
            except PatchError as error:
                self.refuse(number, told(error), _places(error.where), path)
                return before
        return text

    def _merged(self, path: str, action: str, number: int, text: str | None) -> str:
        """Return the text after an edit that gives a file, a function or a class."""
        edit = self.edits[number]
        if action == "create" or text is None:
            if action == Action.DEFINITION.value:
                raise PatchError(f"{path} does not exist", where=path)
            self._not_twice(path, number, text)
            now = lay("", unnumbered(list(edit.new), ()), edit.ends is not False, exact=True).text
            self._report(number, "new file" if text is None else "whole file", 1)
            return now
        if creates(edit) and text.strip() and bare(text) != list(edit.new):
            raise PatchError(f"{path} exists already, with another content", where=path)
        whole = action == Action.WHOLE.value
        merged = (merge_whole if whole else merge_definition)(path, text, edit, self.allow)
        if whole and merged.how != "definition":
            self._not_twice(path, number, text)
        self._report(number, merged.how, merged.line, merged.text == text)
        return merged.text

    def _not_twice(self, path: str, number: int, text: str | None) -> None:
        """Raise PatchError when an earlier edit gave the whole file too, and differently."""
        for other in range(number):
            edit = self.edits[other]
            whole = self.paths[other] == path and edit.action is Action.WHOLE and text is not None
            if whole and _bare(edit.new) != _bare(self.edits[number].new):
                raise PatchError(f"the reply gives all of {path} twice, differently", where=path)

    def _landed(self, path: str, numbers: Sequence[int], text: str | None) -> str | None:
        """Return the text after search/replace edits."""
        if text is None:
            raise PatchError(f"{path} does not exist, so nothing can be found in it", where=path)
        for number in [one for one in numbers if creates(self.edits[one])]:
            if _bare(bare(text)) == _bare(self.edits[number].new):
                self._report(number, "whole file", 1, unchanged=True)
            else:
                self.refuse(number, f"{path} exists already, and nothing says which of its lines are meant")
        numbers = [one for one in numbers if not creates(self.edits[one])]
        edits = [replace(self.edits[number], path=path) for number in numbers]
        landed = land(edits, text, allow=self.allow)
        for number, report in zip(numbers, landed.reports, strict=True):
            how = ", ".join(part for part in (self.reports[number].how, report.how) if part)
            self.reports[number] = replace(
                report, path=path, how=how, style=self.edits[number].style, at=self.edits[number].at
            )
        return landed.text

    def _report(self, number: int, how: str, line: int, unchanged: bool = False) -> None:
        found = self.reports[number].how
        self.reports[number] = replace(
            self.reports[number],
            status=Fate.UNCHANGED if unchanged else Fate.APPLIED,
            how=", ".join(dict.fromkeys(part for part in (found, how) if part)),
            line=line,
        )

    def _delete(self, path: str, numbers: Sequence[int], text: str | None) -> None:
        """Let a file go, unless the reply also edits it or shows other lines than it has."""
        for number in numbers:
            edit = self.edits[number]
            if edit.action is not Action.DELETE:
                self.refuse(number, f"the reply deletes {path} and edits it")
            elif edit.old and [one.rstrip() for one in edit.old] != [
                one.rstrip() for one in bare(text or "")
            ]:
                self.refuse(number, f"{path} is not deleted: it has other lines than the reply shows")
            else:
                self._report(number, "deleted", 0)
        self.gone.add(path)

    def check(self) -> None:
        """Make bytes of the new texts and look at what came out, file by file."""
        for path, text in self.texts.items():
            numbers = [number for number, one in enumerate(self.paths) if one == path]
            try:
                target = self.moves.get(path, path)
                self.made[target] = encoded(text, self.coded.get(path, Coded("")), path)
                if path in self.coded and text == self.coded[path].text and target == path:
                    continue
                verify(target, self._text(path), text, [self.edits[number] for number in numbers], self.allow)
            except PatchError as error:
                self._blame(numbers, error, target)

    def _blame(self, numbers: Sequence[int], error: PatchError, path: str) -> None:
        done = [number for number in numbers if self.reports[number].status is Fate.APPLIED]
        for number in done or numbers:
            self.refuse(number, told(error), _places(error.where), path)

    def result(self, subject: str) -> ApplyResult:
        """Return what there is to say."""
        if self.refused():
            held = [
                replace(report, status=Fate.HELD) if report.status is Fate.APPLIED else report
                for report in self.reports
            ]
            return ApplyResult(ok=False, edits=tuple(held), subject=subject)
        changed = {path: data for path, data in self.made.items() if self.files.get(path) != data}
        removed = tuple(sorted(self.gone | {old for old, new in self.moves.items() if old != new}))
        if not changed and not removed:
            same = tuple(replace(report, status=Fate.UNCHANGED) for report in self.reports)
            return ApplyResult(ok=False, edits=same, reason="the reply changes nothing", subject=subject)
        return ApplyResult(True, changed, removed, tuple(self.reports), subject=subject)


def _takes_mark(edit: Edit, content: bytes) -> bool:
    """True when an edit shows the mark of a file that has one, and its new lines do not."""
    shown = content.startswith(BOM_UTF8) and any(line.startswith("\ufeff") for line in edit.old[:1])
    return shown and not any(line.startswith("\ufeff") for line in edit.new[:1])


def _bare(lines: Iterable[str]) -> list[str]:
    return [line.rstrip() for line in lines]


def _places(where: str) -> tuple[str, ...]:
    """Return the places that an error names, when it names lines."""
    return tuple(where.split(", ")) if ":" in where else ()
