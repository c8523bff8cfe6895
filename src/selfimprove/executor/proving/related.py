"""Which tests matter most for a change: those whose imports lead, directly or not, to a changed file."""

from __future__ import annotations

import ast
import warnings
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.files import is_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MOST = 4_000
"""Python files beyond which the imports are not read: the whole suite is run at once."""


def related_tests(names: Sequence[str], changed: Sequence[str], read: Callable[[str], bytes]) -> list[str]:
    """Return the test files among ``names`` that import one of ``changed``, transitively, or are changed.

    ``read`` returns the bytes of a file. Imports are resolved by their dotted names against the paths, with
    whatever folder stands before the top package; a ``conftest.py`` above a test counts as imported by it.
    """
    python = [name for name in names if name.endswith(".py")]
    if len(python) > MOST or not any(name.endswith(".py") for name in changed):
        return []
    by_tail: dict[str, list[str]] = {}
    for name in python:
        by_tail.setdefault(_module(name).rpartition(".")[2], []).append(name)
    users: dict[str, set[str]] = {}
    for name in python:
        for used in _used(name, read(name), by_tail):
            users.setdefault(used, set()).add(name)
    reached, waiting = set(changed), list(changed)
    while waiting:
        for user in users.get(waiting.pop(), set()) - reached:
            reached.add(user)
            waiting.append(user)
    there = set(names)
    return sorted(name for name in reached if name in there and is_test(name) and _holds_tests(name))


def imported_files(
    start: str, names: Sequence[str], read: Callable[[str], bytes], most: int = 40
) -> list[str]:
    """Return the files among ``names`` that ``start`` imports, the nearest first, at most ``most``; tests are none."""
    by_tail: dict[str, list[str]] = {}
    for name in names:
        if name.endswith(".py"):
            by_tail.setdefault(_module(name).rpartition(".")[2], []).append(name)
    found, waiting = {start}, [start]
    rows: list[str] = []
    while waiting and len(rows) < most:
        new = sorted(set(_used(name := waiting.pop(0), read(name), by_tail)) - found)
        found.update(new)
        waiting += new
        rows += [one for one in new if not is_test(one)]
    return rows[:most]


def holds_tests(name: str) -> bool:
    """True for a file that pytest takes for one with tests, by its name."""
    return name.endswith(".py") and _holds_tests(PurePosixPath(name).name)


def _holds_tests(name: str) -> bool:
    stem = PurePosixPath(name).stem
    return stem.startswith("test") or stem.endswith("_test")


def _module(name: str) -> str:
    parts = PurePosixPath(name).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _used(name: str, data: bytes, by_tail: dict[str, list[str]]) -> Iterator[str]:
    """Yield the files that ``name`` imports, and the conftest.py files above it."""
    if is_test(name):
        for other in by_tail.get("conftest", ()):
            if PurePosixPath(name).is_relative_to(PurePosixPath(other).parent) and other != name:
                yield other
    for imported in set(_imported(name, data)):
        module = imported
        # `from a.b import c` may mean the module a.b.c or a name in a.b.
        while module:
            yield from (one for one in by_tail.get(module.rpartition(".")[2], ()) if _means(module, one))
            module = module.rpartition(".")[0]


def _means(module: str, name: str) -> bool:
    whole = _module(name)
    return whole == module or whole.endswith(f".{module}")


def _imported(name: str, data: bytes) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(data)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    package = list(PurePosixPath(name).parent.parts)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            top = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{top}.{alias.name}".strip(".") for alias in node.names)
