"""Test map: which test files import a module or are named after it, and which modules no test speaks of."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.portrait.public import NOT_API, NOT_MODULES
from selfimprove.codebase.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.codebase.portrait.imports import Graph
    from selfimprove.codebase.portrait.outline import Outline

_AFFIX = re.compile(r"^(?:test|spec)[_.-]+|[_.-]+(?:tests?|spec)$|(?<=[a-z0-9])Tests?$", re.IGNORECASE)
_WITHIN = frozenset(
    {"rust", "zig", "d", "markdown", "yaml", "toml", "json", "html", "css", "scss", "sql", "make"}
)
_NOT_CODE = _WITHIN | {
    "bash",
    "dockerfile",
    "ini",
    "xml",
    "cmake",
    "starlark",
    "proto",
    "graphql",
    "less",
    "nix",
    "hcl",
}


class Mapped(NamedTuple):
    """``tests`` by module that they are about; ``alone`` are the modules with code that no test names."""

    files: tuple[str, ...]
    tests: dict[str, tuple[str, ...]]
    alone: tuple[str, ...]


def map_tests(outlines: Mapping[str, Outline], graph: Graph) -> Mapped:
    """Return which modules have tests, as far as imports and names of files show it.

    A module that is only run through others has none here. Languages that keep tests in the file itself
    (Rust, Zig, D) are passed over.
    """
    tests = [
        path
        for path, one in outlines.items()
        if is_test(path) and one.language and one.language not in _NOT_CODE
    ]
    modules = {path for path, one in outlines.items() if is_subject(path, one)}
    by_stem: dict[str, list[str]] = defaultdict(list)
    for path in modules:
        by_stem[_stem(path)].append(path)
    found: dict[str, set[str]] = defaultdict(set)
    for test in tests:
        for module in modules & graph.reached.get(test, set()):
            found[module].add(test)
        about = _AFFIX.sub("", _stem(test))
        named = by_stem.get(about, ()) if about != _stem(test) else ()
        for module in named if len(named) == 1 else _nearest(test, named):
            found[module].add(test)
    alone = tuple(sorted(modules - found.keys()))
    return Mapped(tuple(tests), {path: tuple(sorted(found[path])) for path in sorted(found)}, alone)


def is_subject(path: str, one: Outline) -> bool:
    """True for a file with code that tests could be about."""
    *folders, name = path.split("/")
    if is_test(path) or one.language in _NOT_CODE or not one.defined:
        return False
    aside = bool(NOT_API & {folder.lower() for folder in folders}) or (not folders and name in NOT_MODULES)
    return not aside and any(each.kind != "value" for each in one.defined)


def _stem(path: str) -> str:
    """Return a file's name without its ending: ``test_x``, ``x_test``, ``x.spec``, ``XTest``."""
    return path.rpartition("/")[2].rpartition(".")[0]


def _nearest(test: str, named: list[str] | tuple[str, ...]) -> list[str]:
    """Return, of modules with one name, the one that shares most folders with the test, none for a draw."""
    folders = set(test.split("/")[:-1])
    score = {path: len(folders & set(path.split("/")[:-1])) for path in named}
    best = [path for path in named if score[path] == max(score.values())]
    return best if len(best) == 1 else []
