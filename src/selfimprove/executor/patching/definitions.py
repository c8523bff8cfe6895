"""Definitions: the functions and classes of a text by qualified name, and which of them an edit lost or doubled."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.languages import language_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CLASS = "class"
_REMARK = re.compile(r"\s*(?:#(?!\[)|//|/\*|\*|--|;|%|\"\"\")")
_DEF = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_AGAIN = ("overload", "setter", "getter", "deleter", "register", "dispatch", "singledispatch", "fixture")
"""Last words of decorators with which a name is defined again on purpose."""


class Node(NamedTuple):
    """A function, a method or a class; rows count from 0.

    Its decorators begin at the row ``start``, comments that stand right above it at ``lead``, its own first
    line is ``head``, its last one ``end``. ``block`` tells the branch it is in (of an ``if``, a ``try``), ``""`` for
    none; ``signature`` is what tells it from another of its name.
    """

    qualified: str
    symbol: str
    kind: str
    lead: int
    start: int
    head: int
    end: int
    signature: str = ""
    decorators: tuple[str, ...] = ()
    block: str = ""

    @property
    def owner(self) -> str:
        """The qualified name of the definition around it, ``""`` for none."""
        return self.qualified.rpartition(".")[0]


def nodes(path: str, text: str) -> list[Node] | None:
    """Return the definitions in ``text`` in their order, outer ones before inner ones; those in functions are left out.

    Python is read by its own parser, other languages (and what that does not take) by tree-sitter. ``None``
    means that nothing is known: no grammar for the language, or it does not parse at all.
    """
    text = text.replace("\r\n", "\n")
    if "\r" in text:  # it would end lines for one parser and not for the other
        return None
    language = language_of(path, text[:200].encode("utf-8", "replace"))
    if language == "python" and (module := parsed(text)) is not None:
        return _python(module, text.split("\n"))
    return _by_grammar(language, text)


def parsed(text: str) -> ast.Module | None:
    """Return the syntax tree of a Python text, ``None`` when it has none."""
    return tree if isinstance(tree := python_tree(text), ast.Module) else None


def python_tree(text: str) -> ast.Module | Exception:
    """Return the syntax tree of a Python text, or what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error


def _python(module: ast.Module, lines: Sequence[str]) -> list[Node]:
    found: list[Node] = []
    todo: list[tuple[ast.AST, str, str]] = [(module, "", "")]
    while todo:
        node, prefix, block = todo.pop()
        for child, branch in _statements(node):
            if isinstance(child, _DEF):
                found.append(_python_node(child, prefix, block + branch, lines))
                if isinstance(child, ast.ClassDef):
                    todo.append((child, f"{prefix}{child.name}.", ""))
            elif any(hasattr(child, part) for part in _PARTS):
                told = ast.unparse(child.test) if isinstance(child, ast.If) else ""
                todo.append((child, prefix, f"{block}{branch}/{type(child).__name__} {told}"))
    return sorted(found, key=lambda one: (one.start, -one.end))


_PARTS = ("body", "handlers", "orelse", "finalbody", "cases")


def _statements(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield the statements in a statement, with the name of the part in which they are but for the first."""
    for name in _PARTS:
        part = getattr(node, name, None)
        for child in part if isinstance(part, list) else ():
            yield child, "" if name == "body" else f" {name}"


def _python_node(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, prefix: str, block: str, lines: Sequence[str]
) -> Node:
    decorators = tuple(ast.unparse(one) for one in node.decorator_list)
    start = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
    if isinstance(node, ast.ClassDef):
        kind, signature = CLASS, ", ".join(map(ast.unparse, node.bases))
    else:
        kind, signature = "method" if prefix else "function", ast.unparse(node.args)
    lead = _lead(lines, start)
    end = (node.end_lineno or node.lineno) - 1
    return Node(
        *(prefix + node.name, node.name, kind, lead, start, node.lineno - 1, end),
        *(signature, decorators, block),
    )


def _lead(lines: Sequence[str], start: int) -> int:
    """Return the row at which the comments begin that stand right above ``start``, as deep as it."""
    deep = indent_of(lines[start])
    lead = start
    while lead and lines[lead - 1].strip() and _is_remark(lines[lead - 1]):
        if indent_of(lines[lead - 1]) != deep:
            break
        lead -= 1
    return lead


def _is_remark(line: str) -> bool:
    return bool(_REMARK.match(line)) and not line.strip().startswith('"')


def indent_of(line: str) -> str:
    """Return the blanks at the beginning of a line."""
    return line[: len(line) - len(line.lstrip())]


def _by_grammar(language: str, text: str) -> list[Node] | None:
    """Return the definitions as tree-sitter sees them, values left out."""
    from selfimprove.codebase.chunks import syntax_tree
    from selfimprove.codebase.definitions import definitions
    from selfimprove.codebase.grammars import grammar_of

    grammar = grammar_of(language) if language else None
    if grammar is None:
        return None
    root, data, _ = syntax_tree(text, language, grammar)
    if root is None or root.type == "ERROR":
        return None
    lines, found = text.split("\n"), []
    for one in definitions(root, grammar, data):
        if one.kind == "module":
            continue
        start = one.start
        while start < one.head and (not lines[start].strip() or _is_remark(lines[start])):
            start += 1
        given = tuple(" ".join(line.split()) for line in lines[start : one.head])
        kind = "method" if one.kind == "function" and "." in one.qualified else one.kind
        found.append(
            Node(
                one.qualified,
                one.symbol,
                kind,
                one.start,
                start,
                one.head,
                one.end,
                one.signature[:200],
                given,
            )
        )
    return found


def words(lines: Iterable[str]) -> frozenset[str]:
    """Return the names that stand in ``lines``."""
    return frozenset(word for line in lines for word in re.findall(r"\w+", line))


def lost(before: Sequence[Node], after: Sequence[Node], named: frozenset[str]) -> list[str]:
    """Return the qualified names of the definitions that vanished though no edit named them.

    ``named`` are the names in the lines that the edits took or brought. What was in a definition that went is
    not counted by itself.
    """
    less = Counter(one.qualified for one in before) - Counter(one.qualified for one in after)
    names = {one.qualified: one for one in before}
    return [name for name in less if names[name].symbol not in named and names[name].owner not in less]


def doubled(before: Sequence[Node], after: Sequence[Node], lines: Sequence[str]) -> list[str]:
    """Return the qualified names that are now defined once more with the very same lines.

    Another branch of an ``if``, another signature, a property's setter and overloads are no second definition,
    nor is what stood there twice before. ``lines`` are those of the text after the edits.
    """
    had, has = Counter(map(_key, before)), Counter(map(_key, after))
    texts = Counter(_text(one, lines) for one in after)
    return list(
        dict.fromkeys(
            one.qualified
            for one in after
            if has[_key(one)] > max(1, had[_key(one)])
            and texts[_text(one, lines)] > 1
            and not meant_again(one)
        )
    )


def _text(node: Node, lines: Sequence[str]) -> tuple[str, str, str]:
    body = "\n".join(line.rstrip() for line in lines[node.start : node.end + 1])
    return node.qualified, node.block, body


def meant_again(node: Node) -> bool:
    """True when the decorators say that the name is defined again on purpose."""
    return any(re.split(r"\W+", one.partition("(")[0])[-1] in _AGAIN for one in node.decorators)


def _key(node: Node) -> tuple[str, str, str, tuple[str, ...]]:
    return node.qualified, node.block, node.signature, node.decorators
