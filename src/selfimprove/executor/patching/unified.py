"""Reads unified diffs, of git or by hand: wrong numbers, no headers, no blank before the lines that stay."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfimprove.executor.patching import hunks
from selfimprove.executor.patching.fences import DIFFS
from selfimprove.executor.patching.hunks import Hunk
from selfimprove.executor.patching.naming import named
from selfimprove.executor.patching.script import CUT
from selfimprove.model.patch import Action, Edit

if TYPE_CHECKING:
    from selfimprove.executor.patching.script import Script

STYLE = "diff"
_GIT = re.compile(r"diff --(?:git|cc|combined) (?P<names>.*)$")
_EXTENDED = re.compile(
    r"(?P<key>index|old mode|new mode|deleted file mode|new file mode|similarity index|dissimilarity index|"
    r"rename from|rename to|copy from|copy to|Binary files|GIT binary patch|Index:|={60,})[ \t]?(?P<value>.*)$"
)
_TIME = re.compile(
    r"(?:\t.*|\s+\d{4}-\d\d-\d\d[ T].*|\s+\((?:revision|working copy|original|modified|updated).*\))$"
)
_NOTHING = ("/dev/null", "dev/null", "NUL", "nul")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_BULLET = re.compile(r"[-+ ] *[-+*]? *\S+ \S+ \S+ \S+.*[.:!?]$")  # an item of prose
_FAR = 100  # lines that are looked through for one that a head promises
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


@dataclass
class Difference:
    """All that a diff says of one file."""

    start: int
    old: str = ""
    new: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    hunks: list[Hunk] = field(default_factory=list)

    @property
    def said(self) -> bool:
        """True when something of the file has been read."""
        return bool(self.keys or self.hunks or self.new)


def starts(script: Script) -> bool:
    """True at the first line of a diff: git's, the names, a hunk's head, or a line in a fence marked as diff."""
    line = script.line or ""
    if line.startswith(("diff --git ", "@@")) or _has_names(script, script.next):
        return True
    fence = script.open[-1] if script.open else None
    if fence is None or fence.language not in DIFFS or not line.strip():
        return False
    return line.startswith(("+", "-", " ")) or not named(line, script.known)


def read(script: Script) -> None:
    """Read the differences of all files up to where the diff ends."""
    start = script.next
    found: list[Difference] = []
    now = Difference(start)
    while script.line is not None and script.next < script.fence_end():
        if now.said and _begins_file(script, now):
            found.append(now)
            now = Difference(script.next)
        if (now.hunks and _is_signature(script.line)) or not (
            _read_header(script, now) or _read_hunk(script, now)
        ):
            break
    found.append(now)
    script.next = max(script.next, start + 1)
    lost = hunks.lost_blank(hunk for one in found for hunk in one.hunks)
    for one in found:
        _add(script, one, lost)
    _check_end(script, [hunk for one in found for hunk in one.hunks])


def _is_signature(line: str) -> bool:
    """True for the line above the signature of a mailed patch, which is no line that goes."""
    return line.rstrip() == "--"


def _begins_file(script: Script, now: Difference) -> bool:
    """True where what is said of another file begins."""
    names = _has_names(script, script.next)
    return bool(_GIT.match(script.line or "")) or (names and bool(now.hunks or now.new))


def _has_names(script: Script, index: int) -> bool:
    """True where ``--- old`` and ``+++ new`` stand, or the first of them before a hunk's head."""
    lines = script.lines
    line = lines[index] if index < len(lines) else ""
    after = lines[index + 1] if index + 1 < len(lines) else ""
    if line.startswith("--- ") and line[4:].strip():
        return after.startswith(("+++ ", "@@ -"))
    return line.startswith("+++ ") and bool(line[4:].strip()) and after.startswith("@@")


def _read_header(script: Script, now: Difference) -> bool:
    """Take one line that stands before the hunks of a file; say whether there was one."""
    line = script.line or ""
    names = _has_names(script, script.next)
    if now.hunks and not names:
        return False
    if found := _GIT.match(line):
        now.keys["git"] = found["names"]
    elif names and line.startswith("--- "):
        now.old = _name(line[4:])
        if (after := script.lines[script.next + 1]).startswith("+++ "):
            now.new = _name(after[4:])
            script.next += 1
    elif names:
        now.new = _name(line[4:])
    elif (found := _EXTENDED.match(line)) and not now.new:
        now.keys[found["key"]] = found["value"]
    else:
        return False
    script.next += 1
    return True


def _read_hunk(script: Script, now: Difference) -> bool:
    """Take one hunk with its heads; say whether there was one."""
    hunk = Hunk(script.next)
    while script.line is not None and (seen := hunks.head(script.line)):
        hunk.head = seen if seen.olds >= 0 or not hunk.head.line else hunk.head
        hunk.anchors += [seen.hint] if seen.hint else []
        script.next += 1
    end, fenced = script.fence_end(), bool(script.open)
    while script.next < end:
        line = script.lines[script.next]
        if _ends_hunk(script, hunk, line, fenced):
            break
        hunk.take(line)
        script.next += 1
    if script.next == hunk.start:
        return False
    now.hunks.append(hunk)
    return True


def _ends_hunk(script: Script, hunk: Hunk, line: str, fenced: bool) -> bool:
    """True for a line that is no longer the hunk's: the next head, the next file, prose after a diff without fence."""
    if line.startswith(("@@", "diff --git ", "*** End Patch", "Index: ")):
        return True
    if hunk.full and _is_signature(line):
        return True
    if _has_names(script, script.next) and (hunk.full or hunk.head.olds < 0 or _head_follows(script)):
        return True
    return not fenced and not hunks.NO_NEWLINE.match(line) and _is_prose(script, hunk, line)


def _is_prose(script: Script, hunk: Hunk, line: str) -> bool:
    """True for a line after a diff without fence that is not the hunk's."""
    if hunk.full and not line.startswith(("+", "-")):
        return not line.startswith(" ") or not line.strip()
    if line[:1] in ("+", "-", " ") and line.strip():
        return hunk.full and bool(hunk.lines) and not hunk.lines[-1].strip()
    if not line.strip():
        return not _goes_on(script, script.next, max(hunk.missing))
    return max(hunk.missing) <= 0 and (not hunk.lines or not hunk.lines[-1].strip())


def _goes_on(script: Script, index: int, missing: int) -> bool:
    """True when a line of a hunk follows an empty one: at once, or within the lines that its head still promises."""
    after = [line for line in script.lines[index + 1 : index + 4] if line.strip()][:1]
    if missing > 0:
        after += script.lines[index + 1 : index + 1 + min(missing, _FAR)]
    return any(line[:1] in ("+", "-", " ") and line.strip() and not _BULLET.match(line) for line in after)


def _head_follows(script: Script) -> bool:
    return any(line.startswith("@@") for line in script.lines[script.next + 1 : script.next + 3])


def _name(text: str) -> str:
    """Return a file's name as the header of a diff has it, without time, quotes and escapes."""
    text = _TIME.sub("", text.rstrip("\r")).strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        raw = _ESCAPE.sub(lambda found: _LETTERS.get(found[1]) or _octal(found[1]), text[1:-1])
        text = raw.encode("latin-1", "replace").decode("utf-8", "replace") if not raw.isascii() else raw
    return text.strip("`")


def _octal(digits: str) -> str:
    return chr(int(digits, 8) & 255) if len(digits) == 3 else digits


def _paths(script: Script, one: Difference) -> tuple[str, str]:
    """Return the old and the new name of the file, ``""`` for no file; both are the last name when none is said."""
    old, new = one.old, one.new
    if not old and not new and (git := one.keys.get("git")):
        half = re.match(r"\"?a/(?P<a>.+?)\"? \"?b/(?P<b>.+?)\"?$", git)
        old, new = (f"a/{half['a']}", f"b/{half['b']}") if half else (git.split(" ")[0], git.split(" ")[-1])
        old = "/dev/null" if "new file mode" in one.keys else old
        new = "/dev/null" if "deleted file mode" in one.keys else new
    old, new = old or new or script.path, new or old or script.path
    return _without_prefix(old, "a/", script.known), _without_prefix(new, "b/", script.known)


def _without_prefix(name: str, prefix: str, known: frozenset[str]) -> str:
    if name in _NOTHING:
        return ""
    if name in known:
        return name
    for start in (prefix, "a/", "b/", "i/", "w/", "c/", "o/"):
        if name.startswith(start):
            return name[len(start) :]
    return name


def _add(script: Script, one: Difference, lost: bool) -> None:
    """Add the edits of one file."""
    old, new = _paths(script, one)
    at = script.at(one.start)
    old, new = one.keys.get("rename from", old), one.keys.get("rename to", new)
    if odd := next((key for key in ("copy from", "Binary files", "GIT binary patch") if key in one.keys), ""):
        script.add(
            Edit(new or old, Action.REPLACE, style=STYLE, at=at, broken=f"a diff with {odd!r} cannot be read")
        )
        return
    if old and not new and (one.new in _NOTHING or "deleted file mode" in one.keys):
        gone = tuple(line for hunk in one.hunks for line in hunks.body(hunk, lost).old)
        script.add(Edit(old, Action.DELETE, gone, style=STYLE, at=at))
        return
    path = _kept_name(script, one, old, new)
    if "rename to" in one.keys:
        script.add(Edit(old, Action.RENAME, to=new, style=STYLE, at=at))
    for hunk in one.hunks:
        _add_hunk(script, hunk, path, lost, not old)
    if "new file mode" in one.keys and not one.hunks:
        script.add(Edit(path, Action.REPLACE, style=STYLE, at=at))


def _kept_name(script: Script, one: Difference, old: str, new: str) -> str:
    """Return the name under which the edits of a file go: the old one, unless only the new one exists."""
    if "rename to" in one.keys:
        return old
    return new if not old or (new in script.known and old not in script.known) else old


def _add_hunk(script: Script, hunk: Hunk, path: str, lost: bool, creates: bool) -> None:
    body = hunks.body(hunk, lost)
    if not hunk.changes:
        if max(hunk.missing) > 0 and hunk.lines:
            broken = f"the hunk has no line to add or remove: {CUT}"
            script.add(Edit(path, Action.REPLACE, style=STYLE, at=script.at(hunk.start), broken=broken))
        return
    hint = hunk.anchors[-1] if hunk.anchors else ""
    script.add(
        Edit(
            *(path, Action.REPLACE, body.old, body.new, body.marks),
            line=0 if creates else hunk.head.line,
            symbol=hunks.symbol(hint),
            anchors=tuple(hunk.anchors),
            ends=body.ends,
            style=STYLE,
            at=script.at(hunk.start),
        )
    )


def _check_end(script: Script, found: list[Hunk]) -> None:
    """Mark the last hunk as cut off when the reply ends there, without a closing fence, before its head's counts.

    Counts that are wrong in another hunk too, or more than wanted, are no sign: then their author cannot count.
    """
    last = found[-1] if found else None
    if last is None or script.closed_off or any(line.strip() for line in script.lines[script.next :]):
        return
    if not last.lines:
        script.spoil(f"the last hunk has no lines: {CUT}", last.start)
        return
    missing = last.missing
    others = all(hunk.full or hunk.head.olds < 0 for hunk in found[:-1])
    if min(missing) >= 0 and max(missing) > 0 and others:
        more = max(missing)
        script.spoil(
            f"the last hunk is {more} line{'s' * (more > 1)} shorter than its head says: {CUT}", last.start
        )
