"""Rules: what a test file that was just written must not hold, told from its syntax before anything runs."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.testing.moments import moments
from selfimprove.executor.vetoes.assertions import constant_truth
from selfimprove.executor.vetoes.change import Case, Change, calls, dotted, imports, parsed
from selfimprove.executor.vetoes.shapes import Function, shapes
from selfimprove.executor.vetoes.table import objections

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.model.task import Task

LONGEST = 60_000  # characters of a test file that a person would still read
_NETWORK = re.compile(
    r"^(requests|httpx|aiohttp|urllib3|urllib\.request|http\.client|ftplib|smtplib|telnetlib|paramiko|websockets?)\."
    r"|^socket\.(socket|create_connection|create_server)$|^asyncio\.(open_connection|start_server)$"
)
_SLEEPS = ("time.sleep", "asyncio.sleep", "trio.sleep", "anyio.sleep")
_LONG = 1.0  # seconds that a test may sleep
_MOVES = re.compile(
    r"^(os\.(remove|unlink|rename|replace|rmdir|makedirs|mkdir|truncate|chmod|symlink)|shutil\.\w+)$"
)
_PATH_WRITES = {
    "write_text",
    "write_bytes",
    "mkdir",
    "touch",
    "unlink",
    "rmdir",
    "rename",
    "replace",
    "symlink_to",
}


class Problem(NamedTuple):
    """One thing that is wrong with a test file: the ``point`` in a word, what is said of it, and in which tests.

    Without ``tests`` it is true of the file as a whole, and no test can be taken out to mend it. ``brief`` says it in
    a few words, for people.
    """

    point: str
    text: str
    tests: tuple[str, ...] = ()
    brief: str = ""

    def words(self) -> str:
        """Return what a commit says of it: on one line, without what only helps to mend it."""
        return " ".join((self.brief or f"{self.point}: {self.text}").split())[:200]


def problems_of(path: str, text: str, task: Task, names: Sequence[str]) -> list[Problem]:
    """Return what is wrong with the ``text`` of the new test file ``path``; ``names`` are the files that exist."""
    try:
        return _problems(path, text, task, names)
    except RecursionError:
        return [Problem("syntax", "An expression is nested too deeply: write it in fewer terms.")]


def _problems(path: str, text: str, task: Task, names: Sequence[str]) -> list[Problem]:
    if len(text) > LONGEST:
        return [Problem("size", f"The file has {len(text):,} characters; at most {LONGEST:,} are accepted.")]
    tree = parsed(text)
    if tree is None:
        return [Problem("syntax", _syntax(path, text))]
    found = shapes(tree)
    if not found.tests:
        return [
            Problem("collected", "There is no test in the file: a function whose name begins with test_.")
        ]
    rows = [Problem("skipped", "The whole file would be skipped.")] if found.skips else []
    for name, shape in found.tests.items():
        if shape.skips:
            rows.append(Problem("skipped", f"{name} would be skipped or expected to fail.", (name,)))
        if not shape.asserts:
            rows.append(Problem("asserts nothing", f"{name} asserts nothing.", (name,)))
    for point, line, said in (*_sights(tree), *moments(tree)):
        owner = owner_of(tree, line)
        rows.append(Problem(point, f"{path}:{line} {said}", (owner,) if owner in found.tests else ()))
    case = Case(task, (Change(path, None, text),), frozenset(names))
    # Where the file goes was not the model's choice.
    rows += [Problem("veto", one.message) for one in objections(case) if one.code != "outside_files"]
    return rows


def _syntax(path: str, text: str) -> str:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return f"The file is not Python: {path}:{error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"The file cannot be parsed: {error}"
    return "The file cannot be parsed."


def owner_of(tree: ast.Module, line: int) -> str:
    """Return the qualified name of the function of a module or a class that ``line`` stands in, ``""`` for none."""
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for one in inside:
            if isinstance(one, Function) and one.lineno <= line <= (one.end_lineno or line):
                return f"{prefix}{one.name}"
    return ""


def _sights(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """Yield a word, the line and what is said, for each thing that a test must not do."""
    names = imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and constant_truth(node.test) is True:
            yield "trivial", node.lineno, "asserts what is always true"
    for call in calls(tree):
        name = dotted(call.func, names)
        if _NETWORK.match(name):
            yield "network", call.lineno, f"reaches for the network: {name}"
        elif name in _SLEEPS and _number(call) > _LONG:
            yield "sleeps", call.lineno, f"sleeps longer than {_LONG:g} s"
        elif where := _written(call, name):
            yield "writes", call.lineno, f"would change {where[:60]}: tests write below tmp_path only"


def _number(call: ast.Call) -> float:
    value = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else 0
    return float(value) if isinstance(value, int | float) else 0.0


def _written(call: ast.Call, name: str) -> str:
    """Return the path, written out in the test, that a call would change; ``""`` for none."""
    if name in ("open", "io.open"):
        return _literal(call.args[0]) if call.args and set(_mode(call)) & set("wax+") else ""
    if _MOVES.match(name):
        return next((text for arg in call.args if (text := _literal(arg))), "")
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _PATH_WRITES:
        return ""
    made = call.func.value
    if isinstance(made, ast.Call) and made.args:
        return _literal(made.args[0]) if dotted(made.func).rpartition(".")[2] == "Path" else ""
    return ""


def _mode(call: ast.Call) -> str:
    """Return the mode in which a call of ``open`` opens its file."""
    said = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
    return next((text for one in said if (text := _literal(one))), "r")


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
