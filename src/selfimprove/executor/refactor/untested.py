"""Untested: what a rewrite without new functions changes and no test runs, which its proof would hold it back for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.codebase.testing import is_test
from selfimprove.executor.patching.diff import opcodes
from selfimprove.executor.proving.executed import statement_lines
from selfimprove.executor.refactor.source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from selfimprove.executor.refactor.draft import Draft
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.wish import Wish


def untested(project: Project, wish: Wish, draft: Draft, span: tuple[int, int] | None) -> str:
    """Return which changed line no test runs, ``""`` when each is run, or is one of which that is not known.

    ``span`` are the first and last line of the function in the draft, None for a whole file. Of a draft with new
    functions the lines of these count alone, and who made it has judged them. A line that only got another
    indentation is changed, and is the same line; of one that says something new nothing is known.
    """
    if draft.added:
        return ""
    for path, content in sorted(draft.files.items()):
        executed = project.covered.get(path)
        if executed is None or path not in project.files or not path.endswith(".py") or is_test(path):
            continue
        old, new = Source.read(path, project.files[path]), Source.read(path, content)
        first, last = span if span and path == wish.path else (1, len(new.starts))
        before = statement_lines(old.text, 1, len(old.starts))
        for line in _moved_lines(old, new, statement_lines(new.text, first, last)):
            if line in before and line not in executed:
                return f"line {line} is not run by any test"
    return ""


def _moved_lines(old: Source, new: Source, wanted: Collection[int]) -> Iterator[int]:
    """Yield the old numbers of the lines ``wanted`` that have another indentation, or another place, than before."""
    one, two = old.text.splitlines(), new.text.splitlines()
    same = {
        start + at - first + 1
        for tag, first, last, start, _ in opcodes(one, two)
        if tag == "equal"
        for at in range(first, last)
    }
    for tag, first, last, start, _ in opcodes([row.strip() for row in one], [row.strip() for row in two]):
        for at in range(first, last) if tag == "equal" else ():
            line = start + at - first + 1
            if line in wanted and line not in same:
                yield at + 1
