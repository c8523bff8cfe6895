"""Openers: which statements open a file that closes itself in a with statement, and which close one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.analysis.scopes import bound_by
from selfimprove.executor.refactor.small.bindings import is_builtin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.source import Source

# Each is a context manager that enters as itself and whose exit is its close().
_OPENERS = {
    *("io.open", "gzip.open", "gzip.GzipFile", "bz2.open", "bz2.BZ2File", "lzma.open", "lzma.LZMAFile"),
    *("codecs.open", "os.fdopen", "tokenize.open", "zipfile.ZipFile", "tarfile.open", "tarfile.TarFile"),
    *("tempfile.TemporaryFile", "tempfile.NamedTemporaryFile", "tempfile.SpooledTemporaryFile"),
}
_PATHS = {"Path", "pathlib.Path", "PosixPath", "pathlib.PosixPath"}


def opened_name(node: ast.stmt) -> str:
    """Return the name that a statement such as ``f = open(...)`` gives, ``""`` for any other."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(), type_comment=None):
            return name
    return ""


def is_opened(source: Source, node: ast.stmt) -> bool:
    """True when ``node`` is ``f = open(...)``, with the builtin, a path, or one of a list of functions."""
    match node:
        case ast.Assign(value=ast.Call(func=ast.Name(id="open"))):
            return is_builtin(source, "open")
        case ast.Assign(value=ast.Call(func=ast.Attribute(value=ast.Call(func=made), attr="open"))):
            name = ast.unparse(made)
            return name in _PATHS and _is_imported(source, name, "pathlib")
        case ast.Assign(value=ast.Call(func=ast.Attribute(value=ast.Name(id=module)) as func)):
            return ast.unparse(func) in _OPENERS and _is_imported(source, module, module)
    return False


def _is_imported(source: Source, name: str, module: str) -> bool:
    """True when the first part of ``name`` is bound by imports of ``module``, or from it, and by nothing else."""
    first = name.partition(".")[0]
    binds = [node for node in ast.walk(source.tree) if {first, "*"}.intersection(bound_by(node))]
    right = [one for node in ast.walk(source.tree) for one in _imports(node, first, module)]
    return bool(binds) and all(any(node is one for one in right) for node in binds)


def _imports(node: ast.AST, first: str, module: str) -> Iterator[ast.alias]:
    """Yield what an import binds as ``first``, when that is ``module`` or comes from it."""
    match node:
        case ast.Import(names=names):
            yield from (one for one in names if one.name == module == first and not one.asname)
        case ast.ImportFrom(names=names, module=str(origin)) if origin == module:
            yield from (one for one in names if one.name == first and one.asname in (None, first))


def closed_name(node: ast.stmt) -> str:
    """Return the name of which ``node`` is ``name.close()``, else ``""``."""
    match node:
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="close"), args=[], keywords=[])
        ):
            return name
    return ""


def called(call: ast.Call) -> str:
    """Return the last name of what is called, ``""`` when it has none."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
