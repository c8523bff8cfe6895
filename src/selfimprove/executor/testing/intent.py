"""Intent: which test files a task asks for, whether a change is meant to alter what code does, and what it changed."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

from selfimprove.codebase.context import question, tidy
from selfimprove.executor.patching.paths import unsafe

if TYPE_CHECKING:
    from collections.abc import Collection

    from selfimprove.model.task import Task

MOST = 8
"""Test files that one task may name to have them written; a task with more is done as any other."""

_WORD = re.compile(r"[\w./-]+\.\w+")
_OTHER_WORK = re.compile(
    r"\b(fix|mend|repair|correct|implement|refactor|rename|remove|delete|replace|change|move|simplify|support|introduce)\b"
    r"|\b(add|create|write|make)\b(?:\s+\w+){0,2}\s+(function|class|method|module|option|feature|command|endpoint|file)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"\b(write|add|create|generate|make|cover|provide|extend)s?\b|^\s*\S+\s*$", re.IGNORECASE
)
_TITLED = re.compile(
    r"^\s*((cover|test)s?\b|(write|add|create|generate|make|provide|extend)s?\b.*test|\S+\s*$)", re.IGNORECASE
)
_TEST_FILE = re.compile(r"(^|/)(test_[^/]*|[^/]*_test|tests?)\.py$")
_ALTERS = {"features", "feature", "bug", "bugs", "fix", "security"}
_KEEPS = {
    *("refactor", "refactoring", "docs", "documentation", "style", "format", "formatting", "types", "typing"),
    *("chore", "cleanup", "performance", "tests", "test"),
}
_KEEPING = re.compile(
    r"\b(refactor|rename|simplify|extract|inline|tidy|clean ?up|reformat|document|comment|annotate|docstrings?"
    r"|type hints?|without changing (its|the|any)? ?behaviou?r)\b",
    re.IGNORECASE,
)


def named_tests(task: Task, known: Collection[str]) -> tuple[str, ...]:
    """Return the test files that ``task`` asks for and that are not among the ``known`` ones, if it asks for no more.

    Its ``files`` say it; where it has none, its words do, unless they also ask for another kind of work.
    """
    found = _named(task, known)
    return found if len(found) <= MOST else ()


def _named(task: Task, known: Collection[str]) -> tuple[str, ...]:
    if task.files:
        missing = tuple(path for path in map(tidy, task.files) if _is_new(path, known))
        return missing if len(missing) == len(task.files) else ()
    if (task.category or "").lower() not in ("test", "tests") and not _TITLED.search(task.title):
        return ()
    words = question(task)
    if _OTHER_WORK.search(words) or not (_ASKING.search(words) or _ASKING.search(task.title)):
        return ()
    paths = dict.fromkeys(word.strip(".").removeprefix("./") for word in _WORD.findall(words))
    return tuple(path for path in paths if _is_new(path, known))


def is_test_file(path: str) -> bool:
    """True for a path that pytest takes for a file of tests; ``testimonials.py`` and ``tester.py`` are none."""
    return _TEST_FILE.search(path) is not None


def _is_new(path: str, known: Collection[str]) -> bool:
    return is_test_file(path) and path not in known and not unsafe(path) and not re.search(r"[*?\[\]]", path)


def is_meant_to_alter(task: Task, *, said_unchanged: bool) -> bool:
    """True when code shall do something else after the change, so that a new test must fail without it.

    The task's category decides, then its words; what the model that wrote the tests says counts where both are silent.
    """
    category = (task.category or "").lower()
    if task.rewritable or task.source == "audit" or category in _KEEPS:
        return False
    if category in _ALTERS:
        return True
    return not (_KEEPING.search(task.title) or said_unchanged)


def is_code_changed(before: str, after: str) -> bool:
    """True when two texts of a Python file differ in more than comments, blanks and docstrings."""
    one, two = _bare(before), _bare(after)
    return before != after if one is None or two is None else one != two


def _bare(text: str) -> str | None:
    """Return what the code of a text is without docstrings, ``None`` for what does not parse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return _dumped(tree)


def _dumped(tree: ast.Module) -> str | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    try:
        return ast.dump(tree)
    except RecursionError:  # parsed all the same: a chain of some hundred branches
        return None
