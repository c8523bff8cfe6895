"""Editors: an .editorconfig that says how the files are written already, and nothing that they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.codebase.project.pyparts import line_length
from selfimprove.errors import PatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selfimprove.codebase.project.facts import Facts
    from selfimprove.codebase.project.style import Style

_FEW = 2  # files of an extension from which on they say something, unless there is no other
_UTF8 = ("charset", "utf-8")


def editorconfig(facts: Facts) -> str:
    """Return the text. Raises PatchError when the files agree on nothing."""
    known = {end: style for end, style in facts.styles.items() if style.files}
    every = list(known.values())
    lines = ["root = true"]
    if shared := _shared(every):
        lines += ["", "[*]", *(f"{key} = {value}" for key, value in shared.items())]
    for ends, keys in _grouped(facts, known, shared).items():
        lines += ["", f"[{_glob(ends)}]", *(f"{key} = {value}" for key, value in keys)]
    if len(lines) == 1:
        raise PatchError("its files agree on nothing that an editor could be told")
    return "\n".join(lines) + "\n"


def _shared(every: Iterable[Style]) -> dict[str, str]:
    """Return what holds for all files."""
    styles = list(every)
    if not styles:
        return {}
    keys = {}
    if all(one.utf8 for one in styles):
        keys[_UTF8[0]] = _UTF8[1]
    ends = {one.ends for one in styles}
    if len(ends) == 1 and "" not in ends:
        keys["end_of_line"] = ends.pop()
    if all(one.final for one in styles):
        keys["insert_final_newline"] = "true"
    if all(one.trimmed for one in styles):
        keys["trim_trailing_whitespace"] = "true"
    return keys


def _grouped(
    facts: Facts, known: Mapping[str, Style], shared: Mapping[str, str]
) -> dict[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the sections: extensions that are written alike share one, in the order of their number of files."""
    by_keys: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for end, style in known.items():
        if style.files >= _FEW or len(known) == 1 or style.indent == "tab":
            keys = tuple(_own(facts, end, style, shared).items())
            if keys:
                by_keys.setdefault(keys, []).append(end)
    return {tuple(ends): keys for keys, ends in by_keys.items()}


def _own(facts: Facts, end: str, style: Style, shared: Mapping[str, str]) -> dict[str, str]:
    keys = {}
    if style.indent:
        keys["indent_style"] = style.indent
    if style.size:
        keys["indent_size"] = str(style.size)
    if style.ends and "end_of_line" not in shared:
        keys["end_of_line"] = style.ends
    if style.final and "insert_final_newline" not in shared:
        keys["insert_final_newline"] = "true"
    if style.trimmed and "trim_trailing_whitespace" not in shared:
        keys["trim_trailing_whitespace"] = "true"
    if end == "py" and (length := line_length(facts)):
        keys["max_line_length"] = str(length)
    return keys


def _glob(ends: tuple[str, ...]) -> str:
    names = [end if end == "Makefile" else f"*.{end}" for end in ends]
    if len(names) == 1:
        return names[0]
    plain = [end for end in ends if end != "Makefile"]
    return f"*.{{{','.join(plain)}}}" if len(plain) == len(ends) else f"{{{','.join(names)}}}"
