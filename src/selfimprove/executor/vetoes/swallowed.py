"""The veto on errors that are hidden instead of mended: old code put under an except that lets everything pass."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.change import dotted
from selfimprove.executor.vetoes.files import is_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

_ALL = {"Exception", "BaseException"}


def swallowed(change: Change, _case: Case) -> Iterator[Objection]:
    """Object to a new ``try`` around statements that stood without one, when it ends in silence."""
    before, after = change.trees()
    if not change.is_python or before is None or after is None or is_test(change.path):
        return
    free = _statements(before)
    silent = {ast.dump(node) for node in ast.walk(before) if isinstance(node, ast.Try)}
    for node in ast.walk(after):
        if not isinstance(node, ast.Try) or ast.dump(node) in silent or not any(map(_silent, node.handlers)):
            continue
        inside = [ast.dump(one) for one in node.body]
        if inside and all(text in free for text in inside):
            yield change.objection(
                "swallowed", "would hide every error of code that is there already", node.lineno
            )
            return


def _statements(tree: ast.Module) -> set[str]:
    """Return the statements that stand directly in functions, not yet in a ``try``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Try):
            for part in ("body", "orelse"):
                inner = getattr(node, part, ())
                found |= {ast.dump(one) for one in inner} if isinstance(inner, list) else set()
    return found


def _silent(handler: ast.ExceptHandler) -> bool:
    """Return True for a handler of everything that says nothing: pass, or a constant to return."""
    if handler.type is not None and dotted(handler.type) not in _ALL:
        return False
    return all(
        isinstance(one, ast.Pass | ast.Continue)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        or (
            isinstance(one, ast.Return)
            and (one.value is None or isinstance(one.value, ast.Constant | ast.List | ast.Dict))
        )
        for one in handler.body
    )
