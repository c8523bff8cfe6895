"""Packages: the importable Python packages of a repository, how much of them is annotated, and their build backend."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.project.manifest import table
from selfimprove.codebase.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from selfimprove.codebase.project.manifest import Manifest

_NOT_PRODUCT = frozenset(
    (
        *("test", "tests", "testing", "docs", "doc", "examples", "example", "scripts", "script", "bench"),
        *("benchmarks", "tools", "tasks", "setup", "conftest", "t", "ci"),
    )
)
_MOST = 60  # modules of a package that are read
_MINORS = re.compile(r"^Programming Language :: Python :: (3\.\d+)$")
_LOWEST = re.compile(r"(?:>=|~=|\^|==)\s*(3\.\d+)")
_SPAN = re.compile(r"<\s*(3\.(\d+))")


class Package(NamedTuple):
    """A package: its folder, its name, and which share of its public functions is annotated in full (0 to 1)."""

    folder: str
    name: str
    annotated: float = 0.0


def packages(names: Iterable[str], read: Callable[[str], str]) -> tuple[Package, ...]:
    """Return the packages at the top or in ``src/`` that are products, not tests, documents or scripts."""
    listed = list(names)
    found = []
    for name in sorted(listed):
        path = PurePosixPath(name)
        parent = path.parent.as_posix()
        if path.name != "__init__.py" or len(path.parts) not in (2, 3):
            continue
        if len(path.parts) == 3 and path.parts[0] != "src":
            continue
        if path.parts[-2].isidentifier() and path.parts[-2] not in _NOT_PRODUCT and not is_test(name):
            modules = [
                one
                for one in listed
                if one.startswith(f"{parent}/") and one.endswith(".py") and not is_test(one)
            ]
            found.append(Package(parent, path.parts[-2], _annotated([read(one) for one in modules[:_MOST]])))
    return tuple(found)


def _annotated(texts: Sequence[str]) -> float:
    """Return the share of public functions of which every parameter and what is returned has a type."""
    whole = done = 0
    for text in texts:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                whole += 1
                done += _is_annotated(node)
    return done / whole if whole else 0.0


def _is_annotated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    free = named[1:] if named and named[0].arg in ("self", "cls") else named
    return node.returns is not None and all(one.annotation is not None for one in free)


def backend_of(manifest: Manifest | None) -> str:
    """Return the build backend that a pyproject.toml names, ``""`` when it names none."""
    found = table(manifest.data if manifest else {}, "build-system").get("build-backend")
    return found if isinstance(found, str) else ""


def minors(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """Return the Python versions (``3.11``) that the classifiers list, lowest first, within what is required."""
    listed = {
        found[1] for one in manifests for line in one.classifiers if (found := _MINORS.match(line.strip()))
    }
    low = number(lowest(manifests))
    high = min((number(found[1]) for one in manifests for found in _SPAN.finditer(one.requires)), default=999)
    return tuple(sorted((one for one in listed if low <= number(one) < high), key=number))


def lowest(manifests: Sequence[Manifest]) -> str:
    """Return the lowest Python version that a manifest requires, ``""`` when none says."""
    found = (
        _LOWEST.search(one.requires)
        for one in manifests
        if one.path != "package.json" and one.path != "Cargo.toml"
    )
    return next((match[1] for match in found if match), "")


def number(version: str) -> int:
    """Return the second number of ``3.11``."""
    return int(version.partition(".")[2] or 0)
