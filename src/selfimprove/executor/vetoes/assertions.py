"""Assertions of Python tests: what each one says, how strictly, and which of them can be reached at all."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.change import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# How strictly an assertion binds its subject: 5 to one value, 1 to hardly anything.
_OPERATORS: dict[type[ast.cmpop], int] = {
    ast.Eq: 5,
    ast.Is: 5,
    ast.In: 3,
    ast.Lt: 3,
    ast.LtE: 3,
    ast.Gt: 3,
    ast.GtE: 3,
    ast.NotEq: 2,
    ast.NotIn: 2,
    ast.IsNot: 1,
}
_METHODS = {
    "assertTrue": 1,
    "assertFalse": 1,
    "assertIsNotNone": 1,
    "assertNotEqual": 2,
    "assertNotIn": 2,
    "assertIsNot": 2,
    "assertNotAlmostEqual": 2,
    "assertIsInstance": 2,
    "assertIn": 3,
    "assertGreater": 3,
    "assertGreaterEqual": 3,
    "assertLess": 3,
    "assertLessEqual": 3,
    "assertRegex": 3,
    "assertAlmostEqual": 4,
}
_RAISES = {
    "raises",
    "warns",
    "deprecated_call",
    "assertRaises",
    "assertRaisesRegex",
    "assertWarns",
    "assertLogs",
}
_BROAD = {"Exception", "BaseException", "AssertionError"}
_STOPS = {"pytest.skip", "pytest.fail", "pytest.xfail", "pytest.exit", "self.skipTest", "self.fail"}


@dataclass(frozen=True, slots=True)
class Assertion:
    """What one assertion says: ``subject`` (source of what is looked at), ``expected`` and its ``strength``."""

    subject: str
    expected: str
    strength: int
    line: int
    slack: float = 0.0

    @property
    def said(self) -> tuple[str, str, int, float]:
        """What it says, without its place."""
        return self.subject, self.expected, self.strength, self.slack


def assertions(
    body: Sequence[ast.stmt], helpers: Mapping[str, Sequence[Assertion]] | None = None
) -> list[Assertion]:
    """Return the assertions that statements reach, with those of the ``helpers`` that they call."""
    found: list[Assertion] = []
    for node in reached(body):
        if isinstance(node, ast.Assert):
            found += _of_expression(node.test, node.lineno)
        elif isinstance(node, ast.Call):
            found += _of_call(node)
            found += (helpers or {}).get(dotted(node.func).removeprefix("self.").removeprefix("cls."), ())
    return found


def reached(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of statements whose failure would be seen: not behind a return, nor where it is caught."""
    for statement in body:
        yield from _reached_in(statement)
        if _ends(statement):
            return


def _reached_in(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.If() | ast.While():
            yield from ast.walk(node.test)
            truth = constant_truth(node.test)
            yield from reached(node.body if truth is not False else ())
            yield from reached(node.orelse if truth is not True else ())
        case ast.For() | ast.AsyncFor():
            yield from ast.walk(node.iter)
            yield from reached(node.body if constant_truth(node.iter) is not False else ())
            yield from reached(node.orelse)
        case ast.Try():
            yield from _seen(node.body, caught=any(map(_swallows, node.handlers)))
            yield from reached(node.orelse)
            for handler in node.handlers:
                yield from reached(handler.body)
            yield from reached(node.finalbody)
        case ast.With() | ast.AsyncWith():
            for item in node.items:
                yield from ast.walk(item.context_expr)
            yield from _seen(node.body, caught=any(_suppresses(item.context_expr) for item in node.items))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield from reached(node.body)
        case _:
            yield from ast.walk(node)


def _seen(body: Sequence[ast.stmt], *, caught: bool) -> Iterator[ast.AST]:
    """Yield what statements reach, without their assertions where a failed one is caught."""
    return (node for node in reached(body) if not (caught and is_assertion(node)))


def is_assertion(node: ast.AST) -> bool:
    """Return True for a node that is an assertion by itself."""
    if isinstance(node, ast.Call):
        name = dotted(node.func).rpartition(".")[2]
        return name.startswith("assert") or name in _RAISES
    return isinstance(node, ast.Assert)


def constant_truth(node: ast.expr) -> bool | None:
    """Return whether a condition is always true or always false, ``None`` when it depends."""
    match node:
        case ast.Constant():
            return bool(node.value)
        case ast.UnaryOp(op=ast.Not()):
            inner = constant_truth(node.operand)
            return None if inner is None else not inner
        case ast.Tuple() | ast.List() | ast.Set():
            return bool(node.elts)
        case ast.JoinedStr():
            return True if any(isinstance(value, ast.Constant) for value in node.values) else None
        case ast.BoolOp():
            return _constant_choice(node)
        case ast.Compare(ops=[_]):
            return _constant_comparison(node)
    return False if dotted(node).rpartition(".")[2] == "TYPE_CHECKING" else None


def _constant_choice(node: ast.BoolOp) -> bool | None:
    parts = [constant_truth(value) for value in node.values]
    decisive = isinstance(node.op, ast.Or)
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def _constant_comparison(node: ast.Compare) -> bool | None:
    left, right, same = (
        node.left,
        node.comparators[0],
        isinstance(node.ops[0], ast.Eq | ast.Is | ast.LtE | ast.GtE),
    )
    pure = not any(isinstance(one, ast.Call | ast.Await) for one in ast.walk(left))
    if ast.dump(left) == ast.dump(right) and pure and same:
        return True
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant) and isinstance(node.ops[0], ast.Eq):
        return bool(left.value == right.value)
    return None


def _ends(node: ast.stmt) -> bool:
    """Return True for a statement behind which nothing of its block is reached."""
    if isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return dotted(node.value.func) in _STOPS
    if isinstance(node, ast.If) and constant_truth(node.test) is True:
        return any(map(_ends, node.body))
    return False


def _swallows(handler: ast.ExceptHandler) -> bool:
    """Return True when an ``except`` hides a failed assertion."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {dotted(kind).rpartition(".")[2] if kind else "BaseException" for kind in kinds}
    if not names & _BROAD:
        return False
    inside = [node for statement in handler.body for node in ast.walk(statement)]
    return not any(isinstance(node, ast.Raise) or is_assertion(node) or _fails(node) for node in inside)


def _fails(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in (
        "fail",
        "exit",
        "skip",
        "skipTest",
    )


def _suppresses(node: ast.expr) -> bool:
    """Return True for ``suppress(Exception)`` and ``raises(AssertionError)``: what fails inside is not seen."""
    if not isinstance(node, ast.Call) or dotted(node.func).rpartition(".")[2] not in (*_RAISES, "suppress"):
        return False
    kinds = [kind for arg in node.args for kind in (arg.elts if isinstance(arg, ast.Tuple) else [arg])]
    return any(dotted(kind).rpartition(".")[2] in _BROAD for kind in kinds)


def _of_expression(node: ast.expr, line: int, *, negated: bool = False) -> list[Assertion]:
    """Return the assertions that ``assert node`` makes; none when it always holds."""
    truth = constant_truth(node)
    if truth is not None and truth is not negated:
        return []
    match node:
        case ast.UnaryOp(op=ast.Not()):
            return _of_expression(node.operand, line, negated=not negated)
        case ast.BoolOp() if isinstance(node.op, ast.Or if negated else ast.And):
            return [one for value in node.values for one in _of_expression(value, line, negated=negated)]
        case ast.BoolOp():
            return [Assertion(ast.unparse(node), "", 1, line)]
        case ast.Compare(ops=[_]) if not negated:
            return [_of_comparison(node, line)]
    name = dotted(node.func) if isinstance(node, ast.Call) else ""
    text = ast.unparse(node)
    strength = 2 if negated or name.endswith("with") or name in ("isinstance", "all") else 1
    return [Assertion(f"not {text}" if negated else text, "", strength, line)]


def _of_comparison(node: ast.Compare, line: int) -> Assertion:
    right = node.comparators[0]
    strength = _OPERATORS[type(node.ops[0])]
    slack = _slack(right) or _slack(node.left)
    subject, expected = ast.unparse(_exact(node.left)), ast.unparse(_exact(right))
    if isinstance(node.left, ast.Constant) and strength == _OPERATORS[ast.Eq]:
        subject, expected = expected, subject
    return Assertion(subject, expected, min(strength, 4) if slack else strength, line, slack)


def _of_call(node: ast.Call) -> list[Assertion]:
    """Return what a call asserts: unittest's methods, ``raises`` and its like, functions called ``assert_...``."""
    name = dotted(node.func).rpartition(".")[2]
    if name in ("assertTrue", "assertFalse", "assert_") and node.args:
        return _of_expression(node.args[0], node.lineno, negated=name == "assertFalse")
    if name in _RAISES:
        return [_of_raises(node, name)]
    if not name.startswith("assert"):
        return []
    args = [ast.unparse(arg) for arg in node.args]
    if name == "assertEqual" and len({*args[:2]}) == 1 and not isinstance(node.args[0], ast.Call):
        return []
    slack = _tolerance(node)
    subject, expected = args[0] if args else name, ", ".join(args[1:])
    return [Assertion(subject, expected, _METHODS.get(name, 5), node.lineno, slack)]


def _tolerance(node: ast.Call) -> float:
    """Return what the arguments of an assertion's method let pass as equal."""
    given = {word.arg: _number(word.value) for word in node.keywords}
    places = [given[name] for name in ("places", "decimal") if name in given]
    slack = sum(given.get(name, 0.0) for name in ("delta", "atol", "rtol"))
    return slack + sum(math.pow(10, -one) for one in places)


def _of_raises(node: ast.Call, name: str) -> Assertion:
    kind = ast.unparse(node.args[0]) if node.args else ""
    match = next((ast.unparse(word.value) for word in node.keywords if word.arg == "match"), "")
    broad = not kind or kind.rpartition(".")[2] in _BROAD or kind.startswith("(")
    strength = (2 if broad else 4) + (bool(match) or name.endswith("Regex"))
    return Assertion(f"{name} {kind}", match, strength, node.lineno)


def _slack(node: ast.expr) -> float:
    """Return the tolerance of ``approx(...)``, a very small one where it says none, 0 for another value."""
    if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in ("approx", "isclose"):
        given = [_number(word.value) for word in node.keywords] + [_number(arg) for arg in node.args[1:]]
        return max(given, default=1e-6)
    return 0.0


def _exact(node: ast.expr) -> ast.expr:
    """Return the value that ``approx(...)`` stands around."""
    return node.args[0] if isinstance(node, ast.Call) and node.args and _slack(node) else node


def _number(node: ast.expr) -> float:
    try:
        return float(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, OverflowError):
        return 0.0
