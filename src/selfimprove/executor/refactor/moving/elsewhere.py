"""Elsewhere: which import brings a class into another file, and what that file says once a method is a function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.moving.shadows import bound_globally, visible
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selfimprove.executor.refactor.moving.shadows import Around
    from selfimprove.executor.refactor.source import Source


def import_of(source: Source, path: str, name: str) -> ast.ImportFrom | None:
    """Return the top-level ``from module import name`` of a file that brings ``name`` from the module at ``path``."""
    for node in source.tree.body:
        if isinstance(node, ast.ImportFrom) and _means(source.path, node.level, node.module or "", path):
            names = {one.name: one.asname or one.name for one in node.names}
            if names.get(name) == name:
                return node
    return None


def module_name(source: Source, path: str, name: str) -> bool:
    """True when ``name`` is, in a file, the module at ``path``: ``import a.b as name``, ``from a import name``."""
    for node in source.tree.body:
        if isinstance(node, ast.Import):
            known = {one.asname or one.name for one in node.names if _ends(one.name, path)}
        elif isinstance(node, ast.ImportFrom):
            known = {
                one.asname or one.name
                for one in node.names
                if _means(source.path, node.level, f"{node.module or ''}.{one.name}".strip("."), path)
            }
        else:
            continue
        if name in known:
            return True
    return False


def free_for(source: Source, name: str, around: Sequence[Around]) -> bool:
    """True when a file can import ``name`` at its top and have it seen inside of ``around``."""
    taken = any(bound == name for bound, _ in bound_globally(source.tree))
    bare = any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(source.tree))
    return not taken and not bare and visible(name, around)


def imported(source: Source, node: ast.ImportFrom, name: str, instead_of: str = "") -> Splice:
    """Return the splice that imports ``name`` as well, behind the last name of ``node`` or in place of one of them."""
    for one in node.names:
        if instead_of and one.name == instead_of:
            return Splice(*source.span(one), name)
    last = node.names[-1]
    end, alone = source.span(last)[1], last.lineno > node.lineno
    before = source.text[source.starts[last.lineno - 1] : source.span(last)[0]]
    text = f",{source.newline}{before}{name}" if alone and not before.strip() else f", {name}"
    return Splice(end, end, text)


def used_besides(source: Source, name: str, places: Iterable[ast.expr]) -> bool:
    """True when a file uses ``name`` in other places than these nodes, or exports it."""
    known = {id(one) for place in places for one in ast.walk(place)}
    if source.path.endswith("__init__.py"):
        return True
    return any(
        (isinstance(one, ast.Name) and one.id == name and id(one) not in known)
        or (isinstance(one, ast.Constant) and isinstance(one.value, str) and name in one.value)
        for one in ast.walk(source.tree)
    )


def _means(importer: str, level: int, module: str, path: str) -> bool:
    """True when an import can only be of the module at ``path``, both being paths in the repository."""
    if not level:
        return _ends(module, path)
    folder = importer.split("/")[:-level]
    return ".".join((*folder, *([module] if module else ()))) == _dotted(path)


def _ends(module: str, path: str) -> bool:
    """True when ``path`` ends as the module is called: ``src/a/b.py`` is ``a.b`` as well as ``src.a.b``."""
    dotted = _dotted(path)
    return bool(module) and (dotted == module or dotted.endswith(f".{module}"))


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
