"""The veto on code that knows the tests' answers: a table of exactly what they ask and expect."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.change import dotted, parsed
from selfimprove.executor.vetoes.files import is_test
from selfimprove.executor.vetoes.shapes import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

_LEAST = 3  # answers in a table; fewer can be a rule of the matter itself
_MOST = 400  # test files that are read

Pairs = frozenset[tuple[str, str]]


def known_answers(change: Change, case: Case) -> Iterator[Objection]:
    """Object to a function with a new table or chain of ``if`` that holds every answer of its tests and no other."""
    before, after = change.trees()
    if not change.is_python or is_test(change.path) or after is None:
        return
    old = _tables(before) if before else {}
    tables = {
        name: (pairs, line)
        for name, (pairs, line) in _tables(after).items()
        if pairs != old.get(name, ("",))[0]
    }
    if not tables:
        return
    asked = _asked(case, set(tables))
    for name, (pairs, line) in tables.items():
        if len(pairs) >= _LEAST and asked.get(name) and asked[name] == pairs:
            yield change.objection(
                "test_detection", f"{name} would know the tests' {len(pairs)} answers by heart", line
            )


def _tables(tree: ast.Module) -> dict[str, tuple[Pairs, int]]:
    """Return the constant answers of functions: from the dictionaries that they name, and their comparisons."""
    own = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = {}
    for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
        pairs: set[tuple[str, str]] = set()
        for node in ast.walk(function):
            table = own.get(node.id) if isinstance(node, ast.Name) else node
            if isinstance(table, ast.Dict):
                pairs |= _of_dict(table)
            elif isinstance(node, ast.If):
                pairs |= _of_if(node)
        if len(pairs) >= _LEAST:
            found[function.name] = (frozenset(pairs), function.lineno)
    return found


def _of_dict(node: ast.Dict) -> set[tuple[str, str]]:
    rows = [
        (_constant(key), _constant(value)) for key, value in zip(node.keys, node.values, strict=True) if key
    ]
    return {(key, value) for key, value in rows if key and value}


def _of_if(node: ast.If) -> set[tuple[str, str]]:
    """Return the answer of ``if x == 1: return 2``."""
    test, first = node.test, node.body[0]
    if not (isinstance(test, ast.Compare) and isinstance(first, ast.Return) and first.value):
        return set()
    if len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return set()
    key, value = _constant(test.comparators[0]), _constant(first.value)
    return {(key, value)} if key and value else set()


def _constant(node: ast.expr) -> str:
    """Return a literal as text (``(1,)`` like ``1``), ``""`` for what is none."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ""
    return repr(value[0] if isinstance(value, tuple) and len(value) == 1 else value)


def _asked(case: Case, names: set[str]) -> dict[str, Pairs]:
    """Return what the base's tests give to functions with these names, and what they expect of them."""
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in names}
    paths = sorted(path for path in case.names if is_test(path) and path.endswith(".py"))
    texts = [case.read(path) or "" for path in paths[:_MOST]]
    for text in texts:
        if any(name in text for name in names):
            _note_tests(found, parsed(text))
    return {name: frozenset(pairs) for name, pairs in found.items()}


def _note_tests(found: dict[str, set[tuple[str, str]]], tree: ast.Module | None) -> None:
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            _note(found, [node.test.left, *node.test.comparators])
        elif isinstance(node, ast.Call) and dotted(node.func).endswith("assertEqual"):
            _note(found, node.args)
        elif isinstance(node, Function):
            _note_cases(found, node)


def _note(found: dict[str, set[tuple[str, str]]], sides: list[ast.expr]) -> None:
    """Note ``f(1)`` and ``2`` of ``f(1) == 2``."""
    for one, other in (sides[:2], sides[:2][::-1]) if len(sides) > 1 else ():
        name = dotted(one.func).rpartition(".")[2] if isinstance(one, ast.Call) else ""
        if name in found and isinstance(one, ast.Call) and not one.keywords:
            key = _constant(ast.Tuple(one.args, ast.Load()))
            if key and (value := _constant(other)):
                found[name].add((key, value))


def _note_cases(
    found: dict[str, set[tuple[str, str]]], function: ast.FunctionDef | ast.AsyncFunctionDef
) -> None:
    """Note the cases of a parametrised test that calls one of the functions."""
    called = {
        dotted(node.func).rpartition(".")[2] for node in ast.walk(function) if isinstance(node, ast.Call)
    }
    for one in function.decorator_list:
        if not (isinstance(one, ast.Call) and dotted(one.func).endswith("parametrize") and len(one.args) > 1):
            continue
        for row in getattr(one.args[1], "elts", ()):
            if isinstance(row, ast.Tuple | ast.List) and len(row.elts) > 1:
                key = _constant(ast.Tuple(row.elts[:-1], ast.Load()))
                value = _constant(row.elts[-1])
                for name in called & found.keys():
                    found[name].add((key, value))
