"""Wholes: a whole file of a reply against the file there is: what it changes, and what it seems to have lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.patching.definitions import CLASS, nodes, words
from selfimprove.executor.patching.refusal import GUTTED, PLACEHOLDER, to_allow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from selfimprove.executor.patching.definitions import Node
    from selfimprove.executor.patching.diff import Opcode

_REMARK = re.compile(r"\s*(?:#|//|/\*|\*|<!--|--|;|%|\"\"\"|\.\.|\(|\[)")
_LEFT_OUT = re.compile(
    r"unchanged|existing|the rest|rest of|remain|same as|omitted|as before|no changes?|not shown|left out|\.\.\.|…",
    re.I,
)
_WHOLE_FILE = "give the whole file, or SEARCH/REPLACE blocks for what changes"
_NO_CODE = ("#", "//", "/*", "*", '"', "'")
_TAIL = 3  # lines, blank ones aside, that are a lost end
_MANY = 12  # the same before a last bracket
_SMALL = 20  # lines of a file below which nothing is called gutted
_KEPT, _LEFT = (
    0.35,
    0.5,
)  # shares of a file's lines that stay, and that the new file has, of one that is gutted


def is_part(path: str, have: Sequence[str], given: Sequence[str]) -> bool:
    """True when ``given`` is not the file but only definitions of it.

    It has few of those that the file has, and does not begin as the file does.
    """
    own, inner = nodes(path, "\n".join(have)), nodes(path, "\n".join(given))
    if own and all(line[0] in " \t" for line in given if line.strip()):
        return True  # indented as in its class
    if not own or not inner:
        return False
    first, low = (min(one.lead for one in part) for part in (inner, own))
    mine, theirs = (_top(part) for part in (own, inner))
    begins = first <= _row(given) or _imports_only(given, inner[0].lead)
    if not begins or not theirs & words(one.symbol for one in own):
        return False
    if head := _outer(have[:low]):
        return _begins_otherwise(head, _outer(given[:first]), is_all=mine <= theirs)
    return len(mine - theirs) * 2 >= len(mine)


def _begins_otherwise(head: set[str], above: set[str], *, is_all: bool) -> bool:
    """True when a reply has few of the lines with which the file begins; any will do if it has all definitions."""
    same = len(head & above)
    return same * 2 < len(head) and not (same and is_all)


def _top(part: Sequence[Node]) -> set[str]:
    """Return the names of the definitions that are in no other."""
    return {one.symbol for one in part if not one.owner}


def _code(lines: Sequence[str]) -> set[str]:
    """Return the lines that are neither blank nor remarks nor the beginning of a string."""
    return {text for line in lines if (text := line.strip()) and not text.startswith(_NO_CODE)}


def _outer(lines: Sequence[str]) -> set[str]:
    """Return the lines of code at the margin; those of a statement in brackets say nothing of their own."""
    return _code([line for line in lines if line[:1].strip(" \t)]}")]) or _code(lines)


def _imports_only(given: Sequence[str], row: int) -> bool:
    return all(not line.strip() or line.startswith(("import ", "from ", "#")) for line in given[:row])


def _row(lines: Sequence[str]) -> int:
    return next((row for row, line in enumerate(lines) if line.strip()), 0)


def check_whole(
    path: str,
    have: Sequence[str],
    made: Sequence[str],
    codes: Sequence[Opcode],
    allow: Collection[str] = (),
) -> None:
    """Raise PatchError, for the author, when the reply's file seems cut off, gutted, or to lack what is still used.

    ``codes`` are the differences between the file's lines ``have`` and the reply's ``made``; ``allow`` has the
    words that let a gutted file and a placeholder through.
    """
    if PLACEHOLDER not in allow:
        _not_for_a_remark(path, have, made, codes)
    _not_cut_off(path, have, made, codes)
    if GUTTED not in allow:
        _not_gutted(path, have, made, codes)
    if missing := still_used(path, have, made):
        raise PatchError(
            f"the reply's {path} has no {', '.join(missing[:5])} any more, which it still uses",
            where=path,
            hint=_WHOLE_FILE,
        )


def _not_for_a_remark(path: str, have: Sequence[str], made: Sequence[str], codes: Sequence[Opcode]) -> None:
    """Raise PatchError when many lines go and a remark comes that they are left out."""
    for tag, a, b, c, d in codes:
        lost, fresh = _full(have[a:b]), _full(made[c:d])
        said = next((line for line in fresh if _REMARK.match(line) and _LEFT_OUT.search(line)), "")
        if tag == "replace" and said and len(lost) >= _TAIL and len(fresh) * 2 < len(lost):
            raise PatchError(
                f"the reply's {path} has {said.strip()[:80]!r} in the place of {len(lost)} lines",
                where=f"{path}:{a + 1}",
                hint=f"{_WHOLE_FILE} {to_allow(PLACEHOLDER)}",
            )


def _full(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def _not_cut_off(path: str, have: Sequence[str], made: Sequence[str], codes: Sequence[Opcode]) -> None:
    """Raise PatchError when the last lines of the file are missing, or its last definitions with no new one instead."""
    least, (tag, start, end, low, high) = _last(have, codes)
    if tag not in ("delete", "replace"):
        return
    fresh = {line.strip() for tag, _, _, c, d in codes if tag in ("insert", "replace") for line in made[c:d]}
    lost = [line for line in _full(have[start:end]) if line.strip() not in fresh]
    present = {line.strip() for line in have}
    instead = [line for line in _full(made[low:high]) if line.strip() not in present]  # a moved line is none
    # A reply that breaks off while it copies ends in a line of the file; one with an end of its own was meant.
    few = len(instead) * 2 < len(lost) and not _own_end(made, present)
    if len(lost) >= least and (few or _last_vanished(path, have, made, start)):
        raise PatchError(
            f"the reply's {path} ends before line {start + 1} of {len(have)}: it was cut off, or leaves out what stays",
            where=f"{path}:{start + 1}",
            hint=_WHOLE_FILE,
        )


def _own_end(made: Sequence[str], present: Collection[str]) -> bool:
    """True when the last line of a reply is none of the file's."""
    last = next((line.strip() for line in reversed(made) if line.strip()), "")
    return bool(last) and last not in present


def _last(have: Sequence[str], codes: Sequence[Opcode]) -> tuple[int, Opcode]:
    """Return the last difference, and from how many lost lines on it is a cut; brackets may be below it."""
    last = codes[-1] if codes else ("equal", 0, 0, 0, 0)
    if last[0] == "equal" and len(codes) > 1 and not any(map(str.isalnum, "".join(have[last[1] : last[2]]))):
        return _MANY, codes[-2]
    return _TAIL, last


def _last_vanished(path: str, have: Sequence[str], made: Sequence[str], row: int) -> bool:
    """True when definitions that begin behind ``row``, the last one too, are gone and none has come."""
    own, now = nodes(path, "\n".join(have)), nodes(path, "\n".join(made))
    tail = [one.symbol for one in own or () if one.start > row]
    if not tail or now is None:
        return False
    symbols, known = {one.symbol for one in now}, {one.symbol for one in own or ()}
    return not symbols & set(tail) and symbols <= known


def _not_gutted(path: str, have: Sequence[str], made: Sequence[str], codes: Sequence[Opcode]) -> None:
    full, left = (sum(bool(line.strip()) for line in lines) for lines in (have, made))
    kept = sum(bool(line.strip()) for tag, a, b, _, _ in codes if tag == "equal" for line in have[a:b])
    if full >= _SMALL and kept < full * _KEPT and left < full * _LEFT:
        raise PatchError(
            f"the reply's {path} keeps {kept} of {full} lines: most of the file would be gone",
            where=path,
            hint=f"{_WHOLE_FILE} {to_allow(GUTTED)}",
        )


def still_used(path: str, have: Sequence[str], made: Sequence[str]) -> list[str]:
    """Return the functions and classes that went, though lines that stay use them and no new line brings the name."""
    own, now = nodes(path, "\n".join(have)), nodes(path, "\n".join(made))
    if not own or now is None:
        return []
    names = {one.symbol for one in now}
    gone = {one.symbol: one for one in own if one.symbol not in names}
    if not gone:
        return []
    old = {line.strip() for line in have}
    brought = words(line for line in made if line.strip() not in old)
    return [name for name, one in gone.items() if name not in brought and _is_used(one, made)]


def _is_used(one: Node, made: Sequence[str]) -> bool:
    """True when code uses a definition: by its name, or as a method of its own class."""
    if not one.owner or one.kind == CLASS:
        return one.symbol in _code_words(made)
    return any(f"{part}{one.symbol}(" in line for line in made for part in ("self.", "cls."))


def _code_words(lines: Sequence[str]) -> frozenset[str]:
    """Return the words of lines, but for those in comments of one line."""
    return words(line for line in lines if not line.lstrip().startswith(("#", "//", "*", "/*")))
