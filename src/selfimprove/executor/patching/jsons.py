"""Reads edits that are written as JSON: lists of edits, files by path, calls of editing tools, lines by number."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selfimprove.executor.patching.loose import NotJson, value
from selfimprove.executor.patching.names import tidied
from selfimprove.executor.patching.script import CUT
from selfimprove.model.patch import Action, Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.patching.script import Script

STYLE = "json"
# Keys as they are compared: in small letters, without strokes.
_PATH = ("path", "file", "filepath", "filename", "targetfile", "target")
_OLD = (
    "search",
    "old",
    "oldstring",
    "oldstr",
    "oldtext",
    "oldcode",
    "oldcontent",
    "find",
    "before",
    "original",
    "searchtext",
)
_NEW = (
    "replace",
    "new",
    "newstring",
    "newstr",
    "newtext",
    "newcode",
    "after",
    "replacement",
    "updated",
    "replacetext",
    "replacewith",
)
_CONTENT = ("content", "contents", "filetext", "text", "code", "newcontent", "body")
_LISTS = (
    "edits",
    "changes",
    "operations",
    "patches",
    "modifications",
    "updates",
    "replacements",
    "toolcalls",
    "actions",
    "blocks",
    "files",
)
_INSIDE = ("arguments", "parameters", "input", "args", "function", "edit", "kwargs")
_PATCHES = ("patch", "diff", "input", "patchtext")
_FIRST = ("startline", "linestart", "fromline", "start", "firstline", "beginline")
_LAST = ("endline", "lineend", "toline", "end", "lastline")
_AFTER = ("insertafter", "insertline", "afterline")
_BEFORE = ("insertbefore", "beforeline")
_WHAT = ("action", "command", "type", "op", "operation", "kind", "name", "tool")
_TO = ("to", "newpath", "destination", "renameto", "moveto", "targetpath", "newfilepath")
_FROM = ("from", "oldpath", "source")
_SUBJECT = ("commit", "subject", "commitmessage")
_OPENS = re.compile(r"\s*(?:\{\s*(?:[\"']|[A-Za-z_]+\s*:|//|/\*|$)|\[\s*(?:\{|//|/\*|$))")
_LOOKS = re.compile(
    r"[\"']?(?:path|file_?path|file_?name|file|search|replace|old|new|(?:old|new)_?(?:str|string|text|code|content)|"
    r"find|before|after|original|replacement|content|edits|changes|files|patch|diff|arguments)[\"']?\s*:",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[\s,]*+(?=[{\[])")  # what stands between two values
_GLANCE = 4000  # characters in which a value that cannot be read has to show that it was to be an edit
_TRIES = 100  # values that cannot be read before no more are looked for
_DEEP = 6
_MOST = 5000  # edits of one reply
_Plain = dict[str, Any]


def starts(script: Script) -> bool:
    """True at a line that can be the first one of an object or a list, when no attempt has failed further down."""
    line = script.line or ""
    may = line.lstrip()[:1] in ("{", "[") and script.next >= script.no_json
    return may and bool(_OPENS.match(line[:400]))


def read(script: Script) -> None:
    """Read the values that begin at the present line; when they hold no edit, go on after the first line."""
    script.next = max(_read(script, script.next, script.fence_end(), script.closed_off), script.next + 1)


def read_fence(script: Script, start: int, end: int, closed: bool) -> bool:
    """Read the edits in the lines of a fenced block that begins with JSON; say whether it held any, or was to."""
    first = next((line for line in script.lines[start : start + 3] if line.strip()), "")
    return start < end and bool(_OPENS.match(first[:400])) and _read(script, start, end, closed) > 0


def _read(script: Script, start: int, end: int, closed: bool) -> int:
    """Add the edits of the values from line ``start`` on; return the index after them, 0 when there is no edit."""
    text, place, limit = script.text, script.offset(start), script.offset(end)
    before = len(script.offers)
    while place < limit:
        index = script.line_of(place)
        try:
            found, place = value(text, place)
        except NotJson as error:
            script.failed += 1
            script.no_json = script.line_of(error.at) if script.failed < _TRIES else len(script.lines)
            if len(script.offers) == before and not _LOOKS.search(text, place, min(limit, place + _GLANCE)):
                return 0
            why = CUT if error.ended and not closed else "it cannot be read"
            where = script.at(script.line_of(min(error.at, limit)))
            broken = f"the JSON does not end or is not valid (line {where} of the reply): {why}"
            script.add(Edit("", Action.REPLACE, style=STYLE, at=script.at(index), broken=broken))
            return end
        for edit in _edits(found, {}, script, 0):
            if len(script.offers) < _MOST:
                script.add(replace(edit, at=script.at(index), style=edit.style or STYLE))
        after = _BETWEEN.match(text, place, max(limit, place))
        if not after:
            break
        place = after.end()
    return script.line_of(min(place, limit)) + 1 if len(script.offers) > before else 0


def _first(one: _Plain, keys: tuple[str, ...], kinds: tuple[type, ...] = (str, int, list)) -> Any:
    """Return the value of the first of ``keys`` that is there and of one of ``kinds``, else ``None``."""
    return next((one[key] for key in keys if key in one and isinstance(one[key], kinds)), None)


def _edits(found: Any, outer: _Plain, script: Script, depth: int) -> Iterator[Edit]:
    """Yield the edits of a value; what an outer object says (the path) holds for inner ones too."""
    if depth > _DEEP:
        return
    if isinstance(found, list):
        for one in found:
            yield from _edits(one, outer, script, depth + 1)
    elif isinstance(found, dict):
        yield from _of_object(found, outer, script, depth)


def _of_object(one: _Plain, outer: _Plain, script: Script, depth: int) -> Iterator[Edit]:
    one = {re.sub("[-_]", "", str(key)).lower(): said for key, said in one.items()}
    subject = _first(one, _SUBJECT, (str,))
    if subject and not script.subject:
        script.subject = subject.strip().split("\n")[0][:200]
    path = _first(one, _PATH, (str,))
    known = {**outer, **({"path": path} if path else {})}
    if what := _first(one, _WHAT, (str,)):
        known["what"] = what.lower()
    yield from _of_patch(one, known, script)
    inner = _inner(one)
    for part in inner:
        yield from _edits(part, known, script, depth + 1)
    if not inner:
        yield from _own(one, known)


def _inner(one: _Plain) -> list[Any]:
    """Return the values in an object that hold edits of their own."""
    found = [one[key] for key in _LISTS if isinstance(one.get(key), list)]
    found += [loaded for key in _INSIDE if (loaded := _loaded(one.get(key))) is not None]
    for key in _LISTS:
        if isinstance(one.get(key), dict):
            found += _by_path(one[key])
    return found


def _by_path(table: _Plain) -> list[Any]:
    """Return the edits of a table whose keys are files; a table of something else is an edit itself."""
    if not all(isinstance(said, str | list | dict) for said in table.values()) or not any(
        "." in name or "/" in name or isinstance(said, dict) for name, said in table.items()
    ):
        return [table]
    return [_of_file(name, said) for name, said in table.items()]


def _of_file(name: str, said: str | list[Any] | _Plain) -> _Plain:
    if isinstance(said, dict):
        return {"path": name, **said}
    listed = isinstance(said, list) and any(isinstance(one, dict) for one in said)
    return {"path": name, "edits" if listed else "content": said}


def _loaded(text: object) -> Any:
    """Return the value that a text is, as the arguments of a tool call are."""
    if isinstance(text, dict):
        return text
    if not isinstance(text, str) or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return value(text)[0]
    except NotJson:
        return {"broken": "the arguments of a call are no JSON"}


def _of_patch(one: _Plain, known: _Plain, script: Script) -> Iterator[Edit]:
    """Yield the edits of a diff or a patch that stands as a text in an object."""
    text = _first(one, _PATCHES, (str,))
    if text and re.search(r"^(?:@@|\*\*\* (?:Begin|Update|Add|Delete)|--- |diff --git )", text, re.MULTILINE):
        for edit in script.inner(text):
            yield edit if edit.path else replace(edit, path=tidied(str(known.get("path", ""))))


def _lines(said: object) -> tuple[str, ...] | None:
    """Return the lines of a text or of a list of them, without ends; ``None`` for another value."""
    if isinstance(said, list):
        if not all(isinstance(line, str) for line in said):
            return None
        said = "\n".join(line.removesuffix("\n") for line in said) + "\n" if said else ""
    if not isinstance(said, str):
        return None
    said = said.replace("\r\n", "\n")
    return tuple(said.removesuffix("\n").split("\n")) if said else ()


def _own(one: _Plain, known: _Plain) -> Iterator[Edit]:
    """Yield the edit that an object is, if it is one."""
    path, what = tidied(str(known.get("path", ""))), str(known.get("what", ""))
    old, new = _lines(_first(one, _OLD)), _lines(_first(one, _NEW))
    content = _lines(_first(one, _CONTENT, (str, list)))
    removes = bool(re.search(r"delete|remove", what))
    if isinstance(one.get("broken"), str):
        yield Edit(path, Action.REPLACE, broken=one["broken"])
    elif one.get("delete") is True or (removes and (old, new, _span(one)) == (None, None, None)):
        yield Edit(path, Action.DELETE)
    elif to := _destination(one, what):
        yield Edit(path or tidied(_first(one, _FROM, (str,)) or ""), Action.RENAME, to=to)
    elif not one.keys().isdisjoint((*_AFTER, *_BEFORE)):
        yield _insertion(one, path, content if new is None else new)
    elif edit := _replacement(one, path, old, () if new is None and removes else new):
        yield edit
    elif content is not None and _is_file(path, what):
        yield Edit(path, Action.WHOLE, (), content)


def _is_file(path: str, what: str) -> bool:
    return bool(path) and not re.search(r"view|read|message", what)


def _destination(one: _Plain, what: str) -> str:
    """Return where a file moves to, ``""`` when it does not."""
    return tidied(_first(one, _TO, (str,)) or "") if re.search(r"rename|move", what) else ""


_Lines = tuple[str, ...] | None


def _replacement(one: _Plain, path: str, old: _Lines, new: _Lines) -> Edit | None:
    """Return the edit of lines that are told by their text or their numbers, ``None`` when there is none."""
    if (span := _span(one)) is not None:
        new = new if new is not None else _lines(_first(one, _CONTENT, (str, list)))
        return Edit(path, Action.REPLACE, old or (), new, span=span) if new is not None else None
    if old is not None and new is not None:
        return Edit(path, Action.REPLACE, old, new)
    if old is not None or (new is not None and path):
        missing = "what to put there" if new is None else "what to replace"
        return Edit(path, Action.REPLACE, broken=f"the edit does not say {missing}")
    return None


def _span(one: _Plain) -> tuple[int, int] | None:
    """Return the first and the last line that an object addresses."""
    both = _first(one, ("lines", "range", "linerange"), (list,))
    if both and len(both) == 2 and all(type(number) is int for number in both):
        return both[0], both[1]
    first, last = _first(one, _FIRST, (int,)), _first(one, _LAST, (int,))
    if type(first) is int:
        return first, last if type(last) is int else first
    return None


def _insertion(one: _Plain, path: str, new: tuple[str, ...] | None) -> Edit:
    """Return the edit that puts lines after or before a line, which is told by its number or its text."""
    after = _first(one, _AFTER, (int, str))
    place = after if after is not None else _first(one, _BEFORE, (int, str))
    if new is None or place is None or isinstance(place, bool):
        return Edit(path, Action.REPLACE, broken="the insertion does not say what goes where")
    if isinstance(place, str) and place.strip().isdecimal() and len(place) < 9:
        place = int(place)
    if isinstance(place, int):
        line = place + (after is not None)
        return Edit(path, Action.REPLACE, (), new, span=(line, line - 1))
    beside = _lines(place) or ()
    return Edit(path, Action.REPLACE, beside, (*beside, *new) if after is not None else (*new, *beside))
