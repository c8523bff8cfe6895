"""Import cycles: what an edge is, which cycle is shown, and that Python stumbles over what is found."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.model.finding import Finding, Severity
from selfimprove.reflector.cycles import components, find_cycles, shortest_cycle
from selfimprove.reflector.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path


def found(files: dict[str, str], roots: tuple[str, ...] = (), **more: object) -> list[Finding]:
    """The findings in files of that text."""
    measured = {path: measure(text.encode(), extra=True) for path, text in files.items()}
    return find_cycles(measured, Policy(select=("SI202",), **more), roots)  # type: ignore[arg-type]


def way(finding: Finding) -> str:
    """The cycle that the message shows."""
    return finding.message.partition(": ")[2].partition(" is its")[0]


def test_a_cycle_is_told_with_its_way_place_and_size() -> None:
    files = {
        "a.py": "import os\nimport b\n",
        "b.py": "import c\n",
        "c.py": "from a import x\n",
        "d.py": "import a\n",
    }
    (one,) = found(files)
    assert (one.rule, one.path, one.line, one.symbol) == ("SI202", "a.py", 2, "")
    assert (one.value, one.limit, one.severity) == (3, 1, Severity.WARNING)
    assert one.message == "3 modules import each other in a circle: a -> b -> c -> a"
    assert (
        "First remove the import of b in a.py:2; then none of them is in a circle any more" in one.suggestion
    )


def test_the_shortest_way_is_shown_and_what_breaks_most_is_named() -> None:
    files = {
        "a.py": "import b\n",
        "b.py": "import c\n",
        "c.py": "import a, d\n",
        "d.py": "import c\n",
        "x.py": "import y\n",
        "y.py": "import x\n",
    }
    one, two = found(files)
    assert (one.value, way(one)) == (4, "c -> d -> c")
    assert one.path == "c.py"
    assert "3 modules then still are in a circle" in one.suggestion
    assert way(two) == "x -> y -> x"


@pytest.mark.parametrize(
    ("init", "sub", "cycle"),
    [
        ("from .sub import f", "import pkg", ""),  # pkg is being loaded already
        ("from .sub import f", "import pkg.other", ""),
        ("from .sub import f", "from . import other", ""),
        ("from .sub import f", "from pkg import other", ""),
        ("from .sub import f", "from pkg.other import g", ""),
        ("from .sub import f", "from . import name", "pkg -> pkg.sub -> pkg"),
        ("from . import sub", "from pkg import name", "pkg -> pkg.sub -> pkg"),
        ("import pkg.sub", "from . import *", "pkg -> pkg.sub -> pkg"),
        ("", "from . import name", ""),
        ("from .sub import f", "def g():\n    from . import name", ""),
        ("from .sub import f", "if TYPE_CHECKING:\n    from . import name", ""),
        (
            "from .sub import f",
            "try:\n    from . import name\nexcept ImportError: pass",
            "pkg -> pkg.sub -> pkg",
        ),
        ("from .other import g", "from . import name", ""),
    ],
)
def test_a_package_and_its_modules(init: str, sub: str, cycle: str) -> None:
    files = {"pkg/__init__.py": init, "pkg/sub.py": sub, "pkg/other.py": ""}
    assert [way(one) for one in found(files)] == [cycle] * bool(cycle)


def test_loading_a_module_of_another_package_loads_that_package_first() -> None:
    files = {"a/__init__.py": "import b.c", "b/__init__.py": "import a", "b/c.py": ""}
    assert [way(one) for one in found(files)] == ["a -> b -> a"]


@pytest.mark.parametrize(
    "folder",
    ["", "src/", "lib/", "packages/one/", "a/deep/folder/"],
)
def test_packages_are_found_wherever_they_are(folder: str) -> None:
    files = {
        f"{folder}pkg/__init__.py": "",
        f"{folder}pkg/a.py": "from pkg.inner.b import x",
        f"{folder}pkg/inner/__init__.py": "",
        f"{folder}pkg/inner/b.py": "from ..a import y",
    }
    assert [way(one) for one in found(files)] == ["pkg.a -> pkg.inner.b -> pkg.a"]


def test_packages_without_init_are_found_below_roots() -> None:
    files = {"python/space/a.py": "import space.b", "python/space/b.py": "from space import a"}
    assert not found(files)
    assert [one.value for one in found(files, roots=("python",))] == [2]
    moved = {path.replace("python", "src"): text for path, text in files.items()}
    assert [way(one) for one in found(moved)] == ["space.a -> space.b -> space.a"]


def test_scripts_find_their_neighbours_and_nobody_else_s() -> None:
    files = {
        "one/main.py": "import tool",
        "one/tool.py": "import main",
        "two/main.py": "import tool",
        "two/tool.py": "",
        "tool.py": "",
    }
    assert [(one.path, one.value) for one in found(files)] == [("one/main.py", 2)]


def test_a_file_for_which_the_rule_is_off_is_not_followed() -> None:
    files = {"a.py": "import old", "old.py": "import a"}
    assert found(files)
    assert not found(files, per_path={"old.py": {"SI202": None}})


def test_a_module_that_imports_itself_is_no_circle() -> None:
    assert not found({"a.py": "import a\nfrom a import x\n"})


def test_python_fails_on_what_is_found_and_loads_what_is_not(tmp_path: Path) -> None:
    bad = {"pkg/__init__.py": "from .sub import f\nname = 1\n", "pkg/sub.py": "from . import name\nf = 1\n"}
    good = {"pkg/__init__.py": "from .sub import f\nname = 1\n", "pkg/sub.py": "import pkg\nf = 1\n"}
    for files, fails in ((bad, True), (good, False)):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text)
        done = subprocess.run(
            [sys.executable, "-B", "-c", "import pkg"], cwd=tmp_path, capture_output=True, check=False
        )
        assert (done.returncode != 0, bool(found(files))) == (fails, fails)


@pytest.mark.parametrize("seed", range(0, 150, 10))
def test_groups_and_shortest_cycles_of_random_graphs_are_those_of_plain_search(seed: int) -> None:
    for graph in map(random_graph, range(seed, seed + 10)):
        reach = {a: reached(a, graph) for a in graph}
        together = {frozenset({a, *(b for b in reach[a] if a in reach[b])}) for a in graph}
        groups = components(graph)
        assert {frozenset(group) for group in groups} == together
        for group in groups:
            cycle = shortest_cycle(graph, group)
            assert len(cycle) == min((length(a, graph) for a in group if a in reach[a]), default=0)
            assert all(b in graph[a] for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True))
            assert not cycle or cycle[0] == min(cycle)


def random_graph(seed: int) -> dict[str, dict[str, int]]:
    """Up to nine nodes with few edges."""
    chance = random.Random(seed)
    nodes = [f"n{number}" for number in range(chance.randint(2, 9))]
    return {a: {b: 1 for b in nodes if a != b and chance.random() < 0.2} for a in nodes}


def reached(start: str, graph: dict[str, dict[str, int]]) -> set[str]:
    """All that one or more steps lead to."""
    found: set[str] = set()
    todo = list(graph[start])
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += graph[node]
    return found


def length(start: str, graph: dict[str, dict[str, int]]) -> int:
    """The steps of the shortest way from ``start`` back to it."""
    steps, now = 1, set(graph[start])
    while start not in now:
        steps, now = steps + 1, {other for node in now for other in graph[node]}
    return steps


def test_a_long_chain_needs_no_deep_stack() -> None:
    graph = {str(number): {str((number + 1) % 5000): 1} for number in range(5000)}
    (group,) = components(graph)
    assert len(group) == 5000
