"""Reads JSON as models write it: comments, trailing commas, single quotes, bare line ends in strings."""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"(?:[\s\ufeff\u00a0]++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/|#[^\n]*+)*+")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)"' + r"|'((?:[^'\\]|\\.)*+)'", re.DOTALL)
_TRIPLE = re.compile(r'"""((?:[^"\\]|\\.|"(?!""))*+)"""', re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d++(?:\.\d++)?(?:[eE][-+]?\d++)?")
_WORD = re.compile(r"[A-Za-z_$][\w$]*+")
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ESCAPE = re.compile(
    r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL
)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}
_DEEP = 40


class NotJson(ValueError):
    """The text is no value there. ``at`` is the place, ``ended`` says that the text ended before the value did."""

    def __init__(self, at: int, ended: bool) -> None:
        super().__init__(f"no JSON at {at}")
        self.at = at
        self.ended = ended


def value(text: str, start: int = 0) -> tuple[Any, int]:
    """Return the value at ``start`` and the place after it. Raises NotJson; linear in what is read."""
    return _value(text, start, 0)


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    at = _skip(text, at)
    if at >= len(text):
        raise NotJson(at, ended=True)
    if depth > _DEEP:
        raise NotJson(at, ended=False)
    letter = text[at]
    if letter == "{":
        return _object(text, at + 1, depth + 1)
    if letter == "[":
        return _list(text, at + 1, depth + 1)
    if letter in "\"'":
        return _string(text, at)
    if found := _NUMBER.match(text, at):
        return json.loads(_number(found[0])), found.end()
    if (found := _WORD.match(text, at)) and found[0] in _WORDS:
        return _WORDS[found[0]], found.end()
    raise NotJson(at, ended=found is not None and found.end() == len(text))


def _number(digits: str) -> str:
    """Return a number that JSON accepts: no plus sign, no zeros before it, no more digits than anybody means."""
    digits = digits.removeprefix("+")[:40]
    return re.sub(r"^(-?)0+(?=\d)", r"\1", digits).rstrip(".eE+-") or "0"


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while True:
        at = _skip(text, at)
        if text.startswith("}", at):
            return found, at + 1
        key, at = _key(text, at)
        at = _skip(text, at)
        if not text.startswith(":", at):
            raise NotJson(at, ended=at >= len(text))
        found[key], at = _value(text, at + 1, depth)
        at = _after(text, at, "}")


def _list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while True:
        at = _skip(text, at)
        if text.startswith("]", at):
            return found, at + 1
        one, at = _value(text, at, depth)
        found.append(one)
        at = _after(text, at, "]")


def _after(text: str, at: int, end: str) -> int:
    """Return the place after a comma, or that of ``end``."""
    at = _skip(text, at)
    if text.startswith(",", at):
        return at + 1
    if text.startswith(end, at):
        return at
    raise NotJson(at, ended=at >= len(text))


def _key(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] in ("'", '"'):
        return _string(text, at)
    if found := _WORD.match(text, at):
        return found[0], found.end()
    raise NotJson(at, ended=at >= len(text))


def _string(text: str, at: int) -> tuple[str, int]:
    found = _TRIPLE.match(text, at) or _STRING.match(text, at)
    if not found:
        raise NotJson(at, ended=True)
    inside = next(group for group in found.groups() if group is not None)
    return _ESCAPE.sub(_unescaped, inside) if "\\" in inside else inside, found.end()


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 11:
        return chr(0x10000 + ((int(code[1:5], 16) - 0xD800) << 10) + int(code[7:], 16) - 0xDC00)
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if code in _LETTERS:
        return _LETTERS[code]
    return code if code in "\"'\\/" else f"\\{code}"
