"""Merge: what a whole file, function or class of a reply makes of the file's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import PatchError
from selfimprove.executor.patching.definitions import nodes
from selfimprove.executor.patching.elision import placeholder
from selfimprove.executor.patching.filling import fill, marks
from selfimprove.executor.patching.lining import bare, cleaned, lay
from selfimprove.executor.patching.parts import merge_parts
from selfimprove.executor.patching.refusal import PLACEHOLDER, to_allow
from selfimprove.executor.patching.wholes import check_whole, is_part

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from selfimprove.executor.patching.definitions import Node
    from selfimprove.model.patch import Edit


class Merged(NamedTuple):
    """The file's text after an edit; ``how`` it was made and the first ``line`` (from 1) that it is about."""

    text: str
    how: str
    line: int = 0


def merge_whole(path: str, text: str, edit: Edit, allow: Collection[str] = ()) -> Merged:
    """Return the text of ``path`` after an edit that gives all of it, or only some definitions of it.

    Lines that say the same stay byte for byte; lines that the reply elides are filled in from the file. Raises
    PatchError when the reply seems cut off, gutted or ambiguous, or gives a placeholder in the place of code;
    ``allow`` has the words that let a gutted file and a placeholder through.
    """
    have = bare(text)
    given = cleaned(_with_label(edit, have), have)
    if not any(line.strip() for line in given):
        raise PatchError(f"the reply's {path} is empty", where=path, hint="delete the file if that is meant")
    if not any(line.strip() for line in have):
        return Merged(lay(text, given, edit.ends is not False, exact=True).text, "whole file", 1)
    if is_part(path, have, given):
        return merge_definition(path, text, edit, allow)
    rows = marks(given, have)
    lines = fill(have, given, rows, _nodes(path, have, given)) if rows else given
    laid = lay(text, lines, edit.ends, exact=edit.style == "json" and not rows)
    now = bare(laid.text)
    _no_placeholder(path, have, now, allow)
    check_whole(path, have, now, laid.codes, allow)
    return Merged(laid.text, "whole file, elided lines kept" if rows else "whole file", _first(laid.codes))


def merge_definition(path: str, text: str, edit: Edit, allow: Collection[str] = ()) -> Merged:
    """Return the text of ``path`` after an edit that gives functions or classes of it. Raises PatchError."""
    have = bare(text)
    given = cleaned(_with_label(edit, have), have)
    lines, row = merge_parts(path, have, given, edit.symbol)
    laid = lay(text, lines)
    _no_placeholder(path, have, lines, allow)
    return Merged(laid.text, "definition", row + 1)


def _with_label(edit: Edit, have: Sequence[str]) -> list[str]:
    """Return the reply's lines, with the line that named the file when it is the file's own first line."""
    label = [line for line in edit.anchors if have and line.rstrip() == have[0].rstrip()]
    return [*label, *edit.new]


def _nodes(path: str, have: Sequence[str], given: Sequence[str]) -> tuple[list[Node], list[Node]]:
    return nodes(path, "\n".join(have)) or [], nodes(path, "\n".join(given)) or []


def _no_placeholder(path: str, have: Sequence[str], now: Sequence[str], allow: Collection[str]) -> None:
    if PLACEHOLDER not in allow and (line := placeholder(have, now)):
        raise PatchError(
            f"the reply's {path} has {line[:80]!r} in the place of code",
            where=path,
            hint=f"write the code, or a SEARCH/REPLACE block for each place {to_allow(PLACEHOLDER)}",
        )


def _first(codes: Sequence[tuple[str, int, int, int, int]]) -> int:
    return next((start + 1 for tag, start, _, _, _ in codes if tag != "equal"), 0)
