"""Reads the patch format of some models' own tools: sections under ``*** Update File:`` between Begin and End."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.executor.patching import hunks
from selfimprove.executor.patching.hunks import Hunk
from selfimprove.executor.patching.names import tidied
from selfimprove.executor.patching.script import CUT
from selfimprove.model.patch import Action, Edit

if TYPE_CHECKING:
    from selfimprove.executor.patching.script import Script

STYLE = "patch"
_BEGIN = re.compile(r"\s*\*{3}\s*Begin Patch\b", re.IGNORECASE)
_END = re.compile(r"\s*\*{3}\s*End Patch\b", re.IGNORECASE)
_SECTION = re.compile(
    r"\s*\*{3}\s*(?P<what>Update|Add|Create|Delete|Remove)\s+File:\s*(?P<path>\S.*?)\s*$", re.IGNORECASE
)
_MOVE = re.compile(r"\s*\*{3}\s*(?:Move to|Rename to|Move File to):\s*(?P<path>\S.*?)\s*$", re.IGNORECASE)
_FILE_END = re.compile(r"\s*\*{3}\s*End of File\b", re.IGNORECASE)


def starts(script: Script) -> bool:
    """True at ``*** Begin Patch``, and at a section of a patch that lacks it."""
    line = script.line or ""
    return line.lstrip().startswith("***") and bool(_BEGIN.match(line) or _SECTION.match(line))


def read(script: Script) -> None:
    """Read the sections up to the patch's end; without an end only a closed fence shows that it is whole."""
    start = script.next
    begun = bool(_BEGIN.match(script.line or ""))
    script.next += begun
    before, ended = len(script.offers), False
    while script.line is not None and script.next < script.fence_end():
        line = script.line
        if _END.match(line):
            script.next += 1
            ended = True
            break
        if section := _SECTION.match(line):
            _read_section(script, section["what"].lower(), tidied(section["path"]))
        elif not line.strip() or _BEGIN.match(line):
            script.next += 1
        else:
            break
    cut = begun and not ended and not script.closed_off
    if cut and len(script.offers) > before:
        script.spoil(f"the patch has no *** End Patch: {CUT}", start)
    elif cut:
        broken = f"the patch has no *** End Patch: {CUT}"
        script.add(Edit("", Action.REPLACE, style=STYLE, at=script.at(start), broken=broken))


def _read_section(script: Script, what: str, path: str) -> None:
    """Read what is said of one file."""
    start = script.next
    script.next += 1
    if what in ("delete", "remove"):
        script.add(Edit(path, Action.DELETE, style=STYLE, at=script.at(start)))
    elif what in ("add", "create"):
        _read_new_file(script, path, start)
    else:
        _read_update(script, path, start)


def _section_lines(script: Script) -> list[str]:
    """Take the lines up to the next section or the patch's end."""
    begin, end = script.next, script.fence_end()
    while script.next < end:
        line = script.lines[script.next]
        if line.lstrip().startswith("***") and (
            _END.match(line) or _SECTION.match(line) or _BEGIN.match(line)
        ):
            break
        script.next += 1
    return list(script.lines[begin : script.next])


def _read_new_file(script: Script, path: str, start: int) -> None:
    lines = [line for line in _section_lines(script) if not _FILE_END.match(line)]
    while lines and not lines[-1].strip():
        lines.pop()
    if any(line.startswith("+") for line in lines):
        # A sign is missing only before what was empty; another line without one is not the file's.
        odd = next((line for line in lines if line.strip() and not line.startswith("+")), None)
        broken = f"a line of the new file does not begin with +: {odd[:60]!r}" if odd is not None else ""
        lines = [line[1:] for line in lines]
    else:
        broken = ""
    new = tuple(lines)
    script.add(
        Edit(path, Action.REPLACE, (), new, "+" * len(new), style=STYLE, at=script.at(start), broken=broken)
    )


def _read_update(script: Script, path: str, start: int) -> None:
    first = script.next
    lines = _section_lines(script)
    move = next(filter(None, map(_MOVE.match, lines[:2])), None)
    if move:
        to = tidied(move["path"])
        script.add(Edit(path, Action.RENAME, to=to, style=STYLE, at=script.at(start)))
    found = _hunks([line for line in lines if not _MOVE.match(line)], first + bool(move))
    lost = hunks.lost_blank(found)
    changing = [hunk for hunk in found if hunk.changes]
    for hunk in changing:
        _add(script, hunk, path, lost)
    if not changing and not move:
        broken = "the patch names the file and changes nothing in it"
        script.add(Edit(path, Action.REPLACE, style=STYLE, at=script.at(start), broken=broken))


def _hunks(lines: list[str], first: int) -> list[Hunk]:
    """Return the hunks of a section, whose first line has the index ``first``."""
    found: list[Hunk] = []
    now = Hunk(first)
    for offset, line in enumerate(lines):
        if _FILE_END.match(line):
            now.at_end = True
        elif line.startswith(("--- a/", "+++ b/")) and not now.lines:
            continue
        elif (seen := hunks.head(line)) is not None:
            if now.lines:
                found.append(now)
                now = Hunk(first + offset)
            now.anchors += [seen.hint] if seen.hint else []
            now.head = seen if seen.line else now.head
        elif line.strip() or now.lines:
            now.take(line)
    return [*found, now]


def _add(script: Script, hunk: Hunk, path: str, lost: bool) -> None:
    body = hunks.body(hunk, lost)
    script.add(
        Edit(
            *(path, Action.REPLACE, body.old, body.new, body.marks),
            line=hunk.head.line,
            anchors=tuple(hunk.anchors),
            symbol=hunks.symbol(hunk.anchors[-1]) if hunk.anchors else "",
            at_end=hunk.at_end,
            ends=body.ends,
            style=STYLE,
            at=script.at(hunk.start),
        )
    )
