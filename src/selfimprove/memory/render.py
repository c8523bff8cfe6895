"""Values and tasks written as YAML as a person would: plain where that is safe, `|` for many lines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Value = object  # a str, an int, a float, None, or a list of str

BREAKS = "\n\r\x85\u2028\u2029"
WIDTH = 100

_ODD = r"\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff"
_UNPRINTABLE = re.compile(f"[{_ODD}]")
_PRINTABLE = re.compile(rf"[^\x00-\x1f{_ODD}]*")
_LITERAL = re.compile(rf"[^\s\x00-\x1f{_ODD}][^\x00-\x08\x0b-\x1f{_ODD}]*")
_NOT_PLAIN = re.compile(r"\A[^\w./]|: |:\Z| #|\s\Z")
_NOT_PLAIN_IN_FLOW = re.compile(r"[,\[\]{}?:]")  # readers differ on ? and : there
_TEXT_TAG = "tag:yaml.org,2002:str"
_RESOLVER = Resolver()


@dataclass(frozen=True, slots=True)
class Layout:
    """How a document is written: its line break, and whether it is JSON (quoted keys and text).

    ``plainly`` puts every text in double quotes, which can hold anything; it is the second try for a text
    that did not come back as it went in.
    """

    newline: str = "\n"
    json: bool = False
    plainly: bool = False


def key_text(name: str, layout: Layout) -> str:
    """Return ``name`` as a key with its colon."""
    return f'"{name}":' if layout.json else f"{name}:"


def render(value: Value, layout: Layout, *, flow: bool = False, style: str = "") -> tuple[str, list[str]]:
    """Return ``value`` as the text behind its key and the lines below, which are not yet indented.

    ``style`` is the quote that the value had before, ``flow`` is true inside braces or brackets.
    """
    if isinstance(value, list):
        return f"[{', '.join(render_word(word, layout, flow=True) for word in value)}]", []
    lines = _literal(value, layout) if isinstance(value, str) and not flow else None
    return lines or (render_word(value, layout, flow=flow, style=style), [])


def block_row(row: Mapping[str, Value], layout: Layout, column: int, gap: int) -> list[str]:
    """Return the lines of ``row`` as a block mapping: a dash in ``column``, the keys ``gap`` behind it.

    Without a gap there is no dash either, only keys in ``column``.
    """
    indent = " " * (column + gap)
    lines: list[str] = []
    for name, value in row.items():
        key = indent + key_text(name, layout)
        head, body = render(value, layout)
        if isinstance(value, list) and len(key) + len(head) > WIDTH:
            head, body = "", [f"- {render_word(word, layout)}" for word in value]
        lines.append(f"{key} {head}".rstrip(" "))
        lines += indented(body, column + gap + 2)
    if gap:
        lines[0] = " " * column + "-" + lines[0][column + 1 :]
    return lines


def indented(lines: Iterable[str], by: int) -> list[str]:
    """Return ``lines`` with ``by`` spaces in front, the empty ones without."""
    return [" " * by + line if line else "" for line in lines]


def flow_row(row: Mapping[str, Value], layout: Layout) -> str:
    """Return ``row`` as a flow mapping on one line."""
    pairs = (f"{key_text(name, layout)} {render(value, layout, flow=True)[0]}" for name, value in row.items())
    return "{" + ", ".join(pairs) + "}"


def render_word(value: Value, layout: Layout, *, flow: bool = False, style: str = "") -> str:
    """Return ``value``, which is no list, on one line."""
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return _number(value)
    text = str(value)
    if layout.json or layout.plainly or style == '"' or not _PRINTABLE.fullmatch(text):
        return _quoted(text)
    if style == "'":
        return "'" + text.replace("'", "''") + "'"
    return text if _is_plain(text, flow) else _quoted(text)


def _number(value: float) -> str:
    """Return a number in digits that YAML 1.1 takes for a number: an exponent wants a point and a sign."""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    mantissa, e, exponent = repr(value).partition("e")
    return mantissa if not e else f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+d}"


def _quoted(text: str) -> str:
    """Return ``text`` in double quotes; what is not printable in YAML is escaped.

    Raises UnicodeEncodeError for a lone surrogate, which no YAML file can hold.
    """
    text.encode("utf-8")
    escaped = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", escaped)


def _is_plain(text: str, flow: bool) -> bool:
    """Return whether ``text`` stands for itself without quotes."""
    if not text or _NOT_PLAIN.search(text) or (flow and _NOT_PLAIN_IN_FLOW.search(text)):
        return False
    tag = _RESOLVER.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return bool(tag == _TEXT_TAG)


def _literal(text: str, layout: Layout) -> tuple[str, list[str]] | None:
    """Return ``text`` as a literal block, or None when one line or quotes suit it better."""
    if "\n" not in text or layout.json or layout.plainly or not _LITERAL.fullmatch(text):
        return None
    if text.endswith(("\n\n", " ", "\t", " \n")):
        return None
    clipped = text.endswith("\n")
    return "|" if clipped else "|-", text.removesuffix("\n").split("\n")
