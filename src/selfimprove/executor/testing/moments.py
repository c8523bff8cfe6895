"""Moments: where a test's result hangs on the clock or on chance, told from its syntax."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.change import calls, dotted, imports
from selfimprove.executor.vetoes.shapes import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOCK = re.compile(
    r"^time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|localtime|gmtime)$"
    r"|^(datetime\.)?(datetime|date)\.(now|utcnow|today)$|^datetime\.datetime\.(now|utcnow|today)$"
)
_CHANCE = re.compile(
    r"^random\.(?!seed$|Random$|getstate$|setstate$)\w+$|^secrets\.\w+$|^uuid\.uuid[14]$|^os\.urandom$"
    r"|^numpy\.random\.(?!seed$|default_rng$|RandomState$)\w+$"
)
_SEEDS = ("random.seed", "numpy.random.seed")


def moments(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """Yield a word, the line and what is said of each place where a test asks for chance, or asserts on the clock.

    Random numbers are fine in a function that sets their seed; the time is, where no assertion hangs on it.
    """
    names = imports(tree)
    for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
        seeded = any(dotted(call.func, names) in _SEEDS for call in calls(function))
        for call in calls(function):
            name = dotted(call.func, names)
            if _CHANCE.match(name) and not seeded:
                yield "chance", call.lineno, f"depends on chance: {name}; give it a seed"
        yield from _on_the_clock(function, names)


def _on_the_clock(
    function: ast.FunctionDef | ast.AsyncFunctionDef, names: dict[str, str]
) -> Iterator[tuple[str, int, str]]:
    asked = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and _tells_time(node.value, names)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if not isinstance(node, ast.Assert | ast.If):
            continue
        used = {one.id for one in ast.walk(node.test) if isinstance(one, ast.Name)}
        if _tells_time(node.test, names) or used & asked:
            yield "clock", node.lineno, "depends on what time it is; use a fixed moment"


def _tells_time(node: ast.expr, names: dict[str, str]) -> bool:
    return any(_CLOCK.match(dotted(call.func, names)) for call in calls(node))
