"""Reads edits between tags: <search> and <replace>, <file path="..."> and the parameters of tool calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.executor.patching.naming import Named, path_in
from selfimprove.executor.patching.script import CUT
from selfimprove.model.patch import Action, Edit

if TYPE_CHECKING:
    from selfimprove.executor.patching.script import Script

STYLE = "search_replace"
_OLD = frozenset(
    ["search", "find", "old", "original", "old_str", "old_string", "old_code", "before", "old_text"]
)
_NEW = frozenset(
    ["replace", "replacement", "new", "updated", "new_str", "new_string", "new_code", "after", "new_text"]
)
_PATH = frozenset(["path", "file_path", "filepath", "filename", "file_name", "target_file"])
_CONTENT = frozenset(("content", "contents", "file_text", "new_content"))
_AROUND = frozenset(
    [
        "file",
        "edit",
        "change",
        "modification",
        "update",
        "document",
        "patch",
        "create_file",
        "write_file",
        "replace_in_file",
    ]
)
_TAG = re.compile(r"\s*<(?P<name>[A-Za-z_]{2,20})(?P<rest>(?:\s[^<>]{0,400})?)>(?P<text>.*)$")
_ATTRIBUTE = re.compile(r"(?:path|file|name|filename|file_path|src)\s*=\s*[\"'“]?([^\"'“”>]+)[\"'”]?")
_PARAMETER = re.compile(r"\s*name\s*=\s*[\"']?(\w+)")


def starts(script: Script) -> bool:
    """True at a tag that begins an edit, a part of one, or names a file."""
    seen = _tag(script.line or "")
    if seen is None:
        return False
    return seen[0] in _OLD | _NEW | _PATH | _CONTENT or (seen[0] in _AROUND and bool(seen[1]))


def _tag(line: str) -> tuple[str, str, str, str] | None:
    """Return the meaning of a tag at the start of a line, the file it names, what follows it, and its own name."""
    if not line.lstrip().startswith("<"):
        return None
    found = _TAG.match(line)
    if not found:
        return None
    name = found["name"].lower()
    if name == "parameter" and (parameter := _PARAMETER.match(found["rest"])):
        return parameter[1].lower(), "", found["text"], found["name"]
    attribute = _ATTRIBUTE.search(found["rest"])
    path = attribute[1].strip() if attribute else ""
    if not path and name == "file" and (end := found["text"].lower().find("</file>")) >= 0:
        path = found["text"][:end].strip()
    return name, path, found["text"], found["name"]


def read(script: Script) -> None:
    """Read what the tag at the present line begins."""
    seen = _tag(script.line or "")
    if seen is None:
        script.next += 1
        return
    meaning, path, _, _ = seen
    if meaning in _AROUND:
        script.name(Named(path_in(path, script.known, marked=True) or path, 2))
        _read_around(script)
    elif meaning in _PATH:
        words = "".join(_content(script) or ()).strip()
        if path := path_in(words, script.known, marked=True):
            script.name(Named(path, 2))
    elif meaning in _CONTENT:
        _whole(script)
    elif meaning in _OLD:
        _pair(script)
    else:
        start = script.next
        new = _content(script)
        broken = (
            "the edit does not say what it replaces" if new is not None else f"the tag is never closed: {CUT}"
        )
        script.add(Edit(script.path, Action.REPLACE, style=STYLE, at=script.at(start), broken=broken))


def _content(script: Script) -> tuple[str, ...] | None:
    """Take the lines up to the end tag of the tag at the present line; ``None``, and all lines, when there is none."""
    seen = _tag(script.line or "")
    if seen is None:
        return None
    end_tag, start, text = f"</{seen[3]}>", script.next, seen[2]
    for index in range(start, len(script.lines)):
        line = text if index == start else script.lines[index]
        if (place := line.lower().find(end_tag.lower())) < 0:
            continue
        script.next = index + 1
        if index == start:
            return tuple(_bare([line[:place]])) if line[:place] else ()
        last = [line[:place]] if line[:place].strip() else []
        return tuple(_bare([*([text] if text.strip() else []), *script.lines[start + 1 : index], *last]))
    script.next = len(script.lines)
    return None


def _bare(lines: list[str]) -> list[str]:
    """Return lines without the marks of a CDATA section."""
    if lines and lines[0].lstrip().startswith("<![CDATA[") and lines[-1].rstrip().endswith("]]>"):
        lines[0] = lines[0].lstrip().removeprefix("<![CDATA[")
        lines[-1] = lines[-1].rstrip().removesuffix("]]>")
        lines = lines[0 if lines[0] else 1 : len(lines) if lines[-1] else -1]
    return lines


def _pair(script: Script) -> None:
    start = script.next
    old = _content(script)
    while script.line is not None and not script.line.strip():
        script.next += 1
    seen = _tag(script.line or "")
    new = _content(script) if old is not None and seen and seen[0] in _NEW else None
    broken = "" if new is not None else f"the edit does not say what to put there: {CUT}"
    at = script.at(start)
    script.add(Edit(script.path, Action.REPLACE, old or (), new or (), style=STYLE, at=at, broken=broken))


def _whole(script: Script) -> None:
    start = script.next
    lines = _content(script)
    broken = "" if lines is not None else f"the tag is never closed: {CUT}"
    script.add(
        Edit(script.path, Action.WHOLE, (), lines or (), style="whole", at=script.at(start), broken=broken)
    )


def _read_around(script: Script) -> None:
    """Go on after a tag that names a file; when its content is not made of edits, it is the whole file."""
    seen = _tag(script.line or "")
    if seen is None or seen[2].strip():
        script.next += 1
        return
    start = script.next
    if script.last_end_tag(seen[3]) < start:
        script.cut_tags.append(start)
    after = [line for line in script.lines[start + 1 : start + 6] if line.strip()][:1]
    inside = _tag(after[0]) if after else None
    if (
        (inside and inside[0] in _OLD | _PATH | _CONTENT | {"parameter", "edit", "change", "description"})
        or not after
        or script.is_signal(after[0])
    ):
        script.next += 1
    else:
        _whole(script)
