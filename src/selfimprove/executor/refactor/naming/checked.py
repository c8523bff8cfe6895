"""Checked: whether a project has its types checked, and how a file comes by the name Any."""

from __future__ import annotations

import ast
import configparser
import sys
import tomllib
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Source

_FILES = ("mypy.ini", ".mypy.ini", "pyrightconfig.json", "pyrefly.toml", "ty.toml")
_TABLES = ("mypy", "pyright", "basedpyright", "pyrefly", "ty")


def checks_types(project: Project, path: str) -> bool:
    """True when the project configures a type checker; tests are not held to have their types checked."""
    if any(part in ("tests", "test") for part in path.split("/")[:-1]):
        return False
    if any(name in project.files for name in _FILES):
        return True
    try:
        table = tomllib.loads(project.files.get("pyproject.toml", b"").decode(errors="replace")).get(
            "tool", {}
        )
    except tomllib.TOMLDecodeError:
        table = {}
    if any(name in table for name in _TABLES):
        return True
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(project.files.get("setup.cfg", b"").decode(errors="replace"))
    except configparser.Error:
        return False
    return parser.has_section("mypy")


def with_any(source: Source) -> Splice | None:
    """Return what makes the file import Any from typing, ``None`` where that cannot be done plainly."""
    if any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(source.tree)):
        return None
    imports = [node for node in source.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    typing = next((node for node in _named(imports, "typing") if node.level == 0), None)
    if typing is not None:
        return _joined(source, typing)
    line = f"from typing import Any{source.newline}"
    future = _named(imports, "__future__")
    if rest := [node for node in imports if node not in future]:
        return _in_order(source, rest, line)
    return _behind(source, future[-1], source.newline + line) if future else None


def _named(imports: Sequence[ast.stmt], module: str) -> list[ast.ImportFrom]:
    """Return the imports that take names from ``module``."""
    return [node for node in imports if isinstance(node, ast.ImportFrom) and node.module == module]


def _in_order(source: Source, imports: Sequence[ast.Import | ast.ImportFrom], line: str) -> Splice:
    """Return what puts ``line`` among the imports where one from typing belongs, the end of its group at the latest."""
    later = next((node for node in imports if _rank(node) > (0, 1, "typing")), None)
    if later is None:
        return _behind(source, imports[-1], line)
    at = source.starts[later.lineno - 1]
    if _rank(later)[0] == 0:
        return Splice(at, at, line)
    earlier = imports[: imports.index(later)]
    return _behind(source, earlier[-1], line) if earlier else Splice(at, at, line + source.newline)


def _behind(source: Source, node: ast.stmt, text: str) -> Splice:
    at = source.starts[node.end_lineno or node.lineno]
    return Splice(at, at, text)


def _rank(node: ast.Import | ast.ImportFrom) -> tuple[int, int, str]:
    """Return where an import belongs: the standard library first, plain imports before those from a module."""
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
    local = isinstance(node, ast.ImportFrom) and node.level > 0
    own = module.partition(".")[0] in sys.stdlib_module_names and not local
    return 0 if own else 1, int(isinstance(node, ast.ImportFrom)), module


def _joined(source: Source, node: ast.ImportFrom) -> Splice | None:
    """Return what puts Any among the names of an import that stands on one line, or has one for each name."""
    later = next((one for one in node.names if _order(one.name) > _order("Any")), None)
    whole = source.lines(node.lineno, node.end_lineno or node.lineno)
    if node.lineno == node.end_lineno:
        at = source.span(later or node.names[-1])
        splice = Splice(at[0], at[0], "Any, ") if later else Splice(at[1], at[1], ", Any")
        return splice if len(whole.rstrip()) + 5 <= (source.limit or 88) else None
    lines = [one.lineno for one in node.names]
    if len({*lines}) < len(lines) or node.lineno in lines:
        return None
    indent = source.indent(lines[0])
    if later is None:
        at_line = lines[-1]
        if not source.line(at_line).split("#")[0].rstrip().endswith(","):
            return None
        return Splice(source.starts[at_line], source.starts[at_line], f"{indent}Any,{source.newline}")
    start = source.starts[later.lineno - 1]
    return Splice(start, start, f"{indent}Any,{source.newline}")


def _order(name: str) -> tuple[int, str]:
    """Return the place of a name in a sorted import: constants, classes, then functions."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name
