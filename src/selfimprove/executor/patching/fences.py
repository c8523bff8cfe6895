"""Fenced blocks: which line opens one, and which line closes it, with fences inside of fences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.patching.marks import block_end, opening

if TYPE_CHECKING:
    from collections.abc import Sequence

_FENCE = re.compile(r"(?P<indent>[ \t]*+)(?P<mark>`{3,}+|~{3,}+)[ \t]*+(?P<info>[^`\n]*)$")
_DIFFERENCE = re.compile(r"diff --git |--- \S|@@|\*\*\* (?:Begin|Update|Add|Delete) ")
_FEW = 20  # lines at an end of the reply among which a fence around all of it is looked for
_LOOSE = 3  # blanks by which a closing fence may stand further in (CommonMark 0.31, section 4.5)
WRAPPERS = frozenset(("", "markdown", "md", "text", "txt", "plaintext", "plain", "xml", "html"))
DIFFS = frozenset({"diff", "patch", "udiff", "git-diff", "unified-diff", "gitdiff"})


class Fence(NamedTuple):
    """A fenced block: the lines of its marks (``end`` is -1 when nothing closes it) and what its first line says."""

    start: int
    end: int
    indent: str
    mark: str
    info: str

    @property
    def language(self) -> str:
        """The first word of the info string, in small letters, without what follows a colon or a brace."""
        words = re.split(r"[\s:{,;]", self.info.strip(), maxsplit=1)
        return words[0].lower()


def fence(line: str) -> tuple[str, str, str] | None:
    """Return the indentation, the marks and the info string of a line that is a fence, ``None`` for another."""
    if "```" not in line and "~~~" not in line:
        return None
    found = _FENCE.match(line)
    return (found["indent"], found["mark"], found["info"].strip()) if found else None


def pair(lines: Sequence[str]) -> dict[int, Fence]:
    """Return the fenced blocks of a reply by the index of their first line; linear in the number of lines.

    A fence with an info string opens a block; one without closes the block of the same marks that was opened last,
    and opens one when there is none. Fences inside of search/replace blocks are content.
    """
    found: dict[int, Fence] = {}
    stack: list[Fence] = []
    strict: list[bool] = []
    index = 0
    while index < len(lines):
        if opening(lines[index]) and (end := block_end(lines, index)) > 0:
            index = end + 1
            continue
        if (seen := fence(lines[index])) and not _is_content(seen, stack, strict):
            depth = -1 if seen[2] else _closed(seen, stack)
            if depth >= 0:
                found[stack[depth].start] = stack[depth]._replace(end=index)
                del stack[depth:], strict[depth:]
            else:
                stack.append(Fence(index, -1, *seen))
                strict.append(_holds_diff(lines, stack[-1]))
        index += 1
    return found | {one.start: one for one in stack}


def without_wrapper(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines with empty ones for a fence around the whole reply, where one more closing fence shows it."""
    first = next((index for index, line in enumerate(lines[:_FEW]) if line.strip()), 0)
    ends = [
        index for index in range(len(lines) - 1, max(len(lines) - _FEW, first), -1) if lines[index].strip()
    ]
    around = [fence(lines[index]) for index in (first, *ends[:2])]
    if len(around) < 3 or None in around:
        return lines
    (_, mark, info), (_, last, nothing), (_, _, inner) = filter(None, around)
    if mark != last or nothing or inner or info.lower() not in WRAPPERS:
        return lines
    return ["" if index in (first, ends[0]) else line for index, line in enumerate(lines)]


def _is_content(seen: tuple[str, str, str], stack: list[Fence], strict: list[bool]) -> bool:
    """True for a fence that stands further in than the open block's marks, as in a docstring or a diff's context."""
    if not stack:
        return False
    further = len(seen[0]) - len(stack[-1].indent)
    return seen[0] != stack[-1].indent if strict[-1] else further > _LOOSE


def _closed(seen: tuple[str, str, str], stack: list[Fence]) -> int:
    """Return which open block a bare fence closes, -1 when it closes none. Only the last few are looked at."""
    for depth in range(len(stack) - 1, max(len(stack) - 9, -1), -1):
        if stack[depth].mark == seen[1]:
            return depth
    if stack and stack[-1].mark[0] == seen[1][0] and len(seen[1]) > len(stack[-1].mark):
        return len(stack) - 1
    return -1


def _holds_diff(lines: Sequence[str], begun: Fence) -> bool:
    if begun.language in DIFFS:
        return True
    first = next((line for line in lines[begun.start + 1 : begun.start + 4] if line.strip()), "")
    return bool(_DIFFERENCE.match(first))
