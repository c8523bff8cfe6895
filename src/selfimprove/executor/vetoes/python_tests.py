"""Vetoes on Python tests: by syntax, test by test, what would be gone, skipped, checked less or expected otherwise."""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.files import is_named, is_test
from selfimprove.executor.vetoes.shapes import UNKNOWN, Function, Shape, Shapes, is_set_up, shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

_ALIKE = 0.5  # part of its statements that a renamed test must share with what it was


def python_tests(change: Change, case: Case) -> Iterator[Objection]:
    """Object to a changed Python test file in which existing tests are worth less than before."""
    if not (is_test(change.path) and change.is_python) or change.old is None:
        return
    before, after = change.trees()
    if not is_named(case.task, change.path) and not is_addition(before, after) and not _moved(change, case):
        yield change.objection(
            "tests_changed", "is a test that the task does not name, and not only added to"
        )
    if change.new is not None and change.new.strip() and after is None and before is not None:
        yield change.objection("tests_weakened", "is no longer Python")
        return
    old, new = shapes(before), shapes(after)
    if new.skips > old.skips:
        yield change.objection("tests_skipped", "would skip all its tests", _line(after, "skip"))
    yield from _tests(change, case, old, new)
    yield from _others(change, old, new)


def _moved(change: Change, case: Case) -> bool:
    """Return True for a file that was only renamed or moved."""
    if change.new is not None:
        return False
    return any(
        other.old is None and other.new == change.old and is_test(other.path) for other in case.changes
    )


def _tests(change: Change, case: Case, old: Shapes, new: Shapes) -> Iterator[Objection]:
    fresh = {name: shape for name, shape in new.tests.items() if name not in old.tests}
    for other in case.changes:
        if other is not change and is_test(other.path) and other.is_python:
            theirs = shapes(other.trees()[1]).tests
            known = shapes(other.trees()[0]).tests
            fresh |= {f"{other.path}:{name}": one for name, one in theirs.items() if name not in known}
    for name, was in old.tests.items():
        now = new.tests.get(name)
        if now is None and (now := _renamed(was, fresh)) is None:
            what = f"test {name} would be gone or no longer collected"
            yield change.objection("tests_weakened", what)
            continue
        if found := difference(was, now):
            code, text, line = found
            yield change.objection(code, f"{name} {text}", line)


def _renamed(was: Shape, fresh: dict[str, Shape]) -> Shape | None:
    """Take out of ``fresh`` the test that is ``was`` under another name, or in another file."""
    said = [one.said for one in was.asserts]
    best, found = 0.0, ""
    for name, shape in fresh.items():
        same_place = name.rpartition(":")[2].rpartition(".")[2] == was.name.rpartition(".")[2]
        matcher = difflib.SequenceMatcher(
            None, was.statements + tuple(map(str, said)), _texts(shape), autojunk=False
        )
        ratio = matcher.ratio() + same_place
        if ratio > best:
            best, found = ratio, name
    return fresh.pop(found) if best >= _ALIKE else None


def _texts(shape: Shape) -> tuple[str, ...]:
    return shape.statements + tuple(str(one.said) for one in shape.asserts)


def difference(was: Shape, now: Shape) -> tuple[str, str, int] | None:
    """Return how a test is worth less now: a word, what is said of it and the line; ``None`` when it is not."""
    if now.skips > was.skips:
        return "tests_skipped", "would be skipped, or expected to fail", now.line
    if UNKNOWN not in now.cases and sum(map(len, now.cases)) < sum(map(len, was.cases)):
        return "tests_weakened", f"would run with {_fewer(was, now)}", now.line
    if len(now.asserts) < len(was.asserts):
        lost = len(was.asserts) - len(now.asserts)
        return (
            "tests_weakened",
            f"would check less: {lost} assertion{'s' * (lost > 1)} gone or out of reach",
            now.line,
        )
    if was.statements and not was.asserts and not now.statements and not now.asserts:
        return "tests_weakened", "would do nothing", now.line
    if more := sorted((Counter(now.replaces) - Counter(was.replaces)).elements()):
        return "tests_weakened", f"would replace {more[0]} by something else", now.line
    return _assertions(was, now) or _cases(was, now)


def _fewer(was: Shape, now: Shape) -> str:
    one, two = sum(map(len, was.cases)), sum(map(len, now.cases))
    return f"{two} of {one} cases" if two else "none of its cases"


def _assertions(was: Shape, now: Shape) -> tuple[str, str, int] | None:
    """Compare the assertions that differ, each with the one that took its place."""
    one_by_one = [Counter(one.said for one in shape.asserts) for shape in (was, now)]
    gone = list((one_by_one[0] - one_by_one[1]).elements())
    come = list((one_by_one[1] - one_by_one[0]).elements())
    lines = {one.said: one.line for one in now.asserts}
    changed = None
    for one in gone:
        other = next((two for two in come if two[0] == one[0]), None) or next(iter(come), None)
        if other is None:
            continue
        come.remove(other)
        line = lines[other]
        if other[2] < one[2] or other[3] > one[3]:
            return "tests_weakened", f"would check {_text(other)} where it checked {_text(one)}", line
        if other[0] == one[0] and other[1] != one[1] and changed is None:
            changed = "tests_changed", f"would expect {other[1] or '?'} where it expected {one[1]}", line
    return changed


def _text(said: tuple[str, str, int, float]) -> str:
    text = f"{said[0]} against {said[1]}" if said[1] else said[0]
    return f"`{text[:60]}`"


def _cases(was: Shape, now: Shape) -> tuple[str, str, int] | None:
    gone = Counter([case for cases in was.cases for case in cases])
    come = Counter([case for cases in now.cases for case in cases])
    lost = [] if UNKNOWN in (*was.cases, *now.cases) else sorted((gone - come).elements())
    return ("tests_changed", f"would no longer run with {lost[0][:60]}", now.line) if lost else None


def _others(change: Change, old: Shapes, new: Shapes) -> Iterator[Objection]:
    """Object to fixtures, set-ups and helpers that do nothing any more."""
    for name, was in old.others.items():
        now = new.others.get(name)
        if now is None:
            if is_set_up(name):
                yield change.objection("tests_weakened", f"{name} would be gone")
        elif was.statements and not now.statements:
            yield change.objection("tests_weakened", f"{name} would do nothing any more", now.line)
        elif now.skips > was.skips:
            yield change.objection("tests_skipped", f"{name} would skip tests", now.line)
        elif was.asserts and (found := difference(was, replace(now, cases=was.cases, replaces=was.replaces))):
            yield change.objection(found[0], f"{name} {found[1]}", found[2])


def is_addition(before: ast.Module | None, after: ast.Module | None) -> bool:
    """Return True when all that was in a test file is still there as it was, and what came cannot change it."""
    if before is None:
        return True
    if after is None:
        return False
    return _only_added(before.body, after.body)


def _only_added(old: list[ast.stmt], new: list[ast.stmt]) -> bool:
    """Follow the old statements through the new ones; what stands between them must be harmless."""
    names = {node.id for one in old for node in ast.walk(one) if isinstance(node, ast.Name)}
    names |= {one.name for one in old if isinstance(one, ast.ClassDef | Function)}
    waiting = list(old)
    for node in new:
        if (waiting and _same(waiting[0], node)) or (waiting and _grown_import(waiting[0], node)):
            waiting.pop(0)
        elif not _harmless(node, names):
            return False
    return not waiting


def _same(old: ast.stmt, new: ast.stmt) -> bool:
    if isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef) and old.name == new.name:
        shells = [ast.dump(_shell(one)) for one in (old, new)]
        return shells[0] == shells[1] and _only_added(old.body, new.body)
    return ast.dump(old) == ast.dump(new)


def _shell(node: ast.ClassDef) -> ast.ClassDef:
    return ast.ClassDef(node.name, node.bases, node.keywords, [], node.decorator_list)


def _grown_import(old: ast.stmt, new: ast.stmt) -> bool:
    """Return True for an import of more names from the same module."""
    if not (isinstance(old, ast.ImportFrom) and isinstance(new, ast.ImportFrom)):
        return False
    had = {(one.name, one.asname) for one in old.names}
    return old.module == new.module and had <= {(one.name, one.asname) for one in new.names}


def _harmless(node: ast.stmt, names: set[str]) -> bool:
    """Return True for a new statement that no old test can notice."""
    if isinstance(node, Function | ast.ClassDef):
        hook = node.name.startswith(("pytest_", "__")) or is_set_up(node.name)
        unasked = any("autouse" in ast.unparse(one) for one in node.decorator_list)
        return not hook and not unasked and node.name not in names
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    bound = _binds(node)
    return bound is not None and not bound & (names | {"pytestmark", "pytest_plugins", "__test__"})


def _binds(node: ast.stmt) -> set[str] | None:
    """Return the names that an import or an assignment gives a meaning; ``None`` for anything else."""
    match node:
        case ast.Import():
            # `import x` again is what an old name means anyway.
            return {one.asname for one in node.names if one.asname}
        case ast.ImportFrom():
            return {one.asname or one.name for one in node.names}
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {one.id for one in targets if isinstance(one, ast.Name)}
            return names if len(names) == len(targets) else None
    return None


def _line(tree: ast.Module | None, word: str) -> int:
    return next((node.lineno for node in tree.body if word in ast.unparse(node)), 0) if tree else 0
