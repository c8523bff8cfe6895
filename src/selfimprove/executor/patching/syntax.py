"""Syntax: whether a text still parses after an edit, by the means that its language has."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

from selfimprove.codebase.languages import language_of
from selfimprove.executor.patching.definitions import python_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNCHECKED = {"html", "svelte", "vue", "markdown", "rst", "asciidoc"}
"""Languages that templates fill, or in which nothing is wrong."""
_WHOLLY = {"javascript", "typescript", "tsx", "go", "rust", "java", "ruby", "csharp", "lua", "kotlin"}
"""Languages whose grammars take all that is right, so that a new file must parse too."""


def fault(path: str, before: str | None, after: str) -> str:
    """Return why ``after`` is worse than ``before``, in words for its author; ``""`` when it is not.

    ``before`` is ``None`` for a new file. What did not parse before (another Python, a template) need not parse
    now, but may not get worse: tree-sitter must not find more errors. A language without a parser is not checked.
    """
    language = language_of(path, after[:200].encode("utf-8", "replace"))
    if check := _CHECKS.get(language):
        wrong = check(after)
        if not wrong:
            return ""
        if before is None or not check(before):
            return f"{path} would not parse after this edit: {wrong}"
    if language in _UNCHECKED or (before is None and language not in _WHOLLY):
        return ""
    return _more_errors(path, language, before, after)


def _more_errors(path: str, language: str, before: str | None, after: str) -> str:
    """Return where tree-sitter finds errors that were not there, ``""`` when there are none, or it cannot tell."""
    now = errors(language, after)
    had = [] if before is None or not now else errors(language, before)
    if not now or had is None or len(now) <= len(had):
        return ""
    row = next((row for row in now if row not in had), now[0])
    line = after.replace("\r\n", "\n").split("\n")[row].strip()[:80]
    return f"{path} would not parse after this edit: line {row + 1}: {line!r} is not what its syntax expects there"


def errors(language: str, text: str) -> list[int] | None:
    """Return the rows (from 0) at which tree-sitter finds an error, ``None`` where it cannot tell."""
    from selfimprove.codebase.chunks import syntax_tree
    from selfimprove.codebase.grammars import grammar_of

    grammar = grammar_of(language)
    if grammar is None:
        return None
    root, _, _ = syntax_tree(text.replace("\r\n", "\n"), language, grammar)
    if root is None:
        return None
    rows: list[int] = []
    todo = [root]
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            rows.append(node.start_point[0])
        elif node.has_error:
            todo += reversed(node.children)
    return rows


def _python(text: str) -> str:
    tree = python_tree(text)
    if not isinstance(tree, Exception) or isinstance(tree, RecursionError | MemoryError):
        return ""
    line = getattr(tree, "lineno", None)
    at = f"line {line}: " if line else ""
    return f"{at}{getattr(tree, 'msg', tree)}"


def _json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        return str(error)
    except RecursionError:
        pass
    return ""


def _toml(text: str) -> str:
    try:
        tomllib.loads(text.replace("\r\n", "\n"))
    except ValueError as error:
        return str(error)
    except RecursionError:
        pass
    return ""


_CHECKS: Mapping[str, Callable[[str], str]] = {"python": _python, "json": _json, "toml": _toml}
"""What says with which words a text is wrong, ``""`` when it is right."""
