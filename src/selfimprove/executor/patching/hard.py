"""Hard blanks: the no-break spaces that a chat window put into a reply become plain ones, or the edit is doubtful."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.model.patch import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.model.patch import Edit, Patch

_HARD = "\u00a0\u202f"
_PLAIN = str.maketrans(dict.fromkeys(_HARD, " "))
_INDENT = re.compile(rf"\s*[{_HARD}]")
_INSIDE = re.compile(r"\w\u00a0\w")
_DOUBT = (
    "whether the no-break spaces of its new lines are meant is not certain, for its file has none: "
    "write plain spaces, or an escape for them"
)


def softened(patch: Patch, files: Mapping[str, bytes]) -> Patch:
    """Return ``patch`` with plain blanks for no-break ones in the edits of files that have none.

    That is done in all of them when the old lines of one have some, which its file contradicts, or when lines are
    indented by them. Where nothing shows whether they are meant, an edit that would bring some is ``broken``.
    """
    if not any(_has(edit.old) or _has(edit.new) for edit in patch.edits):
        return patch
    foreign = [edit.action is Action.REPLACE and not _known(edit, files) for edit in patch.edits]
    rows = [edit for edit, is_foreign in zip(patch.edits, foreign, strict=True) if is_foreign]
    spoilt = any(_has(edit.old) or any(map(_INDENT.match, edit.new)) for edit in rows)
    mend = _plain if spoilt else _doubted
    return replace(
        patch,
        edits=tuple(
            mend(edit) if is_foreign else edit for edit, is_foreign in zip(patch.edits, foreign, strict=True)
        ),
    )


def _has(lines: tuple[str, ...]) -> bool:
    return any(char in line for line in lines if not line.isascii() for char in _HARD)


def _known(edit: Edit, files: Mapping[str, bytes]) -> bool:
    """True when a file that the edit can be for has such blanks itself, or when there is none."""
    near = [files[edit.path]] if edit.path in files else list(files.values())
    return not near or any(_holds(data) for data in near)


def _holds(data: bytes) -> bool:
    """True when a file has such blanks, or may have them in an encoding of its own."""
    try:
        return not data.isascii() and _has((data.decode(),))
    except UnicodeDecodeError:
        return True


def _plain(edit: Edit) -> Edit:
    old, new, anchors = (
        tuple(line.translate(_PLAIN) for line in lines) for lines in (edit.old, edit.new, edit.anchors)
    )
    return replace(edit, old=old, new=new, anchors=anchors, symbol=edit.symbol.translate(_PLAIN))


def _doubted(edit: Edit) -> Edit:
    if edit.broken or not edit.old or not any(map(_INSIDE.search, edit.new)):
        return edit
    return replace(edit, broken=_DOUBT)
