"""Lines: a file's text and its lines as editors count them, and where a long run of them is best divided."""

from __future__ import annotations

import codecs
import re
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES, MOST_CHARS = 120, 6000
"""A chunk that has more is divided."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COOKIE = re.compile(rb"coding[:=]\s*([-\w.]+)")
_CLOSING = re.compile(
    r"\s*+(?:(?:[)\]}>;,]\s*+)++(?:else\b[^;]{0,9}+)?+|[@#]?\s*+(?:end|fi|done|esac|else)\w*+[\s;.()\w]{0,60}+)"
    r"(?://.*|/\*.*|--.*)?"
)


def text_of(source: bytes) -> str:
    r"""Return a file's text with ``\n`` alone at the ends of its lines; never raises.

    ``\r\n`` and ``\r`` end lines too, nothing else does: those are the lines that editors count. A byte order mark
    says UTF-8, UTF-16 or UTF-32; else it is UTF-8, or what a ``coding:`` line says, or Latin-1.
    """
    text = _decoded(source)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decoded(source: bytes) -> str:
    for mark, encoding in _MARKS:
        if source.startswith(mark):
            return source.decode(encoding, "replace")
    try:
        return source.decode()
    except UnicodeDecodeError:
        pass
    if told := _COOKIE.search(source[:300]):
        try:
            return source.decode(told[1].decode())
        except (UnicodeDecodeError, LookupError, ValueError):
            pass
    return source.decode("latin-1")


class Lines:
    """A text's lines; rows count from 0."""

    def __init__(self, text: str) -> None:
        """Take a text as text_of gives it."""
        self.text = text
        self.rows = text.split("\n")
        self.starts = [0, *accumulate(map(len, self.rows))]

    def size(self, start: int, end: int) -> int:
        """Return how many characters rows ``start`` to ``end`` have, the ends of lines not counted."""
        return self.starts[end + 1] - self.starts[start]

    def between(self, start: int, end: int) -> str:
        """Return the text of rows ``start`` to ``end``."""
        return self.text[self.starts[start] + start : self.starts[end + 1] + end]

    def trimmed(self, start: int, end: int) -> tuple[int, int]:
        """Return the rows without the blank ones at both ends; ``start > end`` when all are blank."""
        rows = self.rows
        while start <= end and not rows[start].strip():
            start += 1
        while start <= end and not rows[end].strip():
            end -= 1
        return start, end

    def closing(self, start: int, end: int) -> bool:
        """True when rows ``start`` to ``end`` only close what stands before: ``}``, ``end``, ``#endif``."""
        rows = self.rows[start : end + 1]
        return len(rows) < 9 and all(_CLOSING.fullmatch(row) or not row.strip() for row in rows)

    def opening(self, start: int, end: int) -> bool:
        """True when rows ``start`` to ``end``, few, only open what follows: ``mod tests {``, ``else:``."""
        row = self.rows[end].strip()
        return end - start < 3 and (row.endswith(("{", ":", "struct", "begin")) or row.startswith("#if"))

    def divided(
        self, start: int, end: int, most: int = MOST_LINES, chars: int = MOST_CHARS
    ) -> Iterator[tuple[int, int]]:
        """Yield runs of rows that together are ``start`` to ``end``, each within the limits where lines allow.

        Cut is where the indentation is least, best after a blank line, and near to equal parts.
        """
        while True:
            size = self.size(start, end) + end - start
            parts = max(-(-(end - start + 1) // most), -(-size // chars))
            if parts < 2 or start >= end:
                break
            cut = self._best_cut(start, end, parts, most, chars)
            yield from (run for run in [self.trimmed(start, cut - 1)] if run[0] <= run[1])
            start, _ = self.trimmed(cut, end)
        if start <= end:
            yield start, end

    def _best_cut(self, start: int, end: int, parts: int, most: int, chars: int) -> int:
        """Return the row at which the next part begins."""
        high = start + 1
        limit = self.starts[start] + chars
        while high <= end and high - start < most and self.starts[high + 1] + (high - start) <= limit:
            high += 1
        wanted = start + max((high - start) * 2 // 3, min(high - start, -(-(end - start + 1) // parts)))
        low = start + max(1, (high - start) // 2)
        rows = self.rows
        best, best_cost = min(high, end), float("inf")
        for row in range(low, min(high, end) + 1):
            line = rows[row]
            bare = line.lstrip()
            if not bare or bare[0] in ")]}":
                continue
            indent = len(line.expandtabs(4)) - len(bare)
            cost = indent + abs(row - wanted) * 8 / (high - start) - (3 if not rows[row - 1].strip() else 0)
            if cost < best_cost:
                best, best_cost = row, cost
        return max(best, start + 1)
