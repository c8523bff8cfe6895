"""Body: a hash over a function without its name and place, so that a renamed function is known again."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

_NAME = re.compile(r"def(?:\s|\\)+\w+")
_WORD = re.compile(r"\w+")
_LEXEME = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""' "|" r"'''(?:[^'\\]|\\.|'(?!''))*+'''"
    "|" r'"(?:[^"\\\n]|\\.)*+"' "|" r"'(?:[^'\\\n]|\\.)*+'" "|" r"\s*#[^\n]*",
    re.DOTALL,
)


class Bodies:
    """Hashes functions of one text."""

    def __init__(self, text: str) -> None:
        """Keep the lines of ``text``, which end with ``\\n``."""
        self._lines = [line.rstrip() for line in text.split("\n")]

    def __call__(self, node: Any) -> str:
        """Return 16 hex digits over the text from ``def`` to the end, the depth of its first line taken away.

        Comments, empty lines and its own name, wherever it calls itself, do not count; its decorators neither.
        """
        column = node.col_offset
        lines = self._lines[node.lineno - 1 : node.end_lineno]
        text = "\n".join([line[column:] for line in lines if line])
        if "#" in text:
            text = _LEXEME.sub(_without_comment, text)
        text = _NAME.sub("def", text, count=1)
        name = node.name
        if name in text:
            text = _WORD.sub(lambda word: "" if word[0] == name else word[0], text)
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _without_comment(found: re.Match[str]) -> str:
    return "" if found[0].lstrip().startswith("#") else found[0]
