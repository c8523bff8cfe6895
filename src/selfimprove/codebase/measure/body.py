"""Body: a hash over a function without its name and place, so that a renamed function is known again."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

_NAME = re.compile(r"(?:async(?:\s|\\)+)?def(?:\s|\\)+\w+")
_STRING_OR_COMMENT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"' r"|'[^'\\]*+(?:\\.[^'\\]*+)*+'|\s*+#.*+")


class Bodies:
    """Hashes the functions of one text."""

    def __init__(self, lines: list[str]) -> None:
        """Keep the lines of the text, which have no white space around them, without their comments."""
        self._lines = [_without_comment(line) if "#" in line else line for line in lines]

    def __call__(self, node: Any) -> str:
        """Return 16 hex digits over the text from ``def`` to the end, without white space around the lines.

        Comments, empty lines and its own name, also where it calls itself, do not count; its decorators
        neither. What stands behind a # in a string over several lines is taken for a comment.
        """
        name = node.name
        text = "".join(self._lines[node.lineno - 1 : node.end_lineno])
        head = f"def {name}"
        text = text[len(head) :] if text.startswith(head) else _NAME.sub(_without_name, text, count=1)
        call = f"{name}("
        if call in text:
            text = _without_calls(text, call)
        return blake2b(text.encode(), digest_size=8).hexdigest()


def _without_calls(text: str, call: str) -> str:
    found, *parts = text.split(call)
    for part in parts:
        longer_name = found[-1:].isalnum() or found[-1:] == "_"
        found += (call if longer_name else "(") + part
    return found


def _without_comment(line: str) -> str:
    before, _, _ = line.partition("#")
    if '"' not in before and "'" not in before:
        return before.rstrip()
    return _STRING_OR_COMMENT.sub(lambda found: "" if found[0].lstrip()[0] == "#" else found[0], line)


def _without_name(head: re.Match[str]) -> str:
    return "async" if head[0].startswith("async") else ""
