"""Verify: what must hold of a file after its edits: it parses, and no definition was lost or doubled unnamed."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.patching.definitions import doubled, lost, nodes, words
from selfimprove.executor.patching.diff import opcodes
from selfimprove.executor.patching.lining import bare
from selfimprove.executor.patching.refusal import PLACEHOLDER, to_allow
from selfimprove.executor.patching.syntax import fault
from selfimprove.model.patch import Action

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from selfimprove.model.patch import Edit

_REMARK = re.compile(
    r"\s*(?:#(?!include|define|if|end|else)|//|/\*|<!--|--\s|;|%|\{#|\{/\*|\.{3}|\u2026|\[\.{3})"
)
_PLAN = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")  # says what is to come, not what stays
_CODE = 4  # lines of code that are more than a remark may take the place of


def verify(
    path: str, before: str | None, after: str, edits: Sequence[Edit], allow: Collection[str] = ()
) -> None:
    """Raise PatchError, for the author of the reply, when ``after`` is not what its edits can have meant.

    ``allow`` has the word that lets a placeholder in the place of code through.
    """
    if wrong := fault(path, before, after):
        raise PatchError(wrong, where=path, hint="check indentation, brackets and quotes")
    if before is None:
        return
    if PLACEHOLDER not in allow and (line := left_out(bare(before), bare(after))):
        raise PatchError(
            f"after this edit {path} would have nothing but {line[:80]!r} where it has code now",
            where=path,
            hint=f"write the lines that stay, or leave them out of the edit {to_allow(PLACEHOLDER)}",
        )
    own, now = nodes(path, before), nodes(path, after)
    if own is None or now is None:
        return
    if all(
        edit.action in (Action.REPLACE, Action.RENAME) for edit in edits
    ):  # a merge looks at names by itself
        named = words(line for edit in edits for line in _touched(edit))
        if gone := lost(own, now, named):
            raise PatchError(
                f"after this edit {path} would not define {', '.join(gone[:5])} any more, which no edit names",
                where=path,
                hint="check indentation, and where the edit ends",
            )
    if twice := doubled(own, now, bare(after)):
        raise PatchError(
            f"after this edit {path} would define {', '.join(twice[:5])} twice",
            where=path,
            hint="replace the present definition, or leave it out",
        )


def left_out(have: Sequence[str], made: Sequence[str]) -> str:
    """Return a new remark that stands where several lines of code were, ``""`` when there is none.

    That is how models write "the rest stays", in words that no list is ever complete for. Lines that were made
    into remarks are as many as before, so they are no such place.
    """
    for gone, came in _replaced(have, made):
        if (
            came
            and all(map(_REMARK.match, came))
            and not any(map(_PLAN.search, came))
            and len(came) <= max(2, len(gone) // 4)
        ):
            code = [line for line in gone if not _REMARK.match(line)]
            if len(code) >= _CODE and not set(gone) & set(came):
                return came[0].strip()
    return ""


def _replaced(have: Sequence[str], made: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the lines that go with those that come in their place, without the blank ones."""
    for tag, a, b, c, d in opcodes(have, made):
        if tag == "replace":
            yield [line for line in have[a:b] if line.strip()], [line for line in made[c:d] if line.strip()]


def _touched(edit: Edit) -> Iterator[str]:
    """Yield the lines that an edit takes or brings; context is neither."""
    if edit.action is not Action.REPLACE or edit.span:
        yield from (*edit.old, *edit.new)
        return
    old, new = [line.rstrip() for line in edit.old], [line.rstrip() for line in edit.new]
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from (*old[a:b], *new[c:d])
