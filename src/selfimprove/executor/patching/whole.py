"""Reads fenced blocks: whole files under their names, definitions, and fences around edits."""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left
from itertools import islice
from textwrap import dedent
from typing import TYPE_CHECKING

from selfimprove.executor.patching import jsons
from selfimprove.executor.patching.fences import DIFFS, WRAPPERS, Fence
from selfimprove.executor.patching.hunks import symbol
from selfimprove.executor.patching.naming import named, path_in
from selfimprove.executor.patching.script import CUT, FORM, GUESS, NAMED_FENCE, info_path, top_label
from selfimprove.model.patch import Action, Edit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.script import Script

STYLE, PART = "whole", "function"
_SHELLS = frozenset(
    [
        "bash",
        "sh",
        "shell",
        "console",
        "zsh",
        "fish",
        "powershell",
        "ps1",
        "cmd",
        "bat",
        "shell-session",
        "terminal",
        "output",
        "log",
    ]
)
_SCRIPTS = (".sh", ".bash", ".zsh", ".fish", ".ps1", ".cmd", ".bat")
_MARKDOWN = (".md", ".markdown", ".mdx", ".rst", ".txt", ".qmd")
_FIRST_LINES = re.compile(
    r"diff --git |--- \S|\+\+\+ \S|@@|\*{3} (?:Begin|Update|Add|Delete) |</?(?:edits?|search|file|change)\b"
)
_COMMENT = re.compile(r"\s*(?:#(?!\[)|//|/\*|\*|--|<!--)")
_DECORATION = re.compile(r"\s*(?:@[\w.]|#\[)")
_ASSIGNED = re.compile(
    r"(?:export\s+)?(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::[^=]+)?=\s*(?:async\b|function\b|\()"
)
_AST_MOST = 200_000  # characters that are parsed to see whether they are definitions


def starts(script: Script) -> bool:
    """True at the first line of a fenced block."""
    return script.next in script.fences


def read(script: Script) -> None:
    """Step into a fence that stands around edits; read another as a file, as definitions, or pass it over."""
    fence = script.fences[script.next]
    if _is_stray(script, fence):
        script.next += 1
        return
    if _surrounds(script, fence):
        script.enter(fence)
        return
    fence, lines = _content(script, fence)
    end = fence.end if fence.end >= 0 else len(script.lines)
    script.next = end + 1
    path, weight = _whose(script, fence, lines)
    may_be_edits = weight < NAMED_FENCE or not path.lower().endswith(".json")
    if may_be_edits and jsons.read_fence(script, fence.start + 1, end, fence.end >= 0):
        return
    if fence.language in _SHELLS and not path.endswith(_SCRIPTS):
        _must_end(script, fence)
    elif path:
        _file(script, fence, lines, path, weight)
    else:
        _part(script, fence, lines)


def _content(script: Script, fence: Fence) -> tuple[Fence, list[str]]:
    """Return the fence with its end, also when that is glued to the last line, and the lines inside."""
    doubtful = fence.end < 0 or _named_above(script, fence.end, fence.start)
    glued = _glued(script, fence) if doubtful else None
    if glued and fence.end >= 0:
        script.pair_from(glued.end + 1)
    fence = glued or fence
    end = fence.end if fence.end >= 0 else len(script.lines)
    last = [script.lines[end].rstrip().removesuffix(fence.mark)] if glued else []
    return fence, _without_indent([*script.lines[fence.start + 1 : end], *last], fence.indent)


def _whose(script: Script, fence: Fence, lines: Sequence[str]) -> tuple[str, int]:
    """Return the file that a fenced block is for, ``""`` when nothing says it, and how sure that is."""
    if path := info_path(fence.info, script.known):
        return path, NAMED_FENCE
    if script.fresh:
        return script.path, script.weight
    label = top_label(lines, script.known)
    return label, NAMED_FENCE if label else 0


def _without_indent(lines: Sequence[str], indent: str) -> list[str]:
    if indent and all(line.startswith(indent) or not line.strip() for line in lines):
        return [line[len(indent) :] for line in lines]
    return list(lines)


def _is_stray(script: Script, fence: Fence) -> bool:
    """True for a fence without a partner that can only be the end of a block whose beginning was forgotten."""
    if fence.end >= 0 or fence.info:
        return False
    rest = script.lines[fence.start + 1 : fence.start + 4]
    return not any(line.strip() for line in rest) or (
        bool(script.offers) and script.ended == _before(script.lines, fence.start)
    )


def _before(lines: Sequence[str], index: int) -> int:
    """Return the index after the last line with text before ``index``."""
    while index > 0 and not lines[index - 1].strip():
        index -= 1
    return index


def _surrounds(script: Script, fence: Fence) -> bool:
    """True when what is in the fence are edits in a form of their own, or named fences."""
    end = fence.end if fence.end >= 0 else len(script.lines)
    place = bisect_left(script.signals, fence.start)
    if place < len(script.signals) and script.signals[place] < end:
        return True
    if fence.language in DIFFS:
        return True
    if any(_FIRST_LINES.match(line.lstrip()) for line in _first(script, fence.start + 1, end)):
        return not (script.fresh and script.path.lower().endswith((".diff", ".patch")))
    if fence.language not in WRAPPERS or script.fresh or fence.end < 0 or info_path(fence.info, script.known):
        return False
    inner = filter(None, map(script.fences.get, range(fence.start + 1, min(end, fence.start + 400))))
    return any(_holds_edits(script, one, fence.start) for one in islice(inner, 20))


def _first(script: Script, start: int, end: int) -> list[str]:
    """Return the first two lines with text."""
    return [line for line in script.lines[start : min(end, start + 5)] if line.strip()][:2]


def _holds_edits(script: Script, fence: Fence, top: int) -> bool:
    """True when an inner fence is a diff, or a line that names a file says what is in it."""
    if fence.language in DIFFS or info_path(fence.info, script.known):
        return True
    first = next((line for line in script.lines[fence.start + 1 : fence.start + 4] if line.strip()), "")
    return bool(_FIRST_LINES.match(first)) or _named_above(script, fence.start, top)


def _glued(script: Script, fence: Fence) -> Fence | None:
    """Return ``fence`` with its end where a line of its content has the closing marks right behind it.

    Only where nothing else closes it, or a fence under a file's name does, which opens the next block; and where
    an empty line, a file's name or the end of the reply follows.
    """
    lines = script.lines
    for index in range(fence.start + 1, fence.end if fence.end >= 0 else len(lines)):
        line = lines[index].rstrip()
        text = line.removesuffix(fence.mark)
        if text != line and text.strip() and not text.endswith(fence.mark[0]):
            after = lines[index + 1] if index + 1 < len(lines) else ""
            if not after.strip() or named(after, script.known):
                return fence._replace(end=index)
        inner = script.fences.get(index)
        if inner and inner.info and len(inner.mark) >= len(fence.mark):
            break
    return None


def _named_above(script: Script, index: int, top: int) -> bool:
    above = [line for line in script.lines[max(top + 1, index - 3) : index] if line.strip()]
    return bool(above) and named(above[-1], script.known) is not None


def _must_end(script: Script, fence: Fence) -> None:
    """A fence without an end means that the reply was cut off, whatever is in it."""
    if fence.end < 0:
        script.spoil(f"a fenced block further down is never closed: {CUT}", fence.start)


def _file(script: Script, fence: Fence, lines: list[str], path: str, weight: int) -> None:
    """Add a whole file; the block may hold a part of it, which shows only beside the file."""
    first: tuple[str, ...] = ()
    if len(lines) > 1 and (said := top_label(lines, script.known)) and _same(said, path):
        first, lines = (lines[0],), lines[1:]
    elif len(lines) > 1 and path_in(lines[0], script.known) == path:
        lines = lines[1:]
    broken = ""
    if fence.end < 0:
        broken = f"the fence is never closed: {CUT}"
    elif path.lower().endswith(_MARKDOWN) and _fence_follows(script, fence):
        broken = (
            "its end is not certain, for bare fences follow; put a longer fence around a file that has fences"
        )
    at = script.at(fence.start)
    edit = Edit(path, Action.WHOLE, (), tuple(lines), anchors=first, style=STYLE, at=at, broken=broken)
    script.path = path
    script.add(edit, FORM if weight >= FORM else weight)


def _same(one: str, other: str) -> bool:
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


def _fence_follows(script: Script, fence: Fence) -> bool:
    """True when the next fence after this one has no info string and no name above it: it may be part of the file."""
    for index in range(fence.end + 1, min(len(script.lines), fence.end + 400)):
        if (after := script.fences.get(index)) is not None:
            return not after.info and after.mark == fence.mark and not _named_above(script, index, fence.end)
    return False


def _part(script: Script, fence: Fence, lines: list[str]) -> None:
    """Add a block without a name: definitions, or a file that nobody names; only when nothing surer is there."""
    broken = f"the fence is never closed: {CUT}" if fence.end < 0 else ""
    _must_end(script, fence)
    if not any(line.strip() for line in lines):
        return
    at = script.at(fence.start)
    if name := only_definitions("\n".join(lines)):
        edit = Edit(
            script.path, Action.DEFINITION, (), tuple(lines), symbol=name, style=PART, at=at, broken=broken
        )
        script.add(edit, GUESS)
    elif fence.language != "json":
        script.add(Edit("", Action.WHOLE, (), tuple(lines), style=STYLE, at=at, broken=broken), 0)


def only_definitions(text: str) -> str:
    """Return the name of the first function or class of ``text``, ``""`` when it holds anything but such.

    Python is parsed. Of another language, or of a text that does not parse, the first line that is neither a comment
    nor a decorator has to begin a definition.
    """
    text = dedent(text)
    if len(text) <= _AST_MOST:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                nodes = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            nodes = []
        if nodes:
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            first = nodes[0]
            return (
                first.name
                if isinstance(first, kinds) and all(isinstance(node, kinds) for node in nodes)
                else ""
            )
    for line in text.split("\n"):
        if line.strip() and not _COMMENT.match(line) and not _DECORATION.match(line):
            found = _ASSIGNED.match(line[:400])
            return symbol(line[:400]) or (found[1] if found else "")
    return ""
