"""Importing: which files an import means, and which modules of a graph lead back to themselves."""

from __future__ import annotations

import posixpath
from collections import defaultdict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from selfimprove.codebase.measure.record import Import

_ROOTS = ("", "src", "lib")  # where packages without an __init__.py are looked for


class Places:
    """Which file a module's name means. Names are looked up as Python does, root by root."""

    def __init__(self, paths: Mapping[str, object], roots: Sequence[str] = ()) -> None:
        self.paths = paths
        self._folders = {posixpath.dirname(path) for path in paths if path.split("/")[-1] == "__init__.py"}
        self._outer: dict[str, str] = {}
        self._called = {name for path in paths if path.endswith(".py") for name in self._top_names(path)}
        packages = {self.root(path) for path in paths if posixpath.dirname(path) in self._folders}
        self._roots = list(dict.fromkeys((*map(_declared, roots), *_ROOTS)))
        self._tops: dict[str, list[str]] = defaultdict(list)
        for folder in sorted(self._folders):
            parent, name = posixpath.split(folder)
            if parent in packages and parent not in self._roots:
                self._tops[name].append(parent)

    def root(self, path: str) -> str:
        """Return the folder around the outermost package that ``path`` is in, or its own folder."""
        start = folder = posixpath.dirname(path)
        if start not in self._outer:
            while folder in self._folders and folder:
                folder = posixpath.dirname(folder)
            self._outer[start] = folder
        return self._outer[start]

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

    def has_name(self, name: str) -> bool:
        """True when an import of ``name`` may mean a file or a package of the project, whatever ``sys.path`` has."""
        return name in self._called

    def _top_names(self, path: str) -> Iterator[str]:
        """Yield what is outermost around ``path``: its package or itself, and the folders around that."""
        root = self.root(path)
        yield path[len(root) :].lstrip("/").partition("/")[0].removesuffix(".py")
        yield from filter(None, root.split("/"))

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


def _declared(root: str) -> str:
    """Return a folder as a configuration names it, from the top: ``""`` for the top itself."""
    return "" if root.strip("/") == "." else root.strip("/").removeprefix("./").replace("\\", "/")


def load_edges(path: str, imports: Iterable[Import], places: Places) -> dict[str, int]:
    """Return the files that must be loaded for ``path``, each with the line of the first import that says so."""
    found: dict[str, int] = {}
    for one in imports:
        for target in targets(path, one, places):
            if target != path:
                found.setdefault(target, one.line)
    return found


def targets(path: str, one: Import, places: Places) -> Iterator[str]:
    """Yield the files that the import ``one`` in ``path`` needs: packages around it, the module, the submodule."""
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


def _packages(base: str, top: str, places: Places) -> Iterator[str]:
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
