"""Lookup: a chain that gives a constant for each of some constants, as a table at the top of the file."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.small.constants import is_constant, kind_of
from selfimprove.executor.refactor.small.layout import first_line, last_line
from selfimprove.executor.refactor.small.rounds import Change
from selfimprove.executor.refactor.small.runs import run_of
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.small.layout import Layout
    from selfimprove.executor.refactor.small.runs import Run
    from selfimprove.executor.refactor.small.suites import Suite
    from selfimprove.executor.refactor.source import Source

_FEWEST = 4  # branches, with the default
_VERBS = frozenset(
    ("get", "find", "to", "compute", "make", "lookup", "parse", "return", "is", "as", "determine")
)
_LINKS = frozenset(("by", "for", "from", "of"))


def as_table(layout: Layout, suite: Suite, index: int, project: Project, longest: int) -> Change | None:
    """Return the change that looks the result of the chain at ``index`` up in a dictionary.

    Every branch returns, or assigns to one target, a literal or a name that the module binds once; the name
    that is compared is surely a string or an integer, since another object may not be hashable; keys are all
    strings or all integers, and no key comes twice. The table stands before the function or class around.
    """
    run, source = run_of(layout, suite, index), layout.source
    if run is None or len(run.chain.arms) + 1 < _FEWEST or suite.function is None:
        return None
    home = _home(source, suite.function)
    if home is None or layout.has_notes(run.first.lineno, last_line(run.last)):
        return None
    if not _has_good_keys(source, suite.function, run):
        return None
    if not all(is_constant(source, project, home, one) for one in _results(run)):
        return None
    name = _name(suite.function, run)
    if name in project.words or re.search(rf"\b{name}\b", source.text):
        return None
    return _change(layout, run, name, home, longest)


def _has_good_keys(source: Source, function: FunctionNode, run: Run) -> bool:
    """True when all keys are of the kind that the subject surely has, and none comes twice."""
    keys = run.chain.values()
    kinds = {type(one) for one in keys}
    return (
        len(kinds) == 1
        and len(set(keys)) == len(keys)
        and kind_of(source, function, run.chain.subject) in kinds
    )


def _results(run: Run) -> list[ast.expr]:
    """Return what has to be constant: all values, and the default when it is not raised or the subject itself."""
    default = run.default
    if isinstance(default, ast.Raise) or (isinstance(default, ast.Name) and default.id == run.chain.subject):
        return [*run.values]
    return [*run.values, default]


def _home(source: Source, function: FunctionNode) -> ast.stmt | None:
    """Return the function or class at the top of the file that ``function`` is, or is in."""
    for node in source.tree.body:
        if first_line(node) <= function.lineno <= last_line(node):
            return node if isinstance(node, FunctionNode | ast.ClassDef) else None
    return None


def _name(function: FunctionNode, run: Run) -> str:
    """Return the table's name: what it gives, by what."""
    given = run.target.id if isinstance(run.target, ast.Name) else function.name
    words = [one for one in given.strip("_").lower().split("_") if one]
    subject = run.chain.subject.strip("_").lower()
    if words and words[0] in _VERBS and len(words) > 1:
        words = words[1:]
    if words and words[-1] == subject and len(words) > 1:
        words = words[:-1]
    while len(words) > 1 and words[-1] in _LINKS:
        words = words[:-1]
    return f"_{'_'.join(words)}_by_{subject}".upper()


def _change(layout: Layout, run: Run, name: str, home: ast.stmt, longest: int) -> Change | None:
    source = layout.source
    indent = source.indent(run.first.lineno)
    inner = source.indent(run.chain.arms[0].node.body[0].lineno)
    unit = inner.removeprefix(indent)
    rows = [
        f"{unit}{source.segment(key)}: {source.segment(value)},"
        for arm, value in zip(run.chain.arms, run.values, strict=True)
        for key in arm.keys
    ]
    lines = _use(source, run, name, indent, inner)
    if not unit.isspace() or any(len(one) > longest or "\n" in one for one in (*rows, *lines)):
        return None
    newline, above = source.newline, first_line(home)
    while above - 1 in layout.notes and source.indent(above - 1) == "":
        above -= 1
    if above <= 2:
        return None  # the encoding, or #!, may be told there
    table = newline.join((f"{name} = {{", *rows, "}", "", "", ""))
    start = source.starts[above - 1]
    end = layout.whole(run.first.lineno, last_line(run.last), newline.join((*lines, "")))
    return Change(end[0], end[1], (Splice(start, start, table), Splice(*end)))


def _use(source: Source, run: Run, name: str, indent: str, inner: str) -> list[str]:
    """Return the lines that look the result up."""
    subject = run.chain.subject
    before = f"{indent}{source.segment(run.target)} = " if run.target else f"{indent}return "
    if isinstance(run.default, ast.Raise):
        guard = [f"{indent}if {subject} not in {name}:", inner + source.segment(run.default)]
        return [*guard, f"{before}{name}[{subject}]"]
    none = isinstance(run.default, ast.Constant) and run.default.value is None
    default = "" if none else f", {source.segment(run.default)}"
    return [f"{before}{name}.get({subject}{default})"]
