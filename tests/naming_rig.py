"""What the tests of names and annotations share: a cut between two marks in a piece of code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from textwrap import dedent

from selfimprove.executor.refactor.analysis.cutting import cut_of
from selfimprove.executor.refactor.cut import Cut
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source


def cut_between(code: str, symbol: str) -> tuple[Source, Cut]:
    """Return the source and the cut from the statement behind ``# <`` up to the one before ``# >``."""
    text = dedent(code).lstrip("\n")
    lines = text.splitlines()
    first = next(at for at, line in enumerate(lines, 1) if line.strip() == "# <")
    last = next(at for at, line in enumerate(lines, 1) if line.strip() == "# >")
    text = "".join(f"{line}\n" for line in lines if line.strip() not in ("# <", "# >"))
    first, last = first, last - 2
    source = Source.read("m.py", text.encode())
    place = source.place(symbol)
    for block in _blocks(place.node):
        numbers = [
            at for at, one in enumerate(block) if first <= one.lineno and (one.end_lineno or 0) <= last
        ]
        if numbers:
            return source, cut_of(
                source, place, block, numbers[0], numbers[-1], Project({"m.py": text.encode()})
            )
    raise AssertionError("no statements between the marks")


def _blocks(function: ast.AST) -> Iterator[tuple[ast.stmt, ...]]:
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            suite = getattr(node, name, None)
            if isinstance(suite, list) and suite and isinstance(suite[0], ast.stmt):
                yield tuple(suite)
