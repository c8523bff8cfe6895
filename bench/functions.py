"""Functions of a source file with what is written about them, found apart from the program that is measured."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAMMARS = {
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".ts": "typescript",
    ".tsx": "tsx",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
}
SUFFIXES = (".py", *GRAMMARS)
_FUNCTIONS = {
    "function_declaration",
    "generator_function_declaration",
    "method_definition",
    "method_declaration",
    "constructor_declaration",
    "function_item",
}
_VALUES = {"arrow_function", "function_expression", "function", "generator_function"}
# What holds functions and lends them its name: classes of all kinds, Rust's impl and mod.
_HOLDERS = {"class_declaration", "class", "abstract_class_declaration", "impl_item", "mod_item", "trait_item"}
_MARK = re.compile(r"^\s*(?:///?|/\*\*?|\*/|\*)\s?|\s*\*/\s*$")
_DOC = {".go": ("//",), ".rs": ("///",), "": ("/**", "*")}  # by suffix: how a line of documentation begins


class Function(NamedTuple):
    """A function or method: its name with those around it, its lines from 1 (of its head on), what says it."""

    name: str
    start: int
    end: int
    doc: str


def functions(path: str, text: str) -> list[Function]:
    """Return the functions of a file in their order; none where it cannot be read as its language."""
    suffix = path[path.rfind(".") :]
    if suffix == ".py":
        return _python(text)
    return _others(text, suffix) if suffix in GRAMMARS else []


def stripped(path: str, text: str) -> str:
    """Return ``text`` without what documents its functions; every line keeps its number."""
    suffix = path[path.rfind(".") :]
    if suffix == ".py":
        return _python_stripped(text)
    lines = text.split("\n")
    inside = False
    for at, line in enumerate(lines):
        head = line.lstrip()
        if suffix == ".rs":
            gone = head.startswith(("///", "//!"))
        elif suffix == ".go":
            gone = head.startswith("//") and not head.startswith(("//go:", "// +build"))
        else:
            inside = inside or head.startswith("/**")
            gone = inside
            inside = inside and "*/" not in head
        if gone:
            lines[at] = ""
    return "\n".join(lines)


def sentence(doc: str, name: str) -> str:
    """Return the first sentence of a documentation, on one line, without the function's own name before it.

    Go's documentation begins with the name by custom, and a query that names the function is another test.
    """
    paragraph = re.split(r"\n\s*\n|\n\s*(?=[@:])", doc.strip(), maxsplit=1)[0]
    first = re.split(r"(?<=[.!?])\s", " ".join(paragraph.split()), maxsplit=1)[0]
    bare = name.rpartition(".")[2]
    return first.removeprefix(f"{bare} ").strip()


def _python(text: str) -> list[Function]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: list[Function] = []

    def walk(node: ast.AST, around: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                walk(child, around)
                continue
            name = f"{around}{child.name}"
            if not isinstance(child, ast.ClassDef):
                doc = (ast.get_docstring(child) or "") if len(child.body) > 1 else ""
                found.append(Function(name, child.lineno, child.end_lineno or child.lineno, doc))
            walk(child, f"{name}.")

    walk(tree, "")
    return found


def _python_stripped(text: str) -> str:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return text
    lines = text.split("\n")
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            continue
        if not node.body or not isinstance(node.body[0], ast.Expr):
            continue
        said = node.body[0]
        if not isinstance(said.value, ast.Constant) or not isinstance(said.value.value, str):
            continue
        first, last = said.lineno - 1, said.end_lineno or said.lineno
        if lines[first][: said.col_offset].strip():  # on the line of its function's head
            continue
        only = len(node.body) == 1 and not isinstance(node, ast.Module)
        lines[first:last] = [""] * (last - first)
        if only:
            lines[first] = " " * said.col_offset + "..."
    return "\n".join(lines)


@cache
def _parser(grammar: str) -> Any:
    from tree_sitter_language_pack import get_parser

    return get_parser(grammar)  # type: ignore[arg-type]


def _others(text: str, suffix: str) -> list[Function]:
    tree = _parser(GRAMMARS[suffix]).parse(text.encode())
    lines = text.split("\n")
    found = []
    for name, first, last in _spans(tree.root_node, ""):
        found.append(Function(name, first + 1, last + 1, _above(lines, first, suffix)))
    return found


def _spans(root: Any, around: str) -> Iterator[tuple[str, int, int]]:
    stack = [(root, around)]
    while stack:
        node, outer = stack.pop()
        inner = outer
        name = _name(node)
        if name and node.type in _HOLDERS:
            inner = f"{outer}{name}."
        elif name:
            whole = node
            while whole.parent and whole.parent.type in {
                "lexical_declaration",
                "variable_declaration",
                "expression_statement",
                "export_statement",
            }:
                whole = whole.parent
            yield outer + name, whole.start_point[0], whole.end_point[0]
            inner = f"{outer}{name}."
        stack.extend((child, inner) for child in reversed(node.children))


def _name(node: Any) -> str:
    """Return the name of a function or of what holds functions; ``""`` for other nodes."""
    if node.type in _FUNCTIONS or node.type in _HOLDERS:
        named = node.child_by_field_name("name") or node.child_by_field_name("type")
        name = named.text.decode(errors="replace") if named else ""
        receiver = node.child_by_field_name("receiver")
        if receiver is not None and name:
            kind = re.findall(r"\w+", receiver.text.decode(errors="replace"))
            return f"{kind[-1]}.{name}" if kind else str(name)
        return str(name)
    field = {"variable_declarator": ("name", "value"), "assignment_expression": ("left", "right")}.get(
        node.type
    )
    field = field or {"pair": ("key", "value")}.get(node.type)
    if field is None:
        return ""
    value = node.child_by_field_name(field[1])
    named = node.child_by_field_name(field[0])
    if value is None or named is None or value.type not in _VALUES:
        return ""
    return str(named.text.decode(errors="replace"))


def _above(lines: list[str], first: int, suffix: str) -> str:
    """Return the documentation that stands directly above a line, attributes between them aside."""
    starts = _DOC.get(suffix, _DOC[""])
    at = first - 1
    while at >= 0 and lines[at].lstrip().startswith(("#[", "@")):
        at -= 1
    last = at
    while at >= 0 and lines[at].lstrip().startswith(starts):
        at -= 1
    block = lines[at + 1 : last + 1]
    if suffix not in _DOC and (not block or not block[0].lstrip().startswith("/**")):
        return ""
    return "\n".join(_MARK.sub("", _MARK.sub("", line)).rstrip() for line in block).strip()


def main() -> None:
    """Say what this file is for: it measures nothing."""
    print(f"functions of {', '.join(SUFFIXES)} files, for the search benchmarks")


if __name__ == "__main__":
    main()
