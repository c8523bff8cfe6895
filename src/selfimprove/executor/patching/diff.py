"""Diff: what differs between two versions of files, as text that `git apply` takes."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.patching.coding import split

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

Opcode = tuple[str, int, int, int, int]
"""As difflib has them: what happens, the lines of the first text, the lines of the second."""

CONTEXT = 3
_MOST = 1_000_000
"""Pairs of lines up to which two stretches without a line of their own in common are compared."""
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f"}
_ESCAPES |= {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def generate_diff(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    """Return what makes ``new`` of ``old``, file by file in the order of their names, ``""`` for no difference.

    A file that only one of them has is a new or a deleted file; so a renamed one is both. Bytes that are not
    UTF-8 stand as surrogates: encode the text with ``errors="surrogateescape"``.
    """
    return "".join(generate_file_diff(path, old.get(path), new.get(path)) for path in sorted({*old, *new}))


def generate_file_diff(path: str, old: bytes | None, new: bytes | None) -> str:
    """Return what makes ``new`` of ``old``; ``None`` stands for no file. A binary file is one line that says so."""
    if old == new:
        return ""
    one, two = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    head = f"diff --git {one} {two}\n"
    if old is None:
        head, one = head + "new file mode 100644\n", "/dev/null"
    if new is None:
        head, two = head + "deleted file mode 100644\n", "/dev/null"
    if b"\0" in (old or b"") or b"\0" in (new or b""):
        return f"{head}Binary files {one} and {two} differ\n"
    if not old and not new:  # an empty file comes or goes: there is no hunk
        return head
    before, after = (split((data or b"").decode("utf-8", "surrogateescape")) for data in (old, new))
    tabs = ["\t" if " " in name and not name.startswith('"') else "" for name in (one, two)]
    return f"{head}--- {one}{tabs[0]}\n+++ {two}{tabs[1]}\n" + "".join(_hunks(before, after))


def opcodes(one: Sequence[Hashable], two: Sequence[Hashable]) -> list[Opcode]:
    """Return how ``two`` differs from ``one``, as difflib's get_opcodes does, in bounded time.

    Lines that stand once in both are met first, the longest ascending row of them (patience diff, as in
    Bazaar); what is between them is compared by difflib when it is small enough, else it is one replacement.
    """
    blocks: list[tuple[int, int]] = []
    start = 0
    most = min(len(one), len(two))
    while start < most and one[start] == two[start]:
        start += 1
    end = 0
    while end < most - start and one[-1 - end] == two[-1 - end]:
        end += 1
    ends = len(one) - end, len(two) - end
    low = start, start
    for high in (*_met(one, two, start, ends), ends):
        blocks += _between(one, two, low, high)
        if high != ends:
            blocks.append(high)
            low = high[0] + 1, high[1] + 1
    same = [
        *((row, row) for row in range(start)),
        *blocks,
        *((ends[0] + row, ends[1] + row) for row in range(end)),
    ]
    return list(_coded(same, len(one), len(two)))


def _met(
    one: Sequence[Hashable], two: Sequence[Hashable], start: int, ends: tuple[int, int]
) -> list[tuple[int, int]]:
    """Return the pairs of lines that stand once in both, as many as ascend in both."""
    left, right = Counter(one[start : ends[0]]), Counter(two[start : ends[1]])
    places = {line: row for row, line in enumerate(one[start : ends[0]], start) if left[line] == 1}
    pairs = [
        (places[line], row)
        for row, line in enumerate(two[start : ends[1]], start)
        if right[line] == 1 and line in places
    ]
    return [pairs[at] for at in _ascending([row for row, _ in pairs])]


def _ascending(rows: Sequence[int]) -> list[int]:
    """Return the indexes of a longest ascending row of numbers (patience sorting)."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for at, row in enumerate(rows):
        pile = bisect_left(tops, row)
        before.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [row]
        piles[pile : pile + 1] = [at]
    found: list[int] = []
    at = piles[-1] if piles else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]


def _between(
    one: Sequence[Hashable], two: Sequence[Hashable], low: tuple[int, int], high: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of equal lines in a stretch without a line that is met."""
    left, right = one[low[0] : high[0]], two[low[1] : high[1]]
    if not left or not right or len(left) * len(right) > _MOST:
        return
    for block in difflib.SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            yield low[0] + block.a + step, low[1] + block.b + step


def _coded(same: Sequence[tuple[int, int]], most: int, most_too: int) -> Iterator[Opcode]:
    """Yield the opcodes for the pairs of equal lines."""
    i = j = at = 0
    while at <= len(same):
        a, b = same[at] if at < len(same) else (most, most_too)
        if i < a or j < b:
            yield ("replace" if i < a and j < b else "delete" if i < a else "insert"), i, a, j, b
        first = at
        while at < len(same) and same[at] == (a + at - first, b + at - first):
            at += 1
        if at > first:
            yield "equal", a, a + at - first, b, b + at - first
        else:
            at += 1
        i, j = a + at - first, b + at - first


def _hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    for group in _grouped(opcodes(before, after)):
        low, high = group[0], group[-1]
        yield f"@@ -{_range(low[1], high[2])} +{_range(low[3], high[4])} @@\n"
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from (_row(" ", line) for line in before[a:b])
                continue
            yield from (_row("-", line) for line in before[a:b])
            yield from (_row("+", line) for line in after[c:d])


def _grouped(codes: Sequence[Opcode]) -> Iterator[list[Opcode]]:
    """Yield the opcodes in groups that have CONTEXT lines around them."""
    group: list[Opcode] = []
    for number, (tag, a, b, c, d) in enumerate(codes):
        if tag != "equal":
            group.append((tag, a, b, c, d))
            continue
        first, last = number == 0, number == len(codes) - 1
        if group and (last or b - a > 2 * CONTEXT):
            group.append((tag, a, min(b, a + CONTEXT), c, min(d, c + CONTEXT)))
            yield group
            group = []
        elif group:
            group.append((tag, a, b, c, d))
        if not group and not last and (first or b - a > 2 * CONTEXT):
            group = [(tag, max(a, b - CONTEXT), b, max(c, d - CONTEXT), d)]
    if group:
        yield group


def _range(start: int, end: int) -> str:
    count = end - start
    first = start + 1 if count else start
    return str(first) if count == 1 else f"{first},{count}"


def _row(mark: str, line: str) -> str:
    return mark + line if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"


def _quoted(name: str) -> str:
    """Return a name as git writes it: quoted when a character in it would mislead."""
    if all(char.isprintable() and char not in _ESCAPES for char in name):
        return name
    parts = []
    for char in name:
        if char in _ESCAPES:
            parts.append(_ESCAPES[char])
        elif char.isprintable():
            parts.append(char)
        else:
            parts.append("".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape")))
    return f'"{"".join(parts)}"'
