"""Markup: pieces of Markdown and Mermaid that hold any name, and the marks by which a document is ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.codebase.fence import spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAMES = ("specification.md", "graph.md", "architecture.md")
"""The three documents."""

MARKER = (
    "<!-- selfimprove analyze wrote this file and keeps it up to date. "
    "Remove this line, and it is yours: it is not written again. -->"
)
"""The first line of a document that may be written anew."""

SUMMARY, SUMMARY_END = "<!-- summary: written by a model, its names checked -->", "<!-- end of summary -->"
_CARRIED = "<!-- from git's history -->"
_OURS = "<!-- selfimprove analyze wrote this file"
_UNSAFE_ID = re.compile(r"[^A-Za-z0-9]+")
_TICKS = re.compile(r"`+")
_SMALL = 100
_PLAIN = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "\\|", "*": "\\*", "_": "\\_", "`": "\\`", "[": "\\["}
)


def is_ours(data: bytes) -> bool:
    """True for a document whose first line says that it may be written anew."""
    return data.removeprefix(b"\xef\xbb\xbf").startswith(_OURS.encode())


def code(name: str) -> str:
    """Return ``name`` as a code span, whatever it holds; in a table too."""
    text = spelled(name).replace("|", "\\|")
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def plain(text: str) -> str:
    """Return ``text`` of a person as a piece of a paragraph or of a table's cell, without any markup."""
    return spelled(" ".join(text.split())).translate(_PLAIN)


def codes(names: Iterable[str]) -> str:
    """Return names as code spans with commas between them."""
    return ", ".join(map(code, names))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the cells are Markdown already."""
    lines = [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]
    return "".join(f"{line}\n" for line in lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def about(number: int) -> str:
    """Return a number that small edits do not change: exact below 20, else its two leading digits."""
    if number < 20:
        return str(number)
    unit = 10 ** max(1, len(str(number)) - 2)
    return f"about {round(number / unit) * unit:,}"


def size(lines: int) -> str:
    """Return a number of lines that hardly any edit changes."""
    return about(lines) if lines >= _SMALL else f"under {_SMALL}"


def size_order(lines: int) -> int:
    """Return a number to sort by what :func:`size` says, the largest first."""
    unit = 10 ** (len(str(lines)) - 2)
    return -round(lines / unit) * unit if lines >= _SMALL else 0


def count(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 file`` or ``3 files``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def flowchart(
    labels: Mapping[str, str], edges: Iterable[tuple[str, str, bool]], groups: Sequence[Sequence[str]] = ()
) -> str:
    """Return a Mermaid flowchart of the nodes ``labels``; an edge is (from, to, whether it is dotted).

    Ids are made of the nodes' names, so that a new node changes no line of the others. ``groups`` are nodes that
    are set off: those in a circle.
    """
    ids = _ids(labels)
    lines = [f'    {ids[node]}["{_label(label)}"]' for node, label in labels.items()]
    lines += [
        f"    {ids[source]} {'-.->' if dotted else '-->'} {ids[target]}" for source, target, dotted in edges
    ]
    circled = sorted({ids[node] for group in groups for node in group if node in ids})
    if circled:
        lines += [
            "    classDef circle stroke-width:3px,stroke-dasharray:4",
            f"    class {','.join(circled)} circle",
        ]
    return "```mermaid\nflowchart LR\n" + "".join(f"{line}\n" for line in lines) + "```\n"


def _ids(labels: Iterable[str]) -> dict[str, str]:
    """Return an id for each node: only letters, digits and ``_``, and no word of Mermaid's own."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for node in labels:
        stem = one = "n_" + _UNSAFE_ID.sub("_", node).strip("_")
        number = 2
        while one.lower() in taken:
            one, number = f"{stem}_{number}", number + 1
        taken.add(one.lower())
        found[node] = one
    return found


def _label(text: str) -> str:
    """Return a label inside of quotes: what Mermaid would read as markup is written as entities."""
    signs = {
        '"': "#quot;",
        "#": "#35;",
        "<": "#lt;",
        ">": "#gt;",
        "`": "#96;",
        "&": "#amp;",
        ";": "#59;",
        "\\": "#92;",
    }
    return "".join(signs.get(sign, sign) for sign in spelled(text))


def with_summary(document: str, summary: str) -> str:
    """Return the factual ``document`` with ``summary`` under its title; ``""`` is none."""
    if not summary:
        return document
    head, _, rest = document.partition("\n\n")
    return f"{head}\n\n{SUMMARY}\n\n{summary.strip()}\n\n{SUMMARY_END}\n\n{rest}"


def parted(document: str) -> tuple[str, str]:
    """Return the factual part of a document, and its summary (``""`` where it has none)."""
    before, mark, rest = document.partition(f"{SUMMARY}\n\n")
    summary, end, after = rest.partition(f"\n\n{SUMMARY_END}\n\n")
    return (before + after, summary) if mark and end else (document, "")
