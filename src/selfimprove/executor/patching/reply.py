"""Reads a reply into a Patch, in whatever style it was written: what arrived decides, not what was asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.patching import begin_patch, blocks, jsons, unified, whole, xmlish
from selfimprove.executor.patching.cleaning import cleaned, plain
from selfimprove.executor.patching.fences import fence, without_wrapper
from selfimprove.executor.patching.naming import named
from selfimprove.executor.patching.script import CUT, FORM, GUESS, NAMED_FENCE, Offer, Script
from selfimprove.model.patch import Action, Edit, Patch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_REPLY = 2_000_000
MAX_FILES = 50
FORMAT_HINT = "answer with SEARCH/REPLACE blocks, each under the line that names its file"
_SUBJECT = re.compile(r"[*_#\s]*(?:COMMIT|SUBJECT)\s*:[*_]*\s*(?P<subject>\S.*?)[*_`\s]*$")
_THINKING = re.compile(
    r"\s*<(?P<end>/?)(?P<tag>think|thinking|thoughts?|reasoning|scratchpad|analysis|antthinking)>",
    re.IGNORECASE,
)
_BEGUN = re.compile(
    r"<(?!/)[^>]*$|`{1,2}$|\*{3} [A-Z]|diff |--- \S|\+\+\+ \S|@|FILE:|F(?:I(?:LE?)?)?$|#{1,6}$|\*\*[^*]+$"
)
_READERS: tuple[tuple[Callable[[Script], bool], Callable[[Script], None]], ...] = (
    (blocks.starts, blocks.read),
    (begin_patch.starts, begin_patch.read),
    (whole.starts, whole.read),
    (unified.starts, unified.read),
    (xmlish.starts, xmlish.read),
    (jsons.starts, jsons.read),
)


def parse_reply(text: str, known: frozenset[str] = frozenset()) -> Patch:
    """Return the edits that a reply asks for; nothing in them has been compared with a file.

    Read are search/replace blocks (also between tags), unified diffs, ``*** Begin Patch``, whole files and
    definitions in fences, and JSON, with prose around them and in any mixture. ``known`` are the files that exist:
    names with blanks or without a dot are recognised by them. An edit that was cut off or contradicts itself is
    ``broken``. Raises PatchError, worded for the author of the reply, when it holds no edit or too much.
    """
    if len(text) > MAX_REPLY:
        raise PatchError(
            f"the reply has {len(text):,} characters; at most {MAX_REPLY:,} are read", hint=FORMAT_HINT
        )
    script = Script(without_wrapper(cleaned(text)), known)
    script.reader = _read
    _read(script)
    edits = _meant(script.offers, known)
    if not edits:
        raise PatchError("the reply holds no edit", hint=FORMAT_HINT)
    patch = Patch(tuple(edits), script.subject)
    if len(patch.paths) > MAX_FILES:
        raise PatchError(
            f"the reply changes {len(patch.paths)} files; at most {MAX_FILES} are allowed in one",
            hint="do the part that matters most",
        )
    return patch


def _read(script: Script) -> None:
    """Read all lines: each is the beginning of an edit, the end of a fence, or prose that may name a file."""
    while script.line is not None:
        if script.leave():
            continue
        before = script.next
        for starts, read in _READERS:
            if starts(script):
                count = len(script.offers)
                read(script)
                script.next = max(script.next, before + 1)
                script.ended = script.next if len(script.offers) > count else script.ended
                break
        else:
            _read_prose(script)
    _check_tail(script)
    for index in script.cut_tags[:1]:
        script.spoil(f"a tag is never closed: {CUT}", index)
    for around in script.open:
        if around.end < 0 and any(line.strip() for line in script.lines[around.start + 1 :]):
            script.spoil(f"the fence that stands around it is never closed: {CUT}", around.start)


def _check_tail(script: Script) -> None:
    """Mark the last edit as cut off when what follows it ends in the beginning of another one."""
    index = len(script.lines) - 1
    while index >= 0 and not script.lines[index].strip():
        index -= 1
    last = script.lines[index].strip() if index >= 0 else ""
    if not script.offers or index < script.ended or last.startswith("</"):
        return
    begun = _BEGUN.match(last) or _names_next(script, index)
    if begun or (" " not in last and _begins_path(last.lstrip("#*`"), script.known)):
        script.spoil(f"the reply ends in the beginning of another edit: {CUT}", index)


def _begins_path(word: str, known: frozenset[str]) -> bool:
    """True for a word that is no end of a sentence and begins a known path or its last part, or has a slash."""
    if not word:
        return False
    if any(path.startswith(word) or f"/{word}" in path for path in known):
        return True
    return "/" in word and word[-1] not in ".!?:)"


def _names_next(script: Script, index: int) -> bool:
    """True when the last line, or the one before a last fence, names a file to which no edit belongs."""
    if fence(script.lines[index]):
        index = next((before for before in range(index - 1, -1, -1) if script.lines[before].strip()), -1)
    return script.fresh and script.weight > GUESS and script.named_at == index


def _read_prose(script: Script) -> None:
    line = script.line or ""
    script.next += 1
    if found := _THINKING.match(line[:80]):
        _skip_thoughts(script, found["tag"], bool(found["end"]))
    elif not script.subject and (found := _SUBJECT.match(plain(line[:2000]))):
        script.subject = found["subject"][:200]
    elif name := named(line, script.known):
        script.name(name)
        script.named_at = script.next - 1


def _skip_thoughts(script: Script, tag: str, ends: bool) -> None:
    """Pass over what a model thought before it answered; without the first tag, that is all that was read so far."""
    if ends:
        script.offers.clear()
        return
    end_tag = f"</{tag.lower()}>"
    index = script.next - 1
    while index < len(script.lines) and end_tag not in script.lines[index].lower():
        index += 1
    script.next = index + 1
    script.open.clear()


def _meant(offers: Sequence[Offer], known: frozenset[str]) -> list[Edit]:
    """Return the edits that are meant: not the examples beside surer ones, and none twice."""
    surest = max((offer.weight for offer in offers), default=0)
    formed = {offer.edit.path for offer in offers if offer.weight == FORM}
    kept: dict[Edit, Edit] = {}
    for edit, weight in offers:
        if _is_example(edit) and len(offers) > 1:
            continue
        shown = surest > 0 == weight or (surest == FORM and _is_quoted(edit, weight, formed, known))
        kept.setdefault(replace(edit, at=0, style=""), replace(edit, shown=True) if shown else edit)
    found = list(kept.values())
    if surest == 0 and len(found) > 1:
        return []
    return _last_definitions(found)


def _is_quoted(edit: Edit, weight: int, formed: set[str], known: frozenset[str]) -> bool:
    """True for a fenced block that may only show code, in a reply that has edits in a form of their own.

    Not so a block for a file that is in no other edit, when the file is new or the block's name stands alone.
    """
    if weight == NAMED_FENCE:
        return edit.path in formed
    return weight <= GUESS and (not edit.path or not weight or edit.path in known | formed)


def _last_definitions(edits: Sequence[Edit]) -> list[Edit]:
    """Return ``edits`` with only the last of several definitions of a thing: before, it was shown as it was."""
    last = {(edit.path, edit.symbol): edit for edit in edits if edit.action is Action.DEFINITION}
    return [edit for edit in edits if last.get((edit.path, edit.symbol), edit) is edit]


def _is_example(edit: Edit) -> bool:
    """True for an edit that only shows the form: the path is a placeholder, or nothing but dots is replaced."""
    dots = {"...", "…"}
    return edit.path.startswith(("path/to/", "/path/to/")) or (
        bool(edit.old) and {line.strip() for line in (*edit.old, *edit.new)} <= dots
    )
