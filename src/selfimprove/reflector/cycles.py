"""Import cycles (SI202): modules that cannot be loaded without each other.

An edge leads from a module to each one that must be executed, or from which names are taken, while the module
itself is being loaded. Imports inside of functions, under ``if TYPE_CHECKING:`` and under
``if __name__ == "__main__":`` run later or never and are no edges. Loading ``a.b`` loads the package ``a``
first, so that is an edge too, except for modules inside of ``a``: they only run when ``a`` is being loaded
already. For the same reason a plain ``import a`` inside of ``a`` is no edge. ``from a import name`` there is
one, unless ``name`` is a submodule: it fails when ``a`` has not come to ``name`` yet.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from selfimprove.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selfimprove.codebase.measure.record import FileMetrics, Import
    from selfimprove.reflector.policy import Policy

    Graph = dict[str, dict[str, int]]  # file -> file that it imports -> line

RULE = "SI202"
_ROOTS = ("", "src", "lib")  # where packages without an __init__.py are looked for
_SHOWN = 12  # modules of a cycle that a message names


def find_cycles(
    measured: Mapping[str, FileMetrics], policy: Policy, roots: Sequence[str] = ()
) -> list[Finding]:
    """Return one finding for each group of modules of which every one leads to every other.

    ``roots`` are folders relative to the repository that hold packages, besides its top, ``src``, ``lib`` and
    the folder around every package. The message shows the shortest cycle; the finding is where its first
    import stands, in its alphabetically first module. Imports of files for which the rule is off are not
    followed.
    """
    places = _Places(measured, roots)
    graph: Graph = {
        path: _edges(path, metrics, places) if policy.limit(RULE, path) is not None else {}
        for path, metrics in sorted(measured.items())
    }
    found = [_finding(group, graph, places, policy) for group in components(graph) if len(group) > 1]
    return sorted(found, key=lambda finding: (finding.path, finding.line))


class _Places:
    """Which file a module's name means. Names are looked up as Python does, root by root."""

    def __init__(self, paths: Mapping[str, object], roots: Sequence[str]) -> None:
        self.paths = paths
        self._folders = {
            posixpath.dirname(path) for path in paths if posixpath.basename(path) == "__init__.py"
        }
        packages = {self.root(path) for path in paths if posixpath.dirname(path) in self._folders}
        declared = [root.strip("/").removeprefix("./").replace("\\", "/") for root in roots]
        self._roots = list(dict.fromkeys((*("" if one == "." else one for one in declared), *_ROOTS)))
        self._tops: dict[str, list[str]] = defaultdict(list)
        for folder in sorted(self._folders):
            parent, name = posixpath.split(folder)
            if parent in packages and parent not in self._roots:
                self._tops[name].append(parent)

    def root(self, path: str) -> str:
        """Return the folder around the outermost package that ``path`` is in, or its own folder."""
        folder = posixpath.dirname(path)
        while folder in self._folders and folder:
            folder = posixpath.dirname(folder)
        return folder

    def name(self, path: str) -> str:
        """Return the dotted name of the module in ``path``."""
        root = self.root(path)
        short = path.removeprefix(f"{root}/").removesuffix(".py").removesuffix("/__init__")
        for folder in sorted(self._roots, key=len, reverse=True):  # of packages without an __init__.py
            if folder and f"{root}/".startswith(f"{folder}/"):
                outer = path.removeprefix(f"{folder}/").removesuffix(".py").removesuffix("/__init__")
                return outer.replace("/", ".")
        return short.replace("/", ".")

    def file(self, base: str) -> str | None:
        """Return the file of the module or package at ``base``, a path without its ending."""
        whole = (f"{base}/__init__.py", f"{base}.py")
        return next((path for path in whole if path in self.paths), None)

    def bases(self, module: str, level: int, importer: str) -> list[str]:
        """Return where ``module`` may be, as paths without an ending; the first that is there counts."""
        parts = module.replace(".", "/")
        if level:
            folder = posixpath.dirname(importer)
            for _ in range(level - 1):
                folder = posixpath.dirname(folder)
            return [posixpath.join(folder, parts) if parts else folder]
        roots = (self.root(importer), *self._roots, *self._tops.get(module.partition(".")[0], ()))
        return [posixpath.join(root, parts) for root in dict.fromkeys(roots)]


def _edges(path: str, metrics: FileMetrics, places: _Places) -> dict[str, int]:
    """Return the files that must be loaded for ``path``, each with the line of the first import that says so."""
    found: dict[str, int] = {}
    for one in metrics.extra.imports if metrics.extra else ():
        for target in _targets(path, one, places):
            if target != path:
                found.setdefault(target, one.line)
    return found


def _targets(path: str, one: Import, places: _Places) -> Iterator[str]:
    inside = f"{posixpath.dirname(path)}/"
    for base in places.bases(one.module, one.level, path):
        submodule = places.file(f"{base}/{one.name}") if one.name else None
        module = places.file(base)
        if submodule is None and module is None:
            continue
        top = base if one.level else base.removesuffix(one.module.replace(".", "/"))
        packages = [file for file in _packages(base, top, places) if not inside.startswith(_folder(file))]
        yield from packages
        takes_a_name = one.name and submodule is None
        if module is not None and (takes_a_name or not _is_around(module, inside)):
            yield module
        if submodule is not None:
            yield submodule
        return


def _packages(base: str, top: str, places: _Places) -> Iterator[str]:
    """Yield the packages around ``base``, the outermost first."""
    folders = []
    folder = posixpath.dirname(base)
    while len(folder) > len(top.rstrip("/")):
        folders.append(folder)
        folder = posixpath.dirname(folder)
    for folder in reversed(folders):
        if f"{folder}/__init__.py" in places.paths:
            yield f"{folder}/__init__.py"


def _is_around(module: str, inside: str) -> bool:
    return module.endswith("/__init__.py") and inside.startswith(_folder(module))


def _folder(package: str) -> str:
    return package.removesuffix("__init__.py")


def components(graph: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    """Return the strongly connected components of ``graph``, each sorted (Tarjan, 1972; without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[list[str]] = []
    for start in graph:
        if start in index:
            continue
        work = [(start, iter(graph[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        waiting.add(start)
        while work:
            node, following = work[-1]
            for other in following:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    waiting.add(other)
                    work.append((other, iter(graph.get(other, ()))))
                    break
                if other in waiting:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    found.append(sorted(_cut(stack, node)))
                    waiting.difference_update(found[-1])
    return found


def _cut(stack: list[str], node: str) -> list[str]:
    """Take ``node`` and what is above it off ``stack``."""
    at = stack.index(node)
    taken = stack[at:]
    del stack[at:]
    return taken


def shortest_cycle(graph: Mapping[str, Mapping[str, int]], group: Sequence[str]) -> list[str]:
    """Return the shortest cycle within ``group``, begun at its first node; of equals the first by name.

    A breadth-first search from every node, no deeper than the best cycle so far.
    """
    inside = set(group)
    best: list[str] = []
    for start in sorted(group):
        if len(best) == 2:
            break
        cycle = _back_to(start, graph, inside, len(best))
        if cycle and (not best or len(cycle) < len(best)):
            best = cycle
    return best


def _back_to(start: str, graph: Mapping[str, Mapping[str, int]], inside: set[str], bound: int) -> list[str]:
    before = {start: ""}
    depth = {start: 1}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        if bound and depth[node] >= bound:
            break
        for other in sorted(inside.intersection(graph[node])):
            if other == start:
                path = [node]
                while before[path[-1]]:
                    path.append(before[path[-1]])
                return path[::-1]
            if other not in before:
                before[other] = node
                depth[other] = depth[node] + 1
                queue.append(other)
    return []


def _finding(group: Sequence[str], graph: Graph, places: _Places, policy: Policy) -> Finding:
    cycle = shortest_cycle(graph, group)
    edges = list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    names = [places.name(path) for path in (*cycle, cycle[0])]
    if len(names) > _SHOWN:
        names[_SHOWN - 1 : -1] = ["..."]
    path, line = cycle[0], graph[cycle[0]][edges[0][1]]
    message = f"{len(group)} modules import each other in a circle: {' -> '.join(names)}"
    if len(group) > len(cycle):
        message += f" is its shortest way, and {len(group) - len(cycle)} more modules are in it"
    limit = policy.limit(RULE, path)
    return Finding(
        rule=RULE,
        path=path,
        line=line,
        end_line=line,
        symbol="",
        severity=Severity.WARNING,
        value=len(group),
        limit=1 if limit is None else limit,
        message=message,
        suggestion=_suggestion(group, edges, graph, places),
    )


def _suggestion(group: Sequence[str], edges: Sequence[tuple[str, str]], graph: Graph, places: _Places) -> str:
    """Return which of ``edges`` to break first: the one after which the least modules are left in a circle."""
    (start, end), left = min(
        ((edge, _left_after(edge, group, graph)) for edge in edges), key=lambda pair: pair[1]
    )
    rest = (
        f"{left} modules then still are in a circle" if left else "then none of them is in a circle any more"
    )
    return (
        f"First remove the import of {places.name(end)} in {start}:{graph[start][end]}; {rest}. Move what both "
        "modules need into a third one, import inside of the function that needs it, or under "
        "`if TYPE_CHECKING:` when only annotations do. Behaviour and public names stay as they are."
    )


def _left_after(edge: tuple[str, str], group: Sequence[str], graph: Graph) -> int:
    """Return how many modules of ``group`` are still in a cycle without ``edge``."""
    inside = set(group)
    rest = {
        node: {other: 0 for other in graph[node] if other in inside and (node, other) != edge}
        for node in group
    }
    return sum(len(one) for one in components(rest) if len(one) > 1)
