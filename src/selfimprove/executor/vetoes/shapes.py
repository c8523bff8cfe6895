"""Shapes: the tests that a Python file has for pytest or unittest, each with what makes it a test."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.assertions import Assertion, assertions, constant_truth, reached
from selfimprove.executor.vetoes.change import calls, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SKIP = re.compile(
    r"(^|\.)(skip|skipif|skip_if|xfail|skipIf|skipUnless|expectedFailure|skipTest|importorskip|SkipTest|Skipped|pytest\.exit)$"
)
_REPLACES = re.compile(
    r"(^|\.)(patch|patch\.object|patch\.dict|patch\.multiple|monkeypatch\.set(attr|item)|setattr)$"
)
_SET_UP = re.compile(
    r"^(setup|teardown|setUp|tearDown|setup_\w+|teardown_\w+|setUp\w+|tearDown\w+|asyncSetUp)$"
)
UNKNOWN = ("?",)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Shape:
    """One test, fixture or set-up: its qualified name, and what it asserts, skips, replaces and how often it runs.

    ``cases`` has one list of texts for each ``parametrize``; ``statements`` are those that are reached.
    """

    name: str
    line: int
    asserts: tuple[Assertion, ...] = ()
    skips: int = 0
    cases: tuple[tuple[str, ...], ...] = ()
    statements: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


@dataclass(slots=True)
class Shapes:
    """What a test file holds. ``skips`` counts what skips all of it."""

    tests: dict[str, Shape] = field(default_factory=dict)
    others: dict[str, Shape] = field(default_factory=dict)  # fixtures, set-ups and helpers
    skips: int = 0


def shapes(tree: ast.Module | None) -> Shapes:
    """Return what is in a test file; nothing when there is no tree."""
    found = Shapes()
    if tree is None:
        return found
    helpers = _helpers(tree)
    found.skips = _skips_all(tree.body)
    if not _says_no(tree.body):
        _collect(tree.body, "", found, helpers)
    return found


def _collect(
    body: Sequence[ast.stmt], prefix: str, found: Shapes, helpers: dict[str, list[Assertion]], skips: int = 0
) -> None:
    """Add the tests of a module or a class; a later binding of a name takes the earlier one away."""
    for node in _bindings(body):
        name = f"{prefix}{_bound(node)}"
        found.tests.pop(name, None)
        if isinstance(node, ast.ClassDef):
            for gone in [one for one in found.tests if one.startswith(f"{name}.")]:
                del found.tests[gone]
            if _is_collected(node):
                inner = helpers | _helpers(node)
                more = skips + _skips(node.decorator_list) + _skips_all(node.body)
                _collect(node.body, f"{name}.", found, inner, more)
        elif isinstance(node, Function):
            shape = _shape(node, name, helpers, skips)
            if node.name.startswith("test") and not _is_fixture(node):
                found.tests[name] = shape
            else:
                found.others[name] = shape


def _bindings(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield what gives names a meaning, also inside of conditions that can hold."""
    for node in body:
        if isinstance(node, ast.If):
            truth = False if _is_main(node.test) else constant_truth(node.test)
            yield from _bindings(node.body if truth is not False else ())
            yield from _bindings(node.orelse if truth is not True else ())
        elif isinstance(node, ast.Try):
            yield from _bindings([*node.body, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.With):
            yield from _bindings(node.body)
        elif _bound(node):
            yield node


def _bound(node: ast.stmt) -> str:
    """Return the name that a statement binds or deletes, ``""`` for none."""
    if isinstance(node, ast.ClassDef | Function):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
    return next((one.id for one in targets if isinstance(one, ast.Name)), "")


def _is_main(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def _is_collected(node: ast.ClassDef) -> bool:
    bases = [dotted(base) for base in node.bases]
    unit = any(base.endswith(("TestCase", "Tests", "Test")) for base in bases)
    if not (node.name.startswith("Test") or unit or bases) or _says_no(node.body):
        return False
    return unit or not any(isinstance(one, Function) and one.name == "__init__" for one in node.body)


def _says_no(body: Sequence[ast.stmt]) -> bool:
    """Return True for ``__test__ = False``."""
    return any(
        isinstance(node, ast.Assign) and _bound(node) == "__test__" and constant_truth(node.value) is False
        for node in body
    )


def _is_fixture(node: Function) -> bool:
    return any("fixture" in ast.unparse(one).partition("(")[0] for one in node.decorator_list)


def _shape(node: Function, name: str, helpers: dict[str, list[Assertion]], skips: int) -> Shape:
    own = {key: said for key, said in helpers.items() if key != node.name}
    nodes = list(reached(node.body))
    done = (ast.Call, ast.Assign, ast.AugAssign, ast.Yield)
    return Shape(
        name,
        node.lineno,
        tuple(assertions(node.body, own)),
        skips + _skips(node.decorator_list) + _skips_inside(node.body),
        tuple(_cases(node.decorator_list)),
        tuple(ast.dump(one) for one in nodes if isinstance(one, done)),
        tuple(_replaced([*nodes, *node.decorator_list])),
    )


def _replaced(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yield what calls of ``patch`` and ``setattr`` put something else in the place of."""
    for node in nodes:
        if isinstance(node, ast.Call) and node.args and _REPLACES.search(dotted(node.func)):
            yield ast.unparse(node.args[0])


def _skips_inside(body: Sequence[ast.stmt]) -> int:
    """Count the calls and exceptions in a function that skip its test."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    names = [dotted(node.func) for node in nodes if isinstance(node, ast.Call)]
    names += [dotted(node.exc) for node in nodes if isinstance(node, ast.Raise) and node.exc]
    return sum(1 for name in names if _SKIP.search(name))


def _skips(decorators: Sequence[ast.expr]) -> int:
    """Count the decorators, and the marks of single cases, that skip."""
    nodes = [
        node for one in decorators for node in ast.walk(one) if isinstance(node, ast.Attribute | ast.Name)
    ]
    return sum(1 for node in nodes if _SKIP.search(dotted(node)))


def _skips_all(body: Sequence[ast.stmt]) -> int:
    """Count what skips a whole module or class: ``pytestmark``, and calls outside of functions."""
    found = 0
    for node in body:
        if isinstance(node, ast.ClassDef | Function):
            continue
        if isinstance(node, ast.Assign) and _bound(node) not in ("pytestmark", ""):
            # A mark that is given a name skips nothing until it is used.
            found += sum(1 for call in calls(node) if dotted(call.func).endswith("importorskip"))
            continue
        names = [dotted(one) for one in ast.walk(node) if isinstance(one, ast.Attribute | ast.Name)]
        found += sum(1 for name in names if _SKIP.search(name))
    return found


def _cases(decorators: Sequence[ast.expr]) -> Iterator[tuple[str, ...]]:
    """Yield the cases of every ``parametrize``; :data:`UNKNOWN` where they are made elsewhere."""
    for one in decorators:
        if isinstance(one, ast.Call) and dotted(one.func).endswith("parametrize") and len(one.args) > 1:
            values = one.args[1]
            if isinstance(values, ast.List | ast.Tuple | ast.Set):
                yield tuple(ast.unparse(value) for value in values.elts)
            elif isinstance(values, ast.Dict):
                yield tuple(ast.unparse(value) for value in values.values)
            else:
                yield UNKNOWN


def _helpers(tree: ast.Module | ast.ClassDef) -> dict[str, list[Assertion]]:
    """Return the assertions of the functions that tests may call, by their names."""
    functions = [node for node in _bindings(tree.body) if isinstance(node, Function)]
    return {
        node.name: said
        for node in functions
        if not node.name.startswith("test") and not _is_fixture(node) and (said := assertions(node.body))
    }


def is_set_up(name: str) -> bool:
    """Return True for the name of a function that pytest or unittest calls by itself."""
    return _SET_UP.match(name.rpartition(".")[2]) is not None
