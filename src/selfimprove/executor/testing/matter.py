"""Matter: what a change is about, for its tests: its files of Python, its lines, its patch, and what tests import."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

from selfimprove.codebase.fence import private
from selfimprove.executor.proving.related import imported_files
from selfimprove.executor.proving.rewritten import hunks
from selfimprove.executor.testing.intent import is_code_changed
from selfimprove.executor.vetoes.change import parsed
from selfimprove.executor.vetoes.files import is_test
from selfimprove.executor.vetoes.shapes import Function

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selfimprove.tools.git.repo import Repo

_MOST_FILES = 8  # of those that tests import: the nearest


def changed_code(repo: Repo, base: str, tree: str) -> dict[str, frozenset[int]]:
    """Return the changed lines of each Python file, tests apart, whose code is another one now.

    Of a file that only lost lines, or got none that begins a statement, these are all lines of its functions.
    """
    found: dict[str, frozenset[int]] = {}
    for _, _, path in repo.numstat(base, tree):
        new = repo.blob(tree, path)
        if not path.endswith(".py") or is_test(path) or new is None:
            continue
        old, text = ((data or b"").decode("utf-8", "replace") for data in (repo.blob(base, path), new))
        if not is_code_changed(old, text):
            continue
        flags = ("-p", "-U0", "--no-renames", "--no-ext-diff", "--no-textconv")
        spans = hunks(repo.git("diff-tree", *flags, base, tree, "--", path))
        lines = frozenset(line for first, last in spans for line in range(first, last + 1))
        found[path] = lines if spans else lines_of_functions(text)
    return found


def imported_code(
    path: str, text: str, names: Sequence[str], read: Callable[[str], bytes]
) -> dict[str, frozenset[int]]:
    """Return the lines in functions of the files that the test file ``path`` imports, the nearest first."""
    everything = [*names, path]
    files = imported_files(
        path, everything, lambda name: text.encode() if name == path else read(name), _MOST_FILES
    )
    texts = {name: read(name).decode("utf-8", "replace") for name in files}
    found = {name: lines_of_functions(code) for name, code in texts.items()}
    return {name: lines for name, lines in found.items() if lines}


def lines_of_functions(text: str) -> frozenset[int]:
    """Return the lines of the bodies of all functions; of a file without any, all its lines."""
    tree = parsed(text)
    found = {
        line
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, Function)
        for line in range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    }
    return frozenset(found or range(1, text.count("\n") + 2))


def patch_of(repo: Repo, base: str, tree: str) -> str:
    """Return the change as a patch without files that are never shown."""
    paths = [path for _, _, path in repo.numstat(base, tree) if not private(path)]
    if not paths:
        return ""
    flags = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "-U5")
    specs = (f":(literal,top){os.fsdecode(path)}" for path in paths)
    return repo.git("diff", *flags, base, tree, "--", *specs).decode("utf-8", "replace")
