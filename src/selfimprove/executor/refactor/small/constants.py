"""Constants: what an expression surely is: a string or an integer, or the same object at any time."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.analysis.scopes import bound_by
from selfimprove.executor.refactor.small.bindings import is_builtin
from selfimprove.executor.refactor.small.layout import first_line, last_line

if TYPE_CHECKING:
    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Source

_HINTS = re.compile(r"(?:(?:typing\.|t\.)?Optional\[)?(str|int)\]?(?: *\| *None)?")
_KINDS: dict[str, type] = {"str": str, "int": int}
_MAKES: dict[str, type] = {"str": str, "repr": str, "chr": str, "len": int, "ord": int}
_STRING_METHODS = frozenset(
    ("lower", "upper", "strip", "casefold", "title", "lstrip", "rstrip", "capitalize")
)


def kind_of(source: Source, function: FunctionNode, name: str) -> type | None:
    """Return str or int when the local ``name`` is surely one (or None), by its annotation or its one value."""
    stores = [node for node in ast.walk(function) if not isinstance(node, ast.arg) and name in bound_by(node)]
    args = function.args
    for one in (*args.posonlyargs, *args.args, *args.kwonlyargs):
        if one.arg == name:
            return None if stores else _told_by(one.annotation)
    return _made_by(source, function, stores[0]) if len(stores) == 1 else None


def _told_by(hint: ast.expr | None) -> type | None:
    if hint is None:
        return None
    text = str(hint.value) if isinstance(hint, ast.Constant) else ast.unparse(hint)
    found = _HINTS.fullmatch(text)
    return _KINDS[found[1]] if found else None


def _made_by(source: Source, function: FunctionNode, store: ast.AST) -> type | None:
    """Return the kind of the value that is assigned to ``store``."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[target], value=value) if target is store:
                return _kind_of_value(source, value)
    return None


def _kind_of_value(source: Source, value: ast.expr) -> type | None:
    match value:
        case ast.Call(func=ast.Name(id=made)):
            return _MAKES.get(made) if is_builtin(source, made) else None
        case ast.Call(func=ast.Attribute(attr=made)):
            return str if made in _STRING_METHODS else None
        case ast.JoinedStr():
            return str
    return None


def is_constant(source: Source, project: Project, home: ast.stmt, node: ast.expr) -> bool:
    """True when ``node`` is one object, the same whenever it is evaluated after ``home`` was defined.

    That is a literal on one line, a builtin, or a name that the module binds once, before ``home``, and that
    nothing seems to replace from outside.
    """
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    if isinstance(node, ast.Constant):
        return not hasattr(node, "lineno") or node.lineno == node.end_lineno
    if not isinstance(node, ast.Name):
        return False
    return is_builtin(source, node.id) or _is_bound_once(source, project, home, node.id)


def _is_bound_once(source: Source, project: Project, home: ast.stmt, name: str) -> bool:
    bindings = [one for one in ast.walk(source.tree) if name in bound_by(one) or _declares(one, name)]
    if len(bindings) != 1 or _is_patched(project, name):
        return False
    before = (one for one in source.tree.body if last_line(one) < first_line(home))
    return any(_binds(one, bindings[0]) for one in before)


def _declares(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Global | ast.Nonlocal) and name in node.names


def _binds(statement: ast.stmt, binding: ast.AST) -> bool:
    """True when ``statement``, which always runs, is or has the one ``binding``."""
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom):
        return any(node is binding for node in ast.walk(statement))
    return statement is binding


def _is_patched(project: Project, name: str) -> bool:
    """True when a file sets ``name`` from outside, or has it in a string, as ``patch("module.name")`` does."""
    word = re.escape(name).encode()
    pattern = re.compile(rb"['\".]" + word + rb"(?:['\"]|\s*=[^=])")
    return any(pattern.search(project.files[path]) for path in project.python)
