"""Vetoes on Python code that deals with being tested instead of with its task: by syntax, what came new."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.change import calls, dotted, imports
from selfimprove.executor.vetoes.files import is_test
from selfimprove.executor.vetoes.shapes import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

Sight = tuple[str, str, int]  # the word, what is said, the line

_ASKING = re.compile(
    r"^(PYTEST_(CURRENT_TEST|VERSION|XDIST_\w+|RUN_\w+)|_called_from_(py)?test|COVERAGE_RUN)$"
)
_FILES = re.compile(
    r"(^|/)(conftest|sitecustomize|usercustomize)(\.py)?$|^PYTEST_(ADDOPTS|PLUGINS|DISABLE_\w+)$|^PYTHON(OPTIMIZE|STARTUP)$"
    r"|(^|/)\.?pytest\.(ini|toml)$|(^|/)test_?\*(\.py)?$|(^|/)tests?/test_\w+\.py$"
)
_RUNNER = re.compile(r"^(pytest|_pytest|unittest|pluggy|builtins|__builtins__|doctest|nose|hypothesis)(\.|$)")
_EXITS = {"os._exit", "os.abort", "os.kill", "os.killpg", "signal.raise_signal"}
_LEAVES = {"sys.exit", "exit", "quit"}
_RUNTIME = {
    *("gc.get_objects", "gc.get_referrers", "ctypes.pythonapi", "sys.settrace", "sys.setprofile"),
    *("sys.addaudithook", "threading.settrace", "threading.setprofile"),
}
_DECODES = re.compile(
    r"(^|\.)(b64decode|b32decode|b16decode|b85decode|a85decode|unhexlify|fromhex|decompress|rot13|loads|decode)$"
)
_NETWORK = re.compile(
    r"^(requests|httpx|aiohttp|urllib\.request|urllib3|socket|ftplib|smtplib|telnetlib|paramiko)\."
)
_ALWAYS = {"__eq__": True, "__ne__": False, "__contains__": True}


def tricks(change: Change, _case: Case) -> Iterator[Objection]:
    """Object to what the new code does of these kinds and the old code did not, or not so often."""
    before, after = change.trees()
    if not change.is_python or after is None:
        return
    for find in FINDERS:
        had = Counter((word, text) for word, text, _ in (find(before, imports(before)) if before else ()))
        seen: Counter[tuple[str, str]] = Counter()
        for word, text, line in find(after, imports(after)):
            seen[word, text] += 1
            if seen[word, text] > had[word, text]:
                yield change.objection(word, text, line)
                break
    yield from _network(change, before, after)


def asking(tree: ast.Module, names: dict[str, str]) -> Iterator[Sight]:
    """Code that asks whether a test is running."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ASKING.match(node.value):
            yield "test_detection", f"would ask whether it is tested: {node.value}", node.lineno
        elif isinstance(node, ast.Attribute) and _ASKING.match(node.attr):
            yield "test_detection", f"would ask whether it is tested: {node.attr}", node.lineno
        elif isinstance(node, ast.expr) and (_asks_modules(node, names) or _gets_module(node, names)):
            yield "test_detection", "would ask whether a test runner is loaded", node.lineno
        elif isinstance(node, Function) and _looks_up(node, names):
            yield "test_detection", "would ask who calls it, and whether that is a test", node.lineno


def _asks_modules(node: ast.AST, names: dict[str, str]) -> bool:
    """Return True for ``"pytest" in sys.modules`` and for a look at ``sys.argv``."""
    words = {
        one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    places = {dotted(one, names) for one in ast.walk(node) if isinstance(one, ast.Attribute | ast.Name)}
    runner = any(re.search(r"^_?(py\.?test|unittest|nose|xdist|coverage)\b", word) for word in words)
    return runner and bool(places & {"sys.modules", "sys.argv", "os.environ", "sys.orig_argv"})


def _gets_module(node: ast.AST, names: dict[str, str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
    return dotted(node.func, names) == "sys.modules.get" and first in (
        "pytest",
        "_pytest",
        "unittest",
        "nose",
    )


def _looks_up(node: ast.FunctionDef | ast.AsyncFunctionDef, names: dict[str, str]) -> bool:
    """Return True for a function that walks the stack and knows the word test."""
    frames = {"inspect.stack", "inspect.currentframe", "sys._getframe", "traceback.extract_stack"}
    if not any(dotted(call.func, names) in frames for call in calls(node)):
        return False
    words = [
        one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return any(re.search(r"^(py)?tests?(_|\.|$)|^test|/tests?/", word) for word in words)


def tampering(tree: ast.Module, names: dict[str, str]) -> Iterator[Sight]:
    """Code that changes the test runner, the built-in functions, or modules under their names."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            yield from _target(target, names)
        if isinstance(node, ast.Call):
            yield from _setter(node, names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _FILES.search(node.value):
            yield "test_tampering", f"would speak of {node.value}", node.lineno
        elif isinstance(node, ast.Attribute) and dotted(node, names) in ("sys.meta_path", "sys.path_hooks"):
            yield "test_tampering", f"would change how modules are found: {dotted(node, names)}", node.lineno
        elif isinstance(node, ast.Import | ast.ImportFrom) and _private(node):
            yield "test_tampering", "would reach into the test runner: _pytest", node.lineno


def _target(target: ast.expr, names: dict[str, str]) -> Iterator[Sight]:
    while isinstance(target, ast.Subscript):
        if dotted(target.value, names) == "sys.modules":
            yield "test_tampering", "would replace a module in sys.modules", target.lineno
            return
        target = target.value
    name = dotted(target, names)
    if isinstance(target, ast.Attribute) and _RUNNER.match(name):
        yield "test_tampering", f"would replace {name}", target.lineno


def _setter(node: ast.Call, names: dict[str, str]) -> Iterator[Sight]:
    """See ``setattr(pytest, ...)``, ``sys.modules.update(...)`` and what reads or changes the running program."""
    name = dotted(node.func, names)
    first = dotted(node.args[0], names) if node.args else ""
    if name in ("setattr", "delattr", "mock.patch.object") and _RUNNER.match(first):
        yield "test_tampering", f"would replace parts of {first}", node.lineno
    elif name in ("sys.modules.update", "sys.modules.pop", "sys.modules.setdefault", "sys.modules.clear"):
        yield "test_tampering", "would replace a module in sys.modules", node.lineno
    elif name in ("globals", "vars") and first and _RUNNER.match(first):
        yield "test_tampering", f"would reach into {first}", node.lineno
    elif name in _RUNTIME or name.startswith("ctypes.pythonapi."):
        yield "test_tampering", f"would reach into the running program: {name}", node.lineno


def _private(node: ast.Import | ast.ImportFrom) -> bool:
    modules = [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return any(module.partition(".")[0] == "_pytest" for module in modules)


def exits(tree: ast.Module, names: dict[str, str]) -> Iterator[Sight]:
    """Code that ends the process in a way that hides what it was about to report."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func, names) in _EXITS:
            yield "early_exit", f"would end the process: {dotted(node.func, names)}", node.lineno
    for statement in _at_import(tree.body):
        for node in ast.walk(statement):
            if isinstance(node, ast.Call | ast.Raise) and _leaves(node, names):
                yield "early_exit", "would end the process when it is imported", node.lineno
            elif isinstance(node, ast.Attribute | ast.Name) and dotted(node, names) == "atexit.register":
                yield "early_exit", "would do something at the end of whoever imports it", node.lineno


def _leaves(node: ast.Call | ast.Raise, names: dict[str, str]) -> bool:
    if isinstance(node, ast.Raise):
        return "SystemExit" in ast.unparse(node)
    return dotted(node.func, names) in _LEAVES


def _at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the simple statements that run on import, without those of a program's own start."""
    for node in body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.If | ast.For | ast.While | ast.With | ast.Try):
            yield from _at_import(list(_statements(node)))
        elif isinstance(node, ast.ClassDef):
            yield from _at_import(node.body)
        elif isinstance(node, Function):
            yield from (ast.Expr(one, lineno=one.lineno, col_offset=0) for one in node.decorator_list)
        else:
            yield node


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    for part in ("body", "orelse", "finalbody"):
        yield from getattr(node, part, ())
    for handler in getattr(node, "handlers", ()):
        yield from handler.body


def always_equal(tree: ast.Module, _names: dict[str, str]) -> Iterator[Sight]:
    """Objects that no comparison can tell from what a test expects."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and node.name in _ALWAYS:
            body = [
                one
                for one in node.body
                if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
            ]
            if body and isinstance(body[0], ast.Return) and _is(body[0].value, _ALWAYS[node.name]):
                yield "always_equal", f"would be equal to everything: {node.name}", node.lineno
        elif isinstance(node, ast.Assign | ast.Call):
            yield from _always_lambda(node)


def _always_lambda(node: ast.Assign | ast.Call) -> Iterator[Sight]:
    values = [node.value] if isinstance(node, ast.Assign) else [*node.args]
    text = ast.unparse(node)
    for value in values:
        found = [one for one in ast.walk(value) if isinstance(one, ast.Lambda) and _is(one.body, True)]
        if found and "__eq__" in text:
            yield "always_equal", "would be equal to everything: __eq__", node.lineno
            return


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def obfuscated(tree: ast.Module, names: dict[str, str]) -> Iterator[Sight]:
    """Code that is made of data: what is executed there nobody has read."""
    for call in calls(tree):
        if dotted(call.func, names) not in (
            "exec",
            "eval",
            "compile",
            "__import__",
            "builtins.exec",
            "marshal.loads",
        ):
            continue
        inner = [one for arg in call.args for one in calls(arg)]
        decoded = any(
            _DECODES.search(_last(one)) or _last(one) in ("chr", "reversed", "join") for one in inner
        )
        named = {one.id for arg in call.args for one in ast.walk(arg) if isinstance(one, ast.Name)}
        if decoded or dotted(call.func, names) == "marshal.loads" or named & _decoded_names(tree):
            yield "obfuscated", "would execute code that it decodes first", call.lineno


def _last(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else dotted(call.func)


def _decoded_names(tree: ast.Module) -> set[str]:
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(_last(one) in ("b64decode", "unhexlify", "decompress", "b85decode") for one in calls(node))
        for target in node.targets
        if isinstance(target, ast.Name)
    }


FINDERS = (asking, tampering, exits, always_equal, obfuscated)


def _network(change: Change, before: ast.Module | None, after: ast.Module) -> Iterator[Objection]:
    """Object to a test that asks another machine: no proof, and a way out for what the tests see."""
    if not is_test(change.path):
        return
    known = _outside(before) if before else Counter()
    for url, line in _outside_lines(after):
        if url not in known:
            yield change.objection("network", f"would reach for the network: {url[:60]}", line)
            return


def _outside(tree: ast.Module) -> Counter[str]:
    return Counter(url for url, _ in _outside_lines(tree))


def _outside_lines(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the addresses of other machines that calls of network libraries are given."""
    names = imports(tree)
    for call in calls(tree):
        if not _NETWORK.match(dotted(call.func, names)):
            continue
        for node in ast.walk(call):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                continue
            host = re.match(r"(?:\w+://)?([\w-]+(?:\.[\w-]+)+)(?:[:/]|$)", node.value)
            if host and not re.search(
                r"^127\.|^0\.0|localhost|example|\.(test|invalid|local)$|testserver|^\d+\.\d+$", host[1]
            ):
                yield node.value, node.lineno
